"""A graph as one self-contained C++17 header.

Every node, with the elementwise operations behind it, becomes a struct of constants and a call of one of the kernels
in cpp_runtime.h. Arrays are [element][row of the block]; all integer types follow from exact ranges.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from math import prod
from pathlib import Path
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
    Flatten,
    Graph,
    LeakyRelu,
    Linear,
    MaxPool,
    Multiply,
    Node,
    Operation,
    Pool,
    Quantize,
    Range,
    Rearrangement,
    Relu,
    Reshape,
    Subtract,
    Table,
)
from qcompress.graph.graph import INPUT
from qcompress.graph.stage import Hashed, Shape
from qcompress.targets.cpp_types import Bounds, Step, arithmetic_type, literal, port_type, shift_count, step, wrap_step

RUNTIME = Path(__file__).with_name("cpp_runtime.h")
ARITHMETIC = (Quantize, Relu, LeakyRelu)
"""Operations that are computed in the registers of the kernel before them."""
VIEWS = (Flatten, Reshape)
"""Operations that change no element's place in memory."""
LANES = (64, 32, 16, 8)
BLOCK_BYTES = 1 << 20
"""Of all arrays of a block of rows: it lies on the stack and should stay in the second-level cache."""
ROW_BYTES = 1 << 22
"""Of all arrays of one row."""


class Source:
    """Lines of C++ with their indentation."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def line(self, *texts: str) -> None:
        self._lines += ["    " * self._depth + text if text else "" for text in texts]

    @contextmanager
    def block(self, opening: str, closing: str = "}") -> Iterator[None]:
        self.line(opening + " {")
        self._depth += 1
        yield
        self._depth -= 1
        self.line(closing)

    def constants(self, type_: str, **values: int) -> None:
        self.line(*(f"static constexpr {type_} {name} = {literal(value)};" for name, value in values.items()))

    def array(self, type_: str, name: str, values: Codes, static: bool = True) -> None:
        """A constant array of codes, a hundred or so characters a line."""
        with self.block(f"{'static ' if static else ''}constexpr {type_} {name}[{values.size}] =", "};"):
            texts = [literal(code) if abs(code) >= 1 << 31 else str(code) for code in values.ravel().tolist()]
            for start in range(0, len(texts), 20):
                self.line(", ".join(texts[start : start + 20]) + ",")

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


@dataclass(frozen=True)
class Buffer:
    """An array of the workspace: name, element type, elements, and what its elements can be."""

    name: str
    type: str
    size: int
    bounds: Bounds


@dataclass(frozen=True)
class Group:
    """A node that is computed by a kernel, and the elementwise nodes that are computed with it."""

    number: int
    head: Node
    tail: tuple[Node, ...]

    @property
    def name(self) -> str:
        return f"n{self.number}_" + re.sub(r"\W", "_", self.head.name)

    @property
    def last(self) -> str:
        return (self.head, *self.tail)[-1].name


@dataclass
class Program:
    """A graph on its way to C++: groups, their buffers, and which node's codes lie in which buffer."""

    graph: Graph
    ranges: dict[str, Range]
    groups: list[Group]
    buffers: dict[str, Buffer]
    source: Source
    calls: list[str]

    def bounds(self, node: str) -> Bounds:
        range_ = self.ranges[node]
        return Bounds(int(range_.low.min()), int(range_.high.max()))

    def buffer(self, node: str) -> Buffer:
        return self.buffers[node]

    def inputs(self, group: Group) -> list[Buffer]:
        return [self.buffers[source] for source in group.head.sources]

    def call(self, kernel: str, struct: str, group: Group, *inputs: Buffer) -> None:
        """Note that a kernel is to be called on these inputs."""
        arrays = ", ".join(f"at.{buffer.name}" for buffer in (self.buffers[group.last], *inputs))
        self.calls.append(f"{kernel}<{struct}, LANES>({arrays});")


def namespace(graph: Hashed) -> str:
    """Of model name and version: two models, or two versions of one, live in one program."""
    return f"qcompress_{_identifier(graph.name)}_{graph.content_hash()[:12]}"


def header_name(graph: Hashed) -> str:
    """File name of the header."""
    return f"{_identifier(graph.name)}.h"


def _identifier(name: str) -> str:
    return re.sub(r"[^0-9A-Za-z]", "_", name)


