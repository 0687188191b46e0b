"""Weights of folded layers in memories: a word for every step, read by the number of the step.

A memory is cut into lanes that hold as many weights of a word as a block does, so that a block is a word of a lane.
Layers that multiply the same weights at every step, and all biases, stay in registers, whose blocks come first.

Memories stand far apart, so the load port reaches them in three clock edges, by registers of their own for every few
lanes. That is early enough: a row that is taken at the edge behind a block reads no word for three edges.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from qcompress.fixedpoint import Codes
from qcompress.graph import Graph
from qcompress.targets.rtl.loadable_layers import NOWHERE, RAM_EDGES, Layer
from qcompress.targets.rtl.loadable_steps import KEPT, Steps
from qcompress.targets.rtl.verilog import Verilog, bits, number
from qcompress.targets.rtl.weight_store import Layout, linear_nodes

LANES_OF_A_COPY = 4
"""Lanes that are written from the same copy of the load port."""


class Lane(NamedTuple):
    """Part of a memory: `words` (depth, weights) say where its weights stand in the flattened kernel, -1 for none.

    layer: its module; memory: number of the memory in it; first: number of its first block.
    """

    node: str
    layer: str
    memory: int
    words: Codes
    width: int
    first: int

    @property
    def bits(self) -> int:
        """Bits of a word."""
        return int(self.words.shape[1]) * self.width


@dataclass(frozen=True)
class RamLayout(Layout):
    """Blocks of registers, then those of the lanes, word by word."""

    lanes: tuple[Lane, ...] = ()

    @property
    def blocks(self) -> int:
        return self.register_blocks + sum(len(lane.words) for lane in self.lanes)

    @property
    def bits(self) -> int:
        return self.register_bits + sum(len(lane.words) * lane.bits for lane in self.lanes)

    def to_blocks(self, graph: Graph) -> list[int]:
        """The blocks that hold a graph's weights."""
        found = super().to_blocks(graph)
        operations: dict[str, Any] = {node.name: node.operation for node in linear_nodes(graph)}
        for lane in self.lanes:
            kernel = np.append(operations[lane.node].kernel.ravel(), 0)  # -1 is the end
            for word in kernel[lane.words].tolist():
                mask = (1 << lane.width) - 1
                found.append(sum((code & mask) << (lane.width * place) for place, code in enumerate(word)))
        return found


def ram_layout(graph: Graph, block_bits: int, layers: Sequence[Layer]) -> RamLayout:
    """Where the weights of a graph stand that has these layers."""
    plain, nodes = Layout.of(graph, block_bits), linear_nodes(graph)
    names = {node.name for node, layer in zip(nodes, layers, strict=True) if layer.folds_weights}
    kept = tuple(entry for entry in plain.entries if entry.part != "kernel" or entry.node not in names)
    lanes: list[Lane] = []
    first = Layout(kept, block_bits).blocks
    for node, layer in zip(nodes, layers, strict=True):
        if node.name not in names:
            continue
        width = layer.operation.kernel_format.width
        each = block_bits // width
        for memory, words in enumerate(_memories(layer)):
            for column in range(0, words.shape[1], each):
                lanes.append(Lane(node.name, layer.name, memory, words[:, column : column + each], width, first))
                first += len(words)
    return RamLayout(kept, block_bits, tuple(lanes))


def entries(layout: Layout) -> list[str]:
    """What stands where, for a reader."""
    found = [f"{entry.node}.{entry.part}: {len(entry.order)} x {entry.width} bits" for entry in layout.entries]
    for lane in layout.lanes if isinstance(layout, RamLayout) else ():
        depth, count = lane.words.shape
        found.append(
            f"{lane.node}.kernel: memory {lane.memory}, {depth} words of {count} x {lane.width} bits from block "
            f"{lane.first} on"
        )
    return found


def selections(layer: Layer) -> list[tuple[tuple[int, int], ...]]:
    """What every memory of a layer gives at every step: channel and chunk."""
    return list(dict.fromkeys(tuple((use.channel, use.chunk) for use in uses) for uses in layer.uses))


def _memories(layer: Layer) -> list[Codes]:
    """For each memory of a layer its words (depth, terms): flat indices of the kernel, -1 for none."""
    found = []
    for selection in selections(layer):
        words = []
        for channel, chunk in dict.fromkeys(selection):
            group, column = divmod(channel, layer.kernel_index.shape[2])
            missing = layer.width * layer.chunks - layer.terms
            indices = np.append(layer.kernel_index[group, :, column], np.full(missing, NOWHERE, np.int64))
            words.append(indices[chunk * layer.width : (chunk + 1) * layer.width])
        found.append(np.array(words, np.int64))
    return found


