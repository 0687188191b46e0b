"""Three chambers as numbers: planes of wires, drift, amplifiers, noise, converters.

Sources: wire files, detector settings, field responses and noise spectra of the wire-cell project, decoded; what is
fitted here says so. e: electrons.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

ELECTRON_FC = 1.602176634e-4
"""Charge of an electron [fC]."""


class Lobe(NamedTuple):
    """A Gaussian with two widths, as a function of time: of width `left` before `mean_us`, `right` behind it.

    height: electrons per us per drifting electron; mean_us: after the peak of the collection plane's current; widths
    in us, a `right` of 0 cuts.
    """

    height: float
    mean_us: float
    left_us: float
    right_us: float


@dataclass(frozen=True)
class NoiseShape:
    """Amplitude against frequency f: that of the shaper times sqrt(flat + (f / 0.1 MHz)^2), and a white part.

    white: rms of the white part over the total.
    """

    flat: float
    white: float


@dataclass(frozen=True)
class Plane:
    """The wires of one view.

    angle_deg: to the vertical; channels: of the detector's unit; wires: that a simulation uses unless told otherwise.
    currents: of a wire for an electron in its own cell, in the cell beside it, and so on, each as a sum of lobes.
    noise_e: equivalent noise charge [e], noise its shape; baseline: ADC code of no signal; board_channels: of one
    front-end board.
    """

    name: str
    pitch_mm: float
    angle_deg: float
    channels: int
    wires: int
    collection: bool
    currents: tuple[tuple[Lobe, ...], ...]
    noise_e: float
    noise: NoiseShape
    baseline: int
    board_channels: int


@dataclass(frozen=True)
class Preset:
    """A chamber: planes in order of drift, and everything that their signals have in common.

    longitudinal_cm2_s, transverse_cm2_s: diffusion; ticks: of a read-out window; gain_mv_fc: peak of the shaper's
    answer to a charge; post_gain: of the stage behind it, signals alone; coupling_us: RC of the AC coupling.
    """

    name: str
    planes: tuple[Plane, ...]
    field_kv_cm: float
    drift_velocity_mm_us: float
    drift_mm: float
    lifetime_ms: float
    longitudinal_cm2_s: float
    transverse_cm2_s: float
    tick_us: float
    ticks: int
    adc_bits: int
    range_mv: float
    gain_mv_fc: float
    post_gain: float
    peaking_us: float
    coupling_us: float

    def plane(self, name: str) -> Plane:
        """The plane called `name`; KeyError if there is none."""
        return {plane.name: plane for plane in self.planes}[name]

    @property
    def adc_per_mv(self) -> float:
        """ADC counts of a millivolt."""
        return ((1 << self.adc_bits) - 1) / self.range_mv

    @property
    def adc_per_electron(self) -> float:
        """ADC counts of an electron that arrives at once, at the peak, without the post-gain: the scale of noise."""
        return ELECTRON_FC * self.gain_mv_fc * self.adc_per_mv


def current(lobes: tuple[Lobe, ...], time_us: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Sum of `lobes` at times, any shape [e per us].

    time_us: after the peak of the collection plane's current.
    """
    found = np.zeros(time_us.shape)
    for height, mean, left, right in lobes:
        away = time_us - mean
        behind = np.exp(-0.5 * (away / right) ** 2) if right else 0.0
        found += height * np.where(away <= 0, np.exp(-0.5 * (away / left) ** 2), behind)
    return found


