"""Reports of Vivado: report_utilization, report_timing_summary, report_power; tried on 2020.1 and 2025.1.

A report is known by what stands in it, not by its name: runs leave *_utilization_placed.rpt and
*_timing_summary_routed.rpt, scripts what they like. The reports of one folder are one run; of several stages the last
counts and the others are notes. Fmax is 1 / (period - WNS), of a design with one clock.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.synthesis.report_text import cells, lines_of, signed, whole
from qcompress.synthesis.vivado_timing import timing

HEADER = re.compile(r"^\|\s*([A-Z][\w ]*?)\s*:\s+(\S.*?)\s*$")
KINDS = {
    "utilization": re.compile(r"^\|\s*(CLB|Slice) LUTs\*?\s*\|", re.MULTILINE),
    "timing": re.compile(r"^\| Design Timing Summary", re.MULTILINE),
    "power": re.compile(r"^\|\s*Total On-Chip Power \(W\)", re.MULTILINE),
}
"""What stands in a report of each kind, and in no other."""
STAGES = {"synth": "after logic synthesis, not placed", "plac": "placed, not routed", "rout": "placed and routed"}
"""A part of the design's state as reports name it -> what it says of the figures, from the earliest stage on."""
ROUTED = list(STAGES).index("rout")
UTILIZATION = {
    "lut": ("Slice LUTs", "CLB LUTs"),
    "ff": ("Slice Registers", "CLB Registers"),
    "dsp": ("DSPs",),
    "uram": ("URAM",),
}


@dataclass(frozen=True)
class Report:
    """One report; kind: one of KINDS, None of another; header: what its first lines say."""

    path: Path
    lines: Sequence[str]

    @cached_property
    def header(self) -> Mapping[str, str]:
        found = [HEADER.match(line) for line in self.lines[:30]]
        return {match[1]: match[2] for match in found if match}

    @cached_property
    def kind(self) -> str | None:
        text = "\n".join(self.lines)
        return next((kind for kind, pattern in KINDS.items() if pattern.search(text)), None)

    @cached_property
    def stage(self) -> int:
        """Which of STAGES; -1 if the report does not say it. What was optimised behind routing counts as later."""
        state = self.header.get("Design State", "").lower()
        found = max((number for number, part in enumerate(STAGES) if part in state), default=-1)
        return found + ("postroute" in state)

    @property
    def said(self) -> str:
        """What its stage says of its figures."""
        names = list(STAGES.values())
        return names[min(self.stage, len(names) - 1)] if self.stage >= 0 else "stage of the design not said"


def open_report(path: Path) -> Report | None:
    """The report in path if Vivado wrote it, of whatever kind."""
    lines = lines_of(path)
    return Report(path, lines) if any("Tool Version" in line and "Vivado v." in line for line in lines[:30]) else None


def vivado_reports(folder: Path) -> Iterator[SynthesisReport]:
    """One for each folder in `folder` with reports of Vivado in it."""
    places: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*.rpt")):
        places.setdefault(path.parent, []).append(path)
    for paths in places.values():
        found = [report for report in map(open_report, paths) if report]
        if any(report.kind for report in found):
            yield read_run(found)


def read_vivado(path: Path) -> SynthesisReport:
    """What one report, path, says. Raises QcompressError if it is none of Vivado's that is known."""
    report = open_report(path)
    if report is None or report.kind is None:
        raise QcompressError(
            f"{path}: no utilization report of Vivado, nor of timing or power; write it with report_utilization, "
            "report_timing_summary or report_power"
        )
    return read_run([report])


