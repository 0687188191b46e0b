"""Layers of HGCAL as CMSSW's geometry V11 has them: 28 of CE-E, 22 of CE-H, numbered 1 to 50; silicon sensors only.

Numbers: V11 stack and calibration constants as read in CMSSW (hgcalEE/v10 in hgcal/v11, HGCalRecHit_cfi). A newer
geometry (V16) has 26 and 21 layers at other places; nothing here is of it.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

CE_E, CE_H = 1, 2
"""Sub-detectors, as the samples name them."""
CE_E_LAYERS, LAYERS = 28, 50

TRIGGER_LAYERS = np.array([*range(1, CE_E_LAYERS + 1, 2), *range(CE_E_LAYERS + 1, LAYERS + 1)])
"""Layers whose sums leave the detector: the odd ones of CE-E, all of CE-H."""

_DEDX_MEV = (
    *(8.894541, *[10.937907] * 8, *[10.932882] * 2, *[10.937907] * 2, *[10.938169] * 14, 32.332097),
    *(51.574301, *[51.444192] * 10, 69.513118, *[87.582044] * 5, 87.214571, 86.888309, *[86.92952] * 3),
)
"""Energy lost in the absorber for each MIP seen, layers 1 to 50."""

THICKNESS_CORRECTION = {CE_E: 0.77, CE_H: 0.84}
"""Response of silicon to electromagnetic and hadronic showers relative to a MIP (regional calibration of V11)."""

MIP_COUNTS = 35.1
"""ADC counts of a transverse MIP: 3.43 fC at 100/1024 fC for each count."""


class Absorber(NamedTuple):
    """Matter in front of a sensor at normal incidence, in radiation and in nuclear interaction lengths."""

    x0: float
    interaction: float


FIRST, ODD, EVEN = Absorber(0.44, 0.027), Absorber(0.85, 0.052), Absorber(1.00, 0.061)
"""CE-E: lengths of the stack; 25.5 X0 and 1.55 interaction lengths in all, the latter shared as the former are."""
FINE, COARSE = Absorber(2.43, 0.248), Absorber(4.30, 0.445)
"""CE-H: 35 or 68 mm of steel and 6 mm of copper (technical design report; particle data group's lengths)."""
FINE_LAYERS = 40
"""The last layer with the thin absorber."""


def check_layers(layer: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """The numbers of each `layer` as integers; raises QcompressError for one outside 1 to 50."""
    number = np.asarray(layer, np.int64)
    if np.any(wrong := (number < 1) | (number > LAYERS)):
        raise QcompressError(f"layer {number[wrong].ravel()[0]}: silicon layers are 1 to {LAYERS}")
    return number


def subdetector(layer: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """CE_E or CE_H, of each `layer`; raises QcompressError for one outside 1 to 50."""
    return np.where(check_layers(layer) <= CE_E_LAYERS, CE_E, CE_H).astype(np.uint8)


def z_cm(layer: npt.ArrayLike) -> Values:
    """Distance of the sensors from the collision, cm.

    CE-E from the stack; CE-H to layer 40 by its spacing, behind it inferred (8.55 cm a layer).
    """
    k = check_layers(layer).astype(np.float64)
    odd = np.where(k == 1, 322.10, 325.07 + 2.97 * (k - 3) / 2)
    even = np.where(k == 2, 323.05, 326.02 + 2.97 * (k - 4) / 2)
    electromagnetic = np.where(k % 2 == 1, odd, even)
    steps = [k <= CE_E_LAYERS, k <= 36, k <= FINE_LAYERS]
    hadronic = [electromagnetic, 367.70 + 5.45 * (k - 29), 411.3 + 5.45 * (k - 37)]
    return np.select(steps, hadronic, 436.2 + 8.55 * (k - 41))


def dedx_weight_mev(layer: npt.ArrayLike) -> Values:
    """Energy lost in front of the sensor of each `layer` for each MIP seen in it, MeV.

    Raises QcompressError for a layer outside 1 to 50.
    """
    return np.array(_DEDX_MEV)[check_layers(layer) - 1]


def trigger_weight_mev(layer: npt.ArrayLike) -> Values:
    """The same for the layers that the trigger reads: in CE-E, and in the first layer behind it, with the layer before.

    Even layers of CE-E have none. CMSSW, hgcalLayersCalibrationCoefficients_cfi, TrgLayer_dEdX_weights.
    """
    number = check_layers(layer)
    before = np.array((0.0, *_DEDX_MEV))[number - 1]
    paired = dedx_weight_mev(number) + np.where(number <= CE_E_LAYERS + 1, before, 0.0)
    return np.where(is_trigger_layer(number), paired, 0.0)


def thickness_correction(layer: npt.ArrayLike) -> Values:
    """What a layer's calibrated energy is divided by."""
    return np.where(subdetector(layer) == CE_E, THICKNESS_CORRECTION[CE_E], THICKNESS_CORRECTION[CE_H])


def is_trigger_layer(layer: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Whether the layer's sums leave the detector."""
    return np.isin(check_layers(layer), TRIGGER_LAYERS)


def absorber(layer: int) -> Absorber:
    """Matter between the sensor before and that of this `layer`, 1 to 50."""
    if layer > CE_E_LAYERS:
        return FINE if layer <= FINE_LAYERS else COARSE
    if layer == 1:
        return FIRST
    return EVEN if layer % 2 == 0 else ODD


@cache
def depths() -> tuple[Values, Values]:
    """Radiation lengths and interaction lengths, (50,) each, from the calorimeter's front to each sensor."""
    matter = np.cumsum([absorber(layer) for layer in range(1, LAYERS + 1)], axis=0)
    return matter[:, 0], matter[:, 1]
