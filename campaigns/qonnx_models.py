"""Every ONNX model of a folder as a graph, against its executor: exact, refused for which reason, or wrong: a table.

    python campaigns/qonnx_models.py FOLDER [--rows 200] [--input-format "fixed<8,3>"]

Random codes and both ends of the range go through the graph and through the model; large models get fewer rows. Exit 1
if a code differs or anything ends in another way than a refusal.
"""

import argparse
import sys
import time
from math import prod
from pathlib import Path

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.frontends import load_model
from qcompress.graph import Graph, Tensors
from qcompress.graph.ports import by_port

LARGEST = 20_000_000
"""Elements of all nodes and rows together."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--input-format", type=Format.parse, default=Format.parse("fixed<8,3>"))
    given = parser.parse_args()
    print("| model | nodes | codes compared | differing | |\n|---|---|---|---|---|")
    wrong = 0
    for path in sorted(given.folder.rglob("*.onnx")):
        start = time.perf_counter()
        try:
            line, differing = compared(path, given.rows, given.input_format)
        except QcompressError as refusal:
            line, differing = f"| | | refused: {refusal} |", 0
        except Exception as fault:  # what the table is there to show
            line, differing = f"| | | FAULT: {type(fault).__name__}: {str(fault)[:100]} |", 1
        wrong += differing
        print(f"| {path.relative_to(given.folder)} {line} {time.perf_counter() - start:.0f} s |", flush=True)
    return int(wrong > 0)


def compared(path: Path, rows: int, format_: Format) -> tuple[str, int]:
    """A line of the table for the model at path, and how many codes differ; format_: of inputs without quantizer."""
    model = load_model(path)
    graph = model.convert(path.stem, format_).graph
    size = sum(prod(shape) for shape in graph.shapes.values())
    codes = some_codes(graph, max(2, min(rows, LARGEST // size)))
    found, expected = (by_port(graph.output_ports, body.run(codes), "") for body in (graph, model.body(graph)))
    differing = sum(int((found[name] != expected[name]).sum()) for name in found)
    return f"| {len(graph.nodes)} | {sum(each.size for each in found.values())} | {differing} |", differing


def some_codes(graph: Graph, rows: int) -> Tensors:
    """Random codes of every input; the first rows are the ends of the range."""
    rng = np.random.default_rng(0)
    found = {}
    for port in graph.input_ports:
        low, high = port.format.min_code, port.format.max_code
        found[port.name] = rng.integers(low, high, (rows, *port.shape), endpoint=True)
        found[port.name][0], found[port.name][1] = low, high
    return found if len(found) > 1 else found[graph.input_ports[0].name]


if __name__ == "__main__":
    sys.exit(main())
