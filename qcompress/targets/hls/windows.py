"""Sums of products and pooling as hls4ml layers: windows that slide, and what becomes one."""

from math import prod
from typing import Any, NamedTuple

import numpy as np

from qcompress.fixedpoint import MAX_WIDTH, Codes, Format
from qcompress.graph import (
    Affine,
    AveragePool,
    Convolution,
    Dense,
    DepthwiseConv,
    Linear,
    MaxPool,
    Pool,
    ZeroPad,
)
from qcompress.graph.movement import Pairs
from qcompress.graph.stage import Shape
from qcompress.targets.hls.layer_settings import valid_reuse_factors, window_reuse_factors
from qcompress.targets.hls.model import Layer, Layers, Tensor
from qcompress.targets.hls.proven import AVERAGING, DEPTHWISE

# Sums of products


class Weights(NamedTuple):
    """What a sum of products is made of: codes and formats."""

    kernel: Codes
    kernel_format: Format
    bias: Codes
    bias_format: Format
    accumulator: Format

    @classmethod
    def of(cls, layers: Layers, operation: Linear, kernel: Codes) -> "Weights":
        """The weights of operation, with kernel, its own in the shape of hls4ml's layer.

        layers: whose node at hand is refused if they are too wide.
        """
        layers.refuse_wide("kernel", operation.kernel_format)
        layers.refuse_wide("bias", operation.bias_format)
        return cls(kernel, operation.kernel_format, operation.bias, operation.bias_format, operation.accumulator)

    @classmethod
    def picking(cls, kernel: Codes, scale: int, channels: int, accumulator: Format) -> "Weights":
        """A kernel of ones, each worth 2**-scale, and no bias, for as many channels; accumulator: of the sums."""
        one = Format(False, 1, 1 - scale)
        return cls(kernel, one, np.zeros(channels, np.int64), one, accumulator)

    @property
    def types(self) -> dict[str, Format]:
        return {"weight": self.kernel_format, "bias": self.bias_format, "accum": self.accumulator}

    def data(self, name: str = "weight") -> Layer:
        """The values that hls4ml takes; name: of the kernel among them."""
        return {
            f"{name}_data": self.kernel_format.to_values(self.kernel),
            "bias_data": self.bias_format.to_values(self.bias),
        }


def dense(layers: Layers, operation: Dense, source: Tensor) -> Tensor:
    """A dense operation on source, appended to layers; on more than one axis a convolution with a window of one."""
    shape = operation.output_shape(source.shape)
    if len(source.shape) in (2, 3):
        kernel = operation.kernel[(None,) * (len(shape) - 1)]
        return convolve(layers, Weights.of(layers, operation, kernel), Window.one(len(shape) - 1), source)
    if len(source.shape) > 3:
        rows = layers.reshaped((prod(source.shape[:-1]), source.shape[-1]), source)
        return layers.reshaped(shape, dense(layers, operation, rows))
    weights = Weights.of(layers, operation, operation.kernel)
    inputs, outputs = operation.kernel.shape
    own = layers.own_reuse_factor(valid_reuse_factors(inputs, outputs))
    result = layers.add(
        "Dense",
        shape,
        operation.accumulator,
        source,
        types=weights.types,
        n_in=inputs,
        n_out=outputs,
        **weights.data(),
    )
    if own is not None:
        layers.reuse_factors[result.name] = own
    return result


class Window(NamedTuple):
    """Strides and padding (before, after) of each axis."""

    strides: tuple[int, ...]
    padding: Pairs

    @classmethod
    def one(cls, axes: int) -> "Window":
        """A window of one element that moves by one, without padding, on as many axes."""
        return cls((1,) * axes, ((0, 0),) * axes)


def _geometry(given: Shape, result: Shape, window: Window) -> Layer:
    """Heights, widths, strides and padding of a window that slides from shape `given` to shape `result`."""
    return (
        {"data_format": "channels_last", "padding": "same" if any(map(any, window.padding)) else "valid"}
        | _sizes("in", given[:-1])
        | _sizes("out", result[:-1])
        | _sizes("stride", window.strides)
        | ends_of("pad", window.padding)
    )


def _sizes(prefix: str, size: Shape) -> Layer:
    """As hls4ml names them: the last axis is the width, one before it the height."""
    return dict(zip((f"{prefix}_height", f"{prefix}_width")[-len(size) :], size, strict=True))


def ends_of(prefix: str, pairs: Pairs) -> Layer:
    """Numbers for the ends of each axis, of pairs, as hls4ml names them behind prefix.

    Of two axes top and bottom, left and right, of one left and right.
    """
    names = (("top", "bottom"), ("left", "right"))[-len(pairs) :]
    return {
        f"{prefix}_{end}": number
        for ends, pair in zip(names, pairs, strict=True)
        for end, number in zip(ends, pair, strict=True)
    }


def _positions(given: Shape, size: Shape, window: Window) -> Shape:
    return tuple(
        (length + sum(pad) - taps) // stride + 1
        for length, taps, stride, pad in zip(given[:-1], size, *window, strict=True)
    )


