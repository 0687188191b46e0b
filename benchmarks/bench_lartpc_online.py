"""Speed of the read-out's algorithms for liquid argon: samples a second, beside plain NumPy on the same waveforms.

    python benchmarks/bench_lartpc_online.py [--wires 480] [--repeats 3]

NumPy's peer takes a median of each wire for the pedestal, for a frugal one is sequential: it does less, and finds other
primitives. The plain Python twin of the tests does the same work, on the first wire; both must agree. CPU seconds stand
beside wall time: a machine that does other work at the same time shows in their ratio.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from timing import warm

from qcompress.detectors.lartpc.electronics import digitisation, noise, signals
from qcompress.detectors.lartpc.online import difference_code, hits, huffman, primitives, regions
from qcompress.detectors.lartpc.presets import PRESETS

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))


def plain(codes: np.ndarray, finder: str) -> np.ndarray:
    """Edges of runs above threshold, with NumPy alone."""
    samples = codes - np.median(codes, axis=1, keepdims=True).astype(np.int32)
    if finder == "fir":
        kernel = np.array(primitives.TAPS)
        samples = np.stack([np.convolve(row, kernel)[: codes.shape[1]] for row in samples])
        limit: np.ndarray | int = 5 * 64 * np.subtract(*np.percentile(codes, (75, 25), axis=1))[:, None].astype(int)
    else:
        limit = 60
    return np.diff((samples > limit).astype(np.int8), axis=1)


def main() -> None:
    """Print a line for each algorithm."""
    from helpers import lartpc_twin

    twin: Any = lartpc_twin.primitives

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wires", type=int, default=480)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    preset = PRESETS["dune-hd"]
    plane = preset.planes[-1]
    rng = np.random.default_rng(1)
    charge = np.where(rng.random((given.wires, preset.ticks)) < 1e-3, 5e3, 0)
    waves = signals.plane_signal(charge, preset, plane) + noise.plane_noise(
        rng, preset, plane, preset.ticks, given.wires
    )
    codes = digitisation.digitise(waves, preset, plane)
    samples = regions.subtracted(codes)
    print(f"{codes.size / 1e6:.1f} M samples, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("| | M samples/s | M samples a CPU second | times NumPy, wall | CPU | times the twin, CPU |")
    print("|---" * 6 + "|")
    for finder in ("threshold", "fir", "running-sum"):
        settings = primitives.Settings.of(finder, preset, plane)
        wall, cpu = warm(lambda settings=settings: primitives.find(codes, settings), given.repeats)  # type: ignore[misc]
        beside = ("", "")
        if finder != "running-sum":
            other, other_cpu = warm(lambda finder=finder: plain(codes, finder), 1)  # type: ignore[misc]
            beside = (f"{other / wall:.1f}", f"{other_cpu / cpu:.1f}")
        began = time.process_time()
        expected, _ = twin(codes[0], finder, settings.threshold)
        slow = (time.process_time() - began) * len(codes)
        found = primitives.find(codes[:1], settings).primitives
        assert [*zip(*(column.tolist() for column in found[1:]), strict=True)] == expected
        show(f"primitives, {finder}", codes.size, wall, cpu, *beside, f"{slow / cpu:.0f}")
    made = difference_code.DifferenceCode.of(codes[:32])
    data, bits = made.encode(codes)
    for name, work in (
        ("pedestal", lambda: regions.subtracted(codes)),
        ("regions, two thresholds", lambda: regions.two_thresholds(samples, 60, 30)),
        ("hits", lambda: hits.find(samples, 30, 20)),
        ("fixed Huffman code", lambda: huffman.encode(codes)),
        ("difference code", lambda: made.encode(codes)),
        ("difference code, back", lambda: made.decode(data, bits, codes.shape[1])),
    ):
        show(name, codes.size, *warm(work, given.repeats), "", "", "")


def show(name: str, size: int, wall: float, cpu: float, *beside: str) -> None:
    """One line of the table."""
    print(f"| {name} | {size / wall / 1e6:.0f} | {size / cpu / 1e6:.0f} | " + " | ".join(beside) + " |", flush=True)


if __name__ == "__main__":
    main()
