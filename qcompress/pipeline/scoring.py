"""Step evaluate and step report: the physics of the integers, and the page that shows everything."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from qcompress.fixedpoint import Values
from qcompress.pipeline.job import Figures, Job
from qcompress.progress import Report


def decoders(job: Job) -> dict[str, Callable[[Values], Values]]:
    """The trained companions (decoders) by name."""
    from qcompress.frontends.qkeras import load_model, predict

    names = [name for entry in job.candidate.figures("train").values() for name in entry["companions"]]
    models = {name: load_model(job.candidate.model(name)) for name in names}
    return {name: partial(predict, model) for name, model in models.items()}


def evaluate(job: Job, stage: Path, report: Report) -> Figures:
    """The detector's physics on the integers of the test events; tables and figures into evaluation/."""
    results = job.detector.evaluate(
        job.candidate.firmware(), job.sample, decoders(job), job.config.evaluation.rows, report
    )
    folder = stage / "evaluation"
    folder.mkdir()
    for name, figure in results.figures.items():
        figure.savefig(folder / f"{name}.png", dpi=110, metadata={"Software": None})
        figure.savefig(folder / f"{name}.pdf", metadata={"CreationDate": None, "Producer": None, "Creator": None})
    return {"summary": dict(results.summary), "tables": [table._asdict() for table in results.tables]}


def write_report(job: Job, stage: Path, report: Report) -> Figures:
    """One self-contained HTML page."""
    from qcompress.report.html import report_page

    (stage / "report.html").write_text(report_page(job.candidate))
    return {}
