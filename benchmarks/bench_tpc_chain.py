"""Clusters per second on one core from digits to decisions, beside the classical finder alone on the same digits.

    python benchmarks/bench_tpc_chain.py [--kind sector-20pc] [--repeats 7]

The network is that of firmware_configs/tpc_study.yaml with fresh weights, 3x5x5 with all beside it, 2 x 64, and one of
2 x 32; digits are those of one simulated frame. Steps: the finder; finder, charge map and windows; the same and the C++
of all stages. Least processor seconds, taken in turns. Codes are compared with the stages' own first.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors.tpc import samples
from qcompress.detectors.tpc.finder import classical
from qcompress.detectors.tpc.networks.maxima import find_maxima
from qcompress.detectors.tpc.networks.models import CLASSIFIER, NetworkOptions, build_model
from qcompress.detectors.tpc.networks.stages import CentreDivision, Decision
from qcompress.detectors.tpc.simulation import fast_simulation
from qcompress.frontends.qkeras import from_keras, import_keras
from qcompress.graph import Chain
from qcompress.targets.cpp.emulator import Cpp, CppBody

CHECKED = 3000


def whole(options: NetworkOptions, folder: Path) -> CppBody:
    """The C++ of division, network and decision."""
    graph = from_keras(build_model(options, CLASSIFIER), CLASSIFIER)
    decision = Decision(graph.output_shape, graph.output_format, options.threshold)
    chain = Chain("firmware", (CentreDivision(options.layout), graph, decision))
    return CppBody(chain, Cpp().build(chain, folder).library, threads=1)


def main() -> None:
    """Print a line for each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", default="sector-20pc")
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    import_keras().utils.set_random_seed(1)
    classical.THREADS = 1
    beside = {"extras": True, "classical": True, "log_charge": True}
    sizes = [NetworkOptions(networks=(CLASSIFIER,), layers=2, neurons=n, **beside) for n in (64, 32)]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "frame.h5"
        fast_simulation.simulate(given.kind, 1, 1, path)
        with samples.Handle(path) as sample:
            frame = sample.frame(0)
            gain = sample.correction(frame.sector)
        row, pad, times, charge = (frame.digits[name] for name in ("row", "pad", "time", "charge"))
        bodies = {options.neurons: whole(options, Path(scratch) / str(options.neurons)) for options in sizes}

        def windows() -> Any:
            return find_maxima(frame.digits, frame.sector, gain, frame.time_bins, sizes[0].layout).raw

        def decided(body: CppBody) -> object:
            return body.run_native(windows())

        raw = windows()
        for body in bodies.values():
            few = raw[:CHECKED].astype(np.int64)
            assert (np.asarray(body.run(few)) == np.asarray(body.graph.run(few))).all()
        runs: dict[str, Callable[[], object]] = {
            "classical finder": lambda: classical.find(row, pad, times, charge, gain, time_bins=frame.time_bins),
            "finder, charge map, windows": windows,
            **{f"and all stages of 2 x {n}": partial(decided, body) for n, body in bodies.items()},
        }
        taken: dict[str, list[float]] = {label: [] for label in runs}
        for _ in range(given.repeats):
            for label, run in runs.items():
                started = time.process_time()
                run()
                taken[label].append(time.process_time() - started)
    size = f"{len(row)} digits, {len(raw)} maxima"
    print(f"{given.kind}: {size}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    alone = min(taken["classical finder"])
    for label, seconds in taken.items():
        rate = len(raw) / min(seconds) / 1e6
        print(f"  {label:32} {rate:8.2f} M clusters/s {min(seconds) / alone:8.2f} x the finder's time")


if __name__ == "__main__":
    main()
