"""Where the weights of a graph stand in the blocks that are loaded, and which blocks hold a graph's weights.

All weights form one string of bits: the first weight of the first entry in its lowest bits, each in two's complement
of its own format. The string is cut into blocks, block 0 the lowest bits; the last one is filled up with zeros.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.graph import Graph, Linear, Node

PARTS = ("kernel", "bias")


class Entry(NamedTuple):
    """An array of weights of a node: `order` lists its flat indices in the order in which they are stored."""

    node: str
    part: str
    order: Codes
    width: int

    @property
    def bits(self) -> int:
        return len(self.order) * self.width


@dataclass(frozen=True)
class Layout:
    """Entries one behind the other, in blocks of `block_bits`."""

    entries: tuple[Entry, ...]
    block_bits: int

    @classmethod
    def of(cls, graph: Graph, block_bits: int, transposed: frozenset[str] = frozenset()) -> "Layout":
        """Layer by layer of graph, kernel then bias, in C order, in blocks of block_bits.

        transposed: nodes whose kernels stand with the last axis slowest.
        """
        entries = []
        for node in linear_nodes(graph):
            for part in PARTS:
                array = getattr(node.operation, part)
                indices = np.arange(array.size).reshape(array.shape)
                order = (
                    indices.reshape(-1, array.shape[-1]).T if part == "kernel" and node.name in transposed else indices
                )
                width = getattr(node.operation, f"{part}_format").width
                entries.append(Entry(node.name, part, order.ravel(), width))
        return cls(tuple(entries), block_bits)

    @property
    def register_bits(self) -> int:
        """Bits of the entries."""
        return sum(entry.bits for entry in self.entries)

    @property
    def register_blocks(self) -> int:
        """Blocks of the entries."""
        return -(-self.register_bits // self.block_bits)

    @property
    def bits(self) -> int:
        return self.register_bits

    @property
    def blocks(self) -> int:
        return self.register_blocks

    @property
    def address_bits(self) -> int:
        return max(1, (self.blocks - 1).bit_length())

    def places(self) -> Mapping[tuple[str, str], Codes]:
        """(node, part) -> the lowest bit, in the string, of every weight in the array's own order."""
        first, found = 0, {}
        for entry in self.entries:
            place = np.empty(len(entry.order), np.int64)
            place[entry.order] = first + entry.width * np.arange(len(entry.order))
            found[entry.node, entry.part] = place
            first += entry.bits
        return found

    def to_blocks(self, graph: Graph) -> list[int]:
        """The blocks that hold a graph's weights."""
        operations = {node.name: node.operation for node in linear_nodes(graph)}
        string, first = 0, 0
        for entry in self.entries:
            codes = getattr(operations[entry.node], entry.part).ravel()[entry.order].tolist()
            part = sum((code & ((1 << entry.width) - 1)) << (entry.width * n) for n, code in enumerate(codes))
            string |= part << first
            first += entry.bits
        return [string >> (n * self.block_bits) & ((1 << self.block_bits) - 1) for n in range(self.register_blocks)]


def linear_nodes(graph: Graph) -> list[Node]:
    """Nodes of graph with weights, in order."""
    return [node for node in graph.nodes if isinstance(node.operation, Linear)]


def without_weights(graph: Graph) -> Graph:
    """The same graph with all weights 0: equal for graphs that one loadable design serves."""
    nodes = [Node(node.name, _emptied(node.operation), *node.sources) for node in graph.nodes]
    inputs = [given._replace(quantizer=None) for given in graph.inputs]
    return Graph.of(graph.name, inputs, nodes, graph.outputs)


def _emptied(operation: Any) -> Any:
    if not isinstance(operation, Linear):
        return operation
    return replace(operation, kernel=np.zeros_like(operation.kernel), bias=np.zeros_like(operation.bias))


def require_same_structure(built: Graph, other: Graph) -> None:
    """Raises QcompressError unless other differs from built in weights alone."""
    names = [replaced_name(graph).content_hash() for graph in (built, other)]
    if names[0] != names[1]:
        raise QcompressError(
            f"graph {other.name} differs from {built.name} in more than its weights; build the target of it"
        )


def replaced_name(graph: Graph) -> Graph:
    """The graph without weights and without a name of its own."""
    bare = without_weights(graph)
    return Graph.of("structure", bare.inputs, bare.nodes, bare.outputs)
