"""Several trials at a time: in dask's processes on this machine, or in those of a scheduler anywhere."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from qcompress.detectors.partitions import MOST_LOSSES, client_of
from qcompress.errors import QcompressError
from qcompress.search.study import Outcome
from qcompress.search.trial import Task

Work = Callable[[Task], Outcome]
Workers = Callable[[Iterator[Task], Work], Iterator[Outcome]]
"""Runs tasks, taking the next one when there is somebody for it; gives outcomes as they come."""


def one_by_one(tasks: Iterator[Task], work: Work) -> Iterator[Outcome]:
    """What `work` gives of each of the `tasks`, in this process."""
    for task in tasks:
        yield work(task)


@contextmanager
def workers_of(scheduler: str | None, wanted: int | None) -> Iterator[tuple[Workers, int]]:
    """What runs tasks, and how many at a time.

    scheduler: address of a dask scheduler, None for processes of this machine; wanted: trials at a time, as many as the
    scheduler has workers if None, one here. Raises QcompressError if no scheduler answers.
    """
    if scheduler is None and (wanted or 1) == 1:
        yield one_by_one, 1
        return
    with client_of(scheduler, wanted or 1) as client:
        addresses = list(client.scheduler_info(n_workers=-1)["workers"])
        at_once = wanted or max(1, len(addresses))
        preparing = [client.submit(_prepared, workers=[each], pure=False) for each in addresses]
        yield lambda tasks, work: _side_by_side(client, at_once, tasks, work), at_once
        del preparing  # kept until now: dask drops what nobody waits for


def _prepared() -> None:
    """Import the steps of a candidate, which takes a process seconds once: while the first trials are chosen."""
    importlib.import_module("qcompress.pipeline")


def _side_by_side(client: Any, at_once: int, tasks: Iterator[Task], work: Work) -> Iterator[Outcome]:
    """Outcomes as they come; a trial whose worker is lost is made again, elsewhere, a few times.

    One more is handed out than there are workers for: none waits while what came is entered and the next one chosen.
    """
    distributed: Any = importlib.import_module("distributed")
    running: dict[Any, Task] = {}
    for _ in range(at_once + 1):
        _submit(client, running, tasks, work)
    coming = distributed.as_completed(list(running))
    for future in coming:
        task = running.pop(future)
        try:
            outcome = future.result()
        except distributed.scheduler.KilledWorker:
            outcome = Outcome(task.number, fault=f"lost {MOST_LOSSES} workers, memory perhaps")
        except distributed.client.FutureCancelledError:
            raise QcompressError("the dask scheduler is gone; run the same command again to go on") from None
        yield outcome
        if (more := _submit(client, running, tasks, work)) is not None:
            coming.add(more)


def _submit(client: Any, running: dict[Any, Task], tasks: Iterator[Task], work: Work) -> Any:
    """Give the next task to the workers; its future, or None if there is no more."""
    if (task := next(tasks, None)) is None:
        return None
    future = client.submit(work, task, pure=False)
    running[future] = task
    return future
