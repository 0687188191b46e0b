"""Windows that slide over the first axes of (..., channels): for convolution and pooling."""

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.graph.movement import Pairs, numbered
from qcompress.graph.stage import Shape


@dataclass(frozen=True)
class Windows:
    """size, strides, dilation, padding (before, after) and stuffing of each spatial axis.

    stuffing: distance of the input elements, with zeros between, before the window slides (transposed convolution).
    """

    size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Pairs
    dilation: tuple[int, ...]
    stuffing: tuple[int, ...]

    def __post_init__(self) -> None:
        axes = len(self.size)
        for what in ("strides", "padding", "dilation", "stuffing"):
            if len(getattr(self, what)) != axes:
                raise QcompressError(f"{what} {getattr(self, what)} for a window of {axes} axes")
        if min((*self.size, *self.strides, *self.dilation, *self.stuffing)) < 1:
            raise QcompressError(f"window {self.size}: sizes, strides, dilation and stuffing must be 1 or more")
        if min(end for pair in self.padding for end in pair) < 0:
            raise QcompressError(f"window {self.size}: padding {self.padding} is negative")

    def positions(self, shape: Shape) -> Shape:
        """How many windows fit along each spatial axis of shape (*spatial, channels); raises QcompressError if none."""
        if len(shape) != len(self.size) + 1:
            raise QcompressError(f"a window of {len(self.size)} axes after shape {shape}")
        counts = tuple(
            ((size - 1) * stuff + 1 + sum(pad) - (window - 1) * dilate - 1) // stride + 1
            for size, window, stride, pad, dilate, stuff in zip(
                shape[:-1], self.size, self.strides, self.padding, self.dilation, self.stuffing, strict=True
            )
        )
        if min(counts) < 1:
            raise QcompressError(f"a {self.size} kernel does not fit into shape {shape}")
        return counts

    def spatial(self, shape: Shape) -> Codes:
        """For every position and tap the place among the first axes that it meets, -1 for a zero; (positions, taps).

        shape: of one row, (*spatial, channels).
        Taps with the last axis fastest; a place numbers the elements of all axes but the channels.
        """
        return _spatial(self, tuple(shape[:-1]), self.positions(shape))

    def indices(self, shape: Shape) -> Codes:
        """Flat input indices (positions, taps, channels) for rows of `shape`, -1 for a zero.

        Taps have the last axis fastest.
        """
        return with_channels(self.spatial(shape), shape[-1])


def with_channels(spatial: Codes, channels: int) -> Codes:
    """spatial places (...) -> flat indices of all their channels, (..., channels); -1 stays."""
    return np.where(spatial[..., None] >= 0, spatial[..., None] * channels + np.arange(channels), -1)


@lru_cache(maxsize=64)
def _spatial(windows: Windows, sizes: Shape, counts: Shape) -> Codes:
    """`Windows.spatial` of axes of these sizes; kept, for a run asks for it again and again."""
    axes = len(sizes)
    which = np.full(tuple((s - 1) * u + 1 for s, u in zip(sizes, windows.stuffing, strict=True)), -1)
    which[tuple(slice(None, None, stuff) for stuff in windows.stuffing)] = numbered(sizes)
    which = np.pad(which, windows.padding, constant_values=-1)
    spans = tuple((size - 1) * dilate + 1 for size, dilate in zip(windows.size, windows.dilation, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(which, spans, axis=tuple(range(axes)))
    steps = (
        *(slice(None, None, stride) for stride in windows.strides),
        *(slice(None, None, dilate) for dilate in windows.dilation),
    )
    found = np.ascontiguousarray(views[steps]).reshape(prod(counts), prod(windows.size))
    found.flags.writeable = False
    return found
