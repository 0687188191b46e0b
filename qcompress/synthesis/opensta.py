"""The longest path of a mapped netlist by OpenSTA, where its program `sta` is on PATH."""

import re
import shutil
from pathlib import Path

from qcompress.errors import QcompressError
from qcompress.synthesis.yosys import Limits
from qcompress.targets.processes import run_logged

PROGRAM = "sta"
NETLIST = "netlist.v"
"""The mapped netlist as Verilog, beside the script."""
PERIOD_NS = 1000
"""Of the clock: the path is this less the slack."""
SLACK = re.compile(r"^worst slack\s+(?:max\s+)?(-?[\d.]+)", re.MULTILINE)


def program() -> list[str]:
    """The path of OpenSTA, if it is there."""
    found = shutil.which(PROGRAM)
    return [found] if found else []


def script(library: Path, top: str) -> str:
    """Commands for OpenSTA: library, in nanoseconds, netlist of module top, a clock, the worst path to any register."""
    return "\n".join(
        [
            f"read_liberty {library.name}",
            f"read_verilog {NETLIST}",
            f"link_design {top}",
            "set_cmd_units -time ns",
            f"create_clock -name clk -period {PERIOD_NS} [get_ports clk]",
            "set_input_delay 0 -clock clk [all_inputs -no_clocks]",
            "set_output_delay 0 -clock clk [all_outputs]",
            "report_checks -path_delay max",
            "report_worst_slack -max",
            "exit",
            "",
        ]
    )


def longest_path(library: Path, top: str, folder: Path, limits: Limits) -> tuple[float | None, str]:
    """Nanoseconds of the longest path, set-up time included, and a note; None without OpenSTA.

    library: a liberty file in `folder`, where the netlist of module top is too; limits: of time. Raises QcompressError
    naming the log if the program fails or gives no slack.
    """
    if not program():
        return None, ""
    (folder / "sta.tcl").write_text(script(library, top))
    log = folder / "sta.log"
    log.unlink(missing_ok=True)
    run_logged([*program(), "-exit", "sta.tcl"], folder, log, f"OpenSTA: {top}", time_limit_s=limits.time_s)
    found = SLACK.search(log.read_text(errors="replace"))
    if found is None:
        raise QcompressError(f"OpenSTA: no worst slack of {top}: see {log}")
    return PERIOD_NS - float(found[1]), "longest path: OpenSTA's, wires left out"
