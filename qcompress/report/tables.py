"""The tables of a candidate, from what its steps found; a table says nothing that no step measured."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from qcompress.candidate import Candidate
from qcompress.detectors import Table
from qcompress.verification import RANDOM, affordable_rows, products


def candidate_tables(candidate: Candidate, evaluated: Sequence[Table] | None = None) -> list[Table]:
    """Training, verification matrix, networks, synthesis, and the detector's own tables: whichever steps have run.

    evaluated: tables of another evaluation, in place of the candidate's own.
    """
    makers = {
        "train": training_table,
        "verify": verification_table,
        "compile": network_table,
        "synthesize": synthesis_table,
    }
    tables = [maker(candidate.figures(step)) for step, maker in makers.items() if step in candidate.steps]
    if notes := verification_notes(candidate, candidate.steps.get("verify", {}).get("figures", {})):
        told = {verification_table({}).title: "; ".join(notes)}
        tables = [table._replace(note=told.get(table.title, table.note)) for table in tables]
    if evaluated is not None:
        tables += evaluated
    elif "evaluate" in candidate.steps:
        tables += evaluation_tables(candidate.figures("evaluate"))
    return tables


def evaluation_tables(figures: Mapping[str, Any]) -> list[Table]:
    """The detector's own tables."""
    return [
        Table(given["title"], tuple(given["columns"]), tuple(tuple(row) for row in given["rows"]), given["note"])
        for given in figures["tables"]
    ]


def training_table(figures: Mapping[str, Any]) -> Table:
    """How the fit of each network went."""
    return Table(
        "Training",
        ("network", "rows", "epochs", "best epoch", "validation loss", "kept", "overtrained since"),
        tuple(
            (
                name,
                f["training_rows"],
                f["epochs"],
                f["best_epoch"],
                f["validation_loss"],
                f["kept"],
                f["overtrained_since"],
            )
            for name, f in figures.items()
        ),
        "overtrained since: the epoch behind which validation turned up while training went on",
    )


def finder_table(figures: Mapping[str, Any]) -> Table:
    """What the learning-rate finder suggests."""
    columns = ("suggested_maximum", "rate_of_lowest_loss", "lowest_loss")
    return Table(
        "Learning rates",
        ("network", "weight decay", "suggested maximum", "rate of lowest loss", "lowest loss"),
        tuple(
            (name, sweep["weight_decay"], *(sweep[key] for key in columns))
            for name, sweeps in figures.items()
            for sweep in sweeps
        ),
    )


def landscape_tables(figures: Mapping[str, Any]) -> list[Table]:
    """The loss around the data, and what quantization does in each layer."""
    loss = Table(
        "Loss around the data",
        ("network", "elements", "loss of the data", "lowest loss", "at a", "at b", "highest loss", "variance shown"),
        tuple(
            (
                name,
                f["elements"],
                f["loss_at_data"],
                f["lowest_loss"],
                *f["lowest_at"],
                f["highest_loss"],
                sum(f["variance_share"]),
            )
            for name, f in figures.items()
        ),
        "a, b: standard deviations along the first and second principal component",
    )
    layers = Table(
        "Quantization",
        ("network", "layer", "of", "zeros", "mean shift", "noise"),
        tuple(
            (name, layer, kind, found["zeros"], found["shift"], found["noise"])
            for name, f in figures.items()
            for kind, layers in f["distributions"].items()
            for layer, found in layers.items()
        ),
        "after minus before quantization: its mean and its standard deviation",
    )
    return [loss, layers]


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


def verification_notes(candidate: Candidate, figures: Mapping[str, Any]) -> list[str]:
    """What a verification left out: targets that are not simulated, made-up rows that would have taken long."""
    notes = [f"{name}: written, not simulated" for name, target in candidate.targets().items() if not target.simulated]
    for name, graph in candidate.graphs().items() if figures else ():
        rows = [entry["rows"] for entry in figures.get(name, []) if entry["inputs"] == RANDOM]
        if rows and rows[0] == affordable_rows(graph, rows[0] + 1):
            notes.append(
                f"network {name}: {rows[0]} made-up rows of each kind, for each has {products(graph):,} products"
            )
    return notes


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


def file_name(table: Table) -> str:
    """The title in small letters and digits, words joined by underscores."""
    return "_".join(re.findall(r"[a-z0-9.]+", table.title.lower())).rstrip(".")


def as_csv(table: Table) -> str:
    """Columns and rows as CSV; unknown cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(["" if value is None else value for value in row] for row in table.rows)
    return text.getvalue()


def as_markdown(table: Table) -> str:
    """Columns and rows as a Markdown table; unknown cells are "-"."""
    lines = [table.columns, ["---"] * len(table.columns), *(map(cell, row) for row in table.rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value: Any) -> str:
    """A table cell in words: unknown is '-', floats with four significant digits."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
