"""Rows that were computed, kept beside the output as files until all of them are there.

A part holds its rows column after column, numbers as they lie in memory; its record says which rows, and the SHA-256 of
every column. A folder of parts belongs to one plan.
"""

import hashlib
import json
import os
import tempfile
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.files import JsonObject, write_json
from qcompress.volumes.columns import Arrays, Column
from qcompress.volumes.locking import LOCK, locked, removed
from qcompress.volumes.plan import Span, plan_hash

PLAN = "plan.json"
CHUNK = 1 << 22


def folder_of(target: Path) -> Path:
    """Where the parts of the output `target` lie: beside the file that it leads to, if it is a link."""
    target = target.resolve() if target.is_symlink() else target
    return target.with_name(f"{target.name}.parts")


@dataclass(frozen=True)
class Parts:
    """A folder of parts; plan: hash of what they are parts of; columns: those of every part, in order."""

    folder: Path
    plan: str
    columns: tuple[Column, ...]

    def path(self, span: Span) -> Path:
        """The file of the part with the rows of a span."""
        return self.folder / f"{span[0]:015d}-{span[1]:015d}.part"

    def done(self) -> list[Span]:
        """The parts that are whole; what is left of others is removed."""
        found = []
        for path in sorted(self.folder.iterdir()):
            if path.suffix == ".json" and path.name != PLAN and (span := self._whole(path)):
                found.append(span)
        kept = {name for span in found for name in (self.path(span).name, self.path(span).with_suffix(".json").name)}
        for path in self.folder.iterdir():
            if path.name not in kept | {PLAN, LOCK}:
                path.unlink()
        return found

    def _whole(self, record: Path) -> Span | None:
        """The rows of a part whose bytes are those that its record tells; None for any other."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            told = json.loads(record.read_text())
            span = int(told["first"]), int(told["stop"])
            with self.path(span).open("rb") as file:
                digests = [_digest(file, column.row_bytes * (span[1] - span[0])) for column in self.columns]
                if told == self._record(span, digests, int(told["cut"])) and not file.read(1):
                    return span
        return None

    def _record(self, span: Span, digests: Sequence[str], cut: int) -> JsonObject:
        return {"plan": self.plan, "first": span[0], "stop": span[1], "sha256": list(digests), "cut": cut}

    def cut(self) -> int:
        """How many input values were cut to the ends of their format in all parts that are there."""
        records = (path for path in self.folder.glob("*.json") if path.name != PLAN)
        return sum(int(json.loads(path.read_text())["cut"]) for path in records)

    @contextmanager
    def written(self, span: Span) -> Iterator["PartWriter"]:
        """A new part of the rows of a span, which is there whole or not at all."""
        descriptor, name = tempfile.mkstemp(dir=self.folder, prefix=".part-")
        try:
            with os.fdopen(descriptor, "wb") as file:
                writer = PartWriter(file, self.columns, span[1] - span[0])
                yield writer
            os.replace(name, self.path(span))
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        write_json(self.path(span).with_suffix(".json"), self._record(span, writer.digests, writer.cut))


class PartWriter:
    """A part that is being written, rows after rows."""

    def __init__(self, file: IO[bytes], columns: Sequence[Column], rows: int) -> None:
        self._file = file
        self._columns = columns
        self._at = starts(columns, rows)
        self._hashes = [hashlib.sha256() for _ in columns]
        self.cut = 0
        """Of the input values of its rows, how many were cut to the ends of their format."""

    @property
    def digests(self) -> list[str]:
        """SHA-256 of every column, as far as it is written."""
        return [each.hexdigest() for each in self._hashes]

    def append(self, arrays: Arrays) -> None:
        """Write the next rows of every column; arrays: by its name."""
        for k, column in enumerate(self._columns):
            data = np.ascontiguousarray(arrays[column.name], column.dtype).reshape(-1).view(np.uint8).data
            self._file.seek(self._at[k])
            self._file.write(data)
            self._hashes[k].update(data)
            self._at[k] += len(data)


@dataclass
class Joined:
    """The parts of all rows as one table; a Table.

    coming: computes those that are not there yet, in any order, and gives their rows as they are finished.
    """

    parts: Parts
    rows: int
    block_rows: int
    done: list[Span]
    coming: Iterator[Span]

    def __post_init__(self) -> None:
        self.done = sorted(self.done)

    @property
    def columns(self) -> Sequence[Column]:
        """Those of every part."""
        return self.parts.columns

    def read(self, name: str, first: int, stop: int) -> npt.NDArray[Any]:
        """Rows first..stop of the column called `name`, of one block; waits for the part that holds them."""
        span = self._of(first)
        number = [column.name for column in self.columns].index(name)
        column = self.columns[number]
        at = starts(self.columns, span[1] - span[0])[number] + (first - span[0]) * column.row_bytes
        with self.parts.path(span).open("rb") as file:
            file.seek(at)
            found = np.frombuffer(file.read((stop - first) * column.row_bytes), column.dtype)
        return found.reshape(stop - first, *(column.shape or ()))

    def _of(self, row: int) -> Span:
        while True:
            place = bisect_right(self.done, row, key=lambda span: span[0]) - 1
            if place >= 0 and self.done[place][1] > row:
                return self.done[place]
            self.done.append(next(self.coming))
            self.done.sort()


@contextmanager
def opened(target: Path, description: JsonObject, columns: tuple[Column, ...], replace: bool) -> Iterator[Parts]:
    """The folder of parts of the output `target`, made or found; removed when the block ends without a fault.

    description: of the plan; columns: of every part; replace: parts of another plan are thrown away, which are refused
    otherwise. Raises QcompressError for those, and where another process writes the same output.
    """
    folder = folder_of(target)
    with locked(folder, target):
        parts = Parts(folder, plan_hash(description), columns)
        _refuse_foreign(folder, description)
        other = _difference(folder / PLAN, description)
        if other and not replace:
            said = f"{folder}: holds parts of another run: {other} differ"
            raise QcompressError(f"{said}; --replace begins anew, without it run what was begun")
        if other:
            for path in folder.iterdir():
                if path.name != LOCK:
                    path.unlink()
        write_json(folder / PLAN, description)
        try:
            yield parts
        except BaseException:
            if not any(folder.glob("*.part")):
                removed(folder)
            raise
        removed(folder)


def _refuse_foreign(folder: Path, description: JsonObject) -> None:
    """Raises QcompressError for a folder that is none of ours: nothing in it is touched."""
    known: object = {}
    with suppress(OSError, ValueError):
        known = json.loads((folder / PLAN).read_text())
    ours = isinstance(known, dict) and set(known) == set(description)
    if not ours and any(not path.name.startswith(".") for path in folder.iterdir()):
        raise QcompressError(
            f"{folder}: holds other files than parts of this output; move them, or name another output"
        )


def _difference(path: Path, description: JsonObject) -> str | None:
    """What an earlier plan had otherwise; None if there is none, or it is this one."""
    if not path.is_file():
        return None
    before = json.loads(path.read_text())
    return ", ".join(key for key in description if before[key] != description[key]) or None


def starts(columns: Sequence[Column], rows: int) -> list[int]:
    """Where each of the columns begins in a part of so many rows."""
    return list(accumulate((column.row_bytes * rows for column in columns), initial=0))[:-1]


def _digest(file: IO[bytes], size: int) -> str:
    """SHA-256 of the next `size` bytes; raises ValueError where the file ends before."""
    digest = hashlib.sha256()
    while size:
        if not (data := file.read(min(size, CHUNK))):
            raise ValueError
        digest.update(data)
        size -= len(data)
    return digest.hexdigest()
