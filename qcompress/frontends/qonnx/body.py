"""An ONNX model with QONNX quantizers as a body to verify against: floats inside, integer codes outside."""

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.frontends.exactness import float32_exact
from qcompress.frontends.qonnx.files import QonnxModel
from qcompress.frontends.qonnx.operators import ENDS, Array, Operator, channel_axis, evaluate, operators
from qcompress.frontends.qonnx.tensors import NOTHING, Line, Value
from qcompress.graph import Graph, Tensors, Thresholds
from qcompress.graph.ports import Port, as_tensors, by_port

BATCH = 1024
"""Rows that are computed at once."""


class QonnxBody:
    """The model as a body; codes that leave the grid of the graph are refused.

    lines: factor and shift of every output, where they were left out of the graph; traced: tensors that are nodes. It
    stops where the graph does, at the logits. In float32, qonnx' own executor, where that is exact on the whole graph
    (`dtype` says so) and where it runs; else node by node in float64: operations of onnx' reference implementation, or
    of onnxruntime for large windows that float32 computes exactly, and quantizers of qonnx.
    """

    name = "qonnx"

    def __init__(self, model: QonnxModel, graph: Graph, lines: Mapping[str, Line], traced: Mapping[str, Value]) -> None:
        self._model, self._graph, self._lines, self._traced = model, graph, lines, traced
        stairs = any(isinstance(node.operation, Thresholds) for node in graph.nodes)
        whole = all(line == NOTHING for line in lines.values())
        self.dtype = "float32" if whole and not stairs and all(float32_exact(graph).values()) else "float64"

    def run(self, codes: Tensors) -> Tensors:
        """Codes of the inputs, in the graph's formats -> codes of its outputs."""
        ports, outputs = self._graph.input_ports, self._graph.output_ports
        given = by_port(ports, codes, self.name)
        rows = len(next(iter(given.values())))
        parts = []
        for start in range(0, max(rows, 1), BATCH):
            values = [port.format.to_values(given[port.name][start : start + BATCH]) for port in ports]
            results = self._values(values)
            parts.append([self._codes(port, each) for port, each in zip(outputs, results, strict=True)])
        found = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return as_tensors(outputs, {port.name: array for port, array in zip(outputs, found, strict=True)})

    def trace(self, codes: Tensors) -> dict[str, Codes]:
        """Output codes of every tensor of the model that is a node of the graph, by the name of the node, in order."""
        ports = self._graph.input_ports
        given = by_port(ports, codes, self.name)
        values = [port.format.to_values(given[port.name]) for port in ports]
        tensors = dict(zip(self._traced, self._computed(values, list(self._traced)), strict=True))
        found = {}
        for name, value in self._traced.items():
            moved = tensors[name].transpose(0, *(axis + 1 for axis in value.order))
            found[value.node] = self._graph.formats[value.node].to_codes(moved)
        return {node.name: found[node.name] for node in self._graph.nodes if node.name in found}

    def _values(self, values: Sequence[Array]) -> list[Array]:
        rows = len(values[0])
        if self.dtype == "float32":
            try:
                found = executed(self._model, values)
            except Exception:  # what onnxruntime has no kernel for, such as weights in float64
                self.dtype = "float64"
            else:
                if all(len(each) == rows for each in found):
                    return found
        return self._computed(values, None)

    def _computed(self, values: Sequence[Array], tensors: Sequence[str] | None) -> list[Array]:
        """Outputs, or other tensors, in float64; row by row for a model that was made for one row alone."""
        rows = len(values[0])
        try:
            found = computed(self._model, values, np.float64, tensors)
        except QcompressError:
            found = []
        if rows <= 1 or (found and all(len(each) == rows for each in found)):
            return found
        each_row = ([each[row : row + 1] for each in values] for row in range(rows))
        single = [computed(self._model, row, np.float64, tensors) for row in each_row]
        return [np.concatenate(column) for column in zip(*single, strict=True)]

    def _codes(self, port: Port, values: Array) -> Codes:
        factor, shift = self._lines[port.name]
        shaped = np.asarray(values, np.float64).reshape(len(values), *port.shape)
        if (factor, shift) == NOTHING:
            return port.format.to_codes(shaped)
        units = (
            (shaped - float(shift)) / float(factor) * 2.0**port.format.fraction
        )  # whole but for the rounding of float64
        return np.rint(units).astype(np.int64)  # they are whole but for the rounding of float64


def predict(model: QonnxModel, values: Any, dtype: Any) -> Any:
    """What the model gives for values (rows, ...), or a list of them for several inputs; to its logits."""
    several = isinstance(values, list | tuple)
    found = computed(model, [np.asarray(each, dtype) for each in (values if several else [values])], dtype)
    return found if len(found) > 1 else found[0]


def inputs_of(model: QonnxModel) -> list[str]:
    """Names of the inputs that are no constants."""
    constants = {each.name for each in model.proto.graph.initializer}
    return [each.name for each in model.proto.graph.input if each.name not in constants]


def ends_of(model: QonnxModel, nodes: Sequence[Operator]) -> list[str]:
    """The tensors at which the graph ends: in front of a final softmax or sigmoid."""
    made = {node.outputs[0]: node for node in nodes}
    found = []
    for output in model.proto.graph.output:
        node = made.get(output.name)
        final = node is not None and node.kind in ENDS and not any(output.name in other.inputs for other in nodes)
        found.append(node.inputs[0] if node is not None and final else output.name)
    return found


