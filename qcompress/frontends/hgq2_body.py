"""A model of HGQ2 as a body to verify against: its own layers, one after the other, integer codes outside."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values
from qcompress.frontends.calls import Call, calls_of
from qcompress.frontends.hgq2_attention import INNER
from qcompress.frontends.hgq2_layers import ATTENTION, PAIRS, TABLES, hgq_kind
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Quantizer, Tensor
from qcompress.frontends.runtime import PREDICT_BATCH, float_type, import_keras
from qcompress.graph import Graph, Tensors
from qcompress.graph.ports import as_tensors, by_port, row_count

MEMORY = 1 << 30
"""Bytes that the tensors of one batch may take."""
IN_FLOAT32 = TABLES | PAIRS | {"QSoftmax"}
"""Layers whose functions were tabulated as HGQ2 computes them: in float32."""
FUSED = {"QEinsumDenseBatchnorm", "QBatchNormDense"}
Twin = Callable[[Any], Tensor]


class Hgq2Body:
    """HGQ2's forward pass in float64; codes that leave the grid of the graph are refused.

    Layers are copied in float64, with the weights that their quantizers give in float32. Layers that are tables run as
    they are, on values that float32 holds exactly.
    """

    name = "HGQ2"
    dtype = "float64"

    def __init__(self, model: KerasModel, graph: Graph) -> None:
        self._graph = graph
        self._found = calls_of(model)
        self._twins: dict[str, Twin] = {}

    def run(self, codes: Tensors) -> Tensors:
        """Codes of the inputs, in the graph's formats -> codes of its outputs."""
        ports, ends = self._graph.output_ports, self._found.outputs
        values = self._values(codes, list(ends.values()))
        return as_tensors(ports, {port.name: port.format.to_codes(values[ends[port.name]]) for port in ports})

    def trace(self, codes: Tensors) -> dict[str, Codes]:
        """Output codes of every layer that ends in a node of the graph, by the node's name, in order."""
        nodes = {call.name: node for call in self._found.calls if (node := self._end(call)) is not None}
        values = self._values(codes, list(nodes))
        return {node: self._graph.formats[node].to_codes(values[name]) for name, node in nodes.items()}

    def _end(self, call: Call) -> str | None:
        """The last node of a layer: its output quantizer, its activation, or the sum itself."""
        others = {other.name for other in self._found.calls} - {call.name}
        for name in (f"{call.name}_oq", f"{call.name}_activation", call.name):
            if name in self._graph.formats and name not in others:
                return name
        return None

    def _values(self, codes: Tensors, wanted: list[str]) -> dict[str, Values]:
        """What the calls of these names give, batch by batch."""
        given = by_port(self._graph.input_ports, codes, self.name)
        row = 8 * sum(prod(shape) for shape in self._graph.shapes.values())
        batch = max(1, min(PREDICT_BATCH, MEMORY // row))
        parts: list[Mapping[str, Values]] = []
        for start in range(0, max(1, row_count(given)), batch):
            inputs = {
                port.name: port.format.to_values(given[port.name][start : start + batch])
                for port in self._graph.input_ports
            }
            parts.append(self._batch(inputs, wanted))
        return {name: np.concatenate([part[name] for part in parts]) for name in wanted}

    def _batch(self, values: dict[str, Any], wanted: list[str]) -> dict[str, Values]:
        ops = import_keras().ops
        with float_type(self.dtype):
            values = {name: ops.convert_to_tensor(array) for name, array in values.items()}
            for call in self._found.calls:
                given = [values[source] for source in call.sources]
                if call.name not in self._twins:
                    self._twins[call.name] = _twin(call, [tuple(tensor.shape) for tensor in given])
                values[call.name] = self._twins[call.name](given if len(given) > 1 else given[0])
        return {name: np.asarray(ops.convert_to_numpy(values[name]), np.float64) for name in wanted}


def _twin(call: Call, shapes: list[tuple[int, ...]]) -> Twin:
    """The layer of a call on float64 tensors of these shapes."""
    layer, kind = call.layer, hgq_kind(call.layer)
    if kind in IN_FLOAT32:
        return _InFloat32(layer)
    built = [(None, *shape[1:]) for shape in shapes]
    with _every_layer_in("float64"):
        copy = type(layer).from_config(layer.get_config())
        for inner in copy._flatten_layers():
            inner.dtype_policy = "float64"
        if not copy.built:
            copy.build(*(built if kind in ATTENTION or len(built) == 1 else [built]))
    if layer.weights:
        copy.set_weights(layer.get_weights())
    _fix_weights(layer, copy)
    if call.cut:
        copy.activation = None
    if kind in ATTENTION:
        _fix_inner(layer, copy)
        return lambda given: copy(*given) if isinstance(given, list) else copy(given)
    made: Twin = copy
    return made


def _fix_inner(layer: KerasLayer, copy: KerasLayer) -> None:
    """Give the layers inside a copy of attention their weights; those that are tables run as they are."""
    for what in INNER:
        if (inner := getattr(layer, what, None)) is None:
            continue
        if hgq_kind(inner) in IN_FLOAT32:
            object.__setattr__(copy, what, _InFloat32(inner))  # past Keras, which would take it for a layer
        else:
            _fix_weights(inner, getattr(copy, what))


@contextmanager
def _every_layer_in(dtype: str) -> Iterator[None]:
    """Within it, layers that are made anew compute in dtype unless they are told otherwise."""
    config = import_keras().config
    before = config.dtype_policy()
    config.set_dtype_policy(dtype)
    try:
        yield
    finally:
        config.set_dtype_policy(before)


def _fix_weights(layer: KerasLayer, copy: KerasLayer) -> None:
    """Give the copy the weights that the layer's quantizers make in float32; quantized again they stay as they are."""
    kind = hgq_kind(layer)
    if kind in FUSED:
        fused = tuple(_wide(part) for part in (layer.qkernel, layer.qbias))
        copy.get_fused_qkernel_and_qbias = lambda *_, **__: fused
    elif kind == "QBatchNormalization":
        fused = tuple(_wide(part) for part in layer.qscaler_and_qoffset)
        copy._scaler_and_offset = lambda: fused
    elif kind is not None and hasattr(layer, "qkernel"):
        copy._kernel.assign(_wide(layer.qkernel))
        if layer.bias is not None:
            copy.bias.assign(_wide(layer.qbias))


def _wide(tensor: Tensor) -> Tensor:
    ops = import_keras().ops
    return ops.cast(tensor, "float64")


class _InFloat32:
    """A layer of tables as it is, on values that float32 holds; what its quantizer rounds is rounded in float64."""

    def __init__(self, layer: KerasLayer) -> None:
        self._layer = layer

    def __call__(self, given: Tensor, *_: Any, **__: Any) -> Tensor:
        ops, layer = import_keras().ops, self._layer
        if getattr(layer, "enable_iq", False) and hgq_kind(layer) not in PAIRS:
            given = _quantized(layer.iq, given)
        narrow = ops.cast(given, "float32")
        if bool(ops.convert_to_numpy(ops.any(ops.cast(narrow, "float64") != given))):
            raise QcompressError(f"layer {layer.name}: values of more than 24 bits before a table; float32 rounds them")
        with float_type("float32"):
            return _wide(layer(narrow, training=False))


def _quantized(quantizer: Quantizer, given: Tensor) -> Tensor:
    """What HGQ2's quantizer makes of a tensor in float64."""
    ops, inner = import_keras().ops, quantizer.quantizer
    if not hasattr(inner, "kif"):
        return given
    k, i, f = (_wide(part) for part in inner.kif)
    found = inner.stateless_quantizer(given, k, i, f)
    return ops.where(k + i + f > 0, found, ops.zeros_like(found))
