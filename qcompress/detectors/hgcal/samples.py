"""Samples of modules on disk: one HDF5 file, one row per module, and the generated particles; split by event.

Layout (schema 2): the columns of COLUMNS at the top level, chunked and compressed, 48 trigger cells in channel order;
those of PARTICLES in the group `particles`. A file from elsewhere may lack columns that are not in NEEDED: `missing`
names them. A sample is identified by the SHA-256 of its columns and by that of its event split, whatever the chunks.
A card (JSON) lies beside every sample, in place before the sample is: where it comes from, what was cut, its hash.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION
from qcompress.detectors.hgcal.geometry import TRIGGER_CELLS
from qcompress.errors import QcompressError
from qcompress.files import written_aside

SCHEMA = 2
FORMAT = "qcompress HGCAL modules"
CHUNK_ROWS = 1 << 14

Columns = Mapping[str, npt.NDArray[Any]]

COLUMNS: dict[str, tuple[str, tuple[int, ...]]] = {
    "event": ("<i8", ()),
    "zside": ("|i1", ()),
    "subdet": ("|u1", ()),
    "layer": ("<i2", ()),
    "u": ("<i2", ()),
    "v": ("<i2", ()),
    "module_type": ("|u1", ()),
    "high_density": ("|u1", ()),
    "eta": ("<f4", ()),
    "phi": ("<f4", ()),
    "charge": ("<u4", (TRIGGER_CELLS,)),
    "codes": ("|u1", (TRIGGER_CELLS,)),
    "sim_energy_total": ("<f4", ()),
    "event_sim_energy": ("<f4", ()),
    "sim_energy_fraction": ("<f4", ()),
    "signal_fraction": ("<f4", ()),
    "tc_signal": ("<f2", (TRIGGER_CELLS,)),
    "split": ("|u1", ()),
    "masked": ("|u1", ()),
}
"""Type and shape of one row's entry in each column."""

NEEDED = ("event", "codes", "split")
OPTIONAL = ("masked",)
"""1 where a selection trains a module to nothing; samples without a selection have no such column."""

PARTICLES: dict[str, tuple[str, tuple[int, ...]]] = {
    "event": ("<i8", ()),
    "pdg": ("<i4", ()),
    "pt": ("<f4", ()),
    "eta": ("<f4", ()),
    "phi": ("<f4", ()),
    "entry_eta": ("<f4", ()),
    "entry_phi": ("<f4", ()),
    "zside": ("|i1", ()),
}
"""The same of the generated particles: pt in GeV, entry: where they enter the calorimeter."""


@dataclass(frozen=True, eq=False)
class Sample:
    """n modules in memory: columns by name as in COLUMNS, generated particles, where it comes from."""

    columns: Columns
    particles: Columns
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A column; raises QcompressError if the sample has none of that name."""
        if name not in self.columns:
            raise QcompressError(f"the sample has no column {name}; it has {', '.join(self.columns)}")
        return self.columns[name]

    def __len__(self) -> int:
        return len(self.columns["event"])

    @property
    def missing(self) -> list[str]:
        """Columns of the layout that the sample does not have."""
        return [name for name in COLUMNS if name not in self.columns and name not in OPTIONAL]


def typed(columns: Columns, layout: Mapping[str, tuple[str, tuple[int, ...]]]) -> dict[str, npt.NDArray[Any]]:
    """The columns in the layout's types and order."""
    return {name: np.ascontiguousarray(columns[name], dtype) for name, (dtype, _) in layout.items() if name in columns}


