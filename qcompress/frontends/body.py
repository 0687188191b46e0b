"""A Keras model as a body to verify against: floats inside, integer codes outside."""

from inspect import signature
from math import prod

import numpy as np

from qcompress.files import JsonObject
from qcompress.fixedpoint import Codes, Values
from qcompress.frontends.calls import Call, Operator, calls_of
from qcompress.frontends.exactness import float32_exact
from qcompress.frontends.folding import FOLDED, is_folded, unquantized
from qcompress.frontends.hgq1 import is_of_proxies
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Tensor
from qcompress.frontends.quantizers import evaluate
from qcompress.frontends.recurrent_copy import RECURRENT, recurrent_copy
from qcompress.frontends.runtime import PREDICT_BATCH, float_type, import_keras, kind_of, predict
from qcompress.frontends.tables_of_rows import MODULE as TABLES
from qcompress.frontends.user_layers import handler_of
from qcompress.frontends.widening import InFloat32, activation
from qcompress.graph import Graph, Table, Tensors, Thresholds
from qcompress.graph.ports import as_tensors, by_port

WEIGHTS = {
    "kernel_quantizer": "kernel",
    "depthwise_quantizer": "depthwise_kernel",
    "pointwise_quantizer": "pointwise_kernel",
    "bias_quantizer": "bias",
    "gamma_quantizer": "gamma",
    "beta_quantizer": "beta",
    "mean_quantizer": "moving_mean",
    "variance_quantizer": "moving_variance",
    "alpha_quantizer": "alpha",
    "embeddings_quantizer": "embeddings",
}
"""Which weight each quantizer of a layer acts on."""


WIDENING = {"QAveragePooling2D"}
"""Layers that need more bits on their way than their result: it averages sums multiplied by their number."""

STAIRCASES = {
    *("BatchNormalization", "QBatchNormalization", "QActivation", "Activation", "ReLU", "LeakyReLU", "PReLU"),
    *("AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D"),
    *("Average", "Rescaling"),
}
"""Layers that may stand before the quantizer that makes them a staircase."""

MEMORY = 1 << 30
"""Bytes that the tensors of one batch may take."""


