"""Whether events that are scored trained what scores them: told by what modules hold, whatever events are called."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qcompress.detectors import TEST, TRAIN
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation import scoring
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes

TELLING_CELLS = 20
"""Occupied trigger cells from which on two events are not the same by chance."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: odd, and its bits look random."""


def check_apart(sample: Path, trained: Path, every: bool = False) -> None:
    """Raises QcompressError if test events of a `sample` are, row by row, training events of another, `trained`.

    every: all events of the sample but those for calibration.
    """
    if common := common_events(sample, [trained], every)[trained]:
        kind = "events" if every else "test events"
        raise QcompressError(f"{sample}: {common} of its {kind} trained the candidate; give a sample of other events")


def common_events(
    sample: Path, trained: Iterable[Path], every: bool = False, rows: int | None = None
) -> dict[Path, int]:
    """How many test events of a `sample` are training events of each of other samples, `trained`.

    every: all events of the sample but those for calibration; rows: the first so many modules of these, in whole
    events, all if None.
    """
    parts = scoring.EVERY if every else (TEST,)
    last = None if rows is None else max(block.last for block in scoring.blocks(sample, rows, every))
    own = _fingerprints(sample, parts, last)
    return {path: len(own & _fingerprints(path, (TRAIN,))) for path in dict.fromkeys(trained)}


def _fingerprints(path: Path, parts: tuple[int, ...], last: int | None = None) -> set[int]:
    """A hash of the codes of every event of parts of the split that holds as many as cannot agree by chance.

    last: number of rows of the file that are looked at, all if None.
    """
    found: dict[int, int] = {}
    cells: dict[int, int] = {}
    with samples.Handle(path) as handle:
        rows = handle.rows if last is None else last
        for first in range(0, rows, samples.CHUNK_ROWS):
            chunk = handle.read(["event", "split", "codes"], slice(first, min(rows, first + samples.CHUNK_ROWS)))
            own = np.isin(chunk["split"], parts) & chunk["codes"].any(axis=1)
            event, number = np.unique(chunk["event"][own], return_inverse=True)
            hashes, occupied = np.zeros(len(event), np.uint64), np.zeros(len(event), np.int64)
            np.add.at(hashes, number, _hashes(chunk["codes"][own]))
            np.add.at(occupied, number, np.count_nonzero(chunk["codes"][own], axis=1))
            for name, one, count in zip(event.tolist(), hashes.tolist(), occupied.tolist(), strict=True):
                found[name] = (found.get(name, 0) + one) % 2**64
                cells[name] = cells.get(name, 0) + count
    return {number for event, number in found.items() if cells[event] >= TELLING_CELLS}


def _hashes(codes: Codes) -> npt.NDArray[np.uint64]:
    """(n,): a number of 64 bits for the codes of each module, (n, 48) bytes; sums of them do not depend on order."""
    words = np.ascontiguousarray(codes, np.uint8).view(np.uint64)
    found = np.zeros(len(words), np.uint64)
    for column in words.T:
        found = (found ^ column) * MULTIPLIER
        found ^= found >> np.uint64(29)
    return found
