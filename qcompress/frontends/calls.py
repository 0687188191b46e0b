"""A Keras model as a list of layer calls in order of evaluation: branches, shared layers and nested models unrolled."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from qcompress.errors import Refused
from qcompress.frontends.runtime import import_keras, kind_of
from qcompress.graph.graph import INPUT

IDENTITIES = {
    *("InputLayer", "Identity", "ActivityRegularization"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    *("AlphaDropout", "GaussianDropout", "GaussianNoise"),
}
"""Layers that do nothing at inference."""

ENDS = {"softmax", "sigmoid"}
"""Activations that may stand at the end of a model and are left out: they keep the order of the logits."""


@dataclass(frozen=True)
class Call:
    """One layer applied once.

    name: the layer's, made unique; sources: names of the calls that feed it, or "input"; tensor: the Keras tensor it
    gives, None inside a nested model; cut: its own final softmax or sigmoid is left out.
    """

    name: str
    layer: Any
    sources: tuple[str, ...]
    tensor: Any
    cut: bool = False


def calls_of(model: Any) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    """Calls of a built model of one input and one output, and notes on what was left out at its end.

    Raises Refused if the model is no graph of layers.
    """
    calls: list[Call] = []
    names = {INPUT}
    end = _walk(model, INPUT, "", calls, names)
    if not calls or end != calls[-1].name:
        raise Refused(f"model {model.name}: no layer of it computes anything")
    return _without_end(tuple(calls))


def _walk(model: Any, given: str, prefix: str, calls: list[Call], names: set[str]) -> str:
    """Append the calls of a model whose input is the result of call `given`; the name of the call that ends it."""
    known = {id(_network(model).inputs[0]): given}
    for node in _nodes(model):
        layer, result = node.operation, node.output_tensors[0]
        sources = tuple(known[id(tensor)] for tensor in node.input_tensors)
        if hasattr(layer, "layers"):
            known[id(result)] = _walk(layer, sources[0], f"{prefix}{layer.name}_", calls, names)
        elif _is_identity(layer):
            known[id(result)] = sources[0]
        else:
            name = _unique(prefix + layer.name, names)
            calls.append(Call(name, layer, sources, None if prefix else result))
            known[id(result)] = name
    return known[id(_network(model).outputs[0])]


def _network(model: Any) -> Any:
    """What holds the tensors: a Sequential model keeps them in a functional one of its own."""
    network = getattr(model, "_functional", None) or model
    if not hasattr(network, "_nodes_by_depth"):
        raise Refused(f"model {model.name}: its layers or shapes are not known; use Sequential with an Input, or Model")
    if len(network.inputs) != 1 or len(network.outputs) != 1:
        raise Refused(
            f"model {model.name}: {len(network.inputs)} inputs and {len(network.outputs)} outputs; give one of each"
        )
    return network


def _nodes(model: Any) -> Iterator[Any]:
    """Keras' nodes in order of evaluation, those of inputs left out."""
    keras = import_keras()
    by_depth = _network(model)._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if node.is_input:
                continue
            if not isinstance(node.operation, keras.layers.Layer):
                label = type(node.operation).__name__
                raise Refused(f"operation {node.operation.name}: {label} is not a layer; use a layer of keras.layers")
            yield node


def _is_identity(layer: Any) -> bool:
    linear = kind_of(layer) in {"Activation", "QActivation"} and kind_of(layer.activation) == "linear"
    return linear or kind_of(layer) in IDENTITIES


def _unique(name: str, names: set[str]) -> str:
    chosen, count = name, 1
    while chosen in names:
        count += 1
        chosen = f"{name}_{count}"
    names.add(chosen)
    return chosen


def _without_end(calls: tuple[Call, ...]) -> tuple[tuple[Call, ...], tuple[str, ...]]:
    """Leave out a final softmax or sigmoid, a layer of its own or inline."""
    last = calls[-1]
    kind = kind_of(last.layer)
    label = "softmax" if kind == "Softmax" else kind_of(getattr(last.layer, "activation", None))
    if label not in ENDS or kind == "QBatchNormalization":  # which never applies its activation
        return calls, ()
    note = (f"layer {last.name}: the final {label} is left out; the graph ends at the logits",)
    if kind in {"Softmax", "Activation", "QActivation"}:
        if len(calls) == 1:
            raise Refused(f"layer {last.name}: {label} is all there is; give a model with a layer before it")
        return calls[:-1], note
    return (*calls[:-1], replace(last, cut=True)), note
