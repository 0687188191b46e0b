"""The graph as pipelined Verilog with constant weights, one input a clock cycle, and its Verilator simulation.

alkaid turns constant matrices into adder graphs and cuts them into pipeline stages; this module says which graph
operation is which arithmetic there, and gives the result ports in the graph's own number formats:

    module qcompress_rtl (input clk, input [N*W-1:0] input_codes, output [M*V-1:0] output_codes)

element 0 in the lowest bits, in the order of the flattened array; a graph of several inputs or outputs has a bus for
each (`verilog.buses`; the record says which). A result stands at the outputs `latency_cycles` rising edges after its
input stood at the inputs.
"""

import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from qcompress.devices import find_device
from qcompress.errors import Refused
from qcompress.files import JsonObject
from qcompress.fixedpoint import Format
from qcompress.graph import OPERATIONS, Graph, Linear, Node, Quantize, QuantizeEach, Table, TableEach
from qcompress.graph.operation import Operation
from qcompress.graph.ports import INPUT, OUTPUT
from qcompress.targets.build_cost import operations, rtl_cost
from qcompress.targets.processes import ProgramFailed, Simulator, python_module, require, run_logged
from qcompress.targets.record import read_record, write_record
from qcompress.targets.rtl.bench import write_bench
from qcompress.targets.rtl.built import InVerilog
from qcompress.targets.rtl.delays import clocked_family
from qcompress.targets.rtl.other_languages import write_others
from qcompress.targets.rtl.significant import reaches
from qcompress.targets.rtl.vendor_scripts import scripted, write_scripts
from qcompress.targets.rtl.verilator import Simulation
from qcompress.targets.rtl.verilog import buses

TOP = "qcompress_rtl"
"""Name of the top module."""

BUDGET = 20_000
"""Operations (products with weights that are not zero, and elements of everything else) that alkaid is given."""
TABLE_BITS = 12
"""Widest input of a table: its entries become logic."""
WEIGHT_BITS = 24
"""alkaid solves constant matrices in float32."""
VALUE_BITS = 23
"""Widest value, sign not counted, of a format or from top to bottom of a cast: alkaid takes its constants (biases,
half units, limits and their sums) apart in float32, whose significand has 24 bits."""
SUM_BITS = 32
"""Widest sum of products, sign not counted: random layers were exact up to 41 bits, and wrong from 42."""
WRONG_LOGIC = 3
"""Exit status of the build process that found alkaid's logic different from the graph."""
REFUSED = 4
"""Exit status of the build process that left a refusal in verilog/refused."""


@dataclass(frozen=True)
class Rtl(InVerilog):
    """Settings of the Verilog; a Target.

    latency_cutoff: adder levels between registers, where no clock is given; clock_mhz: the clock that decides where
    registers go, on `device`, which then must be given; optimization: g++'s -O.
    """

    record: ClassVar[str] = "rtl.json"
    latency_cutoff: float = 5.0
    device: str | None = None
    clock_mhz: float | None = None
    optimization: str = "1"

    @property
    def name(self) -> str:
        return "rtl"

    def cost(self, graph: Graph) -> tuple[float, float]:
        """Seconds and megabytes that the build of graph will take, as `build_cost` knows them."""
        return rtl_cost(graph.pruned())

    def refuse(self, graph: Graph) -> None:
        """Raises Refused for operations, modes and formats of graph that alkaid does not compute exactly.

        Also for more operations than BUDGET, and for settings that make no sense.
        """
        if not self.latency_cutoff > 0:
            raise Refused(f"rtl: latency_cutoff {self.latency_cutoff}: give a number of adder levels above 0")
        self.pipelining()
        graph = graph.pruned()
        for given in graph.inputs:
            _refuse_wide("the input" + ("" if given.name == INPUT else f" {given.name}"), given.format)
        for node in graph.nodes:
            if type(node.operation) not in OPERATIONS.values():
                raise Refused(f"rtl: node {node.name}: {type(node.operation).__name__} has no proven Verilog")
            self._refuse_values(graph, node)
            if isinstance(node.operation, Linear):
                _refuse_heavy(node.name, node.operation, graph.formats[node.source])
            if (bits := _table_bits(node.operation, graph.formats[node.source])) > TABLE_BITS:
                raise Refused(f"rtl: node {node.name}: a table of {bits} bits, {TABLE_BITS} are allowed: quantize more")
        if (count := operations(graph)) > BUDGET:
            raise Refused(
                f"rtl: graph {graph.name} has {count} operations, {BUDGET} are allowed with constant weights: "
                "prune it, make it smaller, or use target rtl_loadable with a reuse factor"
            )

    def _refuse_values(self, graph: Graph, node: Node) -> None:
        """What no format proves narrow enough is looked at element by element, but for a cast of all."""
        operation, own = node.operation, graph.formats[node.name]
        if isinstance(operation, Quantize):
            _refuse_wide(f"node {node.name}", own)
            _refuse_cast(node, operation, graph.formats[node.source])
        elif isinstance(operation, QuantizeEach):
            _refuse_casts(graph, node, operation)
        elif own.width - own.signed > VALUE_BITS and reaches(graph)[node.name].widest > VALUE_BITS:
            _refuse_wide(f"node {node.name}", own)

    def build(self, graph: Graph, folder: Path) -> Simulator:
        """Write folder/verilog of graph and the record, compile the simulation (about 1 min for 2100 weights).

        Raises Refused, ToolMissing.
        """
        self.refuse(graph)
        compiler = require("g++", "g++")
        log = self.begin(graph, folder)
        write = python_module("alkaid", "qcompress.targets.rtl.build", json.dumps(self.pipelining()))
        try:
            run_logged(write, folder, log, f"rtl: writing the Verilog of {graph.name}")
        except ProgramFailed as fault:
            if fault.status == REFUSED:
                raise Refused((folder / "verilog" / "refused").read_text()) from None
            if fault.status == WRONG_LOGIC:
                raise Refused(f"rtl: alkaid's logic differs from graph {graph.name}: see {log}") from None
            raise
        design = json.loads((folder / "verilog" / "design.json").read_text())
        ports = buses(INPUT, graph.input_ports), buses(OUTPUT, graph.output_ports)
        latency = {"LATENCY": design["latency_cycles"]}
        simulation = Simulation(TOP, *ports, latency, compiler, [f"-O{self.optimization}"])
        simulation.build(verilog_files(folder), folder / "simulation", log)
        write_bench(graph, folder / "bench", TOP, design["latency_cycles"])
        write_others(folder, TOP, design["latency_cycles"])
        write_scripts(scripted(folder, TOP, self.device, self.clock_mhz), folder)
        write_record(folder / self.record, graph, {"settings": asdict(self), "alkaid": version("alkaid"), **design})
        return self._body(graph, folder)

    def open(self, graph: Graph, folder: Path) -> Simulator:
        """The simulation of graph that `build` left in `folder`."""
        read_record(folder / self.record, graph)
        return self._body(graph, folder)

    def pipelining(self) -> JsonObject:
        """What the build process is told.

        Raises QcompressError for an unknown device, a clock without one and one of a device without a delay model.
        """
        if self.device is not None:
            find_device(self.device)
        if self.clock_mhz is None:
            return {"latency_cutoff": self.latency_cutoff}
        return {"family": clocked_family("rtl", self.device, self.clock_mhz), "clock_mhz": self.clock_mhz}

    def _body(self, graph: Graph, folder: Path) -> Simulator:
        return Simulator(self.name, graph, folder / "simulation" / "simulate")


