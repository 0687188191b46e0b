"""Asked against met: designs for a clock on a device, placed and routed there; the table of docs/compiler/rtl.md.

    python campaigns/clocks.py FOLDER [--designs NAME ..] [--devices NAME ..] [--clocks MHZ ..] [--graph NAME=FOLDER ..]
        [--registers AE_8x8_c8_S2_ele_qkeras/init.yaml] [--minutes 60] [--placements 5]

Every design is simulated against its graph, then placed and routed, with other seeds of the placer until the clock is
met; what an operation alone cannot meet is refused before. Results lie in FOLDER and are read again: start it again to
go on. A graph of one's own (a candidate's graph/NETWORK) is built with constant weights, folded with NAME-16=FOLDER, or
folded with weights in memories with NAME-16-ram=FOLDER. With --registers there is the chip's encoder, `econt` with
constant weights, `econt-16-ram` and the like folded.
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from one_line import in_one_line

from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.registers import read_registers, weights_from_registers
from qcompress.devices import find_device
from qcompress.errors import QcompressError, Refused
from qcompress.files import JsonObject, write_json
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Conv1D, Conv2D, Dense, Flatten, Graph, MaxPool, Node, Operation, Quantize, Relu
from qcompress.synthesis.aim import flow_of
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.synthesis.yosys import Limits
from qcompress.targets import Target
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable

ROWS = 2000
DEVICES = ("ecp5-85k", "gw5ast-138")
CLOCKS = (60.0, 100.0)
IN_MEMORIES = "-ram"
CHIP = "econt"


class Case(NamedTuple):
    """A design for a clock on a device; reuse: of loadable weights, None for constant ones; NAME-ram: in memories."""

    name: str
    graph: Graph
    reuse: int | None
    device: str
    clock_mhz: float

    @property
    def target(self) -> Target:
        if self.reuse is None:
            return Rtl(device=self.device, clock_mhz=self.clock_mhz)
        storage = "ram" if self.name.endswith(IN_MEMORIES) else "registers"
        return RtlLoadable(reuse=self.reuse, device=self.device, clock_mhz=self.clock_mhz, storage=storage)

    @property
    def folder(self) -> str:
        return f"{self.name}_{self.device}_{self.clock_mhz:g}"


def _weights(rng: np.random.Generator, shape: tuple[int, ...], bits: int) -> tuple[np.ndarray, Format]:
    top = 2 ** (bits - 1) - 1
    return np.clip(np.rint(rng.normal(0, top / 2, shape)), -top, top).astype(np.int64), Format(True, bits, 1)


def _cast(bits: int, integer: int) -> Quantize:
    return Quantize(Cast(Format(False, bits, integer), Rounding.RND_CONV, Overflow.SAT))


def _network(name: str, shape: tuple[int, ...], given: Format, layers: Sequence[tuple[str, Operation]]) -> Graph:
    nodes, source = [], "input"
    for node, operation in layers:
        nodes.append(Node(node, operation, source))
        source = node
    return Graph(name, shape, given, tuple(nodes))


def graphs() -> dict[str, tuple[Graph, int | None]]:
    """Networks of the field's kinds with random weights, of 3 to 6 bits: name -> graph and reuse factor."""
    rng = np.random.default_rng(20261129)
    wide = Format(True, 24, 14)

    def dense(inputs: int, outputs: int, bits: int) -> Dense:
        kernel, format_ = _weights(rng, (inputs, outputs), bits)
        return Dense(kernel, format_, np.zeros(outputs, np.int64), format_, wide)

    image, conv_format = _weights(rng, (3, 3, 1, 4), 3)
    taps, tap_format = _weights(rng, (5, 1, 4), 5)
    encoder: list[tuple[str, Operation]] = [
        ("conv", Conv2D(image, conv_format, np.zeros(4, np.int64), conv_format, wide, (2, 2))),
        ("relu", Relu()),
        ("activation", _cast(8, 1)),
        ("flatten", Flatten()),
        ("latents", dense(36, 8, 3)),
        ("code", Quantize(Cast(Format(True, 3, 1), Rounding.RND_CONV, Overflow.SAT))),
    ]
    tagger: list[tuple[str, Operation]] = [
        ("first", dense(16, 24, 4)),
        ("relu", Relu()),
        ("activation", _cast(6, 3)),
        ("second", dense(24, 5, 4)),
    ]
    waveform: list[tuple[str, Operation]] = [
        ("conv", Conv1D(taps, tap_format, np.zeros(4, np.int64), tap_format, wide, (2,))),
        ("relu", Relu()),
        ("activation", _cast(6, 2)),
        ("pool", MaxPool((2,), (2,))),
        ("flatten", Flatten()),
        ("out", dense(28, 2, 5)),
    ]
    return {
        "encoder": (_network("encoder", (8, 8, 1), Format(False, 8, 1), encoder), None),
        "tagger": (_network("tagger", (16,), Format(True, 8, 4), tagger), None),
        "waveform": (_network("waveform", (32, 1), Format(True, 8, 4), waveform), None),
        "tagger-8": (_network("tagger", (16,), Format(True, 8, 4), tagger), 8),
    }


