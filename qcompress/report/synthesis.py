"""Synthesis reports as a table: a row only where some report has the figure, what is missing said."""

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


def _figure(value: Any) -> Any:
    """Floats with as many digits as the tools give."""
    return f"{value:.6g}" if isinstance(value, float) else value


def reports_table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    """A column for each report, a row for each figure that some report has; "-" is unknown."""
    shown = [key for key in COLUMNS if any(report.get(key) is not None for report in figures.values())]
    rows = [(COLUMNS[key], *(_figure(report.get(key)) for report in figures.values())) for key in shown]
    rows += [(key, *(str(report[key]) for report in figures.values())) for key in ("tool", "origin")]
    lines = [f"{name}: {note}" for name, report in figures.items() for note in report.get("notes", ())]
    lines += [f"{name}: missing: {what}" for name, report in figures.items() for what in report.get("missing", ())]
    return Table("Synthesis", ("", *figures), tuple(rows), "\n".join(lines))
