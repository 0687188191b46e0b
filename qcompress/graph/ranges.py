"""Exact ranges put to use: the smallest lossless accumulator, worst-case inputs, whether float32 sums are exact."""

from dataclasses import replace
from typing import TypeVar

import numpy as np

from qcompress.fixedpoint import MAX_WIDTH, Format
from qcompress.graph.linear import CHUNK, FLOAT64_BITS, Linear
from qcompress.graph.operation import Range

FLOAT32_BITS = 24
LinearOperation = TypeVar("LinearOperation", bound=Linear)


def smallest_format(range_: Range, fraction: int) -> Format:
    """The narrowest signed format with `fraction` fractional bits that holds every code of `range_`."""
    ends = int(range_.low.min()), int(range_.high.max())
    width = max((~end if end < 0 else end).bit_length() for end in ends) + 1
    return Format(True, width, width - fraction)


def with_lossless_accumulator(operation: LinearOperation, range_: Range, input_format: Format) -> LinearOperation:
    """The same operation with the narrowest accumulator in which no bit of any sum over `range_` is lost.

    operation.accumulator is ignored; range_: exact range of the input codes, in format `input_format`.
    """
    fraction = max(input_format.fraction + operation.kernel_format.fraction, operation.bias_format.fraction)
    wide = replace(operation, accumulator=Format(True, MAX_WIDTH, MAX_WIDTH - fraction))
    return replace(operation, accumulator=smallest_format(wide.sum_range(range_, input_format), fraction))


def largest_sum(operation: Linear, range_: Range, input_format: Format) -> int:
    """The largest sum of absolute values of an operation, bias included, in units of the last bit of products and bias.

    range_: exact range of the input codes, in `input_format`.
    """
    magnitude = np.maximum(np.abs(range_.low), np.abs(range_.high))
    fraction = max(input_format.fraction + operation.kernel_format.fraction, operation.bias_format.fraction)
    positions, matrix = operation.distinct(Range(magnitude, magnitude)).first, np.abs(operation.matrix)
    most = int(magnitude.max(initial=0)) * int(matrix.max(initial=0)) * matrix.shape[1]
    kind = np.float64 if most.bit_length() <= FLOAT64_BITS else object  # any size
    step = max(1, CHUNK // matrix[..., 0].size)
    largest = []
    for start in range(0, len(positions), step):
        patches = operation.patches(magnitude[None], positions[start : start + step])[0]
        terms = np.matmul(patches.swapaxes(0, 1).astype(kind), matrix.astype(kind))
        largest.append(terms.max(axis=1).reshape(-1).astype(object))
    shift = fraction - input_format.fraction - operation.kernel_format.fraction
    scale = fraction - operation.bias_format.fraction
    biases: list[int] = [abs(code) << scale for code in operation.bias.tolist()]
    return max((int(part) << shift) + bias for part, bias in zip(np.max(largest, axis=0), biases, strict=True))


def float32_exact(operation: Linear, range_: Range, input_format: Format) -> bool:
    """Whether every partial sum of an operation, in any order, fits the 24-bit significand of float32.

    range_: exact range of the input codes, in `input_format`.
    """
    return largest_sum(operation, range_, input_format) <= 1 << FLOAT32_BITS
