"""Samples of modules on disk: nothing is read before it is asked for, and what is damaged or misplaced is named."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION
from qcompress.detectors.hdf5 import Columns, SampleFile, split_hash
from qcompress.detectors.hgcal.samples.layout import (
    CHUNK_ROWS,
    COLUMNS,
    FORMAT,
    NEEDED,
    PARTICLES,
    SCHEMA,
    Layout,
    Sample,
    card_path,
    column_digest,
    content_hash,
)
from qcompress.errors import QcompressError


class Handle(SampleFile):
    """A sample on disk, opened for reading. A context manager."""

    def __init__(self, path: Path) -> None:
        """Open the sample at `path`; raises QcompressError if it is none, has no rows, or has other columns."""
        super().__init__(path, FORMAT, SCHEMA, "qcompress simulate")
        with self.damaged():
            if missing := [name for name in NEEDED if name not in self.file]:
                raise QcompressError(f"{path}: column {', '.join(missing)} is missing")
            self.columns = [name for name in COLUMNS if name in self.file]
            self.rows = len(self.file["event"])
            self._check_layout(self.file, self.columns, COLUMNS, self.rows)
        if self.rows == 0:
            raise QcompressError(f"{path}: a sample without rows")

    def _check_layout(self, group: Any, names: Sequence[str], layout: Layout, rows: int) -> None:
        """Columns of a group of the file against their layout."""
        import h5py

        for name in names:
            (dtype, shape), column = layout[name], group[name]
            place, expected = column.name.strip("/"), f"{dtype} of shape {(rows, *shape)}"
            if not isinstance(column, h5py.Dataset):
                raise QcompressError(f"{self.path}: column {place} is a group, not {expected}")
            if column.dtype != np.dtype(dtype) or column.shape != (rows, *shape):
                found = f"{column.dtype} of shape {column.shape}"
                raise QcompressError(f"{self.path}: column {place} is {found}, not {expected}")

    def read(self, names: Sequence[str] | None = None, rows: slice = slice(None)) -> dict[str, npt.NDArray[Any]]:
        """Columns by name, those of `names`, all if None; codes, split, zside and eta are checked.

        rows: a part of them. Raises QcompressError for a damaged file and for values that cannot be.
        """
        with self.damaged():
            found = {name: self.file[name][rows] for name in (self.columns if names is None else names)}
        _check(self.path, found)
        return found

    def chunks(
        self, size: int = CHUNK_ROWS, names: Sequence[str] | None = None
    ) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """All rows, `size` at a time; names: of the columns, all if None."""
        for first in range(0, self.rows, size):
            yield self.read(names, slice(first, first + size))

    def first(self, part: int, rows: int) -> dict[str, npt.NDArray[Any]]:
        """All columns of the first `rows` rows that belong to a `part` of the split, of fewer if there are no more."""
        found: list[dict[str, npt.NDArray[Any]]] = []
        for chunk in self.chunks():
            own = np.flatnonzero(chunk["split"] == part)[:rows]
            found.append({name: column[own] for name, column in chunk.items()})
            rows -= len(own)
            if not rows:
                break
        return {name: np.concatenate([each[name] for each in found]) for name in self.columns}

    def particles(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of the generated particles, empty if the sample has none."""
        with self.damaged():
            if "particles" not in self.file:
                return {}
            group = self.file["particles"]
            self._check_layout(group, list(PARTICLES), PARTICLES, len(group["event"]))
            return {name: group[name][...] for name in PARTICLES}

    def card(self) -> str:
        """What the card beside the sample says: `agrees`, `of another sample`, or `none`."""
        path = card_path(self.path)
        if not path.is_file():
            return "none"
        try:
            told = json.loads(path.read_text()).get("content_hash")
        except (ValueError, AttributeError):
            return "not readable"
        return "agrees" if told == self.content_hash() else "of another sample"

    def content_hash(self) -> str:
        """SHA-256 over all columns, each by itself."""
        digests = {name: column_digest(name) for name in self.columns}
        for part in self.chunks():
            for name, column in part.items():
                digests[name].update(column.tobytes())
        return content_hash(digests.values())

    def events(self) -> npt.NDArray[np.int64]:
        """(n, 2): every event and its part of the split, by number; raises QcompressError if one is in two parts."""
        parts = self.chunks(1 << 20, ["event", "split"])
        own = [np.unique(np.column_stack([c["event"], c["split"].astype(np.int64)]), axis=0) for c in parts]
        pairs = np.unique(np.concatenate(own), axis=0)
        if len(pairs) != len(np.unique(pairs[:, 0])):
            raise QcompressError(f"{self.path}: an event belongs to two parts of the split; split by event")
        return pairs

    def split_hash(self) -> str:
        """SHA-256 over the sorted (event, part) pairs."""
        return split_hash(self.events())


def read(path: Path) -> Sample:
    """The whole sample at `path`; raises QcompressError naming what is missing or wrong."""
    with Handle(path) as handle:
        handle.events()
        return Sample(handle.read(), handle.particles(), handle.origin)


def _check(path: Path, columns: Columns) -> None:
    if "codes" in columns and (wrong := int((columns["codes"] > 127).sum())):
        raise QcompressError(f"{path}: {wrong} trigger-cell codes are above 127")
    if "split" in columns and (wrong := int((columns["split"] > CALIBRATION).sum())):
        raise QcompressError(f"{path}: {wrong} rows belong to no part of the split")
    if "zside" in columns and (wrong := int((np.abs(columns["zside"]) != 1).sum())):
        raise QcompressError(f"{path}: zside of {wrong} rows is neither 1 nor -1")
    if "eta" in columns and (wrong := int((~np.isfinite(columns["eta"])).sum())):
        raise QcompressError(f"{path}: eta of {wrong} rows is no number")
