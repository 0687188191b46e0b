"""Layers without weights: shapes, padding, pooling, merging."""

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.activations import add_activation
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import alike
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.pending import End, Pending, Step
from qcompress.frontends.quantizers import check_activation, evaluate
from qcompress.frontends.runtime import import_keras, kind_of
from qcompress.frontends.windows import check_channels_last, same_padding
from qcompress.graph import (
    Add,
    AveragePool,
    Concatenate,
    Crop,
    DepthwiseConv,
    Flatten,
    MaxPool,
    Merge,
    Multiply,
    Permute,
    Reshape,
    Shape,
    Subtract,
    UpSample,
    ZeroPad,
)
from qcompress.graph.movement import Pairs


def flatten(builder: Builder, call: Call, source: str) -> str:
    """Flatten: appends to builder what call computes on source; gives the node."""
    check_channels_last(call)
    return builder.add(call.name, Flatten(), source)


def reshape(builder: Builder, call: Call, source: str) -> str:
    """Reshape, one -1 takes what is left: appends to builder what call computes on source; gives the node."""
    target = tuple(int(size) for size in call.layer.target_shape)
    if -1 in target:
        rest = prod(builder.shapes[source]) // max(1, -prod(target))
        target = tuple(rest if size == -1 else size for size in target)
    return builder.add(call.name, Reshape(target), source)


def permute(builder: Builder, call: Call, source: str) -> str:
    """Permute, whose axes count from 1: appends to builder what call computes on source; gives the node."""
    return builder.add(call.name, Permute(tuple(int(axis) - 1 for axis in call.layer.dims)), source)


def zero_pad(builder: Builder, call: Call, source: str) -> str:
    """ZeroPadding1D and 2D: appends to builder what call computes on source; gives the node."""
    check_channels_last(call)
    return builder.add(call.name, ZeroPad(_pairs(call.layer.padding)), source)


def crop(builder: Builder, call: Call, source: str) -> str:
    """Cropping1D and 2D: appends to builder what call computes on source; gives the node."""
    check_channels_last(call)
    return builder.add(call.name, Crop(_pairs(call.layer.cropping)), source)


def up_sample(builder: Builder, call: Call, source: str) -> str:
    """UpSampling1D and 2D: appends to builder what call computes on source; gives the node.

    Raises Refused for another interpolation than the nearest neighbour.
    """
    check_channels_last(call)
    if getattr(call.layer, "interpolation", "nearest") != "nearest":
        raise Refused(f"layer {call.name}: interpolation {call.layer.interpolation!r} is not exact; use 'nearest'")
    return builder.add(call.name, UpSample(_sizes(call.layer.size)), source)


def max_pool(builder: Builder, call: Call, source: str) -> str:
    """MaxPooling1D and 2D: appends to builder what call computes on source; gives the node."""
    size, strides, padding = _window(builder, call, source)
    return builder.add(call.name, MaxPool(size, strides, padding), source)


def average_pool(builder: Builder, call: Call, source: str) -> End:
    """AveragePooling1D and 2D, QAveragePooling2D: appends to builder what call computes on source; gives the last node.

    The plain ones over a power of two of elements, the quantized one over any number. Raises Refused if windows are
    padded.
    """
    size, strides, padding = _window(builder, call, source)
    if any(any(pair) for pair in padding):
        raise Refused(
            f"layer {call.name}: windows at the edge average fewer elements; use padding='valid' or ZeroPadding before"
        )
    if getattr(call.layer, "average_quantizer", None) is not None:
        return _inline(builder, call, builder.add(call.name, _scaled_sum(builder, call, source, size, strides), source))
    if prod(size).bit_count() > 1:
        return _inline(builder, call, _mean(builder, call, source, size, strides))
    return _inline(builder, call, builder.add(call.name, AveragePool(size, strides), source))


def global_max_pool(builder: Builder, call: Call, source: str) -> str:
    """GlobalMaxPooling1D and 2D: appends to builder what call computes on source; gives the last node."""
    size = _spatial(builder, call, source)
    return _flat(builder, call, MaxPool(size, size), source)


def global_average_pool(builder: Builder, call: Call, source: str) -> End:
    """GlobalAveragePooling1D and 2D, QGlobalAveragePooling2D: appends to builder what call computes on source.

    Gives the last node. The plain ones over a power of two of elements, the quantized one over any number.
    """
    size = _spatial(builder, call, source)
    if getattr(call.layer, "average_quantizer", None) is not None:
        return _inline(builder, call, _flat(builder, call, _scaled_sum(builder, call, source, size, size), source))
    if prod(size).bit_count() > 1:
        return _inline(builder, call, _mean(builder, call, source, size, size))
    return _inline(builder, call, _flat(builder, call, AveragePool(size, size), source))


