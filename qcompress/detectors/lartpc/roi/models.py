"""The published architecture for one wire, in float and quantized: three convolutions over time, a maximum, a number.

200 ticks; 16 filters of 3 ticks, stride 2; maxima of 2; 32 of 5, stride 2; maxima of 2; 64 of 9; the maximum over time;
one logit. 21,217 weights, 118,992 products a window. Other numbers of filters may be asked for.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from qcompress.detectors import Network, NetworkSection
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi import published
from qcompress.detectors.lartpc.roi.stages import INPUT_FORMAT, UNIT
from qcompress.detectors.lartpc.roi.windows import TICKS
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Quantizer, Tensor
from qcompress.frontends.runtime import import_qkeras

ROI: Literal["roi"] = "roi"
LAYERS = ((16, 3, 2), (32, 5, 2), (64, 9, 1))
"""Filters, ticks and stride of each convolution, as published."""
Filters = Annotated[int, Field(strict=True, ge=1, le=256)]
PUBLISHED = (LAYERS[0][0], LAYERS[1][0], LAYERS[2][0])
"""Filters of the published networks."""
DROPOUT = (0.0, 0.1, 0.2)
"""Behind each convolution's maximum."""
ACTIVATION_INTEGER = (3, 4, 4)
"""Bits before the point of each convolution's activations."""
LOGIT_BITS, LOGIT_INTEGER = 10, 4
"""fixed<10,5>: thresholds are set to 1/32 of a logit."""


class RoiOptions(NetworkSection):
    """The `network` section of a config of the ROI network."""

    family: ClassVar[tuple[str, ...]] = ("filters", "weight_bits", "activation_bits", "weights")

    preset: Literal["microboone", "protodune-sp", "dune-hd"] = "protodune-sp"
    """Chamber."""
    plane: str = "W"
    """Whose wires; a network for each plane."""
    filters: tuple[Filters, Filters, Filters] = PUBLISHED
    """Of each convolution; published networks have the default."""
    weight_bits: int = Field(8, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    weights: Path | None = None
    """A published network of this plane that the fit begins with."""
    threshold: float = Field(0.5, ge=0, le=1)
    """A window is kept above this probability; travels with the candidate."""
    windows: int = Field(400, ge=1)
    """At most so many windows of signal of each event, and as many of noise."""

    @model_validator(mode="after")
    def _known_plane(self) -> "RoiOptions":
        names = [plane.name for plane in PRESETS[self.preset].planes]
        if self.plane not in names:
            raise ValueError(f"plane: {self.preset} has {', '.join(names)}")
        return self

    @model_validator(mode="after")
    def _as_published(self) -> "RoiOptions":
        if self.weights is not None and self.filters != PUBLISHED:
            known = ", ".join(map(str, PUBLISHED))
            raise ValueError(f"filters: published weights are of {known} filters; leave weights or filters out")
        return self


def build(options: RoiOptions, own: Mapping[str, KerasModel] = MappingProxyType({})) -> tuple[Network, ...]:
    """The network of a config, `options`, freshly initialised or from published weights; own: a model instead of it."""
    model = own.get(ROI) or build_model(options)
    return (Network(ROI, model, model, loss),)


def build_model(options: RoiOptions, quantized: bool = True) -> KerasModel:
    """A model (TICKS, 1) -> (1,), a logit; quantized: QKeras, else the same layers in float.

    options: bits, and the published weights, of a network for (x - mean) / scale, whose first layer is made one for
    x / UNIT.
    """
    import keras

    layers: list[KerasLayer] = [keras.Input((TICKS, 1))]
    layers += [_grid(INPUT_FORMAT.width, INPUT_FORMAT.integer - 1, "input_quantizer")] if quantized else []
    for number, (filters, (_, ticks, stride)) in enumerate(zip(options.filters, LAYERS, strict=True)):
        layers += [_convolution(options, quantized, number, filters, ticks, stride)]
        layers += [_activation(options, quantized, number)]
        if number < len(LAYERS) - 1:
            layers += [keras.layers.MaxPooling1D(2, name=f"pool{number + 1}")]
        else:
            layers += [keras.layers.GlobalMaxPooling1D(name="maximum")]
        if DROPOUT[number]:
            layers += [keras.layers.Dropout(DROPOUT[number], name=f"dropout{number + 1}")]
    layers += [_dense(options, quantized)]
    layers += [_grid(LOGIT_BITS, LOGIT_INTEGER, "output_quantizer")] if quantized else []
    model = keras.Sequential(layers, name=ROI)
    if options.weights is not None:
        model.set_weights(published.read(options.weights).folded(UNIT))
    return model


def loss(target: Tensor, logits: Tensor) -> Tensor:
    """Binary cross entropy of (n, 1) logits; target (n, 1): 1 for a window of signal."""
    import keras

    return keras.ops.mean(keras.losses.binary_crossentropy(target, logits, from_logits=True))


def _weights(options: RoiOptions) -> Quantizer:
    return import_qkeras().quantized_bits(options.weight_bits, 0, alpha=1)


def _biases(options: RoiOptions) -> Quantizer:
    return import_qkeras().quantized_bits(options.weight_bits + 2, 1, alpha=1)


def _grid(bits: int, integer: int, name: str) -> KerasLayer:
    qkeras = import_qkeras()
    return qkeras.QActivation(qkeras.quantized_bits(bits, integer, alpha=1), name=name)


def _convolution(
    options: RoiOptions, quantized: bool, number: int, filters: int, ticks: int, stride: int
) -> KerasLayer:
    import keras

    name = f"convolution{number + 1}"
    if not quantized:
        return keras.layers.Conv1D(filters, ticks, strides=stride, name=name)
    quantizers = {"kernel_quantizer": _weights(options), "bias_quantizer": _biases(options)}
    return import_qkeras().QConv1D(filters, ticks, strides=stride, name=name, **quantizers)


def _activation(options: RoiOptions, quantized: bool, number: int) -> KerasLayer:
    import keras

    name, qkeras = f"activation{number + 1}", import_qkeras()
    if not quantized:
        return keras.layers.ReLU(name=name)
    return qkeras.QActivation(qkeras.quantized_relu(options.activation_bits, ACTIVATION_INTEGER[number]), name=name)


def _dense(options: RoiOptions, quantized: bool) -> KerasLayer:
    import keras

    if not quantized:
        return keras.layers.Dense(1, name="logit")
    quantizers = {"kernel_quantizer": _weights(options), "bias_quantizer": _biases(options)}
    return import_qkeras().QDense(1, name="logit", **quantizers)
