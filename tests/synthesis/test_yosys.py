"""yosys counts what a design must hold."""

import json
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import Origin
from qcompress.synthesis.yosys import read_cells, synthesize, with_design

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
    (tmp_path / "rtl.json").write_text('{"latency_cycles": 2, "interval": 1}')
    whole = with_design(report, tmp_path / "rtl.json")
    assert (whole.latency_cycles, whole.interval, whole.lut) == (2, 1, 8)


def test_every_kind_of_cell_is_counted_as_documented() -> None:
    cells = {"LUT1": 1, "LUT6": 2, "SRLC32E": 4, "INV": 100, "MUXF7": 100, "CARRY4": 100, "FDRE": 8, "FDSE": 16}
    cells |= {"RAMB18E2": 1, "RAMB36E2": 2, "DSP48E2": 3}
    report = read_cells(json.dumps({"creator": "Yosys 0.70 (git)", "design": {"num_cells_by_type": cells}}))
    assert (report.lut, report.ff, report.bram, report.dsp) == (7, 24, 5, 3)
    assert report.tool == "Yosys 0.70"


def test_failures_are_one_line_that_names_the_log(verilog: Path, tmp_path: Path) -> None:
    with pytest.raises(QcompressError, match=r"yosys: synthesizing absent failed \(.*\): see .*yosys\.log"):
        synthesize([verilog], "absent", tmp_path)
    with pytest.raises(QcompressError, match=r"took longer than 0\.01 s"):
        synthesize([verilog], "registered", tmp_path, time_limit_s=0.01)
    with pytest.raises(QcompressError, match="failed"):
        synthesize([verilog], "registered", tmp_path, memory_limit_mb=64)
    with pytest.raises(QcompressError, match="yosys: no file"):
        synthesize([tmp_path / "absent.v"], "registered", tmp_path)
    with pytest.raises(QcompressError, match="no finished rtl build"):
        with_design(read_cells('{"creator": "", "design": {"num_cells_by_type": {}}}'), tmp_path / "rtl.json")
