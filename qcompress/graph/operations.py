"""The operations of a graph: one small frozen dataclass each, with its exact integer semantics.

An operation knows the shape, the format and the exact range of what it gives, and computes it on int64 codes.
Dense and convolution cast **each product** to the accumulator format (truncating, wrapping) and then add, as
HLS kernels do with their `accum_t`; the bias is cast the same way. A lossless accumulator makes that the exact sum.
Saturating accumulators depend on the order of the sum and do not exist here.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import MAX_WIDTH, Cast, Codes, Format, wrap
from qcompress.graph.stage import Shape


class Range(NamedTuple):
    """Smallest and largest code of each element, int64 arrays of the element shape."""

    low: Codes
    high: Codes


class Operation(ABC):
    """One node's arithmetic. Arrays of codes have shape (rows, *shape)."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one output element; raises QcompressError if the input's does not fit."""

    @abstractmethod
    def output_format(self, given: Format) -> Format:
        """Number format of the output codes."""

    @abstractmethod
    def run(self, codes: Codes, given: Format) -> Codes:
        """Codes (rows, *shape) in format `given` -> output codes."""

    @abstractmethod
    def output_range(self, range_: Range, given: Format) -> Range:
        """Exact smallest and largest code of each output, the inputs varying independently in `range_`."""


@dataclass(frozen=True, eq=False)
class Quantize(Operation):
    """A cast to another number format, element by element."""

    cast: Cast

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def output_format(self, given: Format) -> Format:
        return self.cast.format

    def run(self, codes: Codes, given: Format) -> Codes:
        return self.cast.codes(codes, given.fraction)

    def output_range(self, range_: Range, given: Format) -> Range:
        unlimited = Cast(Format(True, MAX_WIDTH, MAX_WIDTH - self.cast.format.fraction), self.cast.rounding)
        low, high = (unlimited.codes(codes, given.fraction) for codes in range_)
        target = self.cast.format
        fits = target.contains(low) & target.contains(high)
        ends = Range(*(self.cast.codes(codes, given.fraction) for codes in range_))
        if self.cast.overflow in {"SAT", "SAT_SYM"}:  # monotone
            return ends
        return Range(np.where(fits, ends.low, target.min_code), np.where(fits, ends.high, target.max_code))


@dataclass(frozen=True, eq=False)
class Relu(Operation):
    """max(0, x), element by element; format in = format out."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def output_format(self, given: Format) -> Format:
        return given

    def run(self, codes: Codes, given: Format) -> Codes:
        return np.maximum(codes, 0)

    def output_range(self, range_: Range, given: Format) -> Range:
        return Range(np.maximum(range_.low, 0), np.maximum(range_.high, 0))


@dataclass(frozen=True, eq=False)
class Flatten(Operation):
    """All elements in one row, last axis fastest."""

    def output_shape(self, shape: Shape) -> Shape:
        return (int(np.prod(shape)),)

    def output_format(self, given: Format) -> Format:
        return given

    def run(self, codes: Codes, given: Format) -> Codes:
        return codes.reshape(len(codes), *self.output_shape(codes.shape[1:]))

    def output_range(self, range_: Range, given: Format) -> Range:
        return Range(range_.low.reshape(-1), range_.high.reshape(-1))


