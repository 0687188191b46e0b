"""The VHDL wrapper and the cocotb bench name every port of the Verilog, with its width and direction."""

import json
import re
from pathlib import Path

import pytest

from qcompress.targets.rtl.other_languages import write_others
from qcompress.targets.rtl.pins import pins

CONSTANT = """
module net (
    input clk,
    input [31:0] input_codes,
    output [47:0] output_codes
);
endmodule
"""
LOADABLE = """
module net (
    input clk,
    input reset,
    input load_enable,
    input [3:0] load_address,
    input [63:0] load_data,
    input load_bank,
    input input_valid,
    input input_bank,
    input [15:0] input_a,
    input [7:0] input_b,
    output input_ready,
    output reg output_valid,
    output [47:0] output_codes
);
endmodule
"""


def written(folder: Path, text: str, *timing: int) -> tuple[str, dict[str, object]]:
    """The wrapper, and what the bench is told."""
    for name in ("verilog", "bench"):
        (folder / name).mkdir()
    (folder / "verilog" / "net.v").write_text(text)
    write_others(folder, "net", *timing)
    compile((folder / "bench" / "test_bench.py").read_text(), "test_bench.py", "exec")
    told = json.loads((folder / "bench" / "design.json").read_text())
    return (folder / "vhdl" / "net_vhdl.vhd").read_text(), told


@pytest.mark.parametrize("text", [CONSTANT, LOADABLE], ids=["constant", "loadable"])
def test_the_wrapper_has_every_port_twice_and_connects_it(text: str, tmp_path: Path) -> None:
    wrapper, _ = written(tmp_path, text, 4)
    for pin in pins([text], "net"):
        kind = "std_logic" if pin.width == 1 else rf"std_logic_vector\({pin.width - 1} downto 0\)"
        way = "in" if pin.is_input else "out"
        assert len(re.findall(rf"^ +{pin.name} : {way} {kind};?$", wrapper, re.MULTILINE)) == 2
        assert len(re.findall(rf"^ +{pin.name} => {pin.name},?$", wrapper, re.MULTILINE)) == 1
    assert wrapper.count("end architecture;") == wrapper.count("end component;") == wrapper.count("end entity;") == 1


def test_the_bench_is_told_buses_and_timing(tmp_path: Path) -> None:
    _, told = written(tmp_path, CONSTANT, 4)
    assert told == {
        "top": "net",
        "latency": 4,
        "interval": 1,
        "inputs": [["input_codes", 32, True]],
        "outputs": [["output_codes", 48, False]],
        "loads": False,
        "bank": -1,
    }


def test_the_bench_of_loadable_weights_leaves_flags_out_of_the_rows(tmp_path: Path) -> None:
    _, told = written(tmp_path, LOADABLE, 9, 4, 2)
    assert told["inputs"] == [["input_a", 16, True], ["input_b", 8, True]]
    assert told["outputs"] == [["output_codes", 48, False]]
    assert (told["latency"], told["interval"], told["loads"], told["bank"]) == (9, 4, True, 1)
