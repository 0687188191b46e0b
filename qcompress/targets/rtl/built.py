"""What all targets in Verilog have in common: they run here, open flows take them, a build begins in a clean folder."""

import shutil
from pathlib import Path
from typing import ClassVar

from qcompress.graph import Graph

FLOWS = ("yosys-xilinx", "yosys-ecp5", "yosys-nexus", "yosys-gowin", "yosys-gatemate", "yosys-asic")
"""Synthesis flows that take Verilog."""


class InVerilog:
    """A target that writes Verilog and has Verilator run it."""

    record: ClassVar[str]
    """Name of the file that a finished build leaves."""

    @property
    def simulated(self) -> bool:
        """Verilator runs it on any machine."""
        return True

    @property
    def flows(self) -> tuple[str, ...]:
        """Synthesis flows that take the Verilog."""
        return FLOWS

    def begin(self, graph: Graph, folder: Path) -> Path:
        """Clear `folder` of an earlier build and save the `graph` in it; gives the path of the build's log."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.record).unlink(missing_ok=True)
        for stale in ("verilog", "simulation", "bench", "axi", "vhdl", "vendor"):
            shutil.rmtree(folder / stale, ignore_errors=True)
        graph.save(folder / "graph")
        log = folder / "build.log"
        log.unlink(missing_ok=True)
        return log
