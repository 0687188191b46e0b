"""A dense network with loadable weights, folded, placed and routed on an ECP5-85k: the clock it reaches.

    python campaigns/folded_clock.py FOLDER --sizes 75 16 16 1 [--bits 8] [--reuse 16] [--mhz 100] [--storage ram]
    python campaigns/folded_clock.py FOLDER --graph CANDIDATE/graph/NETWORK [--reuse 64] ...

Without --graph weights are random: they do not enter the netlist. The design is compared with its graph on random rows
first.
"""

import argparse
from itertools import pairwise
from pathlib import Path

import numpy as np

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Dense, Graph, Node, Quantize, Relu
from qcompress.synthesis.place_route import synthesize
from qcompress.synthesis.yosys import Limits
from qcompress.targets.rtl.loadable import TOP, RtlLoadable

ROWS = 2000


def network(sizes: list[int], width: int) -> Graph:
    """Dense layers with ReLU and a cast that rounds to even and saturates between them; all of `width` bits."""
    rng, nodes, source = np.random.default_rng(0), [], "input"
    weights, sums = Format(True, width, 1), Format(True, 2 * width + 7, 10)
    for place, (given, made) in enumerate(pairwise(sizes)):
        kernel, bias = (
            rng.integers(weights.min_code, weights.max_code, s, endpoint=True) for s in ((given, made), made)
        )
        nodes.append(Node(f"dense{place}", Dense(kernel, weights, bias, weights, sums), source))
        if place < len(sizes) - 2:
            nodes.append(Node(f"relu{place}", Relu(), f"dense{place}"))
            source = f"cast{place}"
            nodes.append(Node(source, Quantize(Cast.parse(f"ufixed<{width},2,RND_CONV,SAT>")), f"relu{place}"))
    return Graph("folded", (sizes[0],), Format(False, width, 0), tuple(nodes))


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--sizes", type=int, nargs="+")
    which.add_argument("--graph", type=Path, help="folder of the graph of a candidate")
    parser.add_argument("--bits", type=int, default=8)
    parser.add_argument("--reuse", type=int, default=16)
    parser.add_argument("--mhz", type=float, default=100)
    parser.add_argument("--storage", choices=("registers", "ram"), default="ram")
    given = parser.parse_args()
    graph = network(given.sizes, given.bits) if given.graph is None else Graph.load(given.graph)
    target = RtlLoadable(reuse=given.reuse, device="ecp5-85k", clock_mhz=given.mhz, storage=given.storage)
    folder = given.folder / target.name
    body = target.build(graph, folder)
    ends, shape = (graph.input_format.min_code, graph.input_format.max_code), (ROWS, *graph.input_shape)
    codes = np.random.default_rng(1).integers(*ends, shape, endpoint=True)
    if np.any(body.run(codes) != graph.run(codes)):
        raise SystemExit(f"{target.name}: differs from the graph")
    design = target.write_verilog(graph, folder)
    sources, limits = [folder / "verilog" / f"{TOP}.v"], Limits(time_s=7200, memory_mb=14000)
    found = synthesize(sources, TOP, folder / "ecp5", clock_mhz=given.mhz, limits=limits)
    print(f"latency {design.latency}, interval {design.interval}, {design.multipliers} multipliers")
    print(f"LUT {found.lut}, FF {found.ff}, DSP {found.dsp}, block RAM {found.rams}, Fmax {found.fmax_mhz} MHz")
    print("; ".join(found.notes))


if __name__ == "__main__":
    main()
