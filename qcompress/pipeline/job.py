"""What a step works on, and what decides its result."""

import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from qcompress.candidate import Candidate
from qcompress.candidate.figures import StepFigures
from qcompress.candidate.record import value_hash
from qcompress.config import Config
from qcompress.detectors import Detector, FrontEndRegisters, Rows
from qcompress.detectors.rows import Numbers
from qcompress.errors import QcompressError
from qcompress.pipeline.code import code_hash
from qcompress.pipeline.own_models import OwnModel
from qcompress.progress import Report

Found = TypeVar("Found")
"""The type of a step's figures."""

Watch = Callable[[str, int, float], None]
"""(network, epoch, validation loss): called behind every epoch, from 1 on; may end the training with an error."""


@dataclass(frozen=True)
class Job:
    """What a step works on."""

    config: Config
    candidate: Candidate
    detector: Detector
    models: Mapping[str, OwnModel] = field(default_factory=dict)
    """The user's own, by network, for step train."""
    watch: Watch | None = None
    """Sees every epoch of step train."""

    @property
    def sample(self) -> Path:
        """The sample file: the user's own, where the user put it, or the one that was simulated or selected."""
        options = self.config.sample
        own = options.file if options.select is None else None
        return own or self.candidate.folder / "sample" / "sample.h5"

    @property
    def front_end(self) -> FrontEndRegisters:
        front_end: FrontEndRegisters = self.candidate.manifest["front_end"]
        return front_end


@dataclass(frozen=True)
class Step(Generic[Found]):
    """A step: which steps it follows, what of the config and which libraries decide its result, how it runs.

    figures: its name, and the type of what it finds. run(job, stage, report): writes files into the folder `stage`,
    returns the figures it found. wanted(config): whether a candidate of that config has it. methods: of the detector,
    whose sources decide the result as those of `run` do; code(candidate): further modules and functions that decide
    it; text: packages of which every byte counts.
    """

    figures: StepFigures[Found]
    after: tuple[str, ...]
    settings: Callable[[Job], Any]
    libraries: tuple[str, ...]
    run: Callable[[Job, Path, Report], Found]
    wanted: Callable[[Config], bool] = lambda config: True
    methods: tuple[str, ...] = ()
    code: Callable[[Candidate], Iterable[Any]] = lambda candidate: ()
    text: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As the manifest has it."""
        return self.figures.step

    def inputs(self, job: Job) -> str:
        """Hash of everything that decides the result for job."""
        return inputs_hash(self, job.candidate, self.settings(job))


def inputs_hash(step: Step[Any], candidate: Candidate, settings: Any) -> str:
    """Hash of a step's settings, of code and libraries it depends on, and of what steps before it made in candidate."""
    versions = {name: library_version(name) for name in step.libraries}
    before = {name: candidate.output_hash(name) for name in step.after if name in candidate.steps}
    detector, code = candidate.manifest["detector"], step_code(step, candidate)
    return value_hash([step.name, detector, settings, versions, code, before])


def step_code(step: Step[Any], candidate: Candidate) -> str:
    """Hash of the code that a step of a candidate depends on; sources are parsed once in a process."""
    kinds = [] if candidate.manifest["detector"] is None else type(candidate.detector).__mro__
    methods = [vars(kind)[name] for name in step.methods for kind in kinds if name in vars(kind)]
    return code_hash([step.run, *methods, *step.code(candidate)], step.text)


def library_version(name: str) -> str | None:
    """Version of the installed distribution `name`; None if it is not installed: what needs it says so itself."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def module_names(group: str) -> list[str]:
    """Modules of the installed entries of a group."""
    return sorted({entry.module for entry in importlib.metadata.entry_points(group=group)})


def split_numbers(job: Job, rows: Rows, *parts: int) -> Numbers:
    """Numbers of those rows of the sample of job that belong to parts, splits by their numbers, ascending.

    Raises QcompressError if there are none.
    """
    numbers = rows.of_split(*parts)
    if not len(numbers):
        raise QcompressError(f"{job.sample}: no row belongs to the split that this step needs; give more events")
    return numbers
