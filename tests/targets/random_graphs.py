"""Random small graphs: every operation, random formats (also with the point outside the bits), shapes and modes."""

from collections.abc import Sequence

import numpy as np

from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Operation, Quantize, Relu

Generator = np.random.Generator


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
    return Cast(format_, roundings[rng.integers(len(roundings))], overflows[rng.integers(len(overflows))])


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


def _linear_parameters(rng: Generator, given: Format, shape: tuple[int, ...]) -> dict[str, object]:
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
        padding=tuple(tuple(int(n) for n in rng.integers(0, 3, 2)) for _ in range(2)),
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
