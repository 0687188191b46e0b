"""What a search leaves for others: all trials as JSON and CSV, the config that they were made of."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcompress.config import Config, load_config
from qcompress.errors import QcompressError
from qcompress.files import JsonObject, write_json, write_whole
from qcompress.search.asked import CONFIG, TRIALS, Search
from qcompress.search.space import decoded
from qcompress.search.study import Outcome, Study, Trial

RECORDS, TABLE, PAGE = "trials.json", "trials.csv", "search.html"


@dataclass(frozen=True)
class Record:
    """A finished trial: its values by dotted key as the config has them, its figures, how it ended.

    state: complete, stopped (behind the epoch in `said`) or failed (with the one line in `said`); folder: of its
    candidate, relative to the search's; best: whether no other one beats it; within: whether it keeps to all bounds.
    """

    number: int
    state: str
    values: Mapping[str, Any]
    figures: Mapping[str, float]
    said: str
    folder: str
    seconds: float
    best: bool
    within: bool


def records(search: Search, study: Study, synthesized: Mapping[int, Mapping[str, float]]) -> list[Record]:
    """All finished trials of a `study`, in order; synthesized: further figures of some of them, by number."""
    best = set(study.best())
    return [
        _record(search, trial, trial.outcome, synthesized.get(trial.number, {}), trial.number in best, study)
        for trial in study.trials()
        if trial.outcome is not None
    ]


def _record(
    search: Search, trial: Trial, outcome: Outcome, more: Mapping[str, float], best: bool, study: Study
) -> Record:
    figures = {**outcome.figures, **more}
    state = "failed" if outcome.fault is not None else "stopped" if outcome.stopped is not None else "complete"
    said = outcome.fault or (f"behind epoch {outcome.stopped}" if outcome.stopped is not None else "")
    within = state == "complete" and study.within(outcome)
    own = trial.number if outcome.same_as is None else outcome.same_as
    values = decoded(search.options, trial.drawn)
    return Record(trial.number, state, values, figures, said, f"{TRIALS}/{own}", outcome.seconds, best, within)


def write_records(search: Search, found: Sequence[Record]) -> None:
    """Write all trials that were `found` into the search's folder, as JSON and as CSV."""
    told = {"config": str(search.path), "name": search.config.name, "trials": [vars(each) for each in found]}
    write_json(search.folder / RECORDS, told)
    write_whole(search.folder / TABLE, as_csv(search, found).encode())


def figure_names(search: Search, found: Sequence[Record]) -> list[str]:
    """Figures that any trial has, those that are asked for first."""
    return list(dict.fromkeys([*search.wanted, *(name for each in found for name in each.figures)]))


def as_csv(search: Search, found: Sequence[Record]) -> str:
    """A row for each of the trials that were `found`."""
    keys, names = list(search.options.space), figure_names(search, found)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "state", "best", *keys, *names, "seconds", "candidate", "said"])
    for each in found:
        values = [word(each.values[key]) for key in keys]
        figures = [each.figures.get(name, "") for name in names]
        ends = (round(each.seconds, 3), each.folder, each.said)
        writer.writerow([each.number, each.state, "yes" if each.best else "", *values, *figures, *ends])
    return text.getvalue()


def word(value: Any) -> Any:
    """A value of the config as a cell of a table: numbers and words as they are, all else as JSON."""
    return value if isinstance(value, int | float | str) else json.dumps(value)


def config_of_trial(folder: Path, number: int) -> Config:
    """The full candidate's config of a trial of the search in `folder`: the search's config with the trial's values.

    Raises QcompressError for a folder that holds no search, and for a trial that has not finished.
    """
    told = _read(folder)
    numbers = {each["number"]: each for each in told["trials"]}
    if number not in numbers:
        there = f"0 to {max(numbers)}" if numbers else "none"
        raise QcompressError(f"{folder}: has no finished trial {number}; there is {there}")
    config = load_config(Path(told["config"]), changes=numbers[number]["values"], text=folder / CONFIG)
    return config.model_copy(update={"name": f"{config.name}_trial{number}"})


def _read(folder: Path) -> JsonObject:
    path = folder / RECORDS
    if not path.is_file():
        raise QcompressError(f"{folder}: holds no search ({RECORDS} is missing); make one with qcompress search")
    try:
        told: JsonObject = json.loads(path.read_text())
        _ = [(each["number"], each["values"].items()) for each in told["trials"]], Path(told["config"])
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise QcompressError(f"{path}: damaged ({fault}); run qcompress search again") from None
    return told
