"""The simulation of a design behind its AXI modules: rows by streams, weights by registers, with pauses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qcompress.graph import Graph
from qcompress.graph.ports import INPUT, OUTPUT, Tensors, pack, unpack
from qcompress.targets.processes import require
from qcompress.targets.rtl.axi import FOLDER, axi_top, write_axi
from qcompress.targets.rtl.axi_registers import RegisterMap, register_map
from qcompress.targets.rtl.axi_stream import Timed, stream
from qcompress.targets.rtl.loadable_body import run_commands
from qcompress.targets.rtl.verilator import LINT_WAIVERS, Simulation
from qcompress.targets.rtl.verilog import Bus

QUEUE, ACCESS, WAIT = 0, 1, 2
"""Commands of the driver."""
TAKEN, GIVEN, ACCESSED = 1, 2, 4
"""What it waits for: all rows in, all results out, all accesses answered."""
WRITE, READ, POLL, REFUSED = 0, 1, 2, 3
"""Kinds of accesses."""
OKAY, SLVERR = 0, 2
"""Answers of AXI."""

Command = Iterable[int]


@dataclass(frozen=True)
class AxiBody:
    """The simulated design behind its AXI modules."""

    design: Timed
    program: Path

    @property
    def registers(self) -> RegisterMap:
        """The registers of a design with loadable weights."""
        return register_map(self.design)

    def queue(self, codes: Tensors) -> Command:
        """Rows of codes go in."""
        rows = pack(self.design.graph.input_ports, codes, "the design")
        return [QUEUE, len(rows), *(code & (2**64 - 1) for code in rows.ravel().tolist())]

    def write(self, address: int, value: int, answer: int = OKAY) -> Command:
        """A register is written, which is answered so."""
        return [ACCESS, WRITE, address, value, answer]

    def read(self, address: int, value: int) -> Command:
        """A register is read; anything but value ends the simulation."""
        return [ACCESS, READ, address, 0, value]

    def poll(self, address: int, mask: int, value: int) -> Command:
        """A register is read until it has the value under the mask."""
        return [ACCESS, POLL, address, mask, value]

    def load(self, graph: Graph) -> list[Command]:
        """All weights of graph are written, word by word."""
        registers, layout = self.registers, self.registers.layout
        return [
            self.write(registers.address(place, word), value)
            for place, block in enumerate(layout.to_blocks(graph))
            for word, value in enumerate(registers.words(block))
        ]

    def wait(self, *what: int) -> Command:
        """Until all of what has been queued is done."""
        return [WAIT, sum(what)]

    def run(self, commands: Sequence[Command]) -> Tensors:
        """The results of all rows that commands queue; raises QcompressError naming what did not go as it should."""
        ports = self.design.graph.output_ports
        every = [*commands, self.wait(TAKEN, GIVEN, ACCESSED)]
        return unpack(ports, run_commands(self.program, every, sum(port.size for port in ports)))


def build_simulation(design: Timed, folder: Path, optimization: str = "1") -> AxiBody:
    """Compile folder/axi_simulation of the design whose Verilog stands in folder/verilog.

    Raises ToolMissing without a compiler.
    """
    compiler = require("g++", "g++")
    write_axi(design, folder / FOLDER)
    inputs = [Bus(stream(INPUT, bus), bus.port) for bus in design.inputs]
    outputs = [Bus(stream(OUTPUT, bus), bus.port) for bus in design.outputs]
    constants = {"LATENCY": design.latency, "INTERVAL": design.interval, "LITE": int(design.layout is not None)}
    simulation = Simulation(
        axi_top(design), inputs, outputs, constants, compiler, [f"-O{optimization}"], LINT_WAIVERS, "axi_driver.cpp"
    )
    sources = [*sorted((folder / "verilog").glob("*.v")), *sorted((folder / FOLDER).glob("*.v"))]
    simulation.build(sources, folder / "axi_simulation", folder / "build.log")
    return AxiBody(design, folder / "axi_simulation" / "simulate")
