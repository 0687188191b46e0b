"""Fit the estimate to our own yosys runs, and print its error on networks that it was not fitted on.

    python campaigns/calibrate_estimate.py FOLDER [--constant N] [--learned N] [--loadable N] [--folded N] [--clocked N]
        [--kinds constant constant_clocked loadable clocked] [--write]

The error is that on each network of coefficients fitted to all others (leave one out); the ones that are written are
fitted to all. Runs are cached in FOLDER; start it again to go on. --write replaces the
coefficients of --kinds in the package.
"""

import argparse
import json
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from random_networks import FIRST_FOLDED, FIRST_LEARNED, FOLDED, network

from qcompress.errors import Refused
from qcompress.graph import Graph
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.estimate import COEFFICIENTS, FIGURES, coefficients, evaluate, fit, variables
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.synthesis.structure import Features
from qcompress.targets.rtl.build import Clock, write_verilog
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable, describe
from qcompress.targets.rtl.logic import trace_graph

Built = Rtl | RtlLoadable
CLOCK: dict[str, Any] = {"device": "ecp5-85k", "clock_mhz": 100.0}
CLOCKED: list[dict[str, Any]] = [
    {**CLOCK, "storage": "ram"},
    {"choices": 8},
    {"storage": "ram", "banks": 2},
    {**CLOCK},
    {"choices": 4, "banks": 2},
    {"choices": 16, "products": 2, "adders": 1, "storage": "ram"},
    {"choices": 2, "products": 2},
]
"""Settings of clocked designs, by a network's number."""
PART = "xcvu13p-flga2577-2-e"
CLOCKS = (40.0, 160.0, 80.0, 320.0)
"""Of designs with constant weights for a clock on PART, by a network's number."""
NAMES = {
    "constant": {
        "lut": ["adders", "sums", "shared", "cut", "other", "casts", "tables", "one"],
        "ff": ["adders", "sums", "shared", "cut", "other", "casts", "ports", "one"],
        "gate_equivalents": ["adders", "sums", "shared", "cut", "other", "casts", "tables", "ports", "one"],
        "latency": ["depth", "one"],
    },
    "constant_clocked": {
        "lut": ["adders", "sums", "shared", "cut", "other", "casts", "tables", "one"],
        "ff": ["inside", "between", "ends", "one"],
        "latency": ["edges"],
    },
    "loadable": {
        "lut": ["partial", "adders", "choices", "other", "casts", "tables", "one"],
        "ff": ["registers", "one"],
        "gate_equivalents": ["partial", "adders", "choices", "registers", "other", "casts", "tables", "one"],
    },
    "clocked": {
        "lut": ["partial", "masks", "adders", "choices", "pairs", "memory", "other", "casts", "tables", "one"],
        "ff": ["registers", "one"],
        "gate_equivalents": [
            *("partial", "masks", "adders", "choices", "registers", "memory", "other", "casts", "tables", "one")
        ],
    },
}


def run(graph: Graph, target: Built, folder: Path, figures: Collection[str] = FIGURES) -> SynthesisReport:
    """LUT and FF of the Verilog of a graph by yosys, and gate equivalents, if they are among the figures."""
    if not (folder / target.record).is_file():
        (folder / "verilog").mkdir(parents=True, exist_ok=True)
        if isinstance(target, Rtl):
            told = target.pipelining()
            cut = Clock(told["family"], told["clock_mhz"]) if "family" in told else target.latency_cutoff
            record = write_verilog(graph, trace_graph(graph), cut, folder / "verilog")
        else:
            written = target.write_verilog(graph, folder)
            record = describe(graph, written, target.layout(graph), target.banks)
        (folder / target.record).write_text(json.dumps(record))
    design = Design.open(target, "random", folder)
    fpga = run_open("yosys-xilinx", design, folder / "xilinx", Settings())
    if "gate_equivalents" not in figures:
        return fpga
    return replace(fpga, gate_equivalents=run_open("yosys-asic", design, folder / "asic", Settings()).gate_equivalents)


def target_of(kind: str, number: int, graph: Graph) -> Built:
    """What a network is built as: for a clock of CLOCKS, or as one of CLOCKED, by its number."""
    if kind == "constant":
        return Rtl()
    if kind == "constant_clocked":
        return Rtl(device=PART, clock_mhz=CLOCKS[number % len(CLOCKS)])
    settings = CLOCKED[number % len(CLOCKED)] if kind == "clocked" else {}
    return RtlLoadable(reuse=reuse_of(number, graph), **settings)


