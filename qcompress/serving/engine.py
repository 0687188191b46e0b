"""Requests, whatever protocol they came by, to answers: admission, deadlines, computation, statistics."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy.typing as npt

from qcompress.serving.faults import Reason, RequestFault, invalid, shown
from qcompress.serving.models import Model
from qcompress.serving.options import Limits
from qcompress.serving.repository import Repository
from qcompress.serving.statistics import Metrics
from qcompress.serving.tensors import Tensor, arrays_of

Made = TypeVar("Made")
AT_ONCE = 0.0005
"""Seconds of work that are done where a request arrives; what takes longer is handed to a worker."""
AT_ONCE_BYTES = 128 * 1024
"""The same in bytes, of what has to be read and written."""


@dataclass(frozen=True)
class Query:
    """A request for inference.

    version: empty for the newest; outputs: those wanted, None for all; until: when the client gives up
    [time.monotonic], None for the service's own limit; size: bytes of its data.
    """

    model: str
    version: str
    id: str
    inputs: Sequence[Tensor]
    outputs: Sequence[str] | None
    until: float | None = None
    size: int = 0


@dataclass(frozen=True)
class Answer:
    """What was computed. model: what has computed it; outputs: arrays by name, in the order that was wanted."""

    model: Model
    id: str
    outputs: dict[str, npt.NDArray[Any]]


@dataclass
class Engine:
    """Answers requests from a repository. Its methods are called in the thread of one event loop.

    workers: threads that compute what takes long; working: how many of them do so now.
    """

    repository: Repository
    limits: Limits
    metrics: Metrics
    workers: int = 1
    draining: bool = False
    working: int = 0
    _waiting: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="qcompress-serve")
        self._aside = ThreadPoolExecutor(1, thread_name_prefix="qcompress-load")

    @property
    def ready(self) -> bool:
        """Whether requests are taken."""
        return not self.draining

    @contextlib.contextmanager
    def admitted(self, protocol: str) -> Iterator[None]:
        """Around a request; raises RequestFault if the service is full or about to end."""
        refusal = None
        if self.draining:
            refusal = RequestFault(Reason.BUSY, "the service is shutting down")
        elif self._waiting >= self.limits.queue:
            refusal = RequestFault(Reason.BUSY, f"{self._waiting} requests are under way; try again later")
        if refusal is not None:
            self.failed(protocol, None, refusal)
            raise refusal
        self._waiting += 1
        self.metrics.under_way(self._waiting)
        try:
            yield
        finally:
            self._waiting -= 1
            self.metrics.under_way(self._waiting)

    async def in_worker(self, work: Callable[[], Made]) -> Made:
        """Have something done that takes long; the event loop goes on meanwhile."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._counted, work)

    async def aside(self, work: Callable[[], Made]) -> Made:
        """Have something done beside the workers, for which no request waits."""
        return await asyncio.get_running_loop().run_in_executor(self._aside, self._counted, work)

    def _counted(self, work: Callable[[], Made]) -> Made:
        """In a thread: do something that the end of the service need not wait for."""
        with self._lock:
            self.working += 1
        try:
            return work()
        finally:
            with self._lock:
                self.working -= 1

    async def infer(self, query: Query, protocol: str, arrived: float) -> Answer:
        """Compute what a request asks; protocol: it came by; arrived: when [time.perf_counter].

        Raises RequestFault for anything that has no answer.
        """
        model = None
        try:
            model = self.repository.find(query.model, query.version)
            until = time.monotonic() + self.limits.deadline
            work = partial(_answer, model, query, until if query.until is None else min(until, query.until))
            if self._is_short(model, query):
                answer, rows, started, computed = work()
            else:
                answer, rows, started, computed = await self.in_worker(work)
        except RequestFault as fault:
            self.failed(protocol, model, fault, time.perf_counter() - arrived)
            raise
        seconds = time.perf_counter() - arrived
        model.counts.answered(rows, seconds, started - arrived, computed)
        self.metrics.answered(protocol, (model.name, model.version), rows, seconds, computed)
        return answer

    def failed(self, protocol: str, model: Model | None, fault: RequestFault, seconds: float = 0.0) -> None:
        """Count a request without an answer; model: None where there is no such."""
        if model is not None:
            model.counts.fail.add(seconds)
        names = ("", "") if model is None else (model.name, model.version)
        self.metrics.failed(protocol, names, fault.reason.status)

    def _is_short(self, model: Model, query: Query) -> bool:
        """Whether a request is better computed at once than handed on."""
        if query.size > AT_ONCE_BYTES:
            return False
        return query.size / max(1, model.row_bytes) * model.row_seconds <= AT_ONCE

    def close(self) -> None:
        """Let go of what has not begun."""
        for pool in (self._pool, self._aside):
            pool.shutdown(wait=False, cancel_futures=True)


def _answer(model: Model, query: Query, until: float) -> tuple[Answer, int, float, float]:
    """Answer, rows, when it was begun [time.perf_counter], seconds in the emulator."""
    started = time.perf_counter()
    if time.monotonic() > until:
        raise RequestFault(Reason.LATE, "the request waited longer than its deadline; it was not computed")
    wanted = _wanted(model, query.outputs)
    given = arrays_of(model, query.inputs)
    begun = time.perf_counter()
    found = model.compute(given)
    computed = time.perf_counter() - begun
    rows = len(next(iter(found.values())))
    return Answer(model, query.id, {name: found[name] for name in wanted}), rows, started, computed


def _wanted(model: Model, names: Sequence[str] | None) -> Sequence[str]:
    """Names of the outputs that a request wants."""
    if not names:
        return list(model.outputs)
    for place, name in enumerate(names):
        if name not in model.outputs:
            raise invalid(f"model {model.name} has no output {shown(name)}; it gives {', '.join(model.outputs)}")
        if name in names[:place]:
            raise invalid(f"output {name} is wanted twice")
    return names
