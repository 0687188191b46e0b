"""Work that follows other work, some of it at a time."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

AT_ONCE = 2


def run_in_order(after: Mapping[str, Sequence[str]], work: Callable[[str], None]) -> None:
    """Call `work(name)` for every name, each as soon as those that it follows are done, `AT_ONCE` at a time.

    after: name -> names that it follows; those that are no key are done already. The first fault is raised when what
    runs beside it has ended; an interrupt waits for nothing.
    """
    waiting, done, faults = list(after), set[str](), list[BaseException]()
    running: dict[Future[None], str] = {}
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        while running or (waiting and not faults):
            ready = [name for name in waiting if all(other in done or other not in after for other in after[name])]
            for name in ready if not faults else []:
                waiting.remove(name)
                running[pool.submit(work, name)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done.add(running.pop(future))
                if (fault := future.exception()) is not None:
                    faults.append(fault)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    if faults:
        raise faults[0]
