"""Writing samples: events appended one by one, the file in place at the end or not at all."""

import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import GrowingGroups, whole_file
from qcompress.detectors.lartpc.presets import Preset
from qcompress.detectors.lartpc.samples.layout import CHUNK_ROWS, FORMAT, LAYOUT, PARTS, SCHEMA, Event
from qcompress.files import Json

CHUNK_WIRES = 40
"""Wires of a chunk of waveforms."""
Packed = Mapping[str, list[bytes]]
"""Compressed chunks of an event's waveforms by name of the plane."""


def pack(waveforms: Mapping[str, npt.NDArray[Any]]) -> Packed:
    """Chunks of waveforms (wires, ticks) as the file keeps them; may be done in another thread than the writing."""
    return {name: [_chunk(codes, first) for first in range(0, len(codes), CHUNK_WIRES)]
            for name, codes in waveforms.items()}  # fmt: skip


def _chunk(codes: npt.NDArray[Any], first: int) -> bytes:
    """A chunk from the wire `first` on: bytes of codes sorted by significance, deflated; as HDF5's own filters do."""
    whole = np.zeros((min(CHUNK_WIRES, len(codes)), codes.shape[1]), "<u2")
    part = codes[first : first + CHUNK_WIRES]
    whole[: len(part)] = part
    return zlib.compress(np.ascontiguousarray(whole.view("|u1").reshape(-1, 2).T).tobytes(), 1)


class Writer:
    """Appends events to a sample being written; made by `writing`."""

    def __init__(self, file: Any, preset: Preset, waveforms: bool) -> None:
        self._file, self._groups = file, GrowingGroups(file, LAYOUT, CHUNK_ROWS)
        for plane in preset.planes if waveforms else ():
            shape = (plane.wires, preset.ticks)
            chunks = (1, min(CHUNK_WIRES, plane.wires), preset.ticks)
            file.create_dataset(f"waveforms/{plane.name}", (0, *shape), "<u2", maxshape=(None, *shape), chunks=chunks,
                                compression="gzip", compression_opts=1, shuffle=True, track_times=False)  # fmt: skip

    def append(self, event: Event, packed: Packed | None = None) -> None:
        """Add an event behind those that are there; packed: its waveforms if they are packed already."""
        counts = {part: len(getattr(event, part)["event"]) for part in PARTS}
        numbers = {name: getattr(event, name) for name in ("event", "split", "interaction")}
        place = dict(zip("xyz", event.vertex, strict=True))
        self._groups.extend("events", {name: np.array([v]) for name, v in (numbers | place | counts).items()})
        for part in PARTS:
            self._groups.extend(part, getattr(event, part))
        for name, chunks in (pack(event.waveforms) if packed is None else packed).items():
            stored = self._file[f"waveforms/{name}"]
            stored.resize(len(stored) + 1, axis=0)
            for number, chunk in enumerate(chunks):
                stored.id.write_direct_chunk((len(stored) - 1, number * CHUNK_WIRES, 0), chunk)

    def finish(self) -> None:
        """Write what is waiting."""
        self._groups.finish()


@contextmanager
def writing(path: Path, preset: Preset, origin: Mapping[str, Json], waveforms: bool = True) -> Iterator[Writer]:
    """A new sample at `path` to append events to; it appears whole when the block ends without a fault, or not at all.

    preset: whose waveforms; origin: where it comes from, JSON values; waveforms: False for hits alone.
    """
    with whole_file(path, FORMAT, SCHEMA, {**origin, "preset": preset.name}) as file:
        writer = Writer(file, preset, waveforms)
        yield writer
        writer.finish()
