"""A Huffman code of differences that is made for its noise: the best lossless code of one sample at a time.

A channel is its first code in 16 bits, then a code word for each difference. Differences beyond the table are an escape
word and the code itself in 16 bits. The table is canonical: its lengths say all of it, and it travels once.
"""

import heapq
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.online.waveforms import Codes, checked
from qcompress.errors import QcompressError

Lengths = npt.NDArray[np.uint8]
RAW_BITS = 16
LONGEST = 32


@dataclass(frozen=True, eq=False)
class DifferenceCode:
    """lengths (2 reach + 2,): bits of the differences -reach..reach, then those of the escape word."""

    lengths: Lengths

    def __post_init__(self) -> None:
        known = np.asarray(self.lengths).ndim == 1 and len(self.lengths) >= 2 and len(self.lengths) % 2 == 0
        if not known or not ((self.lengths >= 1) & (self.lengths <= LONGEST)).all():
            raise QcompressError(f"lengths of a code are an even number of whole numbers from 1 to {LONGEST}")
        if sum(1 << (LONGEST - int(length)) for length in self.lengths) > 1 << LONGEST:
            raise QcompressError("lengths of a code: no prefix code has such short words")

    @classmethod
    def of(cls, codes: npt.ArrayLike, reach: int = 63) -> "DifferenceCode":
        """The code that is shortest on the differences of `codes` (channels, ticks), up to `reach` on both sides.

        Every difference gets a word, also those that the codes do not have. Raises QcompressError for codes that are
        none and for a reach outside of 0 to 1000.
        """
        if not 0 <= reach <= 1000:
            raise QcompressError(f"reach {reach}: 0 to 1000")
        differences = np.diff(checked(codes).astype(np.int32), axis=1).ravel()
        place = np.where(np.abs(differences) <= reach, differences + reach, 2 * reach + 1)
        counts = np.bincount(place, minlength=2 * reach + 2)
        return cls(_lengths(counts))

    @property
    def reach(self) -> int:
        """The largest difference that has a word."""
        return (len(self.lengths) - 2) // 2

    @cached_property
    def words(self) -> npt.NDArray[np.uint64]:
        """Canonical words of the differences and of the escape, as long as `lengths`."""
        found = np.zeros(len(self.lengths), np.uint64)
        word, before = 0, 0
        for place in np.lexsort((np.arange(len(self.lengths)), self.lengths)):
            length = int(self.lengths[place])
            word <<= length - before
            found[place] = word
            word, before = word + 1, length
        return found

    def encode(self, codes: npt.ArrayLike) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Bytes of all channels of `codes` (channels, ticks), and the bits of each channel, which begin at a byte."""
        from qcompress.detectors.lartpc.online import bit_kernels

        given = checked(codes)
        room = np.empty(3 + (given.shape[1] * (LONGEST + RAW_BITS)) // 8, np.uint8)
        pieces, bits = [], np.empty(len(given), np.int64)
        for channel, row in enumerate(given):
            bits[channel] = bit_kernels.encode(row, self.words, self.lengths, self.reach, room)
            pieces.append(room[: -(-bits[channel] // 8)].copy())
        return np.concatenate(pieces) if pieces else room[:0], bits

    def decode(self, data: npt.ArrayLike, bits: npt.ArrayLike, ticks: int) -> Codes:
        """Codes (channels, ticks) of what `encode` gave: `data` bytes, `bits` of each channel.

        Raises QcompressError where they do not hold so many codes.
        """
        from qcompress.detectors.lartpc.online import bit_kernels

        order = np.lexsort((np.arange(len(self.lengths)), self.lengths)).astype(np.int64)
        counts = np.bincount(self.lengths, minlength=LONGEST + 1)
        given, sizes = np.ascontiguousarray(data, np.uint8), np.asarray(bits, np.int64)
        starts = np.concatenate([[0], np.cumsum(-(-sizes // 8))])
        if starts[-1] != len(given):
            raise QcompressError(f"{len(given)} bytes, but channels of {starts[-1]}; they are cut, or of others")
        found = np.empty((len(sizes), ticks), np.uint16)
        for channel, row in enumerate(found):
            own = given[starts[channel] : starts[channel + 1]]
            if bit_kernels.decode(own, int(sizes[channel]), order, counts, self.reach, row) != sizes[channel]:
                raise QcompressError(f"channel {channel}: its {sizes[channel]} bits do not hold {ticks} codes")
        return found


def _lengths(counts: npt.NDArray[np.int64]) -> Lengths:
    """Huffman's lengths for counts; where a word would be too long, counts are halved until none is."""
    counts = np.maximum(counts, 1)
    while True:
        heap: list[tuple[int, int, tuple[int, ...]]] = [
            (int(count), place, (place,)) for place, count in enumerate(counts)
        ]
        heapq.heapify(heap)
        found = np.zeros(len(counts), np.int64)
        while len(heap) > 1:
            (one, place, left), (other, _, right) = heapq.heappop(heap), heapq.heappop(heap)
            found[list(left + right)] += 1
            heapq.heappush(heap, (one + other, place, left + right))
        if found.max() <= LONGEST:
            return found.astype(np.uint8)
        counts = -(-counts // 2)
