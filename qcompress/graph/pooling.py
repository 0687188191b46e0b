"""Pooling over windows, and the index of the largest."""

from dataclasses import dataclass, field

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.graph.movement import Pairs, gather
from qcompress.graph.operation import Range, Unary
from qcompress.graph.stage import Shape
from qcompress.graph.windows import Windows


@dataclass(frozen=True, eq=False)
class Pool(Unary):
    """Windows of `size` with `strides` over the first axes of (..., channels), channel by channel."""

    size: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def windows(self) -> Windows:
        axes = len(self.size)
        return Windows(self.size, self.strides, ((0, 0),) * axes, (1,) * axes, (1,) * axes)

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.windows.positions(shape), shape[-1])

    def _windowed(self, codes: Codes) -> Codes:
        """(rows, *shape) -> (rows, *positions, channels, taps)."""
        shape = codes.shape[1:]
        taken = gather(codes, self.windows.indices(shape))  # (rows, positions, taps, channels)
        return np.moveaxis(taken, 2, -1).reshape(len(codes), *self.output_shape(shape), -1)


@dataclass(frozen=True, eq=False)
class MaxPool(Pool):
    """The largest of each window; padding (before, after) of each axis takes no part."""

    padding: Pairs = field(default=())

    def __post_init__(self) -> None:
        if not self.padding:
            object.__setattr__(self, "padding", ((0, 0),) * len(self.size))

    @property
    def windows(self) -> Windows:
        axes = len(self.size)
        return Windows(self.size, self.strides, self.padding, (1,) * axes, (1,) * axes)

    def output_shape(self, shape: Shape) -> Shape:
        if any(max(pad) >= size for pad, size in zip(self.padding, self.size, strict=True)):
            raise QcompressError(f"windows of {self.size} with padding {self.padding}: some hold padding alone")
        return super().output_shape(shape)

    def output_format(self, input_format: Format) -> Format:
        return input_format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        shape = codes.shape[1:]
        which = self.windows.indices(shape)
        which = np.where(which < 0, which.max(axis=1, keepdims=True), which)  # padding: another of the same window
        largest = gather(codes, which).max(axis=2)
        return np.asarray(largest.reshape(len(codes), *self.output_shape(shape)))

    def output_range(self, range_: Range, input_format: Format) -> Range:
        return Range(*(self.run(codes[None], input_format)[0] for codes in range_))


@dataclass(frozen=True, eq=False)
class AveragePool(Pool):
    """The mean of each window of a power-of-two number of elements: exact, with that many more fractional bits."""

    @property
    def bits(self) -> int:
        """log2 of the elements of a window."""
        return int(np.prod(self.size)).bit_length() - 1

    def output_format(self, input_format: Format) -> Format:
        if int(np.prod(self.size)) != 1 << self.bits:
            raise Refused(f"the mean of {int(np.prod(self.size))} elements is not exact; average over 2, 4, 8, ...")
        return Format(input_format.signed, input_format.width + self.bits, input_format.integer)

    def run(self, codes: Codes, input_format: Format) -> Codes:
        return np.asarray(self._windowed(codes).sum(axis=-1))

    def output_range(self, range_: Range, input_format: Format) -> Range:
        return Range(*(self.run(codes[None], input_format)[0] for codes in range_))


@dataclass(frozen=True, eq=False)
class ArgMax(Unary):
    """Index of the largest of `classes` elements along the last axis, the first of equal ones."""

    classes: int

    def output_shape(self, shape: Shape) -> Shape:
        if not shape or shape[-1] != self.classes:
            raise QcompressError(f"argmax over {self.classes} classes after shape {shape}")
        return (*shape[:-1], 1)

    def output_format(self, input_format: Format) -> Format:
        bits = max(1, (self.classes - 1).bit_length())
        return Format(False, bits, bits)

    def run(self, codes: Codes, input_format: Format) -> Codes:
        return np.asarray(codes.argmax(axis=-1)[..., None], np.int64)

    def output_range(self, range_: Range, input_format: Format) -> Range:
        low, high = range_
        lowest = np.full((*low.shape[:-1], 1), np.iinfo(np.int64).min)
        before = np.concatenate([lowest, np.maximum.accumulate(low, axis=-1)[..., :-1]], axis=-1)
        behind = np.concatenate([np.maximum.accumulate(low[..., ::-1], axis=-1)[..., ::-1][..., 1:], lowest], axis=-1)
        wins = (high > before) & (high >= behind)
        last = self.classes - 1 - wins[..., ::-1].argmax(axis=-1)[..., None]
        return Range(wins.argmax(axis=-1)[..., None].astype(np.int64), last.astype(np.int64))
