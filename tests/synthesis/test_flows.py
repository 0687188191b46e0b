"""Flows on a known design: what is counted, cached, limited, refused."""

import re
import shutil
import stat
from pathlib import Path

import pytest

from qcompress.errors import QcompressError, ToolMissing
from qcompress.progress import silent
from qcompress.synthesis import Origin, asic, vendor_tools
from qcompress.synthesis.flows import OPEN, RUN_BY, Design, Settings, run_all
from qcompress.synthesis.kept import results
from qcompress.synthesis.yosys import Limits, synthesize
from qcompress.targets import TARGETS

DESIGN = """
module top (
    input clk,
    input [7:0] a,
    input [7:0] b,
    output [15:0] y
);
    both first (.clk(clk), .a(a), .b(b), .y(y[7:0]));
    both second (.clk(clk), .a(b), .b(a), .y(y[15:8]));
endmodule
module both (
    input clk,
    input [7:0] a,
    input [7:0] b,
    output reg [7:0] y
);
    always @(posedge clk) y <= ~(a & b);
endmodule
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a target leaves behind."""
    folder = tmp_path_factory.mktemp("candidate") / "rtl" / "net"
    (folder / "verilog").mkdir(parents=True)
    (folder / "verilog" / "top.v").write_text(DESIGN)
    (folder / "rtl.json").write_text('{"top": "top", "latency_cycles": 1, "interval": 1}')
    return folder


def test_gate_equivalents_of_a_known_design(built: Path, tmp_path: Path) -> None:
    """Sixteen NANDs of 1 and sixteen flip-flops of 6, flat or module by module."""
    for hierarchical in (False, True):
        report = asic.synthesize([built / "verilog" / "top.v"], "top", tmp_path, hierarchical=hierarchical)
        expected = 16 + 16 * 6 if hierarchical else 8 + 8 * 6  # flat: the modules compute the same and are shared
        assert report.gate_equivalents == expected
        assert (report.area, report.delay_ns, report.origin) == (None, None, Origin.OPEN_FLOW)
    assert {part.name: part.gate_equivalents for part in report.parts} == {"top": 112, "both": 56}
    assert str(tmp_path) not in (tmp_path / "cells.json").read_text() + (tmp_path / "report.json").read_text()


def scaled_library() -> str:
    """The generic cells with four times their areas."""
    return re.sub(r"area : ([\d.]+)", lambda found: f"area : {4 * float(found[1]):g}", asic.GENERIC.read_text())


def test_cells_of_ones_own(built: Path, tmp_path: Path) -> None:
    library = tmp_path / "mine.lib"
    library.write_text(f"/* no end: {{ */\n{scaled_library()}")
    report = asic.synthesize([built / "verilog" / "top.v"], "top", tmp_path / "out", liberty=library, hierarchical=True)
    assert (report.area, report.gate_equivalents) == (4 * 112, 112)
    assert report.device == "mine.lib"
    library.write_text("something else")
    with pytest.raises(QcompressError, match="no liberty file"):
        asic.synthesize([], "top", tmp_path / "out", liberty=library)
    library.write_text(scaled_library().replace("!(A&B)", "A"))
    with pytest.raises(QcompressError, match="no two-input NAND"):
        asic.synthesize([], "top", tmp_path / "out", liberty=library)
    with pytest.raises(QcompressError, match=r"absent\.lib: cannot be read"):
        asic.nand_area(tmp_path / "absent.lib")


def test_module_by_module_counts_every_instance(built: Path, tmp_path: Path) -> None:
    whole = synthesize([built / "verilog" / "top.v"], "top", tmp_path, hierarchical=True)
    assert (whole.lut, whole.ff) == (16, 16)
    assert {part.name: (part.lut, part.ff) for part in whole.parts} == {"top": (16, 16), "both": (8, 8)}
    with pytest.raises(QcompressError, match="family 'virtex' is none of"):
        synthesize([built / "verilog" / "top.v"], "top", tmp_path, family="virtex")