def refuse(graph: Graph) -> None:
    """Raises Refused, naming node and reason, if the graph cannot be computed in 64-bit integers."""
    _program(graph)


def header(graph: Graph) -> str:
    """The text of the header."""
    program = _program(graph)
    source, space = program.source, namespace(graph)
    result = Source()
    result.line(*_banner(graph), "", f"#ifndef {space.upper()}", f"#define {space.upper()}", "")
    result.line("#include <cstddef>", "#include <cstdint>", "#include <cstring>", "#include <type_traits>", "")
    result.line("#ifdef __SSE2__", "#include <immintrin.h>", "#endif", "")
    result.line(f"namespace {space} {{", "")
    interface(graph, result, str(lanes(program)))
    result.line("namespace detail {", "", *RUNTIME.read_text().splitlines(), "")
    result.line(*source.text().splitlines())
    _workspace(program, result)
    _run(program, result)
    result.line("} // namespace detail", "")
    _predict(graph, result)
    result.line(f"}} // namespace {space}", "", "#endif")
    return result.text()


def lanes(program: Program) -> int:
    """Rows of a block: as many as keep its arrays in the cache."""
    row = sum(buffer.size * _bytes(buffer.type) for buffer in _arrays(program))
    return next((lanes for lanes in LANES if row * lanes <= BLOCK_BYTES), LANES[-1])


def _bytes(type_: str) -> int:
    return int(re.sub(r"\D", "", type_)) // 8


def _arrays(program: Program) -> list[Buffer]:
    """Every buffer once."""
    return list({buffer.name: buffer for buffer in program.buffers.values()}.values())


def _program(graph: Graph) -> Program:
    """The graph in groups, every kernel written."""
    program = Program(graph, graph.ranges(), _groups(graph), {}, Source(), [])
    program.buffers[INPUT] = _new_buffer(program, INPUT, "input")
    for group in program.groups:
        operation = group.head.operation
        if isinstance(operation, VIEWS):
            program.buffers[group.last] = program.buffer(group.head.source)
            continue
        program.buffers[group.last] = _new_buffer(program, group.last, group.name)
        _emitter(group.head)(program, group, operation)
    if (row := sum(buffer.size * _bytes(buffer.type) for buffer in _arrays(program))) > ROW_BYTES:
        raise Refused(f"cpp: graph {graph.name} needs {row} bytes for a row, {ROW_BYTES} are allowed: make it smaller")
    return program


def _new_buffer(program: Program, node: str, name: str) -> Buffer:
    bounds = program.bounds(node)
    return Buffer(name, arithmetic_type(bounds, f"node {node}"), prod(program.graph.shapes[node]), bounds)


def _groups(graph: Graph) -> list[Group]:
    """Nodes in order; an elementwise node that alone follows a kernel joins it."""
    consumers = [source for node in graph.nodes for source in node.sources]
    groups: list[Group] = []
    for node in graph.nodes:
        before = groups[-1] if groups else None
        if (
            before is not None
            and isinstance(node.operation, ARITHMETIC)
            and node.source == before.last
            and consumers.count(before.last) == 1
            and isinstance(before.head.operation, (*ARITHMETIC, Linear, Pool, Add, Subtract, Multiply))
        ):
            groups[-1] = Group(before.number, before.head, (*before.tail, node))
        else:
            groups.append(Group(len(groups), node, ()))
    return groups


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


@contextmanager
def _struct(
    program: Program, group: Group, name: str, inputs: Sequence[Buffer], held: Bounds | None
) -> Iterator[Source]:
    """The struct of a kernel: its types, then what the caller writes; held: all that is computed in its registers."""
    source, formats, result = program.source, program.graph.formats, program.buffer(group.last)
    chain = [f"{n.name}: {type(n.operation).__name__} {formats[n.name]}" for n in (group.head, *group.tail)]
    source.line(f"// {_comment(' -> '.join(chain))}")
    with source.block(f"struct {name}", "};"):
        source.line(f"using In = {inputs[0].type};", f"using Out = {result.type};")
        if held is not None:
            everything = Bounds.around([held, result.bounds, *(b.bounds for b in inputs)])
            source.line(f"using Sum = {arithmetic_type(everything, f'node {group.head.name}')};")
        yield source
    source.line("")


def _write_finish(source: Source, lines: Sequence[str]) -> None:
    with source.block("template <class A, class V> static inline V finish(V v)"):
        source.line(*lines, "return v;")


