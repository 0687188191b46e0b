"""Candidates in the plane of cost and score: which of them no other one beats."""

from collections.abc import Sequence
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.report.implementations import Row


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other one beats in both coordinates, smaller being better, by the first."""
    order = sorted(range(len(points)), key=lambda n: points[n])
    front, best = [], float("inf")
    for place in order:
        if points[place][1] < best:
            front.append(place)
            best = points[place][1]
    return front


def score_label(rows: Sequence[Row], score: str) -> str:
    """What stands at the axis of a `score` of the `rows`: its detector's words, or its name."""
    return next((row.labels[score] for row in rows if score in row.labels), score.replace("_", " "))


def first_score(rows: Sequence[Row]) -> str | None:
    """The score that the detectors of the evaluated ones of `rows` name first; None if there is none."""
    labelled = (score for row in rows for score in row.labels if row.scores.get(score) is not None)
    return next(labelled, next((score for row in rows for score in row.scores), None))


def pareto_figure(rows: Sequence[Row], score: str | None, path: Path) -> int:
    """Gate equivalents of `rows` against a score, PNG or PDF by the ending of `path`; returns how many points it has.

    score: None for the detectors' first. Rows whose gate equivalents are unknown are left out. Raises QcompressError if
    no row has the score, or none of those has gate equivalents.
    """
    from qcompress.plots.pareto import figure

    score = score or first_score(rows)
    if score is None:
        raise QcompressError(f"{path}: no candidate has a figure of an evaluation; run step evaluate")
    scored = [row for row in rows if row.scores.get(score) is not None]
    if not scored:
        known = ", ".join(sorted({key for row in rows for key in row.scores})) or "none: run step evaluate"
        raise QcompressError(f"{path}: no candidate has a figure {score}; they have {known}")
    usable = [row for row in scored if row.figures["gate_equivalents"] is not None]
    if not usable:
        raise QcompressError(f"{path}: no candidate with a figure {score} has gate equivalents; synthesize one")
    points = [(float(row.figures["gate_equivalents"] or 0), float(row.scores[score] or 0)) for row in usable]
    kinds = [row.implementation for row in usable]
    estimated = [row.origins["gate_equivalents"] == "estimated" for row in usable]
    drawn = figure(
        points, kinds, [row.name for row in usable], estimated, pareto_front(points), score_label(usable, score)
    )
    drawn.savefig(path, dpi=130)
    return len(points)
