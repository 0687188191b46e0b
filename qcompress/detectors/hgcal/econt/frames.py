"""Bit fields <-> link words: fields are laid one behind the other, MSB first, and cut into 32-bit words."""

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS
from qcompress.detectors.hgcal.econt.word_files import Words32
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes

OUTPUT_LINKS = 13
WORD = 32

Flags = npt.NDArray[np.bool_]
Charges = npt.NDArray[np.uint8]
"""4E3M codes of trigger cells, 7 bits."""


class BadFrame(QcompressError):  # noqa: N818 - one of the errors a user can cause
    """A frame that the chip does not send: `row` within what was given (from 0), and what is wrong with it."""

    def __init__(self, row: int, what: str) -> None:
        super().__init__(f"frame {row + 1}: {what}")
        self.row, self.what = row, what


class FrameWriter:
    """Fields of `rows` frames, collected into link words; unused bits are 0."""

    def __init__(self, rows: int, links: int = OUTPUT_LINKS) -> None:
        self.by_link = np.zeros((links, rows), np.uint32)
        self.bits = 0

    def put(self, field: Codes | Charges, width: int) -> None:
        """Append a field (rows,), or several (rows, count), of `width` <= 32 bits each; higher bits must be 0."""
        columns = field.T.astype(np.uint32) if field.ndim == 2 else field.astype(np.uint32)[None]
        for column in columns:
            link, used = divmod(self.bits, WORD)
            free = WORD - used
            if width <= free:
                self.by_link[link] |= column << np.uint32(free - width)
            else:
                self.by_link[link] |= column >> np.uint32(width - free)
                self.by_link[link + 1] |= column << np.uint32(WORD - width + free)
            self.bits += width

    def skip(self, width: int) -> None:
        """Leave `width` bits 0."""
        self.bits += width

    def words(self) -> Words32:
        """The link words, (rows, links)."""
        return self.by_link.T


class FrameReader:
    """The way back: takes fields from link words (rows, links), first bit first."""

    def __init__(self, words: Words32) -> None:
        self.by_link = words.T.astype(np.int64)
        self.bits = 0

    def take(self, width: int) -> Codes:
        """The next field of `width` <= 32 bits, (rows,)."""
        link, used = divmod(self.bits, WORD)
        self.bits += width
        missing = width - (WORD - used)
        kept = self.by_link[link] & ((1 << (WORD - used)) - 1)
        if missing <= 0:
            return np.asarray(kept >> -missing)
        return np.asarray(kept << missing | self.by_link[link + 1] >> (WORD - missing))

    def take_many(self, count: int, width: int) -> Codes:
        """The next `count` fields of `width` bits, (rows, count)."""
        fields = [self.take(width) for _ in range(count)]
        return np.array(fields, np.int64).reshape(count, self.by_link.shape[1]).T


def header5(bx: Codes) -> Codes:
    """The 5-bit header: `bx` mod 16, but 31 at BX 0."""
    return np.where(bx == 0, 31, bx & 15)


def header4(bx: Codes) -> Codes:
    """The 4-bit header of best choice and super trigger cells at `bx`: bit 4 of `header5`, then its bits 2..0."""
    wide = header5(bx)
    return wide >> 4 << 3 | wide & 7


def flags_to_map(flags: Flags) -> Codes:
    """The `flags` (rows, 48) -> the two halves of the 48-bit map, TC 0 first: (rows, 2) of 24 bits."""
    octets = np.packbits(flags, axis=1).astype(np.int64)
    return octets[:, 0::3] << 16 | octets[:, 1::3] << 8 | octets[:, 2::3]


def map_to_flags(halves: Codes) -> Flags:
    """The way back: `halves` (rows, 2) of 24 bits -> flags (rows, 48)."""
    octets = (halves[:, :, None] >> np.array([16, 8, 0])).astype(np.uint8)  # the lowest 8 bits
    return np.unpackbits(octets.reshape(len(halves), 6), axis=1).astype(np.bool_)


def cells_of_addresses(addresses: Codes) -> Flags:
    """The `addresses` (rows, count) -> flags (rows, 48); raises BadFrame where one is no cell or comes twice."""
    flags = np.zeros((len(addresses), TRIGGER_CELLS), np.bool_)
    inside = (addresses < TRIGGER_CELLS).all(axis=1)
    np.put_along_axis(flags, np.minimum(addresses, TRIGGER_CELLS - 1), True, axis=1)
    good = inside & (np.count_nonzero(flags, axis=1) == addresses.shape[1])
    if not good.all():
        row = int(np.argmin(good))
        raise BadFrame(row, f"addresses {addresses[row].tolist()} are not different trigger cells")
    return flags
