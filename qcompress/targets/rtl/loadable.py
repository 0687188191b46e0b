"""The graph as Verilog whose weights are loaded at run time, parallel or folded, and its Verilator simulation.

    module qcompress_rtl_loadable (clk, reset, load_enable, load_address, load_data,
                                   input_valid, input_codes, input_ready, output_valid, output_codes)

A block of weights is written at a rising edge with `load_enable`. A row is taken at a rising edge with `input_valid`,
every `interval` cycles at most (`input_ready` says when); its result stands at the output `latency_cycles` edges
later, with `output_valid`. Weights must stand still while a row is under way. A graph of several inputs or outputs has
a bus for each (`verilog.buses`; the record says which): all inputs of a row are taken at once, all outputs appear
together.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, field_validator

from qcompress.errors import Refused
from qcompress.files import JsonObject
from qcompress.graph import Graph
from qcompress.graph.ports import INPUT, OUTPUT
from qcompress.targets.build_cost import loadable_cost
from qcompress.targets.processes import require
from qcompress.targets.record import read_record, write_record
from qcompress.targets.rtl.bench import write_bench
from qcompress.targets.rtl.built import InVerilog
from qcompress.targets.rtl.loadable_body import LoadableBody
from qcompress.targets.rtl.loadable_cuts import RADICES, Clock, Cuts
from qcompress.targets.rtl.loadable_emit import Design, refuse, write
from qcompress.targets.rtl.loadable_ram import ram_layout
from qcompress.targets.rtl.loadable_writer import layers
from qcompress.targets.rtl.other_languages import write_others
from qcompress.targets.rtl.vendor_scripts import scripted, write_scripts
from qcompress.targets.rtl.verilator import Simulation
from qcompress.targets.rtl.verilog import bus_record, buses
from qcompress.targets.rtl.weight_store import Layout

TOP = "qcompress_rtl_loadable"
RECORD = "rtl_loadable.json"
LINT_WAIVERS = ("UNUSEDSIGNAL", "DECLFILENAME")
"""Bits that a cast drops are not used; the modules of a design stand in one file."""
DRIVER = "loadable_driver.cpp"
MARKED = ("choices", "products", "adders")
"""Settings that a name says where they are given."""
MOST = 1024
"""The largest reuse factor that a config may say."""


@dataclass(frozen=True)
class RtlLoadable(InVerilog):
    """Settings of the design; a Target.

    reuse: clock cycles between inputs, in which a multiplier does as many products; adders, choices, products: where
    registers stand (`loadable_cuts.Cuts`); device, clock_mhz: what chooses them where they are None; banks: of weights;
    storage: of weights, registers, or ram where folding allows; share: whether elementwise operations behind a folded
    layer stand once for each of its sums, not for every output; block_bits: weights that are loaded at once;
    optimization: g++'s -O.
    """

    record: ClassVar[str] = RECORD
    reuse: int = 1
    adders: int | None = None
    choices: int | None = None
    products: int | None = None
    device: str | None = None
    clock_mhz: float | None = None
    banks: int = 1
    storage: str = "registers"
    share: bool = False
    block_bits: int = 64
    optimization: str = "1"

    @property
    def name(self) -> str:
        parts = ["rtl_loadable"] + ([str(self.reuse)] if self.reuse > 1 else [])
        if self.device and self.clock_mhz:
            parts.append(f"{self.device}-{self.clock_mhz:g}MHz")
        parts += [f"{what}{value}" for what in MARKED if (value := getattr(self, what)) is not None]
        parts += [f"banks{self.banks}"] if self.banks > 1 else []
        parts += ["share"] if self.share else []
        return "-".join([*parts, *(["ram"] if self.storage == "ram" else [])])

    @property
    def cuts(self) -> Cuts:
        """Where registers stand; raises QcompressError for a device without a delay model."""
        clock = Clock.of(self.device, self.clock_mhz) if self.device and self.clock_mhz else None
        return Cuts(self.choices, self.products, self.adders, self.banks, self.storage, self.share, clock)

    def cost(self, graph: Graph) -> tuple[float, float]:
        """Seconds and megabytes that the build of graph will take, as `build_cost` knows them."""
        return loadable_cost(graph.pruned(), self.reuse, self.cuts)

    def layout(self, graph: Graph) -> Layout:
        """Where the weights of a graph stand in the blocks."""
        graph = graph.pruned()
        if self.storage == "ram":
            return ram_layout(graph, self.block_bits, layers(graph, self.reuse, cuts=self.cuts))
        return Layout.of(graph, self.block_bits)

    def refuse(self, graph: Graph) -> None:
        """Raises Refused for a graph without weights, settings that are none and designs that are too large."""
        for what in ("reuse", "adders", "block_bits"):
            if (value := getattr(self, what)) is not None and value < 1:
                raise Refused(f"rtl_loadable: {what} {value}: give 1 or more")
        for what, allowed in (("choices", (None, 0, *RADICES)), ("products", (None, 1, 2)), ("banks", (1, 2))):
            if (value := getattr(self, what)) not in allowed:
                known = ", ".join(str(one) for one in sorted(one for one in allowed if one is not None))
                raise Refused(f"rtl_loadable: {what} {value}: give one of {known}")
        if self.storage not in ("registers", "ram"):
            raise Refused(f"rtl_loadable: storage {self.storage}: give registers or ram")
        if (self.device is None) != (self.clock_mhz is None):
            raise Refused("rtl_loadable: a clock is aimed at on a device: give both device and clock_mhz, or none")
        refuse(graph.pruned(), self.reuse)
        found = layers(graph.pruned(), self.reuse, cuts=self.cuts)
        if self.share and not any(layer.shared for layer in found):
            raise Refused(
                f"rtl_loadable: share: graph {graph.name} has no folded layer that casts, ReLUs or tables alone "
                "follow: leave it out"
            )
        for layer in found:
            if self.storage == "ram" and (width := layer.operation.kernel_format.width) > self.block_bits:
                raise Refused(
                    f"rtl_loadable: node {layer.name} has weights of {width} bits, a block of memory {self.block_bits}"
                )

    def build(self, graph: Graph, folder: Path) -> "LoadableBody":
        """Write folder/verilog of graph, a test bench and the record, and compile the simulation.

        Raises Refused, ToolMissing.
        """
        self.refuse(graph)
        compiler = require("g++", "g++")
        log = self.begin(graph, folder)
        design = self.write_verilog(graph, folder)
        layout = self.layout(graph)
        sides = buses(INPUT, graph.input_ports), buses(OUTPUT, graph.output_ports)
        constants = clocking(design.latency, design.interval, layout, self.banks)
        simulation = Simulation(TOP, *sides, constants, compiler, [f"-O{self.optimization}"], LINT_WAIVERS, DRIVER)
        simulation.build([folder / "verilog" / f"{TOP}.v"], folder / "simulation", log)
        write_bench(graph, folder / "bench", TOP, design.latency, layout, design.interval, self.banks)
        write_others(folder, TOP, design.latency, design.interval, self.banks)
        write_scripts(scripted(folder, TOP, self.device, self.clock_mhz), folder)
        write_record(folder / RECORD, graph, {"settings": asdict(self), **describe(graph, design, layout, self.banks)})
        return self.open(graph, folder)

    def write_verilog(self, graph: Graph, folder: Path) -> Design:
        """The design of graph alone, as folder/verilog/qcompress_rtl_loadable.v."""
        design = write(graph, TOP, self.layout(graph), self.reuse, self.cuts)
        (folder / "verilog").mkdir(parents=True, exist_ok=True)
        (folder / "verilog" / f"{TOP}.v").write_text(design.text)
        return design

    def open(self, graph: Graph, folder: Path) -> "LoadableBody":
        """The simulation of graph that `build` left in `folder`, with the graph's own weights loaded."""
        read_record(folder / RECORD, graph)
        return LoadableBody(self.name, graph, folder / "simulation" / "simulate", self.layout(graph))


