"""Random graphs that branch and join: every operation, several consumers of one node, views, casts behind kernels."""

import numpy as np
from operation_cases import between, kernel_size, random_cast, random_format, uniform, weights, window

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

Generator = np.random.Generator
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


def _grown(rng: Generator, graph: Graph, name: str) -> Graph:
    """One more node that makes sense."""
    while True:
        source = list(graph.shapes)[-1 - min(int(rng.exponential(1.5)), len(graph.shapes) - 1)]
        node = _next(rng, graph, name, source)
        try:
            grown = Graph(graph.name, graph.input_shape, graph.input_format, (*graph.nodes, node))
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
