"""Levels of logic that a node with constant weights is made of, with their delays, and bits that carry anything.

Each sum is a tree of adders of two numbers over the signed digits of its weights; nothing is traced. The model behind
the stages of an estimate (`stages`).
"""

from collections.abc import Callable
from math import ceil, log2, prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Overflow, Rounding
from qcompress.graph import (
    ArgMax,
    Graph,
    LeakyRelu,
    Linear,
    Merge,
    Multiply,
    Node,
    Pool,
    Quantize,
    QuantizeEach,
    Relu,
    Table,
    TableEach,
    Thresholds,
)
from qcompress.synthesis.structure import signed_digits
from qcompress.targets.rtl.delays import Delays
from qcompress.targets.rtl.significant import reaches

Bits = npt.NDArray[np.float64]
LONGER = 1.7
"""Levels of a tree whose sums share sums, over those of a balanced one."""


class Level(NamedTuple):
    """Logic that registers can stand behind: how long it takes [ns], and the bits that are there then.

    least: of its delay, what each part of it takes if its carries are cut; None of what is in one piece.
    """

    delay: float
    bits: float
    least: float | None = None

    def within(self, budget: float) -> list["Level"]:
        """Its parts, as few as take no longer than the budget [ns]; none if there are no such parts."""
        if self.delay <= budget:
            return [self]
        if self.least is None or self.least >= budget:
            return []
        parts = ceil((self.delay - self.least) / (budget - self.least))
        return [Level(self.least + (self.delay - self.least) / parts, self.bits)] * parts


class Place(NamedTuple):
    """A node in a graph, on a device; live: `live_bits` of the graph."""

    graph: Graph
    node: Node
    live: dict[str, Bits]
    delays: Delays

    @property
    def own(self) -> Bits:
        """Live bits of the node's elements."""
        return self.live[self.node.name]

    @property
    def width(self) -> int:
        """Of the widest of them."""
        return int(self.own.max(initial=0))

    @property
    def given(self) -> int:
        """Bits of the widest element that the node reads."""
        return max(int(self.live[source].max(initial=0)) for source in self.node.sources)

    def last(self, delay: float, least: float | None = None) -> Level:
        """A level that ends in what the node gives."""
        return Level(delay, float(self.own.sum()), least)

    def adder(self, bits: int, load: float = 0.0) -> tuple[float, float]:
        """Delay of a sum of so many bits, and of its parts if its carries are cut; load: of what it reads."""
        return self.delays.adder(bits) + load, self.delays.adder(1) + load


def live_bits(graph: Graph) -> dict[str, Bits]:
    """Bits of every element of inputs and nodes that carry anything; none of what is constant or is not read."""
    ranges, found = graph.ranges(), dict[str, Bits]()
    for name, reach in reaches(graph).items():
        low, high = ranges[name]
        widths = np.maximum(reach.top + reach.fraction, 0) + (low < 0)
        found[name] = np.asarray(np.where(low != high, widths, 0), np.float64)
    for name, bits in found.items():
        readers = [(node.operation, node) for node in graph.nodes if name in node.sources]
        terms = [reads(graph, node, operation) for operation, node in readers if isinstance(operation, Linear)]
        if readers and len(terms) == len(readers):
            found[name] = bits * (sum(terms) > 0)
    return found


def reads(graph: Graph, node: Node, operation: Linear) -> Bits:
    """How many terms of a layer's sums each element of its input enters, by signed digits."""
    shape = graph.shapes[node.source]
    taps, digits = operation.taps(shape), signed_digits(operation.matrix).sum(axis=2)
    found = np.zeros(prod(shape) + 1)  # the last one is what windows have beyond the edges
    np.add.at(found, taps, np.broadcast_to(digits, taps.shape))
    return found[:-1].reshape(shape)


def levels(place: Place) -> list[Level]:
    """What a node is made of, level by level; none for wires."""
    if not place.width:
        return []
    for kind, made in MADE.items():
        if isinstance(place.node.operation, kind):
            return made(place, place.node.operation)
    return []