def _as_long_as_strides(weights: Weights, window: Window, given: Shape) -> tuple[Weights, Window]:
    """Zeros behind the kernel up to its strides, and room for them: line buffers lose count of shorter windows."""
    size = weights.kernel.shape[:-2]
    longer = [max(taps, stride) for taps, stride in zip(size, window.strides, strict=True)]
    kernel = np.pad(weights.kernel, [*((0, new - old) for new, old in zip(longer, size, strict=True)), (0, 0), (0, 0)])
    behind = [
        max(after, (count - 1) * stride + taps - length - before)
        for count, stride, taps, length, (before, after) in zip(
            _positions(given, size, window), window.strides, longer, given[:-1], window.padding, strict=True
        )
    ]
    padding = tuple((before, end) for (before, _), end in zip(window.padding, behind, strict=True))
    return weights._replace(kernel=kernel), Window(window.strides, padding)


def convolve(layers: Layers, weights: Weights, window: Window, source: Tensor) -> Tensor:
    """A convolution of source over one or two axes, appended to layers; weights: kernel (*window, channels, filters).

    window: its strides and padding.
    """
    if layers.settings.io_type == "io_stream":
        weights, window = _as_long_as_strides(weights, window, source.shape)
        if len(source.shape) == 2 and any(
            map(any, window.padding)
        ):  # hls4ml pads the first layer that reads the stream
            source, window = pad_with_zeros(layers, window.padding, source), Window(window.strides, ((0, 0),))
    size, filters = weights.kernel.shape[:-2], weights.kernel.shape[-1]
    shape = (*_positions(source.shape, size, window), filters)
    result = layers.add(
        f"Conv{len(size)}D",
        shape,
        weights.accumulator,
        source,
        types=weights.types,
        n_chan=source.shape[-1],
        n_filt=filters,
        **_geometry(source.shape, shape, window),
        **_sizes("filt", size),
        **weights.data(),
    )
    valid = window_reuse_factors(prod(weights.kernel.shape[:-1]))
    own = layers.own_reuse_factor(valid)
    layers.reuse_factors[result.name] = own or max(n for n in valid if n <= layers.settings.reuse_factor)
    return result


def convolve_each(layers: Layers, weights: Weights, window: Window, source: Tensor) -> Tensor:
    """A convolution of every channel of source by itself, appended to layers; kernel (*window, channels, multiplier).

    weights: with that kernel; window: its strides and padding. Where hls4ml has no exact layer for it, one over all
    channels, with zeros.
    """
    size, (channels, multiplier) = weights.kernel.shape[:-2], weights.kernel.shape[-2:]
    if multiplier > 1 or layers.combination not in DEPTHWISE:
        wide = np.zeros((*size, channels, channels, multiplier), np.int64)
        wide[..., range(channels), range(channels), :] = weights.kernel
        full = weights._replace(kernel=wide.reshape(*size, channels, channels * multiplier))
        return convolve(layers, full, window, source)
    if len(size) == 1:  # as one row: headers of the layers for one and for two axes shut each other out
        row = layers.reshaped((1, *source.shape), source)
        flat = Window((1, *window.strides), ((0, 0), *window.padding))
        rows = convolve_each(layers, weights._replace(kernel=weights.kernel[None]), flat, row)
        return layers.reshaped(rows.shape[1:], rows)
    if layers.settings.io_type == "io_stream":
        weights, window = _as_long_as_strides(weights, window, source.shape)
        size = weights.kernel.shape[:-2]
    shape = (*_positions(source.shape, size, window), channels)
    layers.own_reuse_factor((1,))  # hls4ml has no other for this layer
    return layers.add(
        f"DepthwiseConv{len(size)}D",
        shape,
        weights.accumulator,
        source,
        types=weights.types,
        n_chan=channels,
        n_filt=channels,
        depth_multiplier=1,
        **_geometry(source.shape, shape, window),
        **_sizes("filt", size),
        **weights.data("depthwise"),
    )


def _spread(operation: Convolution) -> Codes:
    """The kernel with zeros for its dilation: hls4ml's dilated layers are wrong."""
    spans = [(size - 1) * step + 1 for size, step in zip(operation.kernel.shape[:-2], operation.dilation, strict=True)]
    kernel = np.zeros((*spans, *operation.kernel.shape[-2:]), np.int64)
    kernel[tuple(slice(None, None, step) for step in operation.dilation)] = operation.kernel
    return kernel


