"""Statistical errors of what a threshold keeps and loses: whole frames are drawn anew."""

from typing import NamedTuple

import numpy as np

from qcompress.detectors.tpc.evaluation import counting
from qcompress.detectors.tpc.evaluation.counting import Counts
from qcompress.detectors.tpc.evaluation.scoring import Scored
from qcompress.detectors.tpc.networks.labels import Flags, Integers
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values
from qcompress.metrics.bootstrap import over_events
from qcompress.metrics.roc import roc

AUC_RESAMPLES = 40
"""Of curves, which take a second each."""
SEED = 1

Figure = tuple[float, float]
"""A figure and its error."""


def per_event(scored: Scored, chosen: Flags, attached: Integers) -> Values:
    """(frames, 7): `counting.count` of each frame; chosen, attached (n,): as there."""
    events, own = np.unique(scored.event, return_inverse=True)
    picked = np.unique(attached[chosen & (attached >= 0)])
    picked = picked[scored.wanted[picked]]
    took = scored.took
    found = scored.wanted & (took >= 0)
    found[found] = chosen[took[found]]
    alone = (scored.label == 0) & ~scored.clone

    def of_maxima(flags: Flags) -> Values:
        return np.bincount(own[flags], minlength=len(events)).astype(np.float64)

    def of_truth(numbers: Flags | Integers) -> Values:
        return np.bincount(np.searchsorted(events, scored.truth_event[numbers]), minlength=len(events)).astype(float)

    return np.stack(
        [
            of_maxima(chosen),
            of_truth(picked),
            of_truth(found),
            of_truth(scored.wanted),
            of_maxima(scored.noise & chosen),
            of_maxima(scored.clone & chosen),
            of_maxima(alone & chosen),
        ],
        axis=1,
    )


class Relative(NamedTuple):
    """Shares relative to the classical finder, each with its error.

    fewer: clusters that are not kept; loss: of correct clusters; rejected: of the clusters that are fakes, clones or of
    loopers alone (class 0); attachment, attachment_own: efficiencies with the finder's clusters as the total, and with
    those that are kept, which is how the experiment's study defines it.
    """

    fewer: Figure
    loss: Figure
    rejected: Figure
    attachment: Figure
    attachment_own: Figure


def relative(scored: Scored, chosen: Flags, attached: Integers) -> Relative:
    """What is kept of the maxima of `scored` where those `chosen` (n,) are; attached (n,): whom tracks pick up."""
    counts = np.concatenate(
        [
            per_event(scored, chosen, attached),
            per_event(scored, scored.kept, scored.attached_classical),
        ],
        axis=1,
    )

    def shares(sums: Values) -> Values:
        fields = len(Counts._fields)
        own, finder = (Counts(*np.moveaxis(part, -1, 0)) for part in (sums[..., :fields], sums[..., fields:]))
        with np.errstate(divide="ignore", invalid="ignore"):
            correct = np.divide(own.correct, finder.correct)
            bad, all_bad = (c.fakes + c.clones + c.loopers for c in (own, finder))
            return np.stack(
                [
                    1 - np.divide(own.clusters, finder.clusters),
                    1 - correct,
                    1 - np.divide(bad, all_bad),
                    np.divide(own.correct, finder.clusters) * correct,
                    np.divide(own.correct, own.clusters) * correct,
                ],
                axis=-1,
            )

    value, error = over_events(counts, shares, SEED)
    return Relative(*((float(v), float(e)) for v, e in zip(value, error, strict=True)))


def at_threshold(scored: Scored, threshold: float) -> Relative:
    """The same at a `threshold`, a probability; scored: all maxima, with a classifier."""
    return relative(scored, counting.accepted(scored, threshold), scored.attached_network)


def at_loss(scored: Scored, allowed: float) -> Relative:
    """The same in odd pad rows, where the threshold loses at most `allowed` of the correct clusters of even ones.

    scored: all maxima, with a classifier. NaN where no threshold does.
    """
    bound, measured = counting.bound_of(scored, allowed)
    if scored.score is None or bound is None:
        return Relative(*[(float("nan"), float("nan"))] * len(Relative._fields))
    return relative(measured, measured.kept & (scored.score >= bound), scored.attached_network)


def auc(scored: Scored, resamples: int = AUC_RESAMPLES) -> Figure:
    """Area under the ROC curve of the finder's clusters, those with a truth cluster against all others.

    scored: all maxima; resamples: of whole frames. No error for a single frame: NaN. Raises QcompressError without a
    classifier.
    """
    if scored.score is None:
        raise QcompressError("there is no classifier whose curve could be drawn")
    score, keep = scored.score[scored.kept], scored.label[scored.kept] > 0
    events, own = np.unique(scored.event[scored.kept], return_inverse=True)
    value = roc(score, keep).auc
    if len(events) < 2:
        return value, float("nan")
    places, rng = [np.flatnonzero(own == k) for k in range(len(events))], np.random.default_rng(SEED)
    found = []
    for _ in range(resamples):
        some = np.concatenate([places[k] for k in rng.integers(len(events), size=len(events))])
        found.append(roc(score[some], keep[some]).auc)
    return value, float(np.std(found))
