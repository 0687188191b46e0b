"""AXI4-Stream around a design in Verilog: a row a beat, ready and valid on both sides, back pressure without a stall.

A design takes a row every `interval` cycles and gives its result a fixed number of cycles later; it cannot be stopped.
So a row is only taken while a place is free for its result: a counter of free places goes down when a row is taken,
and up when a result leaves the memory that catches results. Nothing of the design's clock depends on who listens.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from qcompress.graph import Graph
from qcompress.graph.ports import INPUT, OUTPUT
from qcompress.targets.rtl.load_port import store_ports
from qcompress.targets.rtl.verilog import Bus, Verilog, bits, buses, number, zeros
from qcompress.targets.rtl.weight_store import Layout

READ_EDGES = 2
"""Clock edges from a result's arrival until its place is free again, if it is taken at once."""


@dataclass(frozen=True)
class Timed:
    """A design of a graph: module `top`; latency in clock edges, interval in cycles.

    layout: of weights that are loaded, in so many banks, or None.
    """

    graph: Graph
    top: str
    latency: int
    interval: int = 1
    layout: Layout | None = None
    banks: int = 1

    @property
    def inputs(self) -> tuple[Bus, ...]:
        """The buses of the graph's inputs."""
        return buses(INPUT, self.graph.input_ports)

    @property
    def outputs(self) -> tuple[Bus, ...]:
        """The buses of the graph's outputs."""
        return buses(OUTPUT, self.graph.output_ports)

    @property
    def places(self) -> int:
        """Results that are kept: as many as rows can be under way, so that nothing waits for want of one."""
        return -(-(self.latency + READ_EDGES) // self.interval) + 1

    @property
    def stream_top(self) -> str:
        """The module with the streams."""
        return f"{self.top}_axis"


def stream(way: str, bus: Bus) -> str:
    """The name of the stream of a bus: s_axis or m_axis, with the name of the port if there are several."""
    side = "s_axis" if way == INPUT else "m_axis"
    return side if bus.name == f"{way}_codes" else f"{side}_{bus.name.removeprefix(f'{way}_')}"


def data_bits(bus: Bus) -> int:
    """Bits of the TDATA of a bus: whole bytes."""
    return -(-bus.width // 8) * 8


def stream_ports(design: Timed) -> tuple[str, ...]:
    """The streams of a design, as declarations."""
    found = []
    for way, side, (there, back) in (
        (INPUT, design.inputs, ("input", "output")),
        (OUTPUT, design.outputs, ("output", "input")),
    ):
        for bus in side:
            name = stream(way, bus)
            found += [f"{there} {name}_tvalid", f"{back} {name}_tready", f"{there} {bits(data_bits(bus))} {name}_tdata"]
            found.append(f"{there} {name}_tlast")
    return tuple(found)


def load_ports(design: Timed) -> tuple[str, ...]:
    """The load port of a design and the bank that a row takes, as declarations; none with constant weights."""
    if design.layout is None:
        return ()
    return (*store_ports(design.layout, design.banks), *(["input input_bank"] if design.banks > 1 else []))


def stream_text(design: Timed) -> str:
    """The module with the streams, around the design."""
    source = Verilog()
    source.line(
        f"// {design.stream_top}: {design.top} with AXI4-Stream; a row is a beat, TLAST with each",
        f"// room for {design.places} results; latency from beat to beat {design.latency + READ_EDGES} clock edges",
        "// row_taken, row_done: a row enters, a result leaves the design",
    )
    ports = ("input aclk", "input aresetn", *load_ports(design), *stream_ports(design))
    with source.module(design.stream_top, *ports, "output row_taken", "output row_done"):
        source.line("reg running;", "always @(posedge aclk) running <= aresetn;")
        _take(source, design)
        _design(source, design)
        _memory(source, design)
        _give(source, design.outputs)
    return source.text()


def _take(source: Verilog, design: Timed) -> None:
    """A row is taken when all its inputs are there, a place is free and the design is ready."""
    width = design.places.bit_length()
    names = [stream(INPUT, bus) for bus in design.inputs]
    source.line(f"reg {bits(width)} free;", "wire design_ready, leaves;")
    source.line(f"wire able = running & design_ready & (free != {number(0, width)});")
    source.line(f"wire take = able & {' & '.join(f'{name}_tvalid' for name in names)};", "assign row_taken = take;")
    source.line(*(f"assign {name}_tready = {'able' if len(names) == 1 else 'take'};" for name in names))
    with source.block("always @(posedge aclk) begin"):
        source.line(
            f"if (!running) free <= {number(design.places, width)};",
            f"else if (take & ~leaves) free <= free - {number(1, width)};",
            f"else if (leaves & ~take) free <= free + {number(1, width)};",
        )
    source.line("")


def _design(source: Verilog, design: Timed) -> None:
    """The design, and `arrives` with each of its results."""
    source.line(*(f"wire {bus.declared};" for bus in design.outputs), "wire arrives;")
    connections = [".clk(aclk)"]
    connections += [f".{bus.name}({stream(INPUT, bus)}_tdata[{bus.width - 1}:0])" for bus in design.inputs]
    connections += [f".{bus.name}({bus.name})" for bus in design.outputs]
    if design.layout is None:
        line = "take" if design.latency == 1 else f"{{valid[{design.latency - 1}:1], take}}"
        source.line(f"reg [{design.latency}:1] valid;", f"assign arrives = valid[{design.latency}];")
        source.line(f"always @(posedge aclk) valid <= running ? {line} : {zeros(design.latency)};")
        source.line("assign design_ready = 1'b1;")
    else:
        names = [port.split()[-1] for port in load_ports(design)]
        connections += [".reset(~running)", ".input_valid(take)", ".input_ready(design_ready)"]
        connections += [".output_valid(arrives)", *(f".{name}({name})" for name in names)]
    with source.block(f"{design.top} network (", ");"):
        source.line(*(text + "," for text in connections[:-1]), connections[-1])
    source.line("assign row_done = arrives;", "")


def _memory(source: Verilog, design: Timed) -> None:
    """Results that wait, and the one in front."""
    places, total = design.places, sum(bus.width for bus in design.outputs)
    width, index = places.bit_length(), max(1, (places - 1).bit_length())
    together = ", ".join(bus.name for bus in design.outputs[::-1])
    source.line(
        f"reg {bits(total)} results [0:{places - 1}];",
        f"reg {bits(total)} front;",
        f"reg {bits(index)} first, next;",
        f"reg {bits(width)} waiting;",
        "reg standing;",
        "wire given;",
        f"assign leaves = (waiting != {number(0, width)}) & (~standing | given);",
    )
    last, zero, one = number(places - 1, index), number(0, index), number(1, index)
    with source.block("always @(posedge aclk) begin"):
        source.line(f"if (arrives) results[next] <= {{{together}}};", "if (leaves) front <= results[first];")
        with source.block("if (!running) begin"):
            source.line(f"next <= {zero};", f"first <= {zero};", "standing <= 1'b0;", f"waiting <= {number(0, width)};")
        with source.block("else begin"):
            source.line(
                f"if (arrives) next <= (next == {last}) ? {zero} : next + {one};",
                f"if (leaves) first <= (first == {last}) ? {zero} : first + {one};",
                "if (leaves | given) standing <= leaves;",
                f"if (arrives & ~leaves) waiting <= waiting + {number(1, width)};",
                f"else if (leaves & ~arrives) waiting <= waiting - {number(1, width)};",
            )
    source.line("")


def _give(source: Verilog, outputs: Sequence[Bus]) -> None:
    """The result in front at all streams; it has been given when each of them has taken it."""
    count, first = len(outputs), 0
    source.line(f"reg {bits(count)} sent;", f"wire {bits(count)} taken;")
    source.line("assign given = standing & (&(sent | taken));")
    source.line("always @(posedge aclk) sent <= (running & ~given) ? sent | taken : " + f"{zeros(count)};")
    for place, bus in enumerate(outputs):
        name, missing = stream(OUTPUT, bus), data_bits(bus) - bus.width
        data = f"front[{first + bus.width - 1}:{first}]"
        source.line(
            f"assign {name}_tvalid = standing & ~sent[{place}];",
            f"assign {name}_tlast = {name}_tvalid;",
            f"assign {name}_tdata = {f'{{{zeros(missing)}, {data}}}' if missing else data};",
            f"assign taken[{place}] = {name}_tvalid & {name}_tready;",
        )
        first += bus.width
