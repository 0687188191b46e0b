"""The whole model: its ends, its metadata, its file."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.files import written_aside
from qcompress.fixedpoint import Cast, Overflow, Rounding
from qcompress.graph import Graph, Range
from qcompress.graph.graph import Input
from qcompress.graph.ports import Port
from qcompress.targets.cpp.emulator import native_dtype
from qcompress.targets.onnx.lowering import add, overflow
from qcompress.targets.onnx.writer import FLOAT32, FLOAT64, INT64, LIMITS, Dtype, Tensor, Writer

LARGEST_FILE = (1 << 31) - 1
"""Bytes of one message of protobuf."""
OPSET, IR_VERSION = 17, 8
"""Of 2022: runtimes of any age since then read the model."""
BEHIND = {"values": ".values", "codes": ".codes"}
"""An output's name in the model is the graph's and this: a node may have the plain one."""


POWERS = {FLOAT32: 100, FLOAT64: 900}
"""Powers of two by which values are scaled without coming near the ends of the type."""
RESERVED = ("interface", "arithmetic", "graph", "row_bytes", "input_format", "output_format")
"""What the metadata begin with that are the model's own."""


@dataclass(frozen=True)
class Manner:
    """How a graph becomes a model.

    interface: what enters and leaves it, real "values" in floating point or "codes", integers of the narrowest standard
    type; arithmetic: what carries codes inside, "integer", or "float" wherever that is exact, which is faster.
    """

    interface: str = "values"
    arithmetic: str = "integer"


def end_type(port: Port, low: int, high: int, manner: Manner, shrinks: bool = False) -> Dtype:
    """The type of an input or output of the model whose codes are between low and high.

    shrinks: whether real values become smaller before they are rounded. Raises Refused where float64 is too small.
    """
    if manner.interface == "codes":
        return native_dtype(port.format)
    for dtype, power in POWERS.items():
        if (
            max(-low, high) <= LIMITS[dtype]
            and abs(port.format.fraction) <= power
            and not (shrinks and dtype == FLOAT32)
        ):
            return dtype
    raise Refused(f"onnx: {port.name}: values of {port.format} are not exact in float64: use interface codes")


def model(graph: Graph, manner: Manner, notes: dict[str, str]) -> Any:
    """The ONNX model of graph, a ModelProto; notes: kept as metadata. Raises Refused, naming the node."""
    import onnx

    identity = graph.content_hash()
    graph = graph.pruned()
    _check_names(graph, notes)
    writer, ranges = Writer(manner.arithmetic), graph.ranges()
    writer.names |= {each.name for each in graph.inputs}
    ends = {name + BEHIND[manner.interface] for name in graph.outputs}
    if taken := sorted(ends & writer.names):
        raise Refused(f"onnx: {graph.name}: an output would be called {taken[0]}, as an input is: rename one")
    writer.names |= ends
    tensors, inputs, outputs = {}, [], []
    for each, port in zip(graph.inputs, graph.input_ports, strict=True):
        shrinks = each.quantizer is not None and port.format.fraction < 0
        dtype = end_type(port, port.format.min_code, port.format.max_code, manner, shrinks)
        inputs.append(_end(port.name, dtype, port))
        tensors[each.name] = _at(graph, each.name, _given, writer, each, dtype, manner)
    for node in graph.nodes:
        given = [tensors[source] for source in node.sources]
        lists = [[table[source] for source in node.sources] for table in (graph.formats, graph.shapes, ranges)]
        made = _at(graph, node.name, add, writer, node.operation, given, *lists, node.name)
        tensors[node.name] = _within(made, ranges[node.name])
    for port, source in zip(graph.output_ports, graph.outputs.values(), strict=True):
        found = tensors[source]
        dtype = end_type(port, found.low, found.high, manner)
        outputs.append(_end(_leave(writer, found, port, dtype, manner), dtype, port))
    whole = onnx.helper.make_model(
        onnx.helper.make_graph(writer.nodes, graph.name, inputs, outputs, writer.constants),
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="qcompress",
    )
    formats = {**_formats("input", graph.input_ports), **_formats("output", graph.output_ports)}
    told = {"interface": manner.interface, "arithmetic": manner.arithmetic, "graph": identity}
    told["row_bytes"] = str(writer.largest)
    onnx.helper.set_model_props(whole, {**notes, **formats, **told})
    if whole.ByteSize() > LARGEST_FILE:
        raise Refused(f"onnx: {graph.name}: its tables are too large for a file of ONNX")
    onnx.checker.check_model(whole)
    return whole