def convolution(layers: Layers, operation: Convolution, source: Tensor) -> Tensor:
    """A convolution operation on source, appended to layers; dilation and groups become zeros in the kernel.

    Raises Refused for transposed ones.
    """
    if max(getattr(operation, "stuffing", (1,))) > 1:
        raise layers.refuse("hls4ml has no transposed convolution with strides: use up-sampling and a convolution")
    kernel, groups = _spread(operation), operation.groups
    if groups > 1:
        *size, inputs, filters = kernel.shape
        wide = np.zeros((*size, groups, inputs, groups, filters // groups), np.int64)
        for group in range(groups):
            wide[..., group, :, group, :] = kernel.reshape(*size, inputs, groups, -1)[..., group, :]
        kernel = wide.reshape(*size, groups * inputs, filters)
    return convolve(layers, Weights.of(layers, operation, kernel), Window(operation.strides, operation.padding), source)


def depthwise(layers: Layers, operation: DepthwiseConv, source: Tensor) -> Tensor:
    """A depthwise operation on source, appended to layers; dilation becomes zeros in the kernel."""
    weights = Weights.of(layers, operation, _spread(operation))
    return convolve_each(layers, weights, Window(operation.strides, operation.padding), source)


def affine(layers: Layers, operation: Affine, source: Tensor) -> Tensor:
    """An affine operation on source, appended to layers.

    hls4ml adds before it casts, so the bias goes in as the accumulator holds it; it drops a scale of one.
    """
    layers.refuse_wide("kernel", operation.kernel_format)
    layers.refuse_wide("accumulator", operation.accumulator)
    scale, bias = operation.kernel_format.to_values(operation.kernel), operation.cast_bias()
    if (scale == 1).all() and not bias.any():
        return layers.cast(operation.accumulator, source)
    return layers.add(
        "BatchNormalization",
        source.shape,
        operation.accumulator,
        source,
        types={"scale": operation.kernel_format, "bias": operation.accumulator},
        n_in=prod(source.shape),
        n_filt=len(scale),
        scale_data=scale,
        bias_data=operation.accumulator.to_values(bias),
    )


def resized(layers: Layers, kind: str, shape: Shape, source: Tensor, **attributes: Any) -> Tensor:
    """A layer of class `kind` on source that changes heights and widths only, to shape, appended to layers.

    attributes: its other keys.
    """
    return layers.add(
        f"{kind}{len(shape) - 1}D",
        shape,
        source.format,
        source,
        data_format="channels_last",
        n_chan=shape[-1],
        **_sizes("in", source.shape[:-1]) | _sizes("out", shape[:-1]) | attributes,
    )


def pad_with_zeros(layers: Layers, padding: Pairs, source: Tensor) -> Tensor:
    """Zeros around source, padding (before, after) on each of the axes before the channels, appended to layers."""
    shape = ZeroPad(padding).output_shape(source.shape)
    return resized(layers, "ZeroPadding", shape, source, **ends_of("pad", padding))


# Pooling


def _pooled(
    layers: Layers, kind: str, operation: Pool, padding: Pairs, formats: tuple[Format, Format], source: Tensor
) -> Tensor:
    """formats: of the sum or maximum, and of the result."""
    window = Window(operation.strides, padding)
    shape = (*_positions(source.shape, operation.size, window), source.shape[-1])
    one_axis = {"n_in": source.shape[0], "n_out": shape[0]} if len(operation.size) == 1 else {}
    return layers.add(
        f"{kind}Pooling{len(operation.size)}D",
        shape,
        formats[1],
        source,
        types={"accum": formats[0]},
        n_filt=source.shape[-1],
        count_pad=False,
        **one_axis,
        **_geometry(source.shape, shape, window),
        **_sizes("pool", operation.size),
    )


def max_pool(layers: Layers, operation: MaxPool, source: Tensor) -> Tensor:
    """A maximum operation on source, appended to layers. Raises Refused for windows that streams do not compute.

    Codes without sign are padded with zeros by a layer of its own: hls4ml pads them with the largest code.
    """
    padding, given = operation.padding, source.format
    streams, padded = layers.settings.io_type == "io_stream", any(map(any, padding))
    if streams and operation.strides != operation.size:
        raise layers.refuse("hls4ml's maxima are of windows side by side in io_stream: use strides of their size")
    if streams and padded and given.signed:
        raise layers.refuse("padded maximum of signed codes ends the process in io_stream: use io_parallel")
    if padded and not given.signed:
        source, padding = pad_with_zeros(layers, padding, source), ((0, 0),) * len(padding)
    return _pooled(layers, "Max", operation, padding, (given, given), source)


def average_pool(layers: Layers, operation: AveragePool, source: Tensor) -> Tensor:
    """An average operation on source, appended to layers.

    hls4ml's layer, or where that is wrong or missing a convolution of equal weights.
    """
    result, bits = operation.output_format(source.format), operation.bits
    none = Window(operation.strides, ((0, 0),) * len(operation.size))
    beside = layers.settings.io_type == "io_parallel" or operation.strides == operation.size
    fits = result.width + bits <= MAX_WIDTH
    if bits and beside and fits and layers.combination in AVERAGING:
        sums = Format(result.signed, result.width + bits, result.integer + bits)
        return _pooled(layers, "Average", operation, none.padding, (sums, result), layers.cast(sums, source))
    channels = source.shape[-1]
    kernel = np.ones((*operation.size, channels, 1), np.int64)
    return convolve_each(layers, Weights.picking(kernel, bits, channels, result), none, source)
