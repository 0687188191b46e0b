"""Random networks that the estimate is fitted to, each by its number."""

from dataclasses import replace
from typing import Any

import numpy as np

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Quantize, QuantizeEach, Relu
from qcompress.graph.graph import INPUT
from qcompress.graph.ranges import with_lossless_accumulator

Generator = np.random.Generator


def random_network(rng: Generator, size: int = 1) -> Graph:
    """One or two layers, dense or a convolution first; 3 to 8 bits of weights, 3 to 9 of activations.

    size: 1 for networks of some hundred products; sides are that many times longer (twice, in images).
    """
    given = Format(False, int(rng.integers(4, 10)), 1)
    bits = int(rng.integers(3, 9))
    weights = Format(True, bits, 1)
    sides = min(size, 2)
    if rng.random() < 0.4:
        shape: tuple[int, ...] = (sides * int(rng.integers(3, 6)), sides * int(rng.integers(3, 6)), 1)
    else:
        shape = (size * round(2 ** rng.uniform(1.6, 3.6)),)
    graph, source, number = None, INPUT, 0
    nodes: list[Node] = []
    current, format_ = shape, given
    for _ in range(int(rng.integers(1, 3))):
        outputs = size * round(2 ** rng.uniform(1, 2.8))
        narrow = Format(True, 30, 8)
        if len(current) == 3:
            kernel = rng.integers(
                weights.min_code, weights.max_code + 1, (3, 3, current[2], size * int(rng.integers(2, 4)))
            )
            conv = Conv2D(kernel, weights, np.zeros(kernel.shape[-1], np.int64), weights, narrow, strides=(2, 2))
            nodes += [Node(f"conv{number}", conv, source), Node(f"flat{number}", Flatten(), f"conv{number}")]
            source = f"flat{number}"
        else:
            kernel = rng.integers(weights.min_code, weights.max_code + 1, (current[0], outputs))
            kernel = kernel * (rng.random(kernel.shape) < rng.choice([1.0, 1.0, 0.5]))
            bias = rng.integers(weights.min_code, weights.max_code + 1, outputs)
            nodes.append(Node(f"dense{number}", Dense(kernel, weights, bias, weights, narrow), source))
            source = f"dense{number}"
        nodes = _tight(shape, given, nodes)
        to = Format(False, int(rng.integers(3, 10)), int(rng.integers(1, 3)))
        mode = [("TRN", "WRAP"), ("RND_CONV", "SAT"), ("RND", "SAT"), ("TRN", "SAT")][rng.integers(4)]
        nodes += [Node(f"relu{number}", Relu(), source)]
        nodes += [Node(f"cast{number}", Quantize(Cast.parse(f"{str(to)[:-1]},{mode[0]},{mode[1]}>")), f"relu{number}")]
        source, format_, number = f"cast{number}", to, number + 1
        graph = Graph("random", shape, given, tuple(nodes))
        current = graph.output_shape
    assert graph is not None
    assert format_ == graph.output_format
    return graph


FIRST_FOLDED = 1000
"""Networks from this number on are larger, and their multipliers are used more than four times."""
FOLDED = (128, 64, 32, 16, 8)
FIRST_LEARNED = 2000
"""Networks from this number on are larger too; each weight and each element between layers has a width of its own."""


def network(number: int) -> Graph:
    """The network of a number."""
    rng = np.random.default_rng([20, number])
    graph = random_network(rng, 4 if number >= FIRST_FOLDED else 1)
    return with_own_widths(graph, rng) if number >= FIRST_LEARNED else graph


def with_own_widths(graph: Graph, rng: Generator) -> Graph:
    """A network as training leaves it whose widths are learned: fewer last bits of each weight, many of none at all."""
    nodes = []
    for node in graph.nodes:
        operation: Any = node.operation
        if isinstance(operation, Dense | Conv2D):
            width = operation.kernel_format.width
            kept = np.clip(rng.normal(rng.uniform(-1, 0.6 * width), 1.5, operation.kernel.shape).round(), 0, width)
            unit = 1 << (width - kept.astype(np.int64))
            rounded = np.rint(operation.kernel / unit).astype(np.int64) * unit
            operation = replace(operation, kernel=np.clip(rounded, *_ends(operation.kernel_format)))
        elif isinstance(operation, Quantize):
            operation = _own_casts(operation.cast, graph.shapes[node.name], rng)
        nodes.append(Node(node.name, operation, *node.sources))
    return Graph(graph.name, graph.input_shape, graph.input_format, tuple(nodes))


def _ends(format_: Format) -> tuple[int, int]:
    return format_.min_code, format_.max_code


def _own_casts(cast: Cast, shape: tuple[int, ...], rng: Generator) -> QuantizeEach:
    """A cast of every element to a format of its own, none of them wider than the given one."""
    to = cast.format
    widths = rng.integers(max(1, to.integer, to.width - 4), to.width + 1, shape)
    return QuantizeEach(np.zeros(shape, np.int64), widths, np.full(shape, to.integer), cast.rounding, cast.overflow)


def _tight(shape: tuple[int, ...], given: Format, nodes: list[Node]) -> list[Node]:
    """The last layer's accumulator as narrow as loses nothing, or, now and then by its number, flooring products."""
    place = max(n for n, node in enumerate(nodes) if isinstance(node.operation, Dense | Conv2D))
    graph = Graph("random", shape, given, tuple(nodes[: place + 1]))
    node = nodes[place]
    range_ = graph.ranges()[node.source]
    layer = node.operation
    assert isinstance(layer, Dense | Conv2D)
    operation = with_lossless_accumulator(layer, range_, graph.formats[node.source])
    return [*nodes[:place], Node(node.name, operation, *node.sources), *nodes[place + 1 :]]
