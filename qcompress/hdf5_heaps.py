"""Heaps of HDF5 files, looked at before the library reads them: it can turn in a circle for ever.

Texts and other values of no fixed length lie in global heaps (HDF5 file format 3.0, III.E): `GCOL`, a version, the size
of the whole, then objects: two bytes of index, two of references, four of nothing, eight of size, the content filled up
to a multiple of eight. Object 0 is what is free, and its size holds its own head. The library (1.14.6) goes from one
object to the next by their sizes, and nowhere by a size of 0.
"""

import mmap
from pathlib import Path

from qcompress.errors import QcompressError

MARK, VERSION = b"GCOL", b"\x01"
HEAD = 16
"""Bytes, of a heap and of an object."""
SMALLEST = 4096
"""Bytes of a heap."""


def check_heaps(path: Path, most: int | None = None) -> None:
    """Raises QcompressError if a heap of the HDF5 file at `path` is none that can be gone through.

    most: bytes that are looked at, at each end of the file; all of it if None. A file that cannot be read is left to
    those who read it.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            spans = [(0, len(data))] if most is None else [(0, most), (max(most, len(data) - most), len(data))]
            for first, stop in spans:
                place = data.find(MARK, first, stop)
                while place >= 0:
                    if not _whole(data, place):
                        raise QcompressError(f"{path}: damaged: the heap at byte {place} is none; give a good copy")
                    place = data.find(MARK, place + 1, stop)
    except (OSError, ValueError):
        return


def _whole(data: mmap.mmap, place: int) -> bool:
    """Whether the objects of a heap follow one another to its end; whatever is no heap is whole."""
    size = int.from_bytes(data[place + 8 : place + HEAD], "little")
    end = place + size
    if data[place + 4 : place + 5] != VERSION or size < SMALLEST or end > len(data):
        return True  # the library says what is wrong
    place += HEAD
    while place + HEAD <= end:
        index = int.from_bytes(data[place : place + 2], "little")
        own = int.from_bytes(data[place + 8 : place + HEAD], "little")
        step = HEAD + -(-own // 8) * 8 if index else own
        if not HEAD <= step <= end - place:
            return False
        place += step
    return True
