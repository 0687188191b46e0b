"""True hits: runs of pixels with charge on a wire."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.samples.layout import CLASS_NAMES, GAP, MERGED, TRACK

if TYPE_CHECKING:
    from qcompress.detectors.lartpc.simulation.transport import Truth

LEAST_CHARGE = 500.0
"""Electrons: runs of less are no hits."""


class Hits(NamedTuple):
    """Columns of hits, by wire and tick; see the layout of samples."""

    wire: npt.NDArray[np.uint16]
    start: npt.NDArray[np.uint16]
    end: npt.NDArray[np.uint16]
    tick: npt.NDArray[np.float32]
    rms: npt.NDArray[np.float32]
    charge: npt.NDArray[np.float32]
    kind: npt.NDArray[np.uint8]
    particle: npt.NDArray[np.uint16]


def hits_of(truth: "Truth") -> Hits:
    """Runs of the pixels of a plane, sorted by wire and tick, with gaps of GAP ticks at the most."""
    wire, tick, charge = truth.wire.astype(np.int64), truth.tick.astype(np.float64), truth.charge.astype(np.float64)
    begins = np.ones(len(wire), np.bool_)
    begins[1:] = (np.diff(wire) != 0) | (np.diff(tick) > GAP + 1)
    first = np.flatnonzero(begins)
    if not len(first):
        empty: tuple[Any, ...] = (truth.wire, truth.tick, truth.tick, *[truth.charge] * 3, truth.kind, truth.particle)
        return Hits(*empty)
    run = np.cumsum(begins) - 1
    total = np.add.reduceat(charge, first)
    mean = np.add.reduceat(charge * tick, first) / total
    variance = np.add.reduceat(charge * (tick - mean[run]) ** 2, first) / total
    last = np.append(first[1:], len(wire)) - 1
    kept = total >= LEAST_CHARGE
    columns: tuple[Any, ...] = (
        truth.wire[first],
        truth.tick[first],
        truth.tick[last] + 1,
        mean.astype(np.float32),
        np.sqrt(variance).astype(np.float32),
        total.astype(np.float32),
        _kinds(run, truth.kind, charge, len(first)),
        _particles(run, truth.particle, charge),
    )
    return Hits(*(column[kept] for column in columns))


def _kinds(
    run: npt.NDArray[np.int64], kind: npt.NDArray[np.uint8], charge: npt.NDArray[np.float64], runs: int
) -> npt.NDArray[np.uint8]:
    """Class of each run: track where most charge is, else the one that has most."""
    sums = np.bincount(run * len(CLASS_NAMES) + kind, charge, runs * len(CLASS_NAMES)).reshape(runs, -1)
    track = sums[:, TRACK] > sums.sum(axis=1) / 2
    sums[:, MERGED == TRACK] = -1
    return np.where(track, TRACK, sums.argmax(axis=1)).astype(np.uint8)


def _particles(
    run: npt.NDArray[np.int64], particle: npt.NDArray[np.uint16], charge: npt.NDArray[np.float64]
) -> npt.NDArray[np.uint16]:
    """Particle with most charge in each run."""
    pairs, place = np.unique(run * (1 << 16) + particle, return_inverse=True)
    sums = np.bincount(place, charge)
    order = np.lexsort((-sums, pairs >> 16))
    _, best = np.unique(pairs[order] >> 16, return_index=True)
    return np.asarray(pairs[order][best] & 0xFFFF, np.uint16)
