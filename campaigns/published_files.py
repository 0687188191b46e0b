"""Every file of a trained network in the reference data, in every body that can be exact; one table.

    python campaigns/published_files.py FOLDER [--rows 10000] [--build-minutes 15] [--only NAME ..]

The stored outputs of a file, where it has some, are held against the graph and each body; then its own framework, the
emulator in C++, hls4ml's C simulation and the simulated Verilog (constant weights; loadable ones, folded as little as
is allowed, where constant ones are refused) compute the same random rows, and every code is compared. What refuses a
graph is listed with its reason, and so is a build that would take longer, by its estimate, than is allowed. What came
of each is kept in FOLDER: started again, the script goes on. Exit 1 if a code differs.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "plug"))
from qcompress.errors import Refused
from qcompress.files import write_json
from qcompress.fixedpoint import Format
from qcompress.frontends import load_model
from qcompress.graph import Graph
from qcompress.targets import Target, choose
from qcompress.verification import standard_inputs, verify

FORMATS = {
    "public/cifar10_tiny.h5": "ufixed<8,0>",
    "public/hq_qconv2dbn.h5": "fixed<16,6>",
    "public/cicada_v1.keras": "ufixed<10,10>",
    "public/smartpix.h5": "fixed<8,4>",
    "public/ad03_toycar.h5": "fixed<16,6>",
    "public/hq_btnn1.h5": "fixed<16,6>",
    "public/qk_tutorial.h5": "fixed<16,6>",
    "public/qkeras_jettagging.onnx": "fixed<16,6>",
    "public/jedi_int_8.h5": "fixed<12,4>",
    "jedi_qkeras/interaction_network_8const_8bits.h5": "fixed<12,4>",
}
"""Of the inputs of files that have none inside: models/public/README.md."""
HLS = ("hls", "hls-vitis-stream", "hls-vivado", "hls-quartus")
REUSE = [2**power for power in range(8)]
BODIES = ("framework", "cpp", "hls", "rtl")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--build-minutes", type=float, default=15)
    parser.add_argument("--only", nargs="+", default=[])
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    data = Path(os.environ.get("QCOMPRESS_DATA", "../shared/data"), "models")
    import projection  # type: ignore[import-not-found] # noqa: F401 - which registers the layer of constants

    results = []
    for path in network_files(data):
        name = path.relative_to(data).as_posix()
        if given.only and path.stem not in given.only:
            continue
        place = given.folder / f"{path.stem}.json"
        if not place.is_file():
            write_json(place, tried(path, FORMATS.get(name), given.rows, 60 * given.build_minutes))
        results.append(json.loads(place.read_text()))
        print(f"{path.stem}: {results[-1]}", file=sys.stderr, flush=True)
    print("\n".join(table(results)))
    return int(any(sum(one["differing"].values()) + one["stored_differing"] for one in results))


def network_files(data: Path) -> list[Path]:
    """Those of networks, not of weights alone."""
    found = [path for path in sorted(data.rglob("*")) if path.suffix in (".h5", ".keras", ".onnx")]
    return [path for path in found if not path.name.endswith(".weights.h5")]


def tried(path: Path, input_format: str | None, rows: int, longest_s: float) -> dict[str, Any]:
    """Codes that differ, of each body of one file, and what refuses it."""
    start = time.monotonic()
    model = load_model(path)
    graph = model.convert(path.stem, Format.parse(input_format) if input_format else None).graph
    targets, refused = exact_targets(graph, longest_s)
    with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
        bodies = {"framework": model.body(graph)}
        bodies |= {name: target.build(graph, Path(scratch, name)) for name, target in targets.items()}
        stored = stored_outputs(path)
        stored_codes = stored_differing = 0
        if stored is not None:
            x, y = stored
            for body in (graph, *bodies.values()):
                found = graph.output_format.to_values(body.run(graph.input_codes(x)))
                stored_differing += int(np.count_nonzero(found.reshape(y.shape) != y))
                stored_codes += y.size
        drawn = {"random": standard_inputs(graph, rows, 0)["random"]}
        compared = verify(graph, list(bodies.values()), drawn)
    return {
        "file": path.name,
        "targets": {name: target.name for name, target in targets.items()},
        "refused": refused,
        "rows": rows,
        "codes": compared[0].codes,
        "differing": {name: one.mismatches for name, one in zip(bodies, compared, strict=True)},
        "first": [one.first for one in compared if one.first],
        "stored_codes": stored_codes,
        "stored_differing": stored_differing,
        "seconds": time.monotonic() - start,
    }


def exact_targets(graph: Graph, longest_s: float) -> tuple[dict[str, Target], dict[str, str]]:
    """For C++, hls4ml and Verilog the first that takes the graph; why there is none, or why not the usual one."""
    rtl = [choose("rtl").target, *(choose("rtl_loadable", {"reuse": reuse}).target for reuse in REUSE)]
    candidates = {"cpp": [choose("cpp").target], "hls": [choose(name).target for name in HLS], "rtl": rtl}
    found: dict[str, Target] = {}
    refused: dict[str, str] = {}
    for name, own in candidates.items():
        for target in own:
            try:
                target.refuse(graph)
            except Refused as fault:
                refused.setdefault(name, str(fault))
                continue
            if (seconds := target.cost(graph)[0]) <= longest_s:
                found[name] = target
                break
            refused[name] = f"{target.name}: its build would take about {seconds / 60:.0f} minutes"
    return found, refused


def stored_outputs(path: Path) -> tuple[Any, Any] | None:
    """Inputs and what the network's own framework makes of them, if they lie beside the file."""
    if not (beside := path.with_suffix(".npz")).is_file():
        return None
    with np.load(beside) as stored:
        return stored["x"], stored["y"]


def table(results: list[dict[str, Any]]) -> list[str]:
    """Results as Markdown."""
    lines = ["| file | stored outputs | rows | framework | cpp | hls | rtl |", "|---|---|---|---|---|---|---|"]
    for one in results:
        cells = []
        for body in BODIES:
            if body in one["differing"]:
                as_what = one["targets"].get(body, "")
                cells.append(
                    f"{one['differing'][body]} of {one['codes']:,}"
                    + (f" ({as_what})" if as_what not in ("", body) else "")
                )
            else:
                cells.append("refused")
        stored = f"{one['stored_differing']} of {one['stored_codes']:,}" if one["stored_codes"] else "-"
        lines.append(f"| `{one['file']}` | {stored} | {one['rows']:,} | {' | '.join(cells)} |")
    lines.append("")
    for one in results:
        lines += [f"- `{one['file']}`, {why}" for why in one["refused"].values()]
    return lines


if __name__ == "__main__":
    sys.exit(main())
