"""Candidates side by side: a row for each way in which a candidate's networks are built as Verilog."""

from collections.abc import Sequence

from qcompress.candidate import Candidate
from qcompress.detectors import Cell, Table
from qcompress.report.differences import differing
from qcompress.report.implementations import Row, implementations, row_of

COLUMNS = {
    "output_bits": "output bits",
    "weight_bits": "bits of all weights",
    "weights": "weights",
    "multiplications": "MACs",
    "device": "device",
    "clock_mhz": "clock asked [MHz]",
    "fmax_mhz": "Fmax [MHz]",
    "clock_met": "clock met",
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "gate_equivalents": "gate equivalents",
    "latency_cycles": "latency [cycles]",
    "latency_ns": "latency [ns]",
    "interval": "interval",
    "throughput_mhz": "throughput [MHz]",
    "energy_nj": "energy [nJ]",
}
OPTIONAL = ("device", "clock_mhz", "clock_met", "energy_nj")
"""Columns that are left out where no row has them."""
ORIGINS = {
    "lut": "LUT, FF",
    "gate_equivalents": "gate equivalents",
    "latency_cycles": "cycles",
    "latency_ns": "time",
    "energy_nj": "energy",
}
"""Figures whose origins are told, and what they are told of."""


def comparison_table(rows: Sequence[Row]) -> Table:
    """All `rows`, with what differs between their configs; a figure that no step found is unknown."""
    scores = sorted({key for row in rows for key in row.scores})
    shown = [key for key in COLUMNS if key not in OPTIONAL or any(value_of(row, key) is not None for row in rows)]
    names = [name_of_score(rows, score) for score in scores]
    settings = differing([row.config for row in rows])
    titles = ("candidate", "built as", *settings, *(COLUMNS[key] for key in shown), *names, "origin")
    lines = [
        (
            row.name,
            row.implementation if row.built else f"not built ({row.implementation})",
            *(cells[number] for cells in settings.values()),
            *(value_of(row, key) for key in shown),
            *(value_of(row, score) for score in scores),
            _origin(row),
        )
        for number, row in enumerate(rows)
    ]
    note = "no open flow of AMD devices uses DSPs; networks of a candidate added up, times of the slowest"
    return Table("Candidates", titles, tuple(lines), note)


def value_of(row: Row, column: str) -> Cell:
    """What a column, or a score, says of a row; None unknown."""
    if column == "device":
        return row.device
    if column == "clock_met":
        asked, fmax = row.figures.get("clock_mhz"), row.figures.get("fmax_mhz")
        return None if asked is None or fmax is None else "yes" if fmax >= asked else "no"
    if column in row.figures:
        return row.figures[column]
    found = row.scores.get(column)
    return 100 * found if found is not None and column in row.shares else found


def name_of_score(rows: Sequence[Row], score: str, words: str | None = None) -> str:
    """What stands above or beside a `score` of the `rows`: `words`, or its name; with [%] behind a share."""
    unit = " [%]" if any(score in row.shares for row in rows) else ""
    return f"{words or score.replace('_', ' ')}{unit}"


def _origin(row: Row) -> str:
    """One word for all figures, or the figures of each."""
    told = {ORIGINS[key]: row.origins[key] for key in ORIGINS if row.figures.get(key) is not None}
    if len(set(told.values())) == 1:
        return next(iter(told.values()))
    origins = dict.fromkeys(told.values())
    return "; ".join(f"{one}: {', '.join(what for what, its in told.items() if its == one)}" for one in origins)


def rows(candidates: Sequence[Candidate], clock_mhz: float | None) -> list[Row]:
    """One for each of the `candidates` and way to build it; clock_mhz: of times in ns, the hardware's unless given."""
    return [row_of(c, target, clock_mhz) for c in candidates for target in implementations(c).values()]
