"""CSV files of hexadecimal or decimal link words, read and written block by block with NumPy on the bytes.

A block whose lines all have the expected layout is decoded at once; any other block goes line by line, which accepts
spaces and CRLF and names the file and row (first data row = 1) of what is wrong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

HEX_DIGITS = 8
LONGEST_LINE = 4096
"""Bytes after which a line without an end is refused instead of read on."""
DECIMAL_LIMIT = 1 << 28
"""Decimal words carry 4 trigger cells of 7 bits and no header."""

Words32 = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Layout:
    """What a line holds: number base (16 or 10), words on it, and how the header line names them."""

    base: int
    columns: int
    prefix: str

    @property
    def header(self) -> str:
        return ",".join(f"{self.prefix}{column}" for column in range(self.columns))


INPUT_HEX = Layout(16, 12, "RX_DATA_")
INPUT_DECIMAL = Layout(10, 12, "ePortRxDataGroup_")
OUTPUT_HEX = Layout(16, 13, "TX_DATA_")
LAYOUTS = (INPUT_HEX, INPUT_DECIMAL, OUTPUT_HEX)


def find_layout(path: Path, assumed: Layout | None) -> tuple[Layout, int]:
    """The layout of the file at `path` and the bytes its header line takes, 0 without one.

    assumed: the layout of a file without header line. Raises QcompressError if that is None then, or the header is
    unknown.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(LONGEST_LINE)
    except OSError as fault:
        raise QcompressError(f"{path}: cannot be read ({fault.strerror})") from None
    names = [name.strip() for name in line.decode("ascii", "replace").split(",")]
    for layout in LAYOUTS:
        if names == layout.header.split(","):
            return layout, len(line)
    if line[:1] and line[:1] in b"0123456789abcdefABCDEF":
        if assumed is None:
            raise QcompressError(f"{path}: no header line; say whether the words are hex or decimal (number_format)")
        return assumed, 0
    known = " or ".join(f"{layout.prefix}0..{layout.columns - 1}" for layout in LAYOUTS)
    raise QcompressError(f"{path}: header line begins {names[0][:40]!r}, expected {known}")


def read_rows(path: Path, layout: Layout, skip: int, chunk_rows: int) -> Iterator[Words32]:
    """Words (n, columns) as uint32, about `chunk_rows` rows at a time, from byte `skip` on; bounded memory.

    path: the file; layout: number base and columns of its lines. Raises QcompressError naming file and row, and for
    none.
    """
    shortest = layout.columns * ((HEX_DIGITS if layout.base == 16 else 1) + 1)
    decode = _decode_hex if layout.base == 16 else _decode_decimal
    slow = _LineReader(path, layout)
    with path.open("rb") as file:
        file.seek(skip)
        while block := _whole_lines(file, shortest * chunk_rows):
            lines = block.replace(b"\r\n", b"\n")
            words = None if slow.ended else decode(np.frombuffer(lines, np.uint8), layout.columns)
            if words is None:
                words = slow.read(block)
            else:
                slow.row += len(words)
            if len(words):
                yield words
    if slow.row == 0:
        raise QcompressError(f"{path}: holds no rows")


def _whole_lines(file: BinaryIO, size: int) -> bytes:
    block = file.read(size)
    if block and not block.endswith(b"\n"):
        block += file.readline(LONGEST_LINE)
    return block


class _LineReader:
    """Line by line, for what the fast path does not know; keeps the number of rows read so far."""

    def __init__(self, path: Path, layout: Layout) -> None:
        self.path, self.layout = path, layout
        self.row = 0
        self.ended = False  # an empty line was seen: nothing but empty lines may follow

    def read(self, block: bytes) -> Words32:
        rows = []
        lines = block.split(b"\n")
        for number, line in enumerate(lines):
            unfinished = number == len(lines) - 1
            if not line.strip():
                self.ended = self.ended or not unfinished
                continue
            self.row += 1
            if self.ended:
                raise self._fault("follows an empty line")
            if unfinished and (self.layout.base == 10 or len(line) >= LONGEST_LINE):
                raise self._fault("its line does not end: the file looks cut off")
            rows.append(self._line(line))
        return np.array(rows, np.uint32).reshape(-1, self.layout.columns)

    def _fault(self, what: str) -> QcompressError:
        return QcompressError(f"{self.path}, row {self.row}: {what}")

    def _line(self, line: bytes) -> list[int]:
        words = [word.strip() for word in line.split(b",")]
        if len(words) != self.layout.columns:
            raise self._fault(f"{len(words)} words, expected {self.layout.columns}")
        return [self._word(column, word.decode("ascii", "replace")) for column, word in enumerate(words)]

    def _word(self, column: int, text: str) -> int:
        shown = text if len(text) <= 20 else text[:20] + "..."
        if self.layout.base == 16:
            if len(text) != HEX_DIGITS or any(c not in "0123456789abcdefABCDEF" for c in text):
                raise self._fault(f"word {column} is {shown!r}, expected {HEX_DIGITS} hex digits")
            return int(text, 16)
        if not text or len(text) > 9 or any(c not in "0123456789" for c in text) or int(text) >= DECIMAL_LIMIT:
            raise self._fault(f"word {column} is {shown!r}, expected a decimal number below 2^28")
        return int(text)


