"""LUT, FF, gate equivalents and latency of a graph, without synthesis: linear in what the design is made of.

What a loadable design with registers for a clock, banks or memories is made of, its own Verilog says (`declared`); how
many stages one of constant weights has for a clock, a model of its adders (`stages`).

The coefficients in estimate.json were fitted to our own yosys runs on random networks by
campaigns/calibrate_estimate.py, which also prints the error on networks that it was not fitted on. Nothing uses a
DSP, as the flows do not. Origin "estimated".
"""

import json
from functools import cache
from pathlib import Path

import numpy as np

from qcompress.files import JsonObject
from qcompress.graph import Graph
from qcompress.synthesis.declared import clocked_features
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.synthesis.stages import staged
from qcompress.synthesis.structure import Features, constant_features, loadable_features
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.delays import clocked_family, delays_of
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.targets.rtl.loadable_cuts import ADDERS

COEFFICIENTS = Path(__file__).with_name("estimate.json")
FIGURES = ("lut", "ff", "gate_equivalents")
FLIP_FLOP = 6.0
"""Gate equivalents of one, of generic_cells.lib."""
ROBUST = 0.1
SMALLEST = 1e-4
"""Share of a figure that a feature must reach in some design."""


@cache
def coefficients() -> JsonObject:
    """design -> figure -> variable -> coefficient, and how they were found."""
    content: JsonObject = json.loads(COEFFICIENTS.read_text())
    return content


def kind_of(target: Rtl | RtlLoadable) -> str:
    """Whose coefficients a target takes: constant or constant_clocked, loadable or clocked.

    constant_clocked: constant, for a clock; clocked: loadable, with registers before its multipliers.
    """
    if isinstance(target, Rtl):
        return "constant" if target.clock_mhz is None else "constant_clocked"
    return "clocked" if target.cuts.pipelined else "loadable"


def variables(graph: Graph, target: Rtl | RtlLoadable) -> Features:
    """What the figures of graph are linear in, built as target."""
    if isinstance(target, Rtl):
        found, clock_mhz = constant_features(graph), target.clock_mhz
        return found if clock_mhz is None else found | staged_features(graph, target.device, clock_mhz, found)
    if target.cuts.pipelined:
        return clocked_features(graph, target)
    return loadable_features(graph, target.reuse, target.adders or ADDERS)


def staged_features(graph: Graph, device: str | None, clock_mhz: float, found: Features) -> Features:
    """What registers of graph are linear in, with constant weights for a clock; found: its other features.

    Its size, which makes wires longer, is its estimated number of look-up tables. Raises QcompressError for no device
    and for one without a delay model.
    """
    size = evaluate(coefficients()["constant"]["lut"], found)
    stages = staged(graph.pruned(), delays_of(clocked_family("rtl", device, clock_mhz)).of_size(size), 1000 / clock_mhz)
    return {"inside": stages.inside, "between": stages.between, "ends": stages.ends, "edges": float(stages.stages + 1)}


def estimate(graph: Graph, reuse: int | None = None) -> SynthesisReport:
    """Figures of a graph with constant weights (reuse None) or loadable ones (reuse factor 1 or more)."""
    return estimate_as(Rtl() if reuse is None else RtlLoadable(reuse=reuse), graph)


def estimate_as(target: Rtl | RtlLoadable, graph: Graph) -> SynthesisReport:
    """Figures of a graph built as a target.

    Latency and interval of loadable designs are exact; the latency of constant weights is fitted, interval 1. Raises
    Refused for a graph that a loadable target with registers for a clock does not write.
    """
    found, fitted = variables(graph, target), coefficients()[kind_of(target)]
    values = {figure: evaluate(formula, found) for figure, formula in fitted.items()}
    if "gate_equivalents" not in values:
        values["gate_equivalents"] = _with_registers(found, values["ff"])
    latency = int(found["latency"]) if "latency" in found else max(1, round(values["latency"]))
    return SynthesisReport(
        tool="estimate",
        origin=Origin.ESTIMATED,
        lut=round(values["lut"]),
        ff=round(values["ff"]),
        dsp=0,
        gate_equivalents=float(round(values["gate_equivalents"])),
        latency_cycles=latency,
        interval=target.reuse if isinstance(target, RtlLoadable) else 1,
        notes=(str(coefficients()["note"]),),
    )


def _with_registers(found: Features, ff: float) -> float:
    """Gate equivalents of constant weights for a clock: as without one, but for the number of flip-flops."""
    without = coefficients()["constant"]
    return max(evaluate(without["gate_equivalents"], found) + FLIP_FLOP * (ff - evaluate(without["ff"], found)), 0.0)


def evaluate(coefficients: dict[str, float], features: Features) -> float:
    """The sum of coefficients times features, by name; the feature "one" is 1."""
    return sum(factor * (1.0 if name == "one" else features[name]) for name, factor in coefficients.items())


def fit(rows: list[Features], targets: list[float], names: list[str]) -> dict[str, float]:
    """Coefficients of the features in names, none below 0, by least squares of the relative errors.

    rows: the features of each design; targets: its figure, above 0. Errors beyond ROBUST count by their size, not by
    its square: where outputs turn out to be the same, synthesis leaves a fraction. Coefficients of 0 are left out.
    """
    from scipy.optimize import least_squares, nnls

    matrix = np.array([[1.0 if name == "one" else row[name] for name in names] for row in rows])
    matrix /= np.asarray(targets, np.float64)[:, None]
    used = np.flatnonzero(matrix.any(axis=0))
    matrix = matrix[:, used]
    scale = matrix.max(axis=0)
    first, _ = nnls(matrix / scale, np.ones(len(rows)))
    found = least_squares(
        lambda factors: matrix / scale @ factors - 1,
        np.maximum(first, SMALLEST),
        bounds=(0, np.inf),
        loss="soft_l1",
        f_scale=ROBUST,
    ).x
    return {
        names[place]: float(f"{value / of:.5g}")
        for place, value, of in zip(used, found, scale, strict=True)
        if value > SMALLEST
    }
