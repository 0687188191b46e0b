"""Whether Keras' own float32 arithmetic is exact on a graph: every partial sum in 24 bits."""

import numpy as np

from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Linear, Node, Quantize, Range, Table, Thresholds
from qcompress.graph import ranges as exact_ranges

UNSCALED = "_unscaled"
"""Ends the name of a sum of signs whose scale, a float, Keras has in every product: it rounds them all."""
LARGEST = 1 << exact_ranges.FLOAT32_BITS


def float32_exact(graph: Graph) -> dict[str, bool]:
    """By node: whether float32 computes it without rounding, in any order of the sum, for every input of the graph.

    Tables and thresholds are exact, since their codes were computed in float32; a cast is where its input and output
    fit 24 bits of the finer of the two grids, for QKeras forms x + (quantized - x).
    """
    ranges = graph.ranges()
    return {node.name: _node_exact(graph, node, ranges) for node in graph.nodes}


def _node_exact(graph: Graph, node: Node, ranges: dict[str, Range]) -> bool:
    given = graph.formats[node.source]
    if node.name.endswith(UNSCALED):
        return False
    if isinstance(node.operation, Linear):
        return exact_ranges.float32_exact(node.operation, ranges[node.source], given)
    if isinstance(node.operation, Table | Thresholds):
        return True
    if isinstance(node.operation, Quantize):
        finer = max(given.fraction, node.operation.cast.format.fraction)
        return _largest(ranges[node.source], given, finer) <= LARGEST
    return _largest(ranges[node.name], graph.formats[node.name], graph.formats[node.name].fraction) <= LARGEST


def _largest(range_: Range, given: Format, fraction: int) -> int:
    """The largest magnitude in units of 2**-fraction."""
    return max(abs(int(np.min(range_.low))), abs(int(np.max(range_.high)))) << max(fraction - given.fraction, 0)
