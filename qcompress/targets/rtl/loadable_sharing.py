"""What may stand where the sums of a folded layer are made, once for each of them, not behind every output."""

from qcompress.graph import Graph, LeakyRelu, Node, Quantize, Relu, Table

ALIKE = (Quantize, Relu, LeakyRelu, Table)
"""Operations that do the same to every element."""


def followers(graph: Graph, node: Node) -> list[Node]:
    """The operations behind a `node` of graph that do the same to each of its elements, and that alone read it."""
    found: list[Node] = []
    while node.name not in graph.outputs.values():
        readers = [other for other in graph.nodes if node.name in other.sources]
        if len(readers) != 1 or not isinstance(readers[0].operation, ALIKE):
            break
        node = readers[0]
        found.append(node)
    return found
