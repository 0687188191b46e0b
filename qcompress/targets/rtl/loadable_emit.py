"""A graph as Verilog with loadable weights: weight store, layers, what lies between them, valid flags, header.

A row stands at the inputs for one cycle, with `input_valid`; everything after that happens at fixed cycles. Arrival
times are counted in clock edges from that cycle. All outputs of a row appear together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.graph import ArgMax as _ArgMax
from qcompress.graph import Concatenate, Graph, Linear, Merge, Node, Operation, Pool, Rearrangement
from qcompress.graph import Table as _Table
from qcompress.graph.movement import numbered
from qcompress.graph.ports import INPUT, OUTPUT
from qcompress.targets.rtl.loadable_elements import ELEMENTS, aligned_module, element_module
from qcompress.targets.rtl.loadable_layers import Layer, layer_module, sum_module
from qcompress.targets.rtl.verilog import Bus, Verilog, bits, buses, element, number, zeros
from qcompress.targets.rtl.weight_store import Layout, linear_nodes

BUDGET = 20_000
"""Multipliers that stand side by side."""
LANES = 50_000
"""Elements of everything else."""


class Value(NamedTuple):
    """The bus that holds a node's elements, and when."""

    bus: str
    time: int


class Design(NamedTuple):
    """The Verilog of a graph; latency: clock edges from the input to its result; interval: between inputs."""

    text: str
    latency: int
    interval: int
    multipliers: int


@dataclass
class Writer:
    """A graph on its way to Verilog."""

    graph: Graph
    reuse: int
    adders: int
    modules: Verilog = field(default_factory=Verilog)
    body: Verilog = field(default_factory=Verilog)
    delayed: dict[Value, Value] = field(default_factory=dict)
    flags: int = 0
    """The latest arrival time of which a valid flag is needed."""

    @cached_property
    def inputs(self) -> tuple[Bus, ...]:
        """The buses of the graph's inputs."""
        return buses(INPUT, self.graph.input_ports)

    @cached_property
    def outputs(self) -> tuple[Bus, ...]:
        """The buses of the graph's outputs."""
        return buses(OUTPUT, self.graph.output_ports)

    def width(self, node: str) -> int:
        return self.graph.formats[node].width

    def size(self, node: str) -> int:
        return prod(self.graph.shapes[node])

    def valid(self, time: int) -> str:
        """The flag that says that what arrives at `time` is there."""
        self.flags = max(self.flags, time)
        return "input_valid" if time == 0 else f"valid[{time}]"

    def bus(self, node: str, name: str) -> str:
        return f"{bits(self.size(node) * self.width(node))} {name}"

    def later(self, node: str, value: Value, time: int) -> Value:
        """The same elements at a later time."""
        while value.time < time:
            if value not in self.delayed:
                name = f"{value.bus.split('__')[0]}__at_{value.time + 1}"
                self.body.line(f"reg {self.bus(node, name)};", f"always @(posedge clk) {name} <= {value.bus};")
                self.delayed[value] = Value(name, value.time + 1)
            value = self.delayed[value]
        return value


def identifier(name: str) -> str:
    """A name as Verilog takes it."""
    return "n_" + re.sub(r"\W", "_", name) if not re.match(r"[A-Za-z]\w*$", name) else name


def layers(graph: Graph, reuse: int, adders: int) -> list[Layer]:
    """The layers with weights."""
    return [
        Layer(_name(graph, node), node.operation, graph.formats[node.source], graph.shapes[node.source], reuse, adders)
        for node in linear_nodes(graph)
        if isinstance(node.operation, Linear)
    ]


def _name(graph: Graph, node: Node) -> str:
    """Module and bus name: the layer's, with its number where others would read the same, or where Verilog objects."""
    names = [identifier(other.name).lower() for other in graph.nodes]
    ports = [bus.name.lower() for bus in (*buses(INPUT, graph.input_ports), *buses(OUTPUT, graph.output_ports))]
    own = identifier(node.name)
    taken = names.count(own.lower()) > 1 or own.lower() in RESERVED or own.lower() in ports
    return f"{own}_{list(graph.nodes).index(node)}_" if taken else own


