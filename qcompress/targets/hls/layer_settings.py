"""What is set for some layers of a network alone: strategy and reuse factor, by the names of the graph's nodes."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from qcompress.errors import Refused
from qcompress.graph import Convolution, Dense, Graph

NEAREST = 3
"""Reuse factors that a refusal names."""


@dataclass(frozen=True)
class Layer:
    """Of the nodes that a name or pattern fits, of one network if that stands before a slash; None: as for all."""

    name: str
    strategy: str | None = None
    reuse_factor: int | None = None

    @property
    def network(self) -> str | None:
        """The network whose nodes alone are meant, None for all."""
        return self.name.rpartition("/")[0] or None

    def of(self, graph: str) -> bool:
        """Whether nodes of a graph are meant, by its name."""
        return self.network in (None, graph)

    def fits(self, graph: str, node: str) -> bool:
        """Whether a node of a graph is meant, by its name or by the pattern."""
        pattern = self.name.rpartition("/")[2]
        return self.of(graph) and (node == pattern or fnmatchcase(node, pattern))


def refuse_unknown(layers: Iterable[Layer], graphs: Sequence[Graph]) -> None:
    """Raises Refused for a name that fits no node of graphs, or none that multiplies, with the nearest that does.

    Names of nodes of other networks are left alone.
    """
    nodes = [(graph.name, node) for graph in graphs for node in graph.nodes]
    multiplying = [(graph, node.name) for graph, node in nodes if isinstance(node.operation, Dense | Convolution)]
    for layer in layers:
        mine = any(layer.of(graph.name) for graph in graphs)
        if not mine or any(layer.fits(*each) for each in multiplying):
            continue
        names = [name for _, name in multiplying]
        closest = difflib.get_close_matches(layer.name.rpartition("/")[2], names, 1, 0.5)
        known = f"did you mean {closest[0]}?" if closest else f"they are {', '.join(names) or 'none'}"
        there = any(layer.fits(graph, node.name) for graph, node in nodes)
        what = "multiplies nothing" if there else "is no node of the graph"
        raise Refused(f"hls: layer {layer.name} {what}; of those with products: {known}")


def refuse_networks(layers: Iterable[Layer], networks: Sequence[str]) -> None:
    """Raises Refused for a layer of a network that is none of networks, with the nearest."""
    for layer in layers:
        if layer.network not in (None, *networks):
            closest = difflib.get_close_matches(str(layer.network), networks, 1, 0.5)
            known = f"did you mean {closest[0]}?" if closest else f"they are {', '.join(networks)}"
            raise Refused(f"hls: layer {layer.name}: no network is called {layer.network}; {known}")


def valid_reuse_factors(inputs: int, outputs: int) -> list[int]:
    """Those of a dense layer that share its products evenly: divisors of its inputs, and multiples of all of them."""
    return [*_divisors(inputs), *(inputs * factor for factor in _divisors(outputs) if factor > 1)]


def window_reuse_factors(inputs: int) -> list[int]:
    """Those of a convolution: divisors of a window's inputs. hls4ml's kernels abort at others."""
    return _divisors(inputs)


def _divisors(number: int) -> list[int]:
    small = [factor for factor in range(1, int(number**0.5) + 1) if number % factor == 0]
    return sorted({*small, *(number // factor for factor in small)})


def nearest(valid: Sequence[int], wanted: int) -> str:
    """The valid reuse factors that are nearest to what was wanted, in words."""
    found = sorted(sorted(valid, key=lambda factor: abs(factor - wanted))[:NEAREST])
    return ", ".join(map(str, found))
