"""Whole events of a sample, block by block: EMD, conservation and clusters of every algorithm, one file each block.

A block is as many whole events as make BLOCK_ROWS modules; it depends on the sample alone. Every block is computed by
itself and in the same way, so that neither the number of partitions nor who computes them changes a bit. A block whose
file is there is not computed again.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors import CALIBRATION, TEST, TRAIN, VALIDATION
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.clustering.matching import Matched, matched_clusters
from qcompress.detectors.hgcal.clustering.settings import BackEnd
from qcompress.detectors.hgcal.evaluation.algorithms import Codec
from qcompress.detectors.hgcal.evaluation.conservation import Conserved, conserved, places
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.module import geometry
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.fixedpoint import Values
from qcompress.metrics.emd import emd

EVERY = (TRAIN, VALIDATION, TEST)
"""Parts of the split that are scored where all events are."""
BLOCK_ROWS = 16_384
OCCUPIED_ADC = 35
"""A trigger cell counts as occupied above this charge."""
PLACED = {"layer", "u", "v", "zside"}
"""Columns without which modules have no place, and only EMD is scored."""


class Block(NamedTuple):
    """Whole events of a part of a sample: rows first .. last - 1 of the file hold them, among others perhaps."""

    number: int
    first: int
    last: int
    events: tuple[int, ...]
    part: int = TEST


class Scores(NamedTuple):
    """Of a block. occupied, leading (rows,): occupied cells, log10(largest charge / 35); emd (algorithms, rows).

    conserved, matched: for each algorithm, None without places, and without a back end. Blocks of calibration events
    have matched clusters alone.
    """

    occupied: npt.NDArray[np.int64]
    leading: Values
    emd: Values
    conserved: tuple[Conserved, ...] | None
    matched: tuple[Matched, ...] | None = None


@dataclass(frozen=True)
class Task:
    """What is scored: a sample, algorithms by name, links, a hash of all that decides the codecs.

    back_end: what makes clusters; None where there are no particles to match them to.
    """

    path: Path
    names: tuple[str, ...]
    allocation: LinkAllocation
    codecs_hash: str
    back_end: BackEnd | None = None

    def key(self, content_hash: str) -> str:
        """SHA-256 of everything that decides the scores; content_hash: of the sample."""
        told = [content_hash, self.names, repr(self.allocation), self.codecs_hash, BLOCK_ROWS, repr(self.back_end)]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def blocks(path: Path, rows: int | None, every: bool = False) -> list[Block]:
    """The test events of the sample at `path` by first row, as many whole ones as have `rows` modules; one at least.

    rows: None for all; every: all events but those for calibration. Raises QcompressError if there are none.
    """
    found = _blocks(path, EVERY if every else (TEST,), rows, 0)
    if not found:
        way = "" if every else "; evaluate --data with --split all scores all but those for calibration"
        raise QcompressError(f"{path}: has no test events{way}")
    return found


def calibration_blocks(path: Path, before: int) -> list[Block]:
    """The calibration events of the sample at `path`, numbered behind `before` others; none if it has none."""
    return _blocks(path, (CALIBRATION,), None, before)


def _blocks(path: Path, parts: tuple[int, ...], rows: int | None, before: int) -> list[Block]:
    with samples.Handle(path) as handle:
        columns = handle.read(["event", "split"])
    chosen = np.flatnonzero(np.isin(columns["split"], parts))
    event, first, count = np.unique(columns["event"][chosen], return_index=True, return_counts=True)
    order = np.argsort(first)
    if rows is not None:
        order = order[: max(1, int(np.searchsorted(np.cumsum(count[order]), rows, side="right")))]
    found: list[Block] = []
    waiting: list[int] = []
    for place, k in enumerate(order):
        waiting.append(int(k))
        if count[waiting].sum() >= BLOCK_ROWS or place == len(order) - 1:
            own = chosen[np.isin(columns["event"][chosen], event[waiting])]
            numbers = tuple(int(number) for number in event[waiting])
            found.append(Block(before + len(found), int(own[0]), int(own[-1]) + 1, numbers, parts[-1]))
            waiting = []
    return found


def read_block(handle: samples.Handle, block: Block) -> dict[str, npt.NDArray[Any]]:
    """Columns of the rows of a `block` of a sample, `handle`."""
    columns = handle.read(None, slice(block.first, block.last))
    own = np.isin(columns["event"], block.events)
    return {name: column[own] for name, column in columns.items()} if not own.all() else columns


def score(handle: samples.Handle, block: Block, task: Task, table: Mapping[str, Codec]) -> Scores:
    """Every algorithm of a `task` on the events of a `block` of a sample, `handle`; table: codecs by name."""
    columns = read_block(handle, block)
    given = modules(columns, task.allocation, samples.is_calibrated(handle.origin))
    arrived = {name: table[name].decode(given) for name in task.names}
    charges = {name: own if table[name].calibrated else own / given.cosh_eta for name, own in arrived.items()}
    matched = None
    if task.back_end is not None:
        particles = handle.particles()
        matched = tuple(matched_clusters(columns, own, particles, task.back_end) for own in charges.values())
    if block.part == CALIBRATION:
        return Scores(np.empty(0, np.int64), np.empty(0), np.empty((len(task.names), 0)), None, matched)
    at = places(given) if set(columns) >= PLACED else None
    event = np.searchsorted(np.sort(block.events), columns["event"])
    reference = geometry.channels_to_train(given.charge)
    cost = geometry.emd_cost()
    distances = [emd(reference, geometry.channels_to_train(own), cost) for own in charges.values()]
    sums = None
    if at is not None:
        sums = tuple(conserved(arrived[name], charges[name], given, at, event) for name in task.names)
    with np.errstate(divide="ignore"):
        leading = np.log10(given.charge.max(axis=1) / OCCUPIED_ADC)
    occupied = (given.charge > OCCUPIED_ADC).sum(axis=1)
    return Scores(occupied, leading, np.array(distances), sums, matched)


def block_path(folder: Path, key: str, block: Block) -> Path:
    """Where in a `folder` the scores of a `block` lie; key: of all that decides them."""
    events = hashlib.sha256(repr(block.events).encode()).hexdigest()[:8]  # other rows, other events in the same block
    return folder / f"{key[:16]}_{block.number:06d}_{events}.npz"


def save(scores: Scores, path: Path) -> None:
    """Write the scores of a block to `path`, whole or not at all."""
    arrays: dict[str, Any] = {"occupied": scores.occupied, "leading": scores.leading, "emd": scores.emd}
    for number, sums in enumerate(scores.conserved or ()):
        arrays |= {f"{name}_{number}": value for name, value in sums._asdict().items()}
    for number, own in enumerate(scores.matched or ()):
        arrays |= {f"matched_{name}_{number}": value for name, value in own._asdict().items()}
    with written_aside(path) as file:
        np.savez(file, **arrays)


def load(path: Path) -> Scores | None:
    """The scores of a block at `path`; None if there are none, or what is there is no whole file."""
    try:
        with path.open("rb") as opened, np.load(opened) as file:
            number = sum(name.startswith("events_") for name in file)
            sums = tuple(Conserved(*(file[f"{name}_{k}"] for name in Conserved._fields)) for k in range(number))
            number = sum(name.startswith("matched_event_") for name in file)
            own = tuple(Matched(*(file[f"matched_{name}_{k}"] for name in Matched._fields)) for k in range(number))
            return Scores(file["occupied"], file["leading"], file["emd"], sums or None, own or None)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def score_blocks(task: Task, wanted: Sequence[Block], table: Mapping[str, Codec], folder: Path, key: str) -> int:
    """Score the `wanted` blocks of a `task` whose files are not in the `folder`; returns how many had to be.

    table: codecs by name; key: of all that decides the scores.
    """
    missing = [block for block in wanted if load(block_path(folder, key, block)) is None]
    if missing:
        with samples.Handle(task.path) as handle:
            for block in missing:
                save(score(handle, block, task, table), block_path(folder, key, block))
    return len(missing)


def scored(wanted: Sequence[Block], folder: Path, key: str) -> Iterator[Scores]:
    """The scores of all `wanted` blocks in their order, one after the other, from the files of `key` in a `folder`.

    Raises QcompressError if one is missing or damaged.
    """
    for block in wanted:
        found = load(block_path(folder, key, block))
        if found is None:
            raise QcompressError(f"{block_path(folder, key, block)}: is missing or damaged; evaluate once more")
        yield found
