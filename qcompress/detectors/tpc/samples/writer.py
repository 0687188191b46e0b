"""Writing samples: frames appended one by one, the file in place at the end or not at all."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import COMPRESSED, GrowingGroups, whole_file
from qcompress.detectors.tpc.samples.layout import CHUNK_ROWS, FORMAT, LAYOUT, PARTS, SCHEMA, Frame
from qcompress.files import Json


class Writer:
    """Appends frames to a sample being written; made by `writing`."""

    def __init__(self, file: Any) -> None:
        self._file, self._groups = file, GrowingGroups(file, LAYOUT, CHUNK_ROWS)

    def append(self, frame: Frame) -> None:
        """Add a frame behind those that are there."""
        counts = {part: len(getattr(frame, part)["event"]) for part in PARTS}
        numbers = ("event", "sector", "time_bins", "occupancy", "split", "saturated")
        event = {**{name: getattr(frame, name) for name in numbers}, **counts}
        self._groups.extend("events", {name: np.array([value]) for name, value in event.items()})
        for part in PARTS:
            self._groups.extend(part, getattr(frame, part))

    def gains(self, gain: npt.NDArray[np.float32]) -> None:
        """Write the `gain` (36, pads of a sector) relative to the mean."""
        self._file.create_dataset("pads/gain", data=gain, track_times=False, **COMPRESSED)

    def finish(self) -> None:
        """Write what is waiting."""
        self._groups.finish()


@contextmanager
def writing(path: Path, origin: Mapping[str, Json]) -> Iterator[Writer]:
    """A new sample at `path` to append frames to; it appears whole when the block ends without a fault, or not at all.

    origin: where it comes from, JSON values.
    """
    with whole_file(path, FORMAT, SCHEMA, origin) as file:
        writer = Writer(file)
        yield writer
        writer.finish()
