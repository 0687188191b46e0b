"""Projects that hls4ml writes from random networks: their C simulation beside the emulator of the graph read from them.

    python campaigns/hls4ml_projects.py FOLDER [--projects 30] [--rows 100000]

Networks with whole seeds, of the backends in turn, are written until so many are read; what is refused is listed with
its reason and does not count. The graph's emulator in C++ and the project's own C simulation, built by g++ -O3,
compute the same random and boundary rows, each `rows`, and every code is compared; both are timed on the first of the
random rows, reals in and reals out, one thread, in seconds of a processor. What came of each is kept in FOLDER:
started again, the script goes on. Exit 1 if a code differs.
"""

import argparse
import json
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from helpers.random_hls4ml import BACKENDS, random_project

from qcompress.errors import QcompressError
from qcompress.files import write_json
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.verification import products, standard_inputs

IO_TYPES = ("io_parallel", "io_stream")
WIDTHS = (8, 2, 4)
"""How many times as many elements the tensors have as the tests' smallest networks'."""
TIMED = 20_000
"""Rows on which both are timed."""
RUNS = 20
"""Of the emulator, whose time would be short for the clock."""
TICK = 0.01
"""Seconds that the system's clock of processors resolves."""
GOAL = 100
"""Times as fast as the C simulation."""
LIMIT = 400
"""Seeds that are tried at most."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--projects", type=int, default=30)
    parser.add_argument("--rows", type=int, default=100_000)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    results: list[dict[str, Any]] = []
    for seed in range(LIMIT):
        place = given.folder / f"{seed:03d}.json"
        if not place.is_file():
            write_json(place, tried(seed, given.folder / f"{seed:03d}", given.rows))
        results.append(json.loads(place.read_text()))
        print(line(results[-1]), flush=True)
        if sum(one["outcome"] in ("equal", "different") for one in results) >= given.projects:
            break
    print("\n".join(table(results)))
    return int(any(one["outcome"] == "different" for one in results))


def tried(seed: int, folder: Path, rows: int) -> dict[str, Any]:
    """What came of one seed."""
    backend, io_type, wide = BACKENDS[seed % 4], IO_TYPES[(seed // 4) % 2], WIDTHS[(seed // 8) % len(WIDTHS)]
    found: dict[str, Any] = {"seed": seed, "backend": backend, "io_type": io_type, "wide": wide}
    try:
        random_project(seed, backend, io_type, folder, wide)
    except Exception as fault:  # of hls4ml, which does not write every network
        return found | {"outcome": "not written", "said": str(fault).split("\n")[0][:200]}
    try:
        project = FRONT_END.load(folder, None)
        graph = FRONT_END.convert(project, "network", None).graph
    except QcompressError as fault:
        return found | {"outcome": "refused", "said": str(fault).replace(f"{folder}", "project")}
    found["products"] = products(graph)
    found["layers"] = [f"{node.name}: {type(node.operation).__name__}" for node in graph.nodes]
    simulation: Any = FRONT_END.body(project, graph)
    try:
        simulation.program()
    except QcompressError as fault:  # of hls4ml's kernels, which g++ does not take for every network
        return found | {"outcome": "not simulated", "said": str(fault).replace(f"{folder}", "project")}
    try:
        return found | compared(graph, simulation, rows, seed)
    except QcompressError as fault:  # of hls4ml's kernels, some of which say only when they run what they do not do
        return found | {"outcome": "not simulated", "said": str(fault).replace(f"{folder}", "project")[-200:]}


def compared(graph: Any, simulation: Any, rows: int, seed: int) -> dict[str, Any]:
    """Codes that differ, and the seconds of both bodies."""
    sets = {name: one.all() for name, one in standard_inputs(graph, rows, seed).items() if name != "sparse"}
    differing: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="qcompress-") as scratch:
        emulator = graph.build("cpp", Path(scratch, "emulator"))
        for name, codes in sets.items():
            differing[name] = int(np.count_nonzero(simulation.run(codes) != emulator.run(codes)))
        values = graph.input_format.to_values(sets["random"][:TIMED])
        single = replace(emulator, threads=1)
        seconds = {
            "C simulation": timed(lambda: simulation.simulated(values.reshape(len(values), -1)), 1),
            "emulator": timed(lambda: [single.predict(values) for _ in range(RUNS)], 3) / RUNS,
        }
    return {
        "outcome": "different" if any(differing.values()) else "equal",
        "differing": differing,
        "rows": {name: len(codes) for name, codes in sets.items()},
        "codes": sum(len(codes) for codes in sets.values()) * int(np.prod(graph.output_shape)),
        "seconds": seconds,
        "ratio": seconds["C simulation"] / seconds["emulator"],
    }


def timed(run: Any, times: int) -> float:
    """Seconds of a processor, of this process and of those that it starts, for the fastest of some runs."""
    best = float("inf")
    for _ in range(times):
        start = sum(os.times()[:4])
        run()
        best = min(best, sum(os.times()[:4]) - start)
    return max(best, TICK)


def line(found: dict[str, Any]) -> str:
    """One result in words."""
    told = f"{found['seed']:3d} {found['backend']:8} {found['io_type']:11} {found['outcome']}"
    return f"{told} {found['ratio']:.0f} x" if "ratio" in found else f"{told}: {found['said']}"


def table(results: list[dict[str, Any]]) -> list[str]:
    """Results by backend, as Markdown, and what was refused."""
    lines = ["", "| backend | io type | projects | codes compared | differing | emulator / C simulation |"]
    lines.append("|---|---|---|---|---|---|")
    for backend in BACKENDS:
        for io_type in IO_TYPES:
            chosen = [r for r in results if (r["backend"], r["io_type"]) == (backend, io_type) and "ratio" in r]
            if chosen:
                ratios = sorted(one["ratio"] for one in chosen)
                wrong = sum(sum(one["differing"].values()) for one in chosen)
                codes = sum(one["codes"] for one in chosen)
                span = f"{ratios[0]:.0f} to {ratios[-1]:.0f}, median {float(np.median(ratios)):.0f}"
                lines.append(f"| {backend} | {io_type} | {len(chosen)} | {codes} | {wrong} | {span} |")
    done = [one for one in results if "ratio" in one]
    lines.append("")
    for backends in (BACKENDS[:2], BACKENDS[2:]):
        some = [one for one in done if one["backend"] in backends]
        fast = sum(one["ratio"] >= GOAL for one in some)
        each = {
            body: sorted(1e9 * one["seconds"][body] / TIMED / one["products"] for one in some)
            for body in ("C simulation", "emulator")
        }
        spans = (f"{body} {v[0]:.2f} to {v[-1]:.2f}, median {np.median(v):.2f}" for body, v in each.items() if v)
        lines.append(
            f"{' and '.join(backends)}: {fast} of {len(some)} at {GOAL} x or more; ns a product: {'; '.join(spans)}"
        )
    others = [one for one in results if "said" in one]
    return [*lines, "", *(f"{one['outcome']}: {one['backend']} {one['said']}" for one in others)]


if __name__ == "__main__":
    sys.exit(main())
