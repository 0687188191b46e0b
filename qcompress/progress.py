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
            left = (now - self._started[name]) * (total - done) / done if done else float("nan")
            self.line(f"{name}: {done:g}/{total:g}, {words}" + (f", {left:.0f} s left" if done else ""))

        return report

    def close(self, name: str, words: str) -> None:
        """End the task of that name with a line of words that stays."""
        if name in self._tasks:
            self._bar.remove_task(self._tasks.pop(name))
        self.line(f"{name}: {words}")

    def line(self, text: str) -> None:
        """Print a text above the bars."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)
