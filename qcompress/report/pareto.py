"""Candidates in the plane of cost and score: which of them no other one beats."""

from collections.abc import Sequence
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.report.comparison import COLUMNS, name_of_score, value_of
from qcompress.report.implementations import Row
from qcompress.report.origins import ESTIMATED

LARGER_IS_BETTER = ("throughput_mhz", "fmax_mhz", "clock_mhz")
"""Columns of which more is better; of all others less."""


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
    return name_of_score(rows, score, next((row.labels[score] for row in rows if score in row.labels), None))


def axis_label(rows: Sequence[Row], column: str) -> str:
    """What stands at the axis of a column of the comparison, or of a score of the `rows`."""
    if column == "gate_equivalents":
        return "gate equivalents (NAND2 = 1, generic cells)"
    return COLUMNS.get(column) or score_label(rows, column)


def _number(row: Row, column: str) -> float | None:
    value = value_of(row, column)
    return float(value) if isinstance(value, int | float) else None


def _columns(row: Row) -> list[str]:
    """What a row has numbers of."""
    return [column for column in (*COLUMNS, *row.scores) if _number(row, column) is not None]


def first_score(rows: Sequence[Row]) -> str | None:
    """The score that the detectors of the evaluated ones of `rows` name first; None if there is none."""
    labelled = (score for row in rows for score in row.labels if row.scores.get(score) is not None)
    return next(labelled, next((score for row in rows for score in row.scores), None))


def pareto_figure(rows: Sequence[Row], y: str | None, path: Path, x: str = "gate_equivalents") -> int:
    """A figure of `rows` against another, PNG or PDF by the ending of `path`; returns how many points it has.

    x, y: columns of the comparison, or scores; y: None for the detectors' first score. Rows that lack one of them are
    left out. Raises QcompressError if no row has both.
    """
    from qcompress.plots.pareto import figure

    y = y or first_score(rows)
    if y is None:
        raise QcompressError(f"{path}: no candidate has a figure of an evaluation; run step evaluate, or give --y")
    usable = rows
    for column in (y, x):
        if not (usable := [row for row in usable if _number(row, column) is not None]):
            known = ", ".join(sorted({key for row in rows for key in _columns(row)}))
            raise QcompressError(f"{path}: no candidate has a figure {column}; they have {known}")
    points = [(_number(row, x) or 0.0, _number(row, y) or 0.0) for row in usable]
    kinds = [row.implementation for row in usable]
    estimated = [ESTIMATED in (row.origins.get(x), row.origins.get(y)) for row in usable]
    signs = [-1 if column in LARGER_IS_BETTER else 1 for column in (x, y)]
    front = pareto_front([(signs[0] * a, signs[1] * b) for a, b in points])
    labels = axis_label(usable, x), axis_label(usable, y)
    drawn = figure(points, kinds, [row.name for row in usable], estimated, front, labels)
    drawn.savefig(path, dpi=130)
    return len(points)
