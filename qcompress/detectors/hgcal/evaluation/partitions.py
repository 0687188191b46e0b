"""Blocks of a sample scored side by side: in this process, in dask's processes on this machine, or on a cluster.

A partition is a run of blocks. Dask runs a partition again, elsewhere, if its worker is lost; the blocks that were
finished lie in the folder, which all workers see, and are not computed again.
"""

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors import Decoders, Firmware
from qcompress.detectors.hgcal.evaluation.algorithms import Codec
from qcompress.detectors.hgcal.evaluation.scoring import Block, Task, score_blocks
from qcompress.errors import QcompressError
from qcompress.progress import Report

TABLES: dict[str, Mapping[str, Codec]] = {}
"""Of this process, by the hash of what made them: a worker opens a candidate once."""
MOST_LOSSES = 3
"""Workers that a partition may lose before it is given up."""

Reopen = Callable[[], tuple[Firmware, Decoders]]
MakeTable = Callable[[], Mapping[str, Codec]]


def split(blocks: Sequence[Block], partitions: int) -> list[Sequence[Block]]:
    """Runs of blocks of nearly the same length; as many as there are blocks at most."""
    edges = np.linspace(0, len(blocks), min(partitions, len(blocks)) + 1).round().astype(int)
    return [blocks[a:b] for a, b in pairwise(edges)]


def run(
    task: Task,
    blocks: Sequence[Block],
    table: Mapping[str, Codec],
    make_table: MakeTable | None,
    folder: Path,
    key: str,
    partitions: int,
    scheduler: str | None,
    report: Report,
) -> None:
    """Score all blocks into files of the folder."""
    if scheduler is None and partitions == 1:
        for block in blocks:
            report(block.number, len(blocks), f"events of block {block.number + 1}")
            score_blocks(task, [block], table, folder, key)
        return
    if make_table is None:
        raise QcompressError("several partitions need a candidate that other processes can open")
    parts = split(blocks, partitions)
    with _client(scheduler, len(parts)) as client:
        futures = [
            client.submit(_score_partition, task, part, make_table, folder, key, pure=False, retries=MOST_LOSSES)
            for part in parts
        ]
        _follow(futures, report)


def _follow(futures: Sequence[Any], report: Report) -> None:
    distributed: Any = importlib.import_module("distributed")
    try:
        for done, future in enumerate(distributed.as_completed(futures), 1):
            future.result()
            report(done, len(futures), "partitions")
    except distributed.scheduler.KilledWorker as fault:
        raise QcompressError(f"a partition lost {MOST_LOSSES} workers, memory perhaps: {fault}") from None


def _score_partition(task: Task, part: Sequence[Block], make_table: MakeTable, folder: Path, key: str) -> int:
    """In a worker."""
    return score_blocks(task, part, _table(key, make_table), folder, key)


def _table(key: str, make_table: MakeTable) -> Mapping[str, Codec]:
    if key not in TABLES:
        TABLES[key] = make_table()
    return TABLES[key]


def _client(scheduler: str | None, parts: int) -> Any:
    """A dask client; raises QcompressError if there is no scheduler at the address."""
    import dask

    distributed: Any = importlib.import_module("distributed")
    dask.config.set(
        {"distributed.scheduler.allowed-failures": MOST_LOSSES, "distributed.admin.log-format": "%(message)s"}
    )
    if scheduler is not None:
        try:
            return distributed.Client(scheduler, timeout="10s")
        except (OSError, ValueError) as fault:
            raise QcompressError(f"{scheduler}: no dask scheduler answers ({fault}); give its tcp:// address") from None
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")  # on Ctrl-C
    workers = min(parts, cpus())
    cluster = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs="CRITICAL"
    )
    return _Owned(cluster, distributed.Client(cluster))


class _Owned:
    """A local cluster and its client, closed together."""

    def __init__(self, cluster: Any, client: Any) -> None:
        self._cluster, self._client = cluster, client

    def __enter__(self) -> Any:
        return self._client

    def __exit__(self, *fault: object) -> None:
        self._client.close()
        self._cluster.close()


@cache
def cpus() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))
