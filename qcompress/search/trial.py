"""One trial: a small candidate made by the pipeline, here or in another process, and its figures."""

import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from qcompress.candidate import MANIFEST, Candidate
from qcompress.config import parse_config
from qcompress.errors import MismatchError, QcompressError, QcompressWarning
from qcompress.files import JsonObject
from qcompress.progress import Reporter
from qcompress.search.figures import figures_of, target_of
from qcompress.search.pruning import Stopped, Watch
from qcompress.search.study import Outcome


@dataclass(frozen=True)
class Task:
    """What a trial is to do; plain values, which travel to other processes.

    config: the candidate's, as a manifest has it; folder: of the candidate; steps: the last ones wanted; target: whose
    estimate is taken, as `implementation` tells; objectives: figures that must be there; losses: the folder of
    everybody's losses, None where no training is stopped early.
    """

    number: int
    config: JsonObject
    folder: str
    steps: tuple[str, ...]
    target: JsonObject
    objectives: tuple[str, ...]
    losses: str | None = None


def run_trial(task: Task) -> Outcome:
    """Make the candidate of `task`, or finish it, and tell its figures; a fault is one line of the outcome."""
    started = time.monotonic()
    watch = Watch(task.number, Path(task.losses)) if task.losses is not None else None
    figures: dict[str, float] = {}
    fault, stopped = None, None
    try:
        figures = _made(task, watch)
        if missing := [name for name in task.objectives if name not in figures]:
            fault = f"has no figure {missing[0]}"
    except Stopped as end:
        stopped = end.epoch
    except (QcompressError, MismatchError, OSError) as error:
        fault = _line(str(error))
    except Exception as error:  # whatever a library says of one trial must not end the others
        fault = _line(f"{type(error).__name__}: {error}")
    losses = watch.losses if watch is not None else {}
    return Outcome(task.number, figures, fault, stopped, losses, None, time.monotonic() - started)


def _line(text: str) -> str:
    return " ".join(text.split())[:500]


def _made(task: Task, watch: Watch | None) -> dict[str, float]:
    """Figures of the candidate, all steps done."""
    from qcompress import pipeline

    folder = Path(task.folder)
    config = parse_config(task.config, folder / MANIFEST)
    with Path(os.devnull).open("w") as nowhere, Reporter(Console(file=nowhere)) as reporter, warnings.catch_warnings():
        warnings.simplefilter("ignore", QcompressWarning)
        for step in task.steps:
            pipeline.run(config, folder, step, reporter, replace=True, watch=watch)
    return figures_of(Candidate.open(folder), target_of(task.target), config.hardware.clock_mhz)