RESERVED = frozenset(
    """
    input output reg wire module begin end case default if else for or and not nand nor xor buf table always
    assign clk valid kernel bias sum codes load_enable load_address load_data input_codes output_codes
    input_valid output_valid input_ready reset waiting weights signed integer real time event repeat while
    forever function task initial wait strong0 strong1 small large medium weak0 weak1 pull0 pull1 release force
    edge join fork disable cell config design generate genvar instance liblist library localparam parameter
    primitive specify specparam tri use vectored scalared supply0 supply1 unsigned defparam negedge posedge
    notif0 notif1 bufif0 bufif1 cmos nmos pmos inout logic bit byte int string type var class new this super do
    return break continue static const enum struct union packed void final property sequence assert assume cover
    expect unique priority
    """.split()  # noqa: SIM905 - a list of words is read more easily so
)
"""Words of Verilog, and names of our own in the modules of a design."""


def refuse(graph: Graph, reuse: int, adders: int) -> None:
    """Raises Refused, naming node and reason, for a graph that this target does not write."""
    found = layers(graph, reuse, adders)
    if not found:
        raise Refused(f"rtl_loadable: graph {graph.name} has no weights; use target rtl")
    for node in graph.nodes:
        if (
            not isinstance(node.operation, Linear | Rearrangement | Concatenate)
            and type(node.operation) not in ELEMENTS
        ):
            raise Refused(f"rtl_loadable: node {node.name}: {type(node.operation).__name__} has no Verilog")
    for layer in found:
        try:
            layer.refuse()
        except Refused as fault:
            raise Refused(f"rtl_loadable: {fault}") from None
    if (count := sum(layer.multipliers for layer in found)) > BUDGET:
        raise Refused(
            f"rtl_loadable: graph {graph.name} has {count} multipliers at reuse factor {reuse}, {BUDGET} are allowed: "
            "use a larger reuse factor"
        )
    if (count := sum(prod(shape) for shape in graph.shapes.values())) > LANES:
        raise Refused(f"rtl_loadable: graph {graph.name} has {count} elements, {LANES} are allowed: make it smaller")


def write(graph: Graph, top: str, layout: Layout, reuse: int, adders: int) -> Design:
    """The Verilog of a graph, its top module named `top`."""
    graph = graph.pruned()
    writer = Writer(graph, reuse, adders)
    values = {bus.port.name: Value(bus.name, 0) for bus in writer.inputs}
    for node in graph.nodes:
        values[node.name] = _node(writer, node, [values[name] for name in node.sources])
    last = max(values[name].time for name in graph.outputs.values())
    results = [writer.later(name, values[name], last).bus for name in graph.outputs.values()]
    latency = last + 1
    source, ready = Verilog(), writer.valid(last)
    source.line(*_header(writer, top, layout, latency), "")
    _top(writer, source, top, layout, results, ready)
    _store(writer, source, top, layout)
    multipliers = sum(layer.multipliers for layer in layers(graph, reuse, adders))
    return Design(source.text() + writer.modules.text(), latency, reuse, multipliers)


def _header(writer: Writer, top: str, layout: Layout, latency: int) -> list[str]:
    graph = writer.graph
    lines = [
        f"// {top}: graph {graph.name} with weights that are loaded",
        f"// latency {latency} clock edges, interval {writer.reuse}, reuse factor {writer.reuse}",
        f"// {layout.bits} bits of weights in {layout.blocks} blocks of {layout.block_bits}",
        "// weights must stand still from the input of a row to its result",
        "//",
        *format_table(graph),
        *_bus_table(writer),
        "//",
        "// weights, from the lowest bit of block 0",
        *(f"//   {entry.node}.{entry.part}: {len(entry.order)} x {entry.width} bits" for entry in layout.entries),
    ]
    return lines


def _bus_table(writer: Writer) -> list[str]:
    """Which bus is which port of a graph that has several."""
    every = (*writer.inputs, *writer.outputs)
    return ["//", *(f"// {bus.name}: {bus.content}, {bus.port.name} of the graph" for bus in every)] * (len(every) > 2)


def format_table(graph: Graph) -> list[str]:
    """What every node gives, as comment lines."""
    rows = [(port.name, "", port.shape, port.format) for port in graph.input_ports]
    rows += [(n.name, type(n.operation).__name__, graph.shapes[n.name], graph.formats[n.name]) for n in graph.nodes]
    wide = max(len(name) for name, *_ in rows)
    return [
        f"// {name:<{wide}}  {operation:<15} {'x'.join(map(str, shape)):<12} {format_}"
        for name, operation, shape, format_ in rows
    ]


