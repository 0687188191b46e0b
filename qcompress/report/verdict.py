"""What a candidate is worth, in a few lines: bits, budgets, the detector's checks, the figures that matter."""

from collections.abc import Iterator
from typing import NamedTuple

from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION, GRAPHS, VERIFICATION, EvaluationFigures
from qcompress.report.budgets import checks
from qcompress.report.implementations import Row, implementations, row_of
from qcompress.report.tables import cell

GOOD, BAD, OPEN = "holds", "fails", "open"


class Line(NamedTuple):
    """One line of the verdict: what is judged, the verdict's words, and whether it holds, fails or is open."""

    what: str
    words: str
    state: str


def verdict(candidate: Candidate, evaluated: EvaluationFigures | None = None) -> list[Line]:
    """Of the `candidate`, whichever steps have run; evaluated: another evaluation, in place of the candidate's own."""
    return [_bits(candidate), *_budgets(candidate), *_physics(candidate, evaluated), *_costs(candidate)]


def _bits(candidate: Candidate) -> Line:
    """Whether all bodies agree."""
    found = candidate.figures_if_run(VERIFICATION)
    if found is None:
        return Line("bits", "not verified yet", OPEN)
    comparisons = [one for own in found.values() for one in own]
    bodies = ", ".join(dict.fromkeys(one.body for one in comparisons)) or "no body"
    codes, wrong = (sum(getattr(one, key) for one in comparisons) for key in ("codes", "mismatches"))
    if wrong:
        first = next(one for one in comparisons if one.mismatches)
        return Line("bits", f"{wrong:,} of {codes:,} codes differ; the first in {first.body} at {first.first}", BAD)
    return Line("bits", f"0 of {codes:,} codes differ from the reference interpreter: {bodies}", GOOD)


def _budgets(candidate: Candidate) -> Iterator[Line]:
    """A line for each budget, and for the clock."""
    found = checks(candidate) if GRAPHS.step in candidate.steps else []
    if not found:
        yield Line("budgets", "none asked for", OPEN)
    states = {True: GOOD, False: BAD, None: OPEN}
    for check in found:
        said = "no figure" if check.found is None else f"{cell(check.found)}, {check.origin}"
        yield Line(
            f"{check.what}, {check.implementation}", f"{said}; {cell(check.asked)} asked for", states[check.holds]
        )


def _physics(candidate: Candidate, evaluated: EvaluationFigures | None) -> Iterator[Line]:
    """The detector's checks, then its few figures."""
    found = evaluated or candidate.figures_if_run(EVALUATION)
    if found is None:
        yield Line("physics", "not evaluated" + (" yet" if candidate.manifest["detector"] else ""), OPEN)
        return
    for failure in found.failures:
        yield Line("checks", failure, BAD)
    if not found.failures:
        yield Line("checks", "all checks of the detector hold", GOOD)
    detector = candidate.detector if candidate.manifest["detector"] else None
    labels, shares = (detector.score_labels, detector.shares) if detector else ({}, frozenset())
    for name, value in found.summary.items():
        said = cell(value) if name not in shares or value is None else f"{cell(100 * value)} %"
        yield Line(labels.get(name, name.replace("_", " ")), said, OPEN)


def _costs(candidate: Candidate) -> Iterator[Line]:
    """Resources and latency of the first implementation, each with its origin."""
    if GRAPHS.step not in candidate.steps:
        return
    target = next(iter(implementations(candidate).values()))
    row = row_of(candidate, target, None)
    yield Line(f"as {target.name}" if row.built else f"if built as {target.name}", "; ".join(_figures(row)), OPEN)


def _figures(row: Row) -> Iterator[str]:
    words = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "latency_cycles": "cycles of latency", "latency_ns": "ns"}
    for figure, unit in words.items():
        if (value := row.figures.get(figure)) is not None:
            yield f"{cell(value)} {unit} ({row.origins[figure]})"
