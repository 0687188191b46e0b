"""A target outside the package that computes another graph: one bias is one bit off. It keeps verification honest."""

from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict

from qcompress.graph import Graph, Linear, Node
from qcompress.targets import Family, Kind


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    truthful: bool = False


@dataclass(frozen=True)
class LyingBody:
    name: str
    graph: Graph

    def run(self, codes):
        return self.graph.run(codes)


@dataclass(frozen=True)
class Liar:
    """Settings of the target. truthful: it does not lie after all."""

    truthful: bool = False
    name: str = "liar"
    simulated: bool = True
    flows: tuple[str, ...] = ()

    def refuse(self, graph):
        """It takes everything."""

    def cost(self, graph):
        return 0.1, 1.0

    def build(self, graph, folder):
        graph.save(folder)
        return self.open(graph, folder)

    def open(self, graph, folder):
        return LyingBody(self.name, graph if self.truthful else lied(graph))


def lied(graph):
    """The graph with the last bias of its last sum one bit off."""
    nodes = list(graph.nodes)
    places = [place for place, node in enumerate(nodes) if isinstance(node.operation, Linear)]
    for place in places[-1:]:
        operation = nodes[place].operation
        bias = operation.bias.copy()
        bias[-1] += 1 if bias[-1] < operation.bias_format.max_code else -1
        nodes[place] = Node(nodes[place].name, replace(operation, bias=bias), *nodes[place].sources)
    return Graph.of(graph.name, graph.inputs, nodes, graph.outputs)


LIAR = Family("liar", Kind.EMULATOR, Settings, lambda settings: Liar(settings.truthful))
