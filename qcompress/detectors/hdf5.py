"""HDF5 files of samples: what detectors share of writing them whole, opening them, naming what is wrong in them.

A file says in its attributes what it is (`format`, `schema`) and where its content comes from (`origin`, JSON).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.files import HeldFile, Json, JsonObject, written_aside
from qcompress.hdf5_heaps import check_heaps

if TYPE_CHECKING:
    from hashlib import _Hash as Digest

Columns = Mapping[str, npt.NDArray[Any]]
"""Arrays of equal length by name."""
Layout = Mapping[str, Mapping[str, str]]
"""Groups of columns of one length each: type of a column by its name, by name of the group."""
HEADER_BYTES = 1 << 22
"""At each end of a file, where the heaps of its header lie."""
COMPRESSED: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


def hdf5_format(path: Path) -> str | None:
    """What the HDF5 file `path` says of its format; None if it says nothing or is none."""
    import h5py

    if not path.is_file() or not h5py.is_hdf5(path):
        return None
    check_heaps(path, HEADER_BYTES)
    with h5py.File(path) as file:
        told = file.attrs.get("format")
    return told if isinstance(told, str) else None


@contextmanager
def whole_file(path: Path, format_: str, schema: int, origin: Mapping[str, Json]) -> Iterator[Any]:
    """A new HDF5 file with its header, which is at `path` when the block ends without a fault, or not at all.

    format_, schema: what the file is; origin: where its content comes from, JSON values.
    """
    import h5py

    with written_aside(path) as beside:
        held = HeldFile(beside)
        with h5py.File(held, "w") as file:
            file.attrs["format"], file.attrs["schema"] = format_, schema
            file.attrs["origin"] = json.dumps(origin, sort_keys=True)
            yield file
        held.check()


def growing_column(file: Any, name: str, dtype: npt.DTypeLike, shape: tuple[int, ...], chunk_rows: int) -> None:
    """Make the column `name` of an open `file`, without rows yet; its numbers are of type `dtype`.

    A row is of `shape`, a chunk of `chunk_rows` rows.
    """
    options = {"chunks": (chunk_rows, *shape), "maxshape": (None, *shape), "track_times": False, **COMPRESSED}
    file.create_dataset(name, (0, *shape), dtype, **options)


def extend(column: Any, rows: npt.NDArray[Any]) -> None:
    """Write `rows` behind those that a growing `column` has."""
    column.resize(len(column) + len(rows), axis=0)
    column[len(column) - len(rows) :] = rows


class GrowingGroups:
    """Groups of columns in a `file` being written, whose rows come in pieces of any size.

    layout: groups, columns and their types; chunk_rows: rows of a chunk. Whole chunks are written, so that the bytes do
    not depend on the pieces.
    """

    def __init__(self, file: Any, layout: Layout, chunk_rows: int) -> None:
        self._file, self._layout, self._chunk_rows = file, layout, chunk_rows
        self._waiting: dict[str, list[dict[str, npt.NDArray[Any]]]] = {group: [] for group in layout}
        for group, columns in layout.items():
            for name, dtype in columns.items():
                growing_column(file, f"{group}/{name}", dtype, (), chunk_rows)

    def extend(self, group: str, columns: Columns) -> None:
        """Add rows of a `group`: all its `columns`."""
        typed = {name: np.ascontiguousarray(columns[name], dtype) for name, dtype in self._layout[group].items()}
        self._waiting[group].append(typed)
        self._write(group, whole_chunks=True)

    def finish(self) -> None:
        """Write what is waiting."""
        for group in self._layout:
            self._write(group, whole_chunks=False)

    def _write(self, group: str, *, whole_chunks: bool) -> None:
        waiting = self._waiting[group]
        first = next(iter(self._layout[group]))
        rows = sum(len(part[first]) for part in waiting)
        take = rows - rows % self._chunk_rows if whole_chunks else rows
        if not take:
            return
        left: dict[str, npt.NDArray[Any]] = {}
        for name in self._layout[group]:
            joined = np.concatenate([part[name] for part in waiting])
            extend(self._file[f"{group}/{name}"], joined[:take])
            left[name] = joined[take:]
        self._waiting[group] = [left]


class SampleFile:
    """A sample file, opened for reading: nothing but its header is read before it is asked for. A context manager."""

    def __init__(self, path: Path, format_: str, schema: int, command: str) -> None:
        """Open `path` and check its header.

        format_, schema: what the file must say it is; command: what makes such files, for the fault. Raises
        QcompressError for a file that is not there, damaged or something else.
        """
        import h5py

        if not path.is_file():
            raise QcompressError(f"{path}: no such sample file")
        self.path = path
        check_heaps(path, HEADER_BYTES)
        with self.damaged():
            self.file = h5py.File(path)
        with self.damaged():
            self._check_header(format_, schema, command)
            self.origin: JsonObject = dict(json.loads(self.file.attrs["origin"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *fault: object) -> None:
        self.file.close()

    @contextmanager
    def damaged(self) -> Iterator[None]:
        """What fails in the block is raised as a QcompressError that calls the file damaged."""
        try:
            yield
        except (OSError, KeyError, ValueError, RuntimeError, TypeError) as fault:
            raise QcompressError(f"{self.path}: damaged sample file ({' '.join(str(fault).split())})") from None

    def check_layout(self, layout: Layout) -> None:
        """Raises QcompressError for a column of the `layout` that is missing, of another type or another length."""
        for group, columns in layout.items():
            rows = set()
            for name, dtype in columns.items():
                if f"{group}/{name}" not in self.file:
                    raise QcompressError(f"{self.path}: column {group}/{name} is missing")
                column = self.file[f"{group}/{name}"]
                if column.dtype != np.dtype(dtype) or column.ndim != 1:
                    raise QcompressError(f"{self.path}: column {group}/{name} is {column.dtype}, not {dtype}")
                rows.add(len(column))
            if len(rows) != 1:
                raise QcompressError(f"{self.path}: columns of {group} differ in length")

    def _check_header(self, format_: str, schema: int, command: str) -> None:
        attributes = self.file.attrs
        if attributes.get("format") == format_ and attributes.get("schema") == schema:
            return
        told = f"schema {attributes['schema']}" if attributes.get("format") == format_ else "something else"
        raise QcompressError(f"{self.path}: no file of {format_}, schema {schema}, but {told}; make one with {command}")


def begun_digest(label: str) -> "Digest":
    """The SHA-256 of a column, begun with the `label` that names it; its bytes are to follow, chunk by chunk."""
    return hashlib.sha256(label.encode())


def split_hash(pairs: npt.NDArray[np.int64]) -> str:
    """SHA-256 of an event split; pairs (n, 2): every event's number and its part, sorted by number."""
    return hashlib.sha256(pairs.astype("<i8").tobytes()).hexdigest()
