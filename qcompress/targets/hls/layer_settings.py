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
    """Of the nodes that a name or pattern fits; None: as for all."""

    name: str
    strategy: str | None = None
    reuse_factor: int | None = None

    def fits(self, node: str) -> bool:
        """Whether a node is meant; its own name always is, whatever letters are in it."""
        return node == self.name or fnmatchcase(node, self.name)


def refuse_unknown(layers: Iterable[Layer], graphs: Sequence[Graph]) -> None:
    """Raises Refused for a name that fits no node of graphs, or none that multiplies, with the nearest that does."""
    nodes = [node for graph in graphs for node in graph.nodes]
    multiplying = [node.name for node in nodes if isinstance(node.operation, Dense | Convolution)]
    for layer in layers:
        if any(map(layer.fits, multiplying)):
            continue
        nearest = difflib.get_close_matches(layer.name, multiplying, 1, 0.5)
        known = f"did you mean {nearest[0]}?" if nearest else f"they are {', '.join(multiplying) or 'none'}"
        what = "multiplies nothing" if any(layer.fits(node.name) for node in nodes) else "is no node of the graph"
        raise Refused(f"hls: layer {layer.name} {what}; of those with products: {known}")


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
