"""Random small graphs: every operation, random formats (also with the point outside the bits), shapes and modes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
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
    Gather,
    Graph,
    LeakyRelu,
    MaxPool,
    Multiply,
    Node,
    Operation,
    Permute,
    Quantize,
    QuantizeEach,
    Relu,
    Reshape,
    Subtract,
    Table,
    Thresholds,
    TransposedConv,
    UpSample,
    ZeroPad,
)

Generator = np.random.Generator
Maker = Callable[[Generator, Format], Graph]


def random_format(rng: Generator, width: tuple[int, int] = (2, 9), integer: tuple[int, int] = (-2, 8)) -> Format:
    """A format of a random width and, around it, a random place of the point."""
    return Format(bool(rng.integers(2)), int(rng.integers(*width)), int(rng.integers(*integer)))


def random_cast(
    rng: Generator,
    given: Format,
    roundings: Sequence[Rounding] = tuple(Rounding),
    overflows: Sequence[Overflow] = tuple(Overflow),
) -> Cast:
    """A cast that drops a few bits of `given` at either end, or adds some."""
    low, high = (int(rng.integers(-2, 5)) for _ in range(2))
    width = max(1, min(given.width - low - high, 30))
    format_ = Format(bool(rng.integers(2)), width, given.integer - high)
    return Cast(format_, roundings[int(rng.integers(len(roundings)))], overflows[int(rng.integers(len(overflows)))])


def uniform_codes(rng: Generator, format_: Format, shape: tuple[int, ...]) -> Codes:
    """Uniform codes of a format."""
    return rng.integers(format_.min_code, format_.max_code, shape, endpoint=True)


def random_codes(rng: Generator, format_: Format, shape: tuple[int, ...]) -> Codes:
    """Uniform codes of a format; of every four rows one is thinned out, the first two are the ends of the range."""
    codes = uniform_codes(rng, format_, shape)
    codes[3::4] *= rng.random(codes[3::4].shape) < 0.2
    codes[0], codes[1] = format_.min_code, format_.max_code
    return codes


def _accumulator(rng: Generator, given: Format, kernel: Format) -> Format:
    """Around the products' format: it may drop low bits and wrap."""
    fraction = given.fraction + kernel.fraction - int(rng.integers(-1, 5))
    width = max(2, given.width + kernel.width + int(rng.integers(-4, 5)))
    return Format(bool(rng.integers(4)), width, width - fraction)


def _linear_parameters(rng: Generator, given: Format, shape: tuple[int, ...]) -> dict[str, Any]:
    kernel, bias = random_format(rng), random_format(rng)
    return {
        "kernel": uniform_codes(rng, kernel, shape) * (rng.random(shape) < 0.8),
        "kernel_format": kernel,
        "bias": uniform_codes(rng, bias, shape[-1:]),
        "bias_format": bias,
        "accumulator": _accumulator(rng, given, kernel),
    }


def random_network(
    rng: Generator,
    roundings: Sequence[Rounding] = tuple(Rounding),
    overflows: Sequence[Overflow] = tuple(Overflow),
) -> Graph:
    """quantize, convolution, perhaps relu, quantize, flatten, dense, perhaps relu, quantize."""
    height, width, channels = (int(rng.integers(2, 6)), int(rng.integers(2, 6)), int(rng.integers(1, 4)))
    kernel = (int(rng.integers(1, min(4, height + 1))), int(rng.integers(1, min(4, width + 1))))
    input_format = random_format(rng, width=(3, 11))
    first = random_cast(rng, input_format, roundings, overflows)
    conv = Conv2D(
        **_linear_parameters(rng, first.format, (*kernel, channels, int(rng.integers(1, 5)))),
        strides=tuple(int(step) for step in rng.integers(1, 3, 2)),
        padding=tuple((int(a), int(b)) for a, b in (rng.integers(0, 3, 2) for _ in range(2))),
    )
    second = random_cast(rng, conv.accumulator, roundings, overflows)
    terms = int(np.prod(conv.output_shape((height, width, channels))))
    dense = Dense(**_linear_parameters(rng, second.format, (terms, int(rng.integers(1, 6)))))
    third = random_cast(rng, dense.accumulator, roundings, overflows)
    operations: dict[str, Operation] = {"Input": Quantize(first), "conv/1": conv}
    if rng.random() < 0.5:
        operations["relu 1"] = Relu()
    operations |= {"conv 1": Quantize(second), "flat": Flatten(), "dense": dense}
    if rng.random() < 0.5:
        operations["relu 2"] = Relu()
    operations["latent"] = Quantize(third)
    names = list(operations)
    nodes = tuple(
        Node(name, operation, source)
        for (name, operation), source in zip(operations.items(), ["input", *names[:-1]], strict=True)
    )
    return Graph("random", (height, width, channels), input_format, nodes)


