"""Synthesis reports as a table: a row only where some report has the figure, what is missing said."""

from collections.abc import Mapping, Sequence

from qcompress.detectors import Cell, Table
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
    "clock_ns": "clock [ns]",
    "slack_ns": "setup slack [ns]",
    "hold_slack_ns": "hold slack [ns]",
    "timing_met": "timing met",
    "static_mw": "static power [mW]",
    "dynamic_mw": "dynamic power [mW]",
    "energy_nj": "energy per inference [nJ]",
    "design": "design",
    "device": "device",
}


def by_tool(reports: Sequence[SynthesisReport]) -> dict[str, SynthesisReport]:
    """The `reports` by the name of their tool, numbered where one tool has several."""
    names: dict[str, SynthesisReport] = {}
    for report in reports:
        tries = [report.tool, *(f"{report.tool} ({number})" for number in range(2, len(reports) + 1))]
        names[next(name for name in tries if name not in names)] = report
    return names


def _cell(report: SynthesisReport, figure: str) -> Cell:
    """A figure of a report; floats with as many digits as the tools give."""
    value: Cell = getattr(report, figure)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else value


def reports_table(reports: Mapping[str, SynthesisReport]) -> Table:
    """A column for each of the `reports`, by name, a row for each figure that some report has; "-" is unknown."""
    shown = [key for key in COLUMNS if any(getattr(report, key) is not None for report in reports.values())]
    rows = [(COLUMNS[key], *(_cell(report, key) for report in reports.values())) for key in shown]
    rows += [("tool", *(report.tool for report in reports.values()))]
    rows += [("origin", *(str(report.origin) for report in reports.values()))]
    lines = [f"{name}: {note}" for name, report in reports.items() for note in report.notes]
    lines += [f"{name}: missing: {what}" for name, report in reports.items() for what in report.missing]
    return Table("Synthesis", ("", *reports), tuple(rows), "\n".join(lines))
