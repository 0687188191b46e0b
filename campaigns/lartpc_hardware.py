"""A network of liquid argon in every body: which are built, which not and why, and codes that differ.

    python campaigns/lartpc_hardware.py FOLDER --graph GRAPH [--sample SAMPLE] [--only BODY ...] [--synthesize]
    python campaigns/lartpc_hardware.py FOLDER --share

GRAPH: folder of the graph of a candidate (`CANDIDATE/graph/roi`, `../unet`) or, with --weights, of a public network on
wires, quantized as it is, that is written there first. Compared are --rows windows of test events of the sample, as
many uniform random ones and as many sparse ones; without a sample random ones alone. FOLDER keeps the builds.
--synthesize: look-up tables and registers of the bodies in Verilog, by yosys for UltraScale+ or, of those for an open
device, in its own cells; what fits is placed and routed, within --minutes each; else they are estimated. --share:
instead of bodies, the products that a window of a wire has in common with the one before it.
"""

import argparse
import os
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.roi import rows, windows
from qcompress.detectors.lartpc.roi.models import LAYERS
from qcompress.detectors.lartpc.roi.stages import clip
from qcompress.detectors.splits import TEST
from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.synthesis.estimate import estimate_as
from qcompress.synthesis.flows import PLACING, Design, Settings, run_open
from qcompress.synthesis.yosys import Limits
from qcompress.targets import choose
from qcompress.targets.record import read_record
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.verification import InputSet, standard_inputs, verify

CHANNELS = 64
"""Wires of a link."""
STREAM = {"convolution2": {"reuse_factor": 4}, "convolution3": {"reuse_factor": 18}, "logit": {"reuse_factor": 64}}
"""hls4ml's streaming kernels take a layer's reuse factor in cycles for every tick of its input: 200, 49 and 11."""
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "hls, io_parallel": ("hls", {"backend": "Vitis", "clock_mhz": 200}),
    "hls, io_stream": (
        "hls",
        {"backend": "Vitis", "io_type": "io_stream", "strategy": "Resource", "clock_mhz": 200, "layers": STREAM},
    ),
    "hls, io_stream, one product a layer": (
        "hls",
        {"backend": "Vitis", "io_type": "io_stream", "strategy": "Resource", "reuse_factor": 1024},
    ),
    "rtl": ("rtl", {}),
    "rtl_loadable, 93": ("rtl_loadable", {"reuse": 93, "storage": "ram"}),
    "rtl_loadable, 234": ("rtl_loadable", {"reuse": 234, "storage": "ram"}),
    "rtl_loadable, 234, for a clock": (
        "rtl_loadable",
        {"reuse": 234, "storage": "ram", "device": "xcvu9p-flga2104-2-i", "clock_mhz": 200},
    ),
    "rtl_loadable, 93, ECP5": ("rtl_loadable", {"reuse": 93, "storage": "ram", "device": "ecp5-85k", "clock_mhz": 80}),
    "rtl_loadable, 93, ECP5, activations with the sums": (
        "rtl_loadable",
        {"reuse": 93, "storage": "ram", "share": True, "device": "ecp5-85k", "clock_mhz": 80},
    ),
    "rtl_loadable, 117, ECP5, activations with the sums": (
        "rtl_loadable",
        {"reuse": 117, "storage": "ram", "share": True, "device": "ecp5-85k", "clock_mhz": 100},
    ),
    "rtl_loadable, 140, Gowin": (
        "rtl_loadable",
        {"reuse": 140, "storage": "ram", "device": "gw5ast-138", "clock_mhz": 120},
    ),
    "rtl_loadable, 234, Gowin": (
        "rtl_loadable",
        {"reuse": 234, "storage": "ram", "device": "gw5ast-138", "clock_mhz": 200},
    ),
}
OPEN_FLOWS = {"ecp5-85k": "yosys-ecp5", "gw5ast-138": "yosys-gowin"}


def public(weights: Path, folder: Path) -> None:
    """Write the graph of a public network in 8 bits, as it is, into `folder`."""
    from qcompress.detectors.lartpc.roi import models
    from qcompress.frontends.qkeras import convert

    options = models.RoiOptions(plane="W", weights=weights)
    convert(models.build_model(options, quantized=True), models.ROI).graph.save(folder)


