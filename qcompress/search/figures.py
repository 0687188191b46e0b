"""The figures that a trial may be judged by: which step gives each, and what they are of a candidate."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION, GRAPHS, TRAINING
from qcompress.config import Config
from qcompress.detectors import Detector
from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.report.budgets import FIGURES as OF_BUDGETS
from qcompress.report.implementations import SIZES, estimates_of, row_of
from qcompress.synthesis import SynthesisReport
from qcompress.targets import Kind, Target, recalled
from qcompress.targets.rtl.constant import TARGET

LOSS = "validation_loss"
ADDED = ("lut", "ff", "gate_equivalents")
"""Of the estimate: those that networks have together."""
TIMED = ("latency_ns", "throughput_mhz")
"""Of the estimate at a clock."""
ESTIMATED = (*ADDED, "latency_cycles", "interval", *TIMED)
SYNTHESIS = "synthesis."
"""In front of figures of the open flow, which is run for them."""
SYNTHESIZED = ("lut", "ff", "dsp", "gate_equivalents", "fmax_mhz")


def known_figures(detector: Detector) -> dict[str, str]:
    """Figure -> the step of a candidate that gives it, of candidates of a `detector`."""
    scores = (*detector.score_labels, *detector.more_scores)
    return {
        LOSS: "train",
        **dict.fromkeys((*SIZES, *ESTIMATED), "compile"),
        **dict.fromkeys((f"{SYNTHESIS}{name}" for name in SYNTHESIZED), "synthesize"),
        **dict.fromkeys(scores, "evaluate"),
    }


def titled(name: str, shares: Collection[str]) -> str:
    """The title of a figure for people: its `name`, with [%] behind one of the `shares` of one."""
    return f"{name} [%]" if name in shares else name


def shown(name: str, value: float, shares: Collection[str]) -> float:
    """The `value` of a figure as people are shown it under `titled`: one of the `shares` in per cent."""
    return 100 * value if name in shares else value


def check_figures(
    wanted: Iterable[str], detector: Detector, config: Config, where: Path, varied: Iterable[str]
) -> None:
    """Raises QcompressError if no step gives a figure of those `wanted`, naming the nearest that one gives.

    config: of the candidates; where: its file; varied: dotted keys that differ between them.
    """
    known = known_figures(detector)
    for name in wanted:
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"there is {', '.join(known)}"
            raise QcompressError(f"{where}: search: no step gives a figure {name!r}; {hint}")
        if name in TIMED and config.hardware.clock_mhz is None and "hardware.clock_mhz" not in varied:
            raise QcompressError(f"{where}: search: {name} is at a clock; give hardware.clock_mhz, with a device")
        if name.startswith(SYNTHESIS) and config.synthesis.flow is None:
            raise QcompressError(f"{where}: search: {name} needs an open flow; synthesis.flow is null")


def needed(wanted: Iterable[str], detector: Detector) -> list[str]:
    """The last steps that a trial needs for the figures `wanted`, in order."""
    known = known_figures(detector)
    steps = {known[name] for name in wanted}
    return [step for step in ("train", "compile", "synthesize", "evaluate") if step in steps]


def implementation(config: Config) -> JsonObject:
    """The Verilog whose figures are meant, as a manifest keeps it: the first of config's targets, else constant."""
    verilog = [choice for choice in config.choices() if choice.family.kind is Kind.VERILOG]
    return verilog[0].to_json() if verilog else {}


def target_of(told: JsonObject) -> Target:
    """The target of what `implementation` tells."""
    return recalled(told).target if told else TARGET


def figures_of(candidate: Candidate, target: Target, clock_mhz: float | None) -> dict[str, float]:
    """All figures of a `candidate` that are known by now; target: Verilog of some kind; clock_mhz: of times in ns."""
    found: dict[str, float | int | None] = {}
    if (trained := candidate.figures_if_run(TRAINING)) is not None:
        found[LOSS] = list(trained.values())[-1].validation_loss
    if (compiled := candidate.figures_if_run(GRAPHS)) is not None:
        for size in SIZES:
            values = [getattr(own, size) for own in compiled.values()]
            found[size] = None if None in values else sum(values)
        found |= estimated(estimates_of(target, candidate.graphs().values()) or [], clock_mhz)
    if "synthesize" in candidate.steps:
        row = row_of(candidate, target, clock_mhz)
        mapped = {name: row.figures[name] for name in SYNTHESIZED if row.origins.get(name) in ("mapped", "routed")}
        found |= {f"{SYNTHESIS}{name}": value for name, value in mapped.items()}
    if (evaluated := candidate.figures_if_run(EVALUATION)) is not None:
        found |= evaluated.summary
    return {name: value for name, value in found.items() if value is not None}


def estimated(reports: list[SynthesisReport], clock_mhz: float | None) -> Mapping[str, float | int | None]:
    """The estimate's figures of networks together: areas added up, times of the slowest; none without `reports`.

    clock_mhz: of times in ns.
    """
    if not reports:
        return {}
    sums = {name: sum(getattr(report, name) or 0 for report in reports) for name in ADDED}
    cycles = max(report.latency_cycles or 0 for report in reports)
    interval = max(report.interval or 0 for report in reports)
    timed = {"latency_ns": 1000 * cycles / clock_mhz, "throughput_mhz": clock_mhz / interval} if clock_mhz else {}
    return {**sums, "latency_cycles": cycles, "interval": interval, **timed}


def budget_bounds(config: Config) -> dict[str, float]:
    """Budgets of section hardware of a `config` as bounds: figure -> at most; without DSPs, which no estimate has."""
    return {OF_BUDGETS[budget][0]: value for budget, value in config.hardware.budgets().items() if budget != "dsp"}
