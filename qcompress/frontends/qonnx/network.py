"""A whole ONNX model as a graph: constants folded, inputs with their quantizers, outputs without what is left out."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Overflow
from qcompress.frontends.conversion import Formats
from qcompress.frontends.qonnx.conversion import Converter
from qcompress.frontends.qonnx.files import QonnxModel
from qcompress.frontends.qonnx.fusion import with_biases, with_quantizers
from qcompress.frontends.qonnx.layers import apply
from qcompress.frontends.qonnx.operators import DAMAGE, ENDS, Array, Operator, evaluate, first_line, operators
from qcompress.frontends.qonnx.quantizers import Quantizer
from qcompress.frontends.qonnx.tensors import NOTHING, Constant, Line, Value, plain
from qcompress.graph import Graph, Input, Shape
from qcompress.graph.ports import INPUT, OUTPUT


@dataclass(frozen=True)
class Converted:
    """A graph, notes, and factor and shift that make the model's output of each one of the graph."""

    graph: Graph
    notes: tuple[str, ...]
    lines: Mapping[str, Line]
    traced: Mapping[str, Value]
    """Tensor of the model -> the value that is a node of the graph."""


def convert(model: QonnxModel, name: str, formats: Formats = None) -> Converted:
    """The exact graph of an ONNX model, named `name`.

    formats: of inputs that no quantizer follows. Raises Refused naming node, reason and remedy.
    """
    try:
        nodes, constants = operators(model.proto)
    except QcompressError as fault:
        raise Refused(f"model {name}: {fault}") from None
    tensors: dict[str, Constant | Value] = {key: Constant(array) for key, array in constants.items()}
    try:
        nodes = with_quantizers(_folded(nodes, tensors), tensors, model.proto)
        nodes = with_biases(nodes, tensors, model.proto)
    except DAMAGE as fault:
        raise Refused(f"model {name}: its nodes make no sense ({first_line(fault)}); export it again") from None
    shapes = _input_shapes(name, model.proto, tensors)
    _check_inputs(nodes, {*tensors, *shapes})
    users = _users(nodes, model.proto)
    labels = dict(zip(shapes, [INPUT] if len(shapes) == 1 else list(shapes), strict=True))
    inputs, notes = [], []
    for tensor, shape in shapes.items():
        given, note = _input(name, labels[tensor], shape, _quantizer_behind(tensor, nodes, tensors, users), formats)
        inputs.append(given)
        notes += [note] if note else []
    tensors |= {tensor: Value(labels[tensor], plain(shape)) for tensor, shape in shapes.items()}
    converter = Converter(inputs, tensors, users)
    converter.notes += notes
    ends, left_out = _ends(nodes, model.proto, users)
    converter.notes += left_out
    quantizers = {tensor: given.quantizer for tensor, given in zip(shapes, inputs, strict=True)}
    for node in nodes:
        if node.outputs[0] not in ends:
            _append(converter, node, quantizers)
    return _finished(converter, name, inputs, model.proto, ends)


def _folded(nodes: list[Operator], tensors: dict[str, Constant | Value]) -> list[Operator]:
    """Nodes that depend on the input; what the others give is added to the tensors."""
    kept = []
    for node in nodes:
        given = [tensors.get(name) for name in node.inputs]
        known = [one for one, name in zip(given, node.inputs, strict=True) if not name or isinstance(one, Constant)]
        results = _fold(node, known, tensors) if len(known) == len(given) else None
        if results is None:
            kept.append(node)
        else:
            tensors |= dict(zip(node.outputs, results, strict=False))
    return kept


