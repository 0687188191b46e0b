"""A graph on its way to C++: nodes in groups that a kernel computes, and where their codes lie in the work space."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import prod

from qcompress.errors import Refused
from qcompress.graph import (
    Add,
    Flatten,
    Graph,
    LeakyRelu,
    Linear,
    Multiply,
    Node,
    Operation,
    Pool,
    Quantize,
    Range,
    Relu,
    Reshape,
    Subtract,
)
from qcompress.targets.cpp.ports import is_plain, members
from qcompress.targets.cpp.source import Source, word
from qcompress.targets.cpp.types import Bounds, arithmetic_type

ARITHMETIC = (Quantize, Relu, LeakyRelu)
"""Operations that are computed in the registers of the kernel before them."""
VIEWS = (Flatten, Reshape)
"""Operations that change no element's place in memory."""
LANES = (64, 32, 16, 8, 1)
BLOCK_BYTES = 1 << 20
"""Of the work space of a block of rows, so that it stays in the second-level cache; a larger one is not put on the
stack."""
ROW_BYTES = 1 << 31
"""Of the work space of one row."""
SMALL, LARGE = 8, 64
"""Bytes to which arrays are aligned: short ones, and those of a page and more."""


@dataclass(frozen=True)
class Buffer:
    """An array of the work space: name, element type, elements, and what its elements can be."""

    name: str
    type: str
    size: int
    bounds: Bounds

    @property
    def bytes(self) -> int:
        """Of one row."""
        return self.size * type_bytes(self.type)


@dataclass(frozen=True)
class Group:
    """A node that is computed by a kernel, and the elementwise nodes that are computed with it."""

    number: int
    head: Node
    tail: tuple[Node, ...]

    @property
    def name(self) -> str:
        return f"n{self.number}_{word(self.head.name)}"

    @property
    def last(self) -> str:
        return (self.head, *self.tail)[-1].name


@dataclass
class Program:
    """A graph on its way to C++: groups, their buffers, and which node's codes lie in which buffer."""

    graph: Graph
    ranges: dict[str, Range]
    groups: list[Group]
    buffers: dict[str, Buffer] = field(default_factory=dict)
    """Of every input and of every node that ends a group."""
    source: Source = field(default_factory=Source)
    """The kernels' structs."""
    calls: list[str] = field(default_factory=list)
    """Statements that compute a block of rows, in order."""

    def bounds(self, node: str) -> Bounds:
        """Smallest and largest code of all elements of node."""
        range_ = self.ranges[node]
        return Bounds(int(range_.low.min()), int(range_.high.max()))

    def buffer(self, node: str) -> Buffer:
        """Where the codes of node lie: a node that ends a group, or an input."""
        return self.buffers[node]

    def inputs(self, group: Group) -> list[Buffer]:
        """The buffers that the first node of group reads."""
        return [self.buffers[source] for source in group.head.sources]

    def new_buffer(self, node: str, name: str) -> None:
        """Make a buffer called name for the codes of node; raises Refused if 64-bit integers do not hold them."""
        bounds = self.bounds(node)
        size = prod(self.graph.shapes[node])
        self.buffers[node] = Buffer(name, arithmetic_type(bounds, f"node {node}"), size, bounds)

    def enter(self) -> None:
        """A buffer for every input that is read, and the calls that fill them."""
        read = {source for group in self.groups for source in group.head.sources}
        plain = is_plain(self.graph)
        for name, port in members(self.graph.input_ports):
            if port.name in read:
                buffer = "input" if plain else f"input_{name}"
                self.new_buffer(port.name, buffer)
                codes = "from" if plain else f"from.{name} + row * {port.size}"
                self.calls.append(f"spread<{port.size}, LANES>({codes}, rows, at.{buffer}());")

    def give(self, group: Group) -> None:
        """Note that what a group has made leaves, where it is an output."""
        plain = is_plain(self.graph)
        for name, port in members(self.graph.output_ports):
            if self.graph.outputs[port.name] == group.last:
                codes = "to" if plain else f"to.{name} + row * {port.size}"
                buffer = self.buffers[group.last].name
                self.calls.append(f"collect<{port.size}, LANES>(at.{buffer}(), rows, {codes});")

    def call(self, kernel: str, struct: str, group: Group, *inputs: Buffer) -> None:
        """Note a call of kernel, with the constants of struct, on inputs; it gives the last codes of group."""
        arrays = ", ".join(f"at.{buffer.name}()" for buffer in (self.buffers[group.last], *inputs))
        self.calls.append(f"{kernel}<{struct}, LANES>({arrays});")

    def arrays(self) -> list[Buffer]:
        """Every buffer once."""
        return list({buffer.name: buffer for buffer in self.buffers.values()}.values())


