"""A graph as Verilog with loadable weights: weight store, layers, what lies between them, valid flags, header.

A row stands at the inputs for one cycle, with `input_valid`; everything after that happens at fixed cycles. Arrival
times are counted in clock edges from that cycle. All outputs of a row appear together.
"""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

from qcompress.errors import Refused
from qcompress.graph import Concatenate, Each, Graph, Linear, Rearrangement
from qcompress.targets.rtl.load_port import store_ports
from qcompress.targets.rtl.loadable_cuts import Cuts
from qcompress.targets.rtl.loadable_elements import ELEMENTS
from qcompress.targets.rtl.loadable_nodes import write_node
from qcompress.targets.rtl.loadable_ram import entries
from qcompress.targets.rtl.loadable_store import store_module, store_wires
from qcompress.targets.rtl.loadable_writer import Value, Writer, layers
from qcompress.targets.rtl.verilog import Verilog, bits, number, zeros
from qcompress.targets.rtl.weight_store import Layout, linear_nodes

BUDGET = 20_000
"""Multipliers that stand side by side."""
LANES = 50_000
"""Elements of everything else."""


class Design(NamedTuple):
    """The Verilog of a graph; latency: clock edges from the input to its result; interval: between inputs."""

    text: str
    latency: int
    interval: int
    multipliers: int


def refuse(graph: Graph, reuse: int) -> None:
    """Raises Refused, naming node and reason, for a graph that this target does not write.

    reuse: clock cycles between inputs.
    """
    found = layers(graph, reuse)
    if not found:
        raise Refused(f"rtl_loadable: graph {graph.name} has no weights; use target rtl")
    for node in graph.nodes:
        if (
            not isinstance(node.operation, Linear | Rearrangement | Concatenate | Each)
            and type(node.operation) not in ELEMENTS
        ):
            raise Refused(f"rtl_loadable: node {node.name}: {type(node.operation).__name__} has no Verilog")
    if (count := sum(layer.multipliers for layer in found)) > BUDGET:
        raise Refused(
            f"rtl_loadable: graph {graph.name} has {count} multipliers at reuse factor {reuse}, {BUDGET} are allowed: "
            "use a larger reuse factor"
        )
    if (count := sum(prod(shape) for shape in graph.shapes.values())) > LANES:
        raise Refused(f"rtl_loadable: graph {graph.name} has {count} elements, {LANES} are allowed: make it smaller")


def write(graph: Graph, top: str, layout: Layout, reuse: int, cuts: Cuts | None = None) -> Design:
    """The Verilog of a graph, its top module named `top`.

    layout: of the weights; reuse: clock cycles between inputs; cuts: where registers stand, as ever if None.
    """
    graph = graph.pruned()
    writer = Writer(graph, reuse, layout, cuts or Cuts())
    values = {bus.port.name: Value(bus.name, 0) for bus in writer.inputs}
    for node in graph.nodes:
        if node.name not in values:  # what shares the sums of a layer is written with it
            value = write_node(writer, node, [values[name] for name in node.sources])
            values |= dict.fromkeys((node.name, *writer.shared_by(node)), value)
    last = max(values[name].time for name in graph.outputs.values())
    results = [writer.later(name, values[name], last).bus for name in graph.outputs.values()]
    latency = last + 1
    source, ready = Verilog(), writer.valid(last)
    source.line(*_header(writer, top, layout, latency), "")
    _top(writer, source, top, layout, results, ready)
    store_module(writer, source, top, layout)
    multipliers = sum(layer.multipliers for layer in layers(graph, reuse, cuts=writer.cuts))
    return Design(source.text() + writer.modules.text(), latency, reuse, multipliers)


def _header(writer: Writer, top: str, layout: Layout, latency: int) -> list[str]:
    graph = writer.graph
    lines = [
        f"// {top}: graph {graph.name} with weights that are loaded",
        f"// latency {latency} clock edges, interval {writer.reuse}, reuse factor {writer.reuse}",
        f"// {layout.bits} bits of weights in {layout.blocks} blocks of {layout.block_bits}",
        *(["// two banks of them; a row takes those of input_bank"] if writer.cuts.banks > 1 else []),
        "// weights must stand still from the input of a row to its result",
        "//",
        *format_table(graph),
        *_bus_table(writer),
        "//",
        "// weights, from the lowest bit of block 0",
        *(f"//   {line}" for line in entries(layout)),
    ]
    return lines


def _bus_table(writer: Writer) -> list[str]:
    """Which bus is which port of a graph that has several."""
    every = (*writer.inputs, *writer.outputs)
    return ["//", *(f"// {bus.name}: {bus.content}, {bus.port.name} of the graph" for bus in every)] * (len(every) > 2)


def format_table(graph: Graph) -> list[str]:
    """What every node of graph gives, its shape and its format, as comment lines."""
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
        *store_ports(layout, writer.cuts.banks),
        "input input_valid",
        *(["input input_bank"] if writer.cuts.banks > 1 else []),
        *(f"input {bus.declared}" for bus in writer.inputs),
        "output input_ready",
        "output reg output_valid",
        *(f"output reg {bus.declared}" for bus in writer.outputs),
    )
    with source.module(top, *ports):
        _flags(writer, source)
        if linear_nodes(graph):
            store_wires(writer, source, top, layout)
        source.line("", *writer.body.text().splitlines())
        with source.block("always @(posedge clk) begin"):
            source.line(f"output_valid <= {ready};")
            for bus, result in zip(writer.outputs, results, strict=True):
                source.line(f"if ({ready}) {bus.name} <= {result};")


def _flags(writer: Writer, source: Verilog) -> None:
    """valid[t]: a row came t edges ago; input_ready: enough cycles have passed since the last one."""
    if writer.flags:
        source.line(f"reg [{writer.flags}:1] valid;")
        line = "input_valid" if writer.flags == 1 else f"{{valid[{writer.flags - 1}:1], input_valid}}"
        source.line(f"always @(posedge clk) valid <= reset ? {zeros(writer.flags)} : {line};")
        if writer.cuts.banks > 1:
            line = "input_bank" if writer.flags == 1 else f"{{bank[{writer.flags - 1}:1], input_bank}}"
            source.line(f"reg [{writer.flags}:1] bank;", f"always @(posedge clk) bank <= {line};")
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
