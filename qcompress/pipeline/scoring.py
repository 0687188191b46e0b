"""Step evaluate, other evaluations beside it, and step report: the page that shows everything."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import (
    EVALUATION,
    SAMPLE,
    TRAINING,
    EvaluationFigures,
    ReportFigures,
    SampleFigures,
    plain,
)
from qcompress.config import parse_config
from qcompress.detectors import Decoders, Evaluation, Firmware, Results
from qcompress.errors import QcompressError
from qcompress.files import write_json, write_whole
from qcompress.fixedpoint import Values
from qcompress.frontends import load_model
from qcompress.pipeline.job import Job
from qcompress.progress import Report


def decoders(candidate: Candidate) -> dict[str, Callable[[Values], Values]]:
    """The trained companions (decoders) of candidate, by name: values -> values."""
    names = [name for own in candidate.figures_of(TRAINING).values() for name in own.companions]
    return {name: load_model(candidate.model(name)).function() for name in names}


def evaluate(job: Job, stage: Path, report: Report) -> EvaluationFigures:
    """The detector's physics on the integers of the test events of job; tables and figures into evaluation/ of stage.

    report: told how far it is.
    """
    options = job.config.evaluation
    wanted = Evaluation(options.rows, options.algorithms, options.tolerance)
    results = job.detector.evaluate(job.candidate.firmware(), job.sample, decoders(job.candidate), wanted, report)
    write_results(results, stage / "evaluation")
    return EvaluationFigures.of(results)


def write_results(results: Results, folder: Path, sample: SampleFigures | None = None) -> None:
    """Write results into folder, which is made: figures (.png, .pdf), every table as CSV, everything as JSON.

    sample: that was scored, where it is not the candidate's own.
    """
    from qcompress.report.tables import as_csv, file_name

    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in results.figures.items():
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
        figure.set_layout_engine("none")  # places are those of the first; to find them takes longer than to draw
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
    for table in results.tables:
        write_whole(folder / f"{file_name(table)}.csv", as_csv(table).encode())
    told = EVALUATION.to_json(EvaluationFigures.of(results))
    write_json(folder / "results.json", told | ({} if sample is None else {"sample": plain(sample)}))


@dataclass(frozen=True)
class Apart:
    """An evaluation that is not the candidate's own: another sample, other algorithms, all rows, in partitions.

    sample: None for the candidate's own; out: folder to write; tolerance: None for the config's; every: all events of
    another sample but those for calibration, not its test events alone; replace: a finished evaluation in `out`.
    """

    sample: Path | None
    out: Path
    rows: int | None
    algorithms: tuple[str, ...] | None
    tolerance: float | None
    partitions: int
    scheduler: str | None
    every: bool = False
    replace: bool = False


def evaluate_apart(folder: Path, apart: Apart, report: Report) -> Results:
    """Score the candidate in folder and write tables, figures and a page into the folder that apart names.

    The candidate is not changed. report: told how far it is. Raises QcompressError if the sample's events trained the
    candidate, and for a finished evaluation that is not to be replaced. What is finished when it is interrupted is
    kept until it is whole.
    """
    from qcompress.report.html import report_page

    if apart.every and apart.sample is None:
        raise QcompressError("--split all is for another sample: give it with --data; the candidate's own trained it")
    candidate = Candidate.open(folder)
    config = parse_config(candidate.manifest["config"], folder)
    job = Job(config, candidate, candidate.detector)
    if apart.every and apart.sample is not None and job.detector.split_of(apart.sample) is None:
        raise QcompressError(f"--split all: detector {job.detector.name} scores test events alone")
    if apart.out.exists() and not apart.out.is_dir():
        raise QcompressError(f"{apart.out}: is a file; choose a folder with --out")
    if apart.out.exists() and {entry.name for entry in apart.out.iterdir()} - {PARTS} and not is_evaluation(apart.out):
        raise QcompressError(f"{apart.out}: a folder with other files in it; choose another with --out")
    if is_evaluation(apart.out) and not apart.replace:
        raise QcompressError(f"{apart.out}: is an evaluation already; choose another folder with --out, or --replace")
    scored = candidate.figures_of(SAMPLE) if apart.sample is None else _checked(job, apart.sample, apart.every)
    tolerance = config.evaluation.tolerance if apart.tolerance is None else apart.tolerance
    wanted = Evaluation(
        *(apart.rows, apart.algorithms, tolerance, apart.partitions, apart.scheduler),
        parts=(apart.out / PARTS).absolute(),
        identity=candidate.output_hash("train") + candidate.output_hash("compile"),
        reopen=partial(reopened, folder.absolute()),
        every=apart.every,
    )
    sample = (apart.sample or job.sample).absolute()
    results = job.detector.evaluate(candidate.firmware(), sample, decoders(candidate), wanted, report)
    write_results(results, apart.out, scored)
    write_whole(apart.out / "report.html", report_page(candidate, (results, apart.out, scored)).encode())
    shutil.rmtree(apart.out / PARTS, ignore_errors=True)
    return results


def is_evaluation(folder: Path) -> bool:
    """Whether an evaluation was written into a folder."""
    return (folder / "results.json").is_file()


PARTS = ".parts"
"""Folder of finished parts of an evaluation that is not whole."""


def _checked(job: Job, sample: Path, every: bool) -> SampleFigures:
    """What identifies a sample whose events may be scored; raises QcompressError if they trained the candidate.

    every: all of them are, not the test events alone.
    """
    trained = job.candidate.figures_of(SAMPLE)
    card = job.detector.card(sample)
    if card.content_hash == trained.content_hash:
        raise QcompressError(
            f"{sample}: is the sample that trained the candidate; without --data its test events are scored"
        )
    if card.split_hash == trained.split_hash:
        raise QcompressError(f"{sample}: has the events and the split of the sample that trained the candidate")
    if job.sample.is_file():
        job.detector.check_apart(sample, job.sample, every)
    return SampleFigures(sample.name, card.rows, card.events, card.content_hash, card.split_hash)


def reopened(folder: Path) -> tuple[Firmware, Decoders]:
    """Firmware and decoders of the candidate in folder, opened in another process."""
    candidate = Candidate.open(folder)
    return candidate.firmware(), decoders(candidate)


def write_report(job: Job, stage: Path, report: Report) -> ReportFigures:
    """Write the page of the candidate of job, one self-contained HTML file, into stage.

    report: is told nothing.
    """
    from qcompress.report.html import report_page

    (stage / "report.html").write_text(report_page(job.candidate))
    return ReportFigures()
