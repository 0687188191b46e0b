"""The estimate of designs for a clock beside yosys, on designs that no fit has seen.

    python campaigns/estimate_errors.py FOLDER [--designs NAME ..] [--graph NAME=FOLDER ..]

Designs: the published ECON-T encoder (weights do not enter the netlist, so these are random), folded, and the tagger of
campaigns/clocks.py; graphs of one's own as there: NAME-16=FOLDER, or NAME-16-ram=FOLDER. With constant weights the
networks of that campaign for its devices and clocks: NAME-DEVICE-MHZ. Results lie in FOLDER and are read again.
"""

import argparse
from pathlib import Path

import numpy as np
from calibrate_estimate import CLOCK, run
from clocks import CLOCKS, DEVICES, IN_MEMORIES, graphs, reuse_in

from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.weights import COUNT, EncoderWeights
from qcompress.errors import QcompressError
from qcompress.graph import Graph
from qcompress.synthesis.estimate import FIGURES, estimate_as
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable


def designs() -> dict[str, tuple[Graph, Rtl | RtlLoadable]]:
    """Name -> graph and what it is built as."""
    constant = {
        f"{name}-{device}-{clock:g}": (graph, Rtl(device=device, clock_mhz=clock))
        for name, (graph, reuse) in graphs().items()
        if reuse is None
        for device in DEVICES
        for clock in CLOCKS
    }
    encoder = chip_graph(EncoderWeights.from_list(np.random.default_rng(0).integers(-32, 32, COUNT)))
    tagger, reuse = graphs()["tagger-8"]
    return {
        "encoder-64-ram": (encoder, RtlLoadable(reuse=64, storage="ram", **CLOCK)),
        "encoder-64-ram-share": (encoder, RtlLoadable(reuse=64, storage="ram", share=True, **CLOCK)),
        "encoder-16-ram": (encoder, RtlLoadable(reuse=16, storage="ram", **CLOCK)),
        "encoder-64-banks": (encoder, RtlLoadable(reuse=64, banks=2, choices=8)),
        "tagger-8": (tagger, RtlLoadable(reuse=reuse or 1, **CLOCK)),
        **constant,
    }


def given_design(text: str) -> tuple[str, tuple[Graph, RtlLoadable]]:
    """NAME-REUSE[-ram]=FOLDER as a design for the clock."""
    name, _, folder = text.partition("=")
    reuse = reuse_in(name)
    if not folder or reuse is None:
        raise argparse.ArgumentTypeError(f"{text}: give NAME-REUSE=FOLDER or NAME-REUSE{IN_MEMORIES}=FOLDER")
    storage = "ram" if name.endswith(IN_MEMORIES) else "registers"
    try:
        return name, (Graph.load(Path(folder)), RtlLoadable(reuse=reuse, storage=storage, **CLOCK))
    except QcompressError as fault:
        raise argparse.ArgumentTypeError(str(fault)) from None


def main() -> None:
    """Print a row for each design: estimated, yosys, error of the estimate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--designs", nargs="*")
    parser.add_argument("--graph", nargs="*", default=(), type=given_design, metavar="NAME=FOLDER")
    given = parser.parse_args()
    known = designs() | dict(given.graph)
    if unknown := [name for name in given.designs or () if name not in known]:
        parser.error(f"{', '.join(unknown)}: no such design; there are {', '.join(known)}")
    print("| design | LUT | FF | gate equivalents | latency [cycles] |\n|---|---|---|---|---|", flush=True)
    for name in given.designs or known:
        graph, target = known[name]
        guess, found = estimate_as(target, graph), run(graph, target, given.folder / name)
        cells = []
        for figure in (*FIGURES, "latency_cycles"):
            estimated, counted = getattr(guess, figure), getattr(found, figure)
            cells.append(f"{estimated:,.0f}, {counted:,.0f}, {100 * (estimated / counted - 1):+.1f} %")
        print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
