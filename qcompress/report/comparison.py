"""Candidates side by side: a row for each way in which a candidate's networks are built as Verilog.

A figure is that of a synthesis if one has run, else the estimate from the graph; its origin stands beside it. Latency
in ns needs a clock: that of a place and route, or one that the user gives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcompress.candidate import Candidate
from qcompress.detectors import Table
from qcompress.errors import QcompressError
from qcompress.graph import Graph
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.estimate import estimate
from qcompress.synthesis.flows import FOLDER, results
from qcompress.targets import Kind, Target, of_flow, recalled
from qcompress.targets.rtl.constant import TARGET, Rtl
from qcompress.targets.rtl.loadable import RtlLoadable

FIGURES = ("lut", "ff", "dsp", "gate_equivalents")
FLOW = "yosys-xilinx"
"""The flow that takes what is compared."""
UNKNOWN = SynthesisReport("none", Origin.ESTIMATED)
"""Of a target that is neither synthesized nor estimated."""
PLACED = "yosys-ecp5"
"""The flow that gives a clock."""


@dataclass(frozen=True)
class Row:
    """A candidate and one implementation; figures by name, None unknown; origins: figure -> where it comes from."""

    name: str
    implementation: str
    figures: Mapping[str, Any]
    origins: Mapping[str, str]
    scores: Mapping[str, Any]
    labels: Mapping[str, str] = field(default_factory=dict)
    """Axis labels of the scores."""


def implementations(candidate: Candidate) -> dict[str, Target]:
    """Targets in Verilog that a candidate has or was asked for; constant weights if there is none."""
    told = candidate.manifest["targets"] or {}
    chosen = [recalled(entry) for entry in told.values()]
    asked = {choice.target.name: choice.target for choice in chosen if choice.family.kind is Kind.VERILOG}
    built = {target.name: target for target in of_flow(candidate.targets().values(), FLOW)}
    return asked | built or {TARGET.name: TARGET}


def estimates_of(target: Target, graphs: Iterable[Graph]) -> list[SynthesisReport] | None:
    """What the estimate says of each graph as this target; None for a target that it does not know."""
    if not isinstance(target, Rtl | RtlLoadable):
        return None
    reuse = target.reuse if isinstance(target, RtlLoadable) else None
    return [estimate(graph, reuse) for graph in graphs]


def rows(candidates: Sequence[Candidate], clock_mhz: float | None) -> list[Row]:
    """One for each candidate and implementation."""
    return [row_of(c, target, clock_mhz) for c in candidates for target in implementations(c).values()]


def row_of(candidate: Candidate, target: Target, clock_mhz: float | None) -> Row:
    """One implementation, built or not. Figures of all networks: resources added up, the slowest network's time."""
    graphs, implementation = candidate.graphs(), target.name
    measured = _synthesized(candidate, target)
    estimates = estimates_of(target, graphs.values()) or [UNKNOWN] * len(graphs)
    figures: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for figure in FIGURES:
        values = [_first(measured.get(name, {}), figure) for name in graphs]
        if any(value is None for value in values):
            values, origins[figure] = [getattr(report, figure) for report in estimates], "estimated"
        else:
            origins[figure] = "open flow"
        figures[figure] = None if None in values else sum(values)
    reports = [report for flows in measured.values() for report in flows.values()]
    known = [next(iter(measured.get(name, {}).values()), found) for name, found in zip(graphs, estimates, strict=True)]
    clocks = [report.fmax_mhz for report in reports if report.fmax_mhz]
    figures["latency_cycles"] = _slowest([report.latency_cycles for report in known])
    origins["latency_cycles"] = "of the Verilog" if measured else "estimated"
    figures["interval"] = _slowest([report.interval for report in known])
    figures["fmax_mhz"] = min(clocks) if clocks else None
    clock = clock_mhz or figures["fmax_mhz"]
    cycles = figures["latency_cycles"]
    figures["latency_ns"] = 1000 * cycles / clock if clock and cycles is not None else None
    for key in ("output_bits", "weight_bits", "weights", "multiplications"):
        entries = [network.get(key) for network in candidate.steps.get("compile", {}).get("figures", {}).values()]
        figures[key] = sum(entries) if entries and None not in entries else None
    scores = candidate.steps.get("evaluate", {}).get("figures", {}).get("summary", {})
    labels = candidate.detector.score_labels if scores else {}
    return Row(candidate.manifest["name"], implementation, figures, origins, scores, labels)


