"""The kernels of a graph: every node, with the elementwise operations behind it, as a struct of constants and a call.

The kernels themselves are templates in runtime.h; all integer types follow from exact ranges.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import gcd, prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.graph import (
    OPERATIONS,
    Add,
    ArgMax,
    AveragePool,
    Concatenate,
    Convolution,
    Linear,
    MaxPool,
    Multiply,
    Node,
    Operation,
    Pool,
    Range,
    Rearrangement,
    Subtract,
    Table,
)
from qcompress.graph.stage import Shape
from qcompress.targets.cpp.program import ARITHMETIC, Buffer, Group, Program, is_view
from qcompress.targets.cpp.source import Source, comment
from qcompress.targets.cpp.types import Bounds, Step, arithmetic_type, shift_count, step, wrap_step

PAIRED = ("std::int16_t", "std::int16_t", "std::int32_t")
"""Types of inputs, weights and sums of which processors form two products at once."""
NO_PAIRS = {"paired": 0, "interleaved": 0}
MOST_INDICES = 1 << 17
"""Elements that a table may move one by one."""
MOST_PAIRS = 1 << 16
"""Weights that the compiler sorts into pairs; g++ ends constant loops at 2^18."""


def emit(program: Program) -> None:
    """Write every kernel and note its call; raises Refused, naming the node, for what 64-bit integers do not hold."""
    program.enter()
    for group in program.groups:
        if is_view(group.head.operation):
            program.buffers[group.last] = program.buffer(group.head.source)
        else:
            program.new_buffer(group.last, group.name)
            _emitter(group.head)(program, group, group.head.operation)
        program.give(group)


def _finish(program: Program, group: Group, start: Bounds, first: Step | None = None) -> tuple[list[str], Bounds]:
    """The statements of the elementwise nodes behind a kernel, and all that they hold."""
    lines, held, bounds = [], [start], start
    formats = program.graph.formats
    found = [first] if first else []
    for node in group.tail:
        done = found[-1].result if found else bounds
        found.append(step(node.operation, formats[node.source], done))
    for each in found:
        lines += each.lines
        held += [each.held, each.result]
    return lines, Bounds.around(held)


def _sum_type(program: Program, group: Group, held: Bounds) -> str:
    """The integer that a kernel computes with; held: all that is in its registers but its inputs and its result."""
    inputs = [buffer.bounds for buffer in program.inputs(group)]
    everything = Bounds.around([held, program.buffer(group.last).bounds, *inputs])
    return arithmetic_type(everything, f"node {group.head.name}")


@contextmanager
def _struct(
    program: Program, group: Group, name: str, inputs: Sequence[Buffer], sum_type: str | None
) -> Iterator[Source]:
    """The struct of a kernel: its types, then what the caller writes; sum_type: None where nothing is computed."""
    source, formats, result = program.source, program.graph.formats, program.buffer(group.last)
    chain = [f"{n.name}: {type(n.operation).__name__} {formats[n.name]}" for n in (group.head, *group.tail)]
    source.line(f"// {comment(' -> '.join(chain))}")
    with source.block(f"struct {name}", "};"):
        source.line(f"using In = {inputs[0].type};", f"using Out = {result.type};")
        if sum_type is not None:
            source.line(f"using Sum = {sum_type};")
        yield source
    source.line("")


def _write_finish(source: Source, lines: Sequence[str]) -> None:
    with source.block("template <class A, class V> static inline V finish(V v)"):
        source.line(*lines, "return v;")


def _linear(program: Program, group: Group, operation: Linear) -> None:
    node, graph = group.head, program.graph
    given, weights, bias = graph.formats[node.source], operation.matrix, operation.cast_bias()
    shift = min(operation.shift(given), 63)
    constants = [Bounds(int(array.min()), int(array.max())) for array in (weights, bias)]
    partial, sums = _sum_bounds(operation, program.ranges[node.source], given)
    lines, held = _finish(program, group, sums, wrap_step(operation.accumulator, sums))
    held = Bounds.around([held, partial, *constants, Bounds(0, 1 << max(-shift, 0)), shift_count(shift)])
    sum_type, weight_type = _sum_type(program, group, held), arithmetic_type(constants[0], node.name)
    geometry = _geometry(operation, graph.shapes[node.source])
    channels = geometry["group_channels"]
    by_pairs = shift <= 0 and (program.inputs(group)[0].type, weight_type, sum_type) == PAIRED
    pairs = _pairs(operation, channels) if by_pairs else NO_PAIRS
    with _struct(program, group, group.name, program.inputs(group), sum_type) as source:
        source.constants("int", **geometry)
        source.constants("int", groups=weights.shape[0], group_filters=weights.shape[2], filters=operation.channels)
        source.constants("int", shift=max(shift, 0))
        source.constants("bool", **pairs)
        source.constants("Sum", gain=1 << max(-shift, 0))
        ordered = _in_order(weights, channels, bool(pairs["interleaved"]))
        source.array(weight_type, "weights", ordered, before="alignas(64) static ")
        source.array("Sum", "bias", bias)
        _write_finish(source, lines)
    program.call("linear", group.name, group, *program.inputs(group))


def _pairs(operation: Linear, channels: int) -> dict[str, int]:
    """Whether products are formed two at once, and whether the weights of two terms lie side by side for it.

    channels: neighbouring inputs that a place of the window sees.
    """
    if _by_channel(operation.matrix, channels):
        return NO_PAIRS
    even = channels % 2 == 0
    return {"paired": int(even or operation.matrix.size <= MOST_PAIRS), "interleaved": int(even)}


def _by_channel(weights: Codes, channels: int) -> bool:
    """Whether every channel is a group of its own: its weights then lie tap by tap."""
    groups, _, filters = weights.shape
    return bool(groups > 1 and filters == channels == 1)


def _in_order(weights: Codes, channels: int, interleaved: bool) -> Codes:
    """Weights (groups, terms, filters) in the order in which the kernel reads them."""
    groups, terms, filters = weights.shape
    if _by_channel(weights, channels):
        return weights.transpose(1, 0, 2)
    if interleaved:
        return weights.reshape(groups, terms // 2, 2, filters).transpose(0, 1, 3, 2)
    return weights


def _sum_bounds(operation: Linear, range_: Range, given: Format) -> tuple[Bounds, Bounds]:
    """Of products and all partial sums, in any order; and of the whole sums, bias included, before they wrap."""
    shift, terms = operation.shift(given), operation.term_range(range_)
    exact = _fit_int64(operation, terms, shift)
    kind = np.int64 if exact else object
    matrix, bias = operation.matrix.astype(kind), operation.cast_bias().astype(kind)
    raw = [end.astype(kind)[..., None] * matrix for end in terms]
    cut = [product >> shift if shift > 0 else product << -shift for product in raw]
    least, most = np.minimum(*cut), np.maximum(*cut)
    bias = bias.reshape(least.shape[0], -1)
    partial = [np.minimum(least, 0).sum(axis=1), np.maximum(most, 0).sum(axis=1)]
    partial = [partial[0] + np.minimum(bias, 0), partial[1] + np.maximum(bias, 0)]
    products = Bounds(int(np.minimum(*raw).min()), int(np.maximum(*raw).max()))
    sums = Bounds(int((least.sum(axis=1) + bias).min()), int((most.sum(axis=1) + bias).max()))
    return Bounds.around([products, Bounds(int(partial[0].min()), int(partial[1].max()))]), sums


def _fit_int64(operation: Linear, terms: Range, shift: int) -> bool:
    """Whether sums of products, in any order, are surely within 63 bits."""
    matrix = operation.matrix
    widest = max(int(np.abs(end).max()) for end in terms) * int(np.abs(matrix).max()) << max(-shift, 0)
    bias = int(np.abs(operation.cast_bias()).max())
    return int(widest * matrix.shape[1] + bias).bit_length() < 63


def _geometry(operation: Linear, shape: Shape) -> dict[str, int]:
    """A sum of products as a window over (height, width, channels)."""
    terms = operation.matrix.shape[1]
    if not isinstance(operation, Convolution):
        positions = prod(shape[:-1])
        return _window(shape=(1, positions, shape[-1]), rows=(1, positions)) | {"group_channels": terms}
    windows = operation.windows
    sizes = _window(
        shape=_image(shape),
        rows=_image(operation.output_shape(shape))[:2],
        kernel=_pair(windows.size, 1),
        stride=_pair(windows.strides, 1),
        dilation=_pair(windows.dilation, 1),
        before=_pair([pad[0] for pad in windows.padding], 0),
        stuffing=_pair(windows.stuffing, 1),
    )
    return sizes | {"group_channels": terms // prod(windows.size)}


def _image(shape: Shape) -> Shape:
    """(steps, channels) as an image of height 1."""
    return shape if len(shape) == 3 else (1, *shape)


def _pair(values: Sequence[int], none: int) -> tuple[int, int]:
    """Of both axes of an image; none: of the first where there is one axis."""
    return (none, values[0]) if len(values) == 1 else (values[0], values[1])


def _window(
    shape: Shape,
    rows: Shape,
    kernel: tuple[int, int] = (1, 1),
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    before: tuple[int, int] = (0, 0),
    stuffing: tuple[int, int] = (1, 1),
) -> dict[str, int]:
    """Sizes of an image and of a window that slides over it.

    step: distance of columns that see the same taps, advance: that of their inputs.
    """
    names = {"height": shape[0], "width": shape[1], "channels": shape[2], "rows": rows[0], "columns": rows[1]}
    names |= {"kernel_height": kernel[0], "kernel_width": kernel[1], "stride_y": stride[0], "stride_x": stride[1]}
    names |= {"dilation_y": dilation[0], "dilation_x": dilation[1], "top": before[0], "left": before[1]}
    step = stuffing[1] // gcd(stride[1], stuffing[1])
    names |= {"step": step, "advance": step * stride[1] // stuffing[1]}
    return names | {"stuffing_y": stuffing[0], "stuffing_x": stuffing[1]}


def _pool(program: Program, group: Group, operation: Pool) -> None:
    node, graph, windows = group.head, program.graph, operation.windows
    shape = graph.shapes[node.source]
    start = program.bounds(node.name)
    given = program.bounds(node.source).low, program.bounds(node.source).high
    partial = Bounds(min(given[0], 0), max(given[1], 0))
    if isinstance(operation, AveragePool):
        partial = partial.shifted(operation.bits)
    lines, held = _finish(program, group, start)
    sum_type = _sum_type(program, group, Bounds.around([held, partial]))
    with _struct(program, group, group.name, program.inputs(group), sum_type) as source:
        window = _window(
            _image(shape),
            _image(operation.output_shape(shape))[:2],
            kernel=_pair(windows.size, 1),
            stride=_pair(windows.strides, 1),
            before=_pair([pad[0] for pad in windows.padding], 0),
        )
        source.constants("int", **window)
        with source.block("template <class V> static inline V reduce(V a, V b)"):
            source.line("return larger<V>(a, b);" if isinstance(operation, MaxPool) else "return a + b;")
        _write_finish(source, lines)
    program.call("pool", group.name, group, *program.inputs(group))


def _elementwise(program: Program, group: Group, operation: Operation) -> None:
    """A node of arithmetic that follows no kernel: it is the first of its own tail."""
    own = Group(group.number, group.head, (group.head, *group.tail))
    _each(program, own, program.bounds(group.head.source), "return a;", [])


def _add(program: Program, group: Group, operation: Add) -> None:
    _merge(program, group, " + ")


def _subtract(program: Program, group: Group, operation: Subtract) -> None:
    _merge(program, group, " - ")


def _merge(program: Program, group: Group, sign: str) -> None:
    """Codes with their points aligned, added or subtracted."""
    graph, sources = program.graph, group.head.sources
    fraction = graph.formats[group.head.name].fraction
    shifts = [fraction - graph.formats[source].fraction for source in sources]
    aligned = [program.bounds(source).shifted(shift) for source, shift in zip(sources, shifts, strict=True)]
    low, high = sum(min(b.low, -b.high, 0) for b in aligned), sum(max(b.high, -b.low, 0) for b in aligned)
    names = _names(len(sources))
    terms = [f"{name} * A({1 << shift}LL)" if shift else name for name, shift in zip(names, shifts, strict=True)]
    _each(program, group, program.bounds(group.head.name), f"return {sign.join(terms)};", [Bounds(low, high)])


def _multiply(program: Program, group: Group, operation: Multiply) -> None:
    _each(program, group, program.bounds(group.head.name), "return a * b;", [])


def _names(count: int) -> list[str]:
    """Of the operands of a merge: a, b, then x2, x3, ..."""
    return ["a", "b", *(f"x{number}" for number in range(2, count))][:count]


def _each(program: Program, group: Group, start: Bounds, combine: str, held: list[Bounds]) -> None:
    lines, finish = _finish(program, group, start)
    inputs = program.inputs(group)
    parameters = ", ".join(f"V {name}" for name in _names(len(inputs)))
    sum_type = _sum_type(program, group, Bounds.around([finish, *held]))
    with _struct(program, group, group.name, inputs, sum_type) as source:
        source.constants("int", size=inputs[0].size)
        with source.block(f"template <class A, class V> static inline V combine({parameters})"):
            source.line(combine)
        _write_finish(source, lines)
    program.call("each", group.name, group, *inputs)


def _rearrange(program: Program, group: Group, operation: Rearrangement) -> None:
    indices = operation.indices(program.graph.shapes[group.head.source])
    offsets = _by_axis(indices)
    if offsets is None:  # no axis by itself: all elements as one axis
        if indices.size > MOST_INDICES:
            raise Refused(f"cpp: node {group.head.name} moves {indices.size} elements, each its own way: too many")
        offsets = [indices.ravel()]
    run = 1
    if len(offsets) > 1 and np.array_equal(offsets[-1], np.arange(len(offsets[-1]))):
        run = len(offsets.pop())
    shape = [len(each) for each in offsets]
    below = [prod(shape[axis + 1 :]) * run for axis in range(len(shape))]
    with _struct(program, group, group.name, program.inputs(group), None) as source:
        source.constants("int", axes=len(shape), run=run)
        source.array("int", "shape", np.array(shape))
        source.array("int", "below", np.array(below))
        source.array("std::int32_t", "offsets", np.concatenate(offsets))
    program.call("move", group.name, group, *program.inputs(group))


def _by_axis(indices: Codes) -> list[Codes] | None:
    """Offsets of every axis whose sum is the index of the input, -1 along any axis for a zero; None if there are none.

    indices: of the input element that stands at each place, -1 for a zero.
    """
    if not indices.ndim:
        return None
    base = [int(place) for place in np.unravel_index(int(indices.argmax()), indices.shape)]
    first = int(indices.max())
    if first < 0:
        return None
    offsets = []
    for axis in range(indices.ndim):
        along = np.moveaxis(indices, axis, -1)[tuple(base[:axis] + base[axis + 1 :])]
        least = along[along >= 0].min()
        offsets.append(np.where(along < 0, -1, along - least))
    found = np.zeros((1,) * indices.ndim, np.int64)
    zero = np.zeros((1,) * indices.ndim, np.bool_)
    start = first - sum(int(each[place]) for each, place in zip(offsets, base, strict=True))
    offsets[0] = np.where(offsets[0] < 0, -1, offsets[0] + start)
    for axis, each in enumerate(offsets):
        wide = each.reshape([-1 if other == axis else 1 for other in range(indices.ndim)])
        found, zero = found + wide, zero | (wide < 0)
    return offsets if np.array_equal(np.where(zero, -1, found), indices) else None


def _concatenate(program: Program, group: Group, operation: Concatenate) -> None:
    """One call an input: pieces of it that lie one behind the other, and how far apart they go."""
    graph, node = program.graph, group.head
    shape = graph.shapes[node.name]
    below, start = prod(shape[operation.axis + 1 :]), 0
    for number, (name, buffer) in enumerate(zip(node.sources, program.inputs(group), strict=True)):
        piece = graph.shapes[name][operation.axis] * below
        part = f"{group.name}_{number}"
        with _struct(program, group, part, [buffer], None) as source:
            source.constants("int", pieces=buffer.size // piece, piece=piece)
            source.constants("int", first=start, distance=shape[operation.axis] * below)
            source.constants(
                "std::int64_t", gain=1 << (graph.formats[node.name].fraction - graph.formats[name].fraction)
            )
        program.call("put", part, group, buffer)
        start += piece


def _table(program: Program, group: Group, operation: Table) -> None:
    node = group.head
    with _struct(program, group, group.name, program.inputs(group), None) as source:
        source.constants("int", size=program.buffer(node.name).size)
        source.constants("std::int64_t", smallest=program.graph.formats[node.source].min_code)
        bounds = Bounds(int(operation.table.min()), int(operation.table.max()))
        source.array(arithmetic_type(bounds, node.name), "table", operation.table)
    program.call("look_up", group.name, group, *program.inputs(group))


def _arg_max(program: Program, group: Group, operation: ArgMax) -> None:
    with _struct(program, group, group.name, program.inputs(group), None) as source:
        source.constants("int", size=program.buffer(group.head.name).size, classes=operation.classes)
    program.call("arg_max", group.name, group, *program.inputs(group))


EMITTERS: dict[type[Any], Callable[[Program, Group, Any], None]] = {
    Linear: _linear,
    Pool: _pool,
    Add: _add,
    Subtract: _subtract,
    Multiply: _multiply,
    Concatenate: _concatenate,
    Rearrangement: _rearrange,
    Table: _table,
    ArgMax: _arg_max,
    **dict.fromkeys(ARITHMETIC, _elementwise),
}
"""Operation -> what writes its kernel."""


def _emitter(node: Node) -> Callable[[Program, Group, Any], None]:
    kind = type(node.operation)
    if kind in OPERATIONS.values():
        for base in kind.__mro__:
            if base in EMITTERS:
                return EMITTERS[base]
    raise Refused(f"cpp: node {node.name}: {kind.__name__} has no C++")