class Writer:
    """Appends rows to a sample being written; made by `writing`."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._digests: dict[str, Any] = {}
        self._parts: set[tuple[int, int]] = set()
        self.card: dict[str, Any] = {}
        """What the sample's card says beside its origin, rows and hash."""
        self._waiting: list[dict[str, npt.NDArray[Any]]] = []
        self._rows = 0
        self._particles: list[dict[str, npt.NDArray[Any]]] = []

    @property
    def waiting(self) -> int:
        """Rows that are not yet written."""
        return self._rows

    def append(self, modules: Columns, particles: Columns | None = None) -> None:
        """Rows of modules (columns of COLUMNS, the same in every call) and of generated particles."""
        self._parts.update(zip(*np.unique([modules["event"], modules["split"]], axis=1).tolist(), strict=True))
        self._waiting.append(typed(modules, COLUMNS))
        self._rows += len(modules["event"])
        if particles is not None:
            self.append_particles(particles)
        self._write(CHUNK_ROWS)

    def append_particles(self, particles: Columns) -> None:
        """Generated particles (columns of PARTICLES)."""
        self._particles.append(typed(particles, PARTICLES))

    def finish(self) -> None:
        """Write what is waiting, and the particles; raises QcompressError if an event is in two parts of the split."""
        self._write(1)
        if len({event for event, _ in self._parts}) < len(self._parts):
            raise QcompressError("an event belongs to two parts of the split; split by event")
        if self._particles:
            group = self._file.create_group("particles")
            for name in self._particles[0]:
                column = np.concatenate([part[name] for part in self._particles])
                group.create_dataset(name, data=column, track_times=False)

    def whole_card(self, origin: Mapping[str, Any]) -> dict[str, Any]:
        """The card of what is written."""
        rows = len(self._file["event"]) if "event" in self._file else 0
        digests = [self._digests[name] for name in COLUMNS if name in self._digests]
        return {"rows": rows, "content_hash": _content_hash(digests), "origin": origin} | self.card

    def _write(self, fewest: int) -> None:
        """Write the waiting rows chunk by chunk, until fewer than `fewest` are left."""
        if self._rows < fewest:
            return
        joined = {name: np.concatenate([part[name] for part in self._waiting]) for name in self._waiting[0]}
        done = 0
        while self._rows - done >= fewest:
            rows = slice(done, done + CHUNK_ROWS)
            for name, column in joined.items():
                self._extend(name, column[rows])
            done = min(done + CHUNK_ROWS, self._rows)
        self._rows -= done
        self._waiting = [{name: column[done:] for name, column in joined.items()}] if self._rows else []

    def _extend(self, name: str, rows: npt.NDArray[Any]) -> None:
        shape = COLUMNS[name][1]
        if name not in self._file:
            options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (CHUNK_ROWS, *shape)}
            self._file.create_dataset(
                name, (0, *shape), rows.dtype, maxshape=(None, *shape), track_times=False, **options
            )
            self._digests[name] = _column_digest(name)
        self._digests[name].update(rows.tobytes())
        column = self._file[name]
        column.resize(len(column) + len(rows), axis=0)
        column[len(column) - len(rows) :] = rows


def _column_digest(name: str) -> Any:
    return hashlib.sha256(f"{name}{COLUMNS[name]}".encode())


def _content_hash(digests: Iterable[Any]) -> str:
    return hashlib.sha256("".join(digest.hexdigest() for digest in digests).encode()).hexdigest()


def card_path(sample: Path) -> Path:
    """Where a sample's card lies."""
    return sample.with_suffix(".card.json")


@contextmanager
def writing(path: Path, origin: Mapping[str, Any]) -> Iterator[Writer]:
    """A new sample to append rows to; the file appears whole when the block ends without a fault, or not at all.

    The same rows give the same bytes, however many are appended at a time. Its card is in place just before it.
    """
    import h5py

    with written_aside(path) as beside:
        with h5py.File(beside, "w") as file:
            file.attrs["format"], file.attrs["schema"] = FORMAT, SCHEMA
            file.attrs["origin"] = json.dumps(origin, sort_keys=True)
            writer = Writer(file)
            yield writer
            writer.finish()
            card = writer.whole_card(origin)
        with written_aside(card_path(path)) as text:
            text.write((json.dumps(card, indent=1, sort_keys=True) + "\n").encode())


def write(sample: Sample, path: Path) -> None:
    """Write a sample in memory; the file appears whole or not at all."""
    with writing(path, sample.origin) as writer:
        writer.append(sample.columns, sample.particles or None)


