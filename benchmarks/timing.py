"""How long a call takes, for the benchmarks beside it."""

import time
from collections.abc import Callable


def timed(work: Callable[[], object], repeats: int = 1) -> tuple[float, float]:
    """Least wall and CPU seconds of `repeats` calls."""
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return min(walls), min(cpus)


def warm(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """The same behind a call that is not counted: the first one may compile."""
    work()
    return timed(work, repeats)


def rates(name: str, work: Callable[[], object], rows: int, repeats: int) -> float:
    """Print rows a wall second and a CPU second of a body, as a line of a table; returns the latter."""
    wall, cpu = warm(work, repeats)
    digits = 0 if rows / wall >= 1000 else 2
    print(f"| {name} | {rows / wall:,.{digits}f} | {rows / cpu:,.{digits}f} |", flush=True)
    return rows / cpu