def _comment(text: str) -> str:
    """Nothing that could end or continue a comment line."""
    return re.sub(r"[^\x20-\x5b\x5d-\x7e]", "_", text)


def _linear(program: Program, group: Group, operation: Linear) -> None:
    node, graph = group.head, program.graph
    given, weights, bias = graph.formats[node.source], operation.matrix, operation.cast_bias()
    shift = min(operation.shift(given), 63)
    constants = [Bounds(int(array.min()), int(array.max())) for array in (weights, bias)]
    partial, sums = _sum_bounds(operation, program.ranges[node.source], given)
    lines, held = _finish(program, group, sums, wrap_step(operation.accumulator, sums))
    held = Bounds.around([held, partial, *constants, Bounds(0, 1 << max(-shift, 0)), shift_count(shift)])
    with _struct(program, group, group.name, program.inputs(group), held) as source:
        source.constants("int", **_geometry(operation, graph.shapes[node.source]))
        source.constants("int", groups=weights.shape[0], group_filters=weights.shape[2], filters=operation.channels)
        source.constants("int", shift=max(shift, 0))
        source.constants("Sum", gain=1 << max(-shift, 0))
        source.array(arithmetic_type(constants[0], node.name), "weights", weights)
        source.array("Sum", "bias", bias)
        _write_finish(source, lines)
    program.call("linear", group.name, group, *program.inputs(group))


def _sum_bounds(operation: Linear, range_: Range, given: Format) -> tuple[Bounds, Bounds]:
    """Of products and all partial sums, in any order; and of the whole sums, bias included, before they wrap."""
    low, high = (operation.patches(codes[None])[0] for codes in range_)
    ends = [codes.astype(object)[..., None] for codes in (low.min(axis=0), high.max(axis=0))]
    shift = operation.shift(given)
    raw = [end * operation.matrix for end in ends]
    cut = [product >> shift if shift > 0 else product << -shift for product in raw]
    least, most = np.minimum(*cut), np.maximum(*cut)
    bias = operation.cast_bias().reshape(least.shape[0], -1).astype(object)
    zero = np.zeros_like(bias)
    partial = [np.minimum(least, 0).sum(axis=1), np.maximum(most, 0).sum(axis=1)]
    partial = [partial[0] + np.minimum(bias, zero), partial[1] + np.maximum(bias, zero)]
    products = Bounds(int(np.minimum(*raw).min()), int(np.maximum(*raw).max()))
    sums = Bounds(int((least.sum(axis=1) + bias).min()), int((most.sum(axis=1) + bias).max()))
    return Bounds.around([products, Bounds(int(partial[0].min()), int(partial[1].max()))]), sums


def _geometry(operation: Linear, shape: Shape) -> dict[str, int]:
    """A sum of products as a window over (height, width, channels)."""
    terms = operation.matrix.shape[1]
    if not isinstance(operation, Convolution):
        positions = prod(shape[:-1])
        return _window(shape=(positions, 1, shape[-1]), rows=(positions, 1)) | {"group_channels": terms}
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
    """(steps, channels) as an image of width 1."""
    return shape if len(shape) == 3 else (shape[0], 1, shape[1])


def _pair(values: Sequence[int], none: int) -> tuple[int, int]:
    return values[0], values[1] if len(values) > 1 else none


def _window(
    shape: Shape,
    rows: Shape,
    kernel: tuple[int, int] = (1, 1),
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    before: tuple[int, int] = (0, 0),
    stuffing: tuple[int, int] = (1, 1),
) -> dict[str, int]:
    names = {"height": shape[0], "width": shape[1], "channels": shape[2], "rows": rows[0], "columns": rows[1]}
    names |= {"kernel_height": kernel[0], "kernel_width": kernel[1], "stride_y": stride[0], "stride_x": stride[1]}
    names |= {"dilation_y": dilation[0], "dilation_x": dilation[1], "top": before[0], "left": before[1]}
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
    with _struct(program, group, group.name, program.inputs(group), Bounds.around([held, partial])) as source:
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
    with _struct(program, group, group.name, inputs, Bounds.around([finish, *held])) as source:
        source.constants("int", size=inputs[0].size)
        with source.block(f"template <class A, class V> static inline V combine({parameters})"):
            source.line(combine)
        _write_finish(source, lines)
    program.call("each", group.name, group, *inputs)


