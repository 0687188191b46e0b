"""The graph as pipelined Verilog with constant weights, one input a clock cycle, and its Verilator simulation.

alkaid turns constant matrices into adder graphs and cuts them into pipeline stages; this module says which graph
operation is which arithmetic there, and gives the result ports in the graph's own number formats:

    module qcompress_rtl (input clk, input [N*W-1:0] input_codes, output [M*V-1:0] output_codes)

element 0 in the lowest bits, in the order of the flattened array. A result stands at the output `latency_cycles`
rising edges after its input stood at the input.
"""

import json
import shutil
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Quantize
from qcompress.graph.operations import Linear
from qcompress.targets.processes import Simulator, python_module, require, run_logged
from qcompress.targets.record import read_record, write_record
from qcompress.targets.verilator import Simulation

TOP = "qcompress_rtl"
"""Name of the top module."""

OPERATIONS = (Quantize, Conv2D, Dense, Flatten)
ROUNDINGS = (Rounding.TRN, Rounding.RND, Rounding.RND_CONV)
OVERFLOWS = (Overflow.WRAP, Overflow.SAT, Overflow.SAT_SYM)
WEIGHT_BITS = 24
"""alkaid solves constant matrices in float32."""
FORMAT_BITS = 30
CAST_BITS = 31
"""alkaid adds constants (biases, half units) as 32-bit integers: a cast may not reach over more bits than this."""


@dataclass(frozen=True)
class Rtl:
    """Settings of the Verilog; a Target. latency_cutoff: adder levels between registers; optimization: g++'s -O."""

    latency_cutoff: float = 5.0
    optimization: str = "1"

    @property
    def name(self) -> str:
        return "rtl"

    def refuse(self, graph: Graph) -> None:
        """Raises Refused for operations, modes and formats that alkaid does not compute exactly."""
        if not self.latency_cutoff > 0:
            raise Refused(f"rtl: latency_cutoff {self.latency_cutoff}: give a number of adder levels above 0")
        _refuse_wide("the input", graph.input_format, FORMAT_BITS)
        for node in graph.nodes:
            if type(node.operation) not in OPERATIONS:
                raise Refused(f"rtl: node {node.name}: {type(node.operation).__name__} has no proven Verilog")
            _refuse_wide(f"node {node.name}", graph.formats[node.name], FORMAT_BITS)
            if isinstance(node.operation, Linear):
                _refuse_wide(f"node {node.name}, kernel", node.operation.kernel_format, WEIGHT_BITS)
            if isinstance(node.operation, Quantize):
                _refuse_cast(node, node.operation, graph.formats[node.source])
        output = graph.ranges()[graph.nodes[-1].name]
        if not np.any(output.low != output.high):
            raise Refused(f"rtl: the output of graph {graph.name} does not depend on its input")

    def build(self, graph: Graph, folder: Path) -> Simulator:
        """Write folder/verilog and folder/rtl.json, compile the simulation (about 1 min for an ECON-T encoder)."""
        self.refuse(graph)
        compiler = require("g++", "g++")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "rtl.json").unlink(missing_ok=True)
        for stale in ("verilog", "simulation"):
            shutil.rmtree(folder / stale, ignore_errors=True)
        graph.save(folder / "graph")
        log = folder / "build.log"
        log.unlink(missing_ok=True)
        write = python_module("qcompress.targets.rtl_build", str(self.latency_cutoff))
        run_logged(write, folder, log, f"rtl: writing the Verilog of {graph.name}")
        design = json.loads((folder / "verilog" / "design.json").read_text())
        simulation = Simulation(TOP, _ports(graph, design), compiler, [f"-O{self.optimization}"])
        simulation.build(verilog_files(folder), folder / "simulation", log)
        write_record(folder / "rtl.json", graph, {"settings": asdict(self), "alkaid": version("alkaid"), **design})
        return self._body(graph, folder)

    def open(self, graph: Graph, folder: Path) -> Simulator:
        """The simulation that `build` left in `folder`."""
        read_record(folder / "rtl.json", graph)
        return self._body(graph, folder)

    def _body(self, graph: Graph, folder: Path) -> Simulator:
        return Simulator(self.name, graph, folder / "simulation" / "simulate")


TARGET = Rtl()


def verilog_files(folder: Path) -> list[Path]:
    """The Verilog sources of a build, sorted; the top module is `TOP`."""
    return sorted((folder / "verilog").glob("*.v"))


def _refuse_wide(what: str, format_: Format, bits: int) -> None:
    if format_.width > bits:
        raise Refused(f"rtl: {what} has {format_}; alkaid is exact up to {bits} bits: use fewer")


def _refuse_cast(node: Node, operation: Quantize, given: Format) -> None:
    cast = operation.cast
    for mode, known in ((cast.rounding, ROUNDINGS), (cast.overflow, OVERFLOWS)):
        if mode not in known:
            raise Refused(f"rtl: node {node.name}: alkaid has no {mode}: use one of {', '.join(known)}")
    reach = max(given.integer, cast.format.integer) + max(given.fraction, cast.format.fraction)
    if reach > CAST_BITS:
        raise Refused(
            f"rtl: node {node.name}: a cast of {given} to {cast.format} reaches over {reach} bits, not "
            f"over {CAST_BITS}: bring the formats closer"
        )


def _ports(graph: Graph, design: dict[str, Any]) -> dict[str, int]:
    """What the driver must know of the top module."""
    return {
        "INPUT_SIZE": int(np.prod(graph.input_shape)),
        "INPUT_WIDTH": graph.input_format.width,
        "OUTPUT_SIZE": int(np.prod(graph.output_shape)),
        "OUTPUT_WIDTH": graph.output_format.width,
        "OUTPUT_SIGNED": int(graph.output_format.signed),
        "LATENCY": design["latency_cycles"],
    }
