"""Run the steps of a candidate that are not up to date."""

import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.config import Config, SynthesisOptions, parse_config
from qcompress.detectors import load_detector
from qcompress.errors import MismatchError, QcompressError
from qcompress.pipeline.job import Figures, Job, Step, inputs_hash
from qcompress.pipeline.own_models import Given, OwnModel, own_models
from qcompress.pipeline.steps import STEPS, library_versions, needed_steps
from qcompress.pipeline.synthesis import FLOW, folders, run_flow
from qcompress.pipeline.verification import mismatches
from qcompress.progress import Reporter


def run(config: Config, folder: Path, until: str | None, reporter: Reporter, models: Given | None = None) -> Candidate:
    """Make the candidate, or finish it: every step whose inputs have changed, at most two at a time.

    until: the last step wanted; what it does not need is not run. models: Keras models, or functions that build one,
    by network name, which are trained on instead of the detector's own networks. Raises MismatchError if bodies
    differ.
    """
    with own_models(config, models) as own:
        return _run(config, folder, until, reporter, own)


def _run(config: Config, folder: Path, until: str | None, reporter: Reporter, own: Mapping[str, OwnModel]) -> Candidate:
    detector = load_detector(config.detector)
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
        },
    )
    with candidate.locked():
        job = Job(config, candidate, detector, own)
        _run_steps(job, needed_steps(config, until), reporter)
    if wrong := mismatches(candidate.steps.get("verify", {}).get("figures", {})):
        raise MismatchError(f"{folder}: {wrong[0]}")
    return candidate


def run_one(folder: Path, name: str, reporter: Reporter) -> Figures:
    """Run one step of an existing candidate if it is not up to date; returns what it found."""
    candidate = Candidate.open(folder)
    detector = candidate.detector
    config = parse_config(candidate.manifest["config"], folder)
    for before in STEPS[name].after:
        candidate.check_intact(before)
    with candidate.locked():
        _run_step(Job(config, candidate, detector), STEPS[name], reporter)
    return candidate.figures(name)


def synthesize_candidate(folder: Path, reporter: Reporter) -> Figures:
    """Synthesize an existing candidate, trained or compiled, and record it."""
    candidate = Candidate.open(folder)
    config = candidate.manifest["config"]
    options = parse_config(config, folder).synthesis if config else SynthesisOptions()
    options = options.model_copy(update={"flow": options.flow or FLOW})
    if not folders(candidate, options.flow):
        raise QcompressError(f"{folder}: holds no RTL; build it with target rtl or rtl_loadable")
    candidate.check_intact("compile")
    with candidate.locked():
        inputs = inputs_hash(STEPS["synthesize"], candidate, options.model_dump())
        if not candidate.is_current("synthesize", inputs):
            reporter.task("synthesize")
            with candidate.staged("synthesize") as stage:
                candidate.record("synthesize", inputs, stage, run_flow(candidate, options, stage))
            reporter.close("synthesize", "done")
    return candidate.figures("synthesize")


def _run_steps(job: Job, names: list[str], reporter: Reporter) -> None:
    """Run steps as soon as those before them are done, two at a time; the first fault ends it after the others."""
    for name in [name for name in job.candidate.steps if name not in STEPS or not STEPS[name].wanted(job.config)]:
        job.candidate.discard(name)
    waiting, done, faults = list(names), set[str](), list[BaseException]()
    running: dict[Future[None], str] = {}
    pool = ThreadPoolExecutor(2)
    try:
        while running or (waiting and not faults):
            ready = [n for n in waiting if all(a in done or a not in names for a in STEPS[n].after)]
            for name in ready if not faults else []:
                waiting.remove(name)
                running[pool.submit(_run_step, job, STEPS[name], reporter)] = name
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                done.add(running.pop(future))
                if (fault := future.exception()) is not None:
                    faults.append(fault)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for the steps
    if faults:
        raise faults[0]


def _run_step(job: Job, step: Step, reporter: Reporter) -> None:
    inputs = step.inputs(job)
    if job.candidate.is_current(step.name, inputs):
        reporter.line(f"{step.name}: up to date")
        return
    started = time.monotonic()
    report = reporter.task(step.name)
    try:
        with job.candidate.staged(step.name) as stage:
            figures = step.run(job, stage, report)
            job.candidate.record(step.name, inputs, stage, figures)
    except BaseException:
        reporter.close(step.name, "failed")
        raise
    reporter.close(step.name, f"done in {time.monotonic() - started:.1f} s")
