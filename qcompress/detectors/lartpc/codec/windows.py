"""Waveforms cut into windows, one behind the other, as the encoder sees them."""

from typing import Any

import numpy as np
import numpy.typing as npt


def cut(samples: npt.NDArray[Any], ticks: int) -> npt.NDArray[Any]:
    """`samples` (wires, n) less their pedestals -> windows (wires, ceil(n / ticks), ticks), zeros behind the last."""
    missing = -samples.shape[1] % ticks
    filled = np.pad(samples, ((0, 0), (0, missing))) if missing else samples
    return np.asarray(filled.reshape(len(samples), -1, ticks))


def joined(windows: npt.NDArray[Any], ticks: int) -> npt.NDArray[Any]:
    """The waveforms (wires, ticks) of windows (wires, n, size): what `cut` took apart."""
    return np.asarray(windows.reshape(len(windows), -1)[:, :ticks])
