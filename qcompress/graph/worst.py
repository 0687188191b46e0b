"""Inputs that drive sums to their ends: exact for sums over the input itself, a good guess behind other layers."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Codes
from qcompress.graph.elementwise import Table
from qcompress.graph.graph import INPUT, Graph, Node
from qcompress.graph.linear import Linear
from qcompress.graph.merge import Concatenate, Multiply, Subtract
from qcompress.graph.movement import Rearrangement
from qcompress.graph.operation import Elementwise, Operation, Range
from qcompress.graph.pooling import Pool

Direction = npt.NDArray[np.float64]
"""Which way the elements of a node should go, flattened: positive up, negative down."""

SUMS = 4
"""Sums of each layer that are driven: those with the widest range."""


def worst_inputs(graph: Graph) -> Codes:
    """Codes (rows, *input_shape): for some sums of every layer, the inputs that make them largest and smallest.

    A sum wants each of its inputs at an end of the range; what layers lie between passes that wish on to the graph's
    input, each input going to the end that most of the wish wants. Falls back to both ends where no layer sums.
    """
    ranges = graph.ranges()
    low, high = graph.input_format.min_code, graph.input_format.max_code
    rows = [np.full(graph.input_shape, low, np.int64), np.full(graph.input_shape, high, np.int64)]
    for node in graph.nodes:
        if isinstance(node.operation, Linear):
            sums = node.operation.sum_range(ranges[node.source], graph.formats[node.source])
            width = (sums.high - sums.low).ravel()
            for element in np.argsort(-width, kind="stable")[:SUMS]:
                wish = np.zeros(width.size)
                wish[element] = 1.0
                up = _pulled_to_input(graph, node, wish, ranges).reshape(graph.input_shape)
                rows += [np.where(way > 0, high, low) for way in (up, -up)]
    return np.unique(np.array(rows, np.int64), axis=0)


def _pulled_to_input(graph: Graph, end: Node, wish: Direction, ranges: dict[str, Range]) -> Direction:
    """A wish for the elements of a node, as a wish for those of the graph's input."""
    wishes = {end.name: wish}
    for node in reversed(graph.nodes):
        if node.name in wishes:
            shapes = [graph.shapes[source] for source in node.sources]
            pulled = _pull(node.operation)(node, wishes[node.name], shapes, [ranges[source] for source in node.sources])
            for source, part in zip(node.sources, pulled, strict=True):
                wishes[source] = wishes.get(source, 0.0) + part
    return wishes[INPUT]


Pull = Callable[[Node, Direction, Sequence[tuple[int, ...]], Sequence[Range]], list[Direction]]


def _scattered(indices: Codes, parts: Direction, size: int) -> Direction:
    """Parts added up where their indices say; -1 is nowhere."""
    result = np.zeros(size + 1)
    np.add.at(result, indices.ravel(), parts.ravel())
    return result[:-1]


def _linear(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    operation: Linear = node.operation  # type: ignore[assignment]
    taps, matrix = operation.taps(shapes[0]), operation.matrix
    parts = np.einsum("pgc,gtc->pgt", wish.reshape(len(taps), matrix.shape[0], -1), matrix)
    return [_scattered(taps, parts, int(np.prod(shapes[0])))]


def _rearranged(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    operation: Rearrangement = node.operation  # type: ignore[assignment]
    return [_scattered(operation.indices(shapes[0]), wish, int(np.prod(shapes[0])))]


def _pooled(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    operation: Pool = node.operation  # type: ignore[assignment]
    which = operation.windows.indices(shapes[0])
    parts = np.broadcast_to(wish.reshape(len(which), 1, -1), which.shape)
    return [_scattered(which, parts, int(np.prod(shapes[0])))]


def _table(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    operation: Table = node.operation  # type: ignore[assignment]
    return [wish if operation.table[-1] >= operation.table[0] else -wish]


def _subtracted(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    return [wish, -wish]


def _multiplied(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    """Each factor goes up where the other is mostly positive."""
    middles = [(r.low + r.high).ravel() / 2 for r in ranges]
    return [wish * middles[1], wish * middles[0]]


def _concatenated(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    operation: Concatenate = node.operation  # type: ignore[assignment]
    ends = np.cumsum([shape[operation.axis] for shape in shapes])[:-1]
    whole = wish.reshape(operation.output_shape(shapes))
    return [part.ravel() for part in np.split(whole, ends, axis=operation.axis)]


def _to_all(node: Node, wish: Direction, shapes: Any, ranges: Any) -> list[Direction]:
    """Monotone in every input; an index of the largest has no wish."""
    sizes = [int(np.prod(shape)) for shape in shapes]
    return [wish if size == wish.size else np.zeros(size) for size in sizes]


PULLS: dict[type[Any], Pull] = {
    Linear: _linear,
    Rearrangement: _rearranged,
    Pool: _pooled,
    Table: _table,
    Subtract: _subtracted,
    Multiply: _multiplied,
    Concatenate: _concatenated,
    Elementwise: _to_all,
}
"""Operation -> how a wish for its output becomes one for its inputs; all others pass it on."""


def _pull(operation: Operation) -> Pull:
    return next((PULLS[base] for base in type(operation).__mro__ if base in PULLS), _to_all)
