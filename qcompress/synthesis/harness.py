"""A serial harness around a design whose ports are far more than a package has pins.

Inputs come from a shift register, outputs are caught in another one; a result enters it every time `capture` is 1. The
harness' flip-flops are in the figures of place and route, and the notes say how many.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from qcompress.errors import QcompressError
from qcompress.targets.rtl.verilog import Verilog, bits

HARNESS = "serial_harness"
PINS = ("clk", "serial_in", "capture", "serial_out")
"""All its ports."""
PORT = re.compile(r"^\s*(input|output)\s+(?:reg\s+|wire\s+)?(?:\[(\d+):0\]\s*)?(\w+),?\s*$")


@dataclass(frozen=True)
class Port:
    """A port of a module; width in bits."""

    name: str
    width: int
    is_input: bool


def module_ports(texts: Sequence[str], top: str) -> list[Port]:
    """Ports of module top in texts, Verilog sources, where its header has one port a line.

    Raises QcompressError if there is none such.
    """
    for text in texts:
        found = re.search(rf"^\s*module\s+{top}\s*\((.*?)\);", text, re.MULTILINE | re.DOTALL)
        if found:
            matches = [PORT.match(line) for line in found[1].splitlines() if line.strip()]
            if all(matches):
                return [Port(m[3], int(m[2] or 0) + 1, m[1] == "input") for m in matches if m]
    raise QcompressError(f"place and route: no module {top} with one port a line")


def serial_flip_flops(ports: Sequence[Port]) -> int:
    """Flip-flops of the harness of a design with these ports."""
    return sum(port.width for port in ports if port.name != "clk")


def harness(top: str, ports: Sequence[Port], oscillator: str | None = None) -> str:
    """Verilog of the design, module top with these ports, between two shift registers.

    oscillator: an instance that drives the wire clk, for devices whose clock pins the tools do not know; None: clk is
    a port.
    """
    source = Verilog()
    inputs = [port for port in ports if port.is_input and port.name != "clk"]
    outputs = [port for port in ports if not port.is_input]
    count, results = (sum(port.width for port in group) for group in (inputs, outputs))
    pins = [] if oscillator else ["input clk"]
    with source.module(HARNESS, *pins, "input serial_in", "input capture", "output serial_out"):
        if oscillator:
            source.line("wire clk;", oscillator)
        source.line(f"reg {bits(count)} given;", f"wire {bits(results)} result;", f"reg {bits(results)} caught;")
        connections, used = [".clk(clk)"], {True: 0, False: 0}
        for port in [*inputs, *outputs]:
            bus, first = ("given" if port.is_input else "result"), used[port.is_input]
            connections.append(f".{port.name}({bus}[{first + port.width - 1}:{first}])")
            used[port.is_input] += port.width
        source.line(f"{top} design_under_test ({', '.join(connections)});")
        shift_in = f"{{given[{count - 2}:0], serial_in}}" if count > 1 else "serial_in"
        shift_out = f"{{caught[{results - 2}:0], 1'b0}}" if results > 1 else "1'b0"
        with source.block("always @(posedge clk) begin"):
            source.line(f"given <= {shift_in};", f"caught <= capture ? result : {shift_out};")
        source.line(f"assign serial_out = caught[{results - 1}];")
    return source.text()
