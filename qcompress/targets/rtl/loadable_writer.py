"""A graph on its way to Verilog with loadable weights: its buses and when they hold what, names, delays."""

import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from typing import NamedTuple, cast

from qcompress.graph import Graph, Linear, Node
from qcompress.graph.ports import INPUT, OUTPUT
from qcompress.targets.rtl.loadable_cuts import ADDERS, Cuts
from qcompress.targets.rtl.loadable_layers import Layer, Shared
from qcompress.targets.rtl.loadable_sharing import followers
from qcompress.targets.rtl.verilog import Bus, Verilog, bits, buses
from qcompress.targets.rtl.weight_store import Layout, linear_nodes

RESERVED = frozenset(
    """
    input output reg wire module begin end case default if else for or and not nand nor xor buf table always
    assign clk valid kernel bias sum codes load_enable load_address load_data input_codes output_codes
    input_valid output_valid input_ready input_bank load_bank bank reset waiting
    weights signed integer real time event repeat while forever
    function task initial wait strong0 strong1 small large medium weak0 weak1 pull0 pull1 release force
    edge join fork disable cell config design generate genvar instance liblist library localparam parameter
    primitive specify specparam tri use vectored scalared supply0 supply1 unsigned defparam negedge posedge
    notif0 notif1 bufif0 bufif1 cmos nmos pmos inout logic bit byte int string type var class new this super do
    return break continue static const enum struct union packed void final property sequence assert assume cover
    expect unique priority
    """.split()  # noqa: SIM905 - a list of words is read more easily so
)
"""Words of Verilog, and names of our own in the modules of a design."""
PART = r"_(_|kernel|bias|layer|sum|element|channel|kind|from)"
"""How the names of a node's own modules, buses and instances go on behind its own."""


class Value(NamedTuple):
    """The bus that holds a node's elements, and when; delay: ns from the registers before it, where a clock counts."""

    bus: str
    time: int
    delay: float = 0.0


@dataclass
class Writer:
    """A graph on its way to Verilog."""

    graph: Graph
    reuse: int
    layout: Layout
    cuts: Cuts = field(default_factory=Cuts)
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
        """Bits of an element of node, a node or an input."""
        return self.graph.formats[node].width

    def size(self, node: str) -> int:
        """How many elements node, a node or an input, has."""
        return prod(self.graph.shapes[node])

    def valid(self, time: int) -> str:
        """The flag that says that what arrives at `time` is there."""
        self.flags = max(self.flags, time)
        return "input_valid" if time == 0 else f"valid[{time}]"

    def bank(self, time: int) -> str:
        """The bank of weights that what arrives at `time` wants."""
        self.valid(time)
        return "input_bank" if time == 0 else f"bank[{time}]"

    def bus(self, node: str, name: str) -> str:
        """Declaration of a bus called name for all elements of node."""
        return f"{bits(self.size(node) * self.width(node))} {name}"

    def shared_by(self, node: Node) -> list[str]:
        """The nodes that stand where the sums of `node` are made."""
        if not (self.cuts.shared and isinstance(node.operation, Linear)):
            return []
        shared = layer_of(self.graph, node, self.reuse, self.cuts).shared
        return [follower.name for follower in followers(self.graph, node)[: len(shared)]]

    def later(self, node: str, value: Value, time: int) -> Value:
        """The same elements of node as value at a later time, in clock edges."""
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


def layers(graph: Graph, reuse: int, adders: int | None = None, cuts: Cuts | None = None) -> list[Layer]:
    """The layers of graph with weights, in order.

    reuse: clock cycles between inputs; adders: levels of adders between registers; cuts: where all registers stand.
    """
    cuts = cuts or Cuts(adders=adders)
    return [layer_of(graph, node, reuse, cuts) for node in linear_nodes(graph)]


def layer_of(graph: Graph, node: Node, reuse: int, cuts: Cuts) -> Layer:
    """The layer of a `node` of graph with weights; reuse: clock cycles between inputs."""
    name, given, shape = bus_name(graph, node), graph.formats[node.source], graph.shapes[node.source]
    layer = cuts.of_layer(Layer(name, cast(Linear, node.operation), given, shape, reuse, ADDERS))
    if not cuts.shared or layer.steps == 1:
        return layer
    shared, delay, behind = [], 0.0, False
    for follower in followers(graph, node):
        given, to = graph.formats[follower.source], graph.formats[follower.name]
        cut, now, delay = cuts.of_element(follower.operation, [given], to, delay)
        shared.append(Shared(f"{bus_name(graph, follower)}_element", to.width, cut or behind))
        behind = now
    return replace(layer, shared=tuple(shared))


def bus_name(graph: Graph, node: Node) -> str:
    """Module and bus name of a `node` of a `graph`: the layer's.

    With its number where others would read the same, where one is called like a part of it, or where Verilog objects.
    """
    names = [identifier(other.name).lower() for other in graph.nodes]
    ports = [bus.name.lower() for bus in (*buses(INPUT, graph.input_ports), *buses(OUTPUT, graph.output_ports))]
    own = identifier(node.name)
    taken = names.count(own.lower()) > 1 or own.lower() in RESERVED or own.lower() in ports
    parts = re.compile(re.escape(own.lower()) + PART)
    taken = taken or any(parts.match(name) for name in names)
    return f"{own}_{list(graph.nodes).index(node)}_" if taken else own
