"""Windows of a sample's waveforms, and what is to come back of them: what trains and verifies the codec.

The samples themselves are to come back, of windows of noise too unless noise is dropped. Were it the clean signal, or
nothing for noise, pulses near the noise would come back too small: the mean of all that may have been there.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors import FrontEndRegisters, Rows
from qcompress.detectors.lartpc.codec.windows import cut
from qcompress.detectors.lartpc.roi.labels import LEAST_PEAK
from qcompress.detectors.lartpc.roi.rows import Samples, Waves, waves
from qcompress.detectors.lartpc.roi.stages import UNIT
from qcompress.errors import QcompressError


def rows(path: Path, front_end: FrontEndRegisters, bits: int) -> Rows:
    """Windows of all events of the sample at `path` as rows: samples (n, ticks), and targets over UNIT (n, ticks).

    front_end: plane, chamber, ticks, windows of an event, noise; bits: of the converters. Raises QcompressError if
    there is no such sample, or no signal in it.
    """
    parts: list[tuple[Samples, npt.NDArray[np.float32], npt.NDArray[np.uint8]]] = []
    ticks, most = (int(str(front_end[name])) for name in ("ticks", "windows"))
    for found in waves(path, front_end):
        samples, targets = chosen(found, ticks, bits, most, front_end["noise"] == "dropped")
        parts.append((samples, targets, np.full(len(samples), found.split, np.uint8)))
    if not sum(len(samples) for samples, *_ in parts):
        raise QcompressError(f"{path}: no window of plane {front_end['plane']} has a signal")
    samples, targets, split = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Rows.of(samples, targets, split)


def chosen(found: Waves, ticks: int, bits: int, most: int, dropped: bool) -> tuple[Samples, npt.NDArray[np.float32]]:
    """At most `most` windows of signal of an event, and as many of noise, with targets; the event's number says which.

    bits: of the converters; dropped: nothing is to come back of noise. Signal: the largest clean sample is LEAST_PEAK
    counts of 12 bits or more.
    """
    unit = UNIT * (1 << (bits - 12))
    samples, clean = (cut(waves, ticks).reshape(-1, ticks) for waves in (found.samples, found.clean))
    signal = np.abs(clean).max(axis=1) / unit >= LEAST_PEAK / UNIT
    rng = np.random.default_rng([21, found.event])
    places = [rng.permutation(np.flatnonzero(which)) for which in (signal, ~signal)]
    count = min(len(places[0]), most)
    picked = np.concatenate([place[:count] for place in places])
    back = signal[picked, None] | (not dropped)
    return samples[picked], np.where(back, samples[picked] / np.float32(unit), np.float32(0))
