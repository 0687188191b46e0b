"""Samples of sector frames on disk: one HDF5 file of digits, truth clusters, tracks and events; split by event.

An event is one sector over a frame of `time_bins` time bins. Layout (schema 1), chunked and compressed, columns in
groups:

* `events`: one row an event, with how many rows of the other groups are its own, in order.
* `digits`: sorted by (event, row, pad, time), one row a cell that was read. `charge`: ADC counts after the pedestal is
  taken off, on a grid of 1/16 (the ADC is of 10 bits, a pedestal is known to 1/16). `track`: the one with the largest
  charge on the cell, -1 where noise has more; `share`: its part of all tracks' charge, or of the charge read if larger.
* `clusters`: truth, one row for each passage of a track through a row; a track that curls passes one row several times.
  Centre of gravity (pads and time bins), root mean squares, sum and largest cell of that passage's charge alone,
  without noise or saturation, inside the frame; direction of the track where it crosses.
* `tracks`: what was generated.
* `pads`: gain of every pad of every sector, relative to the mean; a finder multiplies with its inverse.

A sample is identified by the SHA-256 of its columns and by that of its event split, whatever the chunks.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION
from qcompress.detectors.tpc.geometry import FIRST_PAD, PADS, ROWS, SECTOR_PADS, SECTORS
from qcompress.errors import QcompressError
from qcompress.files import written_aside

SCHEMA = 1
FORMAT = "qcompress TPC sector frames"
CHUNK_ROWS = 1 << 16

Columns = Mapping[str, npt.NDArray[Any]]

LAYOUT: dict[str, dict[str, str]] = {
    "events": {
        "event": "<i8",
        "sector": "|u1",
        "time_bins": "<i4",
        "occupancy": "<f4",
        "split": "|u1",
        "saturated": "<i8",
        "digits": "<i8",
        "clusters": "<i8",
        "tracks": "<i8",
    },
    "digits": {
        "event": "<i8",
        "sector": "|u1",
        "row": "|u1",
        "pad": "|u1",
        "time": "<i4",
        "charge": "<f4",
        "track": "<i4",
        "share": "<f4",
    },
    "clusters": {
        "event": "<i8",
        "row": "|u1",
        "track": "<i4",
        "pad": "<f4",
        "time": "<f4",
        "sigma_pad": "<f4",
        "sigma_time": "<f4",
        "qtot": "<f4",
        "qmax": "<f4",
        "dpad_drow": "<f4",
        "dtime_drow": "<f4",
        "looper": "|u1",
        "findable": "|u1",
    },
    "tracks": {
        "event": "<i8",
        "track": "<i4",
        "pt": "<f4",
        "tan_lambda": "<f4",
        "phi": "<f4",
        "looper": "|u1",
        "dpad_drow": "<f4",
        "dtime_drow": "<f4",
    },
}
"""Type of one row's entry in each column of each group. pt in GeV, phi in the sector's frame."""
PARTS = ("digits", "clusters", "tracks")


@dataclass(frozen=True, eq=False)
class Frame:
    """One event: numbers, and columns by name as in LAYOUT.

    occupancy: share of the sector's cells that were read; saturated: digits at the end of the ADC; split: part of the
    sample (TRAIN, VALIDATION, TEST, CALIBRATION).
    """

    event: int
    sector: int
    time_bins: int
    occupancy: float
    split: int
    saturated: int
    digits: Columns
    clusters: Columns
    tracks: Columns


class Writer:
    """Appends frames to a sample being written; made by `writing`."""

    def __init__(self, file: Any) -> None:
        self._waiting: dict[str, list[dict[str, npt.NDArray[Any]]]] = {group: [] for group in LAYOUT}
        self._file = file
        for group, columns in LAYOUT.items():
            for name, dtype in columns.items():
                options = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "chunks": (CHUNK_ROWS,)}
                file.create_dataset(f"{group}/{name}", (0,), dtype, maxshape=(None,), track_times=False, **options)

    def append(self, frame: Frame) -> None:
        """Add a frame behind those that are there."""
        counts = {part: len(getattr(frame, part)["event"]) for part in PARTS}
        numbers = ("event", "sector", "time_bins", "occupancy", "split", "saturated")
        event = {**{name: getattr(frame, name) for name in numbers}, **counts}
        self._extend("events", {name: np.array([value]) for name, value in event.items()})
        for part in PARTS:
            self._extend(part, getattr(frame, part))

    def gains(self, gain: npt.NDArray[np.float32]) -> None:
        """Gain (36, pads of a sector) relative to the mean."""
        options = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        self._file.create_dataset("pads/gain", data=gain, track_times=False, **options)

    def finish(self) -> None:
        """Write what is waiting."""
        for group in LAYOUT:
            self._write(group, 1)

    def _extend(self, group: str, columns: Columns) -> None:
        self._waiting[group].append({n: np.ascontiguousarray(columns[n], t) for n, t in LAYOUT[group].items()})
        self._write(group, CHUNK_ROWS)

    def _write(self, group: str, fewest: int) -> None:
        """Write whole chunks while `fewest` rows wait: the bytes do not depend on the sizes of frames."""
        waiting = self._waiting[group]
        first = next(iter(LAYOUT[group]))
        rows = sum(len(part[first]) for part in waiting)
        take = rows if fewest == 1 else rows - rows % CHUNK_ROWS
        if not take:
            return
        left: dict[str, npt.NDArray[Any]] = {}
        for name in LAYOUT[group]:
            column, joined = self._file[f"{group}/{name}"], np.concatenate([part[name] for part in waiting])
            column.resize(len(column) + take, axis=0)
            column[len(column) - take :] = joined[:take]
            left[name] = joined[take:]
        self._waiting[group] = [left]


@contextmanager
def writing(path: Path, origin: Mapping[str, Any]) -> Iterator[Writer]:
    """A new sample to append frames to; the file appears whole when the block ends without a fault, or not at all."""
    import h5py

    with written_aside(path) as beside, h5py.File(beside, "w") as file:
        file.attrs["format"], file.attrs["schema"] = FORMAT, SCHEMA
        file.attrs["origin"] = json.dumps(origin, sort_keys=True)
        writer = Writer(file)
        yield writer
        writer.finish()


class Handle:
    """A sample on disk, opened for reading frame by frame. A context manager."""

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
            self._check_layout()
            self.origin: Mapping[str, Any] = dict(json.loads(self._file.attrs["origin"]))
            self.events: Columns = {name: self._file[f"events/{name}"][...] for name in LAYOUT["events"]}
        self._check_events()
        self._first = {part: np.concatenate([[0], np.cumsum(self.events[part])]) for part in PARTS}

    def __enter__(self) -> "Handle":
        return self

    def __exit__(self, *fault: object) -> None:
        self._file.close()

    def __len__(self) -> int:
        """How many frames."""
        return len(self.events["event"])

    @contextmanager
    def _damaged(self) -> Iterator[None]:
        try:
            yield
        except (OSError, KeyError, ValueError, RuntimeError, TypeError) as fault:
            raise QcompressError(f"{self._path}: damaged sample file ({' '.join(str(fault).split())})") from None

    def _check_layout(self) -> None:
        attributes = self._file.attrs
        if attributes.get("format") != FORMAT or attributes.get("schema") != SCHEMA:
            found = f"schema {attributes['schema']}" if attributes.get("format") == FORMAT else "something else"
            raise QcompressError(
                f"{self._path}: no file of {FORMAT}, schema {SCHEMA}, but {found}; make one with qcompress simulate tpc"
            )
        for group, columns in LAYOUT.items():
            rows = set()
            for name, dtype in columns.items():
                if f"{group}/{name}" not in self._file:
                    raise QcompressError(f"{self._path}: column {group}/{name} is missing")
                column = self._file[f"{group}/{name}"]
                if column.dtype != np.dtype(dtype) or column.ndim != 1:
                    raise QcompressError(f"{self._path}: column {group}/{name} is {column.dtype}, not {dtype}")
                rows.add(len(column))
            if len(rows) != 1:
                raise QcompressError(f"{self._path}: columns of {group} differ in length")

    def _check_events(self) -> None:
        events = self.events
        if not len(self):
            raise QcompressError(f"{self._path}: a sample without events")
        for part in PARTS:
            if events[part].min() < 0 or events[part].sum() != len(self._file[f"{part}/event"]):
                raise QcompressError(f"{self._path}: events count other {part} than there are")
        if len(np.unique(events["event"])) != len(self):
            raise QcompressError(f"{self._path}: an event number stands twice; number every frame apart")
        for name, least, most in (("split", 0, CALIBRATION), ("sector", 0, SECTORS - 1), ("time_bins", 1, 1 << 20)):
            wrong = (events[name] < least) | (events[name] > most)
            if wrong.any():
                place = int(wrong.argmax())
                raise QcompressError(
                    f"{self._path}, event {events['event'][place]}: {name} {events[name][place]} is not {least}..{most}"
                )

    def frame(self, place: int) -> Frame:
        """The frame at a place 0..len-1; raises QcompressError naming event and digit of what is wrong in it."""
        columns: dict[str, Columns] = {}
        with self._damaged():
            for part in PARTS:
                rows = slice(self._first[part][place], self._first[part][place + 1])
                columns[part] = {name: self._file[f"{part}/{name}"][rows] for name in LAYOUT[part]}
        own: Any = {name: self.events[name][place].item() for name in LAYOUT["events"] if name not in PARTS}
        frame = Frame(**own, digits=columns["digits"], clusters=columns["clusters"], tracks=columns["tracks"])
        check_digits(f"{self._path}, event {frame.event}", frame.digits, frame.time_bins)
        return frame

    def frames(self, split: int | None = None) -> Iterator[Frame]:
        """Frames in order, all or those of one part of the split."""
        for place in range(len(self)):
            if split is None or self.events["split"][place] == split:
                yield self.frame(place)

    def correction(self, sector: int) -> npt.NDArray[np.float32]:
        """(pads of a sector,) what a charge is multiplied with: the inverse of each pad's gain, or ones."""
        with self._damaged():
            if "pads/gain" not in self._file:
                return np.ones(SECTOR_PADS, np.float32)
            gain = self._file["pads/gain"][sector].astype(np.float64)
        if gain.shape != (SECTOR_PADS,) or not (gain > 0).all():
            raise QcompressError(f"{self._path}: gains of sector {sector} are not {SECTOR_PADS} positive numbers")
        return np.asarray(1 / gain, np.float32)

    def content_hash(self) -> str:
        """SHA-256 over all columns, each by itself."""
        digest = hashlib.sha256()
        with self._damaged():
            for group, columns in LAYOUT.items():
                for name in columns:
                    own, column = hashlib.sha256(f"{group}/{name}".encode()), self._file[f"{group}/{name}"]
                    for first in range(0, len(column), CHUNK_ROWS):
                        own.update(column[first : first + CHUNK_ROWS].tobytes())
                    digest.update(own.digest())
            if "pads/gain" in self._file:
                digest.update(self._file["pads/gain"][...].tobytes())
        return digest.hexdigest()

    def split_hash(self) -> str:
        """SHA-256 over the sorted (event, part) pairs."""
        pairs = np.column_stack([self.events["event"], self.events["split"].astype(np.int64)])
        return hashlib.sha256(pairs[np.argsort(pairs[:, 0])].astype("<i8").tobytes()).hexdigest()


def check_digits(where: str, digits: Columns, time_bins: int) -> None:
    """Raise QcompressError for digits outside the detector, unsorted or doubled, or charges that no ADC gives."""
    row, pad, time = (digits[name].astype(np.int64) for name in ("row", "pad", "time"))
    charge = digits["charge"]
    outside = (row >= ROWS) | (pad >= PADS[np.minimum(row, ROWS - 1)]) | (time < 0) | (time >= time_bins)
    wrong = ~((charge >= 0) & (charge < 1024))
    key = (FIRST_PAD[np.minimum(row, ROWS - 1)] + pad) * time_bins + time
    order = np.diff(key, prepend=-1)
    for fault, said in (
        (outside, f"lies outside the detector or the frame of {time_bins} time bins"),
        (wrong, "has a charge that is not 0 to 1023 ADC counts"),
        (order == 0, "stands twice; a cell is read once"),
        (order < 0, "is out of order; sort digits by row, pad, time"),
    ):
        if fault.any():
            k = int(fault.argmax())
            place = f"digit {k} (row {row[k]}, pad {pad[k]}, time {time[k]}, charge {charge[k]:g})"
            raise QcompressError(f"{where}, {place} {said}; {int(fault.sum())} such digits")
