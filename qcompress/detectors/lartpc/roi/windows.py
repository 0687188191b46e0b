"""Windows of waveforms, as the networks see them."""

from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

Integers = npt.NDArray[np.int64]
TICKS = 200
"""Of a window."""
STRIDE = 150
"""Ticks between the windows of a waveform."""


def starts(ticks: int) -> Integers:
    """First ticks of the windows that cover a waveform of so many ticks: every `STRIDE`, the last one moved back.

    Raises QcompressError for a waveform that is shorter than a window.
    """
    if ticks < TICKS:
        raise QcompressError(f"a waveform of {ticks} ticks is shorter than a window of {TICKS}")
    found = np.arange(0, ticks - TICKS + STRIDE, STRIDE)
    return np.minimum(found, ticks - TICKS)


def windows(samples: npt.NDArray[Any], channel: npt.ArrayLike, start: npt.ArrayLike) -> npt.NDArray[Any]:
    """(n, TICKS) of `samples` (channels, ticks) from tick `start` (n,) of `channel` (n,) on."""
    ticks = np.asarray(start)[:, None] + np.arange(TICKS)
    return np.asarray(samples[np.asarray(channel)[:, None], ticks])


def mask(start: Integers, kept: npt.NDArray[np.bool_], ticks: int) -> npt.NDArray[np.bool_]:
    """Ticks (channels, ticks) that lie in a window that is kept; kept (channels, windows) of those from `start` on."""
    steps = np.zeros((len(kept), ticks + 1), np.int16)
    for place, first in enumerate(start):
        steps[:, first] += kept[:, place]
        steps[:, first + TICKS] -= kept[:, place]
    return np.asarray(steps.cumsum(axis=1)[:, :-1] > 0)
