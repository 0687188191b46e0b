"""The published ECON-T encoder as Verilog, constant, loadable, folded: the table of docs/compiler/rtl.md.

    python campaigns/encoder_table.py FOLDER --registers AE_8x8_c8_S2_ele_qkeras/init.yaml [--minutes 30]
        [--designs rtl rtl_loadable ..] [--flows yosys-xilinx ..]

Every design is built, compared with the graph on random rows, and synthesized; a run beyond --minutes or too large for
the memory is said, and its figures are estimates. Results lie in FOLDER and are read again: an hour or two at first.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.registers import read_registers, weights_from_registers
from qcompress.errors import QcompressError
from qcompress.synthesis import SynthesisReport
from qcompress.synthesis.estimate import estimate_as
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.synthesis.place_route import CLOCK_MHZ
from qcompress.synthesis.yosys import Limits
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable

FAST = [RtlLoadable(reuse=reuse, device="ecp5-85k", clock_mhz=100.0, storage="ram") for reuse in (64, 16)]
DESIGNS: dict[str, Rtl | RtlLoadable] = {
    "rtl": Rtl(),
    **{target.name: target for target in map(RtlLoadable, (1, 4, 16, 64))},
    "rtl-ecp5-85k-80MHz": Rtl(device="ecp5-85k", clock_mhz=80.0),
    **{target.name: target for target in FAST},
}
FLOWS = ("yosys-xilinx", "yosys-asic", "yosys-ecp5")
ROWS = 200


def flows(design: Design, folder: Path, wanted: Sequence[str], settings: Settings) -> dict[str, SynthesisReport]:
    """What each wanted flow finds; a flow that fails is said."""
    found = {}
    for flow in wanted:
        try:
            found[flow] = run_open(flow, design, folder / flow, settings)
        except QcompressError as fault:
            print(f"{design.target}, {flow}: {fault}", flush=True)
    return found


def line(name: str, record: dict[str, object], found: dict[str, SynthesisReport], guess: SynthesisReport) -> str:
    """A row of the table; o: open flow, e: estimated."""

    def figure(flow: str, key: str) -> str:
        value = getattr(found[flow], key) if flow in found else None
        return f"{getattr(guess, key):,.0f} e" if value is None else f"{value:,.0f} o"

    placed = found.get("yosys-ecp5")
    clock = f"{placed.fmax_mhz:.1f}" if placed and placed.fmax_mhz else "does not fit" if placed else "-"
    cells = [
        name,
        figure("yosys-xilinx", "lut"),
        figure("yosys-xilinx", "ff"),
        figure("yosys-asic", "gate_equivalents"),
    ]
    return "| " + " | ".join([*cells, str(record["latency_cycles"]), str(record["interval"]), clock]) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--registers", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--designs", nargs="*", choices=DESIGNS, default=list(DESIGNS))
    parser.add_argument("--flows", nargs="*", choices=FLOWS, default=FLOWS)
    given = parser.parse_args()
    graph = chip_graph(weights_from_registers(read_registers(given.registers)))
    codes = np.random.default_rng(0).integers(0, 256, (ROWS, 8, 8, 1))
    limits = Limits(time_s=60 * given.minutes, memory_mb=14000)
    print("| built as | LUT | FF | gate equivalents | latency [cycles] | interval | Fmax on an ECP5 [MHz] |")
    print("|---|---|---|---|---|---|---|")
    for name in given.designs:
        target, folder = DESIGNS[name], given.folder / name
        settings = Settings(limits=limits, clock_mhz=target.clock_mhz or CLOCK_MHZ)
        try:
            body = target.open(graph, folder)
        except QcompressError:
            body = target.build(graph, folder)
        if np.any(body.run(codes) != graph.run(codes)):
            raise SystemExit(f"{name}: differs from the graph")
        design = Design.open(target, "encoder", folder)
        found = flows(design, folder / "flows", given.flows, settings)
        print(line(name, dict(design.record), found, estimate_as(target, graph)), flush=True)


if __name__ == "__main__":
    main()