_DUNE = {
    "U": (
        (Lobe(0.250, -3.242, 2.142, 1.413), Lobe(-0.408, -3.889, 0.545, 1.696)),
        (Lobe(0.056, -2.892, 2.722, 1.193), Lobe(-0.091, -3.358, 0.981, 1.627)),
        (Lobe(-0.005, -2.322, 0.788, 1.994),),
    ),
    "V": (
        (Lobe(0.229, -0.813, 2.266, 0.275), Lobe(-0.389, -1.437, 0.598, 0.919)),
        (Lobe(0.088, -0.383, 2.689, 0.119), Lobe(-0.131, -0.759, 1.255, 0.668)),
        (Lobe(0.061, -1.014, 2.252, 0.481), Lobe(-0.062, -1.096, 2.003, 0.715)),
    ),
    "W": (
        (Lobe(0.677, 0.424, 0.641, 0.050), Lobe(0.137, 1.016, 2.354, 0.050)),
        (Lobe(0.049, 0.800, 2.563, 0.000), Lobe(-0.166, -0.006, 0.328, 0.447)),
        (Lobe(0.003, -1.431, 2.582, 1.132), Lobe(-0.016, -0.297, 0.241, 0.606)),
    ),
}
"""Own wire, next, next but one, pitch 4.7 mm, 1.565 mm/us: a field calculation, averaged over impact positions."""
_MICROBOONE = {
    "U": (
        (Lobe(0.153, -1.370, 3.771, 0.050), Lobe(-0.458, -3.650, 0.050, 1.346)),
        (Lobe(0.018, -0.124, 9.000, 1.435), Lobe(-0.056, -2.868, 1.456, 2.322)),
    ),
    "V": (
        (Lobe(0.331, -0.688, 1.839, 0.050), Lobe(-0.616, -1.856, 0.050, 0.997)),
        (Lobe(0.068, -0.588, 2.251, 0.050), Lobe(-0.121, -1.371, 0.413, 1.017)),
    ),
    "Y": (
        (Lobe(0.434, 3.611, 0.050, 0.068), Lobe(0.516, 0.722, 1.411, 0.050)),
        (Lobe(0.119, 1.229, 2.101, 0.778), Lobe(-0.210, -0.421, 0.066, 1.598)),
    ),
}
"""The same at 3 mm and 1.098 mm/us, fitted here to the shaped averages: peaks to 2 %, U's positive ones to 9 %."""
_SHAPES = {
    "protodune-sp": (NoiseShape(0.638, 0.328), NoiseShape(0.624, 0.458)),
    "dune-hd": (NoiseShape(0.460, 0.180), NoiseShape(0.441, 0.184)),
    "microboone": (NoiseShape(0.530, 0.320), NoiseShape(0.874, 0.332)),
}
"""Of induction and collection planes, fitted here to the decoded spectra, MicroBooNE's to those of wires of 4.5 m."""


def _dune_planes(name: str, noise_e: tuple[float, float, float], scale: int) -> tuple[Plane, ...]:
    """Planes of an anode of the far-detector kind; noise_e of U, V, W; scale: of baselines, 1 at 12 bits."""
    induction, collection = _SHAPES[name]
    u, v, w = noise_e
    return (
        Plane("U", 4.669, 35.71, 800, 800, False, _DUNE["U"], u, induction, 2350 * scale, 40),
        Plane("V", 4.669, -35.71, 800, 800, False, _DUNE["V"], v, induction, 2350 * scale, 40),
        Plane("W", 4.79, 0.0, 960, 480, True, _DUNE["W"], w, collection, 900 * scale, 48),
    )


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            name="microboone",
            planes=(
                Plane("U", 3.0, 60.0, 2400, 800, False, _MICROBOONE["U"], 430.0, _SHAPES["microboone"][0], 2046, 32),
                Plane("V", 3.0, -60.0, 2400, 800, False, _MICROBOONE["V"], 430.0, _SHAPES["microboone"][0], 2046, 32),
                Plane("Y", 3.0, 0.0, 3456, 768, True, _MICROBOONE["Y"], 359.0, _SHAPES["microboone"][1], 473, 32),
            ),
            field_kv_cm=0.273,
            drift_velocity_mm_us=1.098,
            drift_mm=2550.0,
            lifetime_ms=18.0,
            longitudinal_cm2_s=6.4,
            transverse_cm2_s=9.8,
            tick_us=0.5,
            ticks=4800,
            adc_bits=12,
            range_mv=2000.0,
            gain_mv_fc=14.0,
            post_gain=1.2,
            peaking_us=2.2,
            coupling_us=1100.0,
        ),
        Preset(
            name="protodune-sp",
            planes=_dune_planes("protodune-sp", (653.0, 653.0, 565.0), 1),
            field_kv_cm=0.4867,
            drift_velocity_mm_us=1.565,
            drift_mm=3600.0,
            lifetime_ms=35.0,
            longitudinal_cm2_s=7.2,
            transverse_cm2_s=12.0,
            tick_us=0.5,
            ticks=4608,
            adc_bits=12,
            range_mv=1400.0,
            gain_mv_fc=14.0,
            post_gain=1.1365,
            peaking_us=2.2,
            coupling_us=1100.0,
        ),
        Preset(
            name="dune-hd",
            planes=_dune_planes("dune-hd", (524.0, 524.0, 413.0), 4),
            field_kv_cm=0.5,
            drift_velocity_mm_us=1.60,
            drift_mm=3600.0,
            lifetime_ms=10.4,
            longitudinal_cm2_s=7.2,
            transverse_cm2_s=12.0,
            tick_us=0.512,
            ticks=4608,
            adc_bits=14,
            range_mv=1400.0,
            gain_mv_fc=14.0,
            post_gain=1.0,
            peaking_us=2.2,
            coupling_us=1100.0,
        ),
    )
}
"""MicroBooNE's lifetime and boards are choices of ours."""
