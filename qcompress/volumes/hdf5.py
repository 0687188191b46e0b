"""HDF5 files: every dataset is a column by its path in the file; so is every field of a compound one."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.files import HeldFile
from qcompress.volumes.columns import RENAME, Arrays, Column, Misfit, Table, blocks, list_length
from qcompress.volumes.numpy_files import same_length

COMPRESSED: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


class Hdf5Source:
    """An opened HDF5 file; a Source."""

    notes: Sequence[str] = ()

    def __init__(self, file: Any) -> None:
        self._places: dict[str, tuple[Any, str]] = {}
        self.columns: dict[str, Column] = {}
        file.visititems(self._enter)

    def _enter(self, name: str, item: Any) -> None:
        """Take in a dataset; called for everything in the file."""
        if not hasattr(item, "dtype") or not item.shape:
            return
        for field in item.dtype.names or ("",):
            column = f"{name}/{field}" if field else name
            self._places[column] = item, field
            self.columns[column] = _column(column, item.dtype[field] if field else item.dtype, item.shape[1:])

    def rows(self, names: Sequence[str]) -> int:
        """Rows of the columns of these names, which have as many."""
        return same_length({name: self._places[name][0].shape[0] for name in names})

    def starts(self) -> Sequence[int]:
        """Any row: chunks are small."""
        return ()

    def batches(self, columns: Sequence[Column], first: int, stop: int, rows: int) -> Iterator[Arrays]:
        """Rows first..stop of the columns, so many `rows` at a time."""
        for begin in range(first, stop, rows):
            found = {}
            for column in columns:
                item, field = self._places[column.name]
                part = item[begin : min(begin + rows, stop)]
                found[column.name] = _array(part[field] if field else part, column, begin)
            yield found


@contextmanager
def opened(path: Path, tree: str | None) -> Iterator[Hdf5Source]:
    """The HDF5 file at `path`; tree: it has none."""
    import h5py

    try:
        with h5py.File(path) as file:
            yield Hdf5Source(file)
    except (OSError, RuntimeError, KeyError) as fault:
        raise QcompressError(f"{path}: not a readable HDF5 file ({' '.join(str(fault).split())})") from None


def check(columns: Sequence[Column], path: Path) -> None:
    """Raises QcompressError for columns whose names are no paths of datasets in the file at `path`."""
    names = [column.name for column in columns]
    for name in names:
        if {"", ".", ".."} & set(name.split("/")):
            raise QcompressError(f"{path}: {name!r} is no path of a dataset; {RENAME}")
        if inner := [other for other in names if other.startswith(f"{name}/")]:
            raise QcompressError(f"{path}: {name!r} is a dataset, {inner[0]!r} cannot lie in it; {RENAME}")


def write(file: BinaryIO, table: Table, path: Path) -> None:
    """A dataset a column, a chunk a block; without times, so that equal contents are equal bytes.

    file: an empty one, at `path` later; table: what is written.
    """
    import h5py

    kept = HeldFile(file)
    with h5py.File(kept, "w") as made:
        for column in table.columns:
            shape = column.shape or ()
            chunks = {"chunks": (min(table.rows, table.block_rows), *shape), **COMPRESSED} if table.rows else {}
            made.create_dataset(column.name, (table.rows, *shape), column.dtype, track_times=False, **chunks)
        for first, stop in blocks(table):
            for column in table.columns:
                made[column.name][first:stop] = table.read(column.name, first, stop)
            if kept.fault is not None:
                break
    kept.check()


def _column(name: str, dtype: Any, shape: tuple[int, ...]) -> Column:
    import h5py

    if (inner := h5py.check_vlen_dtype(dtype)) is not None and inner is not str:
        numbers = np.dtype(inner)
        return Column(name, f"lists of {numbers}", numbers if numbers.kind in "biuf" and not shape else None, None)
    numbers, shape = (dtype.base, (*shape, *dtype.shape)) if dtype.subdtype else (dtype, shape)
    return Column(name, str(dtype), numbers if numbers.kind in "biuf" else None, shape)


def _array(values: npt.NDArray[Any], column: Column, first: int) -> npt.NDArray[Any]:
    """Rows as they are; lists of their own lengths side by side."""
    if values.dtype.kind != "O":
        return values
    lengths = np.array([-1 if row is None else len(row) for row in values], np.int64)
    if (lengths < 0).any():
        raise Misfit(column.name, first + int(np.argmax(lengths < 0)), "is empty")
    length = list_length(lengths, column.shape, (), column.name, first)
    return np.concatenate(values).reshape(len(values), length) if len(values) else np.zeros((0, length), column.dtype)