def inputs_of(sample: Path, many: int) -> Codes:
    """Input codes (many, TICKS, 1) of windows of test events, as many of signal as of noise."""
    preset = PRESETS["protodune-sp"]
    front_end = {"preset": preset.name, "plane": "W", "threshold": 0.5, "windows": many // 2}
    found = [rows.chosen(event, preset.adc_bits, 50).samples for event in rows.waves(sample, front_end, TEST)]
    codes: Codes = clip(preset.adc_bits).run(np.concatenate(found)[:many].astype(np.int64))
    return codes


def synthesized(target: Any, graph: Graph, folder: Path, settings: dict[str, Any], minutes: float) -> str:
    """Look-up tables and registers of a build in `folder`, and what the tools say of them."""
    design, device = Design.open(target, graph.name, folder), settings.get("device")
    flow, limits = OPEN_FLOWS.get(str(device), "yosys-xilinx"), Limits(60 * minutes, 14000)
    chosen = Settings(device=device, clock_mhz=settings["clock_mhz"], limits=limits) if flow in PLACING else None
    try:
        found = run_open(flow, design, folder / flow, chosen or Settings(limits=limits))
    except QcompressError as fault:
        return str(fault)
    clock = f", {found.fmax_mhz:.1f} MHz" if found.fmax_mhz else ""
    more = f"{found.dsp or 0} multipliers, {found.rams or found.bram or 0} memories"
    return f"{found.lut:,}, {found.ff:,}, {more}{clock} ({found.origin.value}; {'; '.join(found.notes)})"


def body(name: str, graph: Graph, given: Mapping[str, InputSet], folder: Path, minutes: float | None) -> int:
    """Print the line of a body; returns how many of its codes are wrong."""
    family, settings = BODIES[name]
    target = choose(family, settings).target
    own = folder / target.name
    try:
        target.refuse(graph)
    except Refused as fault:
        print(f"| {name} | refused: {fault} |" + " - |" * 6, flush=True)
        return 0
    try:
        built: Any = target.open(graph, own)
    except QcompressError:
        built = target.build(graph, own)
    checks = verify(graph, [built], given)
    wrong = sum(check.mismatches for check in checks)
    cells = [name, "built", f"{wrong} of {sum(check.codes for check in checks):,}"]
    if family == "rtl_loadable":
        record: Any = read_record(own / "rtl_loadable.json", graph)
        rate = CHANNELS * 2e6 / windows.STRIDE
        cells += [f"{record['multipliers']:,}", record["interval"], record["latency_cycles"]]
        cells += [f"{record['interval'] * rate / 1e6:.1f}"]
        if minutes is None and isinstance(target, RtlLoadable):
            guess = estimate_as(target, graph)
            cells += [f"{guess.lut:,}, {guess.ff:,} ({guess.origin.value})"]
        elif minutes is not None:
            cells += [synthesized(target, graph, own, settings, minutes)]
    print("| " + " | ".join(map(str, [*cells, *["-"] * (8 - len(cells))])) + " |", flush=True)
    return wrong


def shared(strides: tuple[int, ...] = (144, 150, 160)) -> None:
    """Print the products of a window that the one before it has made already, for some strides between windows."""
    print("| stride [ticks] | positions of each convolution | of which known | products known [%] |\n|---|---|---|---|")
    for stride in strides:
        ticks, step, given, known, whole, counts = windows.TICKS, 1, 1, 0, 0, []
        for filters, width, jump in LAYERS:
            positions, step = (ticks - width) // jump + 1, step * jump
            common = max(positions - stride // step, 0) if stride % step == 0 else 0
            each = width * given * filters
            known, whole = known + common * each, whole + positions * each
            counts.append((positions, common))
            ticks, given, step = positions // 2, filters, step * 2
        of, had = (", ".join(str(count[k]) for count in counts) for k in (0, 1))
        print(f"| {stride} | {of} | {had} | {100 * known / whole:.1f} |")


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--graph", type=Path)
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--only", nargs="+", choices=BODIES, default=list(BODIES))
    parser.add_argument("--synthesize", action="store_true")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--share", action="store_true")
    given = parser.parse_args()
    if given.share:
        shared()
        return
    if given.graph is None:
        parser.error("give --graph, the folder of a graph")
    if given.weights is not None:
        public(given.weights, given.graph)
    graph = Graph.load(given.graph)
    inputs = standard_inputs(graph, given.rows, 1)
    if given.sample is not None:
        inputs = {"windows": InputSet.of(inputs_of(given.sample, given.rows)), **inputs}
    print(f"{graph.name}: {prod(graph.input_shape)} inputs, {given.rows} rows of each kind\n")
    print("| body | | codes that differ | multipliers | interval | latency [cycles] | MHz for 64 wires | LUT, FF |")
    print("|---" * 8 + "|")
    minutes = given.minutes if given.synthesize else None
    wrong = sum(body(name, graph, inputs, given.folder, minutes) for name in given.only)
    if wrong:
        raise SystemExit(f"{wrong} codes differ")


if __name__ == "__main__":
    main()
