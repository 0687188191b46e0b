"""Inputs that drive sums to their ends: exact for sums over the input itself, a good guess behind other layers."""

from collections.abc import Callable, Iterator, Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes
from qcompress.graph.alike import alike
from qcompress.graph.elementwise import Table
from qcompress.graph.graph import Graph, Node
from qcompress.graph.linear import Linear
from qcompress.graph.merge import Concatenate, Multiply, Subtract
from qcompress.graph.movement import Rearrangement
from qcompress.graph.operation import Elementwise, Operation, Range
from qcompress.graph.pooling import Pool
from qcompress.graph.ports import Port, Shape, Tensors, unpack
from qcompress.graph.thresholds import Thresholds

Direction = npt.NDArray[np.float64]
"""Which way the elements of a node should go, flattened: positive up, negative down."""
Shapes = Sequence[Shape]
Ranges = Sequence[Range]
"""Of a node's inputs."""

SUMS = 4
"""Sums of each layer that are driven: those with the widest range."""
LARGE = 1_000_000
"""Elements of all nodes from which only one sum of each layer is driven."""


def worst_inputs(graph: Graph) -> Tensors:
    """Codes of the inputs (rows, *input_shape) that make some sums of every layer largest and smallest.

    A sum wants each of its inputs at an end of the range; what layers lie between passes that wish on to the graph's
    input, each input going to the end that most of the wish wants. Falls back to both ends where no layer sums.
    """
    ranges = graph.ranges()
    low, high = (np.concatenate([_filled(port, end) for port in graph.input_ports]) for end in ("min", "max"))
    wishes = [_pulled_to_inputs(graph, *goal, ranges) for goal in _goals(graph, ranges)]
    ways = (way for up in wishes for way in (up, -up))
    rows = np.array([low, high, *(np.where(way > 0, high, low) for way in ways)], np.int64)
    return unpack(graph.input_ports, rows[np.sort(alike(rows).first)])


def _filled(port: Port, end: str) -> Codes:
    """The smallest ("min") or the largest ("max") code in every element of a port, flattened."""
    return np.full(port.size, port.format.min_code if end == "min" else port.format.max_code, np.int64)


def _goals(graph: Graph, ranges: dict[str, Range]) -> Iterator[tuple[Node, Direction]]:
    """The sums to be driven: a node, and which of its elements should go up."""
    several = sum(prod(shape) for shape in graph.shapes.values()) < LARGE
    for node in graph.nodes:
        if isinstance(node.operation, Linear):
            try:
                sums = node.operation.sum_range(ranges[node.source], graph.formats[node.source])
            except Refused:  # wider than any sum that can be bounded
                continue
            width = (sums.high - sums.low).ravel()
            for element in np.argsort(-width, kind="stable")[: SUMS if several else 1]:
                wish = np.zeros(width.size)
                wish[element] = 1.0
                yield node, wish


def _pulled_to_inputs(graph: Graph, end: Node, wish: Direction, ranges: dict[str, Range]) -> Direction:
    """A wish for the elements of a node, as a wish for those of all inputs, one behind the other."""
    wishes = {end.name: wish}
    for node in reversed(graph.nodes):
        if node.name in wishes:
            shapes = [graph.shapes[source] for source in node.sources]
            pulled = _pull(node.operation)(node, wishes[node.name], shapes, [ranges[source] for source in node.sources])
            for source, part in zip(node.sources, pulled, strict=True):
                wishes[source] = wishes.get(source, 0.0) + part
    return np.concatenate([wishes.get(port.name, np.zeros(port.size)) for port in graph.input_ports])


Pull = Callable[[Node, Direction, Sequence[tuple[int, ...]], Sequence[Range]], list[Direction]]


def _scattered(indices: Codes, parts: Direction, size: int) -> Direction:
    """Parts added up where their indices say; -1 is nowhere."""
    result = np.zeros(size + 1)
    np.add.at(result, indices.ravel(), parts.ravel())
    return result[:-1]


def _linear(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    operation: Linear = node.operation  # type: ignore[assignment]
    groups, _, channels = operation.matrix.shape
    wished = wish.reshape(-1, groups, channels)
    positions = np.flatnonzero(wished.any(axis=(1, 2)))  # few of an image
    parts = np.einsum("pgc,gtc->pgt", wished[positions], operation.matrix)
    return [_scattered(operation.taps(shapes[0], positions), parts, prod(shapes[0]))]


def _rearranged(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    operation: Rearrangement = node.operation  # type: ignore[assignment]
    return [_scattered(operation.indices(shapes[0]), wish, int(np.prod(shapes[0])))]


def _pooled(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    operation: Pool = node.operation  # type: ignore[assignment]
    which = operation.windows.indices(shapes[0])
    parts = np.broadcast_to(wish.reshape(len(which), 1, -1), which.shape)
    return [_scattered(which, parts, int(np.prod(shapes[0])))]


def _table(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    operation: Table = node.operation  # type: ignore[assignment]
    return [wish if operation.table[-1] >= operation.table[0] else -wish]


def _stairs(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    operation: Thresholds = node.operation  # type: ignore[assignment]
    rises = operation.codes[:, -1] >= operation.codes[:, 0]
    return [(wish.reshape(-1, len(rises)) * np.where(rises, 1, -1)).reshape(-1)]


def _subtracted(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    return [wish, -wish]


def _multiplied(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    """Each factor goes up where the other is mostly positive."""
    middles = [(r.low + r.high).ravel() / 2 for r in ranges]
    return [wish * middles[1], wish * middles[0]]


def _concatenated(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    operation: Concatenate = node.operation  # type: ignore[assignment]
    ends = np.cumsum([shape[operation.axis] for shape in shapes])[:-1]
    whole = wish.reshape(operation.output_shape(shapes))
    return [part.ravel() for part in np.split(whole, ends, axis=operation.axis)]


def _to_all(node: Node, wish: Direction, shapes: Shapes, ranges: Ranges) -> list[Direction]:
    """Monotone in every input; an index of the largest has no wish."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    return [wish if size == wish.size else np.zeros(size) for size in sizes]


PULLS: dict[type[Operation], Pull] = {
    Linear: _linear,
    Rearrangement: _rearranged,
    Pool: _pooled,
    Table: _table,
    Thresholds: _stairs,
    Subtract: _subtracted,
    Multiply: _multiplied,
    Concatenate: _concatenated,
    Elementwise: _to_all,
}
"""Operation -> how a wish for its output becomes one for its inputs; all others pass it on."""


def _pull(operation: Operation) -> Pull:
    return next((PULLS[base] for base in type(operation).__mro__ if base in PULLS), _to_all)