_RANDOM = ("RandomNormal", "RandomUniform", "RandomNormalLike", "RandomUniformLike", "Bernoulli", "Multinomial")
MOVES = {"Transpose", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Slice", "Gather", "Identity", "Tile", "Expand"}
"""Operations that move elements: they move codes and scales of a quantized constant alike."""


def _fold(node: Operator, given: list[Any], tensors: Mapping[str, Any]) -> list[Any] | None:
    """What a node gives for constants, in the order of its inputs; None if it is to be refused where it is used."""
    if node.domain == "qonnx" and node.kind in ("Quant", "IntQuant", "BipolarQuant"):
        return [apply(Converter([], tensors, {}), node)]
    if node.domain != "" or node.kind in _RANDOM:
        return None
    arrays = [None if one is None else one.array for one in given]
    try:
        if node.kind == "Dropout":
            return [given[0]]
        results = [Constant(array) for array in evaluate(node, arrays)]
        if node.kind == "DequantizeLinear":
            return [_dequantized(node, results[0].array, arrays)]
        if node.kind in MOVES and given and given[0] is not None and given[0].codes is not None:
            codes, scale = (
                evaluate(node, [each, *arrays[1:]])[0] for each in (given[0].codes, np.array(given[0].scale))
            )
            return [Constant(results[0].array, codes, scale)]
    except QcompressError as fault:
        raise Refused(str(fault)) from None
    return results


def _dequantized(node: Operator, array: Array, given: list[Any]) -> Constant:
    """Weights that are stored as integers, with their codes and scales."""
    axis = int(node.get("axis", 1)) % max(array.ndim, 1)
    along = [-1 if place == axis else 1 for place in range(array.ndim)]
    parts = given[1], given[2] if len(given) > 2 else np.zeros((), np.int64)
    scale, zero = (np.asarray(each).reshape(along if np.size(each) > 1 else ()) for each in parts)
    codes = given[0].astype(np.float64) - zero.astype(np.float64)
    return Constant(array, codes, np.broadcast_to(scale, array.shape))


def _check_inputs(nodes: list[Operator], known: set[str]) -> None:
    """Raises Refused for a node with an input, even one that it does not use, that nothing gives."""
    known |= {name for node in nodes for name in node.outputs}
    for node in nodes:
        if lost := [name for name in node.inputs if name and name not in known]:
            raise Refused(f"{node.label}: input {lost[0]} is of no node, input or initializer; export the model again")


def _input_shapes(name: str, proto: Any, tensors: Mapping[str, Any]) -> dict[str, Shape]:
    """Shape of a row of every input that is no constant. Raises Refused for open shapes."""
    found = {}
    for given in proto.graph.input:
        if given.name in tensors:
            continue
        sizes = [each.dim_value or None for each in given.type.tensor_type.shape.dim]
        if len(sizes) < 2 or any(size is None for size in sizes[1:]):
            listed = ", ".join("?" if size is None else str(size) for size in sizes)
            raise Refused(f"model {name}: input {given.name} of shape ({listed}); export it with rows and fixed sizes")
        found[given.name] = tuple(int(size) for size in sizes[1:] if size is not None)
    if not found:
        raise Refused(f"model {name}: it has no input; export it again")
    return found


def _users(nodes: list[Operator], proto: Any) -> dict[str, int]:
    """How many nodes and outputs read each tensor."""
    users: dict[str, int] = {}
    for name in [*(name for node in nodes for name in node.inputs), *(output.name for output in proto.graph.output)]:
        users[name] = users.get(name, 0) + 1
    return users


def _quantizer_behind(
    tensor: str, nodes: list[Operator], tensors: Mapping[str, Any], users: Mapping[str, int]
) -> Cast | None:
    """The cast that an input goes through before anything else, if it is one."""
    first = next((node for node in nodes if tensor in node.inputs), None)
    if (
        first is None
        or users.get(tensor) != 1
        or (first.domain, first.kind) not in {("qonnx", "Quant"), ("qonnx", "IntQuant")}
    ):
        return None
    given = [tensors.get(name) for name in first.inputs[1:4]]
    if len(given) < 3 or not all(isinstance(each, Constant) for each in given):
        return None
    return Quantizer.of(first, [each.array for each in given]).cast  # type: ignore[union-attr]


def _input(model: str, name: str, shape: Shape, quantizer: Cast | None, formats: Formats) -> tuple[Input, str | None]:
    """An input with its format and its quantizer, and a note if the format that the user gave is not used."""
    told = formats.get(name) if isinstance(formats, Mapping) else formats
    if quantizer is not None:
        unused = told not in {None, quantizer.format}
        note = f"input format {told} was not used: the model's own quantizer gives {quantizer.format}"
        return Input(name, shape, quantizer.format, quantizer), note if unused else None
    if told is None:
        what, key = ("its input", "") if name == INPUT else (f"input {name}", f"{name}=")
        raise Refused(
            f"model {model} does not begin with a Quant whose scale is a power of two: give the number format of "
            f'{what}, for example --input-format "{key}fixed<16,6>"'
        )
    return Input(name, shape, told), None


def _ends(nodes: list[Operator], proto: Any, users: Mapping[str, int]) -> tuple[dict[str, str], list[str]]:
    """Tensors that a final softmax or sigmoid gives -> the tensor in front of it, and notes that it is left out."""
    outputs = [output.name for output in proto.graph.output]
    found, notes = {}, []
    for node in nodes:
        if node.kind in ENDS and node.domain == "" and node.outputs[0] in outputs and users[node.outputs[0]] == 1:
            found[node.outputs[0]] = node.inputs[0]
            where = "the graph ends" if len(outputs) == 1 else f"output {node.outputs[0]} ends"
            notes.append(f"{node.label}: the final {node.kind} is left out; {where} at the logits")
    return found, notes


def _append(converter: Converter, node: Operator, quantizers: Mapping[str, Cast | None]) -> None:
    """What a node gives, among the tensors; quantizers: by tensor, of inputs that begin with one."""
    cast = quantizers.get(node.inputs[0]) if node.inputs else None
    if cast is not None and cast.overflow is not Overflow.SAT_SYM:
        converter.tensors[node.outputs[0]] = converter.tensors[node.inputs[0]]  # every code stays as it is
        return
    left = _folded([node], converter.tensors)  # a shape may have made its inputs constants
    if not left:
        return
    results = apply(converter, node)
    for name, result in zip(node.outputs, results if isinstance(results, list) else [results], strict=False):
        if name:
            converter.tensors[name] = result


def _finished(converter: Converter, name: str, inputs: list[Input], proto: Any, ends: Mapping[str, str]) -> Converted:
    """The graph with its outputs in the order of ONNX; a last scale and shift on no grid are left out."""
    names = [output.name for output in proto.graph.output]
    labels = [OUTPUT] if len(names) == 1 else names
    outputs, lines = {}, {}
    for label, tensor in zip(labels, names, strict=True):
        end = Operator(tensor, "output", "", (ends.get(tensor, tensor),), (), {}, 1)
        value = converter.value(end)
        line = value.line
        if line is None:
            value = converter.without_steps(end, value)
        elif line != NOTHING:
            factor, shift = (f"{float(each):.9g}" for each in line)
            converter.notes.append(
                f"output {tensor}: its scale {factor} and shift {shift} are left out; its order is that of the model"
            )
        value = converter.as_onnx(end, replace(value, steps=()), "output")
        outputs[label], lines[label] = value.node, line or NOTHING
        if value.node in {given.name for given in inputs}:
            raise Refused(f"model {name}: output {tensor} is input {value.node} itself; leave it out of the model")
    graph = Graph.of(name, inputs, converter.builder.nodes, outputs)
    whole = {key: each for key, each in converter.tensors.items() if isinstance(each, Value) and not each.steps}
    nodes = {node.name for node in graph.nodes}
    traced = {each.node: (key, each) for key, each in whole.items() if each.node in nodes}
    return Converted(graph, tuple(converter.notes), lines, dict(traced.values()))
