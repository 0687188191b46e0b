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
        """Every code of a format."""
        return cls(np.full(shape, format_.min_code, np.int64), np.full(shape, format_.max_code, np.int64))


class Unary(ABC):
    """An operation on the output of one node."""

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


class Elementwise(Unary):
    """An operation that treats every element alike and by itself."""

    def output_shape(self, shape: Shape) -> Shape:
        return shape


class Merge(ABC):
    """An operation on the outputs of several nodes."""

    @abstractmethod
    def output_shape(self, shapes: Sequence[Shape]) -> Shape:
        """Shape of one output element; raises QcompressError if the inputs' do not fit together."""

    @abstractmethod
    def output_format(self, given: Sequence[Format]) -> Format:
        """Number format of the output codes: it loses nothing."""

    @abstractmethod
    def run(self, codes: Sequence[Codes], given: Sequence[Format]) -> Codes:
        """Codes (rows, *shape) of every input -> output codes."""

    @abstractmethod
    def output_range(self, ranges: Sequence[Range], given: Sequence[Format]) -> Range:
        """Smallest and largest code of each output, all inputs varying independently."""


Operation = Unary | Merge
"""One node's arithmetic."""
