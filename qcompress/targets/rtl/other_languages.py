"""A design for users of VHDL and of cocotb: a wrapper entity, and a bench in Python on the same vectors as bench.v.

vhdl/TOP_vhdl.vhd: an entity whose ports are those of the Verilog module, as std_logic and std_logic_vector.
bench/test_bench.py: `python test_bench.py` in that folder runs it with cocotb 2 and Icarus, or the simulator in $SIM.
"""

from pathlib import Path

from qcompress.files import JsonObject, write_json
from qcompress.targets.rtl.pins import Pin, pins

FLAGS = ("input_valid", "input_bank", "input_ready", "output_valid")
"""Ports of a design with loadable weights that are no buses of rows."""


def write_others(folder: Path, top: str, latency: int, interval: int = 1, banks: int = 0) -> None:
    """Write the wrapper and the cocotb bench of module top, which a build left in folder/verilog.

    latency: clock edges from an input to its result; interval: cycles between inputs; banks: of weights that are loaded
    first, the last of which is used; 0: they are constant.
    """
    found = pins([(folder / "verilog" / f"{top}.v").read_text()], top)
    (folder / "vhdl").mkdir(exist_ok=True)
    (folder / "vhdl" / f"{top}_vhdl.vhd").write_text(vhdl(top, found))
    found = [pin for pin in found if pin.name not in FLAGS]
    design: JsonObject = {
        "top": top,
        "latency": latency,
        "interval": interval,
        "inputs": [each for each in found if each.is_input and each.name.startswith("input_")],
        "outputs": [each for each in found if not each.is_input and each.name.startswith("output_")],
        "loads": banks > 0,
        "bank": banks - 1,
    }
    write_json(folder / "bench" / "design.json", design)
    (folder / "bench" / "test_bench.py").write_text(BENCH)


def vhdl(top: str, ports: list[Pin]) -> str:
    """The wrapper of module top with these ports."""

    def declared(indent: str) -> str:
        lines = []
        for port in ports:
            kind = "std_logic" if port.width == 1 else f"std_logic_vector({port.width - 1} downto 0)"
            lines.append(f"{indent}{port.name} : {'in' if port.is_input else 'out'} {kind}")
        return ";\n".join(lines)

    connected = ",\n".join(f"            {port.name} => {port.name}" for port in ports)
    return f"""-- {top} for designs in VHDL; the module itself is Verilog
library ieee;
use ieee.std_logic_1164.all;

entity {top}_vhdl is
    port (
{declared(" " * 8)}
    );
end entity;

architecture wrapper of {top}_vhdl is
    component {top} is
        port (
{declared(" " * 12)}
        );
    end component;
begin
    design : {top}
        port map (
{connected}
        );
end architecture;
"""


BENCH = '''"""The vectors of this folder through the design, with cocotb 2: python test_bench.py ($SIM, or Icarus)."""

import json
import os
from pathlib import Path

HERE = Path(__file__).parent
DESIGN = json.loads((HERE / "design.json").read_text())


def lines(name):
    return [int(line, 16) for line in (HERE / name).read_text().split()]


def split(word, ports):
    """The buses of a row, the first in the lowest bits."""
    parts = {}
    for name, width, _ in ports:
        parts[name] = word & ((1 << width) - 1)
        word >>= width
    return parts


try:
    import cocotb
    from cocotb.clock import Clock
    from cocotb.triggers import FallingEdge
except ImportError:
    cocotb = None

if cocotb is not None:

    @cocotb.test()
    async def every_row_is_right(dut):
        cocotb.start_soon(Clock(dut.clk, 10, "step").start())
        await FallingEdge(dut.clk)
        if DESIGN["loads"]:
            dut.reset.value, dut.input_valid.value = 1, 0
            if DESIGN["bank"]:
                dut.load_bank.value = dut.input_bank.value = DESIGN["bank"]
            await FallingEdge(dut.clk)
            dut.reset.value, dut.load_enable.value = 0, 1
            for address, block in enumerate(lines("weights.hex")):
                dut.load_address.value, dut.load_data.value = address, block
                await FallingEdge(dut.clk)
            dut.load_enable.value = 0
        given, expected = lines("input.hex"), lines("expected.hex")
        for edge in range(len(given) * DESIGN["interval"] + DESIGN["latency"] + 1):
            row, phase = divmod(edge, DESIGN["interval"])
            if row < len(given) and phase == 0:
                for name, code in split(given[row], DESIGN["inputs"]).items():
                    getattr(dut, name).value = code
            if DESIGN["loads"]:
                dut.input_valid.value = int(row < len(given) and phase == 0)
            await FallingEdge(dut.clk)
            done, phase = divmod(edge + 1 - DESIGN["latency"], DESIGN["interval"])
            if 0 <= done < len(given) and phase == 0:
                if DESIGN["loads"]:
                    assert int(dut.output_valid.value) == 1, f"row {done}: no result"
                for name, code in split(expected[done], DESIGN["outputs"]).items():
                    assert int(getattr(dut, name).value) == code, f"row {done}: {name}"


if __name__ == "__main__":
    from cocotb_tools.runner import get_runner

    runner = get_runner(os.environ.get("SIM", "icarus"))
    runner.build(sources=sorted((HERE / "../verilog").glob("*.v")), hdl_toplevel=DESIGN["top"], always=True)
    runner.test(hdl_toplevel=DESIGN["top"], test_module="test_bench", test_dir=HERE)
'''