def test_results_are_kept_until_something_changes(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders = {TARGETS["rtl"]: {"net": built}}
    first = run_all(["yosys-xilinx", "yosys-asic"], folders, tmp_path / "flows", Settings(), silent)
    assert set(first) == {"yosys-xilinx/rtl/net", "yosys-asic/rtl/net"}
    assert first["yosys-xilinx/rtl/net"].latency_cycles == 1
    found = results(tmp_path / "flows", TARGETS["rtl"], folders[TARGETS["rtl"]])
    assert set(found["net"]) == {"yosys-xilinx", "yosys-asic"}
    changed = tmp_path / "changed"
    shutil.copytree(built, changed)
    (changed / "verilog" / "top.v").write_text(DESIGN.replace("&", "|"))
    assert results(tmp_path / "flows", TARGETS["rtl"], {"net": changed}) == {}  # what was built anew has no result yet
    monkeypatch.setattr("qcompress.synthesis.yosys.run_passes", None)  # a run would raise
    again = run_all(["yosys-xilinx"], folders, tmp_path / "flows", Settings(), silent)
    assert again["yosys-xilinx/rtl/net"] == first["yosys-xilinx/rtl/net"]
    with pytest.raises(TypeError):
        run_all(["yosys-xilinx"], folders, tmp_path / "flows", Settings(family="xc7"), silent)
    monkeypatch.setitem(RUN_BY, "yosys-xilinx", ("yosys", "report"))  # as if it were run by other sources
    with pytest.raises(TypeError):
        run_all(["yosys-xilinx"], folders, tmp_path / "flows", Settings(), silent)


def test_every_flow_says_which_modules_run_it() -> None:
    assert set(RUN_BY) == set(OPEN)
    for names in RUN_BY.values():
        assert all(Path(asic.__file__).with_name(f"{name}.py").is_file() for name in names)


def test_nothing_to_work_on_is_said(built: Path, tmp_path: Path) -> None:
    with pytest.raises(QcompressError, match="no such flow; choose from yosys-xilinx"):
        run_all(["quartz"], {}, tmp_path / "flows", Settings(), silent)
    with pytest.raises(QcompressError, match="build target rtl or rtl_loadable"):
        run_all(["yosys-asic"], {}, tmp_path / "flows", Settings(), silent)
    with pytest.raises(QcompressError, match="build target hls"):
        run_all(["vitis"], {TARGETS["rtl"]: {"net": built}}, tmp_path / "flows", Settings(), silent)
    with pytest.raises(QcompressError, match="no finished build"):
        Design.open(TARGETS["rtl"], "net", tmp_path)


def project(tmp_path: Path) -> Path:
    folder = tmp_path / "hls" / "net" / "project"
    folder.mkdir(parents=True)
    for name in ("build_prj.tcl", "Makefile"):
        (folder / name).write_text("")
    return folder.parent


def fake_tool(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(stat.S_IRWXU)


CSYNTH = "<profile><ReportVersion><Version>2023.1</Version></ReportVersion></profile>"


def test_vendor_tools_run_through_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = project(tmp_path)
    with pytest.raises(ToolMissing, match="vitis: vitis_hls or vitis-run is not on PATH"):
        vendor_tools.synthesize("vitis", given, tmp_path / "out", Limits())
    fake_tool(tmp_path / "bin", "vitis_hls", f"echo '{CSYNTH}' > csynth.xml")
    fake_tool(tmp_path / "bin", "catapult", "echo done")
    fake_tool(tmp_path / "bin", "vivado_hls", "echo wrong licence; exit 3")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    report = vendor_tools.synthesize("vitis", given, tmp_path / "vitis", Limits())
    assert (report.tool, report.lut) == ("Vitis HLS 2023.1", None)
    assert "LUT of csynth.xml" in report.missing
    kept = vendor_tools.synthesize("catapult", given, tmp_path / "catapult", Limits())
    assert kept.missing == ("every figure",)
    assert (tmp_path / "catapult" / "catapult.log").read_text() == "done\n"
    with pytest.raises(QcompressError, match=r"vivado: net failed \(exit status 3\): see .*vivado\.log"):
        vendor_tools.synthesize("vivado", given, tmp_path / "vivado", Limits())
    with pytest.raises(QcompressError, match="holds no hls4ml project"):
        vendor_tools.synthesize("vitis", tmp_path / "bin", tmp_path / "other", Limits())
    with pytest.raises(ToolMissing, match=r"quartus: i\+\+ is not on PATH"):
        vendor_tools.synthesize("quartus", given, tmp_path / "quartus", Limits())
