"""Every operation of a graph as ONNX nodes on tensors of codes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import (
    Add,
    Affine,
    ArgMax,
    AveragePool,
    Concatenate,
    Flatten,
    LeakyRelu,
    Linear,
    MaxPool,
    Multiply,
    Permute,
    Quantize,
    QuantizeEach,
    Range,
    Rearrangement,
    Relu,
    Reshape,
    Subtract,
    Table,
    TableEach,
    Thresholds,
)
from qcompress.graph.merge import common_format
from qcompress.graph.stage import Shape
from qcompress.targets.onnx.linear import affine, linear
from qcompress.targets.onnx.stairs import thresholds
from qcompress.targets.onnx.writer import INT32, INT64, Tensor, Writer, scalar

Formats = Sequence[Format]


def quantize(writer: Writer, tensor: Tensor, cast: Cast, fraction: int, wanted: str) -> Tensor:
    """Codes with `fraction` fractional bits cast to another format."""
    shift = fraction - cast.format.fraction
    if shift <= 0:
        return _lifted(writer, tensor, cast, -shift, wanted)
    return overflow(writer, _rounded(writer, tensor, cast.rounding, shift, wanted), cast, wanted)


def _rounded(writer: Writer, tensor: Tensor, rounding: Rounding, shift: int, wanted: str) -> Tensor:
    """tensor / 2**shift, rounded: floor of what a number below the divisor is added to."""
    if 1 << (shift - 1) > max(-tensor.low, tensor.high):  # less than half a step from zero: only signs count
        tensor, shift = writer.clip(tensor, -1, 1, f"{wanted}.sign"), 2
    half, last = 1 << (shift - 1), (1 << shift) - 1
    lifts = {Rounding.TRN: 0, Rounding.RND: half, Rounding.RND_MIN_INF: half - 1}
    if rounding in lifts:
        lifted = writer.plus(tensor, lifts[rounding], f"{wanted}.lifted")
    elif rounding is Rounding.RND_CONV and tensor.dtype.kind == "f":
        return writer.nearest_shift(tensor, shift, wanted)
    elif rounding is Rounding.RND_CONV:
        base = writer.floor_shift(tensor, shift, f"{wanted}.base")
        odd = writer.wrap(base, 0, 1, f"{wanted}.odd")
        lifted = _sum(writer, writer.plus(tensor, half - 1, f"{wanted}.up"), odd, wanted)
    else:
        always, below = {
            Rounding.TRN_ZERO: (0, last),
            Rounding.RND_ZERO: (half - 1, 1),
            Rounding.RND_INF: (half, -1),
        }[rounding]
        lifted = writer.plus(tensor, always, f"{wanted}.up")
        if tensor.low < 0:
            negative = writer.negative(tensor, wanted)
            ends = min(0, below), max(0, below)
            step = writer.op("Mul", [negative, scalar(below)], f"{wanted}.step", ends)
            lifted = _sum(writer, lifted, step, wanted)
    return writer.floor_shift(lifted, shift, f"{wanted}.rounded")


def _sum(writer: Writer, one: Tensor, other: Tensor, wanted: str) -> Tensor:
    return writer.op("Add", [one, other], f"{wanted}.sum", (one.low + other.low, one.high + other.high))


def overflow(writer: Writer, tensor: Tensor, cast: Cast, wanted: str) -> Tensor:
    """What a cast does with numbers that its format does not hold."""
    low, high = cast.format.min_code, cast.format.max_code
    if cast.overflow is Overflow.WRAP:
        return writer.wrap(tensor, low, cast.format.width, wanted)
    if cast.overflow is Overflow.SAT_SYM and cast.format.signed:
        low = -high
    if cast.overflow is not Overflow.SAT_ZERO:
        return writer.clip(tensor, low, high, wanted)
    cut = writer.clip(tensor, low, high, f"{wanted}.cut")
    if cut is tensor:
        return tensor
    whole = writer.cast(cut, tensor.dtype)
    fits = writer.node("Equal", [whole.name, tensor.name], f"{wanted}.fits")
    return writer.where(fits, whole, scalar(0), wanted)


def _lifted(writer: Writer, tensor: Tensor, cast: Cast, shift: int, wanted: str) -> Tensor:
    """tensor * 2**shift, then overflow; what cannot stay is cut, or loses its upper bits, before it grows."""
    form = cast.format
    if cast.overflow is Overflow.WRAP:
        if shift >= form.width:
            return writer.times(tensor, 0, wanted)
        kept = writer.wrap(tensor, form.min_code >> shift, form.width - shift, f"{wanted}.kept")
        return writer.times(kept, 1 << shift, wanted)
    least, most = -((-form.min_code) >> shift), form.max_code >> shift
    cut = writer.clip(tensor, least - 1, most + 1, f"{wanted}.near")
    grown = writer.times(cut, 1 << min(shift, form.width), f"{wanted}.grown")
    return overflow(writer, grown, cast, wanted)


def _quantize(writer: Writer, operation: Quantize, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    return quantize(writer, tensor, operation.cast, given.fraction, wanted)


def _quantize_each(
    writer: Writer, operation: QuantizeEach, tensor: Tensor, given: Format, shape: Shape, wanted: str
) -> Tensor:
    """Elements of each kind taken out, cast, and all of them put back in order."""
    kinds = operation.kind_of_each(shape)
    parts, order = [], []
    for kind, (cast, gain) in enumerate(zip(operation.casts, operation.gains(), strict=True)):
        place = np.flatnonzero(kinds == kind)
        taken = writer.gather(tensor, place, f"{wanted}.kind{kind}")
        if cast is None:
            parts.append(writer.times(taken, 0, f"{wanted}.nothing"))
        else:
            found = quantize(writer, taken, cast, given.fraction, f"{wanted}.kind{kind}")
            parts.append(writer.times(found, 1 << gain, f"{wanted}.kind{kind}.aligned"))
        order.append(place)
    ends = min(part.low for part in parts), max(part.high for part in parts)
    joined = writer.op("Concat", parts, f"{wanted}.joined", ends, axis=1)
    return writer.gather(joined, np.argsort(np.concatenate(order)).reshape(shape), wanted)


def _table_each(
    writer: Writer, operation: TableEach, tensor: Tensor, given: Format, shape: Shape, wanted: str
) -> Tensor:
    """The place in the entries of all tables, from arithmetic with constants of each element."""
    start, drop, width = operation.parameters[operation.kind_of_each(shape)].T.reshape(3, *shape)
    base = writer.floor_shifts(tensor, drop, f"{wanted}.base")
    place = writer.modulo(base, width, f"{wanted}.rest")
    ends = 0, operation.entries.size - 1
    found = writer.op("Add", [place, start], f"{wanted}.place", ends)
    found = writer.cast(found, INT32 if found.dtype != INT64 else INT64)
    low, high = int(operation.entries.min()), int(operation.entries.max())
    dtype = writer.carrier(low, high)
    entries = writer.constant(wanted, operation.entries, dtype)
    return Tensor(writer.node("Gather", [entries, found.name], wanted, axis=0), dtype, low, high)


def _relu(writer: Writer, operation: Relu, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    return writer.clip(tensor, 0, max(0, tensor.high), wanted)


def _leaky(writer: Writer, operation: LeakyRelu, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    zero = writer.constant(wanted, 0, tensor.dtype)
    below = writer.node("Less", [tensor.name, zero], f"{wanted}.below")
    return writer.where(below, tensor, writer.times(tensor, 1 << operation.shift, f"{wanted}.grown"), wanted)


def _table(writer: Writer, operation: Table, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    low, high = int(operation.table.min()), int(operation.table.max())
    dtype = writer.carrier(low, high)
    place = writer.plus(tensor, -given.min_code, f"{wanted}.place")
    place = writer.cast(place, INT32 if place.dtype != INT64 else INT64)
    table = writer.constant(wanted, operation.table, dtype)
    return Tensor(writer.node("Gather", [table, place.name], wanted, axis=0), dtype, low, high)


def _move(writer: Writer, operation: Rearrangement, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    if isinstance(operation, Flatten | Reshape):
        return writer.reshape(tensor, operation.output_shape(shape), wanted)
    if isinstance(operation, Permute):
        return writer.transpose(tensor, [0, *(axis + 1 for axis in operation.axes)], wanted)
    return writer.gather(tensor, operation.indices(shape), wanted)


def _max(writer: Writer, operation: MaxPool, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    which = operation.windows.indices(shape)
    which = np.where(which < 0, which.max(axis=1, keepdims=True), which)  # padding: another of the same window
    taken = writer.gather(tensor, which, f"{wanted}.windows")
    name = writer.node("ReduceMax", [taken.name], f"{wanted}.largest", axes=[2], keepdims=0)
    largest = Tensor(name, taken.dtype, taken.low, taken.high)
    return writer.reshape(largest, operation.output_shape(shape), wanted)


def _mean(writer: Writer, operation: AveragePool, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    taken = writer.gather(tensor, operation.windows.indices(shape), f"{wanted}.windows")
    count = 1 << operation.bits
    total = writer.sum_rows(taken, count, (taken.low * count, taken.high * count), f"{wanted}.sum")
    return writer.reshape(total, operation.output_shape(shape), wanted)


def _argmax(writer: Writer, operation: ArgMax, tensor: Tensor, given: Format, shape: Shape, wanted: str) -> Tensor:
    name = tensor.name
    if tensor.dtype == INT64:  # runtimes have no ArgMax of it
        largest = writer.node("ReduceMax", [name], f"{wanted}.largest", axes=[-1], keepdims=1)
        equal = writer.node("Equal", [name, largest], f"{wanted}.equal")
        name = writer.cast(Tensor(equal, np.dtype(np.bool_), 0, 1), INT32).name
    found = writer.node("ArgMax", [name], wanted, axis=-1, keepdims=1)
    return Tensor(found, INT64, 0, operation.classes - 1)


UNARY: dict[type, Callable[..., Tensor]] = {
    Quantize: _quantize,
    Relu: _relu,
    LeakyRelu: _leaky,
    Table: _table,
    QuantizeEach: _quantize_each,
    TableEach: _table_each,
    Thresholds: thresholds,
    Rearrangement: _move,
    MaxPool: _max,
    AveragePool: _mean,
    ArgMax: _argmax,
}


def _align(writer: Writer, tensors: Sequence[Tensor], formats: Formats, wanted: str) -> list[Tensor]:
    """Codes of several formats with as many fractional bits as the finest of them has."""
    fraction = common_format(formats).fraction
    return [
        writer.times(tensor, 1 << (fraction - given.fraction), f"{wanted}.aligned")
        for tensor, given in zip(tensors, formats, strict=True)
    ]


def _merge(writer: Writer, operation: Any, tensors: Sequence[Tensor], formats: Formats, wanted: str) -> Tensor:
    """Operations on several nodes."""
    if isinstance(operation, Multiply):
        corners = [a * b for a in (tensors[0].low, tensors[0].high) for b in (tensors[1].low, tensors[1].high)]
        return writer.op("Mul", tensors, wanted, (min(corners), max(corners)))
    aligned = _align(writer, tensors, formats, wanted)
    if isinstance(operation, Add):
        total = aligned[0]
        for place, other in enumerate(aligned[1:], 2):
            name = wanted if place == len(aligned) else f"{wanted}.first{place}"
            total = writer.op("Add", [total, other], name, (total.low + other.low, total.high + other.high))
        return total
    if isinstance(operation, Subtract):
        one, other = aligned
        return writer.op("Sub", aligned, wanted, (one.low - other.high, one.high - other.low))
    ends = min(each.low for each in aligned), max(each.high for each in aligned)
    return writer.op("Concat", aligned, wanted, ends, axis=operation.axis + 1)


def add(
    writer: Writer,
    operation: Any,
    tensors: Sequence[Tensor],
    formats: Formats,
    shapes: Sequence[Shape],
    ranges: Sequence[Range],
    wanted: str,
) -> Tensor:
    """The nodes of one operation.

    tensors, formats, shapes, ranges: of its inputs, in order; wanted: name for its result. Raises Refused where it, or
    a number on the way, is nothing that ONNX has.
    """
    if isinstance(operation, Add | Subtract | Multiply | Concatenate):
        return _merge(writer, operation, tensors, formats, wanted)
    if isinstance(operation, Affine):
        return affine(writer, operation, tensors[0], formats[0], wanted)
    for kind, lower in UNARY.items():
        if isinstance(operation, kind):
            return lower(writer, operation, tensors[0], formats[0], shapes[0], wanted)
    if isinstance(operation, Linear):
        return linear(writer, operation, tensors[0], formats[0], shapes[0], ranges[0], wanted)
    raise Refused(f"{type(operation).__name__} is not exported")
