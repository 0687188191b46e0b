"""What each way of building a candidate's networks as Verilog costs, each figure with its origin.

A figure is that of a synthesis if one has run, else the estimate from the graph. Latency in ns needs a clock: that of a
place and route, or one that the user gives.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION, GRAPHS, SYNTHESIS, GraphFigures, Score
from qcompress.graph import Graph
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.estimate import estimate
from qcompress.synthesis.flows import FOLDER, results
from qcompress.targets import Kind, Target, of_flow, recalled
from qcompress.targets.rtl.constant import TARGET, Rtl
from qcompress.targets.rtl.loadable import RtlLoadable

RESOURCES = ("lut", "ff", "dsp", "gate_equivalents")
SIZES = ("output_bits", "weight_bits", "weights", "multiplications")
FLOW = "yosys-xilinx"
"""The flow that takes what is compared."""
UNKNOWN = SynthesisReport("none", Origin.ESTIMATED)
"""Of a target that is neither synthesized nor estimated."""
PLACED = "yosys-ecp5"
"""The flow that gives a clock."""

Figure = int | float | None
Reports = Mapping[str, SynthesisReport]
"""By flow."""


@dataclass(frozen=True)
class Row:
    """A candidate and one implementation; figures by name, None unknown; origins: figure -> where it comes from."""

    name: str
    implementation: str
    figures: Mapping[str, Figure]
    origins: Mapping[str, str]
    scores: Mapping[str, Score]
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
    """What the estimate says of each of the `graphs` as this `target`; None for a target that it does not know."""
    if not isinstance(target, Rtl | RtlLoadable):
        return None
    reuse = target.reuse if isinstance(target, RtlLoadable) else None
    return [estimate(graph, reuse) for graph in graphs]


def row_of(candidate: Candidate, target: Target, clock_mhz: float | None) -> Row:
    """One implementation of a `candidate`, built or not: resources of all networks added up, the slowest one's time.

    target: Verilog of some kind; clock_mhz: for times in ns, those of a place and route alone if None.
    """
    graphs = candidate.graphs()
    reports = _synthesized(candidate, target)
    estimates = dict(zip(graphs, estimates_of(target, graphs.values()) or [UNKNOWN] * len(graphs), strict=True))
    resources, origins = _resources(reports, estimates)
    origins["latency_cycles"] = "of the Verilog" if reports else "estimated"
    networks = candidate.figures_if_run(GRAPHS)
    figures = resources | _timing(reports, estimates, clock_mhz) | _sizes(networks or {})
    evaluation = candidate.figures_if_run(EVALUATION)
    scores = evaluation.summary if evaluation is not None else {}
    labels = candidate.detector.score_labels if scores else {}
    return Row(candidate.manifest["name"], target.name, figures, origins, scores, labels)


def _resources(
    reports: Mapping[str, Reports], estimates: Mapping[str, SynthesisReport]
) -> tuple[dict[str, Figure], dict[str, str]]:
    """Sums over the networks, and where they come from: estimated unless every network was synthesized."""
    figures: dict[str, Figure] = {}
    origins: dict[str, str] = {}
    for figure in RESOURCES:
        values = [_first(reports.get(network, {}), figure) for network in estimates]
        origins[figure] = "open flow"
        if None in values:
            values, origins[figure] = [getattr(report, figure) for report in estimates.values()], "estimated"
        figures[figure] = _sum(values)
    return figures, origins


def _timing(
    reports: Mapping[str, Reports], estimates: Mapping[str, SynthesisReport], clock_mhz: float | None
) -> dict[str, Figure]:
    """Of the slowest network, at the slowest clock that a flow gives unless one is given."""
    known = [next(iter(reports.get(network, {}).values()), guess) for network, guess in estimates.items()]
    clocks = [report.fmax_mhz for flows in reports.values() for report in flows.values() if report.fmax_mhz]
    cycles = _slowest([report.latency_cycles for report in known])
    fmax = min(clocks) if clocks else None
    clock = clock_mhz or fmax
    return {
        "latency_cycles": cycles,
        "interval": _slowest([report.interval for report in known]),
        "fmax_mhz": fmax,
        "latency_ns": 1000 * cycles / clock if clock and cycles is not None else None,
    }


def _sizes(networks: Mapping[str, GraphFigures]) -> dict[str, Figure]:
    """Sums over the networks; unknown where one does not say."""
    return {key: _sum([getattr(own, key) for own in networks.values()]) if networks else None for key in SIZES}


def _sum(values: Sequence[Figure]) -> Figure:
    """Unknown if one of them is."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _slowest(values: Sequence[int | None]) -> int | None:
    """The largest of all networks' values; unknown if one of them is."""
    known = [value for value in values if value is not None]
    return max(known) if len(known) == len(values) else None


def _first(reports: Reports, figure: str) -> Figure:
    """A figure from the first flow that gives it; those of ECP5 are of other tables and hold a harness."""
    values: Iterable[Figure] = (getattr(report, figure) for flow, report in reports.items() if flow != PLACED)
    return next((value for value in values if value is not None), None)


def _synthesized(candidate: Candidate, target: Target) -> dict[str, Reports]:
    """Network -> flow -> report of the open flows on this implementation as it is built; the step's own first."""
    folders = {name: candidate.folder / target.name / name for name in candidate.graphs()}
    built = {name: folder for name, folder in folders.items() if folder.is_dir()}
    reports: dict[str, Reports] = {**results(candidate.folder / FOLDER, target, built)}
    step = candidate.figures_if_run(SYNTHESIS)
    if step and target.name == next(iter(implementations(candidate))):
        reports |= {network: {"step": report, **reports.get(network, {})} for network, report in step.items()}
    return reports
