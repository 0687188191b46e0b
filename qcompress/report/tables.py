"""The tables of a candidate, from what its steps found; a table says nothing that no step measured."""

import csv
import io
from collections.abc import Mapping, Sequence
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
        tables += evaluation_tables(candidate.figures("evaluate"))
    return tables


def evaluation_tables(figures: Mapping[str, Any]) -> list[Table]:
    """The detector's own tables."""
    return [
        Table(given["title"], tuple(given["columns"]), tuple(tuple(row) for row in given["rows"]), given["note"])
        for given in figures["tables"]
    ]


def verification_table(figures: Mapping[str, Any]) -> Table:
    """Codes that differ from the reference interpreter, a row for each body, a column for each set of inputs."""
    inputs = list(dict.fromkeys(entry["inputs"] for entries in figures.values() for entry in entries))
    bodies = list(dict.fromkeys((name, entry["body"]) for name, entries in figures.items() for entry in entries))
    rows = []
    for name, body in bodies:
        found = {entry["inputs"]: entry for entry in figures[name] if entry["body"] == body}
        wrong = [found[label]["mismatches"] if label in found else None for label in inputs]
        rows.append((name, body, *wrong, sum(entry["codes"] for entry in found.values())))
    return Table(
        "Codes that differ from the reference interpreter",
        ("network", "body", *inputs, "codes compared"),
        tuple(rows),
    )


def network_table(figures: Mapping[str, Any]) -> Table:
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


def synthesis_table(figures: Mapping[str, Any]) -> Table:
    """Resources and timing of the RTL, each with its origin."""
    keys = ("lut", "ff", "dsp", "bram", "latency_cycles", "interval", "fmax_mhz")
    return Table(
        "Synthesis",
        ("network", "LUT", "FF", "DSP", "BRAM", "latency [cycles]", "interval", "Fmax [MHz]", "tool", "origin"),
        tuple((name, *(f.get(key) for key in keys), f["tool"], f["origin"]) for name, f in figures.items()),
        "latency and interval: of the generated RTL, as simulated; an open flow is not a vendor's place and route",
    )


def comparison_table(candidates: Sequence[Candidate]) -> Table:
    """Candidates side by side; a figure that no step found is unknown. Several networks are added up."""
    summaries = [candidate.steps.get("evaluate", {}).get("figures", {}).get("summary", {}) for candidate in candidates]
    scores = sorted({key for summary in summaries for key in summary})
    rows = [
        (
            candidate.manifest["name"],
            *(_total(candidate, "compile", key) for key in ("output_bits", "weight_bits", "multiplications")),
            *(_total(candidate, "synthesize", key) for key in ("lut", "ff", "dsp")),
            *(_largest(candidate, key) for key in ("latency_cycles", "interval")),
            *(summary.get(key) for key in scores),
            _origin(candidate),
        )
        for candidate, summary in zip(candidates, summaries, strict=True)
    ]
    columns = ("candidate", "output bits", "weight bits", "multiplications", "LUT", "FF", "DSP", "latency [cycles]")
    titles = (*columns, "interval", *(score.replace("_", " ") for score in scores), "resources from")
    return Table("Candidates", titles, tuple(rows))


def _per_network(candidate: Candidate, step: str, key: str) -> list[Any]:
    figures = candidate.steps.get(step, {}).get("figures", {})
    return [network.get(key) for network in figures.values()]


def _total(candidate: Candidate, step: str, key: str) -> Any:
    values = _per_network(candidate, step, key)
    return sum(values) if values and None not in values else None


def _largest(candidate: Candidate, key: str) -> Any:
    values = _per_network(candidate, "synthesize", key)
    return max(values) if values and None not in values else None


def _origin(candidate: Candidate) -> str | None:
    origins = set(_per_network(candidate, "synthesize", "origin"))
    return ", ".join(sorted(origins)) or None


def as_csv(table: Table) -> str:
    """Columns and rows as CSV; unknown cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(["" if value is None else value for value in row] for row in table.rows)
    return text.getvalue()


def cell(value: Any) -> str:
    """A table cell in words: unknown is '-', floats with four significant digits."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
