"""Windows of charges around maxima: rows x pads x time bins, the time fastest.

Outside of the detector stands -1: beyond the pads of a row, before and after the recorded time, beyond the first and
the last row. Between the inner and the outer chamber lie as many rows of -1 as a window reaches, so that no window sees
both. Rows are aligned at their middle: pad p of a row of n pads lies at p + int((m - n) / 2) in a row of m pads.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.tpc.geometry import INNER_ROWS, PADS
from qcompress.errors import QcompressError

Integers = npt.NDArray[Any]
EXTRAS = ("sector", "row", "pad")
CLASSICAL = ("dpad_64", "dtime_64", "sigma_pad_32", "sigma_time_32", "qtot")
MOST_TIMES = 99
"""A window is short against a time frame."""
SHAPES = ("1x5x5", "3x5x5", "3x7x7", "3x9x9", "7x7x7")


class Layout(NamedTuple):
    """What a network sees of a maximum: the window's size in rows, pads and time bins, and what stands behind it.

    extras: sector, row and pad; classical: the classical cluster's centre from the peak, widths and charge; log_charge:
    the logarithm of the centre charge. They stand in this order.
    """

    rows: int
    pads: int
    times: int
    extras: bool = False
    classical: bool = False
    log_charge: bool = False

    @classmethod
    def parse(cls, text: str, extras: bool = False, classical: bool = False, log_charge: bool = False) -> "Layout":
        """Read a window's `text`, "3x5x5"; raises QcompressError unless there are three odd numbers that fit a sector.

        extras, classical, log_charge: what stands behind it.
        """
        parts = text.split("x")
        if len(parts) != 3 or not all(part.isascii() and part.isdigit() for part in parts):
            raise QcompressError(f"window {text!r}: give rows x pads x time bins, such as {SHAPES[1]}")
        sizes = [int(part) for part in parts]
        limits = (INNER_ROWS, int(PADS.min()), MOST_TIMES)
        if any(size % 2 == 0 for size in sizes):
            raise QcompressError(f"window {text}: sizes are odd, for a maximum stands at the centre")
        if any(size > limit for size, limit in zip(sizes, limits, strict=True)):
            raise QcompressError(f"window {text}: larger than a sector, which has {limits[0]}x{limits[1]}x{limits[2]}")
        return cls(sizes[0], sizes[1], sizes[2], extras, classical, log_charge)

    @property
    def window(self) -> int:
        """Charges of a window."""
        return self.rows * self.pads * self.times

    @property
    def centre(self) -> int:
        """Place of the maximum itself."""
        return self.window // 2

    @property
    def size(self) -> int:
        """All numbers of a maximum."""
        return self.classical_at + len(CLASSICAL) * self.classical + self.log_charge

    @property
    def classical_at(self) -> int:
        """Place of the first number of the classical cluster."""
        return self.window + len(EXTRAS) * self.extras

    def __str__(self) -> str:
        given = {
            " and place": self.extras,
            " and classical cluster": self.classical,
            " and log charge": self.log_charge,
        }
        beside = "".join(words for words, there in given.items() if there)
        return f"{self.rows}x{self.pads}x{self.times}{beside}"


def windows(charges: Integers, row: Integers, pad: Integers, time: Integers, layout: Layout) -> npt.NDArray[np.int16]:
    """Charges (rows of a sector, pads, time bins), 1/16 ADC, around maxima (n,) -> (n, layout.window).

    charges: of every cell; row, pad, time (n,): where the maxima are.
    """
    from qcompress.detectors.tpc.networks.window_kernels import gather

    found = np.empty((len(row), layout.window), np.int16)
    reach = (layout.rows // 2, layout.pads // 2, layout.times // 2)
    places = np.ascontiguousarray(np.stack([row, pad, time], axis=1), np.int64)
    gather(charges, places, PADS, INNER_ROWS, reach, found)
    return found
