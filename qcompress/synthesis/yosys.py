"""FPGA synthesis of Verilog with yosys (the pyosys package): look-up tables and flip-flops, origin "open flow".

The flow is yosys' own `synth_xilinx -flatten -nodsp -noiopad`, technology mapping with ABC9; nothing is placed or
routed, so there is no Fmax. Counted are

    lut  LUT1 to LUT6, one each (synth_xilinx makes no LUT6_2 pairs), and every shift register cell (SRL16E,
         SRLC16E, SRLC32E), which occupies a look-up table; not MUXF7-9 and CARRY4/8, which stand beside the tables,
         nor INV: yosys leaves inverters at carry inputs as cells, vendors absorb them in the table before
    ff   FDRE, FDSE, FDCE, FDPE and their inverted-clock kin
    dsp  DSP48*; none, for they are switched off
    bram RAMB18 as one, RAMB36 as two
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.targets.processes import python_module, run_logged

LUTS = frozenset({"LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "LUT6_2", "SRL16E", "SRLC16E", "SRLC32E"})
FLIP_FLOPS = frozenset({"FDRE", "FDSE", "FDCE", "FDPE", "FDRE_1", "FDSE_1", "FDCE_1", "FDPE_1"})
DSPS = frozenset({"DSP48", "DSP48A", "DSP48A1", "DSP48E1", "DSP48E2"})
BRAMS = {"RAMB18E1": 1, "RAMB18E2": 1, "RAMB36E1": 2, "RAMB36E2": 2}


def synthesize(
    verilog_files: Sequence[Path],
    top: str,
    folder: Path,
    *,
    family: str = "xcup",
    time_limit_s: float = 1800,
    memory_limit_mb: int = 8192,
) -> SynthesisReport:
    """Synthesize module `top` for a Xilinx family; leaves yosys.log, cells.json and report.json in `folder`.

    Raises QcompressError naming the log if yosys fails, or needs more time or memory than it is given.
    """
    if missing := [str(path) for path in verilog_files if not path.is_file()]:
        raise QcompressError(f"yosys: no file {missing[0]}")
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "yosys.log"
    log.unlink(missing_ok=True)
    sources = [str(path.resolve()) for path in verilog_files]
    command = python_module("qcompress.synthesis.yosys_run", str(memory_limit_mb), family, top, *sources)
    run_logged(command, folder, log, f"yosys: synthesizing {top}", time_limit_s=time_limit_s)
    report = read_cells((folder / "cells.json").read_text())
    (folder / "report.json").write_text(report.to_json() + "\n")
    return report


def read_cells(statistics: str) -> SynthesisReport:
    """The report of what `stat -json` says about the whole design."""
    content = json.loads(statistics)
    cells: Mapping[str, int] = content["design"]["num_cells_by_type"]
    creator = " ".join(str(content["creator"]).split()[:2])
    return SynthesisReport(
        tool=creator,
        origin=Origin.OPEN_FLOW,
        lut=sum(count for cell, count in cells.items() if cell in LUTS),
        ff=sum(count for cell, count in cells.items() if cell in FLIP_FLOPS),
        dsp=sum(count for cell, count in cells.items() if cell in DSPS),
        bram=sum(count * BRAMS.get(cell, 0) for cell, count in cells.items()),
    )


def with_design(report: SynthesisReport, record: Path) -> SynthesisReport:
    """The report with latency and interval of a built design, read from its rtl.json."""
    try:
        design = json.loads(record.read_text())
        return replace(report, latency_cycles=design["latency_cycles"], interval=design["interval"])
    except (OSError, ValueError, KeyError, TypeError):
        raise QcompressError(f"{record}: no finished rtl build; build the target again") from None