class Settings(BaseModel):
    """What a config may say of the Verilog."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_cutoff: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 5.0
    """Adder levels between registers, where no clock is given."""
    device: str | None = None
    """What the clock is for."""
    clock_mhz: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The clock that decides where registers go."""


def target(settings: Settings) -> Rtl:
    """The target of a config's settings; raises QcompressError for a device or a clock that no build would take."""
    made = Rtl(**settings.model_dump())
    made.pipelining()
    return made


TARGET = Rtl()


def verilog_files(folder: Path) -> list[Path]:
    """The Verilog sources of the build in folder, sorted; the top module is `TOP`."""
    return sorted((folder / "verilog").glob("*.v"))


def _refuse_wide(what: str, format_: Format) -> None:
    if format_.width - format_.signed > VALUE_BITS:
        raise Refused(f"rtl: {what} has {format_}; alkaid is exact up to {VALUE_BITS} bits and sign: use fewer")


def _refuse_heavy(node: str, operation: Linear, given: Format) -> None:
    kernel = operation.kernel_format
    if kernel.width > WEIGHT_BITS:
        raise Refused(f"rtl: node {node} has weights of {kernel}; alkaid is exact up to {WEIGHT_BITS} bits: use fewer")
    largest = max(-given.min_code, given.max_code) * int(np.abs(operation.matrix).sum(axis=1).max())
    if largest.bit_length() > SUM_BITS:
        raise Refused(
            f"rtl: node {node} has sums of {largest.bit_length()} bits, alkaid is tried up to {SUM_BITS}: use fewer"
        )


def _table_bits(operation: Operation, given: Format) -> int:
    """Bits of the widest input of a table, 0 where there is none."""
    if isinstance(operation, TableEach):
        return int(operation.width.max())
    return given.width if isinstance(operation, Table) else 0


def _refuse_casts(graph: Graph, node: Node, operation: QuantizeEach) -> None:
    """Raises Refused if a cast of an element needs more bits, from the element's top to its bottom, than are exact."""
    given = reaches(graph)[node.source]
    kinds = operation.kind_of_each(graph.shapes[node.source]).reshape(graph.shapes[node.source])
    for kind, cast in enumerate(operation.casts):
        if (reach := given.with_cast(cast, kinds == kind)) > VALUE_BITS and cast is not None:
            raise Refused(
                f"rtl: node {node.name}: from top to bottom a cast to {cast.format} has {reach} bits; alkaid is exact "
                f"up to {VALUE_BITS}: bring the formats closer"
            )


def _refuse_cast(node: Node, operation: Quantize, given: Format) -> None:
    target = operation.cast.format
    top = max(given.integer - given.signed, target.integer - target.signed)
    reach = top + max(given.fraction, target.fraction)
    if reach > VALUE_BITS:
        raise Refused(
            f"rtl: node {node.name}: from top to bottom {given} and {target} are {reach} bits; alkaid is exact up to "
            f"{VALUE_BITS}: bring the formats closer"
        )
