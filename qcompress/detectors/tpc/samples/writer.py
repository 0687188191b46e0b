"""Writing samples: frames appended one by one, the file in place at the end or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import COMPRESSED, Columns, extend, growing_column, whole_file
from qcompress.detectors.tpc.samples.layout import CHUNK_ROWS, FORMAT, LAYOUT, PARTS, SCHEMA, Frame
from qcompress.files import Json


class Writer:
    """Appends frames to a sample being written; made by `writing`."""

    def __init__(self, file: Any) -> None:
        self._waiting: dict[str, list[dict[str, npt.NDArray[Any]]]] = {group: [] for group in LAYOUT}
        self._file = file
        for group, columns in LAYOUT.items():
            for name, dtype in columns.items():
                growing_column(file, f"{group}/{name}", dtype, (), CHUNK_ROWS)

    def append(self, frame: Frame) -> None:
        """Add a frame behind those that are there."""
        counts = {part: len(getattr(frame, part)["event"]) for part in PARTS}
        numbers = ("event", "sector", "time_bins", "occupancy", "split", "saturated")
        event = {**{name: getattr(frame, name) for name in numbers}, **counts}
        self._extend("events", {name: np.array([value]) for name, value in event.items()})
        for part in PARTS:
            self._extend(part, getattr(frame, part))

    def gains(self, gain: npt.NDArray[np.float32]) -> None:
        """Write the `gain` (36, pads of a sector) relative to the mean."""
        self._file.create_dataset("pads/gain", data=gain, track_times=False, **COMPRESSED)

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
            joined = np.concatenate([part[name] for part in waiting])
            extend(self._file[f"{group}/{name}"], joined[:take])
            left[name] = joined[take:]
        self._waiting[group] = [left]


@contextmanager
def writing(path: Path, origin: Mapping[str, Json]) -> Iterator[Writer]:
    """A new sample at `path` to append frames to; it appears whole when the block ends without a fault, or not at all.

    origin: where it comes from, JSON values.
    """
    with whole_file(path, FORMAT, SCHEMA, origin) as file:
        writer = Writer(file)
        yield writer
        writer.finish()
