"""Kernels of sums of products: the types that hold them, their weights in the order in which they are read."""

from math import prod

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Convolution, Linear, Range
from qcompress.graph.stage import Shape
from qcompress.targets.cpp.geometry import as_image, of_both_axes, window_sizes
from qcompress.targets.cpp.program import Group, Program
from qcompress.targets.cpp.structs import finish, kernel_struct, sum_type_of, write_finish
from qcompress.targets.cpp.types import Bounds, arithmetic_type, shift_count, wrap_step

PAIRED = ("std::int16_t", "std::int16_t", "std::int32_t")
"""Types of inputs, weights and sums of which processors form two products at once."""
NO_PAIRS = {"paired": 0, "interleaved": 0}
MOST_PAIRS = 1 << 16
"""Weights that the compiler sorts into pairs; g++ ends constant loops at 2^18."""


def write_linear(program: Program, group: Group, operation: Linear) -> None:
    """Write the kernel of a sum of products, `operation`, the head of a `group` of a `program`, and note its call."""
    node, graph = group.head, program.graph
    given, weights, bias = graph.formats[node.source], operation.matrix, operation.cast_bias()
    shift = min(operation.shift(given), 63)
    constants = [Bounds(int(array.min()), int(array.max())) for array in (weights, bias)]
    partial, sums = _sum_bounds(operation, program.ranges[node.source], given)
    lines, held = finish(program, group, sums, wrap_step(operation.accumulator, sums))
    held = Bounds.around([held, partial, *constants, Bounds(0, 1 << max(-shift, 0)), shift_count(shift)])
    sum_type, weight_type = sum_type_of(program, group, held), arithmetic_type(constants[0], node.name)
    geometry = _geometry(operation, graph.shapes[node.source])
    channels = geometry["group_channels"]
    by_pairs = shift <= 0 and (program.inputs(group)[0].type, weight_type, sum_type) == PAIRED
    pairs = _pairs(operation, channels) if by_pairs else NO_PAIRS
    with kernel_struct(program, group, group.name, program.inputs(group), sum_type) as source:
        source.constants("int", **geometry)
        source.constants("int", groups=weights.shape[0], group_filters=weights.shape[2], filters=operation.channels)
        source.constants("int", shift=max(shift, 0))
        source.constants("bool", **pairs)
        source.constants("Sum", gain=1 << max(-shift, 0))
        ordered = _in_order(weights, channels, bool(pairs["interleaved"]))
        source.array(weight_type, "weights", ordered, before="alignas(64) static ")
        source.array("Sum", "bias", bias)
        write_finish(source, lines)
    program.call("linear", group.name, group, *program.inputs(group))


def _pairs(operation: Linear, channels: int) -> dict[str, int]:
    """Whether products are formed two at once, and whether the weights of two terms lie side by side for it.

    channels: neighbouring inputs that a place of the window sees.
    """
    if _by_channel(operation.matrix, channels):
        return NO_PAIRS
    even = channels % 2 == 0
    return {"paired": int(even or operation.matrix.size <= MOST_PAIRS), "interleaved": int(even)}


def _by_channel(weights: Codes, channels: int) -> bool:
    """Whether every channel is a group of its own: its weights then lie tap by tap."""
    groups, _, filters = weights.shape
    return bool(groups > 1 and filters == channels == 1)


def _in_order(weights: Codes, channels: int, interleaved: bool) -> Codes:
    """Weights (groups, terms, filters) in the order in which the kernel reads them."""
    groups, terms, filters = weights.shape
    if _by_channel(weights, channels):
        return weights.transpose(1, 0, 2)
    if interleaved:
        return weights.reshape(groups, terms // 2, 2, filters).transpose(0, 1, 3, 2)
    return weights


def _sum_bounds(operation: Linear, range_: Range, given: Format) -> tuple[Bounds, Bounds]:
    """Of products and all partial sums, in any order; and of the whole sums, bias included, before they wrap."""
    shift, terms = operation.shift(given), operation.term_range(range_)
    exact = _fit_int64(operation, terms, shift)
    kind = np.int64 if exact else object
    matrix, bias = operation.matrix.astype(kind), operation.cast_bias().astype(kind)
    raw = [end.astype(kind)[..., None] * matrix for end in terms]
    cut = [product >> shift if shift > 0 else product << -shift for product in raw]
    least, most = np.minimum(*cut), np.maximum(*cut)
    bias = bias.reshape(least.shape[0], -1)
    partial = [np.minimum(least, 0).sum(axis=1), np.maximum(most, 0).sum(axis=1)]
    partial = [partial[0] + np.minimum(bias, 0), partial[1] + np.maximum(bias, 0)]
    products = Bounds(int(np.minimum(*raw).min()), int(np.maximum(*raw).max()))
    sums = Bounds(int((least.sum(axis=1) + bias).min()), int((most.sum(axis=1) + bias).max()))
    return Bounds.around([products, Bounds(int(partial[0].min()), int(partial[1].max()))]), sums


def _fit_int64(operation: Linear, terms: Range, shift: int) -> bool:
    """Whether sums of products, in any order, are surely within 63 bits."""
    matrix = operation.matrix
    widest = max(int(np.abs(end).max()) for end in terms) * int(np.abs(matrix).max()) << max(-shift, 0)
    bias = int(np.abs(operation.cast_bias()).max())
    return int(widest * matrix.shape[1] + bias).bit_length() < 63


def _geometry(operation: Linear, shape: Shape) -> dict[str, int]:
    """A sum of products as a window over (height, width, channels)."""
    terms = operation.matrix.shape[1]
    if not isinstance(operation, Convolution):
        positions = prod(shape[:-1])
        return window_sizes(shape=(1, positions, shape[-1]), rows=(1, positions)) | {"group_channels": terms}
    windows = operation.windows
    sizes = window_sizes(
        shape=as_image(shape),
        rows=as_image(operation.output_shape(shape))[:2],
        kernel=of_both_axes(windows.size, 1),
        stride=of_both_axes(windows.strides, 1),
        dilation=of_both_axes(windows.dilation, 1),
        before=of_both_axes([pad[0] for pad in windows.padding], 0),
        stuffing=of_both_axes(windows.stuffing, 1),
    )
    return sizes | {"group_channels": terms // prod(windows.size)}
