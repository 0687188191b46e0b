"""Area and bits of published jet taggers, widths chosen by hand and learned: a table of docs/search.md.

    python campaigns/taggers.py FOLDER MODEL[:FORMAT] [MODEL[:FORMAT] ..]

Of each model file (format: of its input, where it does not say it): weights that are not 0, their bits (of each from
the highest to the lowest one that is set, and a sign), and of its Verilog with constant weights look-up tables,
flip-flops and latency by the flow yosys-xilinx. Codes of the Verilog are compared with the graph's, on random inputs
and on those that are stored beside the model (STEM.npz, arrays x and y), and outputs of the graph with the stored ones.
What is found lies in FOLDER and is read again. A minute or two for a thousand look-up tables.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from qcompress.detectors import Table
from qcompress.files import JsonObject, write_json
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends import load_model
from qcompress.graph import Linear
from qcompress.report.tables import as_markdown
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.targets.rtl.constant import Rtl

FLOW = "yosys-xilinx"
ROWS = 2000
"""Of random inputs."""
COLUMNS = ("network", "weights", "their bits", "LUT", "FF", "latency [cycles]", "outputs", "codes")


def bits(codes: Codes) -> int:
    """Bits of all weights that are not 0: of each from the highest to the lowest that is set, and a sign."""
    found = 0
    for code in np.abs(codes[codes != 0]).tolist():
        found += (code // (code & -code)).bit_length() + 1
    return found


def measured(path: Path, given: str, folder: Path) -> JsonObject:
    """The row of a model's file; given: format of its input or nothing; folder: of its Verilog, and of the row."""
    kept = folder / "row.json"
    if kept.is_file():
        found: JsonObject = json.loads(kept.read_text())
        return found
    graph = load_model(path).convert(path.stem, Format.parse(given) if given else None).graph
    kernels = [node.operation.kernel for node in graph.nodes if isinstance(node.operation, Linear)]
    target = Rtl()
    body = target.build(graph, folder / "rtl")
    format_ = graph.input_format
    codes = np.random.default_rng(1).integers(
        format_.min_code, format_.max_code, (ROWS, *graph.input_shape), endpoint=True
    )
    outputs = None
    stored = path.with_suffix(".npz")
    if stored.is_file():
        with np.load(stored) as arrays:
            values, right = arrays["x"], arrays["y"]
        outputs = [int(np.count_nonzero(graph.predict(values) != right)), right.size]
        codes = np.concatenate([codes, graph.input_codes(values)])
    wrong = body.run(codes) != graph.run(codes)
    report = run_open(FLOW, Design.open(target, path.stem, folder / "rtl"), folder / "mapped", Settings())
    row: JsonObject = {
        "weights": sum(int(np.count_nonzero(kernel)) for kernel in kernels),
        "bits": sum(bits(kernel) for kernel in kernels),
        **{name: getattr(report, name) for name in ("lut", "ff", "latency_cycles")},
        "outputs": outputs,
        "codes": [int(np.count_nonzero(wrong)), wrong.size],
    }
    write_json(kept, row)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("models", nargs="+")
    given = parser.parse_args()
    rows = []
    for model in given.models:
        file, _, format_ = model.partition(":")
        row = measured(Path(file), format_, given.folder / Path(file).stem)
        differ = ["-" if of is None else f"{of[0]:,} of {of[1]:,}" for of in (row["outputs"], row["codes"])]
        rows.append(
            (Path(file).stem, row["weights"], row["bits"], row["lut"], row["ff"], row["latency_cycles"], *differ)
        )
    print(as_markdown(Table("", COLUMNS, tuple(rows))))


if __name__ == "__main__":
    main()
