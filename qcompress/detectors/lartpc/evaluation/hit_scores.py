"""Hits by true and decided class, event by event: accuracy, balanced accuracy, purity, IoU, errors by bootstrap.

A hit that is decided to be nothing is wrong. Confusions are (events, 2, 3): true shower, track; decided nothing,
shower, track; numbers of hits, or their charge.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc import samples

Confusion = npt.NDArray[np.float64]
TRUE = (samples.SHOWER, samples.TRACK)
DECIDED = (samples.NOTHING, samples.SHOWER, samples.TRACK)
BOOTSTRAPS = 200


class Scores(NamedTuple):
    """Shares of all hits, of showers' and of tracks' hits that are right; their mean; purities and IoU of both."""

    accuracy: float
    shower: float
    track: float
    balanced: float
    shower_purity: float
    track_purity: float
    shower_iou: float
    track_iou: float


def confusion(
    event: npt.NDArray[np.int64],
    true: npt.NDArray[np.uint8],
    decided: npt.NDArray[np.int64],
    weight: npt.NDArray[np.float64] | None = None,
) -> Confusion:
    """Confusions (events, 2, 3), a row for every event that has hits, by its number.

    event, true, decided (n,): of every hit; weight (n,): its charge, 1 if None.
    """
    numbers, place = np.unique(event, return_inverse=True)
    key = (place * len(TRUE) + (true == samples.TRACK)) * len(DECIDED) + decided
    sums = np.bincount(key, weight, len(numbers) * len(TRUE) * len(DECIDED))
    return np.asarray(sums.reshape(len(numbers), len(TRUE), len(DECIDED)), np.float64)


def scores(counts: Confusion) -> Scores:
    """Scores of the sum of some events' confusions (n, 2, 3); nan where there is nothing to score."""
    (_, ss, st), (_, ts, tt) = counts.sum(axis=0)
    showers, tracks = counts.sum(axis=(0, 2))

    def share(part: float, of: float) -> float:
        return float(part / of) if of else float("nan")

    shower, track = share(ss, showers), share(tt, tracks)
    return Scores(
        share(ss + tt, showers + tracks),
        shower,
        track,
        (shower + track) / 2,
        share(ss, ss + ts),
        share(tt, tt + st),
        share(ss, showers + ts),
        share(tt, tracks + st),
    )


def errors(counts: Confusion, seed: int = 0) -> Scores:
    """Standard deviations of scores when events are drawn anew; counts (n, 2, 3); seed: of the draws."""
    rng = np.random.default_rng(seed)
    drawn = [scores(counts[rng.integers(len(counts), size=len(counts))]) for _ in range(BOOTSTRAPS)]
    columns = [np.array(column)[np.isfinite(column)] for column in zip(*drawn, strict=True)]
    return Scores(*(float(column.std()) if len(column) else float("nan") for column in columns))


def balanced_difference(first: Confusion, second: Confusion, seed: int = 0) -> tuple[float, float]:
    """Balanced accuracy of the first minus that of the second, and its error when the same events are drawn for both.

    first, second (n, 2, 3): of the same events; seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    drawn = [rng.integers(len(first), size=len(first)) for _ in range(BOOTSTRAPS)]
    found = np.array([scores(first[own]).balanced - scores(second[own]).balanced for own in drawn])
    return scores(first).balanced - scores(second).balanced, float(np.nanstd(found))
