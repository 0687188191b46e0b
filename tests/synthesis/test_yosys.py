"""yosys counts what a design must hold."""

import json
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import Origin
from qcompress.synthesis.yosys import Limits, read_cells, synthesize

DESIGN = """
module registered (input clk, input [7:0] a, input [7:0] b, output reg [7:0] y);
    reg [7:0] q;
    always @(posedge clk) begin
        q <= a & b;
        y <= q;
    end
endmodule
"""


@pytest.fixture(scope="module")
def verilog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("verilog with a space") / "registered.v"
    path.write_text(DESIGN)
    return path


def test_tables_and_flip_flops_of_a_known_design(verilog: Path, tmp_path: Path) -> None:
    """Eight ANDs are eight tables; two rows of eight registers are sixteen flip-flops."""
    report = synthesize([verilog], "registered", tmp_path)
    assert (report.lut, report.ff, report.dsp, report.bram) == (8, 16, 0, 0)
    assert report.origin is Origin.OPEN_FLOW
    assert report.tool.startswith("Yosys ")
    assert report.latency_cycles is None
    assert report.fmax_mhz is None


def test_every_kind_of_cell_is_counted_as_documented() -> None:
    cells = {"LUT1": 1, "LUT6": 2, "SRLC32E": 4, "INV": 100, "MUXF7": 100, "CARRY4": 100, "FDRE": 8, "FDSE": 16}
    cells |= {"RAMB18E2": 1, "RAMB36E2": 2, "DSP48E2": 3, "RAM32M16": 5, "RAM64M8": 1}
    report = read_cells(json.dumps({"creator": "Yosys 0.70 (git)", "design": {"num_cells_by_type": cells}}))
    assert (report.lut, report.ff, report.bram, report.dsp) == (7 + 6 * 8, 24, 5, 3)
    assert report.tool == "Yosys 0.70"


def test_failures_are_one_line_that_names_the_log(verilog: Path, tmp_path: Path) -> None:
    with pytest.raises(QcompressError, match=r"yosys: synthesizing absent failed \(.*\): see .*yosys\.log"):
        synthesize([verilog], "absent", tmp_path)
    with pytest.raises(QcompressError, match=r"took longer than 0\.01 s"):
        synthesize([verilog], "registered", tmp_path, limits=Limits(time_s=0.01))
    with pytest.raises(QcompressError, match="failed"):
        synthesize([verilog], "registered", tmp_path, limits=Limits(memory_mb=64))
    with pytest.raises(QcompressError, match="yosys: no file"):
        synthesize([tmp_path / "absent.v"], "registered", tmp_path)
