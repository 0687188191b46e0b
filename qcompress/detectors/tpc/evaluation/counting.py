"""What a threshold keeps and loses: efficiency, fakes, clones, attachment, savings."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.tpc.evaluation.scoring import Scored
from qcompress.detectors.tpc.networks.labels import Flags, Integers
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

THRESHOLDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9)
"""Probabilities that are scanned; 0 keeps everything: the classical finder."""


class Counts(NamedTuple):
    """What is left at one threshold.

    clusters: kept; correct: truth clusters whose track picks up one; found, wanted: truth clusters that have their
    maximum, and all; fakes, clones, loopers: kept maxima with no truth in reach, with truth that took another one, and
    with loopers alone.
    """

    clusters: int
    correct: int
    found: int
    wanted: int
    fakes: int
    clones: int
    loopers: int


def logit(threshold: float) -> float:
    """The logit of a `threshold`, a probability; the ends are infinite. Raises QcompressError outside [0, 1]."""
    if not 0 <= threshold <= 1:
        raise QcompressError(f"threshold {threshold}: give a probability, 0 to 1")
    with np.errstate(divide="ignore"):
        return float(np.log(threshold) - np.log1p(-threshold))


def accepted(scored: Scored, threshold: float) -> Flags:
    """Maxima (n,) that the finder keeps and the classifier scores above the threshold's logit.

    scored: all maxima; threshold: a probability; without a classifier none is asked. Raises QcompressError for a
    threshold outside [0, 1].
    """
    if scored.score is None:
        return scored.kept
    return np.asarray(scored.kept & (scored.score > logit(threshold)))


def count(scored: Scored, chosen: Flags, attached: Integers) -> Counts:
    """Counts of the maxima of `scored` that are `chosen` (n,).

    attached (n,): the truth cluster whose track picks up each, -1 for none.
    """
    picked = attached[chosen]
    picked = picked[picked >= 0]
    took = scored.took[scored.wanted]
    return Counts(
        int(chosen.sum()),
        int(scored.wanted[np.unique(picked)].sum()),
        int(chosen[took[took >= 0]].sum()),
        int(scored.wanted.sum()),
        int((scored.noise & chosen).sum()),
        int((scored.clone & chosen).sum()),
        int(((scored.label == 0) & ~scored.clone & chosen).sum()),
    )


def classical(scored: Scored) -> Counts:
    """Counts of the classical finder alone, its own positions; scored: all maxima."""
    return count(scored, scored.kept, scored.attached_classical)


def attachment_efficiency(network: Counts, finder: Counts) -> float:
    """(correct / total) (correct / correct of the finder); total: the finder's clusters. NaN without any.

    network: counts at its threshold; finder: the classical counts.
    """
    if not finder.clusters or not finder.correct:
        return float("nan")
    return network.correct / finder.clusters * network.correct / finder.correct


class Curve(NamedTuple):
    """Clusters kept and truth clusters attached at every distinct score, from the strictest threshold down."""

    score: Values
    clusters: Integers
    correct: Integers


def curve(scored: Scored) -> Curve:
    """All thresholds at once: a truth cluster stays as long as the best of the maxima its track picks up does.

    scored: all maxima. Raises QcompressError without a classifier.
    """
    if scored.score is None:
        raise QcompressError("there is no classifier whose threshold could be set")
    own = scored.score[scored.kept]
    attached = scored.attached_network
    usable = scored.kept & (attached >= 0)
    usable[usable] = scored.wanted[attached[usable]]
    best = np.full(len(scored.wanted), -np.inf)
    np.maximum.at(best, attached[usable], scored.score[usable])
    points = np.unique(own)[::-1]
    return Curve(points, _at_least(own, points), _at_least(best[np.isfinite(best)], points))


def _at_least(values: npt.NDArray[np.float64], points: Values) -> Integers:
    ordered = np.sort(values)
    return np.asarray(len(ordered) - np.searchsorted(ordered, points, side="left"), np.int64)


class Saving(NamedTuple):
    """At most this share of the finder's correct clusters lost: share of clusters saved, and share lost indeed."""

    allowed: float
    saved: float
    lost: float


def bound_of(scored: Scored, allowed: float) -> tuple[float | None, Scored]:
    """The score from which a cluster is kept so that even pad rows lose at most `allowed`, and the odd rows.

    scored: all maxima, with a classifier; None if no score does.
    """
    even = np.arange(scored.row.max(initial=0) + 1) % 2 == 0
    rows = np.resize(even, int(max(scored.row.max(initial=0), scored.truth_row.max(initial=0))) + 1)
    tuned, measured = scored.only(rows), scored.only(~rows)
    found = curve(tuned)
    enough = found.correct >= (1 - allowed) * classical(tuned).correct
    return (float(found.score[int(enough.argmax())]) if enough.any() else None), measured


def saving(scored: Scored, allowed: float) -> Saving:
    """The threshold that loses at most `allowed` in even pad rows, measured in odd ones; lost may be negative.

    scored: all maxima, with a classifier; allowed: share of the finder's correct clusters.
    """
    bound, measured = bound_of(scored, allowed)
    if bound is None:
        return Saving(allowed, 0.0, float("nan"))
    finder = classical(measured)
    if scored.score is None or not finder.clusters or not finder.correct:
        return Saving(allowed, float("nan"), float("nan"))
    kept = count(measured, measured.kept & (scored.score >= bound), scored.attached_network)
    return Saving(allowed, 1 - kept.clusters / finder.clusters, 1 - kept.correct / finder.correct)
