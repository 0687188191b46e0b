"""How long work tells of itself: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Report = Callable[[float, float, str], None]
"""(done, total, words): called by work that goes on for long."""

SECONDS_BETWEEN_LINES = 5.0
LEAST_SHARE, LEAST_SECONDS = 0.1, 20.0
"""Of the work, or a fifth of it after so long, that must be done before what is left is told: it would be a guess."""


def silent(done: float, total: float, words: str) -> None:
    """A report that nobody reads: done of total, and words on what is being done."""


class Reporter:
    """Progress of several named tasks at once; `task(name)` gives the Report of one."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<11}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[words]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._started: dict[str, float] = {}
        self._last_line: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._bar.stop()

    def task(self, name: str) -> Report:
        """Open a task of that name; the Report updates its bar or prints a line at most every few seconds."""
        self._tasks[name] = self._bar.add_task(name, total=None, words="")
        self._started[name] = time.monotonic()

        def report(done: float, total: float, words: str) -> None:
            self._bar.update(self._tasks[name], completed=done, total=total, words=words)
            now = time.monotonic()
            if self.console.is_terminal or now - self._last_line.get(name, 0.0) < SECONDS_BETWEEN_LINES:
                return
            self._last_line[name] = now
            self.line(f"{name}: {_far(done, total, words)}{_left(now - self._started[name], done, total)}")

        return report

    def close(self, name: str, words: str) -> None:
        """End the task of that name with a line of words that stays."""
        if name in self._tasks:
            self._bar.remove_task(self._tasks.pop(name))
        self.line(f"{name}: {words}")

    def line(self, text: str) -> None:
        """Print a text above the bars."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)


def _far(done: float, total: float, words: str) -> str:
    """How far it is, in words; of a single piece there is nothing to count."""
    return words if total <= 1 and not 0 < done < 1 else f"{done:g}/{total:g}, {words}"


def _left(seconds: float, done: float, total: float) -> str:
    """How long the rest takes if it goes on as in the `seconds` before; nothing where that would be a guess."""
    known = total > 0 and (done >= LEAST_SHARE * total or (done >= LEAST_SHARE * total / 5 and seconds > LEAST_SECONDS))
    if not known or done >= total:
        return ""
    return f", about {duration(seconds * (total - done) / done)} left"


def duration(seconds: float) -> str:
    """Seconds in words of a length that one can see: 40 s, 12 min, 3.5 h."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