def _mean(builder: Builder, call: Call, source: str, size: Shape, strides: Shape) -> Pending:
    """A mean that is no power of two of elements: their sum, and Keras' own division, which waits for a quantizer."""
    channels, one = builder.shapes[source][-1], Format(False, 1, 1)
    kernel = np.ones((*size, channels, 1), np.int64)
    total = DepthwiseConv(kernel, one, np.zeros(channels, np.int64), one, UNKNOWN, strides=strides)
    flat = "Global" in kind_of(call.layer)
    node = builder.add(f"{call.name}_sum", total, source)
    if flat and not call.layer.keepdims:
        node = builder.add(f"{call.name}_flat", Flatten(), node)

    def divided(sums: Any) -> Any:
        """Keras' mean of windows whose first element is the sum, all others 0."""
        layers, ops = import_keras().layers, import_keras().ops
        window = ops.reshape(sums, (sums.shape[0], *(1,) * len(size), sums.shape[-1]))
        window = ops.pad(window, [(0, 0), *((0, length - 1) for length in size), (0, 0)])
        axes = len(size)
        pool = (
            getattr(layers, f"GlobalAveragePooling{axes}D")()
            if flat
            else getattr(layers, f"AveragePooling{axes}D")(size)
        )
        return ops.reshape(pool(window), sums.shape)

    remedy = f"a mean of {prod(size)} elements is on no grid; use a power of two"
    return Pending(node, (Step(call.name, kind_of(call.layer), divided, remedy),))


def _scaled_sum(builder: Builder, call: Call, source: str, size: Shape, strides: Shape) -> DepthwiseConv:
    """QKeras' average: the sum of a window times the quantized inverse of its number of elements."""
    quantizer = call.layer.average_quantizer_internal
    check_activation(call.name, quantizer)
    try:
        code, format_ = exact_codes(evaluate(quantizer, 1.0 / prod(size)))
    except QcompressError as fault:
        raise Refused(f"layer {call.name}: average_quantizer gives no grid ({fault}); use quantized_bits") from None
    channels = builder.shapes[source][-1]
    kernel = np.full((*size, channels, 1), int(code), np.int64)
    return DepthwiseConv(kernel, format_, np.zeros(channels, np.int64), format_, UNKNOWN, strides=strides)


def _flat(builder: Builder, call: Call, operation: Any, source: str) -> str:
    """Global pooling gives (channels,), or (1, ..., 1, channels) with keepdims."""
    if call.layer.keepdims:
        return builder.add(call.name, operation, source)
    return builder.add(call.name, Flatten(), builder.add(f"{call.name}_window", operation, source))


def merge(operation: Callable[[], Merge]) -> Callable[..., str]:
    """Add, Subtract: a handler that makes one node of all inputs; operation: makes what that node computes."""

    def handler(builder: Builder, call: Call, *sources: str) -> str:
        """The merge: appends to builder what call computes on all sources; gives the node."""
        return builder.add(call.name, operation(), *alike(builder, call.name, *sources))

    return handler


def multiply(builder: Builder, call: Call, *sources: str) -> str:
    """Multiply of two or more, first to last: appends to builder what call computes on sources; gives the last node."""
    node, *others = alike(builder, call.name, *sources)
    for count, other in enumerate(others[:-1], 1):
        node = builder.add(f"{call.name}_product{count}", Multiply(), node, other)
    return builder.add(call.name, Multiply(), node, others[-1])


def concatenate(builder: Builder, call: Call, *sources: str) -> str:
    """Concatenate: appends to builder what call computes on sources; gives the node.

    Keras counts the batch as axis 0.
    """
    axis = int(call.layer.axis)
    axis = axis - 1 if axis > 0 else axis + len(builder.shapes[sources[0]])
    return builder.add(call.name, Concatenate(axis), *sources)


add, subtract = merge(Add), merge(Subtract)


def _inline(builder: Builder, call: Call, node: End) -> End:
    return add_activation(builder, f"{call.name}_activation", call.name, getattr(call.layer, "activation", None), node)


def _window(builder: Builder, call: Call, source: str) -> tuple[Shape, Shape, Pairs]:
    """Size, strides and padding of a pooling layer."""
    check_channels_last(call)
    size, strides = _sizes(call.layer.pool_size), _sizes(call.layer.strides)
    if call.layer.padding.lower() == "valid":
        return size, strides, ((0, 0),) * len(size)
    shape = builder.shapes[source][: len(size)]
    return size, strides, tuple(same_padding(*sizes) for sizes in zip(shape, size, strides, strict=True))


def _spatial(builder: Builder, call: Call, source: str) -> Shape:
    check_channels_last(call)
    return builder.shapes[source][:-1]


def _sizes(given: Any) -> Shape:
    return tuple(int(size) for size in given) if isinstance(given, list | tuple) else (int(given),)


def _pairs(given: Any) -> Pairs:
    """Keras' padding or cropping as one pair for each axis: a 1-D layer keeps a single pair."""
    if isinstance(given[0], list | tuple):
        return tuple((int(before), int(after)) for before, after in given)
    return ((int(given[0]), int(given[1])),)
