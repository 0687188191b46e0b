"""Standard cells: the unit of gate equivalents, cells that logic does not use, the longest path, power in a report."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.cells import LIBRARY

from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu
from qcompress.synthesis import asic
from qcompress.synthesis.flows import Design, Settings, run_open
from qcompress.synthesis.liberty import Library, parse
from qcompress.targets import TARGETS

VERILOG = """
module top (
    input clk,
    input [7:0] input_codes,
    output reg [7:0] output_codes
);
    always @(posedge clk) begin
        output_codes[3:0] <= input_codes[3] ? 4'b0 : input_codes[3:0];
        output_codes[7:4] <= input_codes[7] ? 4'b0 : input_codes[7:4];
    end
endmodule
"""
RECORD = (
    '{"top": "top", "latency_cycles": 1, "interval": 1,'
    ' "inputs": {"input": "input_codes"}, "outputs": {"output": "output_codes"}}'
)
GRAPH = Graph("net", (2,), Format(True, 4, 2), (Node("relu", Relu(), "input"),))


@pytest.fixture
def built(tmp_path: Path) -> Path:
    folder = tmp_path / "rtl" / "net"
    (folder / "verilog").mkdir(parents=True)
    (folder / "verilog" / "top.v").write_text(VERILOG)
    (folder / "rtl.json").write_text(RECORD)
    GRAPH.save(folder / "graph")
    return folder


def test_the_unit_is_the_smallest_nand(data_file: Callable[[str], Path], tmp_path: Path) -> None:
    path = tmp_path / "small.lib.gz"
    path.write_bytes(gzip.compress(LIBRARY.encode()))
    assert asic.nand_area(path) == 3.0
    assert asic.nand_area(data_file("liberty/sky130hd_tt.lib.gz")) == 3.7536  # "(!A) | (!B)"


@pytest.mark.parametrize("function", ["!(A&B)", "(!(A B))", "(A*B)'", "!A|!B", "(!A + !B)"])
def test_every_way_to_write_a_nand(function: str, tmp_path: Path) -> None:
    path = tmp_path / "cells.lib"
    path.write_text(f'library(l) {{ cell(N) {{ area : 2.5; pin(Y) {{ function : "{function}"; }} }} }}')
    assert asic.nand_area(path) == 2.5


def test_cells_between_power_domains_are_left_out() -> None:
    text = LIBRARY.replace("area : 2.0;", "area : 2.0; is_isolation_cell : true;")
    assert asic.special_cells(Library("small.lib", parse(text))) == ["INV"]


def test_a_report_of_public_cells(built: Path, data_file: Callable[[str], Path], tmp_path: Path) -> None:
    """Area of six registers and more, a path, power of the rows; other rows are another result."""
    design = Design.open(TARGETS["rtl"], "net", built)
    rows = np.random.default_rng(0).integers(-8, 8, (64 * 12, 2))
    liberty = data_file("liberty/sky130hd_tt.lib.gz")
    report = run_open(
        "yosys-asic", design, tmp_path / "a", Settings(liberty=liberty, clock_mhz=40, codes={"net": rows})
    )
    assert report.area is not None
    assert report.area > 6 * 20
    assert report.delay_ns is not None
    assert 0 < report.delay_ns < 5
    assert report.dynamic_mw is not None
    assert report.static_mw is not None
    assert report.energy_nj == pytest.approx((report.dynamic_mw + report.static_mw) * 25 / 1000)
    assert any("rows came out as the graph says; no glitches" in note for note in report.notes)
    assert not [path.name for path in (tmp_path / "a").iterdir() if path.name.startswith(("netlist", "cells.lib"))]
    assert str(tmp_path) not in (tmp_path / "a" / "report.json").read_text()
    quiet = Settings(liberty=liberty, clock_mhz=40, codes={"net": rows * 0})
    assert (run_open("yosys-asic", design, tmp_path / "a", quiet).dynamic_mw or 0) < report.dynamic_mw


def test_power_that_cannot_be_said_is_missing(built: Path, tmp_path: Path) -> None:
    design = Design.open(TARGETS["rtl"], "net", built)
    library = tmp_path / "mine.lib"
    library.write_text(asic.GENERIC.read_text())
    report = run_open("yosys-asic", design, tmp_path / "a", Settings(liberty=library))
    assert report.missing == ("power: no rows of input codes; give --inputs FILE.npy",)
    rows = np.zeros((640, 2), np.int64)
    report = run_open("yosys-asic", design, tmp_path / "a", Settings(liberty=library, codes={"net": rows}))
    assert (report.energy_nj, len(report.missing)) == (None, 1)
    assert report.missing[0].startswith("power: mine.lib: no ")
