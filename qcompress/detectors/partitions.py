"""Parts of a long computation side by side: in dask's processes on this machine, or on a cluster.

Dask runs a part again, elsewhere, if its worker is lost.
"""

import importlib
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np

from qcompress.errors import QcompressError
from qcompress.progress import Report

ANSWER_S = 10
"""Seconds that a scheduler has to answer."""
MOST_LOSSES = 3
"""Workers that a part may lose before it is given up."""

Item = TypeVar("Item")
Part = TypeVar("Part")
Result = TypeVar("Result")


def split(items: Sequence[Item], parts: int) -> list[Sequence[Item]]:
    """Runs of `items` of nearly the same length, `parts` of them; as many as there are items at most."""
    edges = np.linspace(0, len(items), min(parts, len(items)) + 1).round().astype(int)
    return [items[a:b] for a, b in pairwise(edges)]


def run(
    parts: Sequence[Sequence[Item]], work: Callable[[Sequence[Item]], object], scheduler: str | None, report: Report
) -> None:
    """Call `work` of every one of the `parts` in other processes, which can be told to have it done again.

    scheduler: address of a cluster's, None for processes on this machine; report: told how many parts are done. Raises
    QcompressError if no scheduler answers there, or if a part lost too many workers.
    """
    for done, _ in enumerate(results(parts, work, scheduler), 1):
        report(done, len(parts), "partitions")


def results(
    parts: Sequence[Part], work: Callable[[Part], Result], scheduler: str | None, workers: int | None = None
) -> Iterator[Result]:
    """What `work` gives of every one of the `parts`, as they are finished; raises as `run` does.

    scheduler: address of a cluster's; workers: processes on this machine, as many as it has processors unless given.
    """
    distributed: Any = importlib.import_module("distributed")
    with client_of(scheduler, min(len(parts), workers or len(os.sched_getaffinity(0)))) as client:
        futures = [client.submit(work, part, pure=False, retries=MOST_LOSSES) for part in parts]
        try:
            for future in distributed.as_completed(futures):
                yield future.result()
        except distributed.scheduler.KilledWorker as fault:
            raise QcompressError(f"a partition lost {MOST_LOSSES} workers, memory perhaps: {fault}") from None


def _knock(scheduler: str) -> None:
    """Raises OSError if the port of a scheduler's address is closed: dask's client would try again and again."""
    addressing: Any = importlib.import_module("distributed.comm.addressing")
    protocol, _ = addressing.parse_address(scheduler)
    if protocol in ("tcp", "tls"):
        socket.create_connection(addressing.get_address_host_port(scheduler, strict=True), ANSWER_S).close()


@contextmanager
def client_of(scheduler: str | None, workers: int) -> Iterator[Any]:
    """A dask client of so many `workers`, processes here, or of a cluster's, at the address of its `scheduler`.

    Raises QcompressError if no scheduler is there.
    """
    import dask

    distributed: Any = importlib.import_module("distributed")
    dask.config.set(
        {"distributed.scheduler.allowed-failures": MOST_LOSSES, "distributed.admin.log-format": "%(message)s"}
    )
    if scheduler is not None:
        try:
            _knock(scheduler)
            client = distributed.Client(scheduler, timeout=f"{ANSWER_S}s")
        except (OSError, ValueError) as fault:
            raise QcompressError(f"{scheduler}: no dask scheduler answers ({fault}); give its tcp:// address") from None
        with client:
            yield client
        return
    os.environ.setdefault("PYTHONWARNINGS", "ignore::UserWarning:multiprocessing.resource_tracker")  # on Ctrl-C
    cluster = distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs="CRITICAL"
    )
    client = distributed.Client(cluster)
    try:
        yield client
    finally:
        client.close()
        cluster.close()
