"""LUT, FF, gate equivalents and latency of a graph, without synthesis: linear in what the design is made of.

What a design with registers for a clock, banks or memories is made of, its own Verilog says (`declared`).

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
from qcompress.synthesis.structure import Features, constant_features, loadable_features
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.targets.rtl.loadable_cuts import ADDERS

COEFFICIENTS = Path(__file__).with_name("estimate.json")
FIGURES = ("lut", "ff", "gate_equivalents")
ROBUST = 0.1
SMALLEST = 1e-4
"""Share of a figure that a feature must reach in some design."""


@cache
def coefficients() -> JsonObject:
    """design -> figure -> variable -> coefficient, and how they were found."""
    content: JsonObject = json.loads(COEFFICIENTS.read_text())
    return content


def kind_of(target: Rtl | RtlLoadable) -> str:
    """Whose coefficients a target takes: constant, loadable, or clocked: with registers before its multipliers."""
    if isinstance(target, Rtl):
        return "constant"
    return "clocked" if target.cuts.pipelined else "loadable"


def variables(graph: Graph, target: Rtl | RtlLoadable) -> Features:
    """What the figures of graph are linear in, built as target."""
    if isinstance(target, Rtl):
        return constant_features(graph)
    if target.cuts.pipelined:
        return clocked_features(graph, target)
    return loadable_features(graph, target.reuse, target.adders or ADDERS)


def estimate(graph: Graph, reuse: int | None = None) -> SynthesisReport:
    """Figures of a graph with constant weights (reuse None) or loadable ones (reuse factor 1 or more)."""
    return estimate_as(Rtl() if reuse is None else RtlLoadable(reuse=reuse), graph)


def estimate_as(target: Rtl | RtlLoadable, graph: Graph) -> SynthesisReport:
    """Figures of a graph built as a target.

    Latency and interval of loadable designs are exact; those of constant weights are fitted, interval 1, and know no
    clock. Raises Refused for a graph that a target with registers for a clock does not write.
    """
    found, fitted = variables(graph, target), coefficients()[kind_of(target)]
    values = {figure: evaluate(formula, found) for figure, formula in fitted.items()}
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
