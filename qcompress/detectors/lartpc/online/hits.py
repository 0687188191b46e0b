"""Hits of collection waveforms: pulses above threshold, divided where two of them lie over each other."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

Integers = npt.NDArray[np.int64]


class Hits(NamedTuple):
    """One entry each, by channel and start; all (n,) int64.

    start, stop: [start, stop) ticks; peak_time, peak: of the first of the highest samples; total: sum of samples;
    moment: sum of samples times ticks from the start, so that the centre is start + moment / total.
    """

    channel: Integers
    start: Integers
    stop: Integers
    peak_time: Integers
    peak: Integers
    total: Integers
    moment: Integers


def find(samples: npt.ArrayLike, threshold: int, dip: int) -> Hits:
    """Hits of `samples` (channels, ticks), whole numbers above the pedestal.

    A hit is a run of samples above `threshold`. It is divided at the first of the lowest samples between two peaks if
    that lies by more than `dip` below both; the lowest sample belongs to the later hit. Raises QcompressError for
    samples of another shape or kind, and for numbers below 0.
    """
    from qcompress.detectors.lartpc.online import hit_kernels

    given = np.asarray(samples)
    if given.ndim != 2 or given.dtype.kind not in "iu":
        raise QcompressError(f"samples are whole numbers (channels, ticks), not {given.dtype} of shape {given.shape}")
    if threshold < 0 or dip < 0:
        raise QcompressError(f"threshold {threshold}, dip {dip}: 0 or more")
    rows = np.ascontiguousarray(given, np.int32)
    room = max(1024, rows.size // 16)
    while True:
        found = np.empty((room, 7), np.int64)
        count = hit_kernels.find(rows, threshold, dip, found)
        if count <= room:
            return Hits(*(np.ascontiguousarray(column) for column in found[:count].T))
        room = count
