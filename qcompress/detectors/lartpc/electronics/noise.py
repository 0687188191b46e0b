"""Electronic noise of a plane: coloured as behind the cold amplifier, and what all wires of a board have in common."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.electronics import shaper
from qcompress.detectors.lartpc.presets import NoiseShape, Plane, Preset
from qcompress.errors import QcompressError

TONES_HZ = (200.0, 3e3, 4e3, 12e3, 31e3, 42e3, 53.2e3, 120e3, 330e3)
TONES_ADC = (1.0, 0.2, 2.0, 1.0, 1.1, 1.2, 0.8, 1.2, 3.0)
"""What a board's wires have in common, amplitudes in counts of 12 bits."""
COMMON_HZ, COMMON_ADC = (50.0, 3e3), (0.5, 0.3)
"""The same of all wires."""
_WIRES_AT_ONCE = 256


def plane_noise(
    rng: np.random.Generator,
    preset: Preset,
    plane: Plane,
    ticks: int,
    wires: int | None = None,
    waves: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]:
    """Noise (wires, ticks) float32 [ADC counts], Gaussian, each wire on its own, of the plane's rms and spectrum.

    rng: where random numbers come from; preset, plane: whose noise; wires: the plane's own if not given. waves: of
    `board_waves`, added to each board's wires; boards that it does not have carry none.
    """
    wires = plane.wires if wires is None else wires
    found = np.empty((wires, ticks), np.float32)
    length = _smooth(ticks)
    amplitude = spectrum(preset, plane.noise, length).astype(np.float32) * np.float32(rms(preset, plane))
    for first in range(0, wires, _WIRES_AT_ONCE):
        part = found[first : first + _WIRES_AT_ONCE]
        drawn = rng.standard_normal((len(part), 2 * len(amplitude)), np.float32).view(np.complex64)
        drawn *= amplitude
        part[:] = np.fft.irfft(drawn, length, axis=1)[:, :ticks]
    if waves is not None:
        if waves.ndim != 2 or waves.shape[1] != ticks:
            raise QcompressError(f"waves of boards are (boards, {ticks}), not of shape {waves.shape}")
        boards = min(len(waves), -(-wires // plane.board_channels))
        for board in range(boards):
            found[board * plane.board_channels : (board + 1) * plane.board_channels] += waves[board]
    return found


def rms(preset: Preset, plane: Plane) -> float:
    """Of the noise of a `plane` [ADC counts], in a `preset`."""
    return plane.noise_e * preset.adc_per_electron


@lru_cache(maxsize=32)
def spectrum(preset: Preset, noise: NoiseShape, ticks: int) -> npt.NDArray[np.float64]:
    """Factors of unit complex normal numbers (ticks // 2 + 1,) whose inverse transform has an rms of 1.

    The real and the imaginary part of a unit number have a sigma of 1 each; those at 0 and at the highest frequency are
    real. preset: whose amplifier; noise: its shape; ticks: of the transform.
    """
    fine = 8  # points of the amplifier's answer in a tick: nothing of it is folded back
    time = np.arange(round(shaper.LONGEST * preset.peaking_us / preset.tick_us) * fine) * preset.tick_us / fine
    frequency = np.fft.rfftfreq(ticks, preset.tick_us)
    waves = np.exp(-2j * np.pi * np.outer(frequency, time))
    passed = np.abs(waves @ shaper.response(time, preset.peaking_us))
    shape = passed * np.sqrt(noise.flat + (frequency / 0.1) ** 2)
    weight = np.full(len(frequency), 4.0)  # of a power in the variance of the inverse transform, times ticks^2
    weight[0] = 1
    if ticks % 2 == 0:
        weight[-1] = 1
    white = noise.white
    power = (1 - white**2) * shape**2 / (weight @ shape**2) + white**2 / weight.sum()
    return np.asarray(ticks * np.sqrt(power))


def board_waves(rng: np.random.Generator, preset: Preset, boards: int, ticks: int) -> npt.NDArray[np.float32]:
    """Coherent noise (boards, ticks) float32 [ADC counts]: sums of sines of random phases, rms about 3.1 at 12 bits.

    Each board has its own phases; two slow tones are those of the whole detector. rng: where phases come from; preset:
    whose ticks and bits. The planes of a detector share the boards: give the same waves to all of them.
    """
    scale = float(1 << (preset.adc_bits - 12))
    time = np.arange(ticks) * preset.tick_us * 1e-6

    def tones(
        hertz: tuple[float, ...], counts: tuple[float, ...], phase: npt.NDArray[np.float64]
    ) -> npt.NDArray[np.float64]:
        turns = 2 * np.pi * (np.multiply.outer(hertz, time) + phase[..., None])
        return np.asarray(np.einsum("t,...tk->...k", counts, np.sin(turns)))

    own = np.stack([tones(TONES_HZ, TONES_ADC, rng.random(len(TONES_HZ))) for _ in range(boards)])
    return np.asarray(scale * (own + tones(COMMON_HZ, COMMON_ADC, rng.random(len(COMMON_HZ)))), np.float32)


def _smooth(ticks: int) -> int:
    """The least length from `ticks` on that has no prime factor above 5, even: a fast transform."""
    length = ticks + ticks % 2
    while True:
        left = length
        for factor in (2, 3, 5):
            while left % factor == 0:
                left //= factor
        if left == 1:
            return length
        length += 2
