"""The converters: ADC counts above the baseline -> codes."""

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.presets import Plane, Preset

STICKY_BITS = 6
"""Codes whose low bits are 0, 1 or all ones are given too often by converters that stick."""


def digitise(signal: npt.ArrayLike, preset: Preset, plane: Plane) -> npt.NDArray[np.uint16]:
    """Codes, of the shape of `signal`, uint16: signal [ADC counts] and baseline, rounded, clipped at both ends.

    preset, plane: whose bits, whose baseline.
    """
    counts = np.rint(np.asarray(signal, np.float32) + np.float32(plane.baseline))
    return np.asarray(np.clip(counts, 0, (1 << preset.adc_bits) - 1), np.uint16)


def stick(codes: npt.NDArray[np.uint16], rng: np.random.Generator, share: float) -> npt.NDArray[np.uint16]:
    """Codes of converters that stick: a `share` of the samples falls to the nearest code of low bits 0, 1 or all ones.

    codes: any shape, as of `digitise`; rng: says which.
    """
    step, wide = 1 << STICKY_BITS, codes.astype(np.int64)
    below = wide & -step
    near = np.stack([below - 1, below, below + 1, below + step - 1, below + step, below + step + 1])
    distance = np.where(near < 0, step, np.abs(near - wide))
    stuck = np.take_along_axis(near, distance.argmin(axis=0)[None], axis=0)[0]
    return np.where(rng.random(codes.shape) < share, stuck, wide).astype(np.uint16)
