"""How long a body takes: warm-up, then the same batch again and again; percentiles, not a mean."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from qcompress.errors import QcompressError

PERCENTILES = (50, 95, 99)


class Timing(NamedTuple):
    """Of one batch size: seconds at the percentiles 50, 95, 99, and rows per second at the median."""

    rows: int
    repeats: int
    median: float
    percentile_95: float
    percentile_99: float

    @property
    def rate(self) -> float:
        return self.rows / self.median


def time_batch(run: Callable[[], object], rows: int, warm_up: int, repeats: int) -> Timing:
    """Call `run`, which computes a batch of `rows`, warm_up + repeats times; raises QcompressError below 1 repeat."""
    if repeats < 1 or warm_up < 0:
        raise QcompressError(f"timing: {repeats} repeats after {warm_up} of warm-up; give 1 repeat or more")
    for _ in range(warm_up):
        run()
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return Timing(rows, repeats, *(float(value) for value in np.percentile(seconds, PERCENTILES)))
