"""Which format a file of columns is, by the ending of its name; a format is imported when it is used."""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.volumes.columns import RENAME, Column

ENDINGS = {
    ".parquet": "parquet",
    ".npy": "numpy_files",
    ".npz": "numpy_files",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".root": "root",
}
"""Ending -> module of this room."""
KNOWN = ", ".join(ENDINGS)


def has_columns(path: Path) -> bool:
    """Whether the name of a path is that of a file of columns."""
    return path.suffix in ENDINGS


def format_of(path: Path) -> Any:
    """The module that reads and writes files of the name of a path; raises QcompressError for another ending."""
    if not has_columns(path):
        raise QcompressError(f"{path}: no file of columns by its ending; they are {KNOWN}")
    return importlib.import_module(f"qcompress.volumes.{ENDINGS[path.suffix]}")


def check_written(columns: Sequence[Column], path: Path) -> None:
    """Raises QcompressError for columns that cannot be written to the file at `path`, before anything is computed."""
    for column in columns:
        if not column.name.isprintable():
            raise QcompressError(f"{path}: {column.name!r} is no name for a column; {RENAME}")
        if 0 in (column.shape or ()):
            raise QcompressError(f"{path}: a row of column {column.name} is of shape {column.shape}: holds no number")
    format_of(path).check(columns, path)


def writer_of(path: Path, ntuple: bool) -> Callable[..., None]:
    """What writes the file at `path`; ntuple: an RNTuple, of ROOT files alone."""
    if ntuple and path.suffix != ".root":
        raise QcompressError(f"{path}: --rntuple is for an output that ends in .root")
    chosen = format_of(path)
    writer: Callable[..., None] = chosen.write_ntuple if ntuple else chosen.write
    return writer