class Memories:
    """The memories in the module of a layer; lines go to source."""

    def __init__(self, source: Verilog, steps: Steps, layout: RamLayout) -> None:
        self.source, self.steps, self.layout = source, steps, layout
        self.lanes = [lane for lane in layout.lanes if lane.layer == steps.layer.name]
        self.selections = selections(steps.layer)
        self.written: dict[int, str] = {}
        groups = [self.lanes[first : first + LANES_OF_A_COPY] for first in range(0, len(self.lanes), LANES_OF_A_COPY)]
        widths = [max(lane.bits for lane in group) for group in groups]
        self.source.line(f"reg {bits(max(widths))} data;")
        self.source.line(f"always @(posedge clk) data <= load_data{bits(max(widths))};")
        for copy, width in enumerate(widths):
            self._loading(copy, width)

    def _loading(self, copy: int, width: int) -> None:
        """The load port for some lanes: a block's address an edge after it, when it is compared, its data two.

        width: of the widest word of these lanes.
        """
        ports = {"enable": "", "address": f"{bits(self.layout.address_bits)} ", "bank": ""}
        if self.steps.layer.banks == 1:
            del ports["bank"]
        for port, range_ in ports.items():
            self.source.line(f"{KEPT}reg {range_}{port}_{copy};")
            self.source.line(f"{KEPT}always @(posedge clk) {port}_{copy} <= load_{port};")
        self.source.line(f"{KEPT}reg {bits(width)} data_{copy};")
        self.source.line(f"{KEPT}always @(posedge clk) data_{copy} <= data{bits(width)};")

    def word(self, slot: int) -> str:
        """A wire with the weights of a slot, in time for its multipliers."""
        layer = self.steps.layer
        memory = self.selections.index(tuple((use.channel, use.chunk) for use in layer.uses[slot]))
        if memory not in self.written:
            lanes = [(at, lane) for at, lane in enumerate(self.lanes) if lane.memory == memory]
            parts = [
                self._lane(f"memory_{memory}_{place}", lane, at // LANES_OF_A_COPY)
                for place, (at, lane) in enumerate(lanes)
            ]
            self.written[memory] = f"word_{memory}"
            width = sum(lane.bits for _, lane in lanes)
            self.source.joined(f"wire {bits(width)} {self.written[memory]} =", parts[::-1])
        return self.written[memory]

    def _lane(self, name: str, lane: Lane, copy: int) -> str:
        """A memory with a port to write and one to read, the bank lowest in its address; the register behind it.

        copy: of the load port.
        """
        layer, depth, banks = self.steps.layer, len(lane.words), self.steps.layer.banks
        index = max(1, (depth - 1).bit_length())
        width, here = index + (banks > 1), self.layout.address_bits
        options = list(dict.fromkeys(self.selections[lane.memory]))
        values = [options.index(choice) for choice in self.selections[lane.memory]]
        address = self.steps.signal(values, width, layer.depth - RAM_EDGES, banked=banks > 1)
        block, last = f"address_{copy}", lane.first + depth - 1
        within = f"({block} >= {number(lane.first, here)}) & " if lane.first else ""
        within += f"({block} <= {number(last, here)})" if last < (1 << here) - 1 else "1'b1"
        source = self.source
        source.line(
            f"wire {bits(here)} {name}_offset = {block} - {number(lane.first, here)};",
            f"(* no_rw_check *) reg {bits(lane.bits)} {name} [0:{depth * banks - 1}];",
            f"reg {bits(lane.bits)} {name}_read, {name}_word;",
            f"reg {name}_write;",
            f"reg {bits(width)} {name}_at;",
        )
        offset = f"{name}_offset[{index - 1}:0]" if index <= here else f"{{{index - here}'d0, {name}_offset}}"
        with source.block("always @(posedge clk) begin"):
            source.line(
                f"{name}_write <= enable_{copy} & {within};",
                f"{name}_at <= {f'{{{offset}, bank_{copy}}}' if banks > 1 else offset};",
                f"if ({name}_write) {name}[{name}_at] <= data_{copy}{bits(lane.bits)};",
                f"{name}_read <= {name}[{address}];",
                f"{name}_word <= {name}_read;",
            )
        return f"{name}_word"
