"""The input words of the chip: CSV files -> trigger-cell codes and bunch-crossing numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.econt.frontend import TC_ORDERS
from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS
from qcompress.detectors.hgcal.econt.word_files import (
    INPUT_DECIMAL,
    INPUT_HEX,
    OUTPUT_HEX,
    Words32,
    find_layout,
    read_rows,
)
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes

ORBIT = 3564
"""Bunch crossings of one LHC orbit."""
ORBIT_START, ORDINARY = 9, 10
"""Header nibble (bits 31:28) of the first word of an orbit and of every other."""
NUMBER_FORMATS = {"hex": INPUT_HEX, "decimal": INPUT_DECIMAL}

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Words:
    """Some consecutive bunch crossings: bx (n,) 0..3563, codes (n, 48) 7-bit in channel order, both int64."""

    bx: Codes
    codes: Codes


def read_words(
    path: str | PathLike[str],
    tc_order: str = "msb",
    chunk_rows: int = 8192,
    number_format: str | None = None,
    first_bx: int = 0,
) -> Iterator[Words]:
    """Read input words of the file at `path` in bounded memory, about `chunk_rows` rows at a time.

    The header line decides: RX_DATA_0..11 means 8 hex digits a word with a 4-bit header, 9 (orbit start) or a;
    ePortRxDataGroup_0..11 means decimal 28-bit words, row number = BX. Without a header line `number_format` ("hex" or
    "decimal") must say it. tc_order: TC 4k in bits 27:21 ("msb") or 6:0 ("lsb"). first_bx: the BX of the first row if
    no orbit start says it. Raises QcompressError naming file and row.
    """
    if tc_order not in TC_ORDERS:
        raise QcompressError(f"tc_order {tc_order!r} is neither msb nor lsb")
    if number_format is not None and number_format not in NUMBER_FORMATS:
        raise QcompressError(f"number format {number_format!r} is neither hex nor decimal")
    if chunk_rows < 1 or not 0 <= first_bx < ORBIT:
        raise QcompressError(f"chunk_rows {chunk_rows} must be positive and first_bx {first_bx} in 0..{ORBIT - 1}")
    file = Path(path)
    assumed = NUMBER_FORMATS[number_format] if number_format else None
    layout, skip = find_layout(file, assumed)
    if layout is OUTPUT_HEX:
        raise QcompressError(f"{file}: these are output words of the chip, not its input")
    if assumed is not None and layout is not assumed:
        raise QcompressError(f"{file}: the header line contradicts number_format {number_format}")
    rows = read_rows(file, layout, skip, chunk_rows)
    return _number(file, rows, tc_order, first_bx, with_headers=layout is INPUT_HEX)


def _number(file: Path, rows: Iterator[Words32], tc_order: str, bx: int, *, with_headers: bool) -> Iterator[Words]:
    row = 0
    for words in rows:
        starts = _orbit_starts(file, row, words) if with_headers else np.zeros(len(words), np.bool_)
        numbers = count_bx(starts, bx)
        yield Words(numbers, unpack_codes(words, tc_order))
        bx = (int(numbers[-1]) + 1) % ORBIT
        row += len(words)


def _orbit_starts(file: Path, row: int, words: Words32) -> Mask:
    headers = words >> np.uint32(28)
    starts = headers[:, 0] == ORBIT_START
    wrong = headers != np.where(starts, ORBIT_START, ORDINARY)[:, None]
    if wrong.any():
        line, column = np.argwhere(wrong)[0]
        raise QcompressError(
            f"{file}, row {row + line + 1}: word {column} has header {headers[line, column]:x},"
            " all 12 must have 9 (orbit start) or all a"
        )
    return np.asarray(starts)


def count_bx(starts: Mask, first_bx: int) -> Codes:
    """BX of each row: rows since the last orbit start, mod 3564; `first_bx` for a first row that starts none."""
    here = np.arange(len(starts), dtype=np.int64)
    last = np.maximum.accumulate(np.where(starts, here, -1))
    return np.where(last >= 0, here - last, here + first_bx) % ORBIT


def unpack_codes(words: Words32, tc_order: str) -> Codes:
    """The `words` (n, 12) -> TC codes (n, 48), 7 bits; headers are ignored.

    tc_order: TC 4k in bits 27:21 ("msb") or 6:0 ("lsb").
    """
    shifts = (21, 14, 7, 0) if tc_order == "msb" else (0, 7, 14, 21)
    codes = np.empty((TRIGGER_CELLS // 4, 4, len(words)), np.int64)
    by_link = np.ascontiguousarray(words.T)
    for place, shift in enumerate(shifts):
        codes[:, place] = (by_link >> np.uint32(shift)) & np.uint32(0x7F)
    return codes.reshape(TRIGGER_CELLS, -1).T


def pack_words(codes: Codes, bx: Codes, tc_order: str = "msb") -> Words32:
    """TC codes (n, 48) and BX, `bx` (n,) -> words (n, 12) with header 9 at BX 0, else 10: `read_words` undoes it.

    tc_order: TC 4k in bits 27:21 ("msb") or 6:0 ("lsb").
    """
    shifts = np.array((21, 14, 7, 0) if tc_order == "msb" else (0, 7, 14, 21))
    payload = (codes.reshape(len(codes), -1, 4) << shifts).sum(axis=2)
    return np.asarray(payload | (np.where(bx == 0, ORBIT_START, ORDINARY) << 28)[:, None], np.uint32)
