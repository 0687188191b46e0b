"""Sums of products: dense layers, convolutions, normalizations; what accumulator types do to them."""

from dataclasses import replace
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.frontends.builder import UNKNOWN
from qcompress.frontends.chaining import scaled
from qcompress.frontends.hls4ml_project.configs import Config
from qcompress.frontends.hls4ml_project.converter import Converter
from qcompress.frontends.hls4ml_project.curves import SIGNS, Handler
from qcompress.frontends.hls4ml_project.number_types import BIT, NumberType
from qcompress.frontends.hls4ml_project.top import Call
from qcompress.frontends.hls4ml_project.weights import Weights
from qcompress.graph import Conv1D, Conv2D, Dense, DepthwiseConv, Linear
from qcompress.graph.ranges import largest_sum


def summed(
    converter: Converter,
    call: Call,
    source: str,
    operation: Linear,
    accumulator: NumberType,
    result: NumberType,
) -> str:
    """A sum of products as `operation`, whose accumulator is ignored, in the accumulator's type, then the result's.

    Exact where nothing of a sum is lost in any order, else product by product, truncated and wrapped. Raises Refused
    for rounded or saturated accumulators in which something may be lost.
    """
    builder, name = converter.builder, call.name
    given, range_ = builder.formats[source], builder.ranges[source]
    fraction = max(given.fraction + operation.kernel_format.fraction, operation.bias_format.fraction)
    keeps = fraction <= accumulator.fraction
    bound = largest_sum(operation, range_, given)
    limit = min(accumulator.max_code, -accumulator.min_code if accumulator.signed else 0)
    if accumulator.signed and keeps and bound << (accumulator.fraction - fraction) <= limit:
        operation = replace(operation, accumulator=UNKNOWN)
    elif accumulator.overflow != "WRAP" or (accumulator.rounding != "TRN" and not keeps):
        raise Refused(
            f"layer {name}: its accumulator {accumulator} may round or saturate within a sum; give it more bits"
        )
    elif accumulator.is_wide:
        raise Refused(f"layer {name}: its accumulator has {accumulator.width} bits, and sums may need them; 62 at most")
    else:
        operation = replace(operation, accumulator=accumulator.format)
    total = builder.add(f"{name}_sum", operation, source)
    return converter.finish(call, total, result)


def weighted(converter: Converter, call: Call, config: Config, data: NumberType, weights: Weights) -> Weights:
    """Weights as their product means them: of one or two bits they may stand for signs. Raises Refused."""
    product = config.templates.get("product", "product::mult").rpartition("::")[2]
    if product == "mult":
        return weights
    if product == "weight_binary":
        return Weights(np.where(weights.codes == 0, -1, 1), SIGNS)
    if product == "weight_ternary":
        one = 1 << weights.format.fraction if weights.format.fraction >= 0 else 1
        return Weights(np.where(weights.codes == 0, 0, np.where(weights.codes == -one, -1, 1)), SIGNS)
    raise Refused(f"layer {call.name}: products of kind {product} are not supported; quantize weights in fixed point")


def transposed(call: Call, config: Config, kernel: Config) -> bool:
    """Whether weights are stored output by output, as kernels that reuse multipliers want them. Raises Refused."""
    strategy = config.word("strategy") or kernel.word("strategy")
    if strategy not in ("latency", "resource"):
        raise Refused(
            f"layer {call.name}: strategy {strategy or 'of no name'} is not supported; use latency or resource"
        )
    return strategy == "resource"


def dense(converter: Converter, call: Call) -> None:
    """nnet::dense, and dense_resource of Intel."""
    config = converter.config(call)
    inputs, outputs = config.integer("n_in"), config.integer("n_out")
    source = converter.source(call, 0, (inputs,))
    kernel, bias = _parameters(converter, call, config, config, (inputs,), outputs)
    operation = Dense(kernel.codes, kernel.format, bias.codes, bias.format, UNKNOWN)
    types = converter.type(call, 1)
    converter.give(call, 1, summed(converter, call, source, operation, config.type("accum_t"), types))


