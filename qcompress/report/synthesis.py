"""Synthesis reports as a table: a column only where some report has a figure, what is missing said."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from qcompress.detectors import Table
from qcompress.synthesis import SynthesisReport

COLUMNS = {
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "bram": "BRAM",
    "uram": "URAM",
    "rams": "RAM blocks",
    "alm": "ALM",
    "area": "area [um2]",
    "gate_equivalents": "gate equivalents",
    "latency_cycles": "latency [cycles]",
    "latency_ns": "latency [ns]",
    "interval": "interval",
    "delay_ns": "delay [ns]",
    "fmax_mhz": "Fmax [MHz]",
    "device": "device",
}


def synthesis_figures(reports: Sequence[SynthesisReport]) -> dict[str, Any]:
    """Reports by the name of their tool, numbered where one tool has several."""
    names: dict[str, Any] = {}
    for report in reports:
        tries = [report.tool, *(f"{report.tool} ({number})" for number in range(2, len(reports) + 1))]
        names[next(name for name in tries if name not in names)] = asdict(report)
    return names


def reports_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """A row for each report; "-" is unknown."""
    shown = [key for key in COLUMNS if any(report.get(key) is not None for report in figures.values())]
    rows = [
        (name, *(report.get(key) for key in shown), report["tool"], str(report["origin"]))
        for name, report in figures.items()
    ]
    lines = [f"{name}: {note}" for name, report in figures.items() for note in report.get("notes", ())]
    lines += [f"{name}: missing: {what}" for name, report in figures.items() for what in report.get("missing", ())]
    return Table(
        "Synthesis", ("design", *(COLUMNS[key] for key in shown), "tool", "origin"), tuple(rows), "\n".join(lines)
    )
