"""How many outputs share a multiplier, and how many steps a sum takes, for a reuse factor.

A factor that shares out a layer evenly is taken as it is: first outputs, then terms. Any other leaves multipliers
without work at some steps, or steps without work; of all ways to do so the one with the fewest look-up tables is taken.
"""

from functools import lru_cache
from math import gcd
from typing import NamedTuple

import numpy as np


class Work(NamedTuple):
    """What is shared out: sums of so many `terms`, by `channels` of `columns` each that read the same input elements.

    outputs: sums, in the order (position, channel); value, weight: bits of the factors; weights_chosen: whether weights
    go through multiplexers, and not into memories.
    """

    outputs: int
    terms: int
    channels: int
    columns: int
    value: int
    weight: int
    weights_chosen: bool


class Fold(NamedTuple):
    """Turns: outputs that share a multiplier; chunks: steps that one sum takes."""

    turns: int
    chunks: int

    @property
    def steps(self) -> int:
        """Clock cycles with work."""
        return self.turns * self.chunks


@lru_cache(maxsize=4096)
def fold(work: Work, reuse: int) -> Fold:
    """How `work` is shared out over at most `reuse` steps."""
    turns = gcd(reuse, work.outputs)
    chunks = reuse // turns
    if -(-work.terms // chunks) * (chunks - 1) < work.terms:
        return Fold(turns, chunks)
    return min(_ways(work, reuse), key=lambda way: (_tables(work, way), way.steps))


def _ways(work: Work, reuse: int) -> list[Fold]:
    """For every number of sums side by side the fewest turns, with as many steps for a sum as there are."""
    found = []
    for most in range(1, min(reuse, work.outputs) + 1):
        turns = -(-work.outputs // -(-work.outputs // most))
        chunks = min(reuse // turns, work.terms)
        found.append(Fold(turns, -(-work.terms // -(-work.terms // chunks))))
    return list(dict.fromkeys(found))


def _tables(work: Work, way: Fold) -> float:
    """Look-up tables, roughly: a product takes one for each pair of bits, a multiplexer half of one for each bit and
    input beyond the first.
    """
    slots, width = -(-work.outputs // way.turns), -(-work.terms // way.chunks)
    position, channel = np.divmod(np.arange(way.turns)[:, None] * slots + np.arange(slots), work.channels)
    last = np.minimum(position, (work.outputs - 1) // work.channels)
    windows = _choices(last * work.channels + channel // work.columns, way.chunks)
    filters = _choices(channel, way.chunks) if work.weights_chosen else 0
    products = slots * width * work.value * work.weight
    return products + width * (work.value * windows + work.weight * filters) / 2


def _choices(read: np.ndarray[tuple[int, ...], np.dtype[np.int64]], chunks: int) -> int:
    """Inputs beyond the first of all different multiplexers; read (turns, slots): what a slot reads at a turn."""
    unique = np.sort(np.unique(read, axis=1), axis=0)
    different = 1 + (np.diff(unique, axis=0) != 0).sum(axis=0)
    return int((different * chunks - 1).sum())
