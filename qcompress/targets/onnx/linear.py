"""Sums of products with constant weights as ONNX nodes: a matrix product, or products that are cut one by one."""

from dataclasses import replace
from typing import Any

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Affine, Convolution, Dense, Linear, Range, TransposedConv
from qcompress.graph.ranges import largest_sum
from qcompress.graph.stage import Shape
from qcompress.targets.onnx.writer import FLOAT32, INT32, INT64, Tensor, Writer

LARGEST_PAIR = (1 << 15) - 1
"""Up to which two products are added in 16 bits."""
LARGE = 1 << 22
"""Indices of patches that are too many for a model of small networks."""


def linear(
    writer: Writer, operation: Linear, tensor: Tensor, given: Format, shape: Shape, range_: Range, wanted: str
) -> Tensor:
    """Codes in format `given` of `shape`, within `range_`, through the weights, into the accumulator."""
    groups, plain, shift = len(operation.matrix), isinstance(operation, Dense), operation.shift(given)
    ends = operation.sum_range(range_, given)
    total = int(ends.low.min()), int(ends.high.max())
    most = _largest(operation, range_, given)
    if shift <= 0 and _slides(writer, operation, tensor, shape, -shift, most):
        return _accumulated(
            writer, operation, _convolution(writer, operation, tensor, -shift, most, wanted), total, wanted
        )
    taps = operation.taps(shape).swapaxes(0, 1)  # (groups, positions, terms)
    patches = tensor if plain else writer.gather(tensor, taps if groups > 1 else taps[0], f"{wanted}.patches")
    if shift > 0:
        sums = _cut(writer, operation, patches, shift, taps.shape[1], wanted)
    else:
        sums = _matrix_product(writer, patches, operation.matrix << -shift, most, wanted)
    if groups > 1:
        sums = writer.transpose(sums, [0, 2, 1, 3], f"{wanted}.order")
    if not plain:
        sums = writer.reshape(sums, operation.output_shape(shape), f"{wanted}.sums")
    return _accumulated(writer, operation, sums, total, wanted)


def _largest(operation: Linear, range_: Range, given: Format) -> int:
    """The largest magnitude of any sum on the way, bias included, in units of the accumulator's last bit or finer."""
    fraction = given.fraction + operation.kernel_format.fraction
    alone = replace(operation, bias=np.zeros_like(operation.bias), bias_format=Format(True, 1, 1 - fraction))
    bias = int(np.abs(operation.cast_bias()).max(initial=0))
    return (largest_sum(alone, range_, given) << max(0, operation.accumulator.fraction - fraction)) + bias


def _slides(writer: Writer, operation: Linear, tensor: Tensor, shape: Shape, lift: int, most: int) -> bool:
    """Whether a convolution is one of ONNX: of bytes, or of images whose patches would be too large a table."""
    if not isinstance(operation, Convolution) or isinstance(operation, TransposedConv):
        return False
    if writer.arithmetic == "integer":
        return _is_narrow(tensor, operation.matrix << lift) and writer.carrier(-most, most) == INT32
    return operation.taps(shape).size > LARGE and writer.carrier(-most, most) == FLOAT32


def _convolution(writer: Writer, operation: Any, tensor: Tensor, lift: int, most: int, wanted: str) -> Tensor:
    """Channels in front, weights (filters, channels of a group, *window); channels behind again."""
    axes = len(operation.windows.size)
    forward, back = [0, axes + 1, *range(1, axes + 1)], [0, *range(2, axes + 2), 1]
    given = writer.transpose(tensor, forward, f"{wanted}.planes")
    matrix = operation.matrix << lift  # (groups, taps and channels, filters of a group)
    groups, _, filters = matrix.shape
    kernel = matrix.reshape(groups, *operation.windows.size, -1, filters)
    kernel = np.moveaxis(kernel, (-1, -2), (1, 2)).reshape(groups * filters, -1, *operation.windows.size)
    pads = [pair[end] for end in (0, 1) for pair in operation.padding]
    how = {"strides": [*operation.strides], "dilations": [*operation.dilation], "pads": pads, "group": groups}
    kind, dtype, narrow = "Conv", FLOAT32, FLOAT32
    if writer.arithmetic == "integer":
        kind, dtype, narrow = "ConvInteger", INT32, np.dtype(np.int8 if tensor.low < 0 else np.uint8)
    sources = [writer.cast(given, narrow).name]
    sources.append(writer.constant(wanted, kernel, np.int8 if kind == "ConvInteger" else FLOAT32))
    sums = Tensor(writer.node(kind, sources, f"{wanted}.slid", **how), dtype, -most, most)
    return writer.transpose(sums, back, f"{wanted}.sums")


