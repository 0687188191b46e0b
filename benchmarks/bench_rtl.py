"""Speed of the Verilog: writing it, simulating it (beside the reference interpreter), estimating it.

    python benchmarks/bench_rtl.py [--rows N]

The design is the ECON-T encoder in the chip's arithmetic, with random weights.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.weights import COUNT, EncoderWeights
from qcompress.synthesis.estimate import estimate
from qcompress.targets.processes import python_module, run_logged
from qcompress.targets.rtl.build import CHECKED_ROWS
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Wall time of a call, and what it gives."""
    started = time.perf_counter()
    found = work()
    return time.perf_counter() - started, found


def main() -> None:
    """Print a line for each design."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    rng = np.random.default_rng(0)
    graph = chip_graph(EncoderWeights.from_list(rng.integers(-32, 32, COUNT)))
    codes = rng.integers(0, 256, (rows, 8, 8, 1)) * (rng.random((rows, 8, 8, 1)) < 0.3)
    reference, expected = seconds(lambda: graph.run(codes))
    print(f"reference interpreter: {rows / reference:,.0f} inferences/s")
    for target, reuse in ((Rtl(), None), (RtlLoadable(), 1), (RtlLoadable(reuse=16), 16)):
        with tempfile.TemporaryDirectory() as scratch:
            estimating, _ = seconds(partial(estimate, graph, reuse))
            building, body = seconds(partial(target.build, graph, Path(scratch)))
            running, found = seconds(partial(body.run, codes))
            assert np.array_equal(found, expected)
        print(
            f"{target.name}: written and compiled in {building:.1f} s; simulation {rows / running:,.0f} inferences/s, "
            f"{reference / running:.2f} of the interpreter; estimate {1000 * estimating:.1f} ms"
        )
    with tempfile.TemporaryDirectory() as name:
        folder, write = Path(name), python_module("alkaid", "qcompress.targets.rtl.build", str(Rtl().latency_cutoff))
        graph.save(folder / "graph")
        writing, _ = seconds(lambda: run_logged(write, folder, folder / "write.log", "writing the Verilog"))
    print(f"rtl: Verilog alone written and {CHECKED_ROWS} rows of its logic compared in {writing:.1f} s")
    writing, _ = seconds(lambda: RtlLoadable().write_verilog(graph, Path(tempfile.mkdtemp())))
    print(f"rtl_loadable: Verilog alone written in {writing:.2f} s")


if __name__ == "__main__":
    main()