def computed(
    model: QonnxModel, values: Sequence[Array], dtype: Any, wanted_tensors: Sequence[str] | None = None
) -> list[Array]:
    """The outputs, or other tensors, node by node in `dtype`, for values (rows, ...) of every input in order."""
    nodes, constants = operators(model.proto)
    tensors = {name: _floats(array, dtype) for name, array in constants.items()}
    tensors |= {name: np.asarray(each, dtype) for name, each in zip(inputs_of(model), values, strict=True)}
    ends = list(wanted_tensors) if wanted_tensors is not None else ends_of(model, nodes)
    wanted = set(ends)
    for node in reversed(nodes):
        if wanted & set(node.outputs):
            wanted |= set(node.inputs)
    for node in nodes:
        if wanted & set(node.outputs):
            given = [tensors[name] if name else None for name in node.inputs]
            results = _results(node, given, dtype)
            tensors |= dict(zip(node.outputs, (_floats(each, dtype) for each in results), strict=False))
    return [tensors[name] for name in ends]


def _floats(array: Array, dtype: Any) -> Array:
    return array.astype(dtype, copy=False) if array.dtype.kind == "f" else array


def _results(node: Operator, given: list[Array | None], dtype: Any) -> list[Array]:
    if node.domain == "":
        if node.kind == "GlobalMaxPool" and given[0] is not None:  # which the reference gets wrong on one axis of space
            return [given[0].max(axis=tuple(range(2, given[0].ndim)), keepdims=True)]
        if node.kind in ("Reshape", "Expand") and given[1] is not None:
            given = [given[0], _for_rows(node, given[0], given[1])]
        return evaluate(node, given)
    if node.domain == "channels_last":
        count = 2 if node.kind == "Conv" else 1
        moved = [None if each is None else np.moveaxis(each, -1, 1) for each in given[:count]] + given[count:]
        plain = Operator(node.name, node.kind, "", node.inputs, node.outputs, node.attributes, node.version)
        return [np.moveaxis(evaluate(plain, moved)[0], 1, -1)]
    return [np.asarray(_quantized(node)(*given), dtype)]


def _for_rows(node: Operator, array: Array | None, shape: Array) -> Array:
    """A shape that was exported for one row, for as many as there are."""
    rows = 1 if array is None else len(array)
    if rows == 1 or not shape.size or shape[0] not in (1, -1) or (shape[0] == -1 and node.kind == "Reshape"):
        return shape
    return np.concatenate([[rows], shape[1:]])


def _quantized(node: Operator) -> Any:
    """The function of qonnx for a node of its own, which takes the node's inputs."""
    from qonnx.custom_op.general import bipolar_quant, intquant, multithreshold, trunc

    mode = node.get("rounding_mode", "FLOOR" if node.kind == "Trunc" else "ROUND")
    if node.kind in ("Quant", "IntQuant"):
        return partial(
            intquant.int_quant, signed=node.get("signed", 1), narrow=node.get("narrow", 0), rounding_mode=mode
        )
    if node.kind == "BipolarQuant":
        return bipolar_quant.binary_quant
    if node.kind == "Trunc" and node.version >= 2:
        signed, narrow = node.get("signed", 1), node.get("narrow", 0)
        return lambda x, scale, zero, bits, to, width: trunc.trunc_v2(
            x, scale, zero, bits, narrow, signed, to, width, mode
        )
    if node.kind == "Trunc":
        return partial(trunc.trunc_v1, rounding_mode=mode)
    if node.kind == "MultiThreshold":
        line = node.get("out_scale", 1.0), node.get("out_bias", 0.0)

        def counted(x: Array, limits: Array) -> Array:
            place = channel_axis(node, x.ndim)
            return np.swapaxes(multithreshold.multithreshold(np.swapaxes(x, place, 1), limits, *line), place, 1)

        return counted
    raise QcompressError(f"{node.label}: qonnx has no function for it here")


def executed(model: QonnxModel, values: Sequence[Array]) -> list[Array]:
    """The outputs as qonnx' executor gives them in float32, for values (rows, ...) of every input in order."""
    import onnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.core.onnx_exec import execute_onnx
    from qonnx.transformation.infer_shapes import InferShapes

    nodes, _ = operators(model.proto)
    proto = onnx.ModelProto()
    proto.CopyFrom(model.proto)
    _with_rows(proto, len(values[0]))
    for end in ends_of(model, nodes):
        if end not in {output.name for output in proto.graph.output}:
            proto.graph.output.append(onnx.helper.make_tensor_value_info(end, onnx.TensorProto.FLOAT, None))
    feeds = {name: np.asarray(each, np.float32) for name, each in zip(inputs_of(model), values, strict=True)}
    with warnings.catch_warnings(action="ignore"):  # of domains that qonnx renames
        found = execute_onnx(ModelWrapper(proto).transform(InferShapes()), feeds)
    return [found[name] for name in ends_of(model, nodes)]


def _with_rows(proto: Any, rows: int) -> None:
    """As many rows as there are, in the inputs and in shapes that were exported for one; nothing that was inferred."""
    from onnx import numpy_helper

    known = {each.name: each for each in proto.graph.initializer}
    for given in proto.graph.input:
        if given.name not in known:
            given.type.tensor_type.shape.dim[0].dim_value = rows
    for given in proto.graph.output:
        if given.type.tensor_type.shape.dim:
            given.type.tensor_type.shape.dim[0].dim_value = rows
    del proto.graph.value_info[:]
    for node in proto.graph.node:
        if node.op_type == "Reshape" and len(node.input) > 1 and node.input[1] in known:
            shape = numpy_helper.to_array(known[node.input[1]]).copy()
            if shape.size and shape[0] == 1:
                shape[0] = rows
                known[node.input[1]].CopyFrom(numpy_helper.from_array(shape, node.input[1]))
