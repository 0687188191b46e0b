"""Signals of a plane: charge that arrives at wires -> ADC counts above the baseline, without noise."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.electronics import shaper
from qcompress.detectors.lartpc.presets import ELECTRON_FC, Lobe, Plane, Preset, current
from qcompress.errors import QcompressError

Times = npt.NDArray[np.float64]
FINE_US = 0.02
"""Grid on which currents are convolved with the amplifier's answer."""
EARLIEST_US, LATEST_US = -25.0, 10.0
"""Where currents are not zero, after the collection plane's peak."""


class Kernels(NamedTuple):
    """Samples of a charge of one electron that arrives in the middle of a tick [ADC counts].

    first: tick of the first sample, counted from that of the charge; samples (wires, ticks): on the electron's own
    wire, on the next, and so on.
    """

    first: int
    samples: npt.NDArray[np.float32]


def plane_signal(charge: npt.ArrayLike, preset: Preset, plane: Plane) -> npt.NDArray[np.float32]:
    """ADC counts above the baseline, (wires, ticks) float32, of electrons that arrive at the wires of a plane.

    charge: electrons (wires, ticks) by wire and tick; the tick is that of the collection plane's current peak for all
    planes, so that an electron has one arrival time. Signals are positive first on induction planes. The wires beside
    those given carry nothing and see nothing; samples outside the window are lost. Electrons are taken to arrive in the
    middle of their tick, samples to be taken there. preset, plane: of which the currents, the amplifier and its AC
    coupling are. Raises QcompressError for charges of another shape.
    """
    from qcompress.detectors.lartpc.electronics import kernels

    given = np.ascontiguousarray(charge, np.float32)
    if given.ndim != 2:
        raise QcompressError(f"charges of a plane are (wires, ticks), not of shape {given.shape}")
    pulse = pulses(preset, plane)
    found = np.zeros(given.shape, np.float32)
    kernels.lay(given, pulse.samples, pulse.first, found)
    kernels.couple(found, np.float32(preset.tick_us / preset.coupling_us))
    return found


@lru_cache(maxsize=64)
def pulses(preset: Preset, plane: Plane) -> Kernels:
    """What one electron gives on the wires around it, without AC coupling; preset, plane: of which."""
    currents = [_pulse(preset, lobes) for lobes in plane.currents]
    first = int(np.ceil(EARLIEST_US / preset.tick_us))
    last = int((LATEST_US + shaper.LONGEST * preset.peaking_us) / preset.tick_us)
    ticks = np.arange(first, last) * preset.tick_us
    grid = EARLIEST_US + FINE_US * (np.arange(len(currents[0])) + 0.5)
    sampled = np.stack([np.interp(ticks, grid, pulse) for pulse in currents]).astype(np.float32)
    size = np.abs(sampled).max(axis=0)
    seen = np.flatnonzero(size > 1e-4 * size.max())
    return Kernels(first + int(seen[0]), np.ascontiguousarray(sampled[:, seen[0] : seen[-1] + 1]))


def _pulse(preset: Preset, lobes: tuple[Lobe, ...]) -> npt.NDArray[np.float64]:
    """Shaped current on the fine grid from `EARLIEST_US` on [ADC counts per electron]."""
    steps, ends = round((LATEST_US - EARLIEST_US) / FINE_US), round(shaper.LONGEST * preset.peaking_us / FINE_US)
    middles: Times = np.asarray(EARLIEST_US + FINE_US * (np.arange(steps) + 0.5), np.float64)
    after: Times = np.asarray(FINE_US * np.arange(ends), np.float64)
    flowing, answer = current(lobes, middles) * FINE_US, shaper.response(after, preset.peaking_us)
    scale = ELECTRON_FC * preset.gain_mv_fc * preset.post_gain * preset.adc_per_mv
    return np.asarray(np.convolve(flowing, answer) * scale)
