"""Networks that look at the window of a maximum: is it a cluster, and where, how wide and how large is it?

Dense networks of equal hidden layers, or a small convolution over pads and time with the rows as channels. All are
quantized; the input is a window over its centre charge, in `RATIO_FORMAT`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from qcompress.detectors import Network, NetworkSection
from qcompress.detectors.tpc.networks.stages import RATIO_FORMAT
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.errors import QcompressError
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Quantizer, Tensor
from qcompress.frontends.runtime import import_keras, import_qkeras
from qcompress.training import learned_widths

CLASSIFIER: Literal["classifier"] = "classifier"
REGRESSOR: Literal["regressor"] = "regressor"
LABEL, MATCHED = 0, 6
"""Columns of the targets: label, then `QUANTITIES`, then 1 where they are known."""
QUANTITIES = ("dpad", "dtime", "sigma_pad", "sigma_time", "charge")
"""What a regressor gives: centre from the peak and widths in pads and time bins, qTot / 8 qMax."""
LOGIT_BITS, LOGIT_INTEGER = 10, 4
"""A classifier's output: fixed<10,5>, so that thresholds are set to 1/32 of a logit."""
QUANTITY_BITS, QUANTITY_INTEGER = 11, 2
"""A regressor's output: fixed<11,3>, 1/256 of a pad or time bin."""


