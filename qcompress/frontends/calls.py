"""A Keras model as a list of layer calls in order of evaluation: branches, shared layers and nested models unrolled."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from qcompress.errors import Refused
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Tensor
from qcompress.frontends.runtime import import_keras, kind_of
from qcompress.graph.ports import INPUT, OUTPUT

IDENTITIES = {
    *("InputLayer", "Identity", "ActivityRegularization"),
    *("Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"),
    *("AlphaDropout", "GaussianDropout", "GaussianNoise"),
}
"""Layers that do nothing at inference."""

ON_LAST_AXIS = {
    *("Dense", "QDense", "Activation", "QActivation", "ReLU", "LeakyReLU", "Rescaling", "Softmax"),
    *("BatchNormalization", "QBatchNormalization"),
}
"""Layers that are the same on steps together as on every step by itself."""

ENDS = {"softmax", "sigmoid"}
"""Activations that may stand at the end of a model and are left out: they keep the order of the logits."""


@dataclass(frozen=True)
class Call:
    """One layer applied once.

    name: the layer's, made unique; sources: names of the calls, or inputs, that feed it; tensor: the Keras tensor it
    gives, None inside a nested model; cut: its own final softmax or sigmoid is left out.
    """

    name: str
    layer: KerasLayer
    sources: tuple[str, ...]
    tensor: Tensor
    cut: bool = False


class Operator:
    """An operator between tensors, which Keras keeps as an operation, with what the front end asks of a layer."""

    compute_dtype = "float32"

    def __init__(self, node: Any) -> None:
        """node: Keras' node that applies it."""
        self.name, self.kind = node.operation.name, type(node.operation).__name__
        self._node = node

    def arguments(self, tensor: Any) -> list[Any]:
        """What it is applied to, in order, with `tensor` in place of every tensor."""
        given = {id(each) for each in self._node.input_tensors}
        values = [*self._node.arguments.args, *self._node.arguments.kwargs.values()]
        return [tensor if id(value) in given else value for value in values]

    def __call__(self, sources: list[Tensor]) -> Tensor:
        """The same operation on other tensors."""
        others = {id(old): new for old, new in zip(self._node.input_tensors, sources, strict=True)}
        args, kwargs = self._node.arguments.fill_in(others)
        return self._node.operation(*args, **kwargs)


class Input(NamedTuple):
    """An input of a model: its name, its Keras tensor, the shape of one row."""

    name: str
    tensor: Tensor
    shape: tuple[int, ...]


class Calls(NamedTuple):
    """A model as calls in order of evaluation.

    notes: what was left out at its ends; outputs: name of every output -> name of the call, or input, that gives it.
    """

    calls: tuple[Call, ...]
    notes: tuple[str, ...]
    inputs: tuple[Input, ...]
    outputs: Mapping[str, str]


def calls_of(model: KerasModel) -> Calls:
    """Calls of a built model, its inputs and outputs, and notes on what was left out at its ends.

    A single input is named "input", a single output "output"; several have the names of the dictionary that the model
    takes or gives, else those of their layers. Raises Refused if the model is no graph of layers.
    """
    calls: list[Call] = []
    network = _network(model)
    labels = _labels(network._inputs_struct, [tensor.name for tensor in network.inputs], INPUT)
    inputs = tuple(
        Input(name, tensor, tuple(tensor.shape[1:])) for name, tensor in zip(labels, network.inputs, strict=True)
    )
    ends = _walk(model, labels, "", calls, set(labels))
    outputs = dict(zip(_labels(network._outputs_struct, network.output_names, OUTPUT), ends, strict=True))
    if not calls or set(outputs.values()) <= set(labels):
        raise Refused(f"model {model.name}: no layer of it computes anything")
    return _without_ends(Calls(tuple(calls), (), inputs, outputs))


def _labels(struct: Any, names: list[str], single: str) -> list[str]:
    """Names of inputs or outputs: keys of a dictionary, which Keras sorts, else as they are called, made unique."""
    if len(names) == 1:
        return [single]
    if isinstance(struct, dict) and len(struct) == len(names):
        names = sorted(struct)
    taken: set[str] = set()
    return [_unique(name, taken) for name in names]