def _parameters(
    converter: Converter, call: Call, config: Config, mult: Config, taps: tuple[int, ...], outputs: int
) -> tuple[Weights, Weights]:
    """Kernel (*taps, outputs) and bias of a layer whose weights and biases are its third and fourth argument."""
    weight, data = mult.type("weight_t"), converter.type(call, 0)
    if data == BIT and "binary" in mult.templates.get("product", ""):
        raise Refused(f"layer {call.name}: its input is of one bit that stands for a sign; that is not supported")
    count = int(np.prod(taps)) * outputs
    if converter.backend == "Quartus":
        flat = _folded(converter, call, mult, weight, count)
        codes = flat.codes.reshape(outputs, -1).T
    else:
        flat = converter.weights(call, 2, weight, count)
        codes = flat.codes.reshape(outputs, -1).T if transposed(call, config, mult) else flat.codes.reshape(-1, outputs)
    kernel = weighted(converter, call, mult, data, Weights(codes.reshape(*taps, outputs), flat.format))
    return kernel, converter.weights(call, 3, mult.type("bias_t"), outputs)


def _folded(converter: Converter, call: Call, mult: Config, type_: NumberType, count: int) -> Weights:
    """Weights of Intel's kernels, whose rows are padded for the multipliers that are used again; output by output."""
    reuse, block = mult.integer("reuse_factor"), mult.integer("block_factor")
    rows, blocks = mult.integer("reuse_factor_rounded", reuse), mult.integer("block_factor_rounded", block)
    inputs = mult.integer("n_in")
    if reuse > 1 and inputs % reuse and reuse % inputs:
        raise Refused(f"layer {call.name}: reuse factor {reuse} does not divide its {inputs} inputs")
    found = converter.weights(call, 2, type_, rows * blocks if (rows, blocks) != (reuse, block) else count)
    if found.codes.size == count:
        return found
    place = np.arange(count)
    return Weights(found.codes[place % reuse + rows * (place // reuse)], found.format)


def sliding(axes: int) -> Handler:
    """nnet::conv_1d_cl, conv_2d_cl; axes: 1 or 2."""

    def convolution(converter: Converter, call: Call) -> None:
        config = converter.config(call)
        mult = _mult(converter, call, config)
        size, options = window(call, config, axes, converter.backend)
        channels, filters = config.integer("n_chan"), config.integer("n_filt")
        if config.word("implementation") == "winograd" or _is_winograd(config, axes):
            raise Refused(f"layer {call.name}: Winograd's transformation is not supported; write it with im2col")
        source = converter.source(call, 0, (*spatial(config, axes), channels))
        kernel, bias = _parameters(converter, call, config, mult, (*size, channels), filters)
        kind = (Conv1D, Conv2D)[axes - 1]
        operation = kind(kernel.codes, kernel.format, bias.codes, bias.format, UNKNOWN, **options)
        accumulator = mult.type("accum_t")
        converter.give(call, 1, summed(converter, call, source, operation, accumulator, converter.type(call, 1)))

    return convolution


def _is_winograd(config: Config, axes: int) -> bool:
    """Whether Intel's kernels were transformed: they are larger than the window."""
    names = ("filt_width",) if axes == 1 else ("filt_height", "filt_width")
    return any(config.has(f"impl_{name}") and config.integer(f"impl_{name}") != config.integer(name) for name in names)


def _mult(converter: Converter, call: Call, config: Config) -> Config:
    """The struct of the products of a convolution."""
    name = config.types.get("mult_config", f"{config.name}_mult")
    return converter.configs.get(name, config)


def spatial(config: Config, axes: int) -> tuple[int, ...]:
    """Sizes of the input of a layer that slides."""
    return (config.integer("in_width"),) if axes == 1 else (config.integer("in_height"), config.integer("in_width"))


def window(call: Call, config: Config, axes: int, backend: str) -> tuple[tuple[int, ...], dict[str, Any]]:
    """Size of the window of a convolution, and strides, padding and dilation. Raises Refused for what does not fit."""
    names = ("width",) if axes == 1 else ("height", "width")
    sides = (("left", "right"),) if axes == 1 else (("top", "bottom"), ("left", "right"))
    size = tuple(config.integer(f"filt_{name}") for name in names)
    strides = tuple(config.integer(f"stride_{name}", 1) for name in names)
    padding = tuple((config.integer(f"pad_{a}", 0), config.integer(f"pad_{b}", 0)) for a, b in sides)
    dilation = tuple(config.integer(f"dilation_{name}", config.integer("dilation", 1)) for name in names)
    out = tuple(config.integer(f"out_{name}") for name in names)
    given = spatial(config, axes)
    wanted = tuple(
        (inside + sum(pad) - (tap - 1) * dilate - 1) // stride + 1
        for inside, pad, tap, dilate, stride in zip(given, padding, size, dilation, strides, strict=True)
    )
    if wanted != out:
        raise Refused(f"layer {call.name}: gives {out} positions where its window makes {wanted}")
    return size, {"strides": strides, "padding": padding, "dilation": dilation}


def depthwise(converter: Converter, call: Call) -> None:
    """nnet::depthwise_conv_1d_cl, depthwise_conv_2d_cl."""
    config, result = converter.config(call), converter.type(call, 1)
    converter.give(call, 1, depthwise_sum(converter, call, config, converter.source(call), (2, 3), result))


def depthwise_sum(
    converter: Converter, call: Call, config: Config, source: str, places: tuple[int, int], result: NumberType
) -> str:
    """Every channel by itself; places: of weights and biases among the arguments."""
    axes = 2 if config.has("in_height") else 1
    mult = _mult(converter, call, config)
    size, options = window(call, config, axes, converter.backend)
    channels = config.integer("n_chan")
    filters = config.integer("n_filt", channels)
    accumulator = mult.type("accum_t")
    if converter.backend == "Catapult" and not converter.streams:
        if any(stride != 1 for stride in options["strides"]) or any(any(pad) for pad in options["padding"]):
            raise Refused(f"layer {call.name}: Catapult's kernel disregards strides and padding")
        accumulator = result
    if filters != channels:
        raise Refused(f"layer {call.name}: {filters} filters of {channels} channels; one for each is supported")
    source = converter.source(call, 0, (*spatial(config, axes), channels))
    flat = converter.weights(call, places[0], mult.type("weight_t"), int(np.prod(size)) * channels)
    kernel = weighted(converter, call, mult, converter.type(call, 0), flat)
    bias = converter.weights(call, places[1], mult.type("bias_t"), channels)
    codes = kernel.codes.reshape(*size, channels, 1)
    operation = DepthwiseConv(codes, kernel.format, bias.codes, bias.format, UNKNOWN, **options)
    return summed(converter, call, source, operation, accumulator, result)


def normalize(converter: Converter, call: Call) -> None:
    """nnet::normalize: batch normalization, one product and one sum in full precision."""
    config, result = converter.config(call), converter.type(call, 1)
    total, filters = config.integer("n_in"), config.integer("n_filt", -1)
    count = config.integer("n_scale_bias", total if filters == -1 else filters)
    source = converter.source(call)
    scale = converter.weights(call, 2, config.type("scale_t"), count)
    scale = weighted(converter, call, config, converter.type(call, 0), scale)
    bias = converter.weights(call, 3, config.type("bias_t"), count)
    shape = converter.builder.shapes[source]
    if count == total:
        codes = [part.codes.reshape(shape) for part in (scale, bias)]
    elif shape[-1] == count:
        codes = [scale.codes, bias.codes]
    else:
        raise Refused(f"layer {call.name}: {count} scales for shape {shape}")
    name = f"{call.name}_line"
    node = scaled(converter.builder, name, source, (codes[0], scale.format), (codes[1], bias.format))
    converter.give(call, 1, converter.finish(call, node, result))