@dataclass(frozen=True, eq=False)
class Linear(Operation):
    """What dense and convolution share: weights, bias and the accumulator.

    kernel: int64 codes in `kernel_format`, last axis the output channel; bias: codes (channels,) in `bias_format`.
    """

    kernel: Codes
    kernel_format: Format
    bias: Codes
    bias_format: Format
    accumulator: Format

    def __post_init__(self) -> None:
        for what in ("kernel", "bias"):
            codes, format_ = np.array(getattr(self, what), np.int64), getattr(self, f"{what}_format")
            if outside := int(np.count_nonzero(~format_.contains(codes))):
                raise QcompressError(f"{outside} {what} codes are outside {format_}")
            codes.flags.writeable = False
            object.__setattr__(self, what, codes)
        if self.bias.shape != self.kernel.shape[-1:]:
            raise QcompressError(f"bias of shape {self.bias.shape} for a kernel of shape {self.kernel.shape}")

    @abstractmethod
    def patches(self, codes: Codes) -> Codes:
        """Codes (rows, *shape) -> (rows, positions, terms): what meets the rows of `matrix`."""

    @property
    def matrix(self) -> Codes:
        """The kernel as (terms, channels)."""
        return self.kernel.reshape(-1, self.kernel.shape[-1])

    @property
    def multiplications(self) -> int:
        """Products for one output position."""
        return int(self.matrix.size)

    def output_format(self, given: Format) -> Format:
        return self.accumulator

    def _products(self, patches: Codes, weights: Codes, given: Format) -> Codes:
        """Each product cast to the accumulator's last bit (not yet wrapped: the sum is, once)."""
        fraction = given.fraction + self.kernel_format.fraction
        if given.width + self.kernel_format.width + max(0, self.accumulator.fraction - fraction) > MAX_WIDTH:
            raise Refused(f"products of {given} and {self.kernel_format} in {self.accumulator} need over 62 bits")
        shift = fraction - self.accumulator.fraction
        products = patches * weights
        return products >> shift if shift >= 0 else products << -shift

    def _bias(self) -> Codes:
        return Cast(self.accumulator).codes(self.bias, self.bias_format.fraction)

    def run(self, codes: Codes, given: Format) -> Codes:
        patches = self.patches(codes)
        sums = np.empty((*patches.shape[:2], self.matrix.shape[1]), np.int64)
        step = max(1, 4_000_000 // max(1, patches[0].size if len(patches) else 1))
        for start in range(0, len(patches), step):
            rows = slice(start, start + step)
            for channel, weights in enumerate(self.matrix.T):
                sums[rows, :, channel] = self._products(patches[rows], weights, given).sum(axis=2)
        wrapped = wrap(sums + self._bias(), self.accumulator)
        return wrapped.reshape(len(codes), *self.output_shape(codes.shape[1:]))

    def sum_range(self, range_: Range, given: Format) -> Range:
        """Exact range of every sum before it wraps; each product is monotone in its input."""
        low, high = (self.patches(codes[None])[0] for codes in range_)
        shape = self.output_shape(range_.low.shape)
        ends = np.empty((2, len(low), self.matrix.shape[1]), np.int64)
        for channel, weights in enumerate(self.matrix.T):
            at_low, at_high = (self._products(codes, weights, given) for codes in (low, high))
            ends[0, :, channel] = np.minimum(at_low, at_high).sum(axis=1)
            ends[1, :, channel] = np.maximum(at_low, at_high).sum(axis=1)
        ends += self._bias()
        return Range(ends[0].reshape(shape), ends[1].reshape(shape))

    def output_range(self, range_: Range, given: Format) -> Range:
        sums = self.sum_range(range_, given)
        fits = self.accumulator.contains(sums.low) & self.accumulator.contains(sums.high)
        return Range(
            np.where(fits, sums.low, self.accumulator.min_code),
            np.where(fits, sums.high, self.accumulator.max_code),
        )


@dataclass(frozen=True, eq=False)
class Dense(Linear):
    """y_j = bias_j + sum_i x_i kernel_ij; kernel (inputs, outputs)."""

    def output_shape(self, shape: Shape) -> Shape:
        if shape != self.kernel.shape[:1]:
            raise QcompressError(f"dense layer of {self.kernel.shape[0]} inputs after shape {shape}")
        return self.kernel.shape[1:]

    def patches(self, codes: Codes) -> Codes:
        return codes[:, None, :]


@dataclass(frozen=True, eq=False)
class Conv2D(Linear):
    """Correlation of (height, width, channels) codes with a kernel (height, width, channels, filters).

    strides (down, right); padding ((top, bottom), (left, right)) rows and columns of zeros.
    """

    strides: tuple[int, int] = (1, 1)
    padding: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != 3 or shape[2] != self.kernel.shape[2]:
            raise QcompressError(f"convolution over {self.kernel.shape[2]} channels after shape {shape}")
        sizes = [
            (size + sum(pad) - kernel) // stride + 1
            for size, pad, kernel, stride in zip(
                shape[:2], self.padding, self.kernel.shape[:2], self.strides, strict=True
            )
        ]
        if min(sizes) < 1:
            raise QcompressError(f"a {self.kernel.shape[:2]} kernel does not fit into shape {shape}")
        return (*sizes, self.kernel.shape[3])

    def patches(self, codes: Codes) -> Codes:
        padded = np.pad(codes, ((0, 0), *self.padding, (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, self.kernel.shape[:2], axis=(1, 2))
        strided = windows[:, :: self.strides[0], :: self.strides[1]]  # (rows, y, x, channels, ky, kx)
        ordered = strided.transpose(0, 1, 2, 4, 5, 3)
        rows, down, right = ordered.shape[:3]
        return np.ascontiguousarray(ordered).reshape(rows, down * right, len(self.matrix))