def type_bytes(type_: str) -> int:
    """Bytes of type_, a C++ integer type."""
    return int(re.sub(r"\D", "", type_)) // 8


def plan(graph: Graph) -> Program:
    """The graph in groups, without what no output needs; raises Refused where a row surely takes too much."""
    _fits(graph, 2 * max(prod(shape) for shape in graph.shapes.values()))
    return Program(graph, graph.ranges(), _groups(graph))


def _groups(graph: Graph) -> list[Group]:
    """Nodes in order; an elementwise node that alone follows a kernel joins it, if that is no output."""
    nodes = _needed(graph)
    consumers = [source for node in nodes for source in node.sources] + list(graph.outputs.values())
    groups: list[Group] = []
    for node in nodes:
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


def _needed(graph: Graph) -> list[Node]:
    """Nodes of which an output is made."""
    wanted = set(graph.outputs.values())
    kept = []
    for node in reversed(graph.nodes):
        if node.name in wanted:
            wanted.update(node.sources)
            kept.append(node)
    return kept[::-1]


def is_view(operation: Operation) -> bool:
    """Whether an operation leaves its elements where they are."""
    return isinstance(operation, VIEWS)


@dataclass(frozen=True)
class Space:
    """The work space of one row: at which byte each buffer begins, and how many bytes all of them take."""

    offsets: dict[str, int]
    bytes: int

    @property
    def lanes(self) -> int:
        """Rows of a block: as many as keep it in the cache."""
        return next((lanes for lanes in LANES if self.bytes * lanes <= BLOCK_BYTES), 1)


def space(program: Program) -> Space:
    """The work space of program: buffers side by side, each at the lowest place that is free while it is in use.

    The largest are placed first. Raises Refused where a row takes more than ROW_BYTES.
    """
    spans = _spans(program)
    placed: list[tuple[int, int, range]] = []
    offsets: dict[str, int] = {}
    for buffer in sorted(program.arrays(), key=lambda each: -each.bytes):
        step = LARGE if buffer.bytes >= 4096 else SMALL
        size = -(-buffer.bytes // step) * step
        span = spans[buffer.name]
        start = 0
        for low, high in sorted((low, high) for low, high, other in placed if _meet(span, other)):
            if start + size <= low:
                break
            start = max(start, -(-high // step) * step)
        placed.append((start, start + size, span))
        offsets[buffer.name] = start
    total = max(high for _, high, _ in placed)
    _fits(program.graph, total)
    return Space(offsets, total)


def _fits(graph: Graph, size: int) -> None:
    if size > ROW_BYTES:
        raise Refused(f"cpp: graph {graph.name} needs {size} bytes for a row, {ROW_BYTES} are allowed: make it smaller")


def _meet(one: range, other: range) -> bool:
    return one.start < other.stop and other.start < one.stop


def _spans(program: Program) -> dict[str, range]:
    """Buffer -> steps during which it holds codes that are still needed; step 0 fills the inputs, step 1 + n is group
    n, which also gives away the outputs that it makes."""
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    for node, step in _uses(program):
        name = program.buffers[node].name
        first.setdefault(name, step)
        last[name] = step
    return {name: range(first[name], last[name] + 1) for name in first}


def _uses(program: Program) -> Iterable[tuple[str, int]]:
    for port in program.graph.input_ports:
        if port.name in program.buffers:
            yield port.name, 0
    for step, group in enumerate(program.groups, 1):
        for node in (*group.head.sources, group.last):
            yield node, step
