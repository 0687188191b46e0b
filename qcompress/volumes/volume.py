"""Files of the same columns, one behind the other: the rows of all of them, in the order of their names."""

import glob
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from qcompress.errors import QcompressError
from qcompress.volumes.columns import Arrays, Column, Source
from qcompress.volumes.formats import ENDINGS, KNOWN, format_of, has_columns

LARGEST_NUMBER = 8
"""Bytes of a number."""


class File(NamedTuple):
    """A file of a volume as it was found: rows, bytes, when it was last changed (ns), where reading may begin."""

    path: Path
    rows: int
    size: int
    changed: int
    starts: tuple[int, ...]

    @property
    def identity(self) -> list[str | int]:
        """What another file of that name, or the same one changed, does not share."""
        return [str(self.path.resolve()), self.rows, self.size, self.changed]


class Part(NamedTuple):
    """Rows that were read: from which file, the number of the first of them in it, its columns."""

    path: Path
    row: int
    arrays: Arrays


def found_files(given: Path) -> list[Path]:
    """The files of columns that `given` is: one itself, those in a folder, those that match a pattern.

    Raises QcompressError where there are none, and where they are of several formats.
    """
    if given.is_dir():
        files = sorted(path for path in given.iterdir() if has_columns(path) and not path.name.startswith("."))
        if not files:
            raise QcompressError(f"{given}: no file of columns in it; they end in {KNOWN}")
    elif given.is_file() or not glob.has_magic(str(given)):
        files = [given]
    elif not (files := [Path(name) for name in sorted(glob.glob(str(given), recursive=True))]):
        raise QcompressError(f"{given}: matches nothing")
    for path in files:
        if not path.is_file():
            raise QcompressError(f"{path}: no such input file")
        format_of(path)
        if ENDINGS[path.suffix] != ENDINGS[files[0].suffix]:
            raise QcompressError(f"{given}: {files[0].name} and {path.name} are of two formats; give a pattern")
    return files


@dataclass(frozen=True)
class Volume:
    """Rows of some files that have the same columns.

    columns: those that are read, with the shapes of their rows; tree: which of several in ROOT files; first: number of
    the first row, where there are others before these files.
    """

    files: tuple[File, ...]
    columns: tuple[Column, ...]
    tree: str | None = None
    first: int = 0

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(file.rows for file in self.files)

    @property
    def starts(self) -> list[int]:
        """Rows, of all, from which on can be read without reading those before them; empty if that is any."""
        edges = self._edges()
        return [edge + start for edge, file in zip(edges, self.files, strict=False) for start in file.starts]

    def batches(self, first: int, stop: int, rows: int) -> Iterator[Part]:
        """Rows first..stop of all, at most so many `rows` at a time, never of two files at once.

        Raises QcompressError naming the file, and the row of it, for what cannot be read.
        """
        edges = self._edges()
        for number in range(max(bisect_right(edges, first) - 1, 0), len(self.files)):
            here, file = edges[number], self.files[number]
            begin, end = max(first - here, 0), min(stop - here, file.rows)
            if here >= stop:
                return
            if begin < end:
                yield from self._of_file(file, begin, end, rows)

    def _of_file(self, file: File, first: int, stop: int, rows: int) -> Iterator[Part]:
        row = first
        with format_of(file.path).opened(file.path, self.tree) as source:
            found = source.batches(self.columns, first, stop, rows)
            while True:
                try:
                    arrays: Arrays | None = next(found, None)
                except QcompressError as fault:
                    raise QcompressError(f"{file.path}: {fault}") from None
                if arrays is None:
                    break
                yield Part(file.path, row, arrays)
                row += len(arrays[self.columns[0].name])
        if row != stop:
            raise QcompressError(f"{file.path}: ends at row {row}, where {stop} were told; it has changed or was cut")

    def within(self, first: int, stop: int) -> "Volume":
        """The files that hold some of the rows first..stop; rows keep their numbers."""
        edges = self._edges()
        own = [n for n, here in enumerate(edges[:-1]) if here < stop and edges[n + 1] > first]
        files = tuple(self.files[n]._replace(starts=()) for n in own)
        return replace(self, files=files, first=edges[own[0]] if own else first)

    def check_unchanged(self, first: int, stop: int) -> None:
        """Raises QcompressError if a file that holds some of the rows first..stop is not what it was."""
        for here, file in zip(self._edges(), self.files, strict=False):
            if here < stop and here + file.rows > first:
                about = file.path.stat() if file.path.is_file() else None
                if about is None or (about.st_size, about.st_mtime_ns) != (file.size, file.changed):
                    raise QcompressError(f"{file.path}: has changed while it was read; run the command again")

    def _edges(self) -> list[int]:
        return list(accumulate((file.rows for file in self.files), initial=self.first))


