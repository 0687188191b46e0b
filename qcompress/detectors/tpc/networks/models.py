"""Networks that look at the window of a maximum: is it a cluster, and where, how wide and how large is it?

Dense networks of equal hidden layers, or a small convolution over pads and time with the rows as channels. All are
quantized; the input is a window over its centre charge, in `RATIO_FORMAT`.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from qcompress.detectors import Network, NetworkSection
from qcompress.detectors.tpc.networks.losses import (
    QUANTITIES,
    joint_loss,
    keep_loss,
    kept_maxima,
    quantity_loss,
    split_loss,
)
from qcompress.detectors.tpc.networks.stages import JOINT_OUTPUTS, RATIO_FORMAT
from qcompress.detectors.tpc.networks.volume import ROWS, build_volume
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.errors import QcompressError
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Quantizer
from qcompress.frontends.runtime import import_keras, import_qkeras
from qcompress.training import learned_widths

CLASSIFIER: Literal["classifier"] = "classifier"
REGRESSOR: Literal["regressor"] = "regressor"
JOINT: Literal["joint"] = "joint"
"""One network with both heads: the logit, then the quantities."""
JUDGES = (CLASSIFIER, JOINT)
"""Networks behind which a decision stands."""
LAST: Mapping[str, tuple[int, int]] = MappingProxyType({CLASSIFIER: (10, 4), REGRESSOR: (11, 2), JOINT: (13, 4)})
"""Bits of an output and how many of them are whole, without the sign. A classifier's is fixed<10,5>, so that thresholds
are set to 1/32 of a logit; a regressor's fixed<11,3>, 1/256 of a pad or time bin; a joint network's both."""


class NetworkOptions(NetworkSection):
    """The `network` section of a TPC config."""

    family: ClassVar[tuple[str, ...]] = ("kind", "layers", "neurons", "weight_bits", "activation_bits", "bits")

    networks: tuple[Literal["classifier", "regressor", "joint"], ...] = (CLASSIFIER,)
    window: str = "3x5x5"
    """Rows x pads x time bins."""
    extras: bool = False
    """Sector, row and pad enter as well."""
    classical: bool = False
    """Centre, widths and charge of the classical cluster enter as well."""
    log_charge: bool = False
    """The logarithm of the centre charge enters as well."""
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"
    """Of a classifier of two classes."""
    focal_gamma: float = Field(2.0, ge=0, le=10)
    """Of the focal loss: how much less what is already right weighs."""
    reject_weight: float = Field(1.0, gt=0, le=100)
    """Weight in the loss of what is to be rejected, relative to what is to be kept."""
    stop_by: Literal["loss", "saved"] = "loss"
    """What makes an epoch the best: the validation loss, or the maxima that are rejected at 5 % loss."""
    kind: Literal["dense", "convolution", "volume"] = "dense"
    """volume: 3-D convolutions, see `volume`."""
    layers: int = Field(2, ge=1, le=8)
    neurons: int = Field(16, ge=1, le=512)
    """Of a hidden layer; filters of a convolution, the first of two in a volume."""
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
            raise ValueError("networks: name classifier, regressor or both, each once, or joint")
        if JOINT in self.networks and (len(self.networks) > 1 or self.classes == 3):
            raise ValueError("networks: joint is both in one, stands alone and has classes: 2")
        try:
            layout = self.layout
        except QcompressError as fault:
            raise ValueError(str(fault)) from None
        if self.classes == 3 and (self.loss, self.reject_weight, self.stop_by) != ("cross_entropy", 1.0, "loss"):
            raise ValueError("classes 3: loss, reject_weight and stop_by are for a classifier of two classes")
        if self.kind == "convolution" and (
            self.extras or self.classical or self.log_charge or min(layout.pads, layout.times) < 3
        ):
            raise ValueError("kind convolution: sees charges alone, in windows of 3 pads and time bins at least")
        if self.kind == "volume" and (layout.rows != ROWS or min(layout.pads, layout.times) < 7 or self.layers != 1):
            raise ValueError("kind volume: sees windows of 5 rows and 7 pads and time bins at least, and has layers: 1")
        if self.kind != "dense" and self.bits == "learned":
            raise ValueError("bits learned: of kind dense alone")
        return self

    @property
    def layout(self) -> Layout:
        """What the networks see."""
        return Layout.parse(self.window, self.extras, self.classical, self.log_charge)


def build(options: NetworkOptions, own: Mapping[str, KerasModel] = MappingProxyType({})) -> tuple[Network, ...]:
    """All networks of a config, freshly initialised; own: models, by name, to be trained instead.

    options: the config's section `network`.
    """
    judge = split_loss if options.classes == 3 else keep_loss(options)
    losses = {CLASSIFIER: judge, REGRESSOR: quantity_loss, JOINT: joint_loss(judge)}
    found = []
    for name in options.networks:
        builds = build_learned if options.bits == "learned" else build_model
        model = own[name] if name in own else builds(options, name)
        measure = kept_maxima if name in JUDGES and options.stop_by == "saved" else None
        found.append(Network(name, model, model, losses[name], measure=measure))
    return tuple(found)


def outputs(options: NetworkOptions, name: str) -> int:
    """How many numbers the network called `name` gives; options: say how many classes."""
    if name == REGRESSOR:
        return len(QUANTITIES)
    return JOINT_OUTPUTS if name == JOINT else 3 if options.classes == 3 else 1


class _Layers:
    """Layers of a network by its options: quantized with QKeras, or the same in float."""

    def __init__(self, options: NetworkOptions, quantized: bool) -> None:
        self._options, self._quantized, self._qkeras = options, quantized, import_qkeras()

    def dense(self, units: int, name: str) -> KerasLayer:
        import keras

        if not self._quantized:
            return keras.layers.Dense(units, name=name)
        quantizers = {"kernel_quantizer": self._weights(), "bias_quantizer": self._weights(1)}
        return self._qkeras.QDense(units, **quantizers, name=name)

    def convolution(self, filters: int, name: str, strides: int = 1) -> KerasLayer:
        import keras

        if not self._quantized:
            return keras.layers.Conv2D(filters, 3, strides, name=name)
        quantizers = {"kernel_quantizer": self._weights(), "bias_quantizer": self._weights(1)}
        return self._qkeras.QConv2D(filters, 3, strides, **quantizers, name=name)

    def activation(self, name: str) -> KerasLayer:
        import keras

        if not self._quantized:
            return keras.layers.ReLU(name=name)
        return self._qkeras.QActivation(self._qkeras.quantized_relu(self._options.activation_bits, 2), name=name)

    def grid(self, bits: int, integer: int, name: str) -> list[KerasLayer]:
        if not self._quantized:
            return []
        return [self._qkeras.QActivation(self._qkeras.quantized_bits(bits, integer, alpha=1), name=name)]

    def _weights(self, integer: int = 0) -> Quantizer:
        return self._qkeras.quantized_bits(self._options.weight_bits, integer, alpha=1)


def build_model(options: NetworkOptions, name: str, quantized: bool = True) -> KerasModel:
    """A model (layout.size,) -> (outputs,); quantized: QKeras, else the same layers in float.

    options: layers, neurons, bits; name: classifier or regressor.
    """
    import keras

    made, layout = _Layers(options, quantized), options.layout
    last = LAST[name]
    begin = made.grid(RATIO_FORMAT.width, RATIO_FORMAT.integer - 1, "input_quantizer")
    end = [made.dense(outputs(options, name), "output"), *made.grid(*last, "output_quantizer")]
    if options.kind == "volume":
        return build_volume(layout, options.neurons, made, (begin, end), name)
    layers = [keras.Input((layout.size,)), *begin]
    if options.kind == "convolution":
        layers += [
            keras.layers.Reshape((layout.rows, layout.pads, layout.times), name="rows"),
            keras.layers.Permute((2, 3, 1), name="rows_last"),
            made.convolution(options.neurons, "convolution"),
            made.activation("convolution_activation"),
            keras.layers.Flatten(name="flatten"),
        ]
    for number in range(1, options.layers + 1):
        layers += [made.dense(options.neurons, f"hidden{number}"), made.activation(f"activation{number}")]
    return keras.Sequential([*layers, *end], name=name)


def build_learned(options: NetworkOptions, name: str) -> KerasModel:
    """The same dense network of HGQ2's layers, every weight and every input of which learns its bits.

    options: layers, neurons, bits to begin with; name: classifier or regressor. Outputs have the usual format.
    """
    import_keras()
    import keras

    bits, integer = LAST[name]
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
