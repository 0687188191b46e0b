"""What is said before anything is computed: rows, columns, bytes, partitions, about how long."""

import io
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.candidate.emulation import Emulation
from qcompress.graph.input_grid import MODE
from qcompress.volumes.asked import Asked, Share
from qcompress.volumes.columns import Arrays, Column
from qcompress.volumes.computing import computed
from qcompress.volumes.parts import folder_of
from qcompress.volumes.plan import Span, Work


def announced(asked: Asked, work: Work, emulation: Emulation, done: Sequence[Span]) -> Iterator[str]:
    """What will be done, before it is, a line after the other.

    asked: what is wanted; work: what that is; emulation: what computes it; done: rows that are there already.
    """
    files = work.volume.files
    size = sum(file.size for file in files)
    meaning = "codes" if asked.codes else f"real values, {MODE}," if asked.quantize else "real values"
    yield f"{asked.source}: {_count(work.rows, 'row')} of {_count(len(files), 'file')}, {_bytes(size)}"
    for each in work.bindings:
        told = each.columns[0] if len(each.columns) == 1 else f"{each.columns[0]} .. {each.columns[-1]}"
        yield f"{emulation.name}: {meaning} of {told} to input {each.port.name} {each.port.shape} {each.port.format}"
    columns = ", ".join(f"{column.name} {column.dtype}{list(column.shape or ()) or ''}" for column in work.written)
    row_bytes = sum(column.row_bytes for column in work.written)
    yield f"{asked.target}: {columns}; {_bytes(row_bytes * work.rows)}, and as much beside it until it is whole"
    if done:
        rows = sum(stop - first for first, stop in done)
        yield f"{rows} rows of {work.rows} lie in {folder_of(asked.target)} already"


def estimate(asked: Asked, work: Work, emulation: Emulation, share: Share, write: Callable[..., None]) -> list[str]:
    """Partitions, processes, and about how long: from the first block, computed and written to nowhere.

    asked: what is wanted; work: what that is; emulation: what computes it; share: how it is shared out; write: what
    writes the output. Nothing about how long for work of one block, or of a cluster's.
    """
    where = asked.scheduler or f"{_count(share.processes, 'process')} of {_count(share.threads, 'thread')}"
    if not asked.scheduler and share.processes == 1 < len(share.spans) and find_spec("distributed") is None:
        where += " (dask, which shares them out, is of qcompress[physics])"
    line = f"{_count(len(share.spans), 'partition')} of blocks of {work.block_rows} rows, {where}"
    if work.rows <= work.block_rows or asked.scheduler is not None:
        return [line]
    _first_block(work, emulation)
    begun = time.monotonic()
    found = _first_block(work, emulation)
    computing = time.monotonic() - begun
    write(io.BytesIO(), _Block(work.written, found, work.block_rows), asked.target)
    writing = time.monotonic() - begun - computing
    left = sum(stop - first for first, stop in share.spans)
    seconds = (computing * left + writing * work.rows) / work.block_rows / share.processes
    return [f"{line}; about {seconds:.0f} s"]


def _first_block(work: Work, emulation: Emulation) -> list[Arrays]:
    return [computed(work, emulation, part).arrays for part in work.volume.batches(0, work.block_rows, work.batch_rows)]


class _Block:
    """One block in memory; a Table."""

    def __init__(self, columns: Sequence[Column], found: Sequence[Arrays], rows: int) -> None:
        self.columns, self.rows, self.block_rows = columns, rows, rows
        self._arrays = {column.name: np.concatenate([each[column.name] for each in found]) for column in columns}

    def read(self, name: str, first: int, stop: int) -> npt.NDArray[Any]:
        """Rows first..stop of a column."""
        return self._arrays[name][first:stop]


def _count(number: int, what: str) -> str:
    """How many, in words."""
    return f"{number} {what}{'' if number == 1 else 'es' if what.endswith('s') else 's'}"


def _bytes(size: float) -> str:
    """A size in words."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"
