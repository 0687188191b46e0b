"""How many bits of every element of a graph carry anything: from the last that may be set to the first.

A node has one number format; its elements may be coarser (casts of each element, weights of different columns) or
smaller than that.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Overflow
from qcompress.graph import (
    Add,
    Concatenate,
    Graph,
    Linear,
    Multiply,
    Node,
    Operation,
    Quantize,
    QuantizeEach,
    Rearrangement,
    Relu,
    Subtract,
    TableEach,
)
from qcompress.graph.movement import gather

SATURATING = (Overflow.SAT, Overflow.SAT_SYM)
NOTHING = 62
"""Zeros at the end of what is always 0."""
LARGEST = 1 << 24
"""Products of a layer beyond which nothing is looked for."""


class Reach(NamedTuple):
    """Of every element: bits before the point, without the sign, and bits behind it; arrays of the element shape."""

    top: Codes
    fraction: Codes

    @property
    def widest(self) -> int:
        """Most bits of an element, without the sign."""
        return int((self.top + self.fraction).max(initial=0))

    def with_cast(self, cast: Cast | None, where: Codes) -> int:
        """Most bits from the top to the bottom of a cast of the elements for which `where` holds."""
        if cast is None or not where.any():
            return 0
        top = np.maximum(self.top[where], cast.format.integer - cast.format.signed)
        return int((top + np.maximum(self.fraction[where], cast.format.fraction)).max())


def reaches(graph: Graph) -> dict[str, Reach]:
    """The reach of every element of every input and node of graph."""
    ranges, zeros = graph.ranges(), _zeros(graph)
    found = {}
    for name, format_ in graph.formats.items():
        low, high = ranges[name]
        largest = np.maximum(np.where(low < 0, ~low, low), np.where(high < 0, ~high, high))
        top = np.ceil(np.log2(largest.astype(np.float64) + 1)).astype(np.int64) - format_.fraction
        found[name] = Reach(top, format_.fraction - np.minimum(zeros[name], NOTHING))
    return found


def _zeros(graph: Graph) -> dict[str, Codes]:
    """Of every element: how many of its last bits are always 0."""
    zeros = {port.name: np.zeros(port.shape, np.int64) for port in graph.input_ports}
    for node in graph.nodes:
        found = _of(node.operation)(graph, node, [zeros[source] for source in node.sources])
        zeros[node.name] = np.asarray(np.broadcast_to(found, graph.shapes[node.name]), np.int64)
    return zeros


def trailing(codes: Codes) -> Codes:
    """How many of the last bits of each code are 0; NOTHING for 0."""
    lowest = codes & -codes
    return np.where(codes == 0, NOTHING, np.bitwise_count(lowest - 1).astype(np.int64))


def _none(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    return 0


def _same(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    return zeros[0]


def _moved(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    operation: Any = node.operation
    which = operation.indices(graph.shapes[node.source])
    return np.where(which < 0, NOTHING, gather(zeros[0][None], np.maximum(which, 0))[0])


def _cast(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    """What saturates may have every bit of its format set."""
    operation: Any = node.operation
    if operation.cast.overflow in SATURATING:
        return 0
    given = graph.formats[node.source].fraction - zeros[0]
    return np.maximum(0, operation.cast.format.fraction - given)


def _cast_each(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    operation: Any = node.operation
    kinds = np.broadcast_to(operation.kinds, graph.shapes[node.name])
    own = np.array([cast.format.fraction if cast else -NOTHING for cast in operation.casts])[kinds]
    given = own if operation.overflow in SATURATING else graph.formats[node.source].fraction - zeros[0]
    return np.minimum(operation.format.fraction - np.minimum(own, given), NOTHING)


def _tables(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    operation: Any = node.operation
    ends = [int(trailing(operation.table(kind)).min()) for kind in range(len(operation.parameters))]
    return np.array(ends)[np.broadcast_to(operation.kinds, graph.shapes[node.name])]


def _linear(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    """The fewest of all products and the bias."""
    operation: Any = node.operation
    given, shape = graph.formats[node.source], graph.shapes[node.source]
    matrix = operation.matrix
    positions = len(operation.spatial(shape))
    if positions * matrix.size > LARGEST:
        return 0
    shift = operation.shift(given)
    bias = trailing(operation.cast_bias()).reshape(matrix.shape[0], matrix.shape[2])
    weights = trailing(matrix)
    terms = operation.patches(zeros[0][None])[0]  # positions, groups, terms; a place of zeros counts as no zeros
    products = (terms[..., None] + weights).min(axis=2) - shift
    return np.maximum(np.minimum(products, bias), 0).reshape(graph.shapes[node.name])


def _aligned(graph: Graph, node: Node, zeros: Sequence[Codes]) -> list[Codes]:
    fraction = graph.formats[node.name].fraction
    return [own + fraction - graph.formats[name].fraction for own, name in zip(zeros, node.sources, strict=True)]


def _sum(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    return np.min(_aligned(graph, node, zeros), axis=0)


def _product(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    return zeros[0] + zeros[1]


def _joined(graph: Graph, node: Node, zeros: Sequence[Codes]) -> Any:
    operation: Any = node.operation
    return np.concatenate(_aligned(graph, node, zeros), axis=operation.axis)


_KINDS: dict[type[Any], Callable[[Graph, Node, Sequence[Codes]], Any]] = {
    Rearrangement: _moved,
    Relu: _same,
    Quantize: _cast,
    QuantizeEach: _cast_each,
    TableEach: _tables,
    Linear: _linear,
    Add: _sum,
    Subtract: _sum,
    Multiply: _product,
    Concatenate: _joined,
}
"""Operation -> zeros at the end of its elements; all others may set every bit."""


def _of(operation: Operation) -> Callable[[Graph, Node, Sequence[Codes]], Any]:
    return next((_KINDS[base] for base in type(operation).__mro__ if base in _KINDS), _none)
