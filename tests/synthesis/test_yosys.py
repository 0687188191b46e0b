"""The open flow on a design small enough to count by hand, and every fault in one line."""

import json

import pytest

from qcompress.errors import QcompressError
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.yosys import count_resources, synthesize, tool_name

REGISTERED_AND = """
module qcompress_rtl (input clk, input [7:0] a, input [7:0] b, output reg [7:0] y);
  always @(posedge clk) y <= a & b;
endmodule
"""


@pytest.fixture
def rtl(tmp_path):
    (tmp_path / "rtl" / "verilog").mkdir(parents=True)
    (tmp_path / "rtl" / "verilog" / "top.v").write_text(REGISTERED_AND)
    (tmp_path / "rtl" / "rtl.json").write_text(json.dumps({"top": "qcompress_rtl", "latency_cycles": 1, "interval": 1}))
    return tmp_path / "rtl"


def test_eight_registered_ands_are_eight_luts_and_eight_flip_flops(rtl, tmp_path):
    report = synthesize(rtl, tmp_path / "synthesis", time_limit_s=120, memory_limit_mb=4000)
    assert (report.lut, report.ff, report.dsp, report.bram) == (8, 8, 0, 0)
    assert (report.latency_cycles, report.interval, report.fmax_mhz, report.latency_ns) == (1, 1, None, None)
    assert report.origin is Origin.OPEN_FLOW
    assert report.tool.startswith("yosys 0.")
    assert (tmp_path / "synthesis" / "yosys.log").stat().st_size > 0
    assert SynthesisReport.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_a_failing_run_names_its_log(rtl, tmp_path):
    (rtl / "verilog" / "top.v").write_text("module qcompress_rtl (input clk; nonsense")
    with pytest.raises(QcompressError, match=r"yosys: synthesizing qcompress_rtl failed .*yosys\.log"):
        synthesize(rtl, tmp_path / "synthesis", time_limit_s=120, memory_limit_mb=4000)


def test_limits_are_kept(rtl, tmp_path):
    with pytest.raises(QcompressError, match=r"took longer than 0\.01 s"):
        synthesize(rtl, tmp_path / "synthesis", time_limit_s=0.01, memory_limit_mb=4000)
    with pytest.raises(QcompressError, match="failed"):
        synthesize(rtl, tmp_path / "synthesis", time_limit_s=120, memory_limit_mb=50)


def test_wrong_families_and_folders_are_named(rtl, tmp_path):
    with pytest.raises(QcompressError, match="choose from xcup, xcu, xc7"):
        synthesize(rtl, tmp_path / "s", family="ice40", time_limit_s=1, memory_limit_mb=1)
    with pytest.raises(QcompressError, match="no finished RTL"):
        synthesize(tmp_path, tmp_path / "s", time_limit_s=1, memory_limit_mb=1)


def test_cells_are_counted_by_their_type():
    cells = {"LUT2": 3, "LUT6": 4, "INV": 9, "FDRE": 5, "FDSE": 1, "SRL16E": 2, "DSP48E2": 1, "RAMB36E2": 7, "MUXF7": 8}
    assert count_resources(cells) == {"lut": 9, "ff": 6, "dsp": 1, "bram": 7}
    assert tool_name("Yosys 0.70 (git sha1 abc)", "xcup") == "yosys 0.70 synth_xilinx xcup"


def test_reports_with_other_keys_are_refused():
    good = SynthesisReport("tool", Origin.PUBLISHED, lut=5).to_json()
    with pytest.raises(QcompressError, match="keys luts"):
        SynthesisReport.from_json(good | {"luts": 1})
    del good["ff"]
    with pytest.raises(QcompressError, match="keys ff"):
        SynthesisReport.from_json(good)