def _is_narrow(tensor: Tensor, matrix: Codes) -> bool:
    """Whether inputs have 8 bits, and no processor saturates the sum of two of their products.

    Some add two products of bytes in 16 bits (AVX2 without VNNI), bytes with a sign moved up by 128 first.
    """
    signed = tensor.low < 0
    if tensor.low < -128 or tensor.high > (127 if signed else 255):
        return False
    if matrix.min(initial=0) < -128 or matrix.max(initial=0) > 127:
        return False
    return 2 * (255 if signed else max(1, tensor.high)) * int(np.abs(matrix).max(initial=0)) <= LARGEST_PAIR


def affine(writer: Writer, operation: Affine, tensor: Tensor, given: Format, wanted: str) -> Tensor:
    """A scale and a shift for each channel."""
    shift = operation.shift(given)
    weights = operation.kernel if shift > 0 else operation.kernel << -shift
    products = _products(writer, tensor, weights, f"{wanted}.products")
    if shift > 0:
        products = writer.floor_shift(products, shift, f"{wanted}.cut")
    bias = operation.cast_bias()
    ends = products.low + int(bias.min()), products.high + int(bias.max())
    return _accumulated(writer, operation, products, ends, wanted)


def _products(writer: Writer, tensor: Tensor, weights: Codes, wanted: str) -> Tensor:
    corners = [a * int(b) for a in (tensor.low, tensor.high) for b in (weights.min(), weights.max())]
    return writer.op("Mul", [tensor, weights], wanted, (min(corners), max(corners)))


def _accumulated(writer: Writer, operation: Linear, sums: Tensor, ends: tuple[int, int], wanted: str) -> Tensor:
    """Sums with their bias, in the accumulator's format; ends: between which integers all of them are, bias included.

    Where no sum on the way leaves the type that carries it: the bias is added before anything wraps.
    """
    bias, accumulator = operation.cast_bias(), operation.accumulator
    carried = min(sums.low, ends[0]), max(sums.high, ends[1])
    total = writer.op("Add", [sums, bias], f"{wanted}.biased", carried) if bias.any() else sums
    return writer.wrap(Tensor(total.name, total.dtype, *ends), accumulator.min_code, accumulator.width, wanted)


def _matrix_product(writer: Writer, patches: Tensor, matrix: Codes, most: int, wanted: str) -> Tensor:
    """patches (rows, ..., terms) times matrix (groups, terms, channels), groups in front of positions if they are many.

    most: the largest magnitude that any sum can reach on the way.
    """
    ends = -most, most
    narrow = len(matrix) == 1 and _is_narrow(patches, matrix)
    if writer.arithmetic == "integer" and narrow and writer.carrier(*ends) == INT32:
        bytes_ = writer.cast(patches, np.dtype(np.int8 if patches.low < 0 else np.uint8))
        weights = writer.constant(wanted, matrix[0], np.int8)
        return Tensor(writer.node("MatMulInteger", [bytes_.name, weights], f"{wanted}.products"), INT32, *ends)
    return writer.op("MatMul", [patches, matrix if len(matrix) > 1 else matrix[0]], f"{wanted}.products", ends)


def _cut(writer: Writer, operation: Linear, patches: Tensor, shift: int, positions: int, wanted: str) -> Tensor:
    """The same, at so many positions, where every product loses its lowest `shift` bits before it is added."""
    matrix = operation.matrix[:, None] if len(operation.matrix) > 1 else operation.matrix[0]
    axes = writer.constant(wanted, [-1], np.int64)
    name = writer.node("Unsqueeze", [patches.name, axes], f"{wanted}.apart")
    apart = Tensor(name, patches.dtype, patches.low, patches.high)
    products = _products(writer, apart, matrix, f"{wanted}.products")
    cut = writer.floor_shift(products, shift, f"{wanted}.cut")
    terms = operation.matrix.shape[1]
    ends = min(0, cut.low * terms), max(0, cut.high * terms)
    writer.largest = max(writer.largest, operation.matrix.size * INT64.itemsize * positions)
    return writer.sum_rows(cut, terms, ends, f"{wanted}.total")
