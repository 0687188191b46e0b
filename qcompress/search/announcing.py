"""What a search will do and about how long it takes, from how long trials of the same config took here."""

from qcompress.pipeline.durations import keep_rate, rate_of
from qcompress.progress import duration
from qcompress.search.asked import Search
from qcompress.search.study import Study


def announcement(search: Search, study: Study, workers: int) -> str:
    """One line on what a search will do and about how long it takes."""
    finished = [trial.outcome for trial in study.trials() if trial.outcome is not None]
    left = search.options.trials - len(finished)
    took = [outcome.seconds for outcome in finished if outcome.seconds]
    mean = sum(took) / len(took) if took else _remembered(search)
    unknown = "how long is told once some have run: none of this config has run here"
    long = unknown if mean is None else f"about {duration(left * mean / workers)}"
    had = f"{len(finished)} are there, " if finished else ""
    kinds = f"{len(search.options.space)} keys varied, {search.options.sampler}"
    at_once = f", {workers} at a time" if workers > 1 else ""
    return f"search: {had}{left} trials{at_once} ({kinds}), each at most {search.config.training.epochs} epochs; {long}"


def _remembered(search: Search) -> float | None:
    return rate_of(key_of(search))


def key_of(search: Search) -> str:
    """Under which the seconds of a trial of a `search` are kept, for the next one of the same config."""
    return f"trial {search.config.detector} {search.identity['config'][:16]}"


def remember(search: Search, study: Study) -> None:
    """Keep how long a trial took, for the next search of the same config."""
    took = [trial.outcome.seconds for trial in study.trials() if trial.outcome is not None and trial.outcome.seconds]
    if took:
        keep_rate(key_of(search), sum(took) / len(took))
