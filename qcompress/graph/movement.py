"""Operations that only move elements: which input element stands where in the output, or a zero."""

from abc import abstractmethod
from dataclasses import dataclass
from math import prod

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format
from qcompress.graph.operation import Range, Unary
from qcompress.graph.stage import Shape

Pairs = tuple[tuple[int, int], ...]


class Rearrangement(Unary):
    """Every output element is an input element or 0."""

    @abstractmethod
    def indices(self, shape: Shape) -> Codes:
        """For every output element the flat index of the input element it takes, -1 for a zero; output shape."""

    def output_shape(self, shape: Shape) -> Shape:
        return self.indices(shape).shape

    def output_format(self, input_format: Format) -> Format:
        return input_format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        return gather(codes, self.indices(codes.shape[1:]))

    def output_range(self, range_: Range, input_format: Format) -> Range:
        return Range(*(self.run(codes[None], input_format)[0] for codes in range_))


def numbered(shape: Shape) -> Codes:
    """The flat index of every element of `shape`."""
    return np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape)


def gather(codes: Codes, indices: Codes) -> Codes:
    """codes (rows, *shape) -> (rows, *indices.shape); indices: flat ones, -1 gives 0."""
    flat = codes.reshape(len(codes), int(np.prod(codes.shape[1:])))
    if (indices >= 0).all():
        return flat[:, indices]
    return np.concatenate([flat, np.zeros((len(flat), 1), np.int64)], axis=1)[:, indices]


@dataclass(frozen=True, eq=False)
class Flatten(Rearrangement):
    """All elements in one row, last axis fastest."""

    def indices(self, shape: Shape) -> Codes:
        return numbered(shape).reshape(-1)


@dataclass(frozen=True, eq=False)
class Reshape(Rearrangement):
    """The same elements, last axis fastest, in another shape."""

    shape: Shape

    def indices(self, shape: Shape) -> Codes:
        if int(np.prod(shape)) != int(np.prod(self.shape)):
            raise QcompressError(f"shape {shape} cannot become {self.shape}")
        return numbered(shape).reshape(self.shape)


@dataclass(frozen=True, eq=False)
class Permute(Rearrangement):
    """Axes in another order: output axis i is input axis axes[i], counted from 0 without the rows."""

    axes: tuple[int, ...]

    def indices(self, shape: Shape) -> Codes:
        if sorted(self.axes) != list(range(len(shape))):
            raise QcompressError(f"axes {self.axes} are no order of those of shape {shape}")
        return numbered(shape).transpose(self.axes)


@dataclass(frozen=True, eq=False)
class ZeroPad(Rearrangement):
    """Zeros (before, after) along each of the first axes."""

    padding: Pairs

    def __post_init__(self) -> None:
        _not_negative("padding", self.padding)

    def indices(self, shape: Shape) -> Codes:
        return np.pad(numbered(shape), _all_axes(self.padding, shape), constant_values=-1)


@dataclass(frozen=True, eq=False)
class Crop(Rearrangement):
    """Elements (before, after) taken off along each of the first axes."""

    cropping: Pairs

    def __post_init__(self) -> None:
        _not_negative("cropping", self.cropping)

    def indices(self, shape: Shape) -> Codes:
        pairs = _all_axes(self.cropping, shape)
        if min(size - sum(pair) for size, pair in zip(shape, pairs, strict=True)) < 1:
            raise QcompressError(f"cropping {self.cropping} leaves nothing of shape {shape}")
        slices = tuple(slice(before, size - after) for size, (before, after) in zip(shape, pairs, strict=True))
        return numbered(shape)[slices]


@dataclass(frozen=True, eq=False)
class UpSample(Rearrangement):
    """Every element repeated (nearest neighbour) along each of the first axes."""

    factors: tuple[int, ...]

    def __post_init__(self) -> None:
        if min(self.factors, default=1) < 1:
            raise QcompressError(f"up-sampling by {self.factors}: factors must be 1 or more")

    def indices(self, shape: Shape) -> Codes:
        if len(self.factors) > len(shape):
            raise QcompressError(f"up-sampling of {len(self.factors)} axes after shape {shape}")
        which = numbered(shape)
        for axis, factor in enumerate(self.factors):
            which = which.repeat(factor, axis=axis)
        return which


@dataclass(frozen=True, eq=False)
class Gather(Rearrangement):
    """Any elements at any places: `which` holds, for every output element, the flat index of an input one, -1 for 0."""

    which: Codes

    def __post_init__(self) -> None:
        which = np.array(self.which, np.int64)
        if not which.size or which.min() < -1:
            raise QcompressError("elements to gather: give at least one index, each -1 or more")
        which.flags.writeable = False
        object.__setattr__(self, "which", which)

    def indices(self, shape: Shape) -> Codes:
        if (last := int(self.which.max())) >= prod(shape):
            raise QcompressError(f"element {last} is gathered of {prod(shape)} of shape {shape}")
        return self.which


def _not_negative(what: str, pairs: Pairs) -> None:
    if min((end for pair in pairs for end in pair), default=0) < 0:
        raise QcompressError(f"{what} {pairs} is negative")


def _all_axes(pairs: Pairs, shape: Shape) -> Pairs:
    """Pairs for the first axes, none for the rest."""
    if len(pairs) > len(shape):
        raise QcompressError(f"{len(pairs)} axes to pad or crop after shape {shape}")
    return (*pairs, *((0, 0),) * (len(shape) - len(pairs)))
