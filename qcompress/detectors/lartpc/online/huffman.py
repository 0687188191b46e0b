"""The read-out's fixed Huffman code of differences, in words of 16 bits.

A word with its highest bit clear is a code itself: the first of a channel, and any that differs from the one before it
by more than 3. A word with it set carries 15 bits of codes for differences: `1` for four times 0, `01` for 0, `001` +1,
`0001` -1, `00001` +2, `000001` -2, `0000001` +3, `00000001` -3. A code lies in one word; what is left of a word is 0.
"""

import numpy as np
import numpy.typing as npt

from qcompress.detectors.lartpc.online.waveforms import Codes, checked
from qcompress.errors import QcompressError

Words = npt.NDArray[np.uint16]
WORD_BITS = 16


def encode(codes: npt.ArrayLike) -> list[Words]:
    """Words of each channel of `codes` (channels, ticks); codes of at most 15 bits, or QcompressError."""
    from qcompress.detectors.lartpc.online import word_kernels

    given = checked(codes)
    room = np.empty(2 * given.shape[1], np.uint16)
    return [room[: word_kernels.encode(row, room)].copy() for row in given]


def decode(words: npt.ArrayLike, ticks: int) -> Codes:
    """Codes (ticks,) of a channel's `words` (n,) uint16.

    Raises QcompressError for words that do not hold just so many codes.
    """
    from qcompress.detectors.lartpc.online import word_kernels

    given = np.ascontiguousarray(words, np.uint16)
    found = np.empty(ticks, np.uint16)
    count = word_kernels.decode(given, found)
    if count < 0:
        raise QcompressError("a channel's first word is a code itself; these words begin with differences")
    if count != ticks:
        raise QcompressError(f"{len(given)} words hold {count} codes or more, not {ticks}; they are cut, or of others")
    return found
