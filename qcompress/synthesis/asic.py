"""Synthesis to standard cells with yosys: area in gate equivalents, with our generic cells or the user's liberty file.

generic_cells.lib was written for this project: the common gates of static CMOS, each with the area of its transistors,
four of them being one gate equivalent (NAND2 = 1; flip-flop of 24 transistors = 6). It has no timing, so there is no
delay with it. Of a user's file the smallest cell with the function of a NAND2 is the unit. The longest path is
OpenSTA's where `sta` is on PATH, else the longest that ABC reports within a module. Power is that of real rows
(`gate_power`), of a user's file alone.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.graph import Graph
from qcompress.graph.ports import Tensors
from qcompress.synthesis import opensta
from qcompress.synthesis.cell_functions import parse_function
from qcompress.synthesis.liberty import Group, Library, liberty_text, read_liberty
from qcompress.synthesis.report import Origin, Part, SynthesisReport
from qcompress.synthesis.yosys import Limits, run_passes

GENERIC = Path(__file__).with_name("generic_cells.lib")
DELAY = re.compile(r"Delay\s*=\s*([\d.]+)\s*ps")
PICOSECONDS = 1000
MAPPING = (
    "+strash;&get,-n;&fraig,-x;&put;scorr;dc2;dretime;strash;&get,-n;&dch,-f;&nf;&put;buffer;upsize;dnsize;stime,-p"
)
"""ABC's commands for cells with delays: yosys' own, then buffers for large fan-outs, sizes, and the longest path."""
POWER_DOMAINS = {"is_isolation_cell", "is_level_shifter", "always_on", "switch_cell_type", "retention_cell"}
"""Attributes of cells that are there for several supplies."""
ABC_PATH = "longest path: ABC's, between registers of a module; wires and the registers' own times left out"
NETLIST = "netlist.json"
"""The mapped netlist of a user's cells, while a flow is at work."""


