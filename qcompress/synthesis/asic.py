"""Synthesis to standard cells with yosys: area in gate equivalents, with our generic cells or the user's liberty file.

generic_cells.lib was written for this project: the common gates of static CMOS, each with the area of its transistors,
four of them being one gate equivalent (NAND2 = 1; flip-flop of 24 transistors = 6). It has no timing, so there is no
delay with it. Of a user's file the smallest cell with the function of a NAND2 is the unit, and the longest delay that
ABC reports within a module is given; OpenSTA is not run.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, Part, SynthesisReport
from qcompress.synthesis.yosys import Limits, run_passes

GENERIC = Path(__file__).with_name("generic_cells.lib")
NAND = re.compile(
    r"\(?\s*!\s*\(\s*\w+\s*[&* ]\s*\w+\s*\)\s*\)?|\(?\s*\(\s*\w+\s*[&* ]\s*\w+\s*\)'\s*\)?"
    r"|\(?\s*!\w+\s*[|+]\s*!\w+\s*\)?"
)
"""The function of a NAND2 as liberty files write it."""
DELAY = re.compile(r"Delay\s*=\s*([\d.]+)\s*ps")
PICOSECONDS = 1000


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

    verilog_files: all sources; liberty: the cells, else our generic ones, of which only gate equivalents are given;
    hierarchical: module by module, not flattened; limits: of time and memory. Raises QcompressError for a file that is
    no liberty file, and naming the log if yosys fails.
    """
    library = (liberty or GENERIC).resolve()
    unit = nand_area(library)
    flat = "" if hierarchical else " -flatten"
    passes = [f"synth -top {top}{flat}", f'dfflibmap -liberty "{library}"', f'abc -liberty "{library}"', "opt_clean"]
    run_passes(verilog_files, top, passes, f'-liberty "{library}"', folder, limits)
    report = read_area((folder / "cells.json").read_text(), unit)
    (folder / "cells.json").write_text((folder / "cells.json").read_text().replace(str(library), library.name))
    delays = [float(found) for found in DELAY.findall((folder / "yosys.log").read_text(errors="replace"))]
    how = "module by module" if hierarchical else "flattened"
    report = replace(
        report,
        device=library.name,
        area=report.area if liberty else None,
        delay_ns=max(delays) / PICOSECONDS if liberty and delays else None,
        notes=(f"{library.name}, {how}, NAND2 = {unit:g}",),
    )
    (folder / "report.json").write_text(report.to_json() + "\n")
    return report


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
    try:
        text = library.read_text(errors="replace")
    except OSError as fault:
        raise QcompressError(f"{library}: cannot be read ({fault.strerror})") from None
    if not re.search(r"\blibrary\s*\(", text):
        raise QcompressError(f"{library}: no liberty file; give one that begins with library(NAME)")
    code = re.sub(r'/\*.*?\*/|"[^"]*"', "", text, flags=re.DOTALL)
    if code.count("{") != code.count("}"):
        raise QcompressError(f"{library}: a liberty file that is cut off: its braces do not match; take it anew")
    areas = []
    for cell in re.split(r"\bcell\s*\(", text)[1:]:
        functions = re.findall(r'\bfunction\s*:\s*"([^"]*)"', cell)
        area = re.search(r"\barea\s*:\s*((?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?=[\s;])", cell)
        if len(functions) == 1 and area and NAND.fullmatch(functions[0].strip()):
            areas.append(float(area[1]))
    if not areas or min(areas) <= 0:
        raise QcompressError(f"{library}: holds no two-input NAND with an area, the unit of gate equivalents")
    return min(areas)
