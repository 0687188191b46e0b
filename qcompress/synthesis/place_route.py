"""Place and route on an open device with yosys and nextpnr (yowasp wheels): a real Fmax, origin "open flow".

The design stands in a serial harness (`harness`). What is too large "does not fit" and is not placed; where the time
limit strikes in the placer or the router, the counts stay, with what was expected of the clock so far.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from qcompress.devices import Device, find_device
from qcompress.errors import QcompressError, ToolMissing
from qcompress.synthesis.harness import HARNESS, harness, serial_flip_flops
from qcompress.synthesis.open_families import FAMILIES, FLOWS, OpenFamily
from qcompress.synthesis.placements import TIMING, Aim, fastest, is_cut_short
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.synthesis.spreading import spread_chains
from qcompress.synthesis.yosys import Limits, run_passes
from qcompress.targets.rtl.pins import Pin, pins

CLOCK_MHZ = 100.0
"""Aimed at where no clock is asked for."""


SUMS = ("hierarchy -top {top}", "proc", "opt", "wreduce", "opt_clean", "alumacc t:$add t:$sub t:$neg", "opt_clean")
"""Passes before synthesis that make a carry chain of every sum, module by module.

Else yosys joins sums of sums into trees of full adders: as many look-up tables, but twice the wires, and longer paths
than the registers were chosen for.
"""


class Options(NamedTuple):
    """What else decides the mapped design."""

    hierarchical: bool
    separate_sums: bool
    clock_mhz: float


def device_of(flow: str, name: str | None) -> Device:
    """The device of a flow: by its name or, for an ECP5, its size alone; the family's default for None.

    Raises QcompressError for an unknown device and for one of another family, naming the flow that takes it.
    """
    family = FLOWS[flow]
    device = find_device(_whole_name(family, name or FAMILIES[family].default))
    if device.family != family:
        other = FAMILIES.get(device.family)
        takes = f"use flow {other.flow}" if other else f"flow {flow} takes devices of the family {family}"
        raise QcompressError(f"{flow}: device {device.name} is of the family {device.family}: {takes}")
    return device


def _whole_name(family: str, name: str) -> str:
    return f"{family}-{name}" if re.fullmatch(r"\d+k", name) else name


def synthesize(
    verilog_files: Sequence[Path],
    top: str,
    folder: Path,
    *,
    flow: str = "yosys-ecp5",
    device: str | None = None,
    hierarchical: bool = False,
    separate_sums: bool = False,
    clock_mhz: float = CLOCK_MHZ,
    placements: int = 1,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> SynthesisReport:
    """LUT, FF and Fmax of module `top` in its harness; a design that is too large "does not fit" and has no Fmax.

    verilog_files: all sources; folder: made, for logs and report.json; flow: one of FLOWS; device: its name, the
    family's default for None; hierarchical: module by module, not flattened; separate_sums: as SUMS says; clock_mhz:
    what is aimed at; placements: so many are tried, with seeds 1, 2, .., until that is met, and the fastest counts;
    limits: of time and memory, for each. Raises QcompressError for a device of another
    family and naming the log if a tool fails, ToolMissing without nextpnr.
    """
    chosen = device_of(flow, device)
    family = FAMILIES[chosen.family]
    nextpnr = program(family.program)
    options = Options(hierarchical, separate_sums, clock_mhz)
    report = _mapped(verilog_files, top, folder, family, chosen, options, limits)
    report = replace(report, clock_ns=1000 / clock_mhz)
    if chosen.luts and (report.lut or 0) > chosen.luts:
        what = f"does not fit: {report.lut} of {chosen.luts} look-up tables of {chosen.name}"
        return _finished(replace(report, notes=(*report.notes, what), missing=("place and route",)), folder)
    if family.chains_spread and chosen.luts:
        room = spread_chains(folder / "netlist.json", report.lut or 0, chosen.luts)
        what = f"{room} empty carry cells behind each carry chain, not counted, make room for the router"
        report = replace(report, notes=(*report.notes, *([what] if room else [])))
    placed = family.place(chosen)
    (folder / f"clock.{family.suffix}").write_text(placed.constraints)
    aim = ["--freq", f"{clock_mhz:g}", "--timing-allow-fail"]
    command = [nextpnr, *placed.options, "--json", "netlist.json", "--report", TIMING, *aim, *family.routing]
    commands = [command, *([[*command, *family.slow_wires]] if family.slow_wires else [])]
    return _finished(fastest(report, commands, folder, Aim(top, clock_mhz, placements, limits)), folder)


def program(name: str) -> str:
    """The path of a program of nextpnr's, beside the interpreter first; raises ToolMissing."""
    found = shutil.which(name, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        raise ToolMissing(f"needs {name}; install qcompress[rtl]")
    return found


def _mapped(
    verilog_files: Sequence[Path],
    top: str,
    folder: Path,
    family: OpenFamily,
    device: Device,
    options: Options,
    limits: Limits,
) -> SynthesisReport:
    """Counts of the design in its harness, its netlist in folder; products in tables where multipliers are too few."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = pins([path.read_text() for path in verilog_files], top)
    oscillator = family.oscillator(options.clock_mhz) if family.oscillator else None
    (folder / "harness.v").write_text(harness(top, ports, oscillator))
    sources = [*verilog_files, folder / "harness.v"]

    before = [each.format(top=HARNESS) for each in SUMS] if options.separate_sums else []

    def mapped(words: str) -> SynthesisReport:
        passes = [*before, f"{family.passes(device, words)} -top {HARNESS}", "flatten", *behind, "opt_clean -purge"]
        run_passes(sources, HARNESS, [*passes, "write_json netlist.json"], "", folder, limits)
        tie_carries(folder / "netlist.json")
        return _counted(json.loads((folder / "cells.json").read_text()), ports, family, device)

    flat, behind = "", []
    if options.hierarchical:
        without, put = family.pads or ("", "")
        flat, behind = f" -noflatten{without}", [put] if put else []
    report = mapped(flat)
    if family.without_multipliers and (report.dsp or 0) > (device.multipliers or 0):
        there = device.multipliers or 0
        why = f"products in look-up tables: {report.dsp} multipliers are more than the {there} there are"
        report = mapped(f"{flat}{family.without_multipliers}")
        report = replace(report, notes=(*report.notes, why))
    return report


def tie_carries(netlist: Path) -> None:
    """Leave the first carry of a Nexus' adder open where yosys ties it to a constant, which nextpnr does not take."""
    content = json.loads(netlist.read_text())
    changed = False
    for module in content["modules"].values():
        cells = module.get("cells", {}).values()
        zeros = {cell["connections"]["Z"][0] for cell in cells if cell["type"] == "VLO"}
        for cell in cells:
            if cell["type"] == "CCU2" and set(cell["connections"].get("CIN", ())) & zeros:
                cell["connections"]["CIN"] = []
                changed = True
    if changed:
        netlist.write_text(json.dumps(content))


def _finished(report: SynthesisReport, folder: Path) -> SynthesisReport:
    if not is_cut_short(report):  # of what was not routed the path can be looked for
        (folder / "netlist.json").unlink(missing_ok=True)
    (folder / "report.json").write_text(report.to_json() + "\n")
    return report


def _counted(
    statistics: Mapping[str, Any], ports: Sequence[Pin], family: OpenFamily, device: Device
) -> SynthesisReport:
    cells: dict[str, int] = statistics["design"]["num_cells_by_type"]
    serial = serial_flip_flops(ports)
    counted: dict[str, Any] = family.count(cells)
    return SynthesisReport(
        tool=f"Yosys {version('pyosys')}, nextpnr {version(family.program)}",
        origin=Origin.OPEN_FLOW,
        **counted,
        device=device.name,
        notes=(f"serial harness of {serial} flip-flops included; look-up tables of 4 inputs, a carry cell as 2",),
    )