def _slowest(values: Sequence[int | None]) -> int | None:
    """The largest of all networks' values; unknown if one of them is."""
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _first(reports: Mapping[str, SynthesisReport], figure: str) -> Any:
    """A figure from the first flow that gives it; those of ECP5 are of other tables and hold a harness."""
    given = (getattr(report, figure) for flow, report in reports.items() if flow != PLACED)
    return next((value for value in given if value is not None), None)


def _synthesized(candidate: Candidate, target: Target) -> dict[str, dict[str, SynthesisReport]]:
    """Network -> flow -> report of the open flows on this implementation as it is built; the step's own first."""
    implementation = target.name
    folders = {name: candidate.folder / implementation / name for name in candidate.graphs()}
    built = {name: folder for name, folder in folders.items() if folder.is_dir()}
    found = results(candidate.folder / FOLDER, target, built)
    step = candidate.steps.get("synthesize", {}).get("figures", {})
    if step and implementation == next(iter(implementations(candidate))):
        for network, figures in step.items():
            known = {key: value for key, value in figures.items() if key in SynthesisReport.__dataclass_fields__}
            found[network] = {"step": SynthesisReport(**known), **found.get(network, {})}
    return found


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


def comparison_table(found: Sequence[Row]) -> Table:
    """All rows; a figure that nothing found is unknown."""
    scores = sorted({key for row in found for key in row.scores})
    titles = ("candidate", "built as", *COLUMNS.values(), *(score.replace("_", " ") for score in scores), "origin")
    lines = [
        (
            row.name,
            row.implementation,
            *(row.figures.get(key) for key in COLUMNS),
            *(row.scores.get(score) for score in scores),
            _origin(row),
        )
        for row in found
    ]
    note = "origin: of LUT and FF, gate equivalents, latency; no open flow uses DSPs; networks of a candidate added up"
    return Table("Candidates", titles, tuple(lines), note)


def _origin(row: Row) -> str:
    parts = (row.origins["lut"], row.origins["gate_equivalents"], row.origins["latency_cycles"])
    return parts[0] if len(set(parts)) == 1 else " / ".join(parts)


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the points that no other one beats in both coordinates, smaller being better, by the first."""
    order = sorted(range(len(points)), key=lambda n: points[n])
    front, best = [], float("inf")
    for place in order:
        if points[place][1] < best:
            front.append(place)
            best = points[place][1]
    return front


def score_label(found: Sequence[Row], score: str) -> str:
    """What stands at a score's axis: its detector's words, or its name."""
    return next((row.labels[score] for row in found if score in row.labels), score.replace("_", " "))


def first_score(found: Sequence[Row]) -> str | None:
    """The score that the candidates' detectors name first, of those that were evaluated; None if there is none."""
    labelled = (score for row in found for score in row.labels if row.scores.get(score) is not None)
    return next(labelled, next((score for row in found for score in row.scores), None))


def pareto_figure(found: Sequence[Row], score: str | None, path: Path) -> int:
    """Gate equivalents against a score, as PNG or PDF by the file's ending; returns how many points it has.

    score: None for the detectors' first.
    """
    from qcompress.plots.pareto import figure

    score = score or first_score(found)
    if score is None:
        raise QcompressError(f"{path}: no candidate has a figure of an evaluation; run step evaluate")
    usable = [row for row in found if row.scores.get(score) is not None]
    if not usable:
        known = ", ".join(sorted({key for row in found for key in row.scores})) or "none: run step evaluate"
        raise QcompressError(f"{path}: no candidate has a figure {score}; they have {known}")
    points = [(float(row.figures["gate_equivalents"]), float(row.scores[score])) for row in usable]
    kinds = [row.implementation for row in usable]
    estimated = [row.origins["gate_equivalents"] == "estimated" for row in usable]
    drawn = figure(
        points, kinds, [row.name for row in usable], estimated, pareto_front(points), score_label(usable, score)
    )
    drawn.savefig(path, dpi=130)
    return len(points)
