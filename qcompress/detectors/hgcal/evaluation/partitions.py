"""Blocks of a sample scored in this process, or run by run of blocks in others.

The blocks that were finished lie in the folder, which all workers see, and are not computed again.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from qcompress.detectors import Decoders, Firmware, partitions
from qcompress.detectors.hgcal.evaluation.algorithms import Codec
from qcompress.detectors.hgcal.evaluation.scoring import Block, Task, score_blocks
from qcompress.errors import QcompressError
from qcompress.progress import Report

TABLES: dict[str, Mapping[str, Codec]] = {}
"""Of this process, by the hash of what made them: a worker opens a candidate once."""

Reopen = Callable[[], tuple[Firmware, Decoders]]
MakeTable = Callable[[], Mapping[str, Codec]]


def run(
    task: Task,
    blocks: Sequence[Block],
    table: Mapping[str, Codec],
    make_table: MakeTable | None,
    folder: Path,
    key: str,
    parts: int,
    scheduler: str | None,
    report: Report,
) -> None:
    """Score all `blocks` of a `task` into files of the `folder`, whose names begin with `key`.

    table: the codecs in this process; make_table: what makes them in another; parts: how many are scored side by side,
    on the cluster at `scheduler` if there is one; report: told how many blocks, or parts, are done. Raises
    QcompressError for parts that other processes cannot open.
    """
    if scheduler is None and parts == 1:
        for block in blocks:
            report(block.number, len(blocks), f"events of block {block.number + 1}")
            score_blocks(task, [block], table, folder, key)
        return
    if make_table is None:
        raise QcompressError("several partitions need a candidate that other processes can open")
    work = partial(_score_partition, task, make_table, folder, key)
    partitions.run(partitions.split(blocks, parts), work, scheduler, report)


def _score_partition(task: Task, make_table: MakeTable, folder: Path, key: str, part: Sequence[Block]) -> int:
    """In a worker."""
    if key not in TABLES:
        TABLES[key] = make_table()
    return score_blocks(task, part, TABLES[key], folder, key)
