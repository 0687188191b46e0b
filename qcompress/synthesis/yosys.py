"""The open FPGA flow: yosys (as the Python module pyosys) maps the RTL to the cells of a Xilinx family.

Flow: `synth_xilinx -family FAMILY -flatten -nodsp -noiopad`, then `stat -json`. It ends before placement: no routing,
no timing, hence no Fmax. LUT: cells LUT1 to LUT6, each counted as one (two small ones that a placer would share are
two here), shift registers SRL* one LUT each; INV cells and carry chains are not counted. FF: FD* cells.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from qcompress.errors import QcompressError
from qcompress.synthesis.report import Origin, SynthesisReport
from qcompress.targets.processes import python_module, run_logged

FAMILIES = ("xcup", "xcu", "xc7")
"""UltraScale+, UltraScale, 7 series."""

RESOURCES = {
    "lut": re.compile(r"LUT[1-6]|SRL\w+"),
    "ff": re.compile(r"FD[A-Z]+"),
    "dsp": re.compile(r"DSP\w+"),
    "bram": re.compile(r"RAMB\w+"),
}
"""Which cell types are counted as what."""


def synthesize(
    rtl: Path, folder: Path, *, family: str = "xcup", time_limit_s: float, memory_limit_mb: int
) -> SynthesisReport:
    """Synthesize the design that target rtl left in folder `rtl`; log and statistics are written to `folder`.

    Raises QcompressError naming the log if yosys fails or takes more time or memory than allowed.
    """
    if family not in FAMILIES:
        raise QcompressError(f"yosys: family {family!r}; choose from {', '.join(FAMILIES)}")
    try:
        design = json.loads((rtl / "rtl.json").read_text())
    except (OSError, ValueError):
        raise QcompressError(f"{rtl}: no finished RTL; build target rtl again") from None
    sources = sorted((rtl / "verilog").glob("*.v"))
    folder.mkdir(parents=True, exist_ok=True)
    statistics, log = folder / "statistics.json", folder / "yosys.log"
    limits = (design["top"], family, str(memory_limit_mb))
    files = [str(path.resolve()) for path in (statistics, *sources)]
    command = python_module("qcompress.synthesis.yosys", files[0], *limits, *files[1:])
    run_logged(command, folder, log, f"yosys: synthesizing {design['top']}", time_limit_s=time_limit_s)
    content = json.loads(statistics.read_text())
    return SynthesisReport(
        tool=tool_name(content["creator"], family),
        origin=Origin.OPEN_FLOW,
        **count_resources(content["design"]["num_cells_by_type"]),
        latency_cycles=design["latency_cycles"],
        interval=design["interval"],
    )


def tool_name(creator: str, family: str) -> str:
    """Short name with version from the line that yosys writes into its statistics."""
    match = re.match(r"Yosys (\S+)", creator)
    return f"yosys {match[1] if match else '?'} synth_xilinx {family}"


def count_resources(cells: dict[str, int]) -> dict[str, int]:
    """Numbers of LUT, FF, DSP and BRAM from numbers of cells by type."""
    return {
        name: sum(count for cell, count in cells.items() if pattern.fullmatch(cell))
        for name, pattern in RESOURCES.items()
    }


def main(arguments: list[str]) -> None:
    """STATISTICS TOP FAMILY MEMORY_MB SOURCE...: run the flow in this process, within a limit of address space."""
    import resource

    statistics, top, family, memory_mb, *sources = arguments
    limit = int(memory_mb) << 20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    from pyosys import libyosys

    design: Any = libyosys.Design()
    for source in sources:
        libyosys.run_pass(f'read_verilog "{source}"', design)
    libyosys.run_pass(f"synth_xilinx -family {family} -top {top} -flatten -nodsp -noiopad", design)
    libyosys.run_pass(f'tee -q -o "{statistics}" stat -json', design)


if __name__ == "__main__":
    main(sys.argv[1:])