def _tree(place: Place, operation: Linear) -> list[Level]:
    """Of a layer: adders of two numbers; what it reads drives as many sums as it has signed digits there.

    Products that are cut are trees of their own, and their sums share nothing.
    """
    graph, node, live, delays = place
    matrix, taps = operation.matrix, operation.taps(graph.shapes[node.source])
    given = graph.formats[node.source].fraction + operation.kernel_format.fraction
    shift = max(given - operation.accumulator.fraction, 0)
    read = np.append(live[node.source].ravel(), 0)[taps] > 0  # positions, groups, terms; -1 is the end
    used = place.own.reshape(len(taps), *matrix.shape[::2]) > 0

    def summed(terms: Bits) -> Bits:
        return np.asarray(np.einsum("pgt,gtc->pgc", read, terms) * used, np.float64)

    digits = signed_digits(matrix).astype(np.float64)
    if (matrix & ((1 << shift) - 1)).any():
        widest = int(digits.max(initial=1))
        products = summed((digits > 0).astype(np.float64))
        trees = [(widest, 1.0, products * widest), (int(products.max(initial=1)), 1.0, products)]
    else:
        terms = summed(digits)
        trees = [(int(terms.max(initial=1)), LONGER, terms)]
    depths = [ceil(longer * log2(max(most, 1))) for most, longer, _ in trees]
    load = delays.load(int(reads(graph, node, operation).max(initial=1)))
    found, left = list[Level](), sum(depths)
    for (_, longer, numbers), depth in zip(trees, depths, strict=True):
        for level in range(1, depth + 1):
            left -= 1
            width = max(place.width - left, 1)
            bits = float(np.ceil(numbers / 2 ** (level / longer)).sum()) * width
            delay, least = place.adder(width, delays.load(2) if found else load)
            found.append(Level(delay, bits, least))
    return [*found[:-1], place.last(found[-1].delay, found[-1].least)] if found else []


def _cast(place: Place, rounding: Rounding, overflow: Overflow) -> list[Level]:
    """A sum where it rounds, a selection where it saturates; in between all bits above are there, too."""
    delays, above = place.delays, place.given - place.width
    made = list[tuple[float, float | None]]()
    if rounding is not Rounding.TRN:
        made += [(delays.lut, None)] * (rounding is Rounding.RND_CONV) + [place.adder(place.width)]
    if overflow is not Overflow.WRAP and above > 0:
        made += [(delays.levels(above), None), (delays.lut + delays.load(place.width), None)]
    bits = float((place.own > 0).sum()) * place.given
    return [*(Level(delay, bits, least) for delay, least in made[:-1]), *(place.last(*each) for each in made[-1:])]


def _steps(place: Place, operation: Thresholds) -> list[Level]:
    compared = Level(place.delays.compare(place.given), float(place.own.size * operation.steps), place.adder(1)[1])
    return [compared, place.last(place.delays.levels(operation.steps))]


def _largest(place: Place, inputs: int) -> list[Level]:
    """A tree of comparisons and selections."""
    delays, whole = place.delays, float(place.own.sum())
    delay = delays.compare(place.given) + delays.lut + delays.load(place.given)
    return [Level(delay, whole * ceil(inputs / 2**level)) for level in range(1, max(ceil(log2(max(inputs, 2))), 1) + 1)]


MADE: dict[Any, Callable[[Place, Any], list[Level]]] = {
    Linear: _tree,
    Relu | LeakyRelu: lambda place, operation: [place.last(place.delays.lut + place.delays.load(place.width))],
    Quantize: lambda place, operation: _cast(place, operation.cast.rounding, operation.cast.overflow),
    QuantizeEach: lambda place, operation: _cast(place, operation.rounding, operation.overflow),
    Table | TableEach: lambda place, operation: [place.last(place.delays.table(place.given))],
    Thresholds: _steps,
    Multiply: lambda place, operation: [place.last(place.delays.product(place.given, place.given))],
    Merge: lambda place, operation: [place.last(*place.adder(place.width))],
    Pool: lambda place, operation: _largest(place, prod(operation.size)),
    ArgMax: lambda place, operation: _largest(place, operation.classes),
}
"""Operation, Multiply before the merge that it is -> its levels; all others are wires."""
