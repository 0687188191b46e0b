"""Closure: an algorithm that sends everything must give the clusters of all trigger cells, where they are.

A decoder that mirrors modules keeps every sum and every response; it is the clusters' places that tell.
"""

from typing import NamedTuple

import numpy as np

from qcompress.detectors.hgcal.clustering.matching import Matched
from qcompress.detectors.hgcal.module.geometry import TC_PITCH_CM
from qcompress.detectors.hgcal.module.layers import z_cm
from qcompress.fixedpoint import Values

STEP = 1 / 16
"""Half of the widest bin of a code with three bits of mantissa, relative to the charge."""
SHIFT = TC_PITCH_CM / float(z_cm(1)) / 4
"""A quarter of a trigger cell, in (x/z, y/z)."""


class Closure(NamedTuple):
    """Clusters that both have; clusters that one of them lacks; largest relative change of pT; largest shift."""

    clusters: int
    missing: int
    pt_change: float
    shift: float

    @property
    def passed(self) -> bool:
        """Whether there are clusters, none is missing, and all are within a step and a quarter of a trigger cell."""
        return self.clusters > 0 and self.missing == 0 and self.pt_change <= STEP and self.shift <= SHIFT


def closure(reference: Matched, other: Matched) -> Closure:
    """Compare the clusters of an `other` algorithm with those of a `reference`; both from the same events and cuts.

    Clusters of the same generated particle are held against each other: pT relative, places in (x/z, y/z).
    """
    (keys, others) = (np.column_stack([m.event, m.zside, m.gen_pt]) for m in (reference, other))
    known = {tuple(key): row for row, key in enumerate(others.tolist())}
    pairs = [(row, known[tuple(key)]) for row, key in enumerate(keys.tolist()) if tuple(key) in known]
    missing = len(keys) + len(others) - 2 * len(pairs)
    if not pairs:
        return Closure(0, missing, float("nan"), float("nan"))
    a, b = np.array(pairs).T
    apart = np.hypot(*(places(reference)[a] - places(other)[b]).T)
    return Closure(len(a), missing, float(np.abs(other.pt[b] / reference.pt[a] - 1).max()), float(apart.max()))


def places(matched: Matched) -> Values:
    """x/z and y/z (m, 2) of `matched` clusters, from their eta and phi."""
    slope = 1 / np.sinh(np.abs(matched.eta))
    return np.column_stack([slope * np.cos(matched.phi), slope * np.sin(matched.phi)])
