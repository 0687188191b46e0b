"""Budgets are held against the truest figure there is, of the device that was asked for."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qcompress.candidate import Candidate
from qcompress.candidate.figures import SYNTHESIS
from qcompress.errors import CheckError, QcompressError
from qcompress.files import write_json
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.report.budgets import budgets_table, checks, require
from qcompress.report.comparison import comparison_table, rows
from qcompress.report.implementations import row_of
from qcompress.report.pareto import pareto_figure
from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.estimate import estimate
from qcompress.synthesis.flows import FOLDER, Design
from qcompress.targets import Hardware
from qcompress.targets.rtl.loadable import RECORD, RtlLoadable, describe

FORMAT = Format(True, 5, 2)
GRAPH = Graph(
    "net",
    (3,),
    Format(False, 5, 1),
    (Node("dense", Dense(np.arange(6).reshape(3, 2), FORMAT, np.zeros(2), FORMAT, Format(True, 12, 4)), "input"),),
)
TARGET = RtlLoadable(reuse=2)


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    """Compiled, its Verilog written, nothing synthesized."""
    description = {"name": "small", "detector": None, "config": None, "seed": 0, "front_end": {}, "versions": {}}
    made = Candidate.create(tmp_path / "small", description)
    with made.staged("compile") as stage:
        GRAPH.save(stage / "graph" / "net")
        folder = stage / TARGET.name / "net"
        design = TARGET.write_verilog(GRAPH, folder)
        write_json(folder / RECORD, {"settings": {}, **describe(GRAPH, design, TARGET.layout(GRAPH)), "graph": "-"})
        made.record("compile", "", stage, {"net": {"weights": 8}})
    return made


def leave(candidate: Candidate, flow: str, report: SynthesisReport) -> None:
    """A report, as if that flow had run on the candidate's Verilog."""
    design = Design.open(TARGET, "net", candidate.folder / TARGET.name / "net")
    place = candidate.folder / FOLDER / flow / TARGET.name / "net"
    place.mkdir(parents=True)
    (place / "report.json").write_text(report.to_json())
    write_json(place / "key", {"flow": flow, "design": design.content_hash()})


MAPPED = SynthesisReport("yosys", Origin.OPEN_FLOW, lut=120, ff=80, dsp=0, latency_cycles=1, interval=2)
ROUTED = replace(MAPPED, lut=300, ff=95, dsp=6, fmax_mhz=80.0, notes=("longest path: a to b, 9.0 ns of logic",))
CELLS = SynthesisReport("yosys", Origin.OPEN_FLOW, gate_equivalents=900.0)


def found(candidate: Candidate, **asked: object) -> dict[str, tuple[object, object, object]]:
    return {one.what: (one.found, one.origin, one.holds) for one in checks(candidate, Hardware.model_validate(asked))}


def test_without_a_synthesis_the_estimate_is_held_against_it(candidate: Candidate) -> None:
    guess = estimate(GRAPH, 2)
    assert guess.lut is not None
    assert found(candidate, lut=guess.lut, ge=1)["LUT"] == (guess.lut, "estimated", True)
    assert found(candidate, lut=guess.lut - 1)["LUT"] == (guess.lut, "estimated", False)
    assert found(candidate, ge=1)["gate equivalents"] == (guess.gate_equivalents, "estimated", False)
    assert checks(candidate) == []


def test_what_is_mapped_or_routed_takes_the_place_of_the_estimate(candidate: Candidate) -> None:
    for flow, report in (("yosys-xilinx", MAPPED), ("yosys-ecp5", ROUTED), ("yosys-asic", CELLS)):
        leave(candidate, flow, report)
    asked = {"lut": 200, "ff": 90, "dsp": 5, "ge": 1000}
    plain = found(candidate, **asked)
    assert plain["LUT"] == (120, "mapped", True)
    assert plain["gate equivalents"] == (900.0, "mapped", True)
    ecp5 = found(candidate, **asked, device="ecp5-45k")
    assert [ecp5[what] for what in ("LUT", "FF", "DSP")] == [
        *((300, "routed", False), (95, "routed", False), (6, "routed", False)),
    ]
    amd = found(candidate, **asked, device="xcvu13p-flga2577-2-e")
    assert amd["FF"] == (80, "mapped", True)


@pytest.mark.parametrize(
    ("device", "remedy"),
    [
        ("ecp5-45k", "run synth --flow yosys-ecp5"),
        ("10AX115S2F45I2SG", "no open flow is for 10AX115S2F45I2SG: synthesize it with its vendor's"),
        ("sky130hd", "sky130hd has none: leave the budget out, or give one of ge"),
    ],
)
def test_the_estimate_of_one_kind_of_table_is_not_that_of_another(
    candidate: Candidate, device: str, remedy: str
) -> None:
    leave(candidate, "yosys-xilinx", MAPPED)
    registers, tables = checks(candidate, Hardware(device=device, ff=1000, lut=1000))[::-1]
    assert (registers.origin, registers.holds) == ("estimated", True)
    assert (tables.found, tables.holds, tables.remark) == (None, None, remedy)


@pytest.mark.parametrize(
    ("flow", "ran_on", "asked"),
    [
        ("yosys-ecp5", "ecp5-85k", "ecp5-25k"),
        ("yosys-xilinx", "xc7", "xcvu13p-flga2577-2-e"),
        ("yosys-xilinx", "xcup", "xc7k325tffg900-2"),
    ],
)
def test_figures_of_another_device_of_the_same_flow_do_not_count(
    candidate: Candidate, flow: str, ran_on: str, asked: str
) -> None:
    leave(candidate, flow, replace(ROUTED if flow == "yosys-ecp5" else MAPPED, device=ran_on))
    other = found(candidate, device=asked, ff=10_000, clock_mhz=50.0)
    assert other["FF"][1] == "estimated"
    assert other["clock [MHz]"] == (None, None, None)
    assert row_of(candidate, TARGET, None, Hardware(device=asked)).figures["fmax_mhz"] is None


