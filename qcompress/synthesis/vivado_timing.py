"""Vivado's report_timing_summary: slacks, end points that fail, clocks."""

import re
from collections.abc import Sequence
from typing import Any

from qcompress.synthesis.report_text import NOT_MET, signed

UNDERLINE = re.compile(r"^\s*-+(\s+-+)*\s*$")
CHECKS = {"setup": ("WNS(ns)", "TNS"), "hold": ("WHS(ns)", "THS"), "pulse width": ("WPWS(ns)", "TPWS")}
"""What is checked -> the columns of its worst slack and of its counts of end points."""
COVERED = re.compile(r"^\d+\. checking (no_clock|unconstrained_internal_endpoints|loops) \((\d+)\)")
Rows = list[dict[str, str]]


def timing(name: str, lines: Sequence[str]) -> tuple[dict[str, Any], list[str], list[str]]:
    """Figures, notes, and what is missing, of a timing summary's lines; name: of its file."""
    summary = (table(lines, "Design Timing Summary") or [{}])[0]
    slacks = {check: signed(summary.get(column)) for check, (column, _) in CHECKS.items()}
    known = [slack for slack in slacks.values() if slack is not None]
    said_not_met = any(line.strip() == "Timing constraints are not met." for line in lines)
    met = None if not known else not said_not_met and min(known) >= 0
    figures: dict[str, Any] = {"slack_ns": slacks["setup"], "hold_slack_ns": slacks["hold"], "timing_met": met}
    notes = [_failing(check, slack, summary) for check, slack in slacks.items() if slack is not None and slack < 0]
    if said_not_met and not notes:
        notes = [f"{NOT_MET}: the report says so"]
    notes += [f"timing: {match[2]} x {match[1]}" for match in map(COVERED.match, lines) if match and match[2] != "0"]
    missing = [] if known else [f"slack of {name}: no clock is constrained"]
    clocks = _periods(lines)
    if len(clocks) == 1 and slacks["setup"] is not None:
        (period,) = clocks.values()
        figures |= {"clock_ns": period, "delay_ns": round(period - slacks["setup"], 6)}
        figures["fmax_mhz"] = 1000 / figures["delay_ns"] if figures["delay_ns"] > 0 else None
    elif known:
        missing.append(f"Fmax of {name}: {len(clocks)} clocks ({', '.join(clocks) or 'none listed'})")
    return figures, notes, missing


def _failing(check: str, slack: float, summary: dict[str, str]) -> str:
    total = CHECKS[check][1]
    failing, points = (summary.get(f"{total} {which} Endpoints", "?") for which in ("Failing", "Total"))
    return f"{NOT_MET}: {check} slack {slack:g} ns, {failing} of {points} end points fail"


def _periods(lines: Sequence[str]) -> dict[str, float]:
    """Clock -> period in ns."""
    found = {row.get("Clock", "?"): signed(row.get("Period(ns)")) for row in table(lines, "Clock Summary")}
    return {clock: period for clock, period in found.items() if period is not None}


def table(lines: Sequence[str], title: str) -> Rows:
    """Rows of the table under a title, by column; those with an empty cell are left out."""
    starts = [number for number, line in enumerate(lines) if line.strip() == f"| {title}"]
    rows: Rows = []
    columns: list[str] = []
    for number in range(starts[0] + 2 if starts else len(lines), len(lines)):
        line, before = lines[number], lines[number - 1].strip()
        if line.startswith("| "):
            break
        if UNDERLINE.match(line) and before and before[0] not in "|-":
            columns = re.split(r"\s{2,}", before)
        elif columns:
            row = re.split(r"\s{2,}", line.strip())
            if len(row) == len(columns):
                rows.append(dict(zip(columns, row, strict=True)))
            elif not line.strip():
                break
    return rows
