"""The tables of a candidate, from what its steps found; a table says nothing that no step measured."""

import csv
import io
import re
from collections.abc import Mapping, Sequence

from qcompress.candidate import Candidate, figures
from qcompress.candidate.figures import (
    GraphFigures,
    LandscapeFigures,
    SweepFigures,
    TrainingFigures,
)
from qcompress.detectors import Cell, Table
from qcompress.report.budgets import budgets_table, checks
from qcompress.synthesis import SynthesisReport
from qcompress.verification import RANDOM, Comparison, affordable_rows, products


def candidate_tables(candidate: Candidate, evaluated: Sequence[Table] | None = None) -> list[Table]:
    """Training, verification, networks, synthesis, budgets, and the detector's own tables: whichever steps have run.

    evaluated: tables of another evaluation, in place of the `candidate`'s own.
    """
    tables: list[Table] = []
    if (trained := candidate.figures_if_run(figures.TRAINING)) is not None:
        tables.append(training_table(trained))
    if (verified := candidate.figures_if_run(figures.VERIFICATION)) is not None:
        tables.append(verification_table(verified, verification_notes(candidate, verified)))
    if (compiled := candidate.figures_if_run(figures.GRAPHS)) is not None:
        tables.append(network_table(compiled))
        tables.extend(quantization_tables(compiled))
    if (synthesized := candidate.figures_if_run(figures.SYNTHESIS)) is not None:
        tables.append(synthesis_table(synthesized))
    if figures.GRAPHS.step in candidate.steps and (found := checks(candidate)):
        tables.append(budgets_table(found))
    own = candidate.figures_if_run(figures.EVALUATION)
    return [*tables, *(evaluated if evaluated is not None else own.tables if own is not None else ())]


def training_table(networks: Mapping[str, TrainingFigures]) -> Table:
    """How the fit of each of the `networks` went."""
    return Table(
        "Training",
        ("network", "rows", "epochs", "best epoch", "validation loss", "kept", "overtrained since"),
        tuple(
            (
                name,
                own.training_rows,
                own.epochs,
                own.best_epoch,
                own.validation_loss,
                own.kept,
                own.overtrained_since,
            )
            for name, own in networks.items()
        ),
        "overtrained since: the epoch behind which validation turned up while training went on",
    )


def finder_table(networks: Mapping[str, Sequence[SweepFigures]]) -> Table:
    """What the learning-rate finder suggests for each of the `networks`."""
    return Table(
        "Learning rates",
        ("network", "weight decay", "suggested maximum", "rate of lowest loss", "lowest loss"),
        tuple(
            (name, sweep.weight_decay, sweep.suggested_maximum, sweep.rate_of_lowest_loss, sweep.lowest_loss)
            for name, sweeps in networks.items()
            for sweep in sweeps
        ),
    )


def landscape_tables(networks: Mapping[str, LandscapeFigures]) -> list[Table]:
    """The loss around the data of each of the `networks`, and what quantization does in each layer."""
    loss = Table(
        "Loss around the data",
        (
            "network",
            "elements",
            "loss of the data",
            "lowest loss",
            "at a",
            "at b",
            "highest loss",
            "variance shown [%]",
            "convex [%]",
        ),
        tuple(
            (
                name,
                own.elements,
                own.loss_at_data,
                own.lowest_loss,
                *own.lowest_at,
                own.highest_loss,
                100 * sum(own.variance_share),
                100 * own.convex_share,
            )
            for name, own in networks.items()
        ),
        "a, b: standard deviations along the first and second principal component; convex: share of the area",
    )
    layers = Table(
        "Quantization",
        ("network", "layer", "of", "zeros [%]", "mean shift", "noise"),
        tuple(
            (name, layer, kind, 100 * change.zeros, change.shift, change.noise)
            for name, own in networks.items()
            for kind, changes in own.distributions.items()
            for layer, change in changes.items()
        ),
        "after minus before quantization: its mean and its standard deviation",
    )
    return [loss, layers]


def verification_table(networks: Mapping[str, Sequence[Comparison]], notes: Sequence[str] = ()) -> Table:
    """Codes that differ from the reference interpreter, a row for each body, a column for each set of inputs.

    networks: comparisons by network; notes: what stands below.
    """
    inputs = list(dict.fromkeys(one.inputs for comparisons in networks.values() for one in comparisons))
    bodies = list(dict.fromkeys((name, one.body) for name, comparisons in networks.items() for one in comparisons))
    rows = []
    for name, body in bodies:
        own = {one.inputs: one for one in networks[name] if one.body == body}
        wrong = [own[label].mismatches if label in own else None for label in inputs]
        rows.append((name, body, *wrong, sum(one.codes for one in own.values())))
    return Table(
        "Codes that differ from the reference interpreter",
        ("network", "body", *inputs, "codes compared"),
        tuple(rows),
        "; ".join(notes),
    )


