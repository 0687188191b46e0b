"""A U-Net that tells tracks from showers, pixel by pixel, quantized: two convolutions on every level, maxima down,
transposed convolutions up, skips concatenated, three classes: nothing, shower, track.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from qcompress.detectors import Network, Options
from qcompress.detectors.lartpc.images.losses import LOSSES
from qcompress.detectors.lartpc.images.views import VIEWS
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Quantizer, Tensor
from qcompress.frontends.runtime import import_qkeras

UNET: Literal["unet"] = "unet"
CLASSES = 3
"""Nothing, shower, track, as numbered in samples."""
OUTPUT_BITS, OUTPUT_INTEGER = 8, 3
"""Of the classes' scores: fixed<8,4>."""


class ImageOptions(Options):
    """What a config says of the U-Net and of its images, in `network.images`."""

    view: Literal["tile", "module"] = "tile"
    planes: tuple[str, ...] = ("W",)
    binary: bool = True
    """Whether a pixel says that there is charge, or how much, in 255 steps."""
    full_charge: float = Field(60_000.0, gt=0)
    """Electrons of the largest code."""
    least_charge: float = Field(1500.0, ge=0)
    """Electrons from which a cell is lit."""
    least_cells: int = Field(11, ge=1)
    """Tiles with fewer lit cells are left out."""
    filters: int = Field(16, ge=1, le=256)
    """Of the first level; twice as many on every next one."""
    levels: int = Field(4, ge=1, le=4)
    """How often an image is halved."""
    weight_bits: int = Field(8, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    loss: Literal["weighted", "hits", "focal", "dice"] = "hits"

    @model_validator(mode="after")
    def _planes(self) -> "ImageOptions":
        if not self.planes or len(set(self.planes)) < len(self.planes):
            raise ValueError("planes: name each once")
        return self


def build(options: ImageOptions, own: Mapping[str, KerasModel] = MappingProxyType({})) -> tuple[Network, ...]:
    """The network of a config, `options`, freshly initialised; own: a model, by name, to be trained instead."""
    model = own.get(UNET) or build_model(options)
    return (Network(UNET, model, model, LOSSES[options.loss]),)


def build_model(options: ImageOptions, quantized: bool = True) -> KerasModel:
    """A model (*shape of the view, 1) -> (*shape, CLASSES); quantized: QKeras, else the same layers in float."""
    import keras

    given = keras.Input((*VIEWS[options.view].shape, 1))
    convolution, up = _layers(options, quantized)
    values: Tensor = given
    if quantized:
        qkeras = import_qkeras()
        pixel = qkeras.quantized_relu(1, 1) if options.binary else qkeras.quantized_relu(8, 0)
        values = qkeras.QActivation(pixel, name="input_quantizer")(given)
    skips, counts = [], [options.filters << level for level in range(options.levels + 1)]
    for level, count in enumerate(counts):
        values = convolution(count, f"down{level}b", convolution(count, f"down{level}a", values))
        if level < options.levels:
            skips.append(values)
            values = keras.layers.MaxPooling2D(2, name=f"pool{level}")(values)
    for level in reversed(range(options.levels)):
        values = keras.layers.Concatenate(name=f"skip{level}")([skips[level], up(counts[level], f"up{level}", values)])
        values = convolution(counts[level], f"up{level}b", convolution(counts[level], f"up{level}a", values))
    return keras.Model(given, _classes(options, quantized, values), name=UNET)


def _layers(options: ImageOptions, quantized: bool) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """What a 3x3 convolution and a step up are, activations behind them: (count, name, values) -> values."""
    import keras

    def active(name: str, values: Tensor) -> Tensor:
        if not quantized:
            return keras.layers.ReLU(name=f"{name}_active")(values)
        qkeras = import_qkeras()
        return qkeras.QActivation(qkeras.quantized_relu(options.activation_bits, 2), name=f"{name}_active")(values)

    def convolution(count: int, name: str, values: Tensor) -> Tensor:
        layer: KerasLayer = keras.layers.Conv2D(count, 3, padding="same", name=name)
        if quantized:
            layer = import_qkeras().QConv2D(count, 3, padding="same", name=name, **_weights(options))
        return active(name, layer(values))

    def up(count: int, name: str, values: Tensor) -> Tensor:
        layer: KerasLayer = keras.layers.Conv2DTranspose(count, 3, strides=2, padding="same", name=name)
        if quantized:
            kind = import_qkeras().QConv2DTranspose
            layer = kind(count, 3, strides=2, padding="same", name=name, **_weights(options))
        return active(name, layer(values))

    return convolution, up


def _classes(options: ImageOptions, quantized: bool, values: Tensor) -> Tensor:
    """Scores of the classes: a 1x1 convolution."""
    import keras

    if not quantized:
        return keras.layers.Conv2D(CLASSES, 1, name="classes")(values)
    qkeras = import_qkeras()
    scores = qkeras.QConv2D(CLASSES, 1, name="classes", **_weights(options))(values)
    return qkeras.QActivation(qkeras.quantized_bits(OUTPUT_BITS, OUTPUT_INTEGER, alpha=1), name="scores")(scores)


def _weights(options: ImageOptions) -> dict[str, Quantizer]:
    """Quantizers of a layer's weights."""
    qkeras = import_qkeras()
    return {f"{part}_quantizer": qkeras.quantized_bits(options.weight_bits, 0, alpha=1) for part in ("kernel", "bias")}
