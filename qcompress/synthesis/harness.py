"""A serial harness around a design whose ports are far more than a package has pins.

Inputs come from a shift register, outputs are caught in another one; a result enters it every time `capture` is 1. The
harness' flip-flops are in the figures of place and route, and the notes say how many.
"""

from collections.abc import Sequence

from qcompress.targets.rtl.pins import Pin
from qcompress.targets.rtl.verilog import Verilog, bits

HARNESS = "serial_harness"
PINS = ("clk", "serial_in", "capture", "serial_out")
"""All its ports."""


def serial_flip_flops(ports: Sequence[Pin]) -> int:
    """Flip-flops of the harness of a design with these ports."""
    return sum(port.width for port in ports if port.name != "clk")


def harness(top: str, ports: Sequence[Pin], oscillator: str | None = None) -> str:
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
