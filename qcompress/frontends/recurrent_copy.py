"""Copies of recurrent layers that compute in float64 what the layers compute with the weights of their quantizers."""

import re
from typing import Any

from qcompress.frontends.calls import Call
from qcompress.frontends.keras_objects import KerasLayer, Tensor
from qcompress.frontends.quantizers import evaluate
from qcompress.frontends.widening import activation
from qcompress.graph import Graph, Table, Thresholds

RECURRENT = {
    *("QSimpleRNN", "QLSTM", "QGRU", "SimpleRNN", "LSTM", "GRU", "RNN"),
    *("QBidirectional", "Bidirectional"),
}
FUNCTIONS = {"activation": "active", "recurrent_activation": "gate", "state_quantizer": "state"}
"""Functions of a cell, and what the names of their nodes hold."""
WEIGHTS = {"kernel_quantizer": "kernel", "recurrent_quantizer": "recurrent_kernel", "bias_quantizer": "bias"}
"""Which weight each quantizer of a cell acts on."""
UNUSED = (*WEIGHTS, "state_quantizer", "kernel_constraint", "recurrent_constraint", "bias_constraint")
"""Of a configuration: what a copy, whose weights are given, does without."""


def recurrent_copy(call: Call, graph: Graph, dtype: str, source: Tensor) -> Tensor:
    """What a copy, in `dtype`, of the layer of a call that is part of graph gives of source."""
    layer = call.layer
    copy = type(layer).from_config(_bare(layer.get_config(), dtype) | {"name": call.name})
    for part in (copy, *_layers(copy), *(each.cell for each in _layers(copy))):
        part.dtype_policy = dtype  # which QKeras gives to some of them alone
    copy.build(source.shape)
    for (name, own), (_, new) in zip(_cells(call.name, layer), _cells(call.name, copy), strict=True):
        _take_weights(own, new)
        for attribute, what in FUNCTIONS.items():
            if (function := getattr(own, f"{attribute}_internal", getattr(own, attribute, None))) is not None:
                wide = activation(function, _is_table(graph, name, what), dtype)
                setattr(new, attribute, wide)
                setattr(new, f"{attribute}_internal", wide)
    return copy(source)


def _layers(layer: KerasLayer) -> list[KerasLayer]:
    """Those that have a cell: the layer itself, or both inside it."""
    return [layer] if hasattr(layer, "cell") else [layer.forward_layer, layer.backward_layer]


def _cells(name: str, layer: KerasLayer) -> list[tuple[str, KerasLayer]]:
    """Cells of a layer, with what the names of their nodes begin with."""
    found = [each.cell for each in _layers(layer)]
    names = [name] if len(found) == 1 else [f"{name}_forward", f"{name}_backward"]
    return list(zip(names, found, strict=True))


def _take_weights(own: KerasLayer, new: KerasLayer) -> None:
    """Give a cell the weights that the quantizers of another make of its own."""
    for key, what in WEIGHTS.items():
        weight, quantizer = getattr(own, what), getattr(own, f"{key}_internal", None)
        if weight is not None:
            getattr(new, what).assign(evaluate(quantizer or (lambda tensor: tensor), weight))


def _is_table(graph: Graph, name: str, what: str) -> bool:
    """Whether a function of the cell is a table or a staircase in the graph; `active` of SimpleRNN ends the step."""
    named = re.compile(rf"{re.escape(name)}(_\d+)?" + (rf"(_{what}_\w+)?" if what == "active" else rf"_{what}_\w+"))
    found = [node for node in graph.nodes if named.fullmatch(node.name)]
    return any(isinstance(node.operation, Table | Thresholds) or node.name.endswith("_line") for node in found)


def _bare(config: Any, dtype: str) -> Any:
    """A configuration in another number type, of layers not built yet, without functions and quantizers."""
    if isinstance(config, list):
        return [_bare(part, dtype) for part in config]
    if not isinstance(config, dict):
        return config
    own = {"dtype": dtype, "activation": "linear", "recurrent_activation": "linear", **dict.fromkeys(UNUSED)}
    kept = {key: part for key, part in config.items() if key != "build_config"}
    return {key: own[key] if key in own else _bare(part, dtype) for key, part in kept.items()}
