"""What one call of the command is to do: the same plan, the same bytes, however its rows are shared out."""

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from qcompress.candidate import Candidate
from qcompress.candidate.emulation import Emulation
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.volumes.bindings import Binding
from qcompress.volumes.columns import Column
from qcompress.volumes.volume import Volume

SCHEMA = 1
BLOCK_ROWS = 1 << 17
"""Most rows of a block: what is written at a time; a row group, a chunk, a basket of the output."""
BLOCK_BYTES = 16 << 20
"""Most bytes of a block in the output, a quarter of the most with the input, unless one row has more."""
BATCH_BYTES = 2 << 20
"""Bytes, of input and output together, that are read and computed at a time: they stay in the processor's caches."""
LARGE_ROWS = 64
"""Rows of a batch of large ones, so that every thread has some."""
PARTITION_BLOCKS = 32
MOST_PARTITIONS = 4096

Span = tuple[int, int]
"""The first row, and the row behind the last."""


@dataclass(frozen=True)
class Work:
    """Everything that a process must know to compute some rows.

    network: None for the only one; codes: integers in and out, not real values; quantize: real values to the inputs'
    grids first; outputs: output -> its column; kept: column of the input -> column of the output; arithmetic: hash of
    what computes them; block_rows: rows that are written at a time; batch_rows: that are read and computed at a time.
    """

    candidate: Path
    network: str | None
    stages: bool
    codes: bool
    quantize: bool
    volume: Volume
    bindings: tuple[Binding, ...]
    outputs: dict[str, str]
    kept: dict[str, str]
    written: tuple[Column, ...]
    arithmetic: str
    block_rows: int
    batch_rows: int

    @property
    def rows(self) -> int:
        """Of the input, and of the output."""
        return self.volume.rows

    def within(self, span: Span) -> "Work":
        """What must be known for the rows of a span."""
        return replace(self, volume=self.volume.within(*span))

    def emulation(self, threads: int) -> Emulation:
        """What computes, with so many threads; raises QcompressError if the candidate is not what it was."""
        found = Candidate.open(self.candidate).emulation(self.network, self.stages, threads)
        if found.stage.content_hash() != self.arithmetic:
            raise QcompressError(f"{self.candidate}: has changed since the work began; run the command again")
        return found

    def description(self, target: Path) -> JsonObject:
        """What decides the content of the output `target`, as JSON, each under the words for it."""
        return {
            "schema": SCHEMA,
            "the candidate's arithmetic": [self.arithmetic, self.stages],
            "the input files": [file.identity for file in self.volume.files],
            "--tree": self.volume.tree,
            "--codes": self.codes,
            "--quantize-input": self.quantize,
            "--input": {each.port.name: list(each.columns) for each in self.bindings},
            "the output's columns": [[c.name, str(c.dtype), list(c.shape or ())] for c in self.written],
            "--output-columns or --keep": [self.outputs, self.kept],
            "the output's name": target.name,
            "the rows of a block": self.block_rows,
        }


def plan_hash(description: JsonObject) -> str:
    """SHA-256 of a description."""
    return hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest()


def rows_of_a_block(read: Sequence[Column], written: Sequence[Column]) -> int:
    """A power of two, by the bytes of a row of the columns that are read and of those that are written."""
    return min(_rows_in(BLOCK_BYTES, written), _rows_in(4 * BLOCK_BYTES, [*read, *written]))


def rows_of_a_batch(columns: Sequence[Column]) -> int:
    """A power of two, by the bytes of a row of all columns, read and written; of large rows some for every thread."""
    return max(_rows_in(BATCH_BYTES, columns), min(LARGE_ROWS, _rows_in(BLOCK_BYTES, columns)))


def _rows_in(size: int, columns: Sequence[Column]) -> int:
    row_bytes = sum(column.row_bytes for column in columns)
    return int(min(BLOCK_ROWS, 1 << max(size // max(row_bytes, 1), 1).bit_length() - 1))


def default_partitions(rows: int, block_rows: int) -> int:
    """As many as there are runs of some blocks, of `block_rows` each, in the rows: little is lost when one is."""
    return min(MOST_PARTITIONS, max(1, -(-rows // (block_rows * PARTITION_BLOCKS))))


def gaps(rows: int, done: Iterable[Span]) -> list[Span]:
    """The runs of rows 0..rows that are not in the runs that are `done`, which do not overlap."""
    found, at = [], 0
    for first, stop in [*sorted(done), (rows, rows)]:
        if first > at:
            found.append((at, first))
        at = max(at, stop)
    return found


def partitions(open_rows: Sequence[Span], parts: int, block_rows: int, starts: Sequence[int]) -> list[Span]:
    """Runs of rows to compute, about `parts` of nearly equal lengths, that begin where a block begins.

    open_rows: runs that are to be shared out, which begin and end where blocks, of `block_rows`, do; starts: rows from
    which on can be read without those before them, at which partitions begin as nearly as blocks allow: fewer, where
    they are few.
    """
    rows = sum(stop - first for first, stop in open_rows)
    found: list[Span] = []
    for first, stop in open_rows:
        own = max(1, round(parts * (stop - first) / rows))
        wanted = np.linspace(first, stop, own + 1).round().astype(int).tolist()[1:-1]
        edges = {edge for want in wanted if first < (edge := _edge(want, block_rows, starts)) < stop}
        cuts = [first, *sorted(edges), stop]
        found += pairwise(cuts)
    return found


def _edge(wanted: int, block_rows: int, starts: Sequence[int]) -> int:
    """The first row of a block at, or behind, the one of `starts` that is nearest to the row `wanted`."""
    place = bisect_right(starts, wanted)
    start = min(starts[max(place - 1, 0) : place + 1], key=lambda row: abs(row - wanted)) if starts else wanted
    return -(-start // block_rows) * block_rows
