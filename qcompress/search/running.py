"""The trials of a search, one after another or several at a time: chosen, made, entered."""

import fcntl
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from qcompress.detectors import Cell, Table, load_detector
from qcompress.errors import QcompressError
from qcompress.pipeline.splitting import check_events
from qcompress.progress import Reporter
from qcompress.search.announcing import announcement, remember
from qcompress.search.asked import CONFIG, SAMPLE, Search
from qcompress.search.figures import SYNTHESIS, shown, titled
from qcompress.search.page import write_page
from qcompress.search.records import PAGE, Record, figure_names, records, word, write_records
from qcompress.search.study import Outcome, Study, Trial
from qcompress.search.synthesized import chosen, errors_table, keep_synthesized, read_synthesized
from qcompress.search.trial import Task, run_trial
from qcompress.search.workers import Work, Workers, workers_of

DATABASE = "study.db"
MOST_SHOWN = 20
"""Best trials in the table on the terminal."""
MOST_FAILURES = 5
"""Trials that may fail before one has succeeded: then it is the search that is wrong."""
SHARE = 100
"""Results are written while a search goes on, for at most one part of so many of its time."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process at a time works on a search; its folder is made."""
    if folder.exists() and not folder.is_dir():
        raise QcompressError(f"{folder}: is a file; choose a folder with --out")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise QcompressError(f"{folder}: cannot be made ({fault.strerror}); choose another folder") from None
    with (folder / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise QcompressError(f"{folder}: another qcompress works on this search; wait for it") from None
        yield


def open_study(search: Search, storage: str | None) -> Study:
    """The study of a `search`, new or as far as it came; storage: URL of its database, a file in its folder if None."""
    url = storage or f"sqlite:///{search.folder / DATABASE}"
    return Study(url, search.config.name, search.options, search.identity)


def make_sample(search: Search, reporter: Reporter) -> None:
    """The sample that all trials share, made once; reporter: shows how far it is.

    Raises QcompressError if it would have no events for a step of the trials.
    """
    from qcompress import pipeline

    check_events(search.config, load_detector(search.config.detector), ["train", *search.steps])
    if search.config.sample.file is None or search.config.sample.select is not None:
        pipeline.run(search.config, search.folder / SAMPLE, "sample", reporter, replace=True)


@dataclass
class Loop:
    """The trials of a study that are left; seconds: spent on choosing and entering them, by what."""

    search: Search
    study: Study
    seconds: dict[str, float] = field(default_factory=lambda: {"trials": 0.0, "choosing": 0.0, "writing": 0.0})

    def run(self, workers: Workers, reporter: Reporter, work: Work = run_trial) -> None:
        """Run until there are as many trials as are wanted; work: makes one; reporter: shows the best so far."""
        shutil.copyfile(self.search.path, self.search.folder / CONFIG)
        before = self.study.trials()
        left = self.search.options.trials - sum(trial.outcome is not None for trial in before)
        report, cost, written = reporter.task("search"), 0.0, time.monotonic()
        for done, outcome in enumerate(workers(self._tasks(), work), 1):
            self._enter(outcome)
            self._refuse_failures(done)
            report(done, max(left, done), f"trial {outcome.number}: {self._words(outcome)}; {best_words(self)}")
            if time.monotonic() - written > SHARE * cost:
                cost = self.write()
                written = time.monotonic()
        self.write()
        reporter.close("search", f"{len(self.study.trials())} trials; {best_words(self)}")

    def write(self) -> float:
        """Write the results as they are now; seconds that it took."""
        started = time.monotonic()
        found = records(self.search, self.study, read_synthesized(self.search.folder))
        write_records(self.search, found)
        write_page(self.search, self.study, found)
        took = time.monotonic() - started
        self.seconds["writing"] += took
        return took

    def _tasks(self) -> Iterator[Task]:
        """Trials that were running when the search was killed, then new ones; the same values twice are made once."""
        for trial in [trial for trial in self.study.trials() if trial.outcome is None]:
            yield from self._task(trial)
        while len(self.study.trials()) < self.search.options.trials:
            started = time.monotonic()
            trial = self.study.propose()
            self.seconds["choosing"] += time.monotonic() - started
            yield from self._task(trial)

    def _task(self, trial: Trial) -> Iterator[Task]:
        """The task of a trial, where it needs one."""
        if (made := self.study.same(trial)) is not None:
            same = made.number if made.same_as is None else made.same_as
            self._enter(replace(made, number=trial.number, same_as=same, losses={}, seconds=0.0))
            return
        try:
            yield self.search.task(trial.number, trial.drawn)
        except QcompressError as fault:
            self._enter(Outcome(trial.number, fault=str(fault)))

    def _enter(self, outcome: Outcome) -> None:
        started = time.monotonic()
        self.study.tell(outcome)
        self.seconds["choosing"] += time.monotonic() - started
        self.seconds["trials"] += outcome.seconds

    def _refuse_failures(self, done: int) -> None:
        """Raises QcompressError if nothing has succeeded by now; done: trials that were made here."""
        if done != MOST_FAILURES:
            return
        outcomes = [trial.outcome for trial in self.study.trials() if trial.outcome is not None]
        if len(outcomes) >= MOST_FAILURES and all(outcome.fault for outcome in outcomes):
            self.write()
            raise QcompressError(f"{self.search.path}: all of {len(outcomes)} trials failed: {outcomes[-1].fault}")

    def _words(self, outcome: Outcome) -> str:
        if outcome.fault is not None:
            return f"failed: {outcome.fault}"
        if outcome.stopped is not None:
            return f"stopped behind epoch {outcome.stopped}"
        return told(outcome.figures, self.search.options.objectives, self.search.shares)


def told(figures: Mapping[str, float], names: Iterable[str], shares: Collection[str]) -> str:
    """Figures of these `names` in words; those of the `shares` in per cent."""
    return ", ".join(
        f"{name} {shown(name, figures[name], shares):.4g}{' %' if name in shares else ''}" for name in names
    )


def best_words(loop: Loop) -> str:
    """The best trials so far, in words: the only one, or the best in each objective."""
    trials = loop.study.trials()
    best = [outcome for number in loop.study.best() if (outcome := trials[number].outcome) is not None]
    if not best:
        return "none within all constraints yet"
    objectives, shares = loop.search.options.objectives, loop.search.shares
    if len(best) == 1:
        return f"best so far: trial {best[0].number} with {told(best[0].figures, objectives, shares)}"
    ends = []
    for name, way in objectives.items():
        values = [outcome.figures[name] for outcome in best]
        ends.append(told({name: (min if way == "minimize" else max)(values)}, [name], shares))
    return f"best so far: {len(best)} trials on the front, to {', to '.join(ends)}"


def run_search(
    search: Search,
    reporter: Reporter,
    workers: int | None = None,
    scheduler: str | None = None,
    storage: str | None = None,
) -> list[Table]:
    """Run a `search`, or what is left of it, and write its results; tables of the best trials.

    reporter: shows how far it is; workers: trials at a time; scheduler: address of a dask scheduler; storage: URL of
    the study's database, a file in the search's folder if None. Raises QcompressError for a scheduler that does not
    answer, and for a database that cannot be used or holds another study.
    """
    with workers_of(scheduler, workers) as (run, at_once), alone(search.folder):
        study = open_study(search, storage)
        reporter.line(announcement(search, study, at_once))
        make_sample(search, reporter)
        loop = Loop(search, study)
        loop.run(run, reporter)
        remember(search, study)
        synthesize_best(search, study, run, reporter)
        loop.write()
    found = records(search, study, read_synthesized(search.folder))
    errors = errors_table(search, study)
    return [best_table(search, found), *([errors] if errors is not None else [])]


def synthesize_best(search: Search, study: Study, workers: Workers, reporter: Reporter) -> None:
    """Verify all bodies of the best trials of a `study` and synthesize them, as many as its `search` wants.

    workers: run them; reporter: shows how far it is.
    """
    numbers = chosen(search, study) if search.options.synthesize else []
    if not numbers:
        return
    trials = {trial.number: trial for trial in study.trials()}
    report = reporter.task("best")
    report(0, len(numbers), f"verifies and synthesizes trials {', '.join(map(str, numbers))}")
    tasks = (search.task_of_best(number, trials[number].drawn) for number in numbers)
    faults = []
    for done, outcome in enumerate(workers(tasks, run_trial), 1):
        if outcome.fault is not None:
            faults.append(f"trial {outcome.number}: {outcome.fault}")
        else:
            keep_synthesized(search.folder, outcome.number, outcome.figures)
        report(done, len(numbers), f"trial {outcome.number}: {outcome.fault or 'synthesized, no code differs'}")
    reporter.close(
        "best", "; ".join([f"{len(numbers) - len(faults)} of {len(numbers)} verified, synthesized", *faults])
    )


def best_table(search: Search, found: Sequence[Record]) -> Table:
    """The trials of those that were `found` that no other one beats, by the first objective."""
    name, way = next(iter(search.options.objectives.items()))
    sign = 1 if way == "minimize" else -1
    best = sorted((each for each in found if each.best), key=lambda each: sign * each.figures[name])
    synthesized = [key for key in figure_names(search, best) if key.startswith(SYNTHESIS)]
    names = list(dict.fromkeys([*search.wanted, *synthesized]))
    rows = [
        (
            each.number,
            *(word(each.values[key]) for key in search.options.space),
            *(_cell(search, each, n) for n in names),
        )
        for each in best[:MOST_SHOWN]
    ]
    note = "no other trial beats one of these in all objectives within all constraints"
    more = f"; {len(best) - MOST_SHOWN} more are in {search.folder / PAGE}" if len(best) > MOST_SHOWN else ""
    titles = [titled(name, search.shares) for name in names]
    return Table("Best trials", ("trial", *search.options.space, *titles), tuple(rows), note + more)


def _cell(search: Search, record: Record, name: str) -> Cell:
    """A figure of a trial as the table has it."""
    value = record.figures.get(name)
    return value if value is None else shown(name, value, search.shares)
