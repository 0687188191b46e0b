"""Random small graphs around one operation each: what every target that claims the operation must compute."""

from collections.abc import Callable
from typing import Any

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import (
    Add,
    Affine,
    ArgMax,
    AveragePool,
    Concatenate,
    Conv1D,
    Conv2D,
    Crop,
    Dense,
    DepthwiseConv,
    Flatten,
    Gather,
    Graph,
    LeakyRelu,
    MaxPool,
    Merge,
    Multiply,
    Node,
    Permute,
    Quantize,
    QuantizeEach,
    Relu,
    Reshape,
    Subtract,
    Table,
    TableEach,
    Thresholds,
    TransposedConv,
    Unary,
    UpSample,
    ZeroPad,
)

Generator = np.random.Generator


def between(rng: Generator, low: int, high: int) -> int:
    """An integer low .. high."""
    return int(rng.integers(low, high, endpoint=True))


def random_format(rng: Generator, widest: int = 12) -> Format:
    return Format(bool(rng.integers(2)), between(rng, 1, widest), between(rng, -4, 10))


def uniform(rng: Generator, format_: Format, shape: tuple[int, ...]) -> Codes:
    return rng.integers(format_.min_code, format_.max_code, shape, endpoint=True)


def codes_for(rng: Generator, graph: Graph, rows: int) -> Codes:
    """Uniform codes; some rows sparse; the first two are the ends of the range."""
    codes = uniform(rng, graph.input_format, (rows, *graph.input_shape))
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes[3::4] = np.clip(codes[3::4] * (rng.random(codes[3::4].shape) < 0.2), low, high)
    codes[0], codes[1] = low, high
    return codes


def random_cast(rng: Generator, given: Format) -> Cast:
    """Dropping or adding bits at either end; now and then far away."""
    far = 70 if rng.random() < 0.1 else 6
    fraction = given.fraction - between(rng, -far, far)
    width = between(rng, 1, min(given.width + 8, 40))
    return Cast(
        Format(bool(rng.integers(2)), width, width - fraction),
        list(Rounding)[rng.integers(7)],
        list(Overflow)[rng.integers(4)],
    )


def weights(rng: Generator, given: Format, shape: tuple[int, ...], channels: int) -> dict[str, Any]:
    """Kernel, bias and an accumulator around the products' format, which may drop low bits and wrap."""
    kernel, bias = random_format(rng, 8), random_format(rng, 8)
    fraction = given.fraction + kernel.fraction - between(rng, -2, 6)
    width = max(2, given.width + kernel.width + between(rng, -5, 6))
    return {
        "kernel": uniform(rng, kernel, shape) * (rng.random(shape) < 0.8),
        "kernel_format": kernel,
        "bias": uniform(rng, bias, (channels,)),
        "bias_format": bias,
        "accumulator": Format(bool(rng.integers(4)), width, width - fraction),
    }


def one(rng: Generator, operation: Unary, shape: tuple[int, ...], given: Format) -> Graph:
    """The operation, half the time with a cast behind it."""
    nodes = [Node("operation", operation, "input")]
    if rng.random() < 0.5:
        nodes.append(Node("cast", Quantize(random_cast(rng, operation.output_format(given))), "operation"))
    return Graph("case", shape, given, tuple(nodes))


def shape_of(rng: Generator, axes: int, least: int = 1) -> tuple[int, ...]:
    return tuple(between(rng, least, 5) for _ in range(axes))


def quantize(rng: Generator) -> Graph:
    given = random_format(rng, 30 if rng.random() < 0.2 else 12)
    return one(rng, Quantize(random_cast(rng, given)), shape_of(rng, between(rng, 1, 2)), given)


def relu(rng: Generator) -> Graph:
    return one(rng, Relu(), shape_of(rng, 2), random_format(rng))


def leaky_relu(rng: Generator) -> Graph:
    return one(rng, LeakyRelu(between(rng, 0, 6)), shape_of(rng, 1), random_format(rng))


def table(rng: Generator) -> Graph:
    given, result = random_format(rng, 8), random_format(rng)
    return one(rng, Table(uniform(rng, result, (1 << given.width,)), result), shape_of(rng, 2), given)


