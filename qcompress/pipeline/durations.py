"""What a step will do and about how long it takes here, from how long the last one of its kind took on this machine."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from qcompress.candidate.figures import GRAPHS, SAMPLE
from qcompress.errors import QcompressError
from qcompress.files import cache_folder, write_json
from qcompress.pipeline.job import Job
from qcompress.progress import duration

FILE = "durations.json"
"""In the cache folder: seconds that a unit of work took here, by step and kind."""


def announced(step: str, job: Job) -> str | None:
    """One line on what `step` of `job` will do, and about how long it takes; None for one that takes no time."""
    if step not in WORK:
        return None
    words, units = WORK[step](job)
    rate = rate_of(_key(step, job))
    said = "how long is not known: none has run here" if rate is None else f"about {duration(rate * max(units, 1.0))}"
    return f"{words}; {said}"


def remember(step: str, job: Job, seconds: float) -> None:
    """Keep how long a unit of a step took, for the next one; nothing where there is no place for it."""
    if step in WORK:
        keep_rate(_key(step, job), seconds / max(WORK[step](job)[1], 1.0))


def rate_of(key: str) -> float | None:
    """Seconds that were kept under a `key`; None if there are none."""
    return _rates().get(key)


def keep_rate(key: str, seconds: float) -> None:
    """Keep `seconds` under a `key`, where there is a place for it."""
    if (folder := cache_folder()) is not None and seconds > 0:
        with suppress(QcompressError):
            write_json(folder / FILE, _rates() | {key: seconds})


def _key(step: str, job: Job) -> str:
    """The kind of work whose rate is alike: a step of a detector, and of a sample the simulation."""
    kind = job.config.sample.simulate or "file"
    return f"{step} {job.config.detector} {kind}" if step in ("sample", "evaluate") else f"{step} {job.config.detector}"


def _rates() -> dict[str, float]:
    """Seconds of a unit by kind of work; none if they were never kept, or make no sense."""
    folder = cache_folder()
    with suppress(OSError, ValueError, AttributeError, TypeError):
        told = json.loads(Path(folder or "", FILE).read_text())
        return {str(key): float(value) for key, value in told.items() if 0 < float(value) < 1e9}
    return {}


def _sample(job: Job) -> tuple[str, float]:
    options = job.config.sample
    if options.simulate is None:
        return f"reads {options.file}", 1.0
    return f"simulates {options.events} events of {options.simulate}", float(options.events)


def _train(job: Job) -> tuple[str, float]:
    rows, epochs = _rows(job), job.config.training.epochs
    return f"trains for at most {epochs} epochs on the training part of {rows} rows", float(epochs * rows)


def _verify(job: Job) -> tuple[str, float]:
    options = job.config.verification
    words = f"compares all bodies on {options.test_rows} test rows and {options.random_rows} of each made-up kind"
    return words, float(options.test_rows + options.random_rows)


def _synthesize(job: Job) -> tuple[str, float]:
    products = sum(own.multiplications or 0 for own in (job.candidate.figures_if_run(GRAPHS) or {}).values())
    flow = job.config.synthesis.flow or "the device's flow"
    return f"synthesizes {products} products with {flow}", float(products)


def _evaluate(job: Job) -> tuple[str, float]:
    rows = min(job.config.evaluation.rows, _rows(job))
    return f"scores {rows} test rows at most", float(rows)


def _rows(job: Job) -> int:
    """Of the sample, as far as it is known."""
    sample = job.candidate.figures_if_run(SAMPLE)
    return sample.rows if sample is not None else 1


WORK: Mapping[str, Callable[[Job], tuple[str, float]]] = {
    "sample": _sample,
    "train": _train,
    "verify": _verify,
    "synthesize": _synthesize,
    "evaluate": _evaluate,
}
"""Step -> what it will do, in words, and units of work that its time grows with."""
