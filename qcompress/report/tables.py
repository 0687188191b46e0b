"""The tables of a candidate, from what its steps found; a table says nothing that no step measured."""

from typing import Any

from qcompress.candidate import Candidate
from qcompress.detectors import Table


def candidate_tables(candidate: Candidate) -> list[Table]:
    """Verification matrix, networks, synthesis, and the detector's own tables: whichever steps have run."""
    makers = {
        "verify": verification_table,
        "compile": network_table,
        "synthesize": synthesis_table,
    }
    tables = [maker(candidate.figures(step)) for step, maker in makers.items() if step in candidate.steps]
    if "evaluate" in candidate.steps:
        for given in candidate.figures("evaluate")["tables"]:
            rows = tuple(tuple(row) for row in given["rows"])
            tables.append(Table(given["title"], tuple(given["columns"]), rows, given["note"]))
    return tables


def verification_table(figures: dict[str, Any]) -> Table:
    """Mismatching codes against the reference interpreter, per body, summed over the sets of inputs."""
    rows: dict[tuple[str, str], list[int]] = {}
    names: dict[tuple[str, str], list[str]] = {}
    for network, entries in figures.items():
        for entry in entries:
            counts = rows.setdefault((network, entry["body"]), [0, 0, 0])
            for place, key in enumerate(("rows", "codes", "mismatches")):
                counts[place] += entry[key]
            names.setdefault((network, entry["body"]), []).append(entry["inputs"])
    inputs = next(iter(names.values()), [])
    return Table(
        "Mismatching codes against the reference interpreter",
        ("network", "body", "rows", "codes", "mismatches"),
        tuple((network, body, *counts) for (network, body), counts in rows.items()),
        f"inputs: {', '.join(inputs)}",
    )


def network_table(figures: dict[str, Any]) -> Table:
    """Size of each network."""
    return Table(
        "Networks",
        ("network", "weights", "weight bits", "multiplications", "output bits", "float32 sums exact"),
        tuple(
            (
                name,
                f["weights"],
                f["weight_bits"],
                f["multiplications"],
                f["output_bits"],
                "yes" if all(f["float32_sums_exact"].values()) else "no",
            )
            for name, f in figures.items()
        ),
    )


def synthesis_table(figures: dict[str, Any]) -> Table:
    """Resources and timing of the RTL, each with its origin."""
    keys = ("lut", "ff", "dsp", "bram", "latency_cycles", "interval", "fmax_mhz")
    return Table(
        "Synthesis",
        ("network", "LUT", "FF", "DSP", "BRAM", "latency [cycles]", "interval", "Fmax [MHz]", "tool", "origin"),
        tuple((name, *(f.get(key) for key in keys), f["tool"], f["origin"]) for name, f in figures.items()),
        "latency and interval: of the generated RTL, as simulated; an open flow is not a vendor's place and route",
    )


def cell(value: Any) -> str:
    """A table cell in words: unknown is '-', floats with four significant digits."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