def own_shape(rng: Generator, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts against shape: some axes of one entry, some of the first left out."""
    sizes = [size if rng.random() < 0.7 else 1 for size in shape]
    return tuple(sizes[between(rng, 0, len(shape) - 1) :])


def quantize_each(rng: Generator) -> Graph:
    """Widths from none to a dozen bits, the point around that of the input; some elements much finer."""
    given = random_format(rng)
    shape = shape_of(rng, between(rng, 1, 3))
    own = own_shape(rng, shape)
    width = rng.integers(0, min(given.width + 4, 12), own, endpoint=True)
    far = 20 if rng.random() < 0.1 else 3
    fraction = given.fraction - rng.integers(-far, far, own, endpoint=True)
    modes = list(Rounding)[rng.integers(7)], list(Overflow)[rng.integers(4)]
    return one(rng, QuantizeEach(rng.integers(0, 1, own, endpoint=True), width, width - fraction, *modes), shape, given)


def table_each(rng: Generator) -> Graph:
    given, result = random_format(rng, 8), random_format(rng)
    shape = shape_of(rng, between(rng, 1, 3))
    own = own_shape(rng, shape)
    width, drop = rng.integers(0, 6, own, endpoint=True), rng.integers(0, 4, own, endpoint=True)
    entries = uniform(rng, result, (1 << between(rng, 6, 8),))
    start = rng.integers(0, entries.size - (1 << width), own, endpoint=True)
    return one(rng, TableEach(entries, start, drop, width, result), shape, given)


def thresholds(rng: Generator) -> Graph:
    """Few or many steps, often beyond the ends of the input; codes that rise evenly, or in no order."""
    given, shape, result = random_format(rng), shape_of(rng, between(rng, 1, 3)), random_format(rng)
    channels = shape[-1] if rng.random() < 0.7 else 1
    steps = between(rng, 0, 6) if rng.random() < 0.7 else between(rng, 40, 150)
    reach = 1 << (given.width + (rng.random() < 0.2))
    rising = np.sort(rng.integers(-reach, reach, (channels, steps)), axis=1)
    codes = uniform(rng, result, (channels, steps + 1))
    if rng.random() < 0.5:
        codes = np.sort(codes, axis=1)
    return one(rng, Thresholds(rising, codes, result), shape, given)


def dense(rng: Generator) -> Graph:
    given, shape = random_format(rng), shape_of(rng, between(rng, 1, 2))
    outputs = between(rng, 1, 13)
    return one(rng, Dense(**weights(rng, given, (shape[-1], outputs), outputs)), shape, given)


def affine(rng: Generator) -> Graph:
    given, shape = random_format(rng), shape_of(rng, between(rng, 1, 3))
    return one(rng, Affine(**weights(rng, given, (shape[-1],), shape[-1])), shape, given)


def window(rng: Generator, shape: tuple[int, ...], padding: int = 2) -> dict[str, Any]:
    """Strides, dilation and padding with which a kernel drawn by `kernel_size` fits into `shape`."""
    axes = len(shape) - 1
    return {
        "strides": tuple(between(rng, 1, 3) for _ in range(axes)),
        "padding": tuple((between(rng, 0, padding), between(rng, 0, padding)) for _ in range(axes)),
    }


def kernel_size(rng: Generator, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(between(rng, 1, min(3, size)) for size in shape[:-1])


def convolution(rng: Generator, axes: int) -> Graph:
    given, groups = random_format(rng), between(rng, 1, 2)
    shape = (*shape_of(rng, axes, 2), groups * between(rng, 1, 2))
    filters = groups * between(rng, 1, 5)
    size = kernel_size(rng, shape)
    dilation = tuple(2 if 2 * (k - 1) < n and rng.random() < 0.3 else 1 for k, n in zip(size, shape, strict=False))
    kind = Conv1D if axes == 1 else Conv2D
    kernel = weights(rng, given, (*size, shape[-1] // groups, filters), filters)
    return one(rng, kind(**kernel, **window(rng, shape), dilation=dilation, groups=groups), shape, given)


def depthwise(rng: Generator) -> Graph:
    given, axes = random_format(rng), between(rng, 1, 2)
    shape, multiplier = (*shape_of(rng, axes, 2), between(rng, 1, 3)), between(rng, 1, 2)
    kernel = weights(rng, given, (*kernel_size(rng, shape), shape[-1], multiplier), shape[-1] * multiplier)
    return one(rng, DepthwiseConv(**kernel, **window(rng, shape)), shape, given)


def transposed(rng: Generator) -> Graph:
    given, axes = random_format(rng), between(rng, 1, 2)
    shape, filters = (*shape_of(rng, axes, 2), between(rng, 1, 2)), between(rng, 1, 4)
    kernel = weights(rng, given, (*kernel_size(rng, shape), shape[-1], filters), filters)
    stuffing = tuple(between(rng, 1, 3) for _ in range(axes))
    padding = window(rng, shape)["padding"]
    return one(rng, TransposedConv(**kernel, padding=padding, stuffing=stuffing), shape, given)


def max_pool(rng: Generator) -> Graph:
    given, axes = random_format(rng), between(rng, 1, 2)
    shape = (*shape_of(rng, axes, 2), between(rng, 1, 3))
    size = kernel_size(rng, shape)
    padding = tuple((between(rng, 0, k - 1), between(rng, 0, k - 1)) for k in size)
    return one(rng, MaxPool(size, tuple(between(rng, 1, 2) for _ in size), padding), shape, given)


def average_pool(rng: Generator) -> Graph:
    given, axes = random_format(rng), between(rng, 1, 2)
    shape = (*shape_of(rng, axes, 4), between(rng, 1, 3))
    size = tuple(2 ** between(rng, 0, 2) for _ in range(axes))
    return one(rng, AveragePool(size, tuple(between(rng, 1, 2) for _ in size)), shape, given)


def arg_max(rng: Generator) -> Graph:
    shape = shape_of(rng, between(rng, 1, 2))
    return one(rng, ArgMax(shape[-1]), shape, random_format(rng, 3))


def flatten(rng: Generator) -> Graph:
    return one(rng, Flatten(), shape_of(rng, 3), random_format(rng))


def reshape(rng: Generator) -> Graph:
    shape = shape_of(rng, 3)
    return one(rng, Reshape((shape[1], shape[0] * shape[2])), shape, random_format(rng))


def permute(rng: Generator) -> Graph:
    return one(rng, Permute(tuple(rng.permutation(3).tolist())), shape_of(rng, 3), random_format(rng))


def zero_pad(rng: Generator) -> Graph:
    axes = between(rng, 1, 2)
    padding = tuple((between(rng, 0, 2), between(rng, 0, 2)) for _ in range(axes))
    return one(rng, ZeroPad(padding), shape_of(rng, axes + 1), random_format(rng))


def crop(rng: Generator) -> Graph:
    axes = between(rng, 1, 2)
    cropping = tuple((between(rng, 0, 1), between(rng, 0, 1)) for _ in range(axes))
    return one(rng, Crop(cropping), shape_of(rng, axes + 1, 3), random_format(rng))


def up_sample(rng: Generator) -> Graph:
    axes = between(rng, 1, 2)
    factors = tuple(between(rng, 1, 3) for _ in range(axes))
    return one(rng, UpSample(factors), shape_of(rng, axes + 1), random_format(rng))


def gather(rng: Generator) -> Graph:
    """Picked along an axis, or any elements anywhere, some of them zeros."""
    shape = shape_of(rng, between(rng, 1, 3))
    size = int(np.prod(shape))
    if rng.random() < 0.5:
        axis = between(rng, 0, len(shape) - 1)
        which = np.arange(size).reshape(shape).take(rng.integers(shape[axis], size=between(rng, 1, 5)), axis=axis)
    else:
        which = rng.integers(-1, size, shape_of(rng, between(rng, 1, 3)))
    return one(rng, Gather(which), shape, random_format(rng))


def merged(rng: Generator, operation: Merge, inputs: int, shape: tuple[int, ...], widest: int = 12) -> Graph:
    """The input and casts of it, merged, half the time with a cast behind."""
    given = random_format(rng, widest)
    nodes = []
    for number in range(1, inputs):
        low = between(rng, -3, 3)
        width = between(rng, 1, widest)
        cast = Cast(Format(bool(rng.integers(2)), width, width - given.fraction + low), Rounding.TRN, Overflow.WRAP)
        nodes.append(Node(f"other{number}", Quantize(cast), "input"))
    sources = ["input", *(node.name for node in nodes)]
    rng.shuffle(sources)
    nodes.append(Node("operation", operation, *sources))
    before = Graph("case", shape, given, tuple(nodes))
    if rng.random() < 0.5:
        nodes.append(Node("cast", Quantize(random_cast(rng, before.output_format)), "operation"))
    return Graph("case", shape, given, tuple(nodes))


def add(rng: Generator) -> Graph:
    return merged(rng, Add(), between(rng, 2, 4), shape_of(rng, 2))


def subtract(rng: Generator) -> Graph:
    return merged(rng, Subtract(), 2, shape_of(rng, 2))


def multiply(rng: Generator) -> Graph:
    return merged(rng, Multiply(), 2, shape_of(rng, 2))


def concatenate(rng: Generator) -> Graph:
    axes = between(rng, 1, 3)
    return merged(rng, Concatenate(between(rng, 0, axes - 1)), between(rng, 2, 3), shape_of(rng, axes))


CASES: dict[str, Callable[[Generator], Graph]] = {
    "Quantize": quantize,
    "Relu": relu,
    "LeakyRelu": leaky_relu,
    "Table": table,
    "QuantizeEach": quantize_each,
    "TableEach": table_each,
    "Thresholds": thresholds,
    "Dense": dense,
    "Affine": affine,
    "Conv1D": lambda rng: convolution(rng, 1),
    "Conv2D": lambda rng: convolution(rng, 2),
    "DepthwiseConv": depthwise,
    "TransposedConv": transposed,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "ArgMax": arg_max,
    "Add": add,
    "Subtract": subtract,
    "Multiply": multiply,
    "Concatenate": concatenate,
    "Flatten": flatten,
    "Reshape": reshape,
    "Permute": permute,
    "ZeroPad": zero_pad,
    "Crop": crop,
    "UpSample": up_sample,
    "Gather": gather,
}
"""Operation -> a random graph around it."""


def cases(name: str, count: int, seed: int = 0) -> list[Graph]:
    """The first `count` random graphs of an operation that make sense (formats within 62 bits)."""
    from qcompress.errors import QcompressError

    found: list[Graph] = []
    number = 0
    while len(found) < count:
        rng = np.random.default_rng([seed, number])
        number += 1
        try:
            graph = CASES[name](rng)
            graph.ranges()
        except QcompressError:
            continue
        found.append(graph)
    assert number < 3 * count + 10, f"{name}: most random cases make no sense"
    return found
