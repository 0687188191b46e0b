"""Operations on several nodes. Their formats lose nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format, product_format
from qcompress.graph.operation import Merge, Range
from qcompress.graph.stage import Shape


def common_format(input_formats: Sequence[Format], carry: int = 0) -> Format:
    """The narrowest format that holds every code of each of input_formats, with `carry` more integer bits."""
    signed = any(format_.signed for format_ in input_formats)
    fraction = max(format_.fraction for format_ in input_formats)
    integer = max(format_.integer + (signed and not format_.signed) for format_ in input_formats) + carry
    return Format(signed, integer + fraction, integer)


def _aligned(codes: Codes, input_format: Format, fraction: int) -> Codes:
    return codes << (fraction - input_format.fraction)


class Alike(Merge):
    """Element by element, on inputs of one shape."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if len(shapes) < 2 or len(set(shapes)) > 1:
            raise QcompressError(f"{type(self).__name__} of shapes {', '.join(map(str, shapes))}: needs two alike")
        return shapes[0]


@dataclass(frozen=True, eq=False)
class Add(Alike):
    """The sum of two or more."""

    def output_format(self, input_formats: Sequence[Format]) -> Format:
        return common_format(input_formats, (len(input_formats) - 1).bit_length())

    def run(self, codes: Sequence[Codes], input_formats: Sequence[Format]) -> Codes:
        fraction = self.output_format(input_formats).fraction
        return np.asarray(
            np.sum([_aligned(c, format_, fraction) for c, format_ in zip(codes, input_formats, strict=True)], axis=0)
        )

    def output_range(self, ranges: Sequence[Range], input_formats: Sequence[Format]) -> Range:
        return Range(
            self.run([r.low for r in ranges], input_formats), self.run([r.high for r in ranges], input_formats)
        )


@dataclass(frozen=True, eq=False)
class Subtract(Alike):
    """The first minus the second."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if len(shapes) != 2:
            raise QcompressError(f"Subtract of {len(shapes)} inputs: needs two")
        return super().output_shape(shapes)

    def output_format(self, input_formats: Sequence[Format]) -> Format:
        common = common_format(input_formats, 1)
        return Format(True, common.width, common.integer)

    def run(self, codes: Sequence[Codes], input_formats: Sequence[Format]) -> Codes:
        fraction = self.output_format(input_formats).fraction
        first, second = (_aligned(c, format_, fraction) for c, format_ in zip(codes, input_formats, strict=True))
        return first - second

    def output_range(self, ranges: Sequence[Range], input_formats: Sequence[Format]) -> Range:
        first, second = ranges
        return Range(
            self.run([first.low, second.high], input_formats), self.run([first.high, second.low], input_formats)
        )


@dataclass(frozen=True, eq=False)
class Multiply(Alike):
    """The product of two."""

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        if len(shapes) != 2:
            raise QcompressError(f"Multiply of {len(shapes)} inputs: needs two")
        return super().output_shape(shapes)

    def output_format(self, input_formats: Sequence[Format]) -> Format:
        return product_format(*input_formats)

    def run(self, codes: Sequence[Codes], input_formats: Sequence[Format]) -> Codes:
        return codes[0] * codes[1]

    def output_range(self, ranges: Sequence[Range], input_formats: Sequence[Format]) -> Range:
        corners = np.stack([a * b for a in ranges[0] for b in ranges[1]])
        return Range(corners.min(axis=0), corners.max(axis=0))


@dataclass(frozen=True, eq=False)
class Concatenate(Merge):
    """Inputs one after the other along `axis`, counted from 0 without the rows."""

    axis: int

    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        try:
            if len(shapes) < 2 or not 0 <= self.axis < len(shapes[0]):
                raise ValueError
            return np.concatenate([np.empty(shape, np.bool_) for shape in shapes], axis=self.axis).shape
        except ValueError:
            listed = ", ".join(map(str, shapes))
            raise QcompressError(f"shapes {listed} do not fit together along axis {self.axis}") from None

    def output_format(self, input_formats: Sequence[Format]) -> Format:
        return common_format(input_formats)

    def run(self, codes: Sequence[Codes], input_formats: Sequence[Format]) -> Codes:
        return self._join(codes, input_formats, self.axis + 1)

    def output_range(self, ranges: Sequence[Range], input_formats: Sequence[Format]) -> Range:
        return Range(
            self._join([r.low for r in ranges], input_formats, self.axis),
            self._join([r.high for r in ranges], input_formats, self.axis),
        )

    def _join(self, codes: Sequence[Codes], input_formats: Sequence[Format], axis: int) -> Codes:
        fraction = self.output_format(input_formats).fraction
        return np.concatenate([_aligned(c, f, fraction) for c, f in zip(codes, input_formats, strict=True)], axis=axis)
