"""Decays of 39Ar: points of charge anywhere in the volume, at any time."""

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.presets import Preset
from qcompress.detectors.lartpc.samples.layout import RADIOACTIVE
from qcompress.detectors.lartpc.simulation.parameters import PARAMETERS
from qcompress.detectors.lartpc.simulation.volume import Volume

_MASS = 0.510999
_LOSS = 3.0
"""Mean loss of an electron of some 200 keV [MeV/cm]: for recombination."""


def spectrum(energy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Allowed spectrum of a kinetic energy [MeV] (n,), without the nucleus' charge; not normalised."""
    momentum = np.sqrt(energy * (energy + 2 * _MASS))
    left = np.maximum(PARAMETERS.argon39_end - energy, 0)
    return np.asarray(momentum * (energy + _MASS) * left**2)


def decays(rng: np.random.Generator, preset: Preset, volume: Volume) -> npt.NDArray[np.float64]:
    """Deposits (n, 8), rows as in `cascades`, of a window and of the drift before it; they are no particle's."""
    window = preset.ticks * preset.tick_us
    before = preset.drift_mm / preset.drift_velocity_mm_us
    kilograms = PARAMETERS.density * volume.drift * volume.height * volume.length / 1000
    count = rng.poisson(PARAMETERS.argon39 * kilograms * (window + before) * 1e-6)
    grid = np.linspace(0, PARAMETERS.argon39_end, 1000)
    cumulative = np.cumsum(spectrum(grid))
    found = np.empty((count, 8))
    found[:, :3] = rng.uniform(0, 1, (count, 3)) * (volume.drift, volume.height, volume.length)
    found[:, 3] = rng.uniform(-before, window, count)
    found[:, 4] = np.interp(rng.uniform(0, cumulative[-1], count), cumulative, grid)
    found[:, 5], found[:, 6], found[:, 7] = _LOSS, RADIOACTIVE, -1
    return found
