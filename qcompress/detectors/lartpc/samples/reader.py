"""Samples of liquid-argon events on disk, read event by event; what is damaged or impossible is named."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import Columns, SampleFile, begun_digest, split_hash
from qcompress.detectors.lartpc.presets import Preset
from qcompress.detectors.lartpc.samples.chambers import CHAMBERS
from qcompress.detectors.lartpc.samples.layout import (
    CHUNK_ROWS,
    CLASS_NAMES,
    FORMAT,
    INTERACTIONS,
    LAYOUT,
    PARTS,
    SCHEMA,
    Event,
)
from qcompress.detectors.splits import CALIBRATION
from qcompress.errors import QcompressError


class Handle(SampleFile):
    """A sample on disk, opened for reading event by event. A context manager.

    preset: whose waveforms; planes: names of those that have waveforms.
    """

    def __init__(self, path: Path) -> None:
        """Open the sample at `path`; raises QcompressError if it is none, or if its events contradict each other."""
        super().__init__(path, FORMAT, SCHEMA, "qcompress simulate lartpc")
        self.preset = self._preset()
        with self.damaged():
            self.check_layout(LAYOUT)
            self.planes = tuple(plane.name for plane in self.preset.planes if f"waveforms/{plane.name}" in self.file)
            self._check_waveforms()
            self.events: Columns = {name: self.file[f"events/{name}"][...] for name in LAYOUT["events"]}
        self._check_events()
        self._first = {part: np.concatenate([[0], np.cumsum(self.events[part])]) for part in PARTS}

    def __len__(self) -> int:
        """How many events."""
        return len(self.events["event"])

    def _preset(self) -> Preset:
        named = self.origin.get("preset")
        if not isinstance(named, str) or named not in CHAMBERS:
            raise QcompressError(f"{self.path}: its chamber is {named!r}, none of {', '.join(CHAMBERS)}")
        return CHAMBERS[named]

    def _check_waveforms(self) -> None:
        if self.planes and len(self.planes) != len(self.preset.planes):
            raise QcompressError(f"{self.path}: waveforms of {', '.join(self.planes)} alone")
        for plane in self.preset.planes if self.planes else ():
            stored = self.file[f"waveforms/{plane.name}"]
            expected = (len(self.file["events/event"]), plane.wires, self.preset.ticks)
            if stored.shape != expected or stored.dtype != np.uint16:
                raise QcompressError(
                    f"{self.path}: waveforms of {plane.name} are {stored.dtype} {stored.shape}, not uint16 {expected}, "
                    f"as in {self.preset.name}"
                )

    def _check_events(self) -> None:
        events = self.events
        if not len(self):
            raise QcompressError(f"{self.path}: a sample without events")
        for part in PARTS:
            if events[part].min() < 0 or events[part].sum() != len(self.file[f"{part}/event"]):
                raise QcompressError(f"{self.path}: events count other {part} than there are")
        if len(np.unique(events["event"])) != len(self):
            raise QcompressError(f"{self.path}: an event number stands twice; number every event apart")
        for name, most in (("split", CALIBRATION), ("interaction", len(INTERACTIONS) - 1)):
            if (wrong := events[name] > most).any():
                place = int(wrong.argmax())
                raise QcompressError(
                    f"{self.path}, event {events['event'][place]}: {name} {events[name][place]} is not 0..{most}"
                )

    def columns(self, part: str, place: int) -> Columns:
        """Columns of a part (`particles`, `pixels`, `hits`) of the event at a place 0..len-1.

        Raises QcompressError naming event and row of a wire, tick or class that there is not.
        """
        rows = slice(self._first[part][place], self._first[part][place + 1])
        with self.damaged():
            found = {name: self.file[f"{part}/{name}"][rows] for name in LAYOUT[part]}
        if part != "particles":
            self._check_places(f"{self.path}, event {self.events['event'][place]}", part, found)
        return found

    def _check_places(self, where: str, part: str, found: Columns) -> None:
        planes = self.preset.planes
        wires = np.array([plane.wires for plane in planes])
        plane, wire = found["plane"], found["wire"]
        last = found["tick"] if part == "pixels" else found["end"] - 1.0
        for fault, said in (
            (plane >= len(planes), f"is of a plane that {self.preset.name} does not have"),
            (wire >= wires[np.minimum(plane, len(planes) - 1)], "lies on a wire that its plane does not have"),
            (~((last >= 0) & (last < self.preset.ticks)), f"lies outside of the {self.preset.ticks} ticks"),
            (found["kind"] >= len(CLASS_NAMES), "is of no class"),
            (~(np.isfinite(found["charge"]) & (found["charge"] > 0)), "has no charge"),
            (last < found["tick" if part == "pixels" else "start"], "ends before it begins"),
        ):
            if fault.any():
                k = int(fault.argmax())
                raise QcompressError(f"{where}, {part} row {k} (plane {plane[k]}, wire {wire[k]}) {said}")

    def waveforms(self, place: int, plane: str) -> npt.NDArray[np.uint16]:
        """ADC codes (wires, ticks) of a `plane` of the event at a place; raises QcompressError if there are none."""
        if plane not in self.planes:
            raise QcompressError(f"{self.path}: no waveforms of plane {plane!r}; there are {', '.join(self.planes)}")
        with self.damaged():
            return np.asarray(self.file[f"waveforms/{plane}"][place], np.uint16)

    def event(self, place: int) -> Event:
        """All of the event at a place 0..len-1; raises QcompressError for what `columns` refuses."""
        own: Any = {name: int(self.events[name][place]) for name in ("event", "split", "interaction")}
        x, y, z = (float(self.events[name][place]) for name in "xyz")
        parts: dict[str, Any] = {part: self.columns(part, place) for part in PARTS}
        waveforms = {plane: self.waveforms(place, plane) for plane in self.planes}
        return Event(**own, vertex=(x, y, z), **parts, waveforms=waveforms)

    def places(self, split: int | None = None) -> Iterator[int]:
        """Places of events in order, of all or of one part of the split."""
        for place in range(len(self)):
            if split is None or self.events["split"][place] == split:
                yield place

    def content_hash(self) -> str:
        """SHA-256 over all columns and waveforms, each by itself."""
        digest = hashlib.sha256()
        with self.damaged():
            for group, columns in LAYOUT.items():
                for name in columns:
                    own, column = begun_digest(f"{group}/{name}"), self.file[f"{group}/{name}"]
                    for first in range(0, len(column), CHUNK_ROWS):
                        own.update(column[first : first + CHUNK_ROWS].tobytes())
                    digest.update(own.digest())
            for plane in self.planes:
                own = begun_digest(f"waveforms/{plane}")
                for place in range(len(self)):
                    own.update(self.file[f"waveforms/{plane}"][place].tobytes())
                digest.update(own.digest())
        return digest.hexdigest()

    def split_hash(self) -> str:
        """SHA-256 over the sorted (event, part) pairs."""
        pairs = np.column_stack([self.events["event"], self.events["split"].astype(np.int64)])
        return split_hash(pairs[np.argsort(pairs[:, 0])])