def _top(writer: Writer, source: Verilog, top: str, layout: Layout, results: Sequence[str], ready: str) -> None:
    """results: the bus of each output, all of the same time."""
    graph = writer.graph
    ports = (
        "input clk",
        "input reset",
        *store_ports(layout),
        "input input_valid",
        *(f"input {bus.declared}" for bus in writer.inputs),
        "output input_ready",
        "output reg output_valid",
        *(f"output reg {bus.declared}" for bus in writer.outputs),
    )
    with source.module(top, *ports):
        _flags(writer, source)
        if linear_nodes(graph):
            _store_wires(writer, source, top, layout)
        source.line("", *writer.body.text().splitlines())
        with source.block("always @(posedge clk) begin"):
            source.line(f"output_valid <= {ready};")
            for bus, result in zip(writer.outputs, results, strict=True):
                source.line(f"if ({ready}) {bus.name} <= {result};")


def store_ports(layout: Layout) -> tuple[str, ...]:
    """The load port: one block at a rising edge with `load_enable`."""
    return (
        "input load_enable",
        f"input {bits(layout.address_bits)} load_address",
        f"input {bits(layout.block_bits)} load_data",
    )


def _flags(writer: Writer, source: Verilog) -> None:
    """valid[t]: a row came t edges ago; input_ready: enough cycles have passed since the last one."""
    if writer.flags:
        source.line(f"reg [{writer.flags}:1] valid;")
        line = "input_valid" if writer.flags == 1 else f"{{valid[{writer.flags - 1}:1], input_valid}}"
        source.line(f"always @(posedge clk) valid <= reset ? {zeros(writer.flags)} : {line};")
    if writer.reuse == 1:
        source.line("assign input_ready = 1'b1;")
        return
    width = writer.reuse.bit_length()
    source.line(f"reg {bits(width)} waiting;", f"assign input_ready = waiting == {number(0, width)};")
    with source.block("always @(posedge clk) begin"):
        source.line(
            f"if (reset) waiting <= {number(0, width)};",
            f"else if (input_valid) waiting <= {number(writer.reuse - 1, width)};",
            f"else if (!input_ready) waiting <= waiting - {number(1, width)};",
        )


def _store_wires(writer: Writer, source: Verilog, top: str, layout: Layout) -> None:
    source.line("")
    connections = [".clk(clk)", *(f".{p}({p})" for p in ("load_enable", "load_address", "load_data"))]
    for entry in layout.entries:
        name = _weights(writer, entry.node, entry.part)
        source.line(f"wire {bits(entry.bits)} {name};")
        connections.append(f".{name}({name})")
    with source.block(f"{top}_weights weights (", ");"):
        source.line(*(text + "," for text in connections[:-1]), connections[-1])


def _weights(writer: Writer, node: str, part: str) -> str:
    found = next(other for other in writer.graph.nodes if other.name == node)
    return f"{_name(writer.graph, found)}_{part}"


def _store(writer: Writer, source: Verilog, top: str, layout: Layout) -> None:
    """The registers of all weights, written block by block."""
    places = layout.places()
    ports = [f"output {bits(entry.bits)} {_weights(writer, entry.node, entry.part)}" for entry in layout.entries]
    with source.module(f"{top}_weights", "input clk", *store_ports(layout), *ports):
        source.line(f"reg {bits(layout.bits)} stored;")
        with (
            source.block("always @(posedge clk) begin"),
            source.block("if (load_enable) case (load_address)", "endcase"),
        ):
            for block in range(layout.blocks):
                first = block * layout.block_bits
                count = min(layout.block_bits, layout.bits - first)
                data = "load_data" if count == layout.block_bits else f"load_data[{count - 1}:0]"
                source.line(f"{number(block, layout.address_bits)}: stored[{first + count - 1}:{first}] <= {data};")
            source.line("default: ;")
        for entry in layout.entries:
            _stored_wire(source, _weights(writer, entry.node, entry.part), places[entry.node, entry.part], entry.width)


def _stored_wire(source: Verilog, name: str, places: np.ndarray[tuple[int], np.dtype[np.int64]], width: int) -> None:
    """The weights of an array in the array's own order."""
    if (np.diff(places) == width).all():
        source.line(f"assign {name} = stored[{places[-1] + width - 1}:{places[0]}];")
        return
    source.joined(f"assign {name} =", [f"stored[{place + width - 1}:{place}]" for place in places[::-1].tolist()])


def _node(writer: Writer, node: Node, sources: list[Value]) -> Value:
    """Write a node into the top module; its bus is named after it."""
    operation = node.operation
    if isinstance(operation, Linear):
        return _layer(writer, node, operation, sources[0])
    time = max(value.time for value in sources)
    ready = [writer.later(name, v, time) for name, v in zip(node.sources, sources, strict=True)]
    if isinstance(operation, Rearrangement):
        return _rearranged(writer, node, operation, ready[0])
    name = _name(writer.graph, node)
    writer.body.line(f"wire {writer.bus(node.name, name)};")
    for opening in _lanes(writer, node, operation, [value.bus for value in ready]):
        writer.body.line(*opening)
    value = Value(name, time)
    heavy = isinstance(operation, Merge | Pool | _ArgMax | _Table)
    return writer.later(node.name, value, time + 1) if heavy else value


