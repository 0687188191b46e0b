"""Staircases: what any function of one integer becomes behind a quantizer, as thresholds of each channel."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format
from qcompress.graph.alike import alike
from qcompress.graph.operation import Range, Unary
from qcompress.graph.stage import Shape

MAX_STEPS = 1 << 16
"""Most thresholds of a channel."""


@dataclass(frozen=True, eq=False)
class Thresholds(Unary):
    """A step at every threshold: codes[c, n] where n of the thresholds of channel c are not above the input code.

    thresholds: (channels, n), rising in every row; equal ones are one step. codes: (channels, n + 1), in `format`, in
    any order. Channels are the last axis; a single row of both serves every channel.
    """

    thresholds: Codes
    codes: Codes
    format: Format

    def __post_init__(self) -> None:
        for what in ("thresholds", "codes"):
            array = np.array(getattr(self, what), np.int64)
            array.flags.writeable = False
            object.__setattr__(self, what, array)
        wanted = (*self.thresholds.shape[:1], self.steps + 1)
        if self.thresholds.ndim != 2 or self.codes.shape != wanted or not len(self.codes):
            raise QcompressError(f"thresholds of shape {self.thresholds.shape} and codes of shape {self.codes.shape}")
        if self.steps > MAX_STEPS:
            raise QcompressError(
                f"{self.steps} thresholds of a channel, {MAX_STEPS} are allowed: quantize more coarsely"
            )
        if (np.diff(self.thresholds, axis=1) < 0).any():
            raise QcompressError("thresholds that do not rise")
        if outside := int(np.count_nonzero(~self.format.contains(self.codes))):
            raise QcompressError(f"{outside} codes of thresholds are outside {self.format}")

    @property
    def channels(self) -> int:
        """Rows of thresholds; 1 serves all channels."""
        return len(self.thresholds)

    @property
    def steps(self) -> int:
        """Thresholds of a channel."""
        return int(self.thresholds.shape[-1])

    def output_shape(self, shape: Shape) -> Shape:
        if self.channels > 1 and (not shape or shape[-1] != self.channels):
            raise QcompressError(f"thresholds of {self.channels} channels after shape {shape}")
        return shape

    def output_format(self, input_format: Format) -> Format:
        return self.format

    def run(self, codes: Codes, input_format: Format) -> Codes:
        found = np.empty(codes.shape, np.int64)
        for channel, part in self._parts():
            below = np.searchsorted(self.thresholds[channel], codes[part], side="right")
            found[part] = self.codes[channel][below]
        return found

    def output_range(self, range_: Range, input_format: Format) -> Range:
        ends = Range(np.empty_like(range_.low), np.empty_like(range_.high))
        for channel, part in self._parts():
            pairs = np.stack([np.ravel(end[part]) for end in range_], axis=1)
            first, kind = alike(pairs)
            reached = [self.stairs(channel, low, high)[1] for low, high in pairs[first].tolist()]
            for end, extreme in zip(ends, (min, max), strict=True):
                found = np.array([extreme(codes) for codes in reached], np.int64)[kind]
                end[part] = found.reshape(end[part].shape)
        return ends

    def _parts(self) -> Iterator[tuple[int, Any]]:
        """Every row of thresholds, and which elements of an array it concerns."""
        for channel in range(self.channels):
            yield channel, (..., channel) if self.channels > 1 else (...,)

    def stairs(self, channel: int, low: int, high: int) -> tuple[list[int], list[int]]:
        """The steps of a row of thresholds between two input codes: thresholds, and one more of codes.

        Steps that change nothing are left out: no two thresholds, and no two neighbouring codes, are equal.
        """
        row, codes = self.thresholds[channel], self.codes[channel]
        first, last = np.searchsorted(row, [low, high], side="right").tolist()
        ends = np.append(np.flatnonzero(np.diff(row[first:last])), last - first - 1) + first if last > first else []
        thresholds, kept = [], [int(codes[first])]
        for place in np.asarray(ends, np.int64).tolist():
            if (code := int(codes[place + 1])) != kept[-1]:
                thresholds.append(int(row[place]))
                kept.append(code)
        return thresholds, kept
