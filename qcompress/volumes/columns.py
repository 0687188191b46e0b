"""What a file of columns is to the rest of the room, whatever its format."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.graph.ports import Shape

Arrays = dict[str, npt.NDArray[Any]]
"""Arrays (rows, *shape) by column name, of equal numbers of rows."""
RENAME = "give another with --output-columns OUTPUT=NAME or --keep COLUMN=NAME"
"""What is to be done about the name of a column that is written."""


class Column(NamedTuple):
    """A column of a file.

    kind: its type in the file's own words; dtype: of its numbers, None if it holds none; shape: of one row, None where
    the file's type leaves that to every row.
    """

    name: str
    kind: str
    dtype: np.dtype[Any] | None
    shape: Shape | None

    @property
    def row_bytes(self) -> int:
        """Bytes of one row in memory; the shape must be known."""
        return prod(self.shape or ()) * (self.dtype.itemsize if self.dtype is not None else 0)


class Source(Protocol):
    """An opened file of columns."""

    @property
    def columns(self) -> Mapping[str, Column]:
        """What is in it, by name."""
        ...

    @property
    def notes(self) -> Sequence[str]:
        """What was chosen on opening it, for the user."""
        ...

    def rows(self, names: Sequence[str]) -> int:
        """Rows that the columns of these names have; raises QcompressError if they differ."""
        ...

    def starts(self) -> Sequence[int]:
        """Rows from which on can be read without reading those before them; none if that is any."""
        ...

    def batches(self, columns: Sequence[Column], first: int, stop: int, rows: int) -> Iterator[Arrays]:
        """Rows first..stop of the columns, at most so many `rows` at a time, in order.

        columns: with the shape that every row must have; None takes that of the first row. Raises Misfit for the
        first row that has another, or an empty field.
        """
        ...


class Table(Protocol):
    """Columns that are written: rows, a block of them after the other."""

    columns: Sequence[Column]
    rows: int
    block_rows: int

    def read(self, name: str, first: int, stop: int) -> npt.NDArray[Any]:
        """Rows first..stop of the column called `name`, (rows, *shape), all of one block."""
        ...


class Format(Protocol):
    """A format of files: a module of this room."""

    def opened(self, path: Path, tree: str | None) -> AbstractContextManager[Source]:
        """The file at `path`; tree: which of several in it. Raises QcompressError for one that cannot be read."""
        ...

    def check(self, columns: Sequence[Column], path: Path) -> None:
        """Raises QcompressError for columns of which no file of this format can be written at `path`."""
        ...

    def write(self, file: BinaryIO, table: Table, path: Path) -> None:
        """Write a table, of columns that were checked, into an empty file that will be at `path`. Raises OSError."""
        ...


class Misfit(QcompressError):  # noqa: N818 - like a refusal
    """A row that is not what the column's other rows are.

    row: its number in the file, from 0; told: what is wrong with it.
    """

    def __init__(self, column: str, row: int, told: str) -> None:
        super().__init__(f"column {column}, row {row} (from 0): {told}")
        self.row = row


def list_length(lengths: npt.NDArray[Any], wanted: Shape | None, outer: Sequence[int], column: str, first: int) -> int:
    """How long all lists of one dimension are.

    lengths: of every list, row by row; wanted: the shape of every row, None to take that of the first; outer: the
    dimensions before this one; column: its name; first: number of the first row. Raises Misfit for the first row with
    another length.
    """
    length = wanted[len(outer)] if wanted is not None else int(lengths[0]) if len(lengths) else 0
    wrong = lengths != length
    if wrong.any():
        place = int(np.argmax(wrong))
        raise Misfit(column, first + place // prod(outer), f"a list of {lengths[place]}, not of {length}")
    return length


def blocks(table: Table) -> Iterator[tuple[int, int]]:
    """First row and the row behind the last of every block of a table."""
    for first in range(0, table.rows, table.block_rows):
        yield first, min(first + table.block_rows, table.rows)
