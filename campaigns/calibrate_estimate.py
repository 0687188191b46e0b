"""Fit the estimate to our own yosys runs, and print its error on networks that it was not fitted on.

    python campaigns/calibrate_estimate.py FOLDER [--constant N] [--learned N] [--loadable N] [--folded N]
        [--kinds constant loadable] [--write]

The error is that on each network of coefficients fitted to all others (leave one out); the ones that are written are
fitted to all. Runs are cached in FOLDER; start it again to go on. --write replaces the
coefficients of --kinds in the package.
"""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Quantize, QuantizeEach, Relu
from qcompress.graph.graph import INPUT
from qcompress.graph.ranges import with_lossless_accumulator
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.estimate import COEFFICIENTS, FIGURES, coefficients, evaluate, fit, variables
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.synthesis.structure import Features
from qcompress.targets.rtl.build import write_verilog
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable, describe
from qcompress.targets.rtl.logic import trace_graph

Generator = np.random.Generator
NAMES = {
    "constant": {
        "lut": ["adders", "sums", "shared", "cut", "other", "casts", "tables", "one"],
        "ff": ["adders", "sums", "shared", "cut", "other", "casts", "ports", "one"],
        "gate_equivalents": ["adders", "sums", "shared", "cut", "other", "casts", "tables", "ports", "one"],
        "latency": ["depth", "one"],
    },
    "loadable": {
        "lut": ["partial", "adders", "choices", "other", "casts", "tables", "one"],
        "ff": ["registers", "one"],
        "gate_equivalents": ["partial", "adders", "choices", "registers", "other", "casts", "tables", "one"],
    },
}


def random_network(rng: Generator, size: int = 1) -> Graph:
    """One or two layers, dense or a convolution first; 3 to 8 bits of weights, 3 to 9 of activations.

    size: 1 for networks of some hundred products; sides are that many times longer (twice, in images).
    """
    given = Format(False, int(rng.integers(4, 10)), 1)
    bits = int(rng.integers(3, 9))
    weights = Format(True, bits, 1)
    sides = min(size, 2)
    if rng.random() < 0.4:
        shape: tuple[int, ...] = (sides * int(rng.integers(3, 6)), sides * int(rng.integers(3, 6)), 1)
    else:
        shape = (size * round(2 ** rng.uniform(1.6, 3.6)),)
    graph, source, number = None, INPUT, 0
    nodes: list[Node] = []
    current, format_ = shape, given
    for _ in range(int(rng.integers(1, 3))):
        outputs = size * round(2 ** rng.uniform(1, 2.8))
        narrow = Format(True, 30, 8)
        if len(current) == 3:
            kernel = rng.integers(
                weights.min_code, weights.max_code + 1, (3, 3, current[2], size * int(rng.integers(2, 4)))
            )
            conv = Conv2D(kernel, weights, np.zeros(kernel.shape[-1], np.int64), weights, narrow, strides=(2, 2))
            nodes += [Node(f"conv{number}", conv, source), Node(f"flat{number}", Flatten(), f"conv{number}")]
            source = f"flat{number}"
        else:
            kernel = rng.integers(weights.min_code, weights.max_code + 1, (current[0], outputs))
            kernel = kernel * (rng.random(kernel.shape) < rng.choice([1.0, 1.0, 0.5]))
            bias = rng.integers(weights.min_code, weights.max_code + 1, outputs)
            nodes.append(Node(f"dense{number}", Dense(kernel, weights, bias, weights, narrow), source))
            source = f"dense{number}"
        nodes = _tight(shape, given, nodes)
        to = Format(False, int(rng.integers(3, 10)), int(rng.integers(1, 3)))
        mode = [("TRN", "WRAP"), ("RND_CONV", "SAT"), ("RND", "SAT"), ("TRN", "SAT")][rng.integers(4)]
        nodes += [Node(f"relu{number}", Relu(), source)]
        nodes += [Node(f"cast{number}", Quantize(Cast.parse(f"{str(to)[:-1]},{mode[0]},{mode[1]}>")), f"relu{number}")]
        source, format_, number = f"cast{number}", to, number + 1
        graph = Graph("random", shape, given, tuple(nodes))
        current = graph.output_shape
    assert graph is not None
    assert format_ == graph.output_format
    return graph


FIRST_FOLDED = 1000
"""Networks from this number on are larger, and their multipliers are used more than four times."""
FOLDED = (128, 64, 32, 16, 8)
FIRST_LEARNED = 2000
"""Networks from this number on are larger too; each weight and each element between layers has a width of its own."""


def network(number: int) -> Graph:
    """The network of a number."""
    rng = np.random.default_rng([20, number])
    graph = random_network(rng, 4 if number >= FIRST_FOLDED else 1)
    return with_own_widths(graph, rng) if number >= FIRST_LEARNED else graph


def with_own_widths(graph: Graph, rng: Generator) -> Graph:
    """A network as training leaves it whose widths are learned: fewer last bits of each weight, many of none at all."""
    nodes = []
    for node in graph.nodes:
        operation: Any = node.operation
        if isinstance(operation, Dense | Conv2D):
            width = operation.kernel_format.width
            kept = np.clip(rng.normal(rng.uniform(-1, 0.6 * width), 1.5, operation.kernel.shape).round(), 0, width)
            unit = 1 << (width - kept.astype(np.int64))
            rounded = np.rint(operation.kernel / unit).astype(np.int64) * unit
            operation = replace(operation, kernel=np.clip(rounded, *_ends(operation.kernel_format)))
        elif isinstance(operation, Quantize):
            operation = _own_casts(operation.cast, graph.shapes[node.name], rng)
        nodes.append(Node(node.name, operation, *node.sources))
    return Graph(graph.name, graph.input_shape, graph.input_format, tuple(nodes))


