"""A target outside the package that computes another graph: one kernel is turned over. It keeps verification honest."""

from dataclasses import dataclass, replace

from pydantic import BaseModel, ConfigDict

from qcompress.graph import Graph, Node
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
    """The graph with other weights in the layer that is called last, or sum."""
    nodes = [turned(node) if node.name in {"last", "sum"} else node for node in graph.nodes]
    return Graph.of(graph.name, graph.inputs, nodes, graph.outputs)


def turned(node):
    return Node(node.name, replace(node.operation, kernel=-node.operation.kernel - 1), *node.sources)


LIAR = Family("liar", Kind.EMULATOR, Settings, lambda settings: Liar(settings.truthful))
