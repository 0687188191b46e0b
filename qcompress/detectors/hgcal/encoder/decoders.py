"""Floating-point decoders, off the detector: 16 latents -> image (8, 8, 1) of normalised charges.

`published`: of 8x8_c8_S2; `dense`: dense layers, cheaper on a CPU than transposed convolutions; `conditional`: of the
conditional autoencoder, which knows of each module where it is and how much charge it has; `conditional_dense`: dense
layers that know the same.
"""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.econt.onchip_encoder import LATENTS
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.samples import Columns
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.frontends.keras_objects import KerasLayer, KerasModel

CONDITIONS = ("eta", "v", "u", "module_type", "layer")
"""Columns that a conditional decoder needs of a sample."""
CONDITION_COUNT = 8
WAFER_TYPES = 3
HIDDEN = (128,)
"""Units of the dense decoders' hidden layers, unless the config says."""
FIRST_LOGIT = -3.5
"""Bias of the output before training: 48 cells then sum up to 1.4, as normalised modules do; from zeros they would to
24, and the first steps end in silence."""


def build_decoder(kind: str, units: Sequence[int] | None = None) -> KerasModel:
    """Decoder of latents (16,), or (24,) with the conditions behind them, -> (8, 8, 1), charges that are not negative.

    kind: one of DECODERS or DENSE; units: of the hidden layers of a dense one, HIDDEN if None.
    """
    if kind in DENSE:
        return _dense(LATENTS + DENSE[kind], HIDDEN if units is None else units)
    return DECODERS[kind]()


def _published() -> KerasModel:
    import keras

    return keras.Sequential([keras.Input((LATENTS,)), *_expanding()], name="decoder")


def _conditional() -> KerasModel:
    import keras

    first = [keras.layers.Dense(units, activation="relu", name=f"dense{units}") for units in (24, 64)]
    return keras.Sequential([keras.Input((LATENTS + CONDITION_COUNT,)), *first, *_expanding()], name="decoder")


def _expanding() -> list[KerasLayer]:
    import keras

    layers = keras.layers
    return [
        layers.Dense(128, activation="relu", kernel_initializer="he_uniform", name="expand"),
        layers.Reshape((4, 4, 8), name="image"),
        layers.Conv2DTranspose(
            8, 3, strides=2, padding="same", activation="relu", kernel_initializer="he_uniform", name="upsample"
        ),
        layers.Conv2DTranspose(
            1, 3, padding="same", activation="sigmoid", bias_initializer=_first_logit(), name="charge"
        ),
    ]


def _first_logit() -> KerasModel:
    import keras

    return keras.initializers.Constant(FIRST_LOGIT)


def _dense(known: int, units: Sequence[int]) -> KerasModel:
    """One hidden layer ends in sigmoids; behind several ones the charges have no upper end."""
    import keras

    layers = keras.layers
    pixels = int(np.prod(geometry.IMAGE_SHAPE))
    names = ["expand", *(f"hidden{number}" for number in range(2, len(units) + 1))]
    hidden = [
        layers.Dense(size, activation="relu", kernel_initializer="he_uniform", name=name)
        for name, size in zip(names, units, strict=True)
    ]
    last = "sigmoid" if len(units) == 1 else "softplus"
    charge = layers.Dense(pixels, activation=last, bias_initializer=_first_logit(), name="pixels")
    shape = layers.Reshape(geometry.IMAGE_SHAPE, name="charge")
    return keras.Sequential([keras.Input((known,)), *hidden, charge, shape], name="decoder")


DECODERS: dict[str, Callable[[], KerasModel]] = {"published": _published, "conditional": _conditional}
DENSE = {"dense": 0, "conditional_dense": CONDITION_COUNT}
"""Dense decoders -> conditions that they see."""


def conditions(columns: Columns, sums: Codes) -> npt.NDArray[np.float32]:
    """What a conditional decoder sees of modules, (n, 8); sums: module sums (n,) that the links brought.

    columns: those of CONDITIONS (n,). eta/3.1, v/12, u/12, one-hot wafer type (120, 200, 300 um), log(sum + 1), (layer
    - 1)/46. Raises QcompressError if the sample lacks a column.
    """
    if missing := sorted(set(CONDITIONS) - set(columns)):
        raise QcompressError(f"column {', '.join(missing)} is missing, which a conditional decoder needs")
    wafer = np.eye(WAFER_TYPES)[columns["module_type"].astype(np.int64) % WAFER_TYPES]
    place = [np.abs(columns["eta"]) / 3.1, columns["v"] / 12, columns["u"] / 12]
    rest = [np.log(sums + 1.0), (columns["layer"] - 1) / 46]
    return np.column_stack([*place, wafer, *rest]).astype(np.float32)
