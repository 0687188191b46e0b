"""Random graphs that branch and join: every operation, several consumers of one node, views, casts behind kernels.

Of one input and output, or of several with names that are hard to write in another language.
"""

import numpy as np

from helpers.operation_cases import between, kernel_size, random_cast, random_format, uniform, weights, window
from helpers.random_graphs import random_codes
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import (
    Add,
    Affine,
    AveragePool,
    Concatenate,
    Conv1D,
    Conv2D,
    Crop,
    Dense,
    DepthwiseConv,
    Flatten,
    Graph,
    Input,
    LeakyRelu,
    MaxPool,
    Multiply,
    Node,
    Operation,
    Permute,
    Quantize,
    Relu,
    Reshape,
    Subtract,
    Table,
    TransposedConv,
    UpSample,
    ZeroPad,
)
from qcompress.graph.ports import OUTPUT, Tensors, as_tensors, pack

Generator = np.random.Generator
INPUTS = ("charge", "Charge", "2nd charge!", "reg")
OUTPUTS = ("sum", "SUM", "s.u.m", "output_codes", "clk", "input")
"""Names of ports that differ in what C++ and Verilog do not see, or that mean something there."""
WIDEST = 14
"""Wider codes are cast before they go on."""


def _linear(rng: Generator, shape: tuple[int, ...], given: Format) -> Operation:
    kind = ["Dense", "Affine", "Conv", "Depthwise", "Transposed"][rng.integers(5 if len(shape) > 1 else 2)]
    outputs = between(rng, 1, 5)
    if kind == "Dense":
        return Dense(**weights(rng, given, (shape[-1], outputs), outputs))
    if kind == "Affine":
        return Affine(**weights(rng, given, shape[-1:], shape[-1]))
    size = kernel_size(rng, shape)
    if kind == "Depthwise":
        return DepthwiseConv(**weights(rng, given, (*size, shape[-1], 1), shape[-1]), **window(rng, shape))
    kernel = weights(rng, given, (*size, shape[-1], outputs), outputs)
    if kind == "Transposed":
        stuffing = tuple(between(rng, 1, 2) for _ in size)
        return TransposedConv(**kernel, padding=window(rng, shape)["padding"], stuffing=stuffing)
    return (Conv1D if len(shape) == 2 else Conv2D)(**kernel, **window(rng, shape))


def _pool(rng: Generator, shape: tuple[int, ...], given: Format) -> Operation:
    size = kernel_size(rng, shape)
    if rng.random() < 0.5:
        return AveragePool(tuple(2 if n > 1 else 1 for n in shape[:-1]), (1,) * (len(shape) - 1))
    return MaxPool(size, size)


def _move(rng: Generator, shape: tuple[int, ...], given: Format) -> Operation:
    axes = len(shape)
    pairs = tuple((between(rng, 0, 1), between(rng, 0, 1)) for _ in range(axes - 1))
    options: list[Operation] = [Flatten(), Permute(tuple(rng.permutation(axes).tolist())), ZeroPad(pairs)]
    options += [UpSample(tuple(between(rng, 1, 2) for _ in range(axes - 1))), Reshape(shape[::-1]), Crop(pairs)]
    return options[rng.integers(len(options))]


def _elementwise(rng: Generator, shape: tuple[int, ...], given: Format) -> Operation:
    if given.width <= 6 and rng.random() < 0.5:
        result = random_format(rng, 8)
        return Table(uniform(rng, result, (1 << given.width,)), result)
    return [Relu(), LeakyRelu(between(rng, 0, 3)), Quantize(random_cast(rng, given))][rng.integers(3)]


def random_dag(rng: Generator, operations: int = 12) -> Graph:
    """A graph of about so many operations; the last node sees as much of it as shapes allow."""
    shape = (between(rng, 3, 6), between(rng, 3, 5), between(rng, 1, 3))[between(rng, 0, 2) :]
    graph = Graph("dag", shape, random_format(rng, 10), (Node("start", Relu(), "input"),))
    for number in range(operations):
        graph = _grown(rng, graph, f"n{number}")
    return graph


def random_ports(rng: Generator, inputs: int = 2, outputs: int = 3, operations: int = 8) -> Graph:
    """A graph of several inputs and outputs: the last node, inner nodes that others read, and one node twice."""
    shape = (between(rng, 3, 6), between(rng, 3, 5), between(rng, 1, 3))[between(rng, 0, 2) :]
    shapes = [shape, *(shape if rng.random() < 0.7 else (between(rng, 1, 4),) for _ in range(inputs - 1))]
    given = [Input(name, size, random_format(rng, 10)) for name, size in zip(INPUTS, shapes, strict=False)]
    starts = [Node(f"start{n}", Relu(), each.name) for n, each in enumerate(given)]
    graph = Graph.of("ports", given, starts, {OUTPUT: starts[-1].name})
    for number in range(operations):
        graph = _grown(rng, graph, f"n{number}")
    names = [node.name for node in graph.nodes]
    chosen = [names[-1], *(names[rng.integers(len(names))] for _ in range(outputs - 2))]
    return Graph.of("ports", given, graph.nodes, dict(zip(OUTPUTS, [*chosen, chosen[-1]], strict=False)))


def rows_for(rng: Generator, graph: Graph, rows: int) -> Tensors:
    """Input codes of a graph: uniform, one row in four thinned out, the ends of the range first."""
    ports = graph.input_ports
    return as_tensors(ports, {port.name: random_codes(rng, port.format, (rows, *port.shape)) for port in ports})


def wrong_codes(graph: Graph, found: Tensors, given: Tensors) -> int:
    """Output codes that are not the reference's."""
    ports = graph.output_ports
    return int(np.count_nonzero(pack(ports, found, "found") != pack(ports, graph.run(given), "wanted")))


def _grown(rng: Generator, graph: Graph, name: str) -> Graph:
    """One more node that makes sense."""
    while True:
        source = list(graph.shapes)[-1 - min(int(rng.exponential(1.5)), len(graph.shapes) - 1)]
        node = _next(rng, graph, name, source)
        try:
            grown = Graph.of(graph.name, graph.inputs, (*graph.nodes, node), {OUTPUT: node.name})
            grown.ranges()
        except QcompressError:
            continue
        if np.prod(grown.output_shape) <= 300:
            return grown


def _next(rng: Generator, graph: Graph, name: str, source: str) -> Node:
    shape, given = graph.shapes[source], graph.formats[source]
    if given.width > WIDEST:
        narrow = Format(given.signed, between(rng, 4, 10), given.integer - between(rng, 0, 4))
        return Node(
            name, Quantize(Cast(narrow, random_cast(rng, given).rounding, random_cast(rng, given).overflow)), source
        )
    others = [other for other, size in graph.shapes.items() if size == shape and graph.formats[other].width <= WIDEST]
    if len(others) > 1 and rng.random() < 0.4:
        other = others[rng.integers(len(others))]
        joins: list[Operation] = [Add(), Subtract(), Multiply(), Concatenate(between(rng, 0, len(shape) - 1))]
        return Node(name, joins[rng.integers(4)], source, other)
    kinds = [_linear, _elementwise, _move] + ([_pool] if len(shape) > 1 else [])
    return Node(name, kinds[rng.integers(len(kinds))](rng, shape, given), source)