def reuse_of(number: int, graph: Graph) -> int:
    """The largest of a few reuse factors, by the network's number, that is possible."""
    factors = FOLDED if number >= FIRST_FOLDED else (4, 2, 1)
    for reuse in factors[number % len(factors) :]:
        try:
            RtlLoadable(reuse=reuse).refuse(graph)
        except Refused:
            continue
        return reuse
    return 1


def main() -> None:
    """Run, fit, and score every network with what the others say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--constant", type=int, default=24, help="random networks with constant weights")
    parser.add_argument("--learned", type=int, default=12, help="and with constant ones, each of a width of its own")
    parser.add_argument("--loadable", type=int, default=24, help="and with loadable ones")
    parser.add_argument("--folded", type=int, default=17, help="and with loadable ones, folded 8 to 128 times")
    parser.add_argument("--clocked", type=int, default=14, help="and with registers for a clock, banks or memories")
    parser.add_argument("--kinds", nargs="+", choices=NAMES, default=list(NAMES), help="what is fitted")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    result: dict[str, object] = {}
    errors: dict[str, dict[str, list[float]]] = {}
    for kind in given.kinds:
        rows, reports, variables_of = [], [], NAMES[kind]
        for number in networks_of(kind, given):
            graph = network(number)
            target = target_of(kind, number, graph)
            rows.append(variables(graph, target))
            reports.append(run(graph, target, given.folder / kind / str(number), variables_of))
            found = reports[-1]
            print(kind, number, target.name, found.lut, found.ff, found.gate_equivalents, flush=True)
        fitted, errors[kind] = {}, {}
        for figure, names in variables_of.items():
            values = [value_of(report, figure) for report in reports]
            fitted[figure] = fit(rows, values, names)
            errors[kind][figure] = [held_out_error(rows, values, names, place) for place in range(len(rows))]
        result[kind] = fitted
    for kind, by_figure in errors.items():
        for figure, off in by_figure.items():
            print(
                f"{kind:9} {figure:17} held out {len(off)}: median error {100 * np.median(off):.1f} %, "
                f"worst {100 * max(off):.1f} %"
            )
    if given.write:
        kept = coefficients()
        found_here = {
            kind: {
                f: {"networks": len(e), "median": round(float(np.median(e)), 4), "worst": round(max(e), 4)}
                for f, e in by.items()
            }
            for kind, by in errors.items()
        }
        counts = {
            kind: len(errors[kind]["lut"]) if kind in errors else kept["held_out"][kind]["lut"]["networks"]
            for kind in NAMES
        }
        written = {
            **kept,
            **result,
            "note": f"fitted to random networks, {counts['constant']} with constant and {counts['loadable']} with "
            f"loadable weights, and for a clock {counts['constant_clocked']} (on a VU13P) and {counts['clocked']}; "
            f"Yosys {version('pyosys')}: xcup, no DSPs; generic cells",
            "held_out": {**kept["held_out"], **found_here},
        }
        COEFFICIENTS.write_text(json.dumps(written, indent=1) + "\n")


def networks_of(kind: str, given: argparse.Namespace) -> list[int]:
    """Numbers of the networks of a kind: of clocked ones half are larger and folded more often."""
    if kind == "clocked":
        half = given.clocked // 2
        return usable_networks(given.clocked - half) + usable_networks(half, FIRST_FOLDED)
    if kind == "loadable":
        return usable_networks(given.loadable) + usable_networks(given.folded, FIRST_FOLDED)
    return usable_networks(given.constant) + usable_networks(given.learned, FIRST_LEARNED)


def usable_networks(count: int, first: int = 0) -> list[int]:
    """The first numbers of networks whose outputs are not all constant, and which the reuse factor suits."""
    found: list[int] = []
    number = first
    while len(found) < count:
        graph = network(number)
        range_ = graph.ranges()[graph.nodes[-1].name]
        folds = first != FIRST_FOLDED or reuse_of(number, graph) != 1
        if folds and (range_.low != range_.high).any():
            found.append(number)
        number += 1
    return found


def held_out_error(rows: list[Features], found: list[float], names: list[str], place: int) -> float:
    """Relative error on one network of what is fitted to the others."""
    others = [n for n in range(len(rows)) if n != place]
    fitted = fit([rows[n] for n in others], [found[n] for n in others], names)
    return abs(evaluate(fitted, rows[place]) / found[place] - 1)


def value_of(report: SynthesisReport, figure: str) -> float:
    getters: dict[str, Callable[[], float | None]] = {
        **{name: partial(getattr, report, name) for name in FIGURES},
        "latency": lambda: report.latency_cycles,
    }
    found = getters[figure]()
    assert found
    return float(found)


if __name__ == "__main__":
    main()
