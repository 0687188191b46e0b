"""Where a cut on a score is put: signal and backgrounds that are kept, efficiency, purity, two kinds of best cuts."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

OVER_BACKGROUND, OVER_ALL = "best s/sqrt(b)", "best s/sqrt(s+b)"
LEAST_BACKGROUND = 10
"""Entries of background that a cut has to keep to be looked at: s/sqrt(b) of fewer is chance."""


class Point(NamedTuple):
    """What a cut keeps: score >= `cut`. signal, backgrounds: sums of weights, backgrounds by kind."""

    cut: float
    signal: float
    backgrounds: tuple[float, ...]
    efficiency: float
    purity: float

    @property
    def background(self) -> float:
        """Of all kinds."""
        return sum(self.backgrounds)


class Scores(NamedTuple):
    """Entries (n,): score, larger for signal; kind, 0 signal, k the k-th background; weight."""

    score: Values
    kind: npt.NDArray[np.int64]
    weight: Values


def point(given: Scores, cut: float, backgrounds: int) -> Point:
    """What a cut keeps; backgrounds: how many kinds there are. Purity of nothing is NaN.

    Raises QcompressError without signal, of which there is no efficiency.
    """
    own = given.score >= cut
    sums = np.bincount(given.kind[own], given.weight[own], backgrounds + 1)
    signal = float(given.weight[given.kind == 0].sum())
    if not signal > 0:
        raise QcompressError("operating points need signal; no entry of kind 0 has a weight above 0")
    kept = float(sums.sum())
    purity = float(sums[0]) / kept if kept else float("nan")
    return Point(cut, float(sums[0]), tuple(sums[1:].tolist()), float(sums[0]) / signal, purity)


def best_points(given: Scores, backgrounds: int) -> Mapping[str, Point]:
    """The cuts at a score with the largest s/sqrt(b) and s/sqrt(s+b), by these names, the tightest of equals.

    backgrounds: how many kinds there are. Cuts that keep fewer than LEAST_BACKGROUND entries of background are not
    looked at for s/sqrt(b). Raises QcompressError unless signal and enough background are there. Time: that of sorting.
    """
    is_signal = given.kind == 0
    if not (is_signal & (given.weight > 0)).any() or np.sum(~is_signal) < LEAST_BACKGROUND:
        raise QcompressError(f"operating points need signal and {LEAST_BACKGROUND} entries of background")
    order = np.argsort(-given.score, kind="stable")
    score, own = given.score[order], is_signal[order]
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)  # of each group of equal scores
    weight = given.weight[order]
    signal, background = (np.cumsum(np.where(which, weight, 0))[last] for which in (own, ~own))
    enough = (np.cumsum(~own)[last] >= LEAST_BACKGROUND) & (background > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        over_background = np.where(enough, signal / np.sqrt(background), -1)
        over_all = np.where(signal + background > 0, signal / np.sqrt(signal + background), -1)
    found = {OVER_BACKGROUND: over_background, OVER_ALL: over_all}
    return {name: point(given, float(score[last[np.argmax(merit)]]), backgrounds) for name, merit in found.items()}
