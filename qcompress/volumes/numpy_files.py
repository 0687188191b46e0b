"""NumPy files: the array of a .npy, its fields if it has any, and the arrays of a .npz."""

import re
import struct
import tokenize
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from qcompress.errors import QcompressError
from qcompress.graph.ports import Shape
from qcompress.volumes.columns import RENAME, Arrays, Column, Table, blocks

ARRAY = "array"
"""Name of the column that a .npy is."""
LENGTHS_AT = 26
"""Where the header of a member of a zip file says how long its name and its extra field are, which follow."""
SEPARATOR = re.compile(r"[/\\]")
"""Between the folders of a member's name, on whichever system it is unpacked."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every member of a .npz: equal contents are equal bytes."""


class Stored(NamedTuple):
    """An array in an open file: where its first row is."""

    file: IO[bytes]
    at: int
    dtype: np.dtype[Any]
    shape: Shape

    @classmethod
    def of(cls, file: IO[bytes], place: str) -> "Stored":
        """What the header at the file's position says; raises QcompressError naming `place`."""
        try:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, by_columns, dtype = read(file)
        except (ValueError, SyntaxError, tokenize.TokenError) as fault:
            raise QcompressError(f"{place}: not a readable NumPy array ({' '.join(str(fault).split())})") from None
        if by_columns and len(shape) > 1:
            raise QcompressError(f"{place}: its rows do not follow each other (Fortran order); save it in C order")
        if not shape or dtype.hasobject:
            raise QcompressError(f"{place}: holds {'Python objects' if dtype.hasobject else 'no rows'}, not an array")
        return cls(file, file.tell(), dtype, shape)

    def read(self, first: int, stop: int) -> npt.NDArray[Any]:
        """Rows first..stop; raises QcompressError where the file ends before."""
        row_bytes = self.dtype.itemsize * prod(self.shape[1:])
        self.file.seek(self.at + first * row_bytes)
        found = self.file.read((stop - first) * row_bytes)
        if len(found) < (stop - first) * row_bytes:
            raise QcompressError(f"the file ends before row {stop}: it was cut")
        return np.frombuffer(found, self.dtype).reshape(stop - first, *self.shape[1:])


class NumpySource:
    """Opened arrays by name, of which a structured one is a column for each of its fields; a Source."""

    notes: Sequence[str] = ()

    def __init__(self, arrays: Mapping[str, Stored]) -> None:
        self._places: dict[str, tuple[Stored, str]] = {}
        self.columns: dict[str, Column] = {}
        for own, array in arrays.items():
            for field in array.dtype.names or ("",):
                name = field or own
                self._places[name] = array, field
                self.columns[name] = _column(name, array.dtype[field] if field else array.dtype, array.shape[1:])

    def rows(self, names: Sequence[str]) -> int:
        """Rows of the columns of these names, which have as many."""
        return same_length({name: self._places[name][0].shape[0] for name in names})

    def starts(self) -> Sequence[int]:
        """Any row; the first alone where an array is compressed."""
        return [0] if any(isinstance(array.file, zipfile.ZipExtFile) for array, _ in self._places.values()) else []

    def batches(self, columns: Sequence[Column], first: int, stop: int, rows: int) -> Iterator[Arrays]:
        """Rows first..stop of the columns, so many `rows` at a time."""
        for begin in range(first, stop, rows):
            found = {}
            for column in columns:
                stored, field = self._places[column.name]
                part = stored.read(begin, min(begin + rows, stop))
                found[column.name] = part[field] if field else part
            yield found


def same_length(lengths: Mapping[str, int]) -> int:
    """The rows of columns; lengths: by name. Raises QcompressError if they differ."""
    if len(set(lengths.values())) > 1:
        few, many = min(lengths, key=lambda n: lengths[n]), max(lengths, key=lambda n: lengths[n])
        raise QcompressError(f"column {few} has {lengths[few]} rows, column {many} has {lengths[many]}")
    return next(iter(lengths.values()))


@contextmanager
def opened(path: Path, tree: str | None) -> Iterator[NumpySource]:
    """The .npy or .npz at `path`; tree: it has none."""
    with ExitStack() as stack:
        try:
            if path.suffix == ".npy":
                arrays = {ARRAY: Stored.of(stack.enter_context(path.open("rb")), str(path))}
            else:
                archive = stack.enter_context(zipfile.ZipFile(path))
                arrays = {
                    member.filename.removesuffix(".npy"): Stored.of(
                        stack.enter_context(_member(path, archive, member)), f"{path}, {member.filename}"
                    )
                    for member in archive.infolist()
                    if member.filename.endswith(".npy")
                }
            yield NumpySource(arrays)
        except (OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RuntimeError) as fault:
            raise QcompressError(f"{path}: not a readable NumPy file ({' '.join(str(fault).split())})") from None


def check(columns: Sequence[Column], path: Path) -> None:
    """Raises QcompressError for several columns of a .npy, for names that are none of files in a .npz, at `path`."""
    if path.suffix == ".npy":
        if len(columns) > 1:
            names = ", ".join(column.name for column in columns)
            raise QcompressError(f"{path}: holds one array, there are {len(columns)} ({names}); name it .npz")
        return
    for column in columns:
        if {"", ".", ".."} & set(SEPARATOR.split(column.name)):
            raise QcompressError(f"{path}: {column.name!r} is no name for a file in an archive; {RENAME}")


def write(file: BinaryIO, table: Table, path: Path) -> None:
    """A .npy of the only column, or a .npz of all of them, not compressed.

    file: an empty one, at `path` later; table: what is written.
    """
    if path.suffix == ".npy":
        _write_array(file, table, table.columns[0])
        return
    with zipfile.ZipFile(file, "w") as archive:
        for column in table.columns:
            member = zipfile.ZipInfo(f"{column.name}.npy", LONG_AGO)
            with archive.open(member, "w", force_zip64=True) as stream:
                _write_array(stream, table, column)


def _member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> IO[bytes]:
    """An array's bytes: decompressed from the first on, or the file itself where they lie in it as they are."""
    if member.compress_type != zipfile.ZIP_STORED:
        return archive.open(member)
    file = path.open("rb")
    file.seek(member.header_offset + LENGTHS_AT)
    name, extra = struct.unpack("<HH", file.read(4))
    file.seek(name + extra, 1)
    return file


def _write_array(file: IO[bytes], table: Table, column: Column) -> None:
    shape = (table.rows, *(column.shape or ()))
    told = {"descr": npy.dtype_to_descr(np.dtype(column.dtype)), "fortran_order": False, "shape": shape}
    npy.write_array_header_1_0(file, told)
    for first, stop in blocks(table):
        file.write(np.ascontiguousarray(table.read(column.name, first, stop)).data)


def _column(name: str, dtype: np.dtype[Any], shape: Shape) -> Column:
    numbers, shape = (dtype.base, (*shape, *dtype.shape)) if dtype.subdtype else (dtype, shape)
    return Column(name, str(dtype), numbers if numbers.kind in "biuf" else None, shape)