def _layer(writer: Writer, node: Node, operation: Linear, given: Value) -> Value:
    graph = writer.graph
    name = _name(graph, node)
    layer = Layer(name, operation, graph.formats[node.source], graph.shapes[node.source], writer.reuse, writer.adders)
    sum_module(writer.modules, layer)
    layer_module(writer.modules, layer)
    writer.body.line(f"wire {writer.bus(node.name, name)};")
    with writer.body.block(f"{name} {name}_layer (", ");"):
        writer.body.line(
            f".clk(clk), .start({writer.valid(given.time)}), .codes({given.bus}),",
            f".kernel({name}_kernel), .bias({name}_bias), .sums({name})",
        )
    return Value(name, given.time + layer.latency)


def _rearranged(writer: Writer, node: Node, operation: Rearrangement, given: Value) -> Value:
    name, width = _name(writer.graph, node), writer.width(node.name)
    indices = operation.indices(writer.graph.shapes[node.source]).ravel().tolist()
    if indices == list(range(writer.size(node.source))):
        writer.body.line(f"wire {writer.bus(node.name, name)} = {given.bus};")
    else:
        parts = [element(given.bus, n, width) if n >= 0 else zeros(width) for n in indices[::-1]]
        writer.body.joined(f"wire {writer.bus(node.name, name)} =", parts)
    return Value(name, given.time)


def _lanes(writer: Writer, node: Node, operation: Operation, buses: Sequence[str]) -> list[list[str]]:
    """Instances of the operation's element module, one for each output element."""
    formats = [writer.graph.formats[source] for source in node.sources]
    name, result = _name(writer.graph, node), writer.graph.formats[node.name]
    if isinstance(operation, Concatenate):
        return _concatenated(writer, node, operation, buses, formats)
    reads = _reads(writer, node, operation, buses)
    written: dict[int, str] = {}
    lines = []
    for place, inputs in enumerate(reads):
        if len(inputs) not in written:  # windows at an edge hold fewer elements
            written[len(inputs)] = f"{name}_element" + (f"_{len(inputs)}" if isinstance(operation, Pool) else "")
            given = formats if isinstance(operation, Merge) else formats * len(inputs)
            element_module(writer.modules, written[len(inputs)], operation, given, result)
        ports = ", ".join(f".in_{n}({text})" for n, text in enumerate(inputs))
        lines.append(f"{written[len(inputs)]} {name}_{place} ({ports}, .out({element(name, place, result.width)}));")
    return [lines]


def _reads(writer: Writer, node: Node, operation: Operation, buses: Sequence[str]) -> list[list[str]]:
    """The input elements of every output element."""
    shape, width = writer.graph.shapes[node.source], writer.width(node.source)
    if isinstance(operation, Pool):
        which = operation.windows.indices(shape).transpose(0, 2, 1).reshape(-1, prod(operation.size))
        return [[element(buses[0], n, width) for n in window if n >= 0] for window in which.tolist()]
    if isinstance(operation, _ArgMax):
        rows = numbered(shape).reshape(-1, shape[-1])
        return [[element(buses[0], n, width) for n in row] for row in rows.tolist()]
    widths = [writer.width(source) for source in node.sources]
    return [
        [element(bus, place, wide) for bus, wide in zip(buses, widths, strict=True)]
        for place in range(writer.size(node.name))
    ]


def _concatenated(
    writer: Writer, node: Node, operation: Concatenate, buses: Sequence[str], formats: Sequence[Format]
) -> list[list[str]]:
    name, result = _name(writer.graph, node), writer.graph.formats[node.name]
    numbers = []
    for source, given in enumerate(formats):
        aligned_module(writer.modules, f"{name}_from_{source}", given, result)
        shape = writer.graph.shapes[node.sources[source]]
        numbers.append(np.stack([np.full(shape, source), numbered(shape)], axis=-1))
    order = np.concatenate(numbers, axis=operation.axis).reshape(-1, 2).tolist()
    return [
        [
            f"{name}_from_{source} {name}_{place} (.in_0({element(buses[source], n, formats[source].width)}), "
            f".out({element(name, place, result.width)}));"
            for place, (source, n) in enumerate(order)
        ]
    ]