class Settings(BaseModel):
    """What a config may say of Verilog with loadable weights."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reuse: Annotated[int, Field(ge=1, le=MOST)] = 1
    """Clock cycles between inputs."""
    device: str | None = None
    """A device whose delays choose where registers stand."""
    clock_mhz: Annotated[float, Field(gt=0, le=2000, allow_inf_nan=False)] | None = None
    """The clock that is aimed at."""
    choices: Literal[0, 2, 4, 8, 16] | None = None
    """Inputs of a multiplexer between two registers; 0: none between selection and multiplier."""
    products: Literal[1, 2] | None = None
    """Cycles of a product."""
    adders: Annotated[int, Field(ge=1)] | None = None
    """Levels of adders between two registers."""
    banks: Literal[1, 2] = 1
    """Banks of weights."""
    storage: Literal["registers", "ram"] = "registers"
    """Where weights are kept that differ from step to step."""
    share: StrictBool = False
    """Elementwise operations behind a folded layer stand once for each of its sums, not for every output."""

    @field_validator("reuse", mode="before")
    @classmethod
    def _number(cls, given: Any) -> Any:
        if isinstance(given, bool):  # true would count as 1
            raise ValueError(f"give a reuse factor: 1 to {MOST}")
        return given


def target(settings: Settings) -> RtlLoadable:
    """The target of a config's settings."""
    return RtlLoadable(**settings.model_dump())


TARGET = RtlLoadable()
VARIANTS = {settings.name: settings for settings in (RtlLoadable(reuse=2**n) for n in range(1, 8))}


def describe(graph: Graph, design: Design, layout: Layout, banks: int = 1) -> JsonObject:
    """What the record says of a design of graph with its weights in layout, in so many banks."""
    inputs, outputs = buses(INPUT, graph.input_ports), buses(OUTPUT, graph.output_ports)
    return {
        "top": TOP,
        "latency_cycles": design.latency,
        "interval": design.interval,
        "multipliers": design.multipliers,
        "weights": {"bits": layout.bits, "blocks": layout.blocks, "block_bits": layout.block_bits},
        **bus_record(graph),
        "ports": {
            "clk": "clock, rising edge",
            "reset": "no row is under way",
            "load_enable, load_address, load_data": f"write one of {layout.blocks} blocks of {layout.block_bits} bits",
            **({"load_bank": "bank that is written", "input_bank": "bank that a row takes"} if banks > 1 else {}),
            "input_valid, input_ready": f"a row every {design.interval} cycles at most",
            **{bus.name: bus.content for bus in inputs},
            "output_valid": "a result stands at the output",
            **{bus.name: bus.content for bus in outputs},
        },
    }


def clocking(latency: int, interval: int, layout: Layout, banks: int = 1) -> dict[str, int]:
    """What the driver must know, by macro: latency in clock edges, interval in cycles, the load port, the banks."""
    words = -(-layout.block_bits // 64)
    return {"LATENCY": latency, "INTERVAL": interval, "BLOCKS": layout.blocks, "BLOCK_WORDS": words, "BANKS": banks}
