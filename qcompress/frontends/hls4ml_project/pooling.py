"""Pooling: the largest of a window, and means with the accumulator and the division of each kernel."""

from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import MAX_WIDTH, Cast, Codes, Format, Rounding
from qcompress.frontends.builder import UNKNOWN
from qcompress.frontends.chaining import scaled
from qcompress.frontends.hls4ml_project.configs import Config
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.curves import NOTHING, Handler, assigned
from qcompress.frontends.hls4ml_project.linear import spatial
from qcompress.frontends.hls4ml_project.number_types import NumberType
from qcompress.frontends.hls4ml_project.top import Call
from qcompress.frontends.reduction import ONE
from qcompress.graph import DepthwiseConv, MaxPool, Quantize, Shape
from qcompress.graph.windows import Windows


def sliding(axes: int) -> Handler:
    """nnet::pooling1d_cl, pooling2d_cl; axes: 1 or 2."""

    def pooling(converter: Converter, call: Call) -> None:
        config = converter.config(call)
        names = ("width",) if axes == 1 else ("height", "width")
        sides = (("left", "right"),) if axes == 1 else (("top", "bottom"), ("left", "right"))
        size = tuple(config.integer(f"pool_{name}") for name in names)
        strides = tuple(config.integer(f"stride_{name}") for name in names)
        padding = tuple((config.integer(f"pad_{a}", 0), config.integer(f"pad_{b}", 0)) for a, b in sides)
        windows = Windows(size, strides, padding, (1,) * axes, (1,) * axes)
        shape = (*_sizes(config, axes), config.integer("n_filt"))
        _check_windows(converter, call, config, windows, shape)
        _pool(converter, call, config, converter.source(call, 0, shape), windows)

    return pooling


def whole(axes: int) -> Handler:
    """nnet::global_pooling1d_cl, global_pooling2d_cl: one window."""

    def pooling(converter: Converter, call: Call) -> None:
        config = converter.config(call)
        sizes = _sizes(config, axes)
        source = converter.source(call, 0, (*sizes, config.integer("n_filt")))
        windows = Windows(sizes, sizes, ((0, 0),) * axes, (1,) * axes, (1,) * axes)
        _pool(converter, call, config, source, windows, whole=True)

    return pooling


def _sizes(config: Config, axes: int) -> Shape:
    return (config.integer("n_in"),) if axes == 1 else spatial(config, axes)


def _check_windows(converter: Converter, call: Call, config: Config, windows: Windows, shape: Shape) -> None:
    """Raises Refused for windows that a kernel gets wrong."""
    padded = any(any(pair) for pair in windows.padding)
    if converter.streams and padded:
        raise Refused(f"layer {call.name}: kernels of streams do not pad")
    if windows.size != windows.strides and (converter.streams or converter.version < (1, 2)):
        raise Refused(f"layer {call.name}: its kernel wants strides as large as the window, {windows.size}")
    names = ("n_out",) if len(windows.size) == 1 else ("out_height", "out_width")
    out = tuple(config.integer(name) for name in names)
    if out != windows.positions(shape):
        raise Refused(f"layer {call.name}: gives {out} positions where its window makes {windows.positions(shape)}")
    data = converter.type(call, 0)
    if config.word("pool_op") != "Average" or not _rescales(converter):
        return
    wanted = (*windows.size, 1)
    kept = [assigned(float(size), data) for size in wanted]
    exact = all(one.format.to_values(one.codes)[0] == size for one, size in zip(kept, wanted, strict=True))
    if not exact or (padded and not config.integer("count_pad", 0)):
        raise Refused(
            f"layer {call.name}: its kernel scales means by window and padding, in {data}; that is not supported"
        )


def _rescales(converter: Converter) -> bool:
    """Whether a kernel multiplies means by its window over what of it is no padding, in the type of the data."""
    if converter.streams:
        return False
    return converter.backend in ("Catapult", "Quartus") or converter.version < (1, 0)


def _pool(converter: Converter, call: Call, config: Config, source: str, windows: Windows, whole: bool = False) -> None:
    kind = config.word("pool_op")
    result = converter.type(call, 1)
    if kind == "Max":
        node = _largest(converter, call, config, source, windows, whole)
    elif kind == "Average":
        accumulator = _accumulator(converter, call, config, windows, whole)
        node = _mean(converter, call, config, source, windows, accumulator)
    else:
        raise Refused(f"layer {call.name}: pooling {kind or 'of no kind'} is not supported")
    converter.give(call, 1, converter.finish(call, node, result))


