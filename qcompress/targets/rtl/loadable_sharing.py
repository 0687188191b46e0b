"""What may stand where the sums of a folded layer are made, once for each of them, not behind every output."""

from qcompress.graph import Elementwise, Graph, Node


def followers(graph: Graph, node: Node) -> list[Node]:
    """The elementwise operations behind a `node` of graph, each of which alone reads the one before it."""
    found: list[Node] = []
    while node.name not in graph.outputs.values():
        readers = [other for other in graph.nodes if node.name in other.sources]
        if len(readers) != 1 or not isinstance(readers[0].operation, Elementwise):
            break
        node = readers[0]
        found.append(node)
    return found
