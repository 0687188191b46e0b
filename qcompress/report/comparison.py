"""Candidates side by side: a row for each way in which a candidate's networks are built as Verilog."""

from collections.abc import Sequence

from qcompress.candidate import Candidate
from qcompress.detectors import Table
from qcompress.report.implementations import Row, implementations, row_of

COLUMNS = {
    "output_bits": "output bits",
    "weight_bits": "weight bits",
    "weights": "weights",
    "multiplications": "MACs",
    "lut": "LUT",
    "ff": "FF",
    "dsp": "DSP",
    "gate_equivalents": "gate equivalents",
    "latency_cycles": "latency [cycles]",
    "latency_ns": "latency [ns]",
    "interval": "interval",
    "fmax_mhz": "Fmax [MHz]",
}


def comparison_table(rows: Sequence[Row]) -> Table:
    """All `rows`; a figure that no step found is unknown."""
    scores = sorted({key for row in rows for key in row.scores})
    titles = ("candidate", "built as", *COLUMNS.values(), *(score.replace("_", " ") for score in scores), "origin")
    lines = [
        (
            row.name,
            row.implementation,
            *(row.figures.get(key) for key in COLUMNS),
            *(row.scores.get(score) for score in scores),
            _origin(row),
        )
        for row in rows
    ]
    note = "origin: of LUT and FF, gate equivalents, latency; no open flow uses DSPs; networks of a candidate added up"
    return Table("Candidates", titles, tuple(lines), note)


def _origin(row: Row) -> str:
    parts = (row.origins["lut"], row.origins["gate_equivalents"], row.origins["latency_cycles"])
    return parts[0] if len(set(parts)) == 1 else " / ".join(parts)


def rows(candidates: Sequence[Candidate], clock_mhz: float | None) -> list[Row]:
    """One for each of the `candidates` and way to build it; clock_mhz: of latencies in ns, a flow's unless given."""
    return [row_of(c, target, clock_mhz) for c in candidates for target in implementations(c).values()]
