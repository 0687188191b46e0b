"""Maxima against the truth: which truth cluster has which maximum, and what a network is to learn of it.

A truth cluster looks for a maximum in rings of growing distance around its cell, d^2 = 0, 1, 2, 4, 5, 8 cells, and
takes one of the first ring that has any: the one nearest to its centre of gravity, the first in (pad, time) of equals.
Several may take the same maximum. Truth clusters that are not findable (qTot < 5 or qMax < 3) take none.

A maximum's label is the number of truth clusters that took it, those of loopers not counted. It is 0 where only loopers
did, or where none did although one lies in reach (a clone), and -1 where none lies in reach (noise).
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]

RINGS = (0, 1, 2, 4, 5, 8)
NOISE = -1
PAD_RANGE, TIME_RANGE = 1 << 10, 1 << 24


class Places(NamedTuple):
    """Where something lies: row and cell, pad and time of its cell or, in floats, of its centre; each (n,)."""

    row: Integers
    pad: npt.NDArray[Any]
    time: npt.NDArray[Any]


class Matching(NamedTuple):
    """Truth and maxima, one event.

    maximum: of each truth cluster, -1 if it has none. Of each maximum: clusters and loopers that took it; cluster: the
    nearest of its clusters that are no loopers, -1 if none; in_reach: a findable truth cluster lies in a ring.
    """

    maximum: Integers
    clusters: Integers
    loopers: Integers
    cluster: Integers
    in_reach: Flags

    @property
    def label(self) -> Integers:
        """Of each maximum: clusters that took it, 0 for loopers and clones, -1 for noise."""
        empty = np.where((self.loopers > 0) | self.in_reach, 0, NOISE)
        return np.where(self.clusters > 0, self.clusters, empty)

    @property
    def clones(self) -> Flags:
        """Maxima in reach of a truth cluster that took another one."""
        return np.asarray(self.in_reach & (self.clusters == 0) & (self.loopers == 0))

    @property
    def noise(self) -> Flags:
        """Maxima with no truth cluster in reach: fakes."""
        return ~self.in_reach


def match(maxima: Places, truth: Places, looper: Flags, findable: Flags) -> Matching:
    """Truth clusters to `maxima`, which are in cells; truth in floats (centres of gravity).

    looper, findable (m,): which truth clusters are; those that are not findable take no maximum.
    """
    cells = Places(*(np.asarray(part, np.int64) for part in maxima))
    keys = _keys(*cells)
    order = np.argsort(keys, kind="stable")
    wanted = np.flatnonzero(findable)
    row = np.asarray(truth.row, np.int64)[wanted]
    pad, time = (np.asarray(part, np.float64)[wanted] for part in (truth.pad, truth.time))
    here = (np.floor(pad + 0.5).astype(np.int64), np.floor(time + 0.5).astype(np.int64))
    taken = np.full(len(wanted), -1, np.int64)
    in_reach = np.zeros(len(keys), np.bool_)
    for ring in RINGS if len(keys) else ():
        free = taken < 0
        best = np.full(len(wanted), np.inf)
        for dpad, dtime in offsets(ring):
            found = _find(keys, order, _keys(row, here[0] + dpad, here[1] + dtime))
            there = found >= 0
            in_reach[found[there]] = True
            away = np.hypot(cells.pad[found] - pad, cells.time[found] - time)
            nearer = there & free & (away < best)
            taken[nearer], best[nearer] = found[nearer], away[nearer]
    maximum = np.full(len(truth.row), -1, np.int64)
    maximum[wanted] = taken
    own = np.flatnonzero((maximum >= 0) & ~looper)
    others = np.flatnonzero((maximum >= 0) & looper)
    clusters, loopers = (np.bincount(maximum[some], minlength=len(keys)) for some in (own, others))
    cluster = np.full(len(keys), -1, np.int64)
    away = np.hypot(cells.pad[maximum[own]] - truth.pad[own], cells.time[maximum[own]] - truth.time[own])
    far_first = np.argsort(-away, kind="stable")
    cluster[maximum[own[far_first]]] = own[far_first]  # the nearest is written last
    return Matching(maximum, clusters, loopers, cluster, in_reach)


def offsets(ring: int) -> list[tuple[int, int]]:
    """Cells (dpad, dtime) at the squared distance `ring`, up to 2 each."""
    reach = range(-2, 3)
    return [(dpad, dtime) for dpad in reach for dtime in reach if dpad**2 + dtime**2 == ring]


def _keys(row: Integers, pad: Integers, time: Integers) -> Integers:
    """A number for each cell; cells before the first pad or time bin are none of another row."""
    return np.asarray(((row * PAD_RANGE) + pad + 2) * TIME_RANGE + time + 2)


def _find(keys: Integers, order: Integers, wanted: Integers) -> Integers:
    """Places of `wanted` among `keys`, -1 where there is none; order: that sorts the keys."""
    at = np.minimum(np.searchsorted(keys, wanted, sorter=order), len(keys) - 1)
    return np.where(keys[order[at]] == wanted, order[at], -1)
