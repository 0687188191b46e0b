"""A flat Keras model of floats as a QKeras model: the same layers, with formats for weights and for what they give.

A normalization behind a sum of products goes into its weights before these are rounded. What is quantized already
stays as it is.
"""

from collections.abc import Mapping
from typing import NamedTuple

from qcompress.fixedpoint import Format
from qcompress.frontends.activations import OF_SIGNS, STAIRS
from qcompress.frontends.calls import Call
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Tensor
from qcompress.frontends.post_training.flattening import FUNCTION, LINEAR, Flat, is_quantized
from qcompress.frontends.post_training.formats import Array, format_for, magnitude, quantizer, relu
from qcompress.frontends.post_training.keeping import KEPT_SUMS
from qcompress.frontends.post_training.plan import Plan
from qcompress.frontends.post_training.recurrence import RECURRENT
from qcompress.frontends.post_training.recurrence import quantized as recurrent_counterpart
from qcompress.frontends.post_training.tabling import is_softmax, row_normalization, softmax
from qcompress.frontends.post_training.weighting import Made, weighted
from qcompress.frontends.runtime import import_keras, import_qkeras, kind_of

POOLS = {"AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"}
SUMS = {*LINEAR, *KEPT_SUMS}
"""Layers of sums of products."""
FOLDING = SUMS - {"EinsumDense"}
"""Those whose last axis is one of channels."""
ROUNDED = {
    *SUMS,
    *POOLS,
    "Activation",
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "BatchNormalization",
    "LayerNormalization",
    "Softmax",
    "Add",
    "Subtract",
    "Multiply",
    *RECURRENT,
}
"""Layers whose results are rounded: the others have no more bits than what they take."""
OF_SUMS = STAIRS | OF_SIGNS | {"relu", "relu6", "leaky_relu", "hard_sigmoid", "hard_tanh"}
"""Functions that are taken of a sum that is not rounded: with the quantizer behind they are steps of it."""


class Rewritten(NamedTuple):
    """The QKeras model, and of each layer of the flat model of floats, by name, the formats that it has now.

    places: name of a layer of floats -> name of the layer that gives the same now; notes: what was done, in words.
    """

    model: KerasModel
    formats: Mapping[str, Mapping[str, Format]]
    places: Mapping[str, str]
    notes: tuple[str, ...]


def rewrite(flat: Flat, plan: Plan, values: Mapping[str, Array]) -> Rewritten:
    """The QKeras model that plan makes of a flat model of floats.

    values: of `layer_values`, from which formats are found; none are needed where the plan gives all formats. Raises
    QcompressError for layers of the plan that are not there.
    """
    names = [*(given.name for given in flat.calls.inputs), *(call.name for call in flat.calls.calls)]
    plan.check_layers(name.removesuffix(FUNCTION) for name in names)
    return _Rewriting(flat, plan, values).run()