class NetworkOptions(NetworkSection):
    """The `network` section of a TPC config."""

    family: ClassVar[tuple[str, ...]] = ("kind", "layers", "neurons", "weight_bits", "activation_bits", "bits")

    networks: tuple[Literal["classifier", "regressor"], ...] = (CLASSIFIER,)
    window: str = "3x5x5"
    """Rows x pads x time bins."""
    extras: bool = False
    """Sector, row and pad enter as well."""
    classical: bool = False
    """Centre, widths and charge of the classical cluster enter as well."""
    kind: Literal["dense", "convolution"] = "dense"
    layers: int = Field(2, ge=1, le=8)
    neurons: int = Field(16, ge=1, le=512)
    """Of a hidden layer; filters of a convolution."""
    classes: Literal[2, 3] = 2
    """2: keep or not. 3: reject, accept, accept and split."""
    weight_bits: int = Field(8, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    bits: Literal["fixed", "learned"] = "fixed"
    """learned: weight_bits and activation_bits are those that training begins with (HGQ2); kind dense alone."""
    threshold: float = Field(0.05, ge=0, le=1)
    """A maximum is accepted above this probability; travels with the candidate."""

    @model_validator(mode="after")
    def _buildable(self) -> "NetworkOptions":
        if not self.networks or len(set(self.networks)) < len(self.networks):
            raise ValueError("networks: name classifier, regressor or both, each once")
        try:
            layout = self.layout
        except QcompressError as fault:
            raise ValueError(str(fault)) from None
        if self.kind == "convolution" and (self.extras or self.classical or min(layout.pads, layout.times) < 3):
            raise ValueError("kind convolution: sees charges alone, in windows of 3 pads and time bins at least")
        if self.kind == "convolution" and self.bits == "learned":
            raise ValueError("bits learned: of kind dense alone")
        return self

    @property
    def layout(self) -> Layout:
        """What the networks see."""
        return Layout.parse(self.window, self.extras, self.classical)


def build(options: NetworkOptions, own: Mapping[str, KerasModel] = MappingProxyType({})) -> tuple[Network, ...]:
    """All networks of a config, freshly initialised; own: models, by name, to be trained instead.

    options: the config's section `network`.
    """
    losses = {CLASSIFIER: split_loss if options.classes == 3 else keep_loss, REGRESSOR: quantity_loss}
    found = []
    for name in options.networks:
        builds = build_learned if options.bits == "learned" else build_model
        model = own[name] if name in own else builds(options, name)
        found.append(Network(name, model, model, losses[name]))
    return tuple(found)


def outputs(options: NetworkOptions, name: str) -> int:
    """How many numbers the network called `name` gives; options: say how many classes."""
    if name == REGRESSOR:
        return len(QUANTITIES)
    return 3 if options.classes == 3 else 1


def build_model(options: NetworkOptions, name: str, quantized: bool = True) -> KerasModel:
    """A model (layout.size,) -> (outputs,); quantized: QKeras, else the same layers in float.

    options: layers, neurons, bits; name: classifier or regressor.
    """
    import keras

    qkeras = import_qkeras()

    def dense(units: int, name: str) -> KerasLayer:
        if not quantized:
            return keras.layers.Dense(units, name=name)
        return qkeras.QDense(units, kernel_quantizer=weights(), bias_quantizer=weights(1), name=name)

    def convolution(name: str) -> KerasLayer:
        if not quantized:
            return keras.layers.Conv2D(options.neurons, 3, name=name)
        return qkeras.QConv2D(options.neurons, 3, kernel_quantizer=weights(), bias_quantizer=weights(1), name=name)

    def weights(integer: int = 0) -> Quantizer:
        return qkeras.quantized_bits(options.weight_bits, integer, alpha=1)

    def activation(name: str) -> KerasLayer:
        if not quantized:
            return keras.layers.ReLU(name=name)
        return qkeras.QActivation(qkeras.quantized_relu(options.activation_bits, 2), name=name)

    def grid(bits: int, integer: int, name: str) -> list[KerasLayer]:
        return [qkeras.QActivation(qkeras.quantized_bits(bits, integer, alpha=1), name=name)] if quantized else []

    layout = options.layout
    layers = [keras.Input((layout.size,)), *grid(RATIO_FORMAT.width, RATIO_FORMAT.integer - 1, "input_quantizer")]
    if options.kind == "convolution":
        layers += [
            keras.layers.Reshape((layout.rows, layout.pads, layout.times), name="rows"),
            keras.layers.Permute((2, 3, 1), name="rows_last"),
            convolution("convolution"),
            activation("convolution_activation"),
            keras.layers.Flatten(name="flatten"),
        ]
    for number in range(1, options.layers + 1):
        layers += [dense(options.neurons, f"hidden{number}"), activation(f"activation{number}")]
    last = (QUANTITY_BITS, QUANTITY_INTEGER) if name == REGRESSOR else (LOGIT_BITS, LOGIT_INTEGER)
    layers += [dense(outputs(options, name), "output"), *grid(*last, "output_quantizer")]
    return keras.Sequential(layers, name=name)


def build_learned(options: NetworkOptions, name: str) -> KerasModel:
    """The same dense network of HGQ2's layers, every weight and every input of which learns its bits.

    options: layers, neurons, bits to begin with; name: classifier or regressor. Outputs have the usual format.
    """
    import_keras()
    import keras

    bits, integer = (QUANTITY_BITS, QUANTITY_INTEGER) if name == REGRESSOR else (LOGIT_BITS, LOGIT_INTEGER)
    last = learned_widths.fixed(learned_widths.SIGNED, integer, bits - 1 - integer)
    given = learned_widths.learned(learned_widths.SIGNED, RATIO_FORMAT.integer - 1, RATIO_FORMAT.fraction)
    layers = [keras.Input((options.layout.size,))]
    for number in range(1, options.layers + 1):
        layers.append(
            learned_widths.dense(options.neurons, f"hidden{number}", options.weight_bits, given, None, "relu")
        )
        given = learned_widths.learned(learned_widths.UNSIGNED, 2, options.activation_bits - 2)
    layers.append(learned_widths.dense(outputs(options, name), "output", options.weight_bits, given, last))
    return keras.Sequential(layers, name=name)


def keep_loss(target: Tensor, logits: Tensor) -> Tensor:
    """Binary cross entropy of (n, 1) logits: keep where at least one cluster took the maximum; target (n, 7)."""
    import keras

    keep = keras.ops.cast(target[:, LABEL : LABEL + 1] > 0, logits.dtype)
    return keras.ops.mean(keras.losses.binary_crossentropy(keep, logits, from_logits=True))


def split_loss(target: Tensor, logits: Tensor) -> Tensor:
    """Cross entropy of (n, 3) logits: none, one, or several clusters; target (n, 7)."""
    import keras

    label = keras.ops.cast(keras.ops.clip(target[:, LABEL], 0, 2), "int32")
    return keras.ops.mean(keras.losses.sparse_categorical_crossentropy(label, logits, from_logits=True))


def quantity_loss(target: Tensor, quantities: Tensor) -> Tensor:
    """Mean squared error of `quantities` (n, 5), over the maxima that have a cluster; target (n, 7)."""
    from keras import ops

    known = target[:, MATCHED : MATCHED + 1]
    wrong = ops.square(target[:, LABEL + 1 : MATCHED] - quantities) * known
    return ops.sum(wrong) / ops.maximum(ops.sum(known) * len(QUANTITIES), 1.0)