def run(case: Case, folder: Path, minutes: float, placements: int) -> JsonObject:
    """Build, compare with the graph, place and route; what is found, read again if it is there."""
    place = folder / case.folder
    kept = place / "result.json"
    what = case.graph.content_hash()
    if kept.is_file():
        found: JsonObject = json.loads(kept.read_text())
        if found.get("graph", what) != what:
            raise QcompressError(f"{place} is of another graph; give another folder")
        return found
    started = time.monotonic()
    result: JsonObject = {"design": case.name, "device": case.device, "asked": case.clock_mhz, "graph": what}
    try:
        body = case.target.build(case.graph, place / "built")
    except Refused as fault:
        result |= {"refused": str(fault)}
        write_json(kept, result)
        return result
    rng = np.random.default_rng(1)
    given = case.graph.input_format
    codes = rng.integers(given.min_code, given.max_code, (ROWS, *case.graph.input_shape), endpoint=True)
    wrong = int(np.count_nonzero(body.run(codes) != case.graph.run(codes)))
    design = Design.open(case.target, case.name, place / "built")
    flow = flow_of(find_device(case.device))
    assert flow is not None
    limits = Limits(60 * minutes, 14000)
    settings = Settings(device=case.device, clock_mhz=case.clock_mhz, placements=placements, limits=limits)
    report = run_open(flow, design, place / "routed", settings)
    result |= {
        "wrong": wrong,
        "latency_cycles": report.latency_cycles,
        "interval": report.interval,
        "lut": report.lut,
        "ff": report.ff,
        "fmax_mhz": report.fmax_mhz,
        "latency_ns": report.latency_ns,
        "placement": report.notes[0],
        "note": report.notes[-1],
        "seconds": round(time.monotonic() - started),
    }
    write_json(kept, result)
    return result


def reuse_in(name: str) -> int | None:
    """The reuse factor that a name ends in, in memories or not; None of constant weights."""
    reuse = name.removesuffix(IN_MEMORIES).rpartition("-")[2]
    return int(reuse) if reuse.isdigit() else None


def line(found: JsonObject) -> str:
    """A row of the table."""
    head = f"| {found['design']} | {found['device']} | {found['asked']:g} |"
    if "refused" in found:
        return f"{head} refused: {found['refused']} | | | | | |"
    fmax = found["fmax_mhz"]
    met = "not routed" if fmax is None else f"{fmax:.1f}" + ("" if fmax >= found["asked"] else " **missed**")
    wait = "-" if found["latency_ns"] is None else f"{found['latency_ns']:.0f}"
    figures = [met, found["latency_cycles"], wait, f"{found['lut']:,}", f"{found['ff']:,}", found["wrong"]]
    return f"{head} {' | '.join(map(str, figures))} |"


def networks(
    wanted: Sequence[str] | None, own: Sequence[str], registers: Path | None
) -> dict[str, tuple[Graph, int | None]]:
    """Networks by name, with reuse factors; own: NAME=FOLDER. Raises QcompressError for one of wanted that is none."""
    known = graphs()
    for each in own:
        name, _, folder = each.partition("=")
        known[name] = (Graph.load(Path(folder)), reuse_in(name))
    if registers is not None:
        encoder = chip_graph(weights_from_registers(read_registers(registers)))
        chips = [name for name in wanted or (CHIP,) if name.partition("-")[0] == CHIP]
        known |= {name: (encoder, reuse_in(name)) for name in chips}
    if unknown := [name for name in wanted or () if name not in known]:
        raise QcompressError(f"{unknown[0]}: no such design; there is {', '.join(known)}, and {CHIP} with --registers")
    return known


@in_one_line
def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--designs", nargs="*")
    parser.add_argument("--devices", nargs="*", default=DEVICES)
    parser.add_argument("--clocks", nargs="*", type=float, default=CLOCKS)
    parser.add_argument("--graph", nargs="*", default=(), metavar="NAME=FOLDER")
    parser.add_argument("--registers", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--placements", type=int, default=5)
    given = parser.parse_args()
    known = networks(given.designs, given.graph, given.registers)
    cases = [
        Case(name, *known[name], find_device(device).name, clock)
        for name in given.designs or known
        for device in given.devices
        for clock in given.clocks
    ]
    print("| design | device | asked [MHz] | met [MHz] | latency [cycles] | [ns] | LUT | FF | wrong codes |")
    print("|---|---|---|---|---|---|---|---|---|", flush=True)
    for case in cases:
        try:
            print(line(run(case, given.folder, given.minutes, given.placements)), flush=True)
        except QcompressError as fault:
            print(f"| {case.name} | {case.device} | {case.clock_mhz:g} | {fault} | | | | | |", flush=True)


if __name__ == "__main__":
    main()