def synthesize(
    verilog_files: Sequence[Path],
    top: str,
    folder: Path,
    *,
    liberty: Path | None = None,
    hierarchical: bool = False,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> SynthesisReport:
    """Area of module `top` in gate equivalents; leaves yosys.log, cells.json and report.json in `folder`.

    verilog_files: all sources; liberty: the cells, packed or not, else our generic ones, of which only gate equivalents
    are given; with it NETLIST is left too; hierarchical: module by module, not flattened; limits: of time and memory.
    Raises QcompressError for a file that is no liberty file, and naming the log if yosys or OpenSTA fails.
    """
    library = (liberty or GENERIC).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    cells = folder / "cells.lib"
    cells.write_text(liberty_text(library))
    flat = "" if hierarchical else " -flatten"
    cell_library = read_liberty(library)
    unit = _nand_area(cell_library, library)
    unused = "".join(f" -dont_use {name}" for name in special_cells(cell_library))
    script = f" -script {MAPPING}" if has_delays(cell_library) else ""
    passes = [f"synth -top {top}{flat}", f"dfflibmap -liberty cells.lib{unused}"]
    passes += [f"abc -liberty cells.lib{unused}{script}", "opt_clean -purge"]
    if liberty:
        passes += [f"write_json {NETLIST}", f"write_verilog -noattr -noexpr {opensta.NETLIST}"]
    try:
        run_passes(verilog_files, top, passes, "-liberty cells.lib", folder, limits)
        report = read_area((folder / "cells.json").read_text(), unit)
        path, said = opensta.longest_path(cells, top, folder, limits) if liberty else (None, "")
    finally:
        cells.unlink()
        (folder / opensta.NETLIST).unlink(missing_ok=True)
    if liberty and path is None:
        delays = [float(found) for found in DELAY.findall((folder / "yosys.log").read_text(errors="replace"))]
        path, said = (
            max(delays) / PICOSECONDS if delays else None,
            ABC_PATH,
        )
    how = "module by module" if hierarchical else "flattened"
    report = replace(
        report,
        device=library.name,
        area=report.area if liberty else None,
        delay_ns=path,
        notes=(f"{library.name}, {how}, NAND2 = {unit:g}", *([said] if path is not None else [])),
    )
    (folder / "report.json").write_text(report.to_json() + "\n")
    return report


def with_power(
    report: SynthesisReport,
    folder: Path,
    liberty: Path,
    graph: Graph,
    record: Mapping[str, Any],
    codes: Tensors,
    clock_mhz: float,
) -> SynthesisReport:
    """The report of a design whose NETLIST is in `folder`, with power and energy of an inference on rows of codes.

    graph, record: of the design; clock_mhz: for power. What cannot be simulated is named in `missing`.
    Raises QcompressError if the netlist does not give the graph's codes.
    """
    from qcompress.synthesis.gate_netlist import read_netlist
    from qcompress.synthesis.gate_power import measure, with_energy
    from qcompress.synthesis.stimulus import Stimulus

    try:
        netlist = read_netlist(folder / NETLIST, str(record["top"]))
        energy = measure(netlist, read_liberty(liberty), Stimulus(graph, record, codes))
    except Refused as fault:
        return replace(report, missing=(*report.missing, f"power: {fault}"))
    return with_energy(report, energy, clock_mhz, int(record["interval"]))


def read_area(statistics: str, unit: float) -> SynthesisReport:
    """The report of statistics, the JSON text of `stat -liberty -json`; unit: area of a NAND2 in the same unit.

    Raises QcompressError if the statistics give no area.
    """
    content = json.loads(statistics)
    cells = sum(content["design"]["num_cells_by_type"].values())
    area = content["design"].get("area", None if cells else 0.0)  # a design without cells has no entry
    if area is None:
        raise QcompressError("yosys: the statistics give no area; does the liberty file give its cells one?")
    modules = content.get("modules", {})
    parts = [Part(n.removeprefix("\\"), gate_equivalents=m["area"] / unit) for n, m in modules.items() if "area" in m]
    return SynthesisReport(
        tool=" ".join(str(content["creator"]).split()[:2]),
        origin=Origin.OPEN_FLOW,
        area=float(area),
        gate_equivalents=float(area) / unit,
        parts=tuple(sorted(parts, key=lambda part: -(part.gate_equivalents or 0))) if len(parts) > 1 else (),
    )


def nand_area(library: Path) -> float:
    """Area of the smallest two-input NAND of library, a liberty file, in its unit.

    Raises QcompressError if it cannot be read, is no liberty file, is cut off, or has no such cell.
    """
    return _nand_area(read_liberty(library), library)


def _nand_area(library: Library, path: Path) -> float:
    areas = [cell.number("area") or 0.0 for cell in library.cells.values() if _is_nand(cell)]
    if not areas or min(areas) <= 0:
        raise QcompressError(f"{path}: holds no two-input NAND with an area, the unit of gate equivalents")
    return min(areas)


def has_delays(library: Library) -> bool:
    """Whether a cell of library has tables of delays."""
    arcs = (arc for cell in library.cells.values() for pin in cell.all("pin") for arc in pin.all("timing"))
    return any(group.kind == "cell_rise" for arc in arcs for group in arc.groups)


def special_cells(library: Library) -> list[str]:
    """Names of cells between power domains, which logic has no use for."""
    return [name for name, cell in library.cells.items() if POWER_DOMAINS & cell.attributes.keys()]


def _is_nand(cell: Group) -> bool:
    """Whether the only output of a cell is 0 for one of the four values of its two inputs, both 1."""
    functions = [pin.attributes["function"] for pin in cell.all("pin") if "function" in pin.attributes]
    try:
        function = parse_function(functions[0]) if len(functions) == 1 else None
    except QcompressError:
        return False
    if function is None or len(function.pins()) != 2:
        return False
    words = (np.array([0b1100], np.uint64), np.array([0b1010], np.uint64))
    return int(function.of(dict(zip(sorted(function.pins()), words, strict=True)))[0]) & 0b1111 == 0b0111
