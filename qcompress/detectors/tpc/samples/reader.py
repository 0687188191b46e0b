"""Samples of sector frames on disk, read frame by frame; what is damaged, of another layout or impossible is named."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION
from qcompress.detectors.hdf5 import Columns, SampleFile, begun_digest, split_hash
from qcompress.detectors.tpc.geometry import FIRST_PAD, PADS, ROWS, SECTOR_PADS, SECTORS
from qcompress.detectors.tpc.samples.layout import CHUNK_ROWS, FORMAT, LAYOUT, PARTS, SCHEMA, Frame
from qcompress.errors import QcompressError


class Handle(SampleFile):
    """A sample on disk, opened for reading frame by frame. A context manager."""

    def __init__(self, path: Path) -> None:
        """Open the sample at `path`; raises QcompressError if it is none, or if its events contradict each other."""
        super().__init__(path, FORMAT, SCHEMA, "qcompress simulate tpc")
        with self.damaged():
            self.check_layout(LAYOUT)
            self.events: Columns = {name: self.file[f"events/{name}"][...] for name in LAYOUT["events"]}
        self._check_events()
        self._first = {part: np.concatenate([[0], np.cumsum(self.events[part])]) for part in PARTS}

    def __len__(self) -> int:
        """How many frames."""
        return len(self.events["event"])

    def _check_events(self) -> None:
        events = self.events
        if not len(self):
            raise QcompressError(f"{self.path}: a sample without events")
        for part in PARTS:
            if events[part].min() < 0 or events[part].sum() != len(self.file[f"{part}/event"]):
                raise QcompressError(f"{self.path}: events count other {part} than there are")
        if len(np.unique(events["event"])) != len(self):
            raise QcompressError(f"{self.path}: an event number stands twice; number every frame apart")
        for name, least, most in (("split", 0, CALIBRATION), ("sector", 0, SECTORS - 1), ("time_bins", 1, 1 << 20)):
            wrong = (events[name] < least) | (events[name] > most)
            if wrong.any():
                place = int(wrong.argmax())
                raise QcompressError(
                    f"{self.path}, event {events['event'][place]}: {name} {events[name][place]} is not {least}..{most}"
                )

    def frame(self, place: int) -> Frame:
        """The frame at a place 0..len-1; raises QcompressError naming event and digit of what is wrong in it."""
        columns: dict[str, Columns] = {}
        with self.damaged():
            for part in PARTS:
                rows = slice(self._first[part][place], self._first[part][place + 1])
                columns[part] = {name: self.file[f"{part}/{name}"][rows] for name in LAYOUT[part]}
        own: Any = {name: self.events[name][place].item() for name in LAYOUT["events"] if name not in PARTS}
        frame = Frame(**own, digits=columns["digits"], clusters=columns["clusters"], tracks=columns["tracks"])
        check_digits(f"{self.path}, event {frame.event}", frame.digits, frame.time_bins)
        return frame

    def frames(self, split: int | None = None) -> Iterator[Frame]:
        """Frames in order, all or those of one part of the split."""
        for place in range(len(self)):
            if split is None or self.events["split"][place] == split:
                yield self.frame(place)

    def correction(self, sector: int) -> npt.NDArray[np.float32]:
        """(pads of a sector,) what a charge is multiplied with: the inverse of each pad's gain, or ones."""
        with self.damaged():
            if "pads/gain" not in self.file:
                return np.ones(SECTOR_PADS, np.float32)
            gain = self.file["pads/gain"][sector].astype(np.float64)
        if gain.shape != (SECTOR_PADS,) or not (gain > 0).all():
            raise QcompressError(f"{self.path}: gains of sector {sector} are not {SECTOR_PADS} positive numbers")
        return np.asarray(1 / gain, np.float32)

    def content_hash(self) -> str:
        """SHA-256 over all columns, each by itself."""
        digest = hashlib.sha256()
        with self.damaged():
            for group, columns in LAYOUT.items():
                for name in columns:
                    own, column = begun_digest(f"{group}/{name}"), self.file[f"{group}/{name}"]
                    for first in range(0, len(column), CHUNK_ROWS):
                        own.update(column[first : first + CHUNK_ROWS].tobytes())
                    digest.update(own.digest())
            if "pads/gain" in self.file:
                digest.update(self.file["pads/gain"][...].tobytes())
        return digest.hexdigest()

    def split_hash(self) -> str:
        """SHA-256 over the sorted (event, part) pairs."""
        pairs = np.column_stack([self.events["event"], self.events["split"].astype(np.int64)])
        return split_hash(pairs[np.argsort(pairs[:, 0])])


def check_digits(where: str, digits: Columns, time_bins: int) -> None:
    """Raise QcompressError for digits outside the detector, unsorted or doubled, or charges that no ADC gives.

    where: file and frame, for the message; digits: row, pad, time, charge (n,); time_bins: of the frame.
    """
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
