"""The kernels of a graph: every node, with the elementwise operations behind it, as a struct of constants and a call.

The kernels themselves are templates in runtime.h; all integer types follow from exact ranges.
"""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes
from qcompress.graph import (
    OPERATIONS,
    Add,
    ArgMax,
    AveragePool,
    Concatenate,
    Linear,
    MaxPool,
    Multiply,
    Node,
    Operation,
    Pool,
    QuantizeEach,
    Rearrangement,
    Subtract,
    Table,
    TableEach,
    Thresholds,
)
from qcompress.targets.cpp.each import write_quantize_each, write_table_each
from qcompress.targets.cpp.geometry import as_image, of_both_axes, window_sizes
from qcompress.targets.cpp.linear import write_linear
from qcompress.targets.cpp.program import ARITHMETIC, Group, Program, is_view
from qcompress.targets.cpp.stairs import write_thresholds
from qcompress.targets.cpp.structs import finish, kernel_struct, sum_type_of, write_finish
from qcompress.targets.cpp.types import Bounds, arithmetic_type

MOST_INDICES = 1 << 17
"""Elements that a table may move one by one."""


def emit(program: Program) -> None:
    """Write every kernel of program and note its call; raises Refused, naming the node, beyond 64-bit integers."""
    program.enter()
    for group in program.groups:
        if is_view(group.head.operation):
            program.buffers[group.last] = program.buffer(group.head.source)
        else:
            program.new_buffer(group.last, group.name)
            _emitter(group.head)(program, group, group.head.operation)
        program.give(group)


def _pool(program: Program, group: Group, operation: Pool) -> None:
    node, graph, windows = group.head, program.graph, operation.windows
    shape = graph.shapes[node.source]
    start = program.bounds(node.name)
    given = program.bounds(node.source).low, program.bounds(node.source).high
    partial = Bounds(min(given[0], 0), max(given[1], 0))
    if isinstance(operation, AveragePool):
        partial = partial.shifted(operation.bits)
    lines, held = finish(program, group, start)
    sum_type = sum_type_of(program, group, Bounds.around([held, partial]))
    with kernel_struct(program, group, group.name, program.inputs(group), sum_type) as source:
        window = window_sizes(
            as_image(shape),
            as_image(operation.output_shape(shape))[:2],
            kernel=of_both_axes(windows.size, 1),
            stride=of_both_axes(windows.strides, 1),
            before=of_both_axes([pad[0] for pad in windows.padding], 0),
        )
        source.constants("int", **window)
        with source.block("template <class V> static inline V reduce(V a, V b)"):
            source.line("return larger<V>(a, b);" if isinstance(operation, MaxPool) else "return a + b;")
        write_finish(source, lines)
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
    lines, finished = finish(program, group, start)
    inputs = program.inputs(group)
    parameters = ", ".join(f"V {name}" for name in _names(len(inputs)))
    sum_type = sum_type_of(program, group, Bounds.around([finished, *held]))
    with kernel_struct(program, group, group.name, inputs, sum_type) as source:
        source.constants("int", size=inputs[0].size)
        with source.block(f"template <class A, class V> static inline V combine({parameters})"):
            source.line(combine)
        write_finish(source, lines)
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
    with kernel_struct(program, group, group.name, program.inputs(group), None) as source:
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
        with kernel_struct(program, group, part, [buffer], None) as source:
            source.constants("int", pieces=buffer.size // piece, piece=piece)
            source.constants("int", first=start, distance=shape[operation.axis] * below)
            source.constants(
                "std::int64_t", gain=1 << (graph.formats[node.name].fraction - graph.formats[name].fraction)
            )
        program.call("put", part, group, buffer)
        start += piece


def _table(program: Program, group: Group, operation: Table) -> None:
    node = group.head
    with kernel_struct(program, group, group.name, program.inputs(group), None) as source:
        source.constants("int", size=program.buffer(node.name).size)
        source.constants("std::int64_t", smallest=program.graph.formats[node.source].min_code)
        bounds = Bounds(int(operation.table.min()), int(operation.table.max()))
        source.array(arithmetic_type(bounds, node.name), "table", operation.table)
    program.call("look_up", group.name, group, *program.inputs(group))


def _arg_max(program: Program, group: Group, operation: ArgMax) -> None:
    with kernel_struct(program, group, group.name, program.inputs(group), None) as source:
        source.constants("int", size=program.buffer(group.head.name).size, classes=operation.classes)
    program.call("arg_max", group.name, group, *program.inputs(group))


EMITTERS: dict[type[Any], Callable[[Program, Group, Any], None]] = {
    Linear: write_linear,
    Pool: _pool,
    Add: _add,
    Subtract: _subtract,
    Multiply: _multiply,
    Concatenate: _concatenate,
    Rearrangement: _rearrange,
    Table: _table,
    QuantizeEach: write_quantize_each,
    TableEach: write_table_each,
    Thresholds: write_thresholds,
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