class _Rewriting:
    def __init__(self, flat: Flat, plan: Plan, values: Mapping[str, Array]) -> None:
        self.flat, self.plan, self.values = flat, plan, values
        self.ends = set(flat.calls.outputs.values())
        self.readers: dict[str, list[Call]] = {}
        for call in flat.calls.calls:
            for source in call.sources:
                self.readers.setdefault(source, []).append(call)
        self.tensors: dict[str, Tensor] = {}
        self.grids: dict[str, int | None] = {}
        """Fractional bits of what gives a tensor, if they are known."""
        self.formats: dict[str, dict[str, Format]] = {}
        self.places: dict[str, str] = {}
        self.notes: list[str] = []
        self.sums: dict[str, str] = {}
        """Normalizations that went into a sum -> that sum."""

    def run(self) -> Rewritten:
        keras = import_keras()
        found = self.flat.calls
        inputs = {given.name: keras.Input(given.shape, name=given.name) for given in found.inputs}
        for name, tensor in inputs.items():
            self.tensors[name], self.grids[name] = tensor, None
            if self.plan.of("inputs", name) is not None and not self._names_words(name):
                self._round(name, "inputs", self._format("inputs", name))
        for call in found.calls:
            self._add(call)
            if self._is_rounded(call):
                self._round(call.name, "activations", self._format("activations", call.name, _is_relu(call.layer)))
        outputs = {name: self.tensors[end] for name, end in found.outputs.items()}
        ends = [next(iter(each.values())) if len(each) == 1 else each for each in (inputs, outputs)]
        model = keras.Model(*ends, name=f"{self.flat.model.name}_quantized")
        return Rewritten(model, self.formats, self.places, tuple(self.notes))

    def _add(self, call: Call) -> None:
        """What a call gives, before it is rounded."""
        name = call.name
        sources = [self.tensors[source] for source in call.sources]
        if kind_of(call.layer) in RECURRENT:
            self._recur(call)
            return
        if (before := self.sums.get(name)) is not None:
            self.tensors[name], self.grids[name] = self.tensors[before], None
            self.places[name] = self.places.pop(before)
            return
        self.places[name] = name
        if (made := self._weighted(call)) is not None:
            self.tensors[name], self.grids[name], self.formats[name] = made.tensor, made.grid, made.formats
            self.notes += made.notes
            return
        grids = [None if is_quantized(call.layer) else self.grids[source] for source in call.sources]
        self.grids[name] = None if None in grids else max(grid for grid in grids if grid is not None)
        if _is_relu(call.layer):  # which the quantizer is
            self.tensors[name] = sources[0]
            self.places[name] = self.places.get(call.sources[0], call.sources[0])
        else:
            self.tensors[name] = _copied(call.layer, sources)

    def _recur(self, call: Call) -> None:
        """A recurrent layer with its quantizers."""
        name, source = call.name, call.sources[0]
        made = recurrent_counterpart(self.plan, name, call.layer, self.tensors[source], self.values.get(source))
        self.tensors[name], self.grids[name], self.places[name] = made.tensor, None, name
        self.formats[name] = made.formats
        self.notes += made.notes

    def _is_rounded(self, call: Call) -> bool:
        """Whether a quantizer stands behind a layer: not where the next one is a function of sums, nor at the end.

        A normalization that goes into the sum is such a function.
        """
        kind = kind_of(call.layer)
        if kind not in ROUNDED or call.name in self.sums.values() or _is_staircase(call.layer):
            return False
        if _is_relu(call.layer):
            return True
        readers = self.readers.get(call.name, [])
        if call.name in self.ends:
            return kind not in {*SUMS, "BatchNormalization", "Add", "Subtract"} and call.name not in self.sums
        if readers and all(kind_of(reader.layer) == "QActivation" for reader in readers):
            return False
        return not (readers and all(_takes_sums(reader.layer) for reader in readers) and kind != "Activation")

    def _names_words(self, name: str) -> bool:
        """Whether an input names words of vocabularies, and nothing else."""
        readers = self.readers.get(name, [])
        return bool(readers) and all(kind_of(reader.layer) == "Embedding" for reader in readers)

    def _weighted(self, call: Call) -> Made | None:
        """What a layer of weights or of tables gives that has them rounded now; None for any other layer."""
        layer, kind, source = call.layer, kind_of(call.layer), call.sources[0]
        if is_quantized(layer) or (kind == "BatchNormalization" and call.name not in self.ends):
            return None
        if is_softmax(layer):
            return softmax(self.plan, call, self.tensors[source])
        if kind == "LayerNormalization":
            return row_normalization(self.plan, call, self.tensors[source], self.values.get(source))
        normalization = self._normalization(call) if kind in FOLDING else None
        if normalization is not None:
            self.sums[normalization.name] = call.name
            self.notes.append(f"layer {normalization.name}: folded into the weights of {call.name}")
        return weighted(self.plan, call, self.tensors[source], self.grids[source], normalization)

    def _normalization(self, call: Call) -> KerasLayer | None:
        """The normalization of the last axis that alone reads a sum."""
        readers = self.readers.get(call.name, [])
        if len(readers) != 1 or call.name in self.ends or kind_of(readers[0].layer) != "BatchNormalization":
            return None
        layer = readers[0].layer
        axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
        return layer if list(axes) in ([-1], [len(call.tensor.shape) - 1]) else None

    def _format(self, kind: str, name: str, positive: bool = False) -> Format:
        """Of the values of a layer or input; positive: whether they are known to be."""
        wanted = self.plan.of(kind, name.removesuffix(FUNCTION)) or self.plan.every["activations"]
        if wanted.format is not None:
            return format_for(wanted, wanted.format.signed and not positive, 0.0)
        signed = not positive and bool((self.values[name] < 0).any())
        return format_for(wanted, signed, magnitude(self.values[name], self.plan.percentile))

    def _round(self, name: str, kind: str, format_: Format) -> None:
        """A quantizer behind what gives `name`; without a sign it is a ReLU as well."""
        made = f"{name}_quantized"
        by = quantizer(format_) if format_.signed else relu(format_)
        self.tensors[name] = import_qkeras().QActivation(by, name=made)(self.tensors[name])
        self.grids[name], self.places[name] = format_.fraction, made
        self.formats.setdefault(name, {})[kind] = format_


def _is_relu(layer: KerasLayer) -> bool:
    if kind_of(layer) == "ReLU":
        return layer.max_value is None and not layer.negative_slope and not layer.threshold
    return kind_of(layer) == "Activation" and kind_of(layer.activation) == "relu"


def _takes_sums(layer: KerasLayer) -> bool:
    kind = kind_of(layer)
    if kind == "Activation":
        return kind_of(layer.activation) in OF_SUMS
    return kind in {"ReLU", "LeakyReLU", "PReLU", "BatchNormalization"}


def _is_staircase(layer: KerasLayer) -> bool:
    return kind_of(layer) == "Activation" and kind_of(layer.activation) in STAIRS


def _copied(layer: KerasLayer, sources: list[Tensor]) -> Tensor:
    copy = type(layer).from_config(layer.get_config())
    result = copy(sources if len(sources) > 1 else sources[0])
    if layer.weights:
        copy.set_weights(layer.get_weights())
    return result
