"""Layers that join tensors element by element or by sums of products, repeat them, or scale their elements alike."""

from collections.abc import Callable
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import reduction
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import alike
from qcompress.frontends.contraction import einsum
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.pending import End, Pending, Step
from qcompress.frontends.runtime import kind_of
from qcompress.graph import Add, Affine, Reshape, UpSample


def average(builder: Builder, call: Call, *sources: str) -> End:
    """Average: appends to builder what call computes on all sources; gives what ends it.

    Of a number of tensors that is no power of two the mean waits for a quantizer.
    """
    count = len(sources)
    sources = tuple(alike(builder, call.name, *sources))
    if count.bit_count() > 1:
        total = builder.add(f"{call.name}_sum", Add(), *sources)
        remedy = f"a mean of {count} tensors is on no grid; use a power of two"
        return Pending(total, (Step(call.name, kind_of(call.layer), lambda sums: sums / count, remedy),))
    total = builder.add(f"{call.name}_sum", Add(), *sources)
    channels = builder.shapes[total][-1]
    share = Format(False, 1, 2 - count.bit_length())
    nothing = np.zeros(channels, np.int64)
    return builder.add(call.name, Affine(np.ones_like(nothing), share, nothing, share, UNKNOWN), total)


def extreme(find: Callable[..., str]) -> Callable[..., str]:
    """Maximum, Minimum: a handler that makes one node of all inputs; find: appends it, from builder, name, sources."""

    def handler(builder: Builder, call: Call, *sources: str) -> str:
        """The largest or smallest: appends to builder what call computes on all sources; gives the node."""
        return find(builder, call.name, *sources)

    return handler


maximum, minimum = extreme(reduction.maximum), extreme(reduction.minimum)


def dot(builder: Builder, call: Call, first: str, second: str) -> str:
    """Dot: appends to builder what call computes on first and second; gives the node. Raises Refused for cosines."""
    layer, shapes = call.layer, (builder.shapes[first], builder.shapes[second])
    if layer.normalize:
        raise Refused(f"layer {call.name}: Dot with normalize=True divides by lengths, which are on no grid; leave it")
    given = layer.axes if isinstance(layer.axes, list | tuple) else (layer.axes,) * 2
    axes = [axis - 1 if axis > 0 else axis + len(shape) for axis, shape in zip(given, shapes, strict=True)]
    labels = ["".join(LABELS[n][axis] for axis in range(len(shape))) for n, shape in enumerate(shapes)]
    left, right = (each[:axis] + SUMMED + each[axis + 1 :] for each, axis in zip(labels, axes, strict=True))
    result = (left + right).replace(SUMMED, "")
    return einsum(builder, call.name, f"{left},{right}->{result}", first, second)


LABELS, SUMMED = ("abcdefgh", "ijklmnop"), "z"
"""Of the axes of two tensors, and of the one along which products are summed."""


def repeat(builder: Builder, call: Call, source: str) -> str:
    """RepeatVector: appends to builder what call computes on source; gives the node."""
    row = builder.add(f"{call.name}_row", Reshape((1, *builder.shapes[source])), source)
    return builder.add(call.name, UpSample((int(call.layer.n),)), row)


def rescale(builder: Builder, call: Call, source: str) -> End:
    """Rescaling: appends to builder what call computes on source; gives what ends it.

    With a scale or an offset that is on no grid it waits for a quantizer.
    """
    layer, channels = call.layer, builder.shapes[source][-1]
    scale, offset = (np.asarray(given, np.float32).astype(np.float64) for given in (layer.scale, layer.offset))
    try:
        kernel, bias = (_each(given, channels) for given in (scale, offset))
    except QcompressError as fault:
        remedy = f"its scale or offset is on no grid ({fault}); use powers of two"
        rises = bool((scale >= 0).all())
        step = Step(call.name, kind_of(layer), layer, remedy, by_channel=scale.size + offset.size > 2, rises=rises)
        return Pending(source, (step,))
    return builder.add(call.name, Affine(*kernel, *bias, UNKNOWN), source)


def _each(values: Any, channels: int) -> tuple[Any, Format]:
    """Codes of every channel, and their format; raises QcompressError if they are on no grid."""
    codes, format_ = exact_codes(values)
    return np.broadcast_to(codes, (channels,)), format_