class KerasBody:
    """A Keras model as a body; codes that leave the grid of the graph are refused.

    It stops where the graph does. The model itself is run where float32 is exact on the whole graph (`dtype` says
    so); otherwise a copy of its layers in float64, whose weights are those that the quantizers give in float32.
    """

    name = "Keras"

    def __init__(self, model: KerasModel, graph: Graph) -> None:
        self._model = model
        self._graph = graph
        self._found = calls_of(model)
        self._calls = self._found.calls
        widens = any(_widens(call.layer) for call in self._calls if self._end(call) is not None)
        exact = all(float32_exact(graph).values()) and not widens
        self.dtype = "float32" if exact else "float64"
        self._built: dict[bool, KerasModel] = {}

    def run(self, codes: Tensors) -> Tensors:
        """Codes of the inputs, in the graph's formats -> codes of its outputs."""
        values = self._predict(codes, every=False)
        ports = self._graph.output_ports
        return as_tensors(ports, {p.name: p.format.to_codes(v) for p, v in zip(ports, values, strict=True)})

    def trace(self, codes: Tensors) -> dict[str, Codes]:
        """Output codes of every layer that is a node of the graph, by name, in order."""
        nodes = [end for call in self._calls if (end := self._end(call)) is not None]
        values = self._predict(codes, every=True)
        return {node: self._graph.formats[node].to_codes(v) for node, v in zip(nodes, values, strict=True)}

    def _predict(self, codes: Tensors, every: bool) -> list[Values]:
        """What Keras gives, of every layer or of the outputs; batches are as large as a gigabyte or so allows."""
        given = by_port(self._graph.input_ports, codes, self.name)
        values = [port.format.to_values(given[port.name]) for port in self._graph.input_ports]
        row = 8 * sum(prod(shape) for shape in self._graph.shapes.values())
        batch = max(1, min(PREDICT_BATCH, MEMORY // row))
        found = predict(self._network(every), values if len(values) > 1 else values[0], self.dtype, batch)
        return found if isinstance(found, list) else [found]

    def _end(self, call: Call) -> str | None:
        """The node that holds what a call gives: a layer with an inline activation is two nodes."""
        inline = f"{call.name}_activation"
        other = inline in {another.name for another in self._calls}
        chosen = inline if inline in self._graph.formats and not other else call.name
        return chosen if chosen in self._graph.formats else None

    def _network(self, every: bool) -> KerasModel:
        """A Keras model of the outputs of every call, or of the last one.

        Where numbers are on no grid, it is run operation by operation: as a TensorFlow graph, sums like QKeras' own
        x + (q - x) may be formed in another order, which costs a last bit.
        """
        if every not in self._built:
            keras = import_keras()
            ends = [call for call in self._calls if self._end(call) is not None]
            own = self.dtype == "float32" and all(call.tensor is not None and not call.cut for call in self._calls)
            if own:
                given, tensors = list(self._model.inputs), {call.name: call.tensor for call in self._calls}
            else:
                given, tensors = _copied(self._calls, self._graph, self.dtype)
            names = [call.name for call in ends] if every else list(self._found.outputs.values())
            built = keras.Model(given, [tensors[name] for name in names])
            built.run_eagerly = any(
                _waits(call, self._graph) or kind_of(call.layer) in RECURRENT for call in self._calls
            )
            self._built[every] = built
        return self._built[every]


def _widens(layer: KerasLayer) -> bool:
    """Whether float32 is too narrow for a layer on its way: it is for TensorFlow's inverse root of many at once."""
    if kind_of(layer) != "BatchNormalization":
        return kind_of(layer) in WIDENING
    spread = evaluate(lambda variance: variance + layer.epsilon, layer.moving_variance)
    return bool((evaluate(import_keras().ops.rsqrt, spread) != 1 / np.sqrt(spread)).any())


def _copied(calls: tuple[Call, ...], graph: Graph, dtype: str) -> tuple[list[Tensor], dict[str, Tensor]]:
    """Copies of the layers connected anew: the inputs and the tensor that each call gives."""
    keras = import_keras()
    with float_type(dtype):
        tensors = {port.name: keras.Input(port.shape, dtype=dtype) for port in graph.input_ports}
        given = list(tensors.values())
        for call in calls:
            sources = [tensors[source] for source in call.sources]
            if dtype != "float32" and _waits(call, graph):
                layer = keras.layers.Lambda(InFloat32(call.layer), dtype=dtype)
                tensors[call.name] = layer(sources if len(sources) > 1 else sources[0])
            else:
                tensors[call.name] = _copy(call, graph, dtype, sources)
    return given, tensors


def _waits(call: Call, graph: Graph) -> bool:
    """Whether a call is part of a staircase, which is of float32: a function before its quantizer has no node."""
    quantized = {each.name for each in graph.inputs if each.quantizer is not None}
    return kind_of(call.layer) in STAIRCASES and call.name not in graph.formats and not quantized & {*call.sources}


def _copy(call: Call, graph: Graph, dtype: str, sources: list[Tensor]) -> Tensor:
    """What a copy of a layer in `dtype` gives for these tensors."""
    layer = call.layer
    if isinstance(layer, Operator):
        return layer(sources)
    if handler_of(layer) is not None or kind_of(layer).startswith(TABLES) or is_of_proxies(layer):
        return _of_the_user(layer, {"dtype": dtype, "name": call.name}, sources)
    if kind_of(layer) in RECURRENT:
        return recurrent_copy(call, graph, dtype, sources[0])
    copy = _empty(layer, {"dtype": dtype, "name": call.name})
    for key in ("average_quantizer", "inverse_quantizer"):
        for attribute in (key, f"{key}_internal"):
            if getattr(layer, attribute, None) is not None:
                setattr(copy, attribute, getattr(layer, attribute))
    if getattr(layer, "activation", None) is not None:
        copy.activation = None if call.cut else activation(layer.activation, _in_float32(call, graph), dtype)
    if getattr(layer, "_mask", None) is not None:
        copy._mask = np.asarray(layer._mask, dtype)
    if len(sources) > 1:
        return copy(sources)
    copy.build(sources[0].shape)
    _take_weights(layer, copy)
    return copy(sources[0])


def _of_the_user(layer: KerasLayer, own: JsonObject, sources: list[Tensor]) -> Tensor:
    """What a copy of a user's layer gives, with the weights that it has."""
    copy = type(layer).from_config(layer.get_config() | own)
    result = copy(sources if len(sources) > 1 else sources[0])
    copy.set_weights(layer.get_weights())
    return result


def _empty(layer: KerasLayer, own: JsonObject) -> KerasLayer:
    """A layer of the same kind without quantizers and weights; plain where the layer holds a normalization."""
    if not is_folded(layer):
        return type(layer).from_config(_bare_config(layer) | own)
    kind = getattr(import_keras().layers, FOLDED[kind_of(layer)])
    known = signature(kind).parameters
    return kind.from_config({k: v for k, v in _bare_config(layer).items() if k in known} | {"use_bias": True} | own)


def _bare_config(layer: KerasLayer) -> JsonObject:
    """A layer's configuration without quantizers and what else only matters before its weights are known."""
    bare = {("_quantizer", "_constraint", "_regularizer"): None, ("_initializer",): "zeros", ("activation",): "linear"}
    config = dict(layer.get_config())
    for endings, value in bare.items():
        config |= {key: value for key in config if key.endswith(endings)}
    return config


def _take_weights(layer: KerasLayer, copy: KerasLayer) -> None:
    """Give the copy the weights that the layer's quantizers make of its own."""
    for key, what in WEIGHTS.items():
        if not hasattr(layer, what) and not (what == "bias" and is_folded(layer)):
            continue
        plain = is_folded(layer) and what == "depthwise_kernel"
        target = getattr(copy, "kernel" if plain else what, None)
        if target is not None and hasattr(target, "assign"):
            quantizer = getattr(layer, f"{key}_internal", None)
            target.assign(evaluate(quantizer or (lambda tensor: tensor), unquantized(layer, what)))


def _in_float32(call: Call, graph: Graph) -> bool:
    """Whether the activation of a call is a table or the end of a staircase in the graph."""
    operations = {node.name: node.operation for node in graph.nodes}
    name = call.name if "Activation" in kind_of(call.layer) else f"{call.name}_activation"
    stepped = {f"{name}_steps", f"{name}_line"} & operations.keys()
    return bool(stepped) or isinstance(operations.get(name), Table | Thresholds)