class Handle:
    """A sample on disk, opened for reading: nothing is read before it is asked for. A context manager."""

    def __init__(self, path: Path) -> None:
        import h5py

        if not path.is_file():
            raise QcompressError(f"{path}: no such sample file")
        self._path = path
        try:
            self._file = h5py.File(path)
        except OSError as fault:
            raise QcompressError(f"{path}: damaged sample file ({' '.join(str(fault).split())})") from None
        with self._damaged():
            self._check_header()
            self.origin: Mapping[str, Any] = json.loads(self._file.attrs["origin"])
            self.columns = [name for name in COLUMNS if name in self._file]
            self.rows = len(self._file["event"])
        self._check_layout()

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    @contextmanager
    def _damaged(self) -> Iterator[None]:
        try:
            yield
        except (OSError, KeyError, ValueError, RuntimeError) as fault:
            raise QcompressError(f"{self._path}: damaged sample file ({' '.join(str(fault).split())})") from None

    def _check_header(self) -> None:
        attributes = self._file.attrs
        if attributes.get("format") != FORMAT or attributes.get("schema") != SCHEMA:
            found = f"schema {attributes['schema']}" if attributes.get("format") == FORMAT else "something else"
            raise QcompressError(
                f"{self._path}: no file of {FORMAT}, schema {SCHEMA}, but {found}; make one with qcompress simulate"
            )
        if missing := [name for name in NEEDED if name not in self._file]:
            raise QcompressError(f"{self._path}: column {', '.join(missing)} is missing")

    def _check_layout(self) -> None:
        for name in self.columns:
            (dtype, shape), column = COLUMNS[name], self._file[name]
            if column.dtype != np.dtype(dtype) or column.shape != (self.rows, *shape):
                expected = f"{dtype} of shape {(self.rows, *shape)}"
                found = f"{column.dtype} of shape {column.shape}"
                raise QcompressError(f"{self._path}: column {name} is {found}, not {expected}")
        if self.rows == 0:
            raise QcompressError(f"{self._path}: a sample without rows")

    def read(self, names: Sequence[str] | None = None, rows: slice = slice(None)) -> dict[str, npt.NDArray[Any]]:
        """Columns by name, all unless named; codes and split are checked."""
        with self._damaged():
            found = {name: self._file[name][rows] for name in (self.columns if names is None else names)}
        _check(self._path, found)
        return found

    def chunks(
        self, size: int = CHUNK_ROWS, names: Sequence[str] | None = None
    ) -> Iterator[dict[str, npt.NDArray[Any]]]:
        """All rows, `size` at a time."""
        for first in range(0, self.rows, size):
            yield self.read(names, slice(first, first + size))

    def particles(self) -> dict[str, npt.NDArray[Any]]:
        """Columns of the generated particles, empty if the sample has none."""
        if "particles" not in self._file:
            return {}
        with self._damaged():
            return {name: self._file["particles"][name][...] for name in PARTICLES}

    def content_hash(self) -> str:
        """SHA-256 over all columns, each by itself."""
        digests = {name: _column_digest(name) for name in self.columns}
        for part in self.chunks():
            for name, column in part.items():
                digests[name].update(column.tobytes())
        return _content_hash(digests.values())

    def events(self) -> npt.NDArray[np.int64]:
        """(n, 2): every event and its part of the split, by number; raises QcompressError if one is in two parts."""
        parts = self.chunks(1 << 20, ["event", "split"])
        own = [np.unique(np.column_stack([c["event"], c["split"].astype(np.int64)]), axis=0) for c in parts]
        pairs = np.unique(np.concatenate(own), axis=0)
        if len(pairs) != len(np.unique(pairs[:, 0])):
            raise QcompressError(f"{self._path}: an event belongs to two parts of the split; split by event")
        return pairs

    def split_hash(self) -> str:
        """SHA-256 over the sorted (event, part) pairs."""
        return hashlib.sha256(self.events().astype("<i8").tobytes()).hexdigest()


def read(path: Path) -> Sample:
    """Read a whole sample; raises QcompressError naming what is missing or wrong."""
    with Handle(path) as handle:
        handle.events()
        return Sample(handle.read(), handle.particles(), handle.origin)


def _check(path: Path, columns: Columns) -> None:
    if "codes" in columns and (wrong := int((columns["codes"] > 127).sum())):
        raise QcompressError(f"{path}: {wrong} trigger-cell codes are above 127")
    if "split" in columns and (wrong := int((columns["split"] > CALIBRATION).sum())):
        raise QcompressError(f"{path}: {wrong} rows belong to no part of the split")
