"""FPGA synthesis of Verilog with yosys (the pyosys package): look-up tables and flip-flops, origin "open flow".

The flow is yosys' own `synth_xilinx -nodsp -noiopad`, technology mapping with ABC9; nothing is placed or routed, so
there is no Fmax. A flat design is optimised across modules; a hierarchical one is mapped module by module, each once,
and counted as often as it stands in the design. Counted are

    lut  LUT1 to LUT6, one each (synth_xilinx makes no LUT6_2 pairs), and every shift register cell (SRL16E,
         SRLC16E, SRLC32E), which occupies a look-up table, and every memory in look-up tables with those it
         occupies (MEMORIES); not MUXF7-9 and CARRY4/8, which stand beside the tables,
         nor INV: yosys leaves inverters at carry inputs as cells, vendors absorb them in the table before
    ff   FDRE, FDSE, FDCE, FDPE and their inverted-clock kin
    dsp  DSP48*; none, for they are switched off
    bram RAMB18 as one, RAMB36 as two
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.files import JsonObject, write_json
from qcompress.synthesis.report import Origin, Part, SynthesisReport
from qcompress.targets.processes import python_module, run_logged

LUTS = frozenset({"LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2", "SRL16E", "SRLC16E", "SRLC32E"})
MEMORIES = {
    **{"RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4, "RAM512X1S": 8, "RAM32X2S": 2, "RAM64X2S": 2},
    **{"RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAM256X1D": 8},
    **{"RAM32M": 4, "RAM64M": 4, "RAM32M16": 8, "RAM64M8": 8, "RAM32X16DR8": 8, "RAM64X8SW": 8},
}
"""Memories that are made of look-up tables with six inputs, and of how many (AMD UG474 and UG574, distributed RAM)."""
FLIP_FLOPS = frozenset({"FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1"})
DSPS = frozenset({"DSP48", "DSP48A", "DSP48A1", "DSP48E1", "DSP48E2"})
BRAMS = {"RAMB18E1": 1, "RAMB18E2": 1, "RAMB36E1": 2, "RAMB36E2": 2}
FAMILIES = {"xcup": "UltraScale+", "xcu": "UltraScale", "xc7": "7-series"}

Cells = Mapping[str, int]


@dataclass(frozen=True)
class Limits:
    """What one run of a tool may take."""

    time_s: float = 1800
    memory_mb: int = 8192


def synthesize(
    verilog_files: Sequence[Path],
    top: str,
    folder: Path,
    *,
    family: str = "xcup",
    hierarchical: bool = False,
    limits: Limits = Limits(),
) -> SynthesisReport:
    """LUTs and FFs of module `top` on a Xilinx family; leaves yosys.log, cells.json and report.json in `folder`.

    verilog_files: all sources; family: one of FAMILIES; hierarchical: module by module, not flattened. Raises
    QcompressError naming the log if yosys fails, or needs more time or memory than its limits.
    """
    if family not in FAMILIES:
        raise QcompressError(f"yosys: family {family!r} is none of {', '.join(FAMILIES)}")
    flat = "" if hierarchical else " -flatten"
    passes = [f"synth_xilinx -family {family} -top {top}{flat} -nodsp -noiopad"]
    run_passes(verilog_files, top, passes, "", folder, limits)
    report = read_cells((folder / "cells.json").read_text())
    notes = (f"{FAMILIES[family]}, {'module by module' if hierarchical else 'flattened'}, no DSPs, not placed",)
    report = replace(report, device=family, notes=notes)
    (folder / "report.json").write_text(report.to_json() + "\n")
    return report


def run_passes(
    verilog_files: Sequence[Path], top: str, passes: Sequence[str], stat: str, folder: Path, limits: Limits
) -> None:
    """Run yosys in `folder`, which is made; leaves yosys.log and cells.json there.

    verilog_files: all sources; top: whom messages name; passes: yosys' commands, in order; stat: arguments of its
    `stat`; limits: of time and memory. Raises QcompressError for a missing source, and naming the log.
    """
    if missing := [str(path) for path in verilog_files if not path.is_file()]:
        raise QcompressError(f"yosys: no file {missing[0]}")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "yosys.log"
    log.unlink(missing_ok=True)
    sources = [str(path.resolve()) for path in verilog_files]
    job = {"memory_limit_mb": limits.memory_mb, "sources": sources, "passes": list(passes), "stat": stat}
    write_json(folder / "job.json", job)
    try:
        command = python_module("pyosys", "qcompress.synthesis.yosys_run", "job.json")
        run_logged(command, folder, log, f"yosys: synthesizing {top}", time_limit_s=limits.time_s)
    finally:
        (folder / "job.json").unlink()  # it names paths of this machine


def read_cells(statistics: str) -> SynthesisReport:
    """The report of statistics, the JSON text of `stat -json`: of the whole design, and of each of its modules."""
    content = json.loads(statistics)
    creator = " ".join(str(content["creator"]).split()[:2])
    counts = count(content["design"]["num_cells_by_type"])
    modules = {name.removeprefix("\\"): entry for name, entry in content.get("modules", {}).items()}
    parts = [Part(name, **count(_whole(name, modules))) for name in modules]
    return SynthesisReport(
        tool=creator,
        origin=Origin.OPEN_FLOW,
        **counts,
        parts=tuple(sorted(parts, key=lambda part: -(part.lut or 0))) if len(parts) > 1 else (),
    )


def count(cells: Cells) -> JsonObject:
    """Look-up tables, flip-flops, DSPs and block RAMs among Xilinx cells."""
    return {
        "lut": sum(number * (MEMORIES.get(cell, 0) + (cell in LUTS)) for cell, number in cells.items()),
        "ff": sum(number for cell, number in cells.items() if cell in FLIP_FLOPS),
        "dsp": sum(number for cell, number in cells.items() if cell in DSPS),
        "bram": sum(number * BRAMS.get(cell, 0) for cell, number in cells.items()),
    }


def _whole(name: str, modules: Mapping[str, Any]) -> dict[str, int]:
    """Cells of a module and of all modules in it."""
    cells: dict[str, int] = {}
    for cell, number in modules[name]["num_cells_by_type"].items():
        inner = _whole(cell, modules) if cell in modules else {cell: 1}
        for kind, each in inner.items():
            cells[kind] = cells.get(kind, 0) + number * each
    return cells