def columns_of(path: Path, tree: str | None) -> tuple[dict[str, Column], list[str]]:
    """All columns of the file at `path` by name, and what was chosen on opening it; tree: which, of several."""
    with format_of(path).opened(path, tree) as source:
        return dict(source.columns), list(source.notes)


def named(columns: Mapping[str, Column], name: str, place: object) -> Column:
    """Of the columns the one of that name, of numbers; place: what is named in a fault.

    Raises QcompressError, with the nearest names, if there is none.
    """
    if (found := columns.get(name)) is None:
        near = get_close_matches(name, columns, 3)
        listed = ", ".join(near or list(columns)[:12]) or "no column at all"
        raise QcompressError(f"{place}: no column {name}; {'nearest are' if near else 'it has'} {listed}")
    if found.dtype is None or found.dtype.itemsize > LARGEST_NUMBER:
        raise QcompressError(f"{place}: column {name} is of type {found.kind}; only numbers of up to 64 bits are read")
    return found


def volume_of(paths: Sequence[Path], names: Sequence[str], tree: str | None) -> Volume:
    """The volume of files at paths with columns of these names; metadata is read, and one row of each at most.

    tree: which of several in ROOT files.
    Raises QcompressError for a column that is missing, or is of other type or shape in another file, and for no names.
    """
    if not names:
        raise QcompressError(f"{paths[0]}: no column to read")
    columns: tuple[Column, ...] = ()
    files: list[File] = []
    for path in paths:
        with format_of(path).opened(path, tree) as source:
            try:
                rows = source.rows([named(source.columns, name, path).name for name in names])
            except QcompressError as fault:
                said = str(fault)
                raise QcompressError(said if said.startswith(str(path)) else f"{path}: {said}") from None
            about = path.stat()
            files.append(File(path, rows, about.st_size, about.st_mtime_ns, tuple(source.starts())))
            told = [source.columns[name] for name in names]
            own = tuple(_with_shape(source, column, rows, path) for column in told)
        columns = _agreed(columns, own, paths[0], path) if columns else own
    return Volume(tuple(files), columns, tree)


def _with_shape(source: Source, column: Column, rows: int, path: Path) -> Column:
    """The column with the shape of its first row, where the file leaves it to every row."""
    if column.shape is not None or not rows:
        return column
    try:
        (first,) = source.batches([column], 0, 1, 1)
    except QcompressError as fault:
        raise QcompressError(f"{path}: {fault}") from None
    return column._replace(shape=first[column.name].shape[1:])


def _agreed(before: tuple[Column, ...], own: tuple[Column, ...], first: Path, path: Path) -> tuple[Column, ...]:
    """The columns of files of which each has its own; raises QcompressError where they differ."""
    agreed = []
    for one, other in zip(before, own, strict=True):
        if one.dtype != other.dtype or (None not in (one.shape, other.shape) and one.shape != other.shape):
            said = [f"{column.dtype} {column.shape or ''}".strip() for column in (one, other)]
            raise QcompressError(f"{path}: column {one.name} is {said[1]}, in {first} it is {said[0]}")
        agreed.append(other if one.shape is None else one)
    return tuple(agreed)