def test_without_a_device_those_of_another_family_do_not_count(candidate: Candidate) -> None:
    leave(candidate, "yosys-xilinx", replace(MAPPED, device="xc7"))
    assert found(candidate, lut=10_000)["LUT"][1] == "estimated"


def test_a_synthesis_of_what_was_built_before_does_not_count(candidate: Candidate) -> None:
    with candidate.staged("synthesize") as stage:
        candidate.record("synthesize", "", stage, SYNTHESIS.to_json({"net": MAPPED}), ("compile",))
    assert found(candidate, lut=10_000)["LUT"][1] == "mapped"
    with candidate.staged("compile") as stage:
        shutil.copytree(candidate.folder, stage, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))
        (stage / "manifest.json").unlink()
        candidate.record("compile", "", stage, {"net": {"weights": 9}})
    assert found(candidate, lut=10_000)["LUT"][1] == "estimated"


def test_latency_is_that_of_the_verilog_at_the_clock(candidate: Candidate) -> None:
    record = Design.open(TARGET, "net", candidate.folder / TARGET.name / "net").record
    cycles = int(str(record["latency_cycles"]))
    assert found(candidate, latency_ns=100 * cycles, clock_mhz=10.0)["latency [ns]"] == (100 * cycles, "built", True)
    assert found(candidate, latency_ns=99 * cycles, clock_mhz=10.0)["latency [ns]"][2] is False
    leave(candidate, "yosys-ecp5", ROUTED)
    at_fmax = found(candidate, latency_ns=1000.0)["latency [ns]"]
    assert at_fmax == (pytest.approx(1000 * cycles / 80), "routed", True)


def test_a_clock_that_is_missed_says_by_how_much_and_on_which_path(candidate: Candidate) -> None:
    asked = Hardware(device="ecp5-45k", clock_mhz=100.0)
    (open_,) = checks(candidate, asked)
    assert (open_.holds, open_.remark) == (None, "not routed: run synth --flow yosys-ecp5")
    require([open_], candidate.folder)  # not known, and not failed
    leave(candidate, "yosys-ecp5", ROUTED)
    (missed,) = checks(candidate, asked)
    assert (missed.found, missed.holds) == (80.0, False)
    assert missed.remark == "20.0 MHz too slow, 2.50 ns; longest path: a to b, 9.0 ns of logic"
    with pytest.raises(CheckError, match=r"80, 100 asked for .routed.; 20\.0 MHz too slow"):
        require([missed], candidate.folder)
    (met,) = checks(candidate, Hardware(device="ecp5-45k", clock_mhz=80.0))
    assert met.holds
    table = budgets_table([missed, met])
    assert [row[-1] for row in table.rows] == ["failed", "passed"]
    assert "longest path: a to b" in table.note


def test_what_a_figure_does_not_tell_is_remarked(candidate: Candidate) -> None:
    leave(candidate, "yosys-xilinx", MAPPED)
    (dsps,) = checks(candidate, Hardware(dsp=5))
    assert (dsps.holds, dsps.remark) == (
        True,
        "yosys-xilinx makes products of look-up tables, a vendor's tool may take DSPs",
    )
    leave(candidate, "yosys-ecp5", replace(ROUTED, device="ecp5-45k"))
    assert [check.remark for check in checks(candidate, Hardware(dsp=6, device="ecp5-45k"))] == [""]
    assert [check.remark for check in checks(candidate, Hardware(clock_mhz=80.0))] == ["on ecp5-45k"]
    (missed,) = checks(candidate, Hardware(clock_mhz=100.0))
    assert missed.remark.startswith("20.0 MHz too slow, 2.50 ns; on ecp5-45k; longest path: ")


def test_a_budget_without_a_figure_says_what_would_give_it(candidate: Candidate) -> None:
    with pytest.raises(QcompressError, match=r"latency \[ns\]: no figure; give clock_mhz, or run synth --flow yosys-"):
        require(checks(candidate, Hardware(latency_ns=50.0)), candidate.folder)
    candidate.manifest["targets"] = {"cpp": {"family": "cpp", "settings": {}}}
    with pytest.raises(QcompressError, match="only Verilog has figures: build target rtl or rtl_loadable"):
        require(checks(candidate, Hardware(lut=50)), candidate.folder)


def test_the_comparison_says_what_was_asked_and_what_is_met(candidate: Candidate, tmp_path: Path) -> None:
    leave(candidate, "yosys-ecp5", replace(ROUTED, device="ecp5-45k"))
    candidate.manifest["hardware"] = {"device": "ecp5-45k", "clock_mhz": 100.0}
    table = comparison_table(rows([candidate], None))
    (line,) = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert (line["device"], line["clock asked [MHz]"], line["Fmax [MHz]"], line["clock met"]) == (
        *("ecp5-45k", 100.0, 80.0, "no"),
    )
    assert (line["throughput [MHz]"], line["latency [ns]"]) == (50.0, 10 * int(str(line["latency [cycles]"])))
    assert line["origin"] == "routed: LUT, FF; estimated: gate equivalents; built: cycles, time"
    assert row_of(candidate, TARGET, 80.0).origins["latency_ns"] == "routed"
    assert pareto_figure(rows([candidate], None), "latency_ns", tmp_path / "p.png", "lut") == 1
    with pytest.raises(QcompressError, match=r"no candidate has a figure luts; they have .*latency_ns, lut"):
        pareto_figure(rows([candidate], None), "latency_ns", tmp_path / "p.png", "luts")