def _largest(converter: Converter, call: Call, config: Config, source: str, windows: Windows, whole: bool) -> str:
    """The largest of each window, in the accumulator's type where a kernel has it in one."""
    data = converter.type(call, 0)
    padded = any(any(pair) for pair in windows.padding)
    kept = data if "accum_t" not in config.types else config.type("accum_t")
    if (padded and not data.signed) or (whole and converter.streams and not kept.signed):
        raise Refused(f"layer {call.name}: its kernel begins with {1 << (data.width - 1)} for numbers without a sign")
    pool = MaxPool(windows.size, windows.strides, windows.padding)
    node = converter.builder.add(f"{call.name}_largest", pool, source)
    if converter.backend != "Vivado" and not (converter.streams and (whole or converter.backend == "Catapult")):
        return node
    if converter.streams and not converter.fits(node, kept):
        raise Refused(f"layer {call.name}: its accumulator {kept} changes numbers before they are compared; widen it")
    if converter.version < (1, 0):
        return node
    return converter.assign(f"{call.name}_accumulator", call.name, node, kept)


def _accumulator(converter: Converter, call: Call, config: Config, windows: Windows, whole: bool) -> NumberType:
    """The type in which a kernel sums."""
    data = converter.type(call, 0)
    if converter.streams and (converter.backend != "Quartus" or whole):
        buffered = config.word("implementation") == "linebuffer" and not whole
        old = converter.backend == "Catapult" or converter.version < (0, 7)
        return data if buffered and old else config.type("accum_t")
    if converter.backend == "Vivado" and converter.version >= (1, 0):
        return config.type("accum_t")
    plain = data.signed and data.rounding == "TRN" and data.overflow == "WRAP"
    grown = (prod(windows.size) - 1).bit_length() if plain else 0
    return NumberType(data.signed, data.width + grown, data.integer + grown, data.rounding, data.overflow)


def _mean(
    converter: Converter, call: Call, config: Config, source: str, windows: Windows, accumulator: NumberType
) -> str:
    """The quotient of the sum of each window, rounded towards 0 in the accumulator's last bit."""
    builder, name = converter.builder, call.name
    shape = builder.shapes[source]
    given = builder.formats[source]
    if given.fraction > accumulator.fraction and accumulator.rounding != "TRN":
        raise Refused(f"layer {name}: its accumulator {accumulator} rounds every element; give it more bits")
    if accumulator.is_wide:
        raise Refused(f"layer {name}: an accumulator of {accumulator.width} bits; 62 at most")
    ones = np.ones((*windows.size, shape[-1], 1), np.int64)
    nothing = np.zeros(shape[-1], np.int64)
    sums: dict[str, Any] = {"strides": windows.strides, "padding": windows.padding}
    exact = DepthwiseConv(ones, ONE, nothing, ONE, UNKNOWN, **sums)
    total = builder.add(f"{name}_sum", exact, source)
    if given.fraction > accumulator.fraction or not converter.fits(total, accumulator):
        if accumulator.overflow != "WRAP":
            raise Refused(f"layer {name}: its accumulator {accumulator} may saturate within a sum; give it more bits")
        wrapped = DepthwiseConv(ones, ONE, nothing, ONE, accumulator.format, **sums)
        total = builder.add(f"{name}_accumulator", wrapped, source)
    counts = _counts(config, windows, shape)
    node = divided(converter, call, total, counts, accumulator)
    return node


def _counts(config: Config, windows: Windows, shape: Shape) -> Codes:
    """What the sum of every window is divided by; (*positions, 1)."""
    places = windows.spatial(shape)
    if config.integer("count_pad", 0):
        return np.full((*windows.positions(shape), 1), places.shape[1], np.int64)
    return np.asarray((places >= 0).sum(axis=1), np.int64).reshape(*windows.positions(shape), 1)


def divided(converter: Converter, call: Call, node: str, counts: Codes, accumulator: NumberType) -> str:
    """node / counts, rounded towards 0 to the accumulator's last bit: a product with a reciprocal that is close enough.

    |n| < 2**b times (2**k + e) / d, with e < d and b + bits of d <= k, has the same whole part as |n| / d.
    """
    builder = converter.builder
    given, range_ = builder.formats[node], builder.ranges[node]
    lift = accumulator.fraction - given.fraction
    largest = max(abs(int(range_.low.min())), abs(int(range_.high.max()))) << max(lift, 0)
    most = int(counts.max())
    if most == 1:
        return node
    if (counts & (counts - 1) == 0).all():
        shift = most.bit_length() - 1
        factors = (1 << shift) // counts
    else:
        shift = largest.bit_length() + most.bit_length()
        factors = -(-(1 << shift) // counts)
    width = int(factors.max()).bit_length()
    if given.width + width > MAX_WIDTH:
        raise Refused(f"layer {call.name}: the mean of {most} needs more than {MAX_WIDTH} bits; narrow its input")
    reciprocal = np.broadcast_to(factors, builder.shapes[node])
    weight = Format(False, width, width - shift)
    product = scaled(builder, f"{call.name}_quotient", node, (reciprocal, weight), NOTHING)
    towards = Cast(accumulator.format, Rounding.TRN_ZERO, accumulator.cast.overflow)
    return builder.add(f"{call.name}_mean", Quantize(towards), product)
