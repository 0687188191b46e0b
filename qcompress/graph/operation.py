"""What every operation of a graph is: one small frozen dataclass with exact integer semantics.

An operation knows the shape, the format and the exact range of what it gives, and computes it on int64 codes.
`Unary` operations take one array, `Merge` operations several. Arrays of codes have shape (rows, *shape).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph.stage import Shape


class Range(NamedTuple):
    """Smallest and largest code of each element, int64 arrays of the element shape."""

    low: Codes
    high: Codes

    @classmethod
    def of(cls, format_: Format, shape: Shape) -> "Range":
        """Every code of `format_`, for every element of `shape`."""
        return cls(np.full(shape, format_.min_code, np.int64), np.full(shape, format_.max_code, np.int64))


class Unary(ABC):
    """An operation on the output of one node."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Shape of one row of the output; shape: of one row of the input.

        Raises QcompressError if that does not fit.
        """

    @abstractmethod
    def output_format(self, input_format: Format) -> Format:
        """Number format of the output codes; input_format: that of the input codes."""

    @abstractmethod
    def run(self, codes: Codes, input_format: Format) -> Codes:
        """codes (rows, *shape), int64, in `input_format` -> output codes (rows, *output shape), int64, exactly."""

    @abstractmethod
    def output_range(self, range_: Range, input_format: Format) -> Range:
        """Exact smallest and largest code of each output element, the inputs varying independently in `range_`.

        input_format: that of the input codes. Ranges choose accumulators: one that is too small would overflow unseen.
        """


class Elementwise(Unary):
    """An operation that treats every element alike and by itself."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Merge(ABC):
    """An operation on the outputs of several nodes."""

    @abstractmethod
    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of one row of the output; shapes: of one row of each input.

        Raises QcompressError if they do not fit.
        """

    @abstractmethod
    def output_format(self, input_formats: Sequence[Format]) -> Format:
        """Number format of the output codes, which loses nothing; input_formats: those of the inputs, in order."""

    @abstractmethod
    def run(self, codes: Sequence[Codes], input_formats: Sequence[Format]) -> Codes:
        """codes (rows, *shape) of every input, in `input_formats` -> output codes (rows, *output shape), exactly."""

    @abstractmethod
    def output_range(self, ranges: Sequence[Range], input_formats: Sequence[Format]) -> Range:
        """Smallest and largest code of each output element, all inputs varying independently in their `ranges`.

        input_formats: those of the inputs, in order.
        """


Operation = Unary | Merge
"""One node's arithmetic."""
