"""The registers of all weights of a design, their load port, and the wires to the layers."""

import numpy as np

from qcompress.fixedpoint import Codes
from qcompress.targets.rtl.load_port import store_ports
from qcompress.targets.rtl.loadable_ports import banked
from qcompress.targets.rtl.loadable_steps import KEPT
from qcompress.targets.rtl.loadable_writer import Writer, bus_name
from qcompress.targets.rtl.verilog import Verilog, bits, number
from qcompress.targets.rtl.weight_store import Entry, Layout

BLOCKS_OF_A_COPY = 32
"""Blocks that are written from the same copy of the data."""


def store_wires(writer: Writer, source: Verilog, top: str, layout: Layout) -> None:
    """In the top module: the instance of the store, and a wire for every array of weights."""
    source.line("")
    names = [port.split()[-1] for port in store_ports(layout, writer.cuts.banks)]
    connections = [".clk(clk)", *(f".{name}({name})" for name in names)]
    for entry in layout.entries:
        name = _weights(writer, entry)
        source.line(f"wire {bits(writer.cuts.banks * entry.bits)} {name};")
        connections.append(f".{name}({name})")
    with source.block(f"{top}_weights weights (", ");"):
        source.line(*(text + "," for text in connections[:-1]), connections[-1])


def _weights(writer: Writer, entry: Entry) -> str:
    found = next(other for other in writer.graph.nodes if other.name == entry.node)
    return f"{bus_name(writer.graph, found)}_{entry.part}"


def store_module(writer: Writer, source: Verilog, top: str, layout: Layout) -> None:
    """The registers of all weights, written block by block; bank 0 in the lower half of what goes out."""
    places, banks = layout.places(), writer.cuts.banks
    ports = [f"output {bits(banks * entry.bits)} {_weights(writer, entry)}" for entry in layout.entries]
    with source.module(f"{top}_weights", "input clk", *store_ports(layout, banks), *ports):
        for bank in range(banks):
            source.line(f"reg {bits(layout.register_bits)} {banked('stored', bank)};")
        if writer.cuts.pipelined:
            _enabled(source, layout, banks)
        else:
            _addressed(source, layout)
        for entry in layout.entries:
            _stored_wire(source, _weights(writer, entry), places[entry.node, entry.part], entry.width, banks)


def _block(layout: Layout, block: int, data: str) -> tuple[str, str]:
    """The bits of a block in the string of weights, and what is written there."""
    first = block * layout.block_bits
    count = min(layout.block_bits, layout.register_bits - first)
    return f"[{first + count - 1}:{first}]", data if count == layout.block_bits else f"{data}[{count - 1}:0]"


def _addressed(source: Verilog, layout: Layout) -> None:
    """A block is written at the edge with `load_enable`."""
    with source.block("always @(posedge clk) begin"), source.block("if (load_enable) case (load_address)", "endcase"):
        for block in range(layout.blocks):
            place, data = _block(layout, block, "load_data")
            source.line(f"{number(block, layout.address_bits)}: stored{place} <= {data};")
        source.line("default: ;")


def _enabled(source: Verilog, layout: Layout, banks: int) -> None:
    """A block is written two edges later, by a register of its own that enables it; the data are copied on the way."""
    copies = -(-layout.register_blocks // BLOCKS_OF_A_COPY)
    source.line("reg enable;", f"reg {bits(layout.address_bits)} address;", f"reg {bits(layout.block_bits)} data;")
    with source.block("always @(posedge clk) begin"):
        source.line("enable <= load_enable;", "address <= load_address;", "data <= load_data;")
    if banks > 1:
        source.line("reg of_bank;", "always @(posedge clk) of_bank <= load_bank;")
    for copy in range(copies):
        source.line(f"{KEPT}reg {bits(layout.block_bits)} data_{copy};")
        source.line(f"{KEPT}always @(posedge clk) data_{copy} <= data;")
    for bank in range(banks):
        enable = banked("write", bank)
        wanted = f"enable & (of_bank == 1'b{bank})" if banks > 1 else "enable"
        source.line(f"reg {bits(layout.register_blocks)} {enable};")
        for block in range(layout.register_blocks):
            place, data = _block(layout, block, f"data_{block // BLOCKS_OF_A_COPY}")
            this = f"address == {number(block, layout.address_bits)}"
            source.line(f"always @(posedge clk) {enable}[{block}] <= {wanted} & ({this});")
            source.line(f"always @(posedge clk) if ({enable}[{block}]) {banked('stored', bank)}{place} <= {data};")


def _stored_wire(source: Verilog, name: str, places: Codes, width: int, banks: int) -> None:
    """The weights of an array in the array's own order, bank 0 lowest."""
    stored = [banked("stored", bank) for bank in range(banks)]
    if (np.diff(places) == width).all():
        parts = [f"{wire}[{places[-1] + width - 1}:{places[0]}]" for wire in stored[::-1]]
        source.line(f"assign {name} = {parts[0] if banks == 1 else '{' + ', '.join(parts) + '}'};")
        return
    parts = [f"{wire}[{place + width - 1}:{place}]" for wire in stored[::-1] for place in places[::-1].tolist()]
    source.joined(f"assign {name} =", parts)