def _rearrange(program: Program, group: Group, operation: Rearrangement) -> None:
    indices = operation.indices(program.graph.shapes[group.head.source])
    with _struct(program, group, group.name, program.inputs(group), None) as source:
        source.constants("int", size=indices.size)
        source.array("std::int32_t", "from", indices)
    program.call("move", group.name, group, *program.inputs(group))


def _concatenate(program: Program, group: Group, operation: Concatenate) -> None:
    """One call an input: where each of its elements goes."""
    graph, node = program.graph, group.head
    shape = graph.shapes[node.name]
    where = np.arange(prod(shape)).reshape(shape)
    start = 0
    for number, (name, buffer) in enumerate(zip(node.sources, program.inputs(group), strict=True)):
        end = start + graph.shapes[name][operation.axis]
        part = f"{group.name}_{number}"
        with _struct(program, group, part, [buffer], None) as source:
            source.constants("int", size=buffer.size)
            source.constants(
                "std::int64_t", gain=1 << (graph.formats[node.name].fraction - graph.formats[name].fraction)
            )
            source.array("std::int32_t", "to", where.take(range(start, end), axis=operation.axis))
        program.call("put", part, group, buffer)
        start = end


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


def _banner(graph: Graph) -> list[str]:
    """What the file is, in comments."""
    return [
        f"// {_comment(graph.name)}: made by qcompress {version('qcompress')} from graph {graph.content_hash()}",
        f"// in: {graph.input_shape} codes of {graph.input_format}",
        f"// out: {graph.output_shape} codes of {graph.output_format}",
        "// A code is the integer in the register; its value is code * 2^-fraction. C++17, no heap, no globals.",
        *(
            f"// {_comment(node.name)} ({type(node.operation).__name__}): {graph.shapes[node.name]} "
            f"{graph.formats[node.name]}"
            for node in graph.nodes
        ),
    ]


def interface(graph: Hashed, source: Source, block: str) -> None:
    """Types and sizes that a caller needs; block: rows that are computed together."""
    source.line(f"using Input = {port_type(graph.input_format)};", f"using Output = {port_type(graph.output_format)};")
    source.line(f"constexpr std::size_t input_size = {prod(graph.input_shape)};")
    source.line(f"constexpr std::size_t output_size = {prod(graph.output_shape)};")
    source.line(f"constexpr long long input_smallest = {literal(graph.input_format.min_code)};")
    source.line(f"constexpr long long input_largest = {literal(graph.input_format.max_code)};")
    source.line(f"constexpr int input_fraction = {graph.input_format.fraction};")
    source.line(f"constexpr int output_fraction = {graph.output_format.fraction};")
    source.line(f"constexpr int block_rows = {block};", "")


def _workspace(program: Program, source: Source) -> None:
    """All arrays of a block of rows."""
    with source.block("template <int LANES> struct Workspace", "};"):
        for buffer in _arrays(program):
            source.line(f"alignas(QCOMPRESS_VECTOR_BYTES) {buffer.type} {buffer.name}[{buffer.size}][LANES];")
    source.line("")


def _run(program: Program, source: Source) -> None:
    """All kernels in order on a block, rows spread before and collected behind."""
    last = program.buffer(program.graph.nodes[-1].name).name
    with source.block(
        "template <int LANES, class From, class To> inline void run(Workspace<LANES> &at, const From *from, To *to, "
        "std::size_t rows)"
    ):
        source.line("spread<int(input_size), LANES>(from, rows, at.input);", *program.calls)
        source.line(f"collect<int(output_size), LANES>(at.{last}, rows, to);")
    source.line("")


def _predict(graph: Graph, source: Source) -> None:
    """What a caller calls."""
    source.line("// One row: input_size codes -> output_size codes.")
    with source.block("inline void predict(const Input *input, Output *output)"):
        source.line("detail::Workspace<1> at;", "detail::run<1>(at, input, output, 1);")
    source.line("", "// Many rows, one after the other in memory; From and To are any integers that hold the codes.")
    with source.block(
        "template <class From, class To> inline void predict(const From *input, To *output, std::size_t rows)"
    ):
        source.line("detail::Workspace<block_rows> at;")
        with source.block("for (std::size_t row = 0; row < rows; row += block_rows)"):
            source.line(
                "detail::run<block_rows>(at, input + row * input_size, output + row * output_size, rows - row);"
            )
    source.line("")