def cast_chain(input_format: Format, casts: Sequence[Cast], size: int = 4) -> Graph:
    """Casts one after the other."""
    names = [f"cast{number}" for number in range(len(casts))]
    nodes = (
        Node(name, Quantize(cast), source)
        for name, cast, source in zip(names, casts, ["input", *names[:-1]], strict=True)
    )
    return Graph("casts", (size,), input_format, tuple(nodes))


def _shape(rng: Generator, axes: int, most: int = 5) -> tuple[int, ...]:
    return tuple(int(size) for size in rng.integers(1, most + 1, axes))


def _pairs(rng: Generator, axes: int, most: int) -> tuple[tuple[int, int], ...]:
    return tuple((int(a), int(b)) for a, b in rng.integers(0, most + 1, (axes, 2)))


def _ints(rng: Generator, low: int, high: int, axes: int) -> tuple[int, ...]:
    return tuple(int(n) for n in rng.integers(low, high + 1, axes))


def _windowed(rng: Generator, axes: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """A spatial shape and a window that fits into it."""
    shape = tuple(int(n) for n in rng.integers(3, 7, axes))
    return shape, tuple(int(rng.integers(1, min(size, 3) + 1)) for size in shape)


def _one(operation: Operation, shape: tuple[int, ...], given: Format) -> Graph:
    return Graph(type(operation).__name__, shape, given, (Node("it", operation, "input"),))


def _quantize(rng: Generator, given: Format) -> Graph:
    return _one(Quantize(random_cast(rng, given)), _shape(rng, int(rng.integers(1, 4))), given)


def _relu(rng: Generator, given: Format) -> Graph:
    return _one(Relu(), _shape(rng, int(rng.integers(1, 4))), given)


def _leaky_relu(rng: Generator, given: Format) -> Graph:
    return _one(LeakyRelu(int(rng.integers(0, 5))), _shape(rng, int(rng.integers(1, 4))), given)


def _table(rng: Generator, given: Format) -> Graph:
    result = random_format(rng)
    table = uniform_codes(rng, result, (1 << given.width,))
    return _one(Table(table, result), _shape(rng, int(rng.integers(1, 4))), given)


def _thresholds(rng: Generator, given: Format) -> Graph:
    """Up to seven steps, of each channel or of all, some beyond the ends of the input."""
    result, shape = random_format(rng), _shape(rng, int(rng.integers(1, 4)))
    channels, steps = (shape[-1] if rng.random() < 0.7 else 1), int(rng.integers(1, 8))
    rising = np.sort(uniform_codes(rng, given, (channels, steps)) + int(rng.integers(-2, 3)), axis=1)
    return _one(Thresholds(rising, uniform_codes(rng, result, (channels, steps + 1)), result), shape, given)


def _quantize_each(rng: Generator, given: Format) -> Graph:
    """Formats that differ along some of the axes, elements of no bits among them."""
    shape = _shape(rng, int(rng.integers(1, 4)))
    own = tuple(size if rng.random() < 0.8 else 1 for size in shape)
    width = rng.integers(0, given.width + 3, own)
    fraction = given.fraction - rng.integers(-2, 4, own)
    modes = list(Rounding)[rng.integers(7)], list(Overflow)[rng.integers(4)]
    return _one(QuantizeEach(rng.integers(0, 2, own), width, width - fraction, *modes), shape, given)


def _dense_over(axes: int) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        parameters = _linear_parameters(rng, given, _shape(rng, 2))
        return _one(Dense(**parameters), (*_shape(rng, axes, 3), len(parameters["kernel"])), given)

    return make


def _affine(rng: Generator, given: Format) -> Graph:
    parameters = _linear_parameters(rng, given, _shape(rng, 1))
    return _one(Affine(**parameters), (*_shape(rng, int(rng.integers(0, 3))), len(parameters["kernel"])), given)


def _convolution(kind: type[Conv1D] | type[Conv2D], axes: int, dilated: bool = False, grouped: bool = False) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        shape, window = _windowed(rng, axes)
        dilation = _ints(rng, 1, 2, axes) if dilated else (1,) * axes
        groups = int(rng.integers(2, 4)) if grouped else 1
        channels, filters = _ints(rng, 1, 3, 2)
        parameters = _linear_parameters(rng, given, (*window, channels, filters * groups))
        padding = _pairs(rng, axes, 2) if rng.random() < 0.5 else ((0, 0),) * axes
        shape = tuple(
            max(size, (taps - 1) * step + 1) for size, taps, step in zip(shape, window, dilation, strict=True)
        )
        operation = kind(
            **parameters, strides=_ints(rng, 1, 2, axes), padding=padding, dilation=dilation, groups=groups
        )
        return _one(operation, (*shape, channels * groups), given)

    return make


def _depthwise(axes: int, multiplied: bool) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        shape, window = _windowed(rng, axes)
        channels, multiplier = int(rng.integers(1, 4)), int(rng.integers(2, 4)) if multiplied else 1
        parameters = _linear_parameters(rng, given, (*window, channels, multiplier))
        parameters["bias"] = uniform_codes(rng, parameters["bias_format"], (channels * multiplier,))
        padding = _pairs(rng, axes, 2) if rng.random() < 0.5 else ((0, 0),) * axes
        operation = DepthwiseConv(**parameters, strides=_ints(rng, 1, 2, axes), padding=padding)
        return _one(operation, (*shape, channels), given)

    return make


def _transposed(rng: Generator, given: Format) -> Graph:
    axes = int(rng.integers(1, 3))
    shape, window = _windowed(rng, axes)
    channels, filters = _ints(rng, 1, 3, 2)
    parameters = _linear_parameters(rng, given, (*window, channels, filters))
    padding = tuple((size - 1, size - 1) for size in window)
    return _one(TransposedConv(**parameters, padding=padding), (*shape, channels), given)


def _max_pool(axes: int, padded: bool, signed: bool | None = None) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        shape, window = _windowed(rng, axes)
        padding = tuple((a, b) for a, b in (_ints(rng, 0, size - 1, 2) for size in window)) if padded else ()
        given = Format(given.signed if signed is None else signed, given.width, given.integer)
        return _one(MaxPool(window, _ints(rng, 1, 3, axes), padding), (*shape, int(rng.integers(1, 4))), given)

    return make


def _average_pool(axes: int) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        window = tuple(int(n) for n in rng.choice([1, 2, 4], axes))
        shape = tuple(size + int(rng.integers(0, 4)) for size in window)
        return _one(AveragePool(window, _ints(rng, 1, 3, axes)), (*shape, int(rng.integers(1, 4))), given)

    return make


def _flatten(rng: Generator, given: Format) -> Graph:
    return _then_cast(rng, Flatten(), _shape(rng, int(rng.integers(2, 4))), given)


def _reshape(rng: Generator, given: Format) -> Graph:
    shape = _shape(rng, 3, 4)
    return _then_cast(rng, Reshape(tuple(int(n) for n in rng.permutation(shape))), shape, given)


def _then_cast(rng: Generator, operation: Operation, shape: tuple[int, ...], given: Format) -> Graph:
    """The operation, cast before and behind, as hls4ml drops what stands at an end of the graph."""
    first = Cast(Format(not given.signed, given.width, given.integer))
    last = Cast(given)
    nodes = (
        Node("first", Quantize(first), "input"),
        Node("it", operation, "first"),
        Node("last", Quantize(last), "it"),
    )
    return Graph(type(operation).__name__, shape, given, nodes)


def _permute(axes: int) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        return _one(Permute(tuple(int(n) for n in rng.permutation(axes))), _shape(rng, axes), given)

    return make


def _zero_pad(axes: int) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        return _one(ZeroPad(_pairs(rng, axes, 2)), _shape(rng, axes + 1), given)

    return make


def _crop(axes: int) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        pairs = _pairs(rng, axes, 2)
        shape = tuple(sum(pair) + int(rng.integers(1, 4)) for pair in pairs)
        return _one(Crop(pairs), (*shape, int(rng.integers(1, 4))), given)

    return make


def _up_sample(axes: int) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        return _one(UpSample(_ints(rng, 1, 3, axes)), _shape(rng, axes + 1), given)

    return make


def _gather(axes: int) -> Maker:
    """Picked along one axis of several; with no axis any elements anywhere, some of them zeros."""

    def make(rng: Generator, given: Format) -> Graph:
        shape = _shape(rng, max(axes, 2), 4)
        places = np.arange(int(np.prod(shape))).reshape(shape)
        if axes:
            axis = int(rng.integers(axes))
            which = places.take(rng.integers(shape[axis], size=int(rng.integers(1, 5))), axis=axis)
        else:
            which = rng.integers(-1, places.size, _shape(rng, 2))
        return _one(Gather(which), shape, given)

    return make


def _merge(operation: Operation, inputs: int = 2) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        """The input, cast in several ways, and merged."""
        shape = _shape(rng, int(rng.integers(1, 4)))
        casts = [
            Node(f"cast{n}", Quantize(Cast(random_format(rng, width=(2, 7), integer=(0, 4)))), "input")
            for n in range(inputs)
        ]
        merged = Node("it", operation, *(node.name for node in casts))
        return Graph(type(operation).__name__, shape, given, (*casts, merged))

    return make


def _concatenate(axes: int) -> Maker:
    def make(rng: Generator, given: Format) -> Graph:
        """Casts of the input, one of them joined to itself, along any axis."""
        axis, shape = int(rng.integers(axes)), _shape(rng, axes, 4)
        formats = [random_format(rng, width=(2, 7), integer=(0, 4)) for _ in range(2)]
        nodes = [Node(f"cast{n}", Quantize(Cast(format_)), "input") for n, format_ in enumerate(formats)]
        nodes.append(Node("two", Concatenate(axis), "cast0", "cast1"))
        if rng.random() < 0.5:
            nodes.append(Node("more", Concatenate(axis), "cast1", "two", "cast0"))
        return Graph("Concatenate", shape, given, tuple(nodes))

    return make


OPERATIONS: dict[str, Maker] = {
    "Quantize": _quantize,
    "Relu": _relu,
    "LeakyRelu": _leaky_relu,
    "Table": _table,
    "QuantizeEach": _quantize_each,
    "Thresholds": _thresholds,
    "Dense 1D": _dense_over(0),
    "Dense 2D": _dense_over(1),
    "Dense 3D": _dense_over(2),
    "Dense 4D": _dense_over(3),
    "Affine": _affine,
    "Conv1D": _convolution(Conv1D, 1),
    "Conv2D": _convolution(Conv2D, 2),
    "Conv1D dilated": _convolution(Conv1D, 1, dilated=True),
    "Conv2D dilated": _convolution(Conv2D, 2, dilated=True),
    "Conv1D grouped": _convolution(Conv1D, 1, grouped=True),
    "Conv2D grouped": _convolution(Conv2D, 2, grouped=True),
    "DepthwiseConv 1D": _depthwise(1, False),
    "DepthwiseConv 2D": _depthwise(2, False),
    "DepthwiseConv 1D multiplied": _depthwise(1, True),
    "DepthwiseConv 2D multiplied": _depthwise(2, True),
    "TransposedConv": _transposed,
    "MaxPool 1D": _max_pool(1, False),
    "MaxPool 2D": _max_pool(2, False),
    "MaxPool 1D padded signed": _max_pool(1, True, True),
    "MaxPool 2D padded signed": _max_pool(2, True, True),
    "MaxPool 1D padded unsigned": _max_pool(1, True, False),
    "MaxPool 2D padded unsigned": _max_pool(2, True, False),
    "AveragePool 1D": _average_pool(1),
    "AveragePool 2D": _average_pool(2),
    "Add": _merge(Add()),
    "Add of three": _merge(Add(), 3),
    "Subtract": _merge(Subtract()),
    "Multiply": _merge(Multiply()),
    "Concatenate 1D": _concatenate(1),
    "Concatenate 2D": _concatenate(2),
    "Concatenate 3D": _concatenate(3),
    "Concatenate 4D": _concatenate(4),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Permute 2D": _permute(2),
    "Permute 3D": _permute(3),
    "Permute 4D": _permute(4),
    "ZeroPad 1D": _zero_pad(1),
    "ZeroPad 2D": _zero_pad(2),
    "Crop 1D": _crop(1),
    "Crop 2D": _crop(2),
    "UpSample 1D": _up_sample(1),
    "UpSample 2D": _up_sample(2),
    "Gather": _gather(0),
    "Gather along 1D": _gather(1),
    "Gather along 3D": _gather(3),
}
"""One operation -> a maker of random small graphs around it."""


def random_operation(rng: Generator, name: str) -> Graph:
    """A random graph of one of `OPERATIONS`, over an input of a random format."""
    return OPERATIONS[name](rng, random_format(rng))


def random_branches(rng: Generator) -> Graph:
    """A residual network: a node that feeds three, sums, a product, a concatenation, pooling and a dense end."""
    given = random_format(rng, width=(3, 8))
    shape = (4, 4, 2)
    narrow = Quantize(Cast(Format(True, 5, 2), Rounding.RND_CONV, Overflow.SAT))
    first = Conv2D(**_linear_parameters(rng, given, (3, 3, 2, 2)), padding=((1, 1), (1, 1)))
    second = Conv2D(**_linear_parameters(rng, narrow.cast.format, (1, 1, 2, 2)))
    nodes = (
        Node("first", first, "input"),
        Node("stem", narrow, "first"),
        Node("second", second, "stem"),
        Node("branch", narrow, "second"),
        Node("active", Relu(), "stem"),
        Node("sum", Add(), "branch", "stem", "active"),
        Node("product", Multiply(), "branch", "sum"),
        Node("joined", Concatenate(2), "product", "active", "stem"),
        Node("pooled", MaxPool((2, 2), (2, 2)), "joined"),
        Node("small", Quantize(Cast(Format(True, 7, 4), Rounding.RND, Overflow.SAT_SYM)), "pooled"),
        Node("flat", Flatten(), "small"),
        Node("dense", Dense(**_linear_parameters(rng, Format(True, 7, 4), (24, 3))), "flat"),
        Node("scaled", Affine(**_linear_parameters(rng, Format(True, 7, 4), (6,))), "small"),
        Node("again", Quantize(Cast(Format(True, 7, 4), Rounding.TRN, Overflow.SAT)), "scaled"),
        Node("twice", Affine(**_linear_parameters(rng, Format(True, 7, 4), (6,))), "again"),
        Node("fine", Quantize(Cast(Format(True, 7, 4))), "twice"),
        Node("square", Multiply(), "fine", "fine"),
        Node("line", Flatten(), "square"),
        Node("left", Dense(**_linear_parameters(rng, Format(True, 14, 8), (24, 3))), "line"),
        Node("right", Dense(**_linear_parameters(rng, Format(True, 14, 8), (24, 3))), "line"),
        Node("end", Subtract(), "left", "right"),
        Node("short", Quantize(Cast(Format(True, 12, 6))), "end"),
        Node("low", Quantize(Cast(Format(True, 12, 6))), "dense"),
        Node("output", Concatenate(0), "short", "low"),
    )
    return Graph("branches", shape, given, nodes)