def _ends(format_: Format) -> tuple[int, int]:
    return format_.min_code, format_.max_code


def _own_casts(cast: Cast, shape: tuple[int, ...], rng: Generator) -> QuantizeEach:
    """A cast of every element to a format of its own, none of them wider than the given one."""
    to = cast.format
    widths = rng.integers(max(1, to.integer, to.width - 4), to.width + 1, shape)
    return QuantizeEach(np.zeros(shape, np.int64), widths, np.full(shape, to.integer), cast.rounding, cast.overflow)


def _tight(shape: tuple[int, ...], given: Format, nodes: list[Node]) -> list[Node]:
    """The last layer's accumulator as narrow as loses nothing, or, now and then by its number, flooring products."""
    place = max(n for n, node in enumerate(nodes) if isinstance(node.operation, Dense | Conv2D))
    graph = Graph("random", shape, given, tuple(nodes[: place + 1]))
    node = nodes[place]
    range_ = graph.ranges()[node.source]
    layer = node.operation
    assert isinstance(layer, Dense | Conv2D)
    operation = with_lossless_accumulator(layer, range_, graph.formats[node.source])
    return [*nodes[:place], Node(node.name, operation, *node.sources), *nodes[place + 1 :]]


def run(graph: Graph, reuse: int | None, folder: Path) -> SynthesisReport:
    """LUT, FF and gate equivalents of the Verilog of a graph, by both open flows."""
    target = Rtl() if reuse is None else RtlLoadable(reuse=reuse)
    if not (folder / target.record).is_file():
        (folder / "verilog").mkdir(parents=True, exist_ok=True)
        if isinstance(target, Rtl):
            record = write_verilog(graph, trace_graph(graph), target.latency_cutoff, folder / "verilog")
        else:
            record = describe(graph, target.write_verilog(graph, folder), target.layout(graph))
        (folder / target.record).write_text(json.dumps(record))
    design = Design.open(target, "random", folder)
    fpga = run_open("yosys-xilinx", design, folder / "xilinx", Settings())
    asic = run_open("yosys-asic", design, folder / "asic", Settings())
    return SynthesisReport(
        fpga.tool, fpga.origin, lut=fpga.lut, ff=fpga.ff, gate_equivalents=asic.gate_equivalents,
        latency_cycles=fpga.latency_cycles,
    )  # fmt: skip


def reuse_of(kind: str, number: int, graph: Graph) -> int | None:
    """None for constant weights; else the largest of a few reuse factors, by the network's number, that is possible."""
    if kind == "constant":
        return None
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
    parser.add_argument("--kinds", nargs="+", choices=NAMES, default=list(NAMES), help="what is fitted")
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    result: dict[str, object] = {}
    errors: dict[str, dict[str, list[float]]] = {}
    for kind in given.kinds:
        rows, reports, variables_of = [], [], NAMES[kind]
        numbers = usable_networks(getattr(given, kind))
        if kind == "loadable":
            numbers += usable_networks(given.folded, FIRST_FOLDED)
        else:
            numbers += usable_networks(given.learned, FIRST_LEARNED)
        for number in numbers:
            graph = network(number)
            reuse = reuse_of(kind, number, graph)
            rows.append(variables(graph, reuse))
            reports.append(run(graph, reuse, given.folder / kind / str(number)))
            print(kind, number, reuse, reports[-1].lut, reports[-1].ff, reports[-1].gate_equivalents, flush=True)
        fitted, errors[kind] = {}, {}
        for figure, names in variables_of.items():
            found = [value_of(report, figure) for report in reports]
            fitted[figure] = fit(rows, found, names)
            errors[kind][figure] = [held_out_error(rows, found, names, place) for place in range(len(rows))]
        result[kind] = fitted
    for kind, by_figure in errors.items():
        for figure, found in by_figure.items():
            print(
                f"{kind:9} {figure:17} held out {len(found)}: median error {100 * np.median(found):.1f} %, "
                f"worst {100 * max(found):.1f} %"
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
            kind: kept["held_out"][kind]["lut"]["networks"] if kind not in errors else len(errors[kind]["lut"])
            for kind in NAMES
        }
        written = {
            **kept,
            **result,
            "note": f"fitted to {counts['constant']} random networks with constant and {counts['loadable']} with "
            f"loadable weights, Yosys {version('pyosys')}: xcup, no DSPs; generic cells",
            "held_out": {**kept["held_out"], **found_here},
        }
        COEFFICIENTS.write_text(json.dumps(written, indent=1) + "\n")


def usable_networks(count: int, first: int = 0) -> list[int]:
    """The first numbers of networks whose outputs are not all constant, and which the reuse factor suits."""
    found: list[int] = []
    number = first
    while len(found) < count:
        graph = network(number)
        range_ = graph.ranges()[graph.nodes[-1].name]
        folds = first != FIRST_FOLDED or reuse_of("loadable", number, graph) != 1
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