def verification_notes(candidate: Candidate, networks: Mapping[str, Sequence[Comparison]]) -> list[str]:
    """What a verification left out: targets that are not simulated, made-up rows that would have taken long.

    networks: its comparisons, by network of the `candidate`.
    """
    notes = [f"{name}: written, not simulated" for name, target in candidate.targets().items() if not target.simulated]
    for name, graph in candidate.graphs().items() if networks else ():
        rows = [one.rows for one in networks.get(name, []) if one.inputs == RANDOM]
        if rows and rows[0] == affordable_rows(graph, rows[0] + 1):
            notes.append(
                f"network {name}: {rows[0]} made-up rows of each kind, for each has {products(graph):,} products"
            )
    return notes


def network_table(networks: Mapping[str, GraphFigures]) -> Table:
    """Size of each of the `networks`."""
    return Table(
        "Networks",
        ("network", "weights", "bits of all weights", "multiplications", "output bits", "float32 sums exact"),
        tuple(
            (name, own.weights, own.weight_bits, own.multiplications, own.output_bits, _all_exact(own))
            for name, own in networks.items()
        ),
    )


def quantization_tables(networks: Mapping[str, GraphFigures]) -> list[Table]:
    """What quantization after training cost each of the `networks`: of every output, and layer by layer."""
    costs = {name: own.quantization for name, own in networks.items() if own.quantization is not None}
    if not costs:
        return []
    outputs = Table(
        "Quantized after training, against the model of floats",
        ("network", "output", "rows", "largest difference", "mean difference", "largest element changed [%]"),
        tuple(
            (name, one.output, own.rows, one.largest, one.mean, _per_cent(one.changed))
            for name, own in costs.items()
            for one in own.outputs
        ),
        "largest element changed: part of the rows in which another element of the output is the largest",
    )
    layers = Table(
        "Quantized after training, layer by layer",
        ("network", "layer", "format", "relative error [%]", "saturated [%]", "bits above the largest value"),
        tuple(
            (name, one.layer, one.format, _per_cent(one.error), _per_cent(one.saturated), one.unused)
            for name, own in costs.items()
            for one in own.layers
        ),
        "relative error: root mean square of the difference over that of the values; saturated: part of the values",
    )
    return [outputs, layers]


def _per_cent(share: float | None) -> float | None:
    """A share in per cent, as tables have it; unknown ones stay so."""
    return None if share is None else 100 * share


def _all_exact(own: GraphFigures) -> str | None:
    """Whether float32 holds every sum of a network."""
    if own.float32_sums_exact is None:
        return None
    return "yes" if all(own.float32_sums_exact.values()) else "no"


def synthesis_table(networks: Mapping[str, SynthesisReport]) -> Table:
    """Resources and timing of the RTL of each of the `networks`, each with its origin."""
    return Table(
        "Synthesis",
        ("network", "LUT", "FF", "DSP", "BRAM", "latency [cycles]", "interval", "Fmax [MHz]", "tool", "origin"),
        tuple(
            (
                *(name, own.lut, own.ff, own.dsp, own.bram),
                *(own.latency_cycles, own.interval, own.fmax_mhz, own.tool, str(own.origin)),
            )
            for name, own in networks.items()
        ),
        "latency and interval: of the generated RTL, as simulated; an open flow is not a vendor's place and route",
    )


def file_name(table: Table) -> str:
    """The title of a `table` in small letters and digits, words joined by underscores."""
    return "_".join(re.findall(r"[a-z0-9.]+", table.title.lower())).rstrip(".")


def as_csv(table: Table) -> str:
    """Columns and rows of a `table` as CSV; unknown cells are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(["" if value is None else value for value in row] for row in table.rows)
    return text.getvalue()


def as_markdown(table: Table) -> str:
    """Columns and rows as a Markdown table; unknown cells are "-"."""
    lines = [table.columns, ["---"] * len(table.columns), *(map(cell, row) for row in table.rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cell(value: Cell) -> str:
    """The `value` of a cell in words: unknown is '-', floats have four significant digits."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
