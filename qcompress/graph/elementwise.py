"""Operations that treat every element by itself: casts, activations, table look-up."""

from dataclasses import dataclass

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import MAX_WIDTH, Cast, Codes, Format
from qcompress.graph.alike import alike
from qcompress.graph.operation import Elementwise, Range

MAX_TABLE_BITS = 16
"""Widest input of a table."""


@dataclass(frozen=True, eq=False)
class Quantize(Elementwise):
    """A cast to another number format."""

    cast: Cast

    def output_format(self, input_format: Format) -> Format:
        return self.cast.format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        return self.cast.codes(codes, input_format.fraction)

    def output_range(self, range_: Range, input_format: Format) -> Range:
        ends = Range(*(self.cast.codes(codes, input_format.fraction) for codes in range_))
        if self.cast.overflow in {"SAT", "SAT_SYM"}:  # monotone
            return ends
        target, lift = self.cast.format, self.cast.format.fraction - input_format.fraction
        if lift > 0:  # compared before the shift, which may leave int64
            shift = min(lift, 63)
            fits = (range_.high <= target.max_code >> shift) & (range_.low >= -((-target.min_code) >> shift))
        else:
            unlimited = Cast(Format(True, MAX_WIDTH, MAX_WIDTH - target.fraction), self.cast.rounding)
            low, high = (unlimited.codes(codes, input_format.fraction) for codes in range_)
            fits = target.contains(low) & target.contains(high)
        return Range(np.where(fits, ends.low, target.min_code), np.where(fits, ends.high, target.max_code))


@dataclass(frozen=True, eq=False)
class Relu(Elementwise):
    """max(0, x); format in = format out."""

    def output_format(self, input_format: Format) -> Format:
        return input_format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        return np.maximum(codes, 0)

    def output_range(self, range_: Range, input_format: Format) -> Range:
        return Range(np.maximum(range_.low, 0), np.maximum(range_.high, 0))


@dataclass(frozen=True, eq=False)
class LeakyRelu(Elementwise):
    """x where x >= 0, else x 2**-shift; exact, so the output has `shift` more fractional bits."""

    shift: int

    def __post_init__(self) -> None:
        if self.shift < 0:
            raise QcompressError(f"leaky relu with slope 2**{-self.shift}: the slope must be 1 or less")

    def output_format(self, input_format: Format) -> Format:
        return Format(input_format.signed, input_format.width + self.shift, input_format.integer)

    def run(self, codes: Codes, input_format: Format) -> Codes:
        return np.where(codes < 0, codes, codes << self.shift)

    def output_range(self, range_: Range, input_format: Format) -> Range:
        return Range(self.run(range_.low, input_format), self.run(range_.high, input_format))


@dataclass(frozen=True, eq=False)
class Table(Elementwise):
    """A look-up of every input code: table[code - smallest input code] is the output code in `format`."""

    table: Codes
    format: Format

    def __post_init__(self) -> None:
        table = np.array(self.table, np.int64)
        if outside := int(np.count_nonzero(~self.format.contains(table))):
            raise QcompressError(f"{outside} table codes are outside {self.format}")
        table.flags.writeable = False
        object.__setattr__(self, "table", table)

    def output_format(self, input_format: Format) -> Format:
        if input_format.width > MAX_TABLE_BITS:
            raise QcompressError(
                f"a table over {input_format} needs more than {MAX_TABLE_BITS} bits of input: quantize it"
            )
        if self.table.shape != (1 << input_format.width,):
            raise QcompressError(f"a table of shape {self.table.shape} for input {input_format}")
        return self.format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        return self.table[codes - input_format.min_code]

    def output_range(self, range_: Range, input_format: Format) -> Range:
        ends = np.stack([range_.low.ravel(), range_.high.ravel()], axis=1) - input_format.min_code
        first, kind = alike(ends)
        slices = [self.table[low : high + 1] for low, high in ends[first].tolist()]
        lows, highs = (np.array([end(part) for part in slices], np.int64)[kind] for end in (np.min, np.max))
        return Range(lows.reshape(range_.low.shape), highs.reshape(range_.low.shape))