def _walk(model: KerasModel, given: list[str], prefix: str, calls: list[Call], names: set[str]) -> list[str]:
    """Append the calls of a model whose inputs are the results of the calls `given`; what gives its outputs."""
    network = _network(model)
    known = {id(tensor): name for tensor, name in zip(network.inputs, given, strict=True)}
    for node in _nodes(model):
        layer, results = _on_steps(node.operation), node.output_tensors
        if not isinstance(layer, import_keras().layers.Layer):
            layer = Operator(node)
        sources = [known[id(tensor)] for tensor in node.input_tensors]
        if hasattr(layer, "layers"):
            ends = _walk(layer, sources, f"{prefix}{layer.name}_", calls, names)
        elif _is_identity(layer):
            ends = sources
        else:
            if len(results) > 1:
                raise Refused(
                    f"layer {prefix}{layer.name}: gives {len(results)} tensors; use layers that give one "
                    "(of recurrent ones return_state=False, and a merge_mode)"
                )
            ends = [_unique(prefix + node.operation.name, names)]
            calls.append(Call(ends[0], layer, tuple(sources), None if prefix else results[0]))
        known |= {id(tensor): name for tensor, name in zip(results, ends, strict=True)}
    return [known[id(tensor)] for tensor in network.outputs]


def _on_steps(layer: KerasLayer) -> KerasLayer:
    """The layer inside TimeDistributed, where all steps together are the same to it; any other layer itself."""
    if kind_of(layer) == "TimeDistributed" and kind_of(layer.layer) in ON_LAST_AXIS | IDENTITIES:
        return layer.layer
    return layer


def _network(model: KerasModel) -> KerasModel:
    """What holds the tensors: a Sequential model keeps them in a functional one of its own."""
    network = getattr(model, "_functional", None) or model
    if not hasattr(network, "_nodes_by_depth"):
        raise Refused(f"model {model.name}: its layers or shapes are not known; use Sequential with an Input, or Model")
    return network


def _nodes(model: KerasModel) -> Iterator[Any]:
    """Keras' nodes in order of evaluation, those of inputs left out."""
    by_depth = _network(model)._nodes_by_depth
    for depth in sorted(by_depth, reverse=True):
        for node in by_depth[depth]:
            if node.is_input:
                continue
            yield node


def _is_identity(layer: KerasLayer) -> bool:
    linear = kind_of(layer) in {"Activation", "QActivation"} and kind_of(layer.activation) == "linear"
    return linear or kind_of(layer) in IDENTITIES


def _unique(name: str, names: set[str]) -> str:
    chosen, count = name, 1
    while chosen in names:
        count += 1
        chosen = f"{name}_{count}"
    names.add(chosen)
    return chosen


def _without_ends(every: Calls) -> Calls:
    """Leave out a final softmax or sigmoid of every output, a layer of its own or inline."""
    for output, end in every.outputs.items():
        by_name = {call.name: call for call in every.calls}
        if end in by_name and not any(end in call.sources for call in every.calls):
            every = _without_end(every, output, by_name[end])
    return every


def _without_end(found: Calls, output: str, last: Call) -> Calls:
    """Leave out the final softmax or sigmoid of one output, given by call `last`, if it is one."""
    kind = kind_of(last.layer)
    label = "softmax" if kind == "Softmax" else kind_of(getattr(last.layer, "activation", None))
    if label not in ENDS or kind == "QBatchNormalization":  # which never applies its activation
        return found
    where = "the graph ends" if len(found.outputs) == 1 else f"output {output} ends"
    notes = (*found.notes, f"layer {last.name}: the final {label} is left out; {where} at the logits")
    if kind not in {"Softmax", "Activation", "QActivation"}:
        calls = tuple(replace(call, cut=True) if call is last else call for call in found.calls)
        return found._replace(calls=calls, notes=notes)
    if last.sources[0] in {given.name for given in found.inputs}:
        raise Refused(f"layer {last.name}: {label} is all there is; give a model with a layer before it")
    outputs = {name: last.sources[0] if end == last.name else end for name, end in found.outputs.items()}
    calls = tuple(call for call in found.calls if call is not last)
    return found._replace(calls=calls, notes=notes, outputs=outputs)
