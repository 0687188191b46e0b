"""A U-Net that tells tracks from showers, pixel by pixel, quantized: two convolutions on every level, maxima down,
transposed convolutions, or cells repeated and a convolution, up, skips concatenated, three classes: nothing, shower,
track.

Where it is normalised, every convolution but the last is followed by a batch normalization instead of having biases.
The normalization forgives any scale of a kernel, so that kernels have as many integer bits as REACH deviations of their
beginning (He et al., arXiv:1502.01852) need, which may be fewer than none.
"""

from collections.abc import Mapping
from math import ceil, log2
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from qcompress.detectors import Network, Options
from qcompress.detectors.lartpc.images.augmentation import ROTATIONS, augment
from qcompress.detectors.lartpc.images.losses import WEIGHTED, WEIGHTS, loss_of
from qcompress.detectors.lartpc.images.views import VIEWS
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Quantizer, Tensor
from qcompress.frontends.runtime import import_qkeras

UNET: Literal["unet"] = "unet"
CLASSES = 3
"""Nothing, shower, track, as numbered in samples."""
OUTPUT_BITS, OUTPUT_INTEGER = 8, 3
"""Of the classes' scores: fixed<8,4>."""
REACH = 2.5
MOMENTUM = 0.9
"""Share of the running mean and variance that a step leaves."""
OWN_MEANS = ("group", "layer", "instance")
"""Normalizations by the means and deviations of an image's own pixels."""
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ImageOptions(Options):
    """What a config says of the U-Net and of its images, in `network.images`."""

    view: Literal["tile", "coarse", "patch", "module"] = "tile"
    planes: tuple[str, ...] = ("W",)
    binary: bool = True
    """Whether a pixel says that there is charge, or how much, in 255 steps."""
    full_charge: float = Field(60_000.0, gt=0, allow_inf_nan=False)
    """Electrons of the largest code."""
    least_charge: float = Field(1500.0, ge=0, allow_inf_nan=False)
    """Electrons from which a cell is lit."""
    least_cells: int = Field(11, ge=1)
    """Tiles with fewer lit cells are left out."""
    filters: int = Field(16, ge=1, le=256)
    """Of the first level; twice as many on every next one."""
    levels: int = Field(4, ge=1, le=4)
    """How often an image is halved."""
    weight_bits: int = Field(8, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    activation_integer: int = Field(2, ge=0, le=6)
    """Of the bits of an activation those in front of the point."""
    upward: Literal["transposed", "repeated"] = "transposed"
    """How images become larger again: by a transposed convolution, or by every cell four times and a convolution."""
    normalization: Literal["none", "batch"] = "none"
    dropout: float = Field(0.0, ge=0, lt=1)
    """Share of the numbers that enter a level, down or up, that are nothing in a step of the training."""
    residual: bool = False
    """Whether the first convolution of every two is added to the second."""
    loss: Literal["weighted", "hits", "focal", "dice"] = "hits"
    class_weights: tuple[Weight, Weight, Weight] = WEIGHTS
    """Of nothing, shower and track in the losses `weighted` and `focal`."""
    augmentation: Literal["none", "flips", "rotations"] = "none"
    """How images are turned around, at random, while they are trained on: see `augmentation`."""

    @field_validator("normalization", mode="before")
    @classmethod
    def _on_a_grid(cls, given: object) -> object:
        if given in OWN_MEANS:
            raise ValueError(
                f"{given} normalization divides by a deviation of the image's own pixels, which lies on no grid of "
                "integers; use batch, a scale and a shift of each channel"
            )
        return given

    @model_validator(mode="after")
    def _planes(self) -> "ImageOptions":
        if not self.planes or len(set(self.planes)) < len(self.planes):
            raise ValueError("planes: name each once")
        rows, columns = VIEWS[self.view].shape
        if self.augmentation == ROTATIONS and rows != columns:
            raise ValueError(f"augmentation rotations: {rows} x {columns} cells of view {self.view} are no square")
        if self.class_weights != WEIGHTS and self.loss not in WEIGHTED:
            raise ValueError(f"class_weights: loss {self.loss} has none; give {' or '.join(WEIGHTED)}")
        return self


def build(options: ImageOptions, own: Mapping[str, KerasModel] = MappingProxyType({})) -> tuple[Network, ...]:
    """The network of a config, `options`, freshly initialised; own: a model, by name, to be trained instead."""
    model = own.get(UNET) or build_model(options)
    loss = loss_of(options.loss, options.class_weights)
    return (Network(UNET, model, model, loss, augment=augment(options.augmentation)),)


def build_model(options: ImageOptions, quantized: bool = True) -> KerasModel:
    """A model (*shape of the view, 1) -> (*shape, CLASSES); quantized: QKeras, else the same layers in float."""
    import keras

    given = keras.Input((*VIEWS[options.view].shape, 1))
    layers = Layers(options, quantized)
    values: Tensor = given
    if quantized:
        qkeras = import_qkeras()
        pixel = qkeras.quantized_relu(1, 1) if options.binary else qkeras.quantized_relu(8, 0)
        values = qkeras.QActivation(pixel, name="input_quantizer")(given)
    skips, counts = [], [options.filters << level for level in range(options.levels + 1)]
    for level, count in enumerate(counts):
        values = layers.block(count, f"down{level}", values)
        if level < options.levels:
            skips.append(values)
            values = layers.dropped(f"down{level + 1}", keras.layers.MaxPooling2D(2, name=f"pool{level}")(values))
    for level in reversed(range(options.levels)):
        values = layers.up(counts[level], f"up{level}", values)
        values = layers.dropped(f"up{level}", keras.layers.Concatenate(name=f"skip{level}")([skips[level], values]))
        values = layers.block(counts[level], f"up{level}", values)
    return keras.Model(given, layers.classes(values), name=UNET)


class Layers:
    """Parts of the network: (count, name, values) -> values."""

    def __init__(self, options: ImageOptions, quantized: bool) -> None:
        self._options, self._quantized = options, quantized
        self._normalized = options.normalization == "batch"

    def block(self, count: int, name: str, values: Tensor) -> Tensor:
        """Two convolutions; the first is added to the second where the network is residual."""
        import keras

        first = self._convolution(count, f"{name}a", values)
        second = self._convolution(count, f"{name}b", first)
        if not self._options.residual:
            return second
        return self._active(f"{name}_sum", keras.layers.Add(name=f"{name}_add")([first, second]))

    def up(self, count: int, name: str, values: Tensor) -> Tensor:
        """A step up: a transposed convolution, or every cell four times and a convolution."""
        import keras

        if self._options.upward == "repeated":
            return self._convolution(count, name, keras.layers.UpSampling2D(2, name=f"{name}_repeated")(values))
        kind = import_qkeras().QConv2DTranspose if self._quantized else keras.layers.Conv2DTranspose
        more = self._weights(9 * values.shape[-1] / 4)  # a fourth of the window meets inputs
        layer: KerasLayer = kind(count, 3, strides=2, padding="same", name=name, **more)
        return self._active(name, self._normal(name, layer(values)))

    def dropped(self, name: str, values: Tensor) -> Tensor:
        """Some of the values set to nothing while the network is trained; no layer at all without dropout."""
        import keras

        share = self._options.dropout
        return keras.layers.Dropout(share, name=f"{name}_dropout")(values) if share else values

    def classes(self, values: Tensor) -> Tensor:
        """Scores of the classes: a 1x1 convolution."""
        import keras

        if not self._quantized:
            return keras.layers.Conv2D(CLASSES, 1, name="classes")(values)
        qkeras = import_qkeras()
        scores = qkeras.QConv2D(CLASSES, 1, name="classes", **self._quantizers(0))(values)
        return qkeras.QActivation(qkeras.quantized_bits(OUTPUT_BITS, OUTPUT_INTEGER, alpha=1), name="scores")(scores)

    def _convolution(self, count: int, name: str, values: Tensor) -> Tensor:
        import keras

        kind = import_qkeras().QConv2D if self._quantized else keras.layers.Conv2D
        layer: KerasLayer = kind(count, 3, padding="same", name=name, **self._weights(9 * values.shape[-1]))
        return self._active(name, self._normal(name, layer(values)))

    def _normal(self, name: str, values: Tensor) -> Tensor:
        import keras

        if not self._normalized:
            return values
        return keras.layers.BatchNormalization(name=f"{name}_normal", momentum=MOMENTUM)(values)

    def _active(self, name: str, values: Tensor) -> Tensor:
        import keras

        if not self._quantized:
            return keras.layers.ReLU(name=f"{name}_active")(values)
        qkeras, options = import_qkeras(), self._options
        relu = qkeras.quantized_relu(options.activation_bits, options.activation_integer)
        return qkeras.QActivation(relu, name=f"{name}_active")(values)

    def _weights(self, inputs: float) -> dict[str, Any]:
        """What a layer is told of its weights; inputs: of one sum."""
        integer = ceil(log2(REACH * (2 / inputs) ** 0.5)) if self._normalized else 0
        return {"use_bias": not self._normalized, **(self._quantizers(integer) if self._quantized else {})}

    def _quantizers(self, integer: int) -> dict[str, Quantizer]:
        """Quantizers of a layer's weights."""
        qkeras, bits = import_qkeras(), self._options.weight_bits
        return {f"{part}_quantizer": qkeras.quantized_bits(bits, integer, alpha=1) for part in ("kernel", "bias")}
