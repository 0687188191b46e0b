"""Windows that slide over the first axes of (..., channels): for convolution and pooling."""

from dataclasses import dataclass
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
        """How many windows fit along each spatial axis of (*spatial, channels); raises QcompressError if none."""
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

    def indices(self, shape: Shape) -> Codes:
        """Flat input indices (positions, taps, channels), -1 for a zero; taps with the last axis fastest."""
        counts = self.positions(shape)
        axes = len(self.size)
        which = np.full((*(((s - 1) * u + 1) for s, u in zip(shape[:-1], self.stuffing, strict=True)), shape[-1]), -1)
        which[tuple(slice(None, None, stuff) for stuff in self.stuffing)] = numbered(shape)
        which = np.pad(which, (*self.padding, (0, 0)), constant_values=-1)
        spans = tuple((size - 1) * dilate + 1 for size, dilate in zip(self.size, self.dilation, strict=True))
        windows = np.lib.stride_tricks.sliding_window_view(which, spans, axis=tuple(range(axes)))
        steps = (
            *(slice(None, None, stride) for stride in self.strides),
            slice(None),
            *(slice(None, None, dilate) for dilate in self.dilation),
        )
        chosen = np.moveaxis(windows[steps], axes, -1)  # (*positions, *taps, channels)
        return np.ascontiguousarray(chosen).reshape(prod(counts), prod(self.size), shape[-1])
