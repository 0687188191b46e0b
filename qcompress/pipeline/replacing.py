"""What is finished stays: which steps a run of another config would make again or remove."""

from collections.abc import Mapping
from pathlib import Path

from qcompress.candidate import MANIFEST, Candidate
from qcompress.config import Config, parse_config
from qcompress.detectors import load_detector
from qcompress.errors import QcompressError
from qcompress.pipeline.job import Job
from qcompress.pipeline.own_models import OwnModel
from qcompress.pipeline.steps import STEPS

DERIVED = "report"
"""The step that only shows what others found."""


def refuse_to_replace(config: Config, folder: Path, models: Mapping[str, OwnModel]) -> None:
    """Raises QcompressError if `folder` holds finished steps that config, which is another than theirs, would replace.

    The same config never replaces anything unasked: what it makes again has changed in its sources or its files.
    Steps behind the last one that a run wants count as well: the candidate would say this config of them. models: the
    user's own, by network.
    """
    if not (folder / MANIFEST).is_file():
        return
    candidate = Candidate.open(folder)
    if lost := replaced(config, candidate, models):
        steps = f"step {lost[0]} is" if len(lost) == 1 else f"steps {', '.join(lost)} are"
        said = f"{folder}: its {steps} finished, for another config; this one would replace that"
        raise QcompressError(f"{said}: choose another folder with --out, or say --replace")


def replaced(config: Config, candidate: Candidate, models: Mapping[str, OwnModel]) -> list[str]:
    """Finished steps of a candidate, in order, that config asks for otherwise, or not at all, and those behind them.

    models: the user's own, by network.
    """
    done = [name for name in STEPS if name in candidate.steps and name != DERIVED]
    before = _config_of(candidate)
    if before is None or before.detector != config.detector:
        return done
    detector, lost = load_detector(config.detector), list[str]()
    jobs = [Job(each, candidate, detector, models) for each in (before, config)]
    for name in done:
        step = STEPS[name]
        follows = any(other in lost for other in step.after)
        if follows or not step.wanted(config) or _differ(name, *jobs):
            lost.append(name)
    return lost


def _config_of(candidate: Candidate) -> Config | None:
    """What a candidate was made for; None for a compiled model, and where this version cannot read it."""
    if candidate.manifest["config"] is None:
        return None
    try:
        return parse_config(candidate.manifest["config"], candidate.folder)
    except QcompressError:
        return None


def _differ(name: str, before: Job, now: Job) -> bool:
    """Whether a step's settings are others; a file that is missing is said where the step runs."""
    try:
        return bool(STEPS[name].settings(before) != STEPS[name].settings(now))
    except (OSError, QcompressError):
        return False
