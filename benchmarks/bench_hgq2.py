"""Networks of HGQ2 through `predict`: the C++ emulator beside Keras and alkaid's interpreter, in the same run.

    python benchmarks/bench_hgq2.py jsc_openml_758.keras [jedi_lin8part.keras ...] [--rows 200000]

Real values in, real values out; the best of a few runs each. alkaid is given values on the input's grid.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.frontends import load_model
from qcompress.targets.cpp.emulator import Cpp

REPEATS = 5


def rate(rows: int, function: Callable[[], Any], repeats: int = REPEATS) -> float:
    """Rows a second of a function, the best of several runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return rows / min(seconds)


def compare(path: Path, rows: int) -> dict[str, float]:
    """Rows a second by who computes them."""
    from alkaid.converter import trace_model
    from alkaid.trace import trace

    model = load_model(path)
    graph = model.convert(path.stem).graph
    values = np.random.default_rng(0).normal(0, 1.5, (rows, *graph.input_shape)).astype(np.float32)
    on_grid = graph.input_format.to_values(graph.input_codes(values)).reshape(rows, -1)
    logic = trace(*trace_model(model.content))
    with tempfile.TemporaryDirectory() as scratch:
        emulator = Cpp().build(graph, Path(scratch))
        return {
            "emulator": rate(rows, lambda: emulator.predict(values)),
            "alkaid": rate(rows, lambda: logic.predict(on_grid)),
            "Keras": rate(rows, lambda: model.content.predict(values, batch_size=4096, verbose=0), 2),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", type=Path)
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args()
    for path in options.models:
        found = compare(path, options.rows)
        own = found["emulator"]
        print(f"{path.stem}: emulator {own / 1e6:.2f} million rows/s", end="")
        print(*(f", {own / other:.1f} x {name}" for name, other in found.items() if name != "emulator"), sep="")


if __name__ == "__main__":
    main()