def _check_names(graph: Graph, notes: dict[str, str]) -> None:
    """Raises Refused for what a model cannot hold: empty names, names that are no text, notes of the model's own."""
    names = [graph.name, *(each.name for each in graph.inputs), *graph.outputs, *(node.name for node in graph.nodes)]
    for name in names:
        if not name or not name.isprintable():
            raise Refused(f"onnx: {name!r} of {graph.name!r} is no name that a model can have; rename it")
    if min((min((0, *shape)) if 0 in shape else 1 for shape in graph.shapes.values()), default=1) == 0:
        raise Refused(f"onnx: {graph.name} has a tensor without elements")
    for key in notes:
        if key.startswith(RESERVED):
            raise Refused(f"onnx: a note may not be called {key}: the model keeps its own there")


def _at(graph: Graph, name: str, step: Any, *given: Any) -> Tensor:
    """A step of the lowering; its refusal names the node."""
    try:
        made: Tensor = step(*given)
    except Refused as fault:
        raise Refused(f"onnx: {name} of {graph.name}: {fault}") from None
    return made


def _within(tensor: Tensor, range_: Range) -> Tensor:
    """The same tensor, known to be in a range."""
    low, high = int(range_.low.min()), int(range_.high.max())
    return Tensor(tensor.name, tensor.dtype, max(tensor.low, low), min(tensor.high, high))


def _given(writer: Writer, each: Input, dtype: Dtype, manner: Manner) -> Tensor:
    """The codes of an input."""
    form = each.format
    given = Tensor(each.name, dtype, form.min_code, form.max_code)
    if manner.interface == "codes":
        return writer.cast(given, writer.carrier(given.low, given.high))
    scaled = each.name
    if form.fraction:
        scale = writer.constant(each.name, np.ldexp(1.0, form.fraction), dtype)
        scaled = writer.node("Mul", [each.name, scale], f"{each.name}.scaled")
    if each.quantizer:
        codes = _quantized(writer, each.quantizer, scaled, dtype, each.name)
    else:
        codes = Tensor(scaled, dtype, given.low, given.high)
    return writer.cast(codes, writer.carrier(given.low, given.high))


def _quantized(writer: Writer, cast: Cast, scaled: str, dtype: Dtype, name: str) -> Tensor:
    """Real numbers in units of a format's last bit, rounded and cut to its codes, in floating point."""
    whole = _whole(writer, cast.rounding, scaled, dtype, name)
    if cast.overflow is Overflow.WRAP:
        every = LIMITS[INT64] >> 1
        found = writer.cast(Tensor(whole, dtype, -every, every), INT64)
        return overflow(writer, found, cast, name)
    return _cut(writer, cast, whole, dtype, name)


def _cut(writer: Writer, cast: Cast, whole: str, dtype: Dtype, name: str) -> Tensor:
    """Saturation of whole numbers of any size."""
    low, high = cast.format.min_code, cast.format.max_code
    if cast.overflow is Overflow.SAT_SYM and cast.format.signed:
        low = -high
    ends = [writer.constant(name, end, dtype) for end in (low, high)]
    cut = writer.node("Clip", [whole, *ends], f"{name}.cut")
    if cast.overflow is Overflow.SAT_ZERO:
        fits = writer.node("Equal", [cut, whole], f"{name}.fits")
        cut = writer.node("Where", [fits, cut, writer.constant(name, 0, dtype)], f"{name}.kept")
    return Tensor(cut, dtype, low, high)


