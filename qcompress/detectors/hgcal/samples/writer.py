"""Writing samples: rows appended piece by piece, the file and its card in place at the end or not at all."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hdf5 import Columns, extend, growing_column, whole_file
from qcompress.detectors.hgcal.samples.layout import (
    CHUNK_ROWS,
    COLUMNS,
    FORMAT,
    PARTICLES,
    SCHEMA,
    Sample,
    card_path,
    column_digest,
    content_hash,
    typed,
)
from qcompress.errors import QcompressError
from qcompress.files import Json, JsonObject, written_aside

if TYPE_CHECKING:
    from hashlib import _Hash as Digest


class Writer:
    """Appends rows to a sample being written; made by `writing`."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self._digests: dict[str, Digest] = {}
        self._parts: set[tuple[int, int]] = set()
        self.card: JsonObject = {}
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

    def whole_card(self, origin: Mapping[str, Json]) -> JsonObject:
        """The card of what is written; origin: where it comes from, JSON values."""
        rows = len(self._file["event"]) if "event" in self._file else 0
        digests = [self._digests[name] for name in COLUMNS if name in self._digests]
        return {"rows": rows, "content_hash": content_hash(digests), "origin": origin} | self.card

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
        if name not in self._file:
            growing_column(self._file, name, rows.dtype, COLUMNS[name][1], CHUNK_ROWS)
            self._digests[name] = column_digest(name)
        self._digests[name].update(rows.tobytes())
        extend(self._file[name], rows)


@contextmanager
def writing(path: Path, origin: Mapping[str, Json]) -> Iterator[Writer]:
    """A new sample at `path` to append rows to; it appears whole when the block ends without a fault, or not at all.

    origin: where it comes from, JSON values. The same rows give the same bytes, however many are appended at a time.
    Its card is in place just before it.
    """
    with whole_file(path, FORMAT, SCHEMA, origin) as file:
        writer = Writer(file)
        yield writer
        writer.finish()
        card = writer.whole_card(origin)
        with written_aside(card_path(path)) as text:
            text.write((json.dumps(card, indent=1, sort_keys=True) + "\n").encode())


def write(sample: Sample, path: Path) -> None:
    """Write a `sample` in memory to `path`; the file appears whole or not at all."""
    with writing(path, sample.origin) as writer:
        writer.append(sample.columns, sample.particles or None)
