"""Which part of a sample an event belongs to: one rule for every detector."""

import numpy as np
import numpy.typing as npt

TRAIN, VALIDATION, TEST, CALIBRATION = range(4)
"""What the split column of a sample says of each event."""
FRACTIONS = {TRAIN: 0.6, VALIDATION: 0.15, TEST: 0.2, CALIBRATION: 0.05}
"""Share of the events in each part of the split."""


def mixed(number: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint64]:
    """A random-looking number for each number, another for every other number of the same seed (splitmix64)."""
    with np.errstate(over="ignore"):
        state = number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
        state ^= state >> np.uint64(31)
    return state


def split_events(event: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.uint8]:
    """The part each event belongs to: decided by (seed, event number) alone, never by row or order."""
    uniform = (mixed(event, seed) >> np.uint64(11)).astype(np.float64) / 2.0**53
    edges = np.cumsum([FRACTIONS[part] for part in sorted(FRACTIONS)])[:-1]
    return np.searchsorted(edges, uniform, side="right").astype(np.uint8)
