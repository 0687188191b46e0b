"""Speed of the fast simulation of TPC frames and of the classical cluster finder, on one and on two threads.

    python benchmarks/bench_tpc.py [--events 6] [--kind sector-20pc]

The finder's peer is its plain Python twin of the tests, on the first digits of the same frame; both must agree. CPU
seconds stand beside wall time: a machine that does other work at the same time shows in their ratio.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from timing import timed

from qcompress.detectors.tpc import geometry, samples
from qcompress.detectors.tpc.finder import classical
from qcompress.detectors.tpc.simulation import fast_simulation

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def twin_seconds(frame: samples.Frame, gain: np.ndarray, rows: int) -> tuple[float, int]:
    """Time of the plain twin for the first rows of a frame, and their digits; the finder must say the same."""
    from helpers import finder_twin

    twin: Any = finder_twin.Map

    row = frame.digits["row"]
    count = int((row < rows).sum())
    pad, bin_, charge = (frame.digits[name][:count] for name in ("pad", "time", "charge"))
    got = np.column_stack(classical.find(row[:count], pad, bin_, charge, gain))
    started = time.perf_counter()
    for number in range(rows):
        own = row[:count] == number
        factors = gain[geometry.FIRST_PAD[number] + pad[own]]
        cells = zip(pad[own].tolist(), bin_[own].tolist(), strict=True)
        product = charge[own] * factors
        clusters = twin(dict(zip(cells, product, strict=True)), int(geometry.PADS[number])).clusters()
        assert [tuple(map(int, c)) for c in clusters] == [tuple(c) for c in got[got[:, 0] == number][:, 1:].tolist()]
    return time.perf_counter() - started, count


def main() -> None:
    """Print a line for each kind of work."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=6)
    parser.add_argument("--kind", default="sector-20pc")
    given = parser.parse_args()
    print(f"{given.kind}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    fast_simulation.simulate_event("sector-5pc", 1, 0)  # compiles
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frames.h5"
        for threads in (1, 2):
            fast_simulation.THREADS = threads
            wall, cpu = timed(lambda: fast_simulation.simulate(given.kind, given.events, 1, path))
            with samples.Handle(path) as sample:
                clusters, digits = (int(sample.events[name].sum()) for name in ("clusters", "digits"))
            print(
                f"simulation and file, {threads} threads: {clusters / wall:,.0f} clusters/s, {digits / wall:,.0f} "
                f"digits/s; {clusters / cpu:,.0f} clusters for each CPU second"
            )
        print(f"file: {path.stat().st_size / digits:.1f} bytes for each digit")
        with samples.Handle(path) as sample:
            wall, _ = timed(lambda: [None for _ in sample.frames()])
            print(f"reading it, checked: {digits / wall:,.0f} digits/s")
            frame = sample.frame(0)
            gain = sample.correction(frame.sector)
    digits_of = (frame.digits["row"], frame.digits["pad"], frame.digits["time"], frame.digits["charge"], gain)
    rates = []
    classical.find(*digits_of)
    for threads in (1, 2):
        classical.THREADS = threads
        wall, cpu = timed(lambda: classical.find(*digits_of), 20)
        rates.append(len(digits_of[0]) / wall)
        print(
            f"classical finder, {threads} threads: {rates[-1]:,.0f} digits/s; "
            f"{len(digits_of[0]) / cpu:,.0f} for each CPU second"
        )
    wall, count = twin_seconds(frame, gain, 20)
    print(
        f"plain twin, the same clusters: {count / wall:,.0f} digits/s; the finder is {rates[0] * wall / count:,.0f} x"
    )


if __name__ == "__main__":
    main()