def read_run(reports: Sequence[Report]) -> SynthesisReport:
    """What the reports of one run say together.

    Raises QcompressError if they are of several designs or devices, and for two of a kind after the same stage.
    """
    chosen = {kind: _by_stage(kind, reports) for kind in KINDS}
    known = [report for several in chosen.values() for report in several]
    _same(known, "Design")
    _same(known, "Device")
    first = known[0].header
    report = SynthesisReport(
        tool=re.sub(r"^Vivado v\.(\S+).*", r"Vivado \1", first.get("Tool Version", "Vivado")),
        origin=Origin.VENDOR_REPORT,
        device=max((r.header.get("Device", "") for r in known), key=len) or None,
        design=first.get("Design"),
        routed=all(several[0].stage >= ROUTED for several in chosen.values() if several),
        missing=tuple(kind for kind, several in chosen.items() if not several),
    )
    for kind, read in READERS.items():
        for number, one in enumerate(chosen[kind]):
            figures, notes, missing = read(one)
            if number == 0:
                report = replace(report, **figures, missing=(*report.missing, *missing))
                notes = [f"{kind}: {one.said}", *notes]
            else:
                said = ", ".join(f"{name.upper()} {value}" for name, value in figures.items() if value is not None)
                notes = [f"{kind} {one.said}: {said}"]
            report = replace(report, notes=(*report.notes, *notes))
    others = [r.path.name for r in reports if r.kind is None]
    return replace(report, notes=(*report.notes, *([f"not read: {', '.join(others)}"] if others else [])))


def _by_stage(kind: str, reports: Iterable[Report]) -> list[Report]:
    """Those of a kind, the latest stage first."""
    found = sorted((report for report in reports if report.kind == kind), key=lambda report: -report.stage)
    for later, earlier in pairwise(found):
        if later.stage == earlier.stage:
            raise QcompressError(
                f"{later.path}: {earlier.path.name} is a {kind} report of the same stage; give the files of one run"
            )
    return found


def _same(reports: Sequence[Report], entry: str) -> None:
    """Raises QcompressError unless all headers agree on an entry; a device may come without package and speed."""
    named = [report for report in reports if entry in report.header]
    for report in named[1:]:
        own, other = report.header[entry], named[0].header[entry]
        if own != other and not (entry == "Device" and (own.startswith(other) or other.startswith(own))):
            raise QcompressError(
                f"{report.path}: {entry.lower()} {own}, but {named[0].path.name} is of {other}; "
                "give the reports of one design"
            )


Read = tuple[dict[str, Any], list[str], list[str]]
"""Figures, notes, and what is missing."""


def _utilization(report: Report) -> Read:
    used: dict[str, str] = {}
    for row in (cells(line) for line in report.lines if line.startswith("|")):
        if len(row) >= 4:
            used.setdefault(row[0].rstrip("*"), row[1])
    figures = {key: next((whole(used[n]) for n in names if n in used), None) for key, names in UTILIZATION.items()}
    halves = [whole(used.get(name)) for name in ("RAMB36/FIFO", "RAMB18")]
    tiles = signed(used.get("Block RAM Tile"))
    if halves[0] is not None and halves[1] is not None:
        figures["bram"] = 2 * halves[0] + halves[1]
    else:
        figures["bram"] = None if tiles is None else int(2 * tiles)
    missing = [f"{key} of {report.path.name}" for key, value in figures.items() if value is None and key != "uram"]
    return figures, [], missing


def _timing(report: Report) -> Read:
    return timing(report.path.name, report.lines)


def _power(report: Report) -> Read:
    whole_lines = [line for line in report.lines if line.startswith("|") and line.rstrip().endswith("|")]
    rows = dict(row for row in map(cells, whole_lines) if len(row) == 2)
    watts = {"static_mw": "Device Static (W)", "dynamic_mw": "Dynamic (W)"}
    found = {figure: signed(rows.get(name)) for figure, name in watts.items()}
    figures = {figure: None if value is None else round(1000 * value, 6) for figure, value in found.items()}
    missing = [f"{watts[figure]} of {report.path.name}" for figure, value in figures.items() if value is None]
    notes = [f"power: the tool's confidence is {rows.get('Confidence Level', 'not said')}"]
    if rows.get("Simulation Activity File", "---") == "---":
        notes.append("power: toggles are the tool's assumption, no simulation's")
    return figures, notes, missing


READERS = {"utilization": _utilization, "timing": _timing, "power": _power}
