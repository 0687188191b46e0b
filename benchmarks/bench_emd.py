"""Speed of the exact EMD: a plain loop over POT's `ot.emd2`, POT's inner solver without its checks, and ours.

    python benchmarks/bench_emd.py [--rows 4000]

The same pairs of 48-cell modules, a quarter occupied or dense; results agree to 1e-12 of the largest cost, or it ends.
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from qcompress.detectors.hgcal.module.geometry import emd_cost
from qcompress.metrics.emd import emd

REPEATS = 3


def best(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    """Shortest wall time of some runs, and the result."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        found = work()
        times.append(time.perf_counter() - started)
    return min(times), found


def each(distance: Callable[[np.ndarray, np.ndarray], float], p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """The distance of every pair, one after the other."""
    return np.array([distance(a, b) for a, b in zip(p, q, strict=True)])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=4000)
    rows = parser.parse_args().rows
    for backend in ("TENSORFLOW", "PYTORCH", "JAX", "CUPY"):
        os.environ.setdefault(f"POT_BACKEND_DISABLE_{backend}", "1")
    import ot
    from ot.lp.emd_wrap import emd_c

    rng, cost = np.random.default_rng(0), emd_cost()
    emd(np.ones((2, 48)), np.ones((2, 48)), cost)  # compiles
    print(f"{os.cpu_count()} cores; rows/s, and ratio to the plain loop")
    print("| modules | loop over ot.emd2 | POT's inner solver | qcompress |")
    print("|---|---|---|---|")
    for name, occupied in (("25 % occupied", 0.25), ("dense", 1.0)):
        x, y = (rng.gamma(0.5, 100, (rows, 48)) * (rng.random((rows, 48)) < occupied) for _ in range(2))
        p, q = x / x.sum(axis=1, keepdims=True), y / y.sum(axis=1, keepdims=True)
        loop, wanted = best(partial(each, lambda a, b: ot.emd2(a, b, cost), p, q))
        inner, _ = best(partial(each, lambda a, b: emd_c(a, b, cost, 1_000_000, 1)[1], p, q))
        own, found = best(partial(emd, x, y, cost))
        assert np.abs(found - wanted).max() <= 1e-12 * cost.max()
        rates = [f"{rows / t:,.0f} ({loop / t:.1f} x)" for t in (loop, inner, own)]
        print(f"| {name} | {' | '.join(rates)} |")


if __name__ == "__main__":
    main()