def _whole(writer: Writer, rounding: Rounding, scaled: str, dtype: Dtype, name: str) -> str:
    """Rounding of real numbers. The distance to the next whole number towards zero is exact, that to others is not."""
    if rounding is Rounding.RND_CONV:
        return writer.node("Round", [scaled], f"{name}.rounded")
    if rounding is Rounding.TRN:
        return writer.node("Floor", [scaled], f"{name}.rounded")
    zero, half, one = (writer.constant(name, number, dtype) for number in (0, 0.5, 1))
    size = writer.node("Abs", [scaled], f"{name}.size")
    base = writer.node("Floor", [size], f"{name}.base")
    sign = writer.node("Sign", [scaled], f"{name}.sign")
    if rounding is Rounding.TRN_ZERO:
        return writer.node("Mul", [base, sign], f"{name}.rounded")
    part = writer.node("Sub", [size, base], f"{name}.part")
    above = writer.node("Greater", [part, half], f"{name}.above")
    if rounding is not Rounding.RND_ZERO:
        tie = writer.node("Equal", [part, half], f"{name}.tie")
        if rounding is not Rounding.RND_INF:
            side = "Greater" if rounding is Rounding.RND else "Less"
            moves = writer.node(side, [scaled, zero], f"{name}.side")
            tie = writer.node("And", [tie, moves], f"{name}.moved")
        above = writer.node("Or", [above, tie], f"{name}.grows")
    grown = writer.node("Add", [base, one], f"{name}.grown")
    larger = writer.node("Where", [above, grown, base], f"{name}.larger")
    return writer.node("Mul", [larger, sign], f"{name}.rounded")


def _leave(writer: Writer, tensor: Tensor, port: Port, dtype: Dtype, manner: Manner) -> str:
    """The name of an output, which is made."""
    name = port.name + BEHIND[manner.interface]
    codes = writer.cast(tensor, dtype)
    writer.names.discard(name)  # it was kept for this
    if manner.interface == "codes" or port.format.fraction == 0:
        return writer.node("Identity", [codes.name], name)
    return writer.node("Mul", [codes.name, writer.constant(name, port.format.lsb, dtype)], name)


def _end(name: str, dtype: Dtype, port: Port) -> Any:
    """An input or output of the model."""
    import onnx

    kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
    return onnx.helper.make_tensor_value_info(name, kind, ["rows", *port.shape])


def _formats(way: str, ports: Sequence[Port]) -> dict[str, str]:
    """What the metadata say of the formats of all inputs or of all outputs."""
    keys = format_keys(way, [port.name for port in ports])
    return {key: str(port.format) for key, port in zip(keys, ports, strict=True)}


def format_keys(way: str, names: Sequence[str]) -> list[str]:
    """Names of metadata: of the formats of inputs ("input") or outputs ("output") of these names."""
    return [f"{way}_format"] if len(names) == 1 else [f"{way}_format.{name}" for name in names]


def export(graph: Graph, path: Path, notes: dict[str, str] | None = None, manner: Manner | None = None) -> Dtype:
    """Write the ONNX model of graph to path, and give the type of its outputs, the widest where there are several.

    Inputs have the names of the graph's, outputs have ".values" or ".codes" behind. notes: kept in the model as
    metadata, beside the formats; manner: values and float arithmetic unless given. Raises Refused, naming the node,
    where ONNX cannot give the graph's codes.
    """
    import onnx

    manner = manner or Manner(arithmetic="float")
    made = model(graph, manner, notes or {})
    with written_aside(path) as file:
        file.write(made.SerializeToString())
    kinds = [end.type.tensor_type.elem_type for end in made.graph.output]
    return np.result_type(*(onnx.helper.tensor_dtype_to_np_dtype(kind) for kind in kinds))
