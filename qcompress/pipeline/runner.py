"""Run the steps of a candidate that are not up to date."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qcompress.candidate import Candidate
from qcompress.candidate.figures import SYNTHESIS, VERIFICATION, StepFigures
from qcompress.config import Config, SynthesisOptions, parse_config
from qcompress.detectors import load_detector
from qcompress.errors import MismatchError, QcompressError
from qcompress.pipeline.durations import announced, announced_synthesis, remember, remember_synthesis
from qcompress.pipeline.job import Found, Job, Step, Watch, inputs_hash, step_code
from qcompress.pipeline.own_models import Given, OwnModel, own_models
from qcompress.pipeline.replacing import refuse_to_replace
from qcompress.pipeline.scheduler import run_in_order
from qcompress.pipeline.splitting import check_events
from qcompress.pipeline.steps import STEPS, library_versions, needed_steps
from qcompress.pipeline.synthesis import FLOW, deciding, folders, run_flow
from qcompress.pipeline.verification import mismatches
from qcompress.progress import Reporter
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.aim import own_flows


def run(
    config: Config,
    folder: Path,
    until: str | None,
    reporter: Reporter,
    models: Given | None = None,
    replace: bool = False,
    watch: Watch | None = None,
) -> Candidate:
    """Make the candidate of config in folder, or finish it: every step whose inputs have changed.

    At most two steps run at a time. until: the last step wanted; what it does not need is not run. reporter: shows how
    far it is. models: Keras models, or functions that build one, by network name, which are trained on instead of the
    detector's own networks; replace: finished steps of another config; watch: sees every epoch of the
    training. Raises MismatchError if bodies differ, QcompressError for finished steps that would be replaced.
    """
    with own_models(config, models) as own:
        needed_steps(config, until)  # a wrong `until` is said first
        if not replace:
            refuse_to_replace(config, folder, own)
        return _run(config, folder, until, reporter, own, watch)


def _run(
    config: Config,
    folder: Path,
    until: str | None,
    reporter: Reporter,
    own: Mapping[str, OwnModel],
    watch: Watch | None,
) -> Candidate:
    detector = load_detector(config.detector)
    steps = needed_steps(config, until)
    check_events(config, detector, steps)
    candidate = Candidate.create(
        folder,
        {
            "name": config.name,
            "detector": config.detector,
            "config": config.model_dump(mode="json"),
            "seed": config.seed,
            "versions": library_versions(),
            "front_end": detector.front_end(config.network),
            "targets": {choice.target.name: choice.to_json() for choice in config.choices()},
            "hardware": config.hardware.told(),
        },
    )
    with candidate.locked():
        job = Job(config, candidate, detector, own, watch)
        _discard_unwanted(job)
        for name in steps:  # before two run at a time: other libraries parse too while they trace, without our lock
            step_code(STEPS[name], candidate)
        after = {name: STEPS[name].after for name in steps}
        run_in_order(after, lambda name: _run_step(job, STEPS[name], reporter))
    if wrong := mismatches(candidate.figures_if_run(VERIFICATION) or {}):
        raise MismatchError(f"{folder}: {wrong[0]}")
    return candidate


def run_one(folder: Path, figures: StepFigures[Found], reporter: Reporter) -> Found:
    """Run the step of these figures in the candidate in folder if it is not up to date; returns what it found.

    reporter: shows how far it is.
    """
    candidate = Candidate.open(folder)
    detector = candidate.detector
    config = parse_config(candidate.manifest["config"], folder)
    step = STEPS[figures.step]
    for before in step.after:
        candidate.check_intact(before)
    with candidate.locked():
        _run_step(Job(config, candidate, detector), step, reporter)
    return candidate.figures_of(figures)


def synthesize_candidate(folder: Path, reporter: Reporter) -> dict[str, SynthesisReport]:
    """Synthesize the candidate in folder, trained or compiled, and record it; reports by network.

    reporter: shows how far it is. Raises QcompressError if it holds no RTL, or is made for a device that no
    open flow knows.
    """
    candidate = Candidate.open(folder)
    config = candidate.manifest["config"]
    options = parse_config(config, folder).synthesis if config else SynthesisOptions()
    own = options.flow if config else None
    options = options.model_copy(update={"flow": own or next(iter(own_flows(candidate.hardware)), FLOW)})
    if not folders(candidate, options.flow):
        raise QcompressError(f"{folder}: holds no RTL; build it with target rtl or rtl_loadable")
    candidate.check_intact("compile")
    with candidate.locked():
        inputs = inputs_hash(STEPS["synthesize"], candidate, deciding(options, candidate.hardware))
        if not candidate.is_current("synthesize", inputs):
            flow, started = str(options.flow), time.monotonic()
            reporter.line(f"synthesize: {announced_synthesis(candidate, [flow])}")
            reporter.task("synthesize")
            with candidate.staged("synthesize") as stage:
                reports = run_flow(candidate, options, stage)
                candidate.record("synthesize", inputs, stage, SYNTHESIS.to_json(reports), ("compile",))
            seconds = time.monotonic() - started
            remember_synthesis(candidate, flow, seconds)
            reporter.close("synthesize", f"done in {seconds:.1f} s")
    return candidate.figures_of(SYNTHESIS)


def _discard_unwanted(job: Job) -> None:
    """Remove the steps that the candidate has and its config no longer asks for."""
    for name in [name for name in job.candidate.steps if name not in STEPS or not STEPS[name].wanted(job.config)]:
        job.candidate.discard(name)


def _run_step(job: Job, step: Step[Any], reporter: Reporter) -> None:
    """Run one step, unless it is up to date, and record what it found."""
    inputs = step.inputs(job)
    if job.candidate.is_current(step.name, inputs):
        reporter.line(f"{step.name}: up to date")
        return
    started = time.monotonic()
    if (words := announced(step.name, job)) is not None:
        reporter.line(f"{step.name}: {words}")
    report = reporter.task(step.name)
    try:
        with job.candidate.staged(step.name) as stage:
            found = step.run(job, stage, report)
            job.candidate.record(step.name, inputs, stage, step.figures.to_json(found), step.after)
    except BaseException:
        reporter.close(step.name, "failed")
        raise
    seconds = time.monotonic() - started
    remember(step.name, job, seconds)
    reporter.close(step.name, f"done in {seconds:.1f} s")
