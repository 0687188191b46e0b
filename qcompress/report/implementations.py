"""What each way of building a candidate's networks as Verilog costs, each figure with its origin.

A figure is that of the best report there is: routed before mapped, mapped before the estimate from the graph; where the
candidate is aimed at a device, of the flow that knows it. Latency in ns needs a clock: one that the user gives, that of
the candidate's hardware, or that of a place and route.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION, GRAPHS, SYNTHESIS, GraphFigures, Score
from qcompress.detectors import Cell
from qcompress.devices import Device
from qcompress.errors import QcompressError, Refused
from qcompress.graph import Graph
from qcompress.report.best_reports import Figure, Reports, best, clocked
from qcompress.report.differences import flat
from qcompress.report.origins import BUILT, ESTIMATED, ROUTED, least
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.aim import XILINX, flow_of
from qcompress.synthesis.estimate import estimate_as
from qcompress.synthesis.flows import FOLDER, Design
from qcompress.synthesis.kept import results
from qcompress.targets import Hardware, Kind, Target, of_flow, recalled
from qcompress.targets.rtl.constant import TARGET, Rtl
from qcompress.targets.rtl.loadable import RtlLoadable

RESOURCES = ("lut", "ff", "dsp", "gate_equivalents", "energy_nj")
SIZES = ("output_bits", "weight_bits", "weights", "multiplications")
UNKNOWN = SynthesisReport("none", Origin.ESTIMATED)
"""Of a target that is neither synthesized nor estimated."""


@dataclass(frozen=True)
class Row:
    """A candidate and one implementation; figures by name, None unknown; origins: figure -> where it comes from.

    config: the candidate's, flat, empty for a compiled model; built: whether the Verilog is there.
    """

    name: str
    implementation: str
    figures: Mapping[str, Figure]
    origins: Mapping[str, str]
    scores: Mapping[str, Score]
    labels: Mapping[str, str] = field(default_factory=dict)
    """Axis labels of the scores."""
    shares: frozenset[str] = frozenset()
    """Scores that are shares of one, and shown in per cent."""
    device: str | None = None
    notes: tuple[str, ...] = ()
    """Of the report that gives the clock."""
    config: Mapping[str, Cell] = field(default_factory=dict)
    built: bool = True


def implementations(candidate: Candidate) -> dict[str, Target]:
    """Targets in Verilog that a candidate has or was asked for; constant weights if there is none."""
    told = candidate.manifest["targets"] or {}
    chosen = [recalled(entry) for entry in told.values()]
    asked = {choice.target.name: choice.target for choice in chosen if choice.family.kind is Kind.VERILOG}
    built = {target.name: target for target in of_flow(candidate.targets().values(), XILINX)}
    return asked | built or {TARGET.name: TARGET}


def estimates_of(target: Target, graphs: Iterable[Graph]) -> list[SynthesisReport] | None:
    """What the estimate says of each of the `graphs` as this `target`; None for a target that it does not know.

    Nor does it know a design whose Verilog it would count and that the target refuses.
    """
    if not isinstance(target, Rtl | RtlLoadable):
        return None
    try:
        return [estimate_as(target, graph) for graph in graphs]
    except Refused:
        return None


def row_of(candidate: Candidate, target: Target, clock_mhz: float | None, hardware: Hardware | None = None) -> Row:
    """One implementation of a `candidate`, built or not: resources of all networks added up, the slowest one's time.

    target: Verilog of some kind; clock_mhz: for times in ns, that of the hardware if None; hardware: what it is aimed
    at, the candidate's own if None.
    """
    aims = hardware or candidate.hardware
    graphs = candidate.graphs()
    guesses = dict(zip(graphs, estimates_of(target, graphs.values()) or [UNKNOWN] * len(graphs), strict=True))
    reports = _synthesized(candidate, target, guesses)
    resources, origins = _resources(reports, aims.aimed_at)
    routed = [clocked(own, aims.aimed_at) for own in reports.values()]
    timing = _timing(candidate, target, guesses, routed, clock_mhz or aims.clock_mhz)
    origins |= timing.origins
    networks = candidate.figures_if_run(GRAPHS)
    figures = resources | timing.figures | _sizes(networks or {})
    evaluation = candidate.figures_if_run(EVALUATION)
    scores = evaluation.summary if evaluation is not None else {}
    labels, shares = (candidate.detector.score_labels, candidate.detector.shares) if scores else ({}, frozenset())
    placed = [report for report in routed if report is not None]
    slowest = min(placed, key=lambda report: report.fmax_mhz or 0).notes if placed else ()
    device = aims.device or (placed[0].device if placed else None)
    told = (candidate.manifest["name"], target.name, figures, origins, scores, labels, shares, device, slowest)
    built = all((candidate.folder / target.name / name).is_dir() for name in graphs)
    return Row(*told, flat(candidate.manifest["config"] or {}), built)


def _resources(reports: Mapping[str, Reports], device: Device | None) -> tuple[dict[str, Figure], dict[str, str]]:
    """Sums over the networks, and where they come from: the least true origin of any of them."""
    figures: dict[str, Figure] = {}
    origins: dict[str, str] = {}
    for figure in RESOURCES:
        found = [best(own, figure, device) for own in reports.values()]
        figures[figure] = _sum([value for value, _ in found])
        origins[figure] = least(origin for _, origin in found)
    return figures, origins


@dataclass(frozen=True)
class Timing:
    """Figures of time by name, and their origins."""

    figures: dict[str, Figure]
    origins: dict[str, str]


def _timing(
    candidate: Candidate,
    target: Target,
    guesses: Mapping[str, SynthesisReport],
    routed: Sequence[SynthesisReport | None],
    asked: float | None,
) -> Timing:
    """Of the slowest network, at the clock that was asked for, else the slowest that a place and route gives."""
    folders = {name: candidate.folder / target.name / name for name in guesses}
    built = {name: record for name, folder in folders.items() if (record := _record(target, name, folder))}
    cycles = _slowest([_cycles(built.get(name), "latency_cycles", guess) for name, guess in guesses.items()])
    interval = _slowest([_cycles(built.get(name), "interval", guess) for name, guess in guesses.items()])
    clocks = [report.fmax_mhz for report in routed if report is not None and report.fmax_mhz]
    fmax = min(clocks) if clocks and None not in routed else None
    clock = asked or fmax
    origin = BUILT if len(built) == len(guesses) else ESTIMATED
    figures: dict[str, Figure] = {
        "latency_cycles": cycles,
        "interval": interval,
        "clock_mhz": asked,
        "fmax_mhz": fmax,
        "latency_ns": 1000 * cycles / clock if clock and cycles is not None else None,
        "throughput_mhz": clock / interval if clock and interval else None,
    }
    reached = ROUTED if origin == BUILT and fmax is not None and clock is not None and clock <= fmax else origin
    times = dict.fromkeys(("latency_ns", "throughput_mhz"), reached)
    return Timing(figures, {"latency_cycles": origin, "interval": origin, "fmax_mhz": ROUTED, **times})


def _record(target: Target, network: str, folder: Path) -> Mapping[str, object] | None:
    """What a target says of the Verilog that it left in a folder; None if it left none, or says no times of it."""
    try:
        return Design.open(target, network, folder).record
    except QcompressError:
        return None


def _cycles(record: Mapping[str, object] | None, figure: str, guess: SynthesisReport) -> int | None:
    """Clock cycles that the record of built Verilog tells, else the estimate."""
    return int(str(record[figure])) if record is not None else getattr(guess, figure)


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


def _synthesized(
    candidate: Candidate, target: Target, guesses: Mapping[str, SynthesisReport]
) -> dict[str, dict[str, SynthesisReport]]:
    """Network -> flow -> report: of the open flows on this implementation as it is built, and of the estimate."""
    folders = {name: candidate.folder / target.name / name for name in guesses}
    built = {name: folder for name, folder in folders.items() if folder.is_dir()}
    found = results(candidate.folder / FOLDER, target, built)
    step = (candidate.figures_if_run(SYNTHESIS) or {}) if _is_of_what_is_built(candidate) else {}
    own = step if target.name == next(iter(implementations(candidate))) else {}
    flow = _flow_of_step(candidate)
    return {
        network: {**({flow: own[network]} if network in own else {}), **found.get(network, {}), "estimate": guess}
        for network, guess in guesses.items()
    }


def _is_of_what_is_built(candidate: Candidate) -> bool:
    """Whether step synthesize ran on what step compile has left."""
    return SYNTHESIS.step in candidate.steps and candidate.follows(SYNTHESIS.step, GRAPHS.step)


def _flow_of_step(candidate: Candidate) -> str:
    """The flow that step synthesize ran."""
    device = candidate.hardware.aimed_at
    config = candidate.manifest["config"] or {}
    told = config.get("synthesis", {}).get("flow") if config else device and flow_of(device)
    return told or XILINX
