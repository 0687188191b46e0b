"""Sums of products with constant weights: dense, convolution, depthwise and transposed convolution, affine.

**Each product is cast to the accumulator format** (truncating, wrapping) and then added, as HLS kernels do with their
`accum_t`; the bias is cast the same way. A lossless accumulator makes that the exact sum. Saturating accumulators
depend on the order of the sum and do not exist here.
"""

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import MAX_WIDTH, Cast, Codes, Format, wrap
from qcompress.graph.alike import Alike, alike
from qcompress.graph.movement import Pairs, numbered
from qcompress.graph.operation import Range, Unary
from qcompress.graph.stage import Shape
from qcompress.graph.windows import Windows, with_channels

FLOAT64_BITS = 53
CHUNK = 4_000_000
"""Elements that one temporary array may have."""

FEW = 64
"""Weights of a group up to which its terms are added one after the other."""

Positions = slice | Codes
EVERY = slice(None)
"""All positions."""


@dataclass(frozen=True, eq=False)
class Linear(Unary):
    """Weights, bias and accumulator of any sum of products.

    kernel: int64 codes in `kernel_format`; bias: codes (channels,) in `bias_format`. Outputs are ordered
    (*positions, channels), the channels group by group: every group of channels sees inputs of its own.
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
        if self.bias.shape != (self.channels,):
            raise QcompressError(f"bias of shape {self.bias.shape} for a kernel of shape {self.kernel.shape}")

    @property
    @abstractmethod
    def matrix(self) -> Codes:
        """The kernel as (groups, terms, channels of a group)."""

    @abstractmethod
    def spatial(self, shape: Shape) -> Codes:
        """The places, all axes but the channels numbered, that meet at every output position; (positions, taps).

        shape: of one row of the input.
        -1 is a place of zeros.
        """

    @abstractmethod
    def grouped(self, pixels: Codes) -> Codes:
        """pixels (..., taps, channels) of a position -> (..., groups, terms), which meet the rows of `matrix`."""

    def taps(self, shape: Shape, positions: Positions = EVERY) -> Codes:
        """Flat indices (positions, groups, terms) of the inputs that meet the rows of `matrix`; -1 is a zero.

        shape: of one row of the input; positions: those wanted.
        """
        return self.grouped(with_channels(self.spatial(shape)[positions], shape[-1]))

    @property
    def channels(self) -> int:
        return int(self.matrix.shape[0] * self.matrix.shape[2])

    @property
    def multiplications(self) -> int:
        """Products for one output position."""
        return int(self.matrix.size)

    def output_format(self, input_format: Format) -> Format:
        return self.accumulator

    def patches(self, codes: npt.NDArray[Any], positions: Positions = EVERY) -> npt.NDArray[Any]:
        """codes (rows, *shape) -> what meets `matrix` at these positions, (rows, positions, groups, terms)."""
        spatial = self.spatial(codes.shape[1:])[positions]
        pixels = codes.reshape(len(codes), prod(codes.shape[1:-1]), codes.shape[-1])
        if (spatial < 0).any():
            zeros = np.zeros((len(pixels), 1, pixels.shape[2]), pixels.dtype)
            pixels = np.concatenate([pixels, zeros], axis=1)
        return self.grouped(pixels[:, spatial])

    def shift(self, input_format: Format) -> int:
        """Bits that a product of codes in `input_format` loses below the accumulator's last one.

        Negative: it gains zeros.
        """
        fraction = input_format.fraction + self.kernel_format.fraction
        if input_format.width + self.kernel_format.width + max(0, self.accumulator.fraction - fraction) > MAX_WIDTH:
            raise Refused(
                f"products of {input_format} and {self.kernel_format} in {self.accumulator} need over 62 bits"
            )
        return fraction - self.accumulator.fraction

    def products(self, codes: Codes, weights: Codes, input_format: Format) -> Codes:
        """codes in `input_format` times weights, each product cast to the accumulator's last bit.

        It is not wrapped yet: the sum is, once.
        """
        shift = self.shift(input_format)
        products = codes * weights
        return products >> shift if shift >= 0 else products << -shift

    def cast_bias(self) -> Codes:
        """The bias in the accumulator's format."""
        return Cast(self.accumulator).codes(self.bias, self.bias_format.fraction)

    def run(self, codes: Codes, input_format: Format) -> Codes:
        shape = codes.shape[1:]
        groups, terms, channels = self.matrix.shape
        positions = len(self.spatial(shape))
        sums = np.empty((len(codes), positions, groups, channels), np.int64)
        summed = self._summed(input_format)
        here = max(1, min(positions, CHUNK // max(1, groups * terms)))
        step = max(1, CHUNK // max(1, here * groups * terms))
        for start in range(0, len(codes), step):
            rows = slice(start, start + step)
            taken = codes[rows].astype(np.float64) if summed is _at_once else codes[rows]
            for first in range(0, positions, here):
                part = slice(first, first + here)
                sums[rows, part] = summed(self, self.patches(taken, part), input_format)
        sums = sums.reshape(len(codes), positions, self.channels) + self.cast_bias()
        return wrap(sums, self.accumulator).reshape(len(codes), *self.output_shape(shape))

    def _summed(self, input_format: Format) -> "Callable[[Linear, npt.NDArray[Any], Format], Codes]":
        """How sums are formed: exactly in float64, where BLAS is, if no product is cut and all fit; else one by one."""
        largest = (
            max(-input_format.min_code, input_format.max_code)
            * int(np.abs(self.matrix).max(initial=0))
            * self.matrix.shape[1]
        )
        fits = self.shift(input_format) <= 0 and largest.bit_length() < FLOAT64_BITS
        return _at_once if fits else _one_by_one

    def distinct(self, range_: Range) -> Alike:
        """Output positions that see the same part of `range_`: one of each kind stands for all."""
        ends = np.concatenate([end.reshape(prod(end.shape[:-1]), end.shape[-1]) for end in range_], axis=1)
        kinds = np.append(alike(ends).kind, -1)  # places of zeros are a kind of their own
        return alike(kinds[self.spatial(range_.low.shape)])

    def term_range(self, range_: Range) -> Range:
        """Smallest and largest code of `range_` that meets each row of the matrix at any position; (groups, terms)."""
        positions = self.distinct(range_).first
        step = max(1, CHUNK // self.matrix[..., 0].size)
        parts = [positions[start : start + step] for start in range(0, len(positions), step)]
        lows = [self.patches(range_.low[None], part)[0].min(axis=0) for part in parts]
        highs = [self.patches(range_.high[None], part)[0].max(axis=0) for part in parts]
        return Range(np.min(lows, axis=0), np.max(highs, axis=0))

    def sum_range(self, range_: Range, input_format: Format) -> Range:
        """Exact range of every sum before it wraps, inputs in `input_format` within `range_`.

        A product is monotone in each. Raises Refused where a sum may leave 63 bits.
        """
        if self._may_leave(range_, input_format):
            raise Refused(f"sums of {self.matrix.shape[1]} products of {input_format} and weights need over 63 bits")
        first, kind = self.distinct(range_)
        ends = np.empty((2, len(first), self.channels), np.int64)
        step = max(1, CHUNK // self.matrix[..., 0].size)
        for start in range(0, len(first), step):
            part = slice(start, start + step)
            low, high = (self.patches(end[None], first[part])[0] for end in range_)
            ends[:, part] = self._sum_ends(low, high, input_format)
        shape = self.output_shape(range_.low.shape)
        sums = ends[:, kind] + self.cast_bias()
        return Range(sums[0].reshape(shape), sums[1].reshape(shape))

    def _sum_ends(self, low: Codes, high: Codes, input_format: Format) -> Codes:
        """Smallest and largest sum, (2, positions, channels), of inputs (positions, groups, terms) between two ends."""
        ends = np.empty((2, *low.shape[:2], self.matrix.shape[2]), np.int64)
        for channel in range(self.matrix.shape[2]):
            weights = self.matrix[..., channel]
            at_low, at_high = (self.products(codes, weights, input_format) for codes in (low, high))
            ends[0, ..., channel] = np.minimum(at_low, at_high).sum(axis=2)
            ends[1, ..., channel] = np.maximum(at_low, at_high).sum(axis=2)
        return ends.reshape(2, len(low), self.channels)

    def _may_leave(self, range_: Range, input_format: Format) -> bool:
        """Whether a sum might leave 63 bits."""
        largest = max(-int(range_.low.min(initial=0)), int(range_.high.max(initial=0)))
        product = largest * int(np.abs(self.matrix).max(initial=0))
        shift = self.shift(input_format)
        product = (product >> shift) + 1 if shift > 0 else product << -shift
        bias = int(np.abs(self.cast_bias()).max(initial=0))
        largest_sum = int(product) * int(self.matrix.shape[1]) + bias
        return largest_sum.bit_length() > MAX_WIDTH

    def output_range(self, range_: Range, input_format: Format) -> Range:
        if self._may_leave(range_, input_format):
            return Range.of(self.accumulator, self.output_shape(range_.low.shape))
        sums = self.sum_range(range_, input_format)
        fits = self.accumulator.contains(sums.low) & self.accumulator.contains(sums.high)
        return Range(
            np.where(fits, sums.low, self.accumulator.min_code),
            np.where(fits, sums.high, self.accumulator.max_code),
        )


def _at_once(operation: Linear, patches: npt.NDArray[Any], input_format: Format) -> Codes:
    """(rows, positions, groups, terms) in float64 -> sums (rows, positions, groups, channels of a group)."""
    rows, positions, groups, terms = patches.shape
    if groups > 1 and operation.matrix[0].size <= FEW:
        return _by_terms(patches, operation.matrix.astype(np.float64)) << -operation.shift(input_format)
    flat = patches.reshape(rows * positions, groups, terms).transpose(1, 0, 2)
    sums = np.matmul(flat, operation.matrix.astype(np.float64)).transpose(1, 0, 2)
    return np.asarray(sums.reshape(rows, positions, groups, -1), np.int64) << -operation.shift(input_format)


def _by_terms(patches: npt.NDArray[Any], matrix: npt.NDArray[Any]) -> Codes:
    """The same sums, one term after the other: channels lie side by side, and no matrix is worth a product."""
    sums = patches[..., 0, None] * matrix[:, 0]
    for term in range(1, patches.shape[-1]):
        sums += patches[..., term, None] * matrix[:, term]
    return np.asarray(sums, np.int64)


def _one_by_one(operation: Linear, patches: npt.NDArray[Any], input_format: Format) -> Codes:
    """The same of integers, each product cast before it is added."""
    sums = np.empty((*patches.shape[:3], operation.matrix.shape[2]), np.int64)
    for channel in range(sums.shape[3]):
        sums[..., channel] = operation.products(patches, operation.matrix[..., channel], input_format).sum(axis=3)
    return sums


@dataclass(frozen=True, eq=False)
class Dense(Linear):
    """y_j = bias_j + sum_i x_i kernel_ij along the last axis; kernel (inputs, outputs)."""

    @property
    def matrix(self) -> Codes:
        return self.kernel[None]

    def output_shape(self, shape: Shape) -> Shape:
        if not shape or shape[-1] != self.kernel.shape[0]:
            raise QcompressError(f"dense layer of {self.kernel.shape[0]} inputs after shape {shape}")
        return (*shape[:-1], self.kernel.shape[1])

    def spatial(self, shape: Shape) -> Codes:
        return numbered((prod(shape[:-1]), 1))

    def grouped(self, pixels: Codes) -> Codes:
        return pixels


@dataclass(frozen=True, eq=False)
class Affine(Linear):
    """y_c = bias_c + kernel_c x_c: a scale and a shift for each channel, the last axis; kernel (channels,)."""

    @property
    def matrix(self) -> Codes:
        return self.kernel[:, None, None]

    def output_shape(self, shape: Shape) -> Shape:
        if not shape or shape[-1] != len(self.kernel):
            raise QcompressError(f"affine over {len(self.kernel)} channels after shape {shape}")
        return shape

    def spatial(self, shape: Shape) -> Codes:
        return numbered((prod(shape[:-1]), 1))

    def grouped(self, pixels: Codes) -> Codes:
        return pixels.swapaxes(-1, -2)


@dataclass(frozen=True, eq=False)
class Convolution(Linear):
    """Correlation of (*spatial, channels) codes with a kernel (*window, channels of a group, filters).

    strides, dilation and padding (before, after) of each spatial axis; padding is zeros.
    """

    strides: tuple[int, ...] = ()
    padding: Pairs = ()
    dilation: tuple[int, ...] = ()
    groups: int = 1

    def __post_init__(self) -> None:
        axes = self.kernel.ndim - 2
        for what, none in (("strides", 1), ("padding", (0, 0)), ("dilation", 1)):
            if not getattr(self, what):
                object.__setattr__(self, what, (none,) * axes)
        self.windows  # noqa: B018 - raises if they make no sense
        if self.groups < 1 or self.kernel.shape[-1] % self.groups:
            raise QcompressError(f"{self.kernel.shape[-1]} filters in {self.groups} groups")
        super().__post_init__()

    @property
    def windows(self) -> Windows:
        size = self.kernel.shape[:-2]
        return Windows(size, self.strides, self.padding, self.dilation, (1,) * len(size))

    @property
    def matrix(self) -> Codes:
        filters = self.kernel.shape[-1] // self.groups
        return self.kernel.reshape(-1, self.groups, filters).transpose(1, 0, 2)

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) != self.kernel.ndim - 1 or shape[-1] != self.kernel.shape[-2] * self.groups:
            channels = self.kernel.shape[-2] * self.groups
            raise QcompressError(f"convolution over {channels} channels after shape {shape}")
        return (*self.windows.positions(shape), self.kernel.shape[-1])

    def spatial(self, shape: Shape) -> Codes:
        return self.windows.spatial(shape)

    def grouped(self, pixels: Codes) -> Codes:
        *outer, taps, channels = pixels.shape
        parts = pixels.reshape(*outer, taps, self.groups, channels // self.groups).swapaxes(-2, -3)
        return parts.reshape(*outer, self.groups, taps * channels // self.groups)


@dataclass(frozen=True, eq=False)
class Conv1D(Convolution):
    """Convolution over (steps, channels); kernel (steps, channels, filters)."""


@dataclass(frozen=True, eq=False)
class Conv2D(Convolution):
    """Convolution over (height, width, channels); kernel (height, width, channels, filters)."""


@dataclass(frozen=True, eq=False)
class DepthwiseConv(Convolution):
    """Every channel by itself, over one or two axes; kernel (*window, channels, multiplier).

    The outputs of channel c are c multiplier, ..., (c + 1) multiplier - 1; `groups` is not used.
    """

    @property
    def matrix(self) -> Codes:
        channels, multiplier = self.kernel.shape[-2:]
        return self.kernel.reshape(-1, channels, multiplier).transpose(1, 0, 2)

    def output_shape(self, shape: Shape) -> Shape:
        channels, multiplier = self.kernel.shape[-2:]
        if len(shape) != self.kernel.ndim - 1 or shape[-1] != channels:
            raise QcompressError(f"convolution over {channels} channels after shape {shape}")
        return (*self.windows.positions(shape), channels * multiplier)

    def grouped(self, pixels: Codes) -> Codes:
        return pixels.swapaxes(-1, -2)


@dataclass(frozen=True, eq=False)
class TransposedConv(Convolution):
    """Transposed convolution over one or two axes, as the correlation that it is.

    The input is spread out to every `stuffing`-th place with zeros between, padded, and correlated with the kernel
    (*window, channels, filters), which is the transposed layer's kernel turned around on its spatial axes.
    """

    stuffing: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not self.stuffing:
            object.__setattr__(self, "stuffing", (1,) * (self.kernel.ndim - 2))
        super().__post_init__()

    @property
    def windows(self) -> Windows:
        return Windows(self.kernel.shape[:-2], self.strides, self.padding, self.dilation, self.stuffing)


def positions(operation: Linear, shape: Shape) -> int:
    """Output positions of an operation on `shape`: all but the channels."""
    return prod(operation.output_shape(shape)[:-1])
