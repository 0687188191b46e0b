"""What a vendor's place and route would give for a design with constant weights, with the width of what is known.

Each figure is a power of the compiler's own cost of the adder graph. The coefficients in vendor_estimate.json were
fitted by campaigns/calibrate_vendor_estimate.py to ten public designs, routed at 2 ns on a VU13P of speed grade -2. The
intervals are those of designs that the fit had not seen: whole families of them were left out. How many adders lie
between registers of these designs is not public: period and flip-flops are those of designs cut as they are. No count
of an open flow enters.
"""

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.files import Json, JsonObject
from qcompress.synthesis.report import Origin, SynthesisReport

COEFFICIENTS = Path(__file__).with_name("vendor_estimate.json")
FIGURES = {"lut": True, "ff": True, "period_ns": False}
"""Figure -> whether it is proportional to the cost; else its power is fitted too."""
SHARES = (0.68, 0.9)
"""Of designs that the intervals hold."""


class Routed(NamedTuple):
    """A routed design: the compiler's cost of its adder graph, what the vendor's tool says, and its family's names."""

    name: str
    cost: float
    figures: Mapping[str, float]
    families: tuple[str, ...]


class Law(NamedTuple):
    """figure = factor x cost ^ power."""

    factor: float
    power: float

    def at(self, cost: float) -> float:
        """The figure of a design of this cost."""
        return float(self.factor * cost**self.power)


def fit(designs: Sequence[Routed], figure: str) -> Law:
    """The law of a figure, by least squares of its logarithm."""
    costs = np.log([design.cost for design in designs])
    values = np.log([design.figures[figure] for design in designs])
    power = 1.0 if FIGURES[figure] else float(np.polyfit(costs, values, 1)[0])
    return Law(math.exp(float(np.mean(values - power * costs))), power)


def held_out(designs: Sequence[Routed], figure: str, kind: int) -> list[float]:
    """Relative errors, estimate / truth - 1, of every design by the law of those of other families.

    kind: which of the families' names tells them apart.
    """
    errors = []
    for design in designs:
        others = [other for other in designs if other.families[kind] != design.families[kind]]
        errors.append(fit(others, figure).at(design.cost) / design.figures[figure] - 1)
    return errors


def width(errors: Sequence[float], share: float) -> float:
    """The factor, up or down, that held this share of designs: the ceil(share (n + 1))-th smallest error of n."""
    sizes = sorted(abs(math.log1p(error)) for error in errors)
    return math.exp(sizes[min(math.ceil(share * (len(sizes) + 1)), len(sizes)) - 1])


def calibration(designs: Sequence[Routed], kinds: Sequence[str]) -> JsonObject:
    """What vendor_estimate.json says of `designs`; kinds: what each of their families' names is of."""
    figures: dict[str, Json] = {}
    for figure in FIGURES:
        law = fit(designs, figure)
        errors = {name: held_out(designs, figure, kind) for kind, name in enumerate(kinds)}
        widths = [max(width(found, share) for found in errors.values()) for share in SHARES]
        figures[figure] = {
            "factor": float(f"{law.factor:.6g}"),
            "power": float(f"{law.power:.6g}"),
            "widths": [float(f"{value:.4g}") for value in widths],
            "held_out": {
                name: {"median": round(float(np.median(np.abs(found))), 4), "worst": round(max(map(abs, found)), 4)}
                for name, found in errors.items()
            },
        }
    costs = [design.cost for design in designs]
    return {"figures": figures, "designs": len(designs), "costs": [min(costs), max(costs)]}


@cache
def coefficients() -> JsonObject:
    """Figure -> law, widths and errors; the designs that they rest on."""
    content: JsonObject = json.loads(COEFFICIENTS.read_text())
    return content


def vendor_estimate(record: Mapping[str, Json], network: str) -> SynthesisReport:
    """The medians for a design with constant weights; notes: intervals, and what they rest on.

    record: of its build, with the compiler's cost; network: whom a fault names. Raises QcompressError without a cost.
    """
    try:
        cost = float(record["estimate"]["lut"])
        cycles, interval = int(record["latency_cycles"]), int(record["interval"])
    except (KeyError, TypeError, ValueError):
        raise QcompressError(f"{network}: its build says no cost of an adder graph; build target rtl again") from None
    if cost <= 0:
        raise QcompressError(f"{network}: its adder graph costs nothing; there is no logic to estimate")
    told = coefficients()
    medians, notes = {}, []
    for figure, of in told["figures"].items():
        medians[figure] = Law(of["factor"], of["power"]).at(cost)
        notes.append(_interval(figure, medians[figure], of["widths"]))
    low, high = told["costs"]
    notes += [
        f"rests on {told['designs']} public designs of cost {low:g} to {high:g}, routed at {told['clock_ns']:g} ns on "
        f"{told['device']}; intervals of families that the fit had not seen",
        "period and FF are those of designs with registers as dense as theirs",
    ]
    if not low <= cost <= high:
        notes.append(f"cost {cost:g} is outside of that: extrapolated, the intervals may be too narrow")
    period = medians["period_ns"]
    return SynthesisReport(
        tool="vendor estimate",
        origin=Origin.ESTIMATED,
        lut=round(medians["lut"]),
        ff=round(medians["ff"]),
        dsp=0,
        latency_cycles=cycles,
        latency_ns=cycles * period,
        interval=interval,
        fmax_mhz=1000 / period,
        delay_ns=period,
        clock_ns=told["clock_ns"],
        slack_ns=told["clock_ns"] - period,
        device=told["device"],
        notes=tuple(notes),
    )


def _interval(figure: str, median: float, widths: Sequence[float]) -> str:
    name, digits = {"period_ns": ("period in ns", 2)}.get(figure, (figure.upper(), 0))
    said = ", ".join(
        f"{100 * share:g} %: {median / factor:.{digits}f} to {median * factor:.{digits}f}"
        for share, factor in zip(SHARES, widths, strict=True)
    )
    return f"{name}: median {median:.{digits}f}, {said}"
