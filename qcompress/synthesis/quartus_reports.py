"""Reports of Quartus Prime Pro: NAME.fit.rpt, NAME.sta.rpt, NAME.syn.rpt; tried on 25.1.

The reports of one folder are one run. What the fitter says counts; what synthesis says is a note beside it, and alone
an estimate. Fmax is the timing analyzer's restricted one, of a design with one clock.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.synthesis.report_text import NOT_MET, cells, first_number, lines_of

FIRST_LINE = {"Fitter report": "fit", "Timing Analyzer report": "sta", "Synthesis report": "syn"}
"""How each report begins -> its kind."""
SUMMARIES = {"fit": "Fitter Summary", "sta": "Timing Analyzer Summary", "syn": "Synthesis Summary"}
ROUTED_THROUGH = "Combinational ALUT usage for route-throughs"
MISSING = {"fit": "fitter (*.fit.rpt)", "sta": "timing (*.sta.rpt)"}


@dataclass(frozen=True)
class Report:
    """One report; kind: a value of FIRST_LINE."""

    path: Path
    kind: str
    lines: Sequence[str]

    def table(self, title: str) -> list[list[str]]:
        """Rows of cells of the table with a title, its columns' names among them; none if there is no such table."""
        heads = [n for n, line in enumerate(self.lines) if line.startswith(";") and line.strip("; ") == title]
        rows: list[list[str]] = []
        for line in self.lines[heads[0] + 1 :] if heads else []:
            if not line.startswith((";", "+")):
                break
            if line.startswith(";") and line.rstrip().endswith(";"):  # else it is cut off
                rows.append(cells(line, ";"))
        return rows

    @cached_property
    def summary(self) -> Mapping[str, str]:
        return {row[0]: row[1] for row in self.table(SUMMARIES[self.kind]) if len(row) == 2}


def open_report(path: Path) -> Report | None:
    """The report in path if it is one of Quartus' that are known."""
    lines = lines_of(path)
    first = lines[0] if lines else ""
    kind = next((kind for begin, kind in FIRST_LINE.items() if first.startswith(begin)), None)
    return Report(path, kind, lines) if kind and any("Quartus Prime Version" in line for line in lines[:5]) else None


def quartus_reports(folder: Path) -> Iterator[SynthesisReport]:
    """One for each folder in `folder` with reports of Quartus in it."""
    places: dict[Path, list[Report]] = {}
    for path in sorted(folder.rglob("*.rpt")):
        report = open_report(path)
        if report:
            places.setdefault(path.parent, []).append(report)
    for reports in places.values():
        yield read_run(reports)


def read_run(reports: Sequence[Report]) -> SynthesisReport:
    """What the reports of one run say together.

    Raises QcompressError if they are of several designs or devices, for two of a kind, and for one without a summary.
    """
    by_kind: dict[str, Report] = {}
    for report in reports:
        if report.kind in by_kind:
            raise QcompressError(f"{report.path}: {by_kind[report.kind].path.name} is of the same kind; give one run's")
        if not report.summary:
            raise QcompressError(f"{report.path}: no {SUMMARIES[report.kind]} in it; run the tool again")
        by_kind[report.kind] = report
    for entry in ("Revision Name", "Device"):
        _same(reports, entry)
    first = reports[0].summary
    entities = (report.summary.get("Top-level Entity Name") for report in reports)
    version = first.get("Quartus Prime Version", "").removeprefix("Version ").split()
    found = SynthesisReport(
        tool=" ".join(["Quartus", *version[:1]]),
        origin=Origin.VENDOR_REPORT,
        device=first.get("Device"),
        design=next(filter(None, entities), first.get("Revision Name")),
        routed="fit" in by_kind and _succeeded(by_kind["fit"]),
        missing=tuple(said for kind, said in MISSING.items() if kind not in by_kind),
    )
    for kind, read in READERS.items():
        if kind in by_kind and not (kind == "syn" and "fit" in by_kind):
            figures, notes, missing = read(by_kind[kind])
            found = replace(found, **figures, notes=(*found.notes, *notes), missing=(*found.missing, *missing))
    if "syn" in by_kind and "fit" in by_kind:
        figures, *_ = _synthesis(by_kind["syn"])
        said = ", ".join(f"{name.upper()} {value:g}" for name, value in figures.items() if value is not None)
        found = replace(found, notes=(*found.notes, f"after synthesis, estimated: {said}"))
    return found