def _every_byte(value: int) -> np.uint64:
    return np.uint64(int.from_bytes(bytes([value]) * 8, "little"))


def _decode_hex(block: Bytes, columns: int) -> Words32 | None:
    """Lines of exactly 8 hex digits a word -> words; None if any byte is out of place.

    The 8 characters of a word are handled at once, as the bytes of a little-endian uint64.
    """
    width = columns * (HEX_DIGITS + 1)
    if block.size % width:
        return None
    rows = block.size // width
    lines = block.reshape(rows, width)
    if not (lines[:, -1] == 10).all() or not (lines[:, HEX_DIGITS : -1 : HEX_DIGITS + 1] == 44).all():
        return None
    unaligned = np.ndarray((rows, columns), "<u8", block.data, 0, (width, HEX_DIGITS + 1))
    text = np.ascontiguousarray(unaligned)
    letters = text & _every_byte(0x40)
    nibbles = (text & _every_byte(0x0F)) + (letters >> np.uint64(6)) * np.uint64(9)
    above_nine = ((nibbles + _every_byte(6)) >> np.uint64(4)) & _every_byte(1)
    canonical = nibbles + _every_byte(0x30) + above_nine * np.uint64(39)
    # 'g' is 16 above '0' + 39 as 'a' is 10: the comparison alone would take g..o as digits.
    if (nibbles & _every_byte(0xF0)).any() or not np.array_equal(text | (letters >> np.uint64(1)), canonical):
        return None
    pairs = (nibbles << np.uint64(4) | nibbles >> np.uint64(8)) & np.uint64(0x00FF00FF00FF00FF)
    fours = (pairs << np.uint64(8) | pairs >> np.uint64(16)) & np.uint64(0x0000FFFF0000FFFF)
    return ((fours << np.uint64(16) | fours >> np.uint64(32)) & np.uint64(0xFFFFFFFF)).astype(np.uint32)


def _decode_decimal(block: Bytes, columns: int) -> Words32 | None:
    """Lines of decimal words, spaces allowed before each -> words; None if any byte is out of place."""
    text = block[block != 32] if (block == 32).any() else block
    ends = np.flatnonzero((text == 44) | (text == 10))
    if not len(ends) or ends[-1] != text.size - 1 or len(ends) % columns:
        return None
    separators = text[ends].reshape(-1, columns)
    starts = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - starts
    digits = text - np.uint8(48)
    if (
        not (separators[:, -1] == 10).all()
        or not (separators[:, :-1] == 44).all()
        or lengths.min() < 1
        or lengths.max() > 9
        or np.count_nonzero(digits > 9) != len(ends)
        or _space_inside(block)
    ):
        return None
    words = np.zeros(len(ends), np.int64)
    for place in range(int(lengths.max())):
        more = lengths > place
        words = np.where(more, words * 10 + digits[np.minimum(starts + place, ends)], words)
    if words.max() >= DECIMAL_LIMIT:
        return None
    return words.reshape(-1, columns).astype(np.uint32)


def _space_inside(block: Bytes) -> bool:
    """Whether a space follows a digit: only spaces before a word are taken by the fast path."""
    return bool(((block[1:] == 32) & (block[:-1] >= 48)).any())


def format_hex(words: Words32) -> bytes:
    """The `words` (n, columns) -> lines of 8 lower-case hex digits a word, separated by commas."""
    rows, columns = words.shape
    wide = words.astype(np.uint64)
    fours = (wide >> np.uint64(16) | wide << np.uint64(32)) & np.uint64(0x0000FFFF0000FFFF)
    pairs = (fours >> np.uint64(8) | fours << np.uint64(16)) & np.uint64(0x00FF00FF00FF00FF)
    nibbles = (pairs >> np.uint64(4) | pairs << np.uint64(8)) & _every_byte(0x0F)
    above_nine = ((nibbles + _every_byte(6)) >> np.uint64(4)) & _every_byte(1)
    lines = np.full((rows, columns, HEX_DIGITS + 1), 44, np.uint8)
    lines[:, -1, -1] = 10
    text = nibbles + _every_byte(0x30) + above_nine * np.uint64(39)
    lines[:, :, :HEX_DIGITS] = text.astype("<u8")[:, :, None].view(np.uint8)
    return lines.tobytes()
