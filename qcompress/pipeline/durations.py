"""What a step will do and about how long it takes, from how long the last one of its kind took on this machine.

Where none has run yet, from the processor time of the project's own configs elsewhere, `durations.json`, made by
`campaigns/durations.py`; what is told says so.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import GRAPHS, SAMPLE
from qcompress.errors import QcompressError
from qcompress.files import cache_folder, write_json
from qcompress.pipeline.job import Job
from qcompress.progress import duration

FILE = "durations.json"
"""In the cache folder: seconds that a unit of work took here, by step and kind."""
ELSEWHERE = Path(__file__).with_name(FILE)
"""The same in seconds of a processor of another machine."""


def announced(step: str, job: Job) -> str | None:
    """One line on what `step` of `job` will do, and about how long it takes; None for one that takes no time."""
    if step not in WORK:
        return None
    words, units = WORK[step](job)
    if _trains_nothing(step, job):
        return words
    return f"{words}; {_said(units, [_key(step, job)])}"


def announced_synthesis(candidate: Candidate, flows: Sequence[str]) -> str:
    """The same line of a `candidate` that is synthesized by itself, with `flows` one after the other."""
    products = _products(candidate)
    words = f"synthesizes {products} products with {', '.join(flows)}"
    return f"{words}; {_said(products, [f'synthesize {flow}' for flow in flows])}"


def work_of(step: str, job: Job) -> tuple[str, float]:
    """The kind of work that `step` of `job` is, and how many units of it."""
    return _key(step, job), max(WORK[step](job)[1], 1.0)


def remember(step: str, job: Job, seconds: float) -> None:
    """Keep how long a unit of a step took, for the next one; nothing where there is no place for it."""
    if step in WORK and not _trains_nothing(step, job):
        _keep(*work_of(step, job), seconds)


def _trains_nothing(step: str, job: Job) -> bool:
    return step == "train" and not job.config.training.epochs


def remember_synthesis(candidate: Candidate, flow: str, seconds: float) -> None:
    """Keep how long the synthesis of a `candidate` with a `flow` took, for the next one."""
    _keep(f"synthesize {flow}", _products(candidate), seconds)


def rate_of(key: str) -> float | None:
    """Seconds that were kept under a `key`; None if there are none."""
    return _rates().get(key)


def keep_rate(key: str, seconds: float) -> None:
    """Keep `seconds` under a `key`, where there is a place for it."""
    if (folder := cache_folder()) is not None and seconds > 0:
        with suppress(QcompressError):
            write_json(folder / FILE, _rates() | {key: seconds})


def _said(units: float, keys: Sequence[str]) -> str:
    """About how long so many units of work of each of these kinds take, here or, if one has not run here, elsewhere."""
    known, of = _rates(), ""
    if any(key not in known for key in keys):
        known, of = json.loads(ELSEWHERE.read_text()) | known, " of a processor, as elsewhere: none has run here"
    if any(key not in known for key in keys):
        return "how long is not known: none has run here"
    return f"about {duration(sum(known[key] for key in keys) * max(units, 1.0))}{of}"


def _keep(key: str, units: float, seconds: float) -> None:
    keep_rate(key, seconds / max(units, 1.0))


def _key(step: str, job: Job) -> str:
    """The kind of work whose rate is alike: of a detector, a sample's simulation, a flow of synthesis."""
    if step == "synthesize":
        return f"synthesize {_flow(job)}"
    if step == "compile":
        return f"compile {job.config.detector} {_targets(job)}"
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
    if not epochs:
        return f"trains nothing, takes the weights in {job.config.training.start}", 0.0
    words = f"trains for at most {epochs} epochs on the training part of {rows} {job.detector.counted}"
    return words, float(epochs * rows)


def _compile(job: Job) -> tuple[str, float]:
    return f"makes the graphs, builds {_targets(job)}", 1.0


def _targets(job: Job) -> str:
    return ", ".join(choice.target.name for choice in job.config.choices()) or "no target"


def _verify(job: Job) -> tuple[str, float]:
    options = job.config.verification
    words = f"compares all bodies on {options.test_rows} test rows and {options.random_rows} of each made-up kind"
    return words, float(options.test_rows + options.random_rows)


def _synthesize(job: Job) -> tuple[str, float]:
    products = _products(job.candidate)
    return f"synthesizes {products} products with {_flow(job)}", float(products)


def _products(candidate: Candidate) -> int:
    """Multiplications of all networks of a candidate, as far as they are known."""
    return sum(own.multiplications or 0 for own in (candidate.figures_if_run(GRAPHS) or {}).values())


def _flow(job: Job) -> str:
    return job.config.synthesis.flow or "the device's flow"


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
    "compile": _compile,
    "verify": _verify,
    "synthesize": _synthesize,
    "evaluate": _evaluate,
}
"""Step -> what it will do, in words, and units of work that its time grows with."""