def _same(reports: Sequence[Report], entry: str) -> None:
    named = [report for report in reports if entry in report.summary]
    for report in named[1:]:
        own, other = report.summary[entry], named[0].summary[entry]
        if own != other:
            raise QcompressError(
                f"{report.path}: {entry.lower()} {own}, but {named[0].path.name} is of {other}; "
                "give the reports of one design"
            )


Read = tuple[dict[str, Any], list[str], list[str]]
"""Figures, notes, and what is missing."""


def _counts(report: Report, names: Mapping[str, tuple[str, str]]) -> Read:
    """figure -> table and row of it."""
    figures: dict[str, Any] = {}
    for figure, (title, name) in names.items():
        rows = {row[0]: row[1] for row in report.table(title) if len(row) > 1}
        value = first_number(rows.get(name, ""))
        figures[figure] = value if value is None or figure == "alm" else int(value)
    return figures, [], [f"{key} of {report.path.name}" for key, value in figures.items() if value is None]


def _fitted(report: Report) -> Read:
    title, usage = SUMMARIES["fit"], "Fitter Resource Usage Summary"
    names = {
        "alm": (title, "Logic utilization (in ALMs)"),
        "lut": (usage, "Combinational ALUT usage for logic"),
        "ff": (title, "Total dedicated logic registers"),
        "dsp": (title, "Total DSP Blocks"),
        "rams": (title, "Total RAM Blocks"),
    }
    figures, _, missing = _counts(report, names)
    status = report.summary.get("Fitter Status", "not said")
    through = first_number(dict(row[:2] for row in report.table(usage) if len(row) > 1).get(ROUTED_THROUGH, ""))
    notes = ["placed and routed; LUT: ALUTs for logic" + (f", {through:g} more for route-throughs" if through else "")]
    return figures, notes if _succeeded(report) else [f"the fitter's status: {status}", *notes], missing


def _succeeded(report: Report) -> bool:
    """Whether the fitter's report is of one that ended well."""
    return report.summary.get("Fitter Status", "").startswith("Successful")


def _synthesis(report: Report) -> Read:
    title = SUMMARIES["syn"]
    names = {
        "alm": (title, "Logic utilization estimate (in ALMs)"),
        "ff": (title, "Total dedicated logic registers"),
        "dsp": (title, "Estimated DSP Blocks Post-Merging"),
    }
    figures, _, missing = _counts(report, names)
    return figures, ["estimate after synthesis, not placed"], missing


def _timing(report: Report) -> Read:
    checks = {name: _worst(report, f"{name} Summary") for name in ("Setup", "Hold", "Recovery", "Removal")}
    checks["Minimum Pulse Width"] = _worst(report, "Minimum Pulse Width Summary")
    slacks = {check: slack for check, (slack, _) in checks.items() if slack is not None}
    closure = {row[0]: row[1] for row in report.table("Design Closure Summary") if len(row) == 2}.get("Timing Closure")
    met = None if not slacks else min(slacks.values()) >= 0 and closure in {None, "Pass"}
    figures: dict[str, Any] = {"slack_ns": slacks.get("Setup"), "hold_slack_ns": slacks.get("Hold"), "timing_met": met}
    notes = [
        f"{NOT_MET}: {check.lower()} slack {slack:g} ns, {checks[check][1]} end points fail"
        for check, slack in slacks.items()
        if slack < 0
    ]
    if met is False and not notes:
        notes = [f"{NOT_MET}: the report's timing closure says {closure}"]
    missing = [] if slacks else [f"slack of {report.path.name}: no path is constrained"]
    clocks = {row[0]: first_number(row[2]) for row in report.table("Clocks")[1:] if len(row) > 2}
    rates = [first_number(row[1]) for row in report.table("Fmax Summary")[1:] if len(row) > 1]
    if len(clocks) == len(rates) == 1 and rates[0]:
        figures |= {"clock_ns": next(iter(clocks.values())), "fmax_mhz": rates[0], "delay_ns": 1000 / rates[0]}
    else:
        missing.append(f"Fmax of {report.path.name}: {len(clocks)} clocks ({', '.join(clocks) or 'none listed'})")
    return figures, notes, missing


def _worst(report: Report, title: str) -> tuple[float | None, int]:
    """Worst slack of a table in ns, and how many end points fail."""
    rows = [row for row in report.table(title)[1:] if len(row) > 3]
    slacks = [slack for slack in (first_number(row[1]) for row in rows) if slack is not None]
    return min(slacks, default=None), int(sum(first_number(row[3]) or 0 for row in rows))


READERS = {"fit": _fitted, "syn": _synthesis, "sta": _timing}
