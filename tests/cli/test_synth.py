"""`qcompress synth` and `qcompress compare` from outside: tables, JSON, CSV, Markdown; one line for a fault."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.paths import Command

from qcompress.candidate import Candidate
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Dense, Graph, Node, Quantize
from qcompress.synthesis import asic
from qcompress.synthesis.estimate import estimate
from qcompress.targets.record import write_json
from qcompress.targets.rtl.loadable import RECORD, RtlLoadable, describe


def small_graph() -> Graph:
    weights = Format(True, 4, 1)
    dense = Dense(np.arange(6).reshape(3, 2), weights, np.zeros(2), weights, Format(True, 10, 3))
    cast = Quantize(Cast.parse("ufixed<4,2,RND,SAT>"))
    return Graph("net", (3,), Format(False, 5, 1), (Node("dense", dense, "input"), Node("cast", cast, "dense")))


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled candidate with the Verilog of one target; nothing of it is simulated."""
    folder, graph = tmp_path_factory.mktemp("candidates") / "small", small_graph()
    description = {"name": "small", "detector": None, "config": None, "seed": 0, "front_end": {}, "versions": {}}
    made = Candidate.create(folder, description)
    with made.staged("compile") as stage:
        graph.save(stage / "graph" / "net")
        target = RtlLoadable(reuse=2)
        design = target.write_verilog(graph, stage / target.name / "net")
        graph.save(stage / target.name / "net" / "graph")
        write_json(stage / target.name / "net" / RECORD, describe(graph, design, target.layout(graph)))
        figures = {"weights": 8, "weight_bits": 32, "output_bits": 8, "multiplications": 6, "keras_is_body": False}
        made.record("compile", "", stage, {"net": figures})
    return folder


def test_flows_by_name_are_run_once_and_given_as_json(candidate: Path, qcompress: Command) -> None:
    command = ("synth", candidate, "--flow", "yosys-asic", "--flow", "yosys-xilinx", "--json")
    done = qcompress(*command)
    assert done.returncode == 0, done.stderr
    said = "synth: synthesizes 6 products with yosys-asic, yosys-xilinx; how long is not known: none has run here; "
    assert done.stdout.startswith(f"{said}what is there already is not run again\n")
    figures = json.loads(done.stdout[done.stdout.index("{") :])
    assert set(figures) == {"yosys-asic/rtl_loadable-2/net", "yosys-xilinx/rtl_loadable-2/net"}
    asic, fpga = (figures[f"{flow}/rtl_loadable-2/net"] for flow in ("yosys-asic", "yosys-xilinx"))
    assert asic["gate_equivalents"] > 32 * 6  # at least the flip-flops of the weights
    assert fpga["ff"] >= 32
    assert (fpga["dsp"], fpga["interval"], fpga["origin"]) == (0, 2, "open flow")
    assert (candidate / "flows" / "yosys-asic" / "rtl_loadable-2" / "net" / "yosys.log").is_file()
    shown = qcompress("synth", candidate, "--flow", "yosys-asic")
    assert shown.returncode == 0, shown.stderr
    assert f"{asic['gate_equivalents']:.6g}" in shown.stdout


@pytest.mark.campaign
def test_without_a_flow_the_step_is_run_and_recorded(candidate: Path, qcompress: Command) -> None:
    done = qcompress("synth", candidate)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("synthesize: synthesizes 6 products with yosys-xilinx; ")
    figures = Candidate.open(candidate).figures("synthesize")["net"]
    assert (figures["interval"], figures["origin"]) == (2, "open flow")
    assert figures["lut"] > 0
    assert f"{figures['lut']}" in done.stdout


def test_compare_takes_what_was_synthesized_and_estimates_the_rest(
    candidate: Path, qcompress: Command, tmp_path: Path
) -> None:
    qcompress("synth", candidate, "--flow", "yosys-xilinx")
    outputs = ("--csv", tmp_path / "t.csv", "--markdown", tmp_path / "t.md", "--clock", "100")
    done = qcompress("compare", candidate.parent, *outputs)
    assert done.returncode == 0, done.stderr
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text().splitlines())
    assert (row["candidate"], row["built as"]) == ("small", "rtl_loadable-2")
    report = json.loads((candidate / "flows" / "yosys-xilinx" / "rtl_loadable-2" / "net" / "report.json").read_text())
    assert (int(row["LUT"]), int(row["FF"])) == (report["lut"], report["ff"])
    assert row["origin"].startswith("mapped: LUT, FF")
    assert float(row["latency [ns]"]) == pytest.approx(10 * int(row["latency [cycles]"]))
    assert row["Fmax [MHz]"] == ""
    written = (tmp_path / "t.md").read_text()
    assert written.splitlines()[1].startswith("| --- |")
    for option, file in zip(outputs[:4:2], outputs[1:4:2], strict=True):
        file.write_text("mine")
        refused = qcompress("compare", candidate, option, file)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == f"error: {file}: is there already; give another file, or --replace\n"
        assert file.read_text() == "mine"
        assert qcompress("compare", candidate, option, file, *outputs[4:], "--replace").returncode == 0
        assert file.read_text() != "mine"
    assert (tmp_path / "t.md").read_text() == written
    if "estimated: gate equivalents" in row["origin"]:
        assert float(row["gate equivalents"]) == estimate(small_graph(), 2).gate_equivalents


def test_vendor_reports_are_read(qcompress: Command, data_file: Callable[[str], Path]) -> None:
    folder = data_file("vendor_reports")
    done = qcompress("synth", "--read", folder, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert figures["Vivado HLS 2020.1"]["dsp"] == 73
    assert figures["Vivado 2020.1"]["fmax_mhz"] is None
    shown = qcompress("synth", "--read", folder)
    assert "vendor report" in shown.stdout
    for figure in ("latency [cycles]", "61615", "4520.5", "597.73", "12324"):
        assert figure in shown.stdout
    assert "missing: timing" in " ".join(shown.stdout.split())


def test_power_of_rows_that_are_given(
    candidate: Path, qcompress: Command, data_file: Callable[[str], Path], tmp_path: Path
) -> None:
    np.save(tmp_path / "rows.npy", np.random.default_rng(0).integers(0, 32, (1280, 3)) / 16)
    liberty = data_file("liberty/nangate45_typ.lib.gz")
    flow = ("synth", candidate, "--flow", "yosys-asic", "--liberty", liberty)
    done = qcompress(*flow, "--clock-mhz", "80", "--inputs", tmp_path / "rows.npy", "--json")
    assert done.returncode == 0, done.stderr
    (figures,) = json.loads(done.stdout[done.stdout.index("{") :]).values()
    assert figures["clock_ns"] == 12.5
    assert figures["energy_nj"] == pytest.approx((figures["dynamic_mw"] + figures["static_mw"]) * 2 * 12.5 / 1000)
    np.save(tmp_path / "wide.npy", np.zeros((1280, 4)))
    done = qcompress(*flow, "--inputs", tmp_path / "wide.npy")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "wide.npy: shape (1280, 4); net takes rows of shape (3,)" in done.stderr


def test_an_estimate_of_a_vendor_is_of_constant_weights(candidate: Path, qcompress: Command) -> None:
    done = qcompress("synth", candidate, "--vendor-estimate")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "holds no Verilog with constant weights" in done.stderr


def test_timing_of_vendor_reports_is_checked(qcompress: Command, data_file: Callable[[str], Path]) -> None:
    """The routed run fails hold, the fitted one meets timing; a file of utilization alone says nothing of it."""
    routed = data_file("vendor_reports/vivado_route")
    assert qcompress("synth", "--read", routed).returncode == 0
    done = qcompress("synth", "--read", routed, "--check")
    assert done.returncode == 1
    assert "check failed: Vivado 2025.1: timing is not met: hold slack -0.267 ns" in done.stderr
    assert "timing met │ no" in " ".join(done.stdout.split())
    assert qcompress("synth", "--read", data_file("vendor_reports/quartus_pro"), "--check").returncode == 0
    done = qcompress("synth", "--read", routed / "vmodel_post_route_util.rpt", "--check")
    assert (done.returncode, "whether timing is met is not known" in done.stderr) == (1, True)
    files = [routed / f"vmodel_post_route_{name}.rpt" for name in ("util", "power")]
    done = qcompress("synth", "--read", files[0], "--read", files[1], "--json")
    (figures,) = json.loads(done.stdout).values()
    assert (figures["lut"], figures["dynamic_mw"], figures["slack_ns"]) == (5804, 489, None)


def test_vendor_reports_of_a_candidate(
    candidate: Path, qcompress: Command, data_file: Callable[[str], Path], tmp_path: Path
) -> None:
    routed = data_file("vendor_reports/vivado_route")
    done = qcompress("synth", candidate, "--read", routed)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "reports of design vmodel, not of qcompress_rtl" in done.stderr
    for path in routed.iterdir():
        (tmp_path / path.name).write_text(path.read_text().replace("vmodel", "qcompress_rtl_loadable"))
    own = shutil.copytree(candidate, tmp_path / "own")
    done = qcompress("synth", own, "--read", tmp_path, "--json")
    assert done.returncode == 0, done.stderr
    (figures,) = json.loads(done.stdout).values()
    assert figures["interval"] == 2
    assert figures["notes"][-1].startswith("kept in the candidate: ")
    assert figures["latency_ns"] == 5.0 * figures["latency_cycles"]
    assert figures["energy_nj"] == pytest.approx((2946 + 489) * 5.0 * 2 / 1000)  # all power, two clocks of 5 ns
    timing = tmp_path / "vmodel_post_route_timing.rpt"
    timing.write_text(timing.read_text().replace(" 0.822        0.000 ", "-0.305       -1.500 "))
    done = qcompress("synth", own, "--read", tmp_path, "--json")
    (missed,) = json.loads(done.stdout).values()
    assert missed["latency_ns"] == pytest.approx(5.305 * missed["latency_cycles"])
    table = tmp_path / "compared.csv"
    assert qcompress("compare", own, "--csv", table).returncode == 0
    (row,) = csv.DictReader(table.read_text().splitlines())
    assert [row[name] for name in ("LUT", "device")] == [str(missed["lut"]), missed["device"]]
    assert row["origin"].startswith("routed: LUT")


def test_faults_are_one_line(candidate: Path, qcompress: Command, tmp_path: Path) -> None:
    (tmp_path / "cells.lib").write_text("no library")
    for arguments, said in (
        (("synth",), "give a CANDIDATE to synthesize, or --read DIR"),
        (("synth", candidate, "--read", tmp_path, "--flow", "vitis"), "--flow runs a tool and --read reads"),
        (("synth", "--vendor-estimate", "--read", tmp_path), "--vendor-estimate is of a CANDIDATE, without"),
        (
            ("synth", candidate, "--read", tmp_path, "--lut", 5),
            "--lut is of flows that are run; leave it out with --read",
        ),
        (("synth", candidate, "--placements", 3), "--placements 3: give a flow that places, --flow yosys-ecp5"),
        (("synth", candidate, "--placements", 0), "--placements"),
        (("synth", candidate, "--vendor-estimate", "--clock-mhz", 5), "--clock-mhz is of flows that are run; leave it"),
        (("synth", candidate, "--vendor-estimate", "--check"), "--check is of flows that are run; leave it out with"),
        (("synth", candidate, "--family", "xc7"), "only flow yosys-xilinx takes a family; give --flow yosys-xilinx"),
        (("synth", candidate, "--liberty", tmp_path / "cells.lib"), "only flow yosys-asic takes cells; give --flow"),
        (("synth", candidate, "--flow", "yosys-asic", "--inputs", tmp_path / "x.npy"), "give --liberty FILE"),
        (("synth", "--read", tmp_path), "holds no report that is known"),
        (("synth", candidate, "--flow", "yosis"), "--flow yosis: no such flow; choose from yosys-xilinx"),
        (("synth", candidate, "--flow", "vitis"), "nothing for flow vitis; build target hls"),
        (("synth", candidate, "--flow", "yosys-asic", "--liberty", tmp_path / "cells.lib"), "no liberty file"),
        (("synth", candidate, "--flow", "yosys-xilinx", "--family", "virtex"), "family 'virtex' is none of"),
        (("synth", candidate, "--flow", "yosys-asic", "--memory-limit", "32"), "failed ("),
        (("compare", tmp_path / "nothing*"), "matches nothing"),
        (("compare", candidate, "--clock", "inf"), "qcompress compare: Invalid value for '--clock'"),
        (("compare", candidate, "--figure", tmp_path / "f.gif"), "give a .png or a .pdf"),
        (("compare", candidate, "--figure", tmp_path / "f.png"), "no candidate has a figure of an evaluation"),
    ):
        if "--memory-limit" in arguments:
            (candidate / "flows" / "yosys-asic" / "rtl_loadable-2" / "net" / "key").unlink(missing_ok=True)
        done = qcompress(*arguments)
        assert done.returncode == 2, arguments
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert said in done.stderr


def test_a_damaged_candidate_is_one_line(candidate: Path, qcompress: Command, tmp_path: Path) -> None:
    verilog = Path("rtl_loadable-2", "net", "verilog")

    def edited(name: str) -> Path:
        folder = tmp_path / name
        shutil.copytree(candidate, folder, ignore=shutil.ignore_patterns("flows", "synthesis"))
        return folder

    def with_manifest(name: str, change: Callable[[dict[str, Any]], object]) -> Path:
        folder = edited(name)
        manifest = json.loads((folder / "manifest.json").read_text())
        change(manifest)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return folder

    def figures(manifest: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = manifest["steps"]["compile"]["figures"]
        return found

    changed, gone = edited("changed"), edited("gone")
    with next((changed / verilog).glob("*.v")).open("a") as file:
        file.write("// another design\n")
    next((gone / verilog).glob("*.v")).unlink()
    words = with_manifest("words", lambda manifest: figures(manifest)["net"].update(weights="many"))
    number = with_manifest("number", lambda manifest: figures(manifest).update(net=5))
    seed = with_manifest("seed", lambda manifest: manifest.update(seed="one"))
    silent = with_manifest("silent", lambda manifest: figures(manifest).clear())
    (tmp_path / "cut.lib").write_text(asic.GENERIC.read_text()[:1500])
    repair = "files of step compile are missing or changed; compile the model again"
    for arguments, said in (
        (("synth", changed), repair),
        (("synth", changed, "--flow", "yosys-xilinx"), repair),
        (("synth", gone, "--flow", "yosys-xilinx"), repair),
        (("compare", words), "damaged manifest (steps.compile.figures.net.weights)"),
        (("compare", number), "damaged manifest (steps.compile.figures.net)"),
        (("compare", seed), "damaged manifest (seed)"),
        (("verify", silent), "step compile says nothing of network net"),
        (("synth", candidate, "--flow", "yosys-asic", "--liberty", tmp_path / "cut.lib"), "cut.lib: a liberty file"),
        (("synth", candidate, "--time-limit", "0"), "qcompress synth: Invalid value for '--time-limit'"),
    ):
        done = qcompress(*arguments)
        assert done.returncode == 2, arguments
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert said in done.stderr


def test_a_damaged_vendor_report_is_one_line(qcompress: Command, tmp_path: Path) -> None:
    (tmp_path / "summary.ndjson").write_text("[1, 2]\n")
    done = qcompress("synth", "--read", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "summary.ndjson: holds lines that are no JSON objects" in done.stderr


@pytest.mark.campaign
def test_choices_of_a_flow_are_taken_and_a_clock_is_compared(
    candidate: Path, qcompress: Command, tmp_path: Path
) -> None:
    library = tmp_path / "mine.lib"
    library.write_text(asic.GENERIC.read_text())
    flows = ("--flow", "yosys-asic", "--flow", "yosys-xilinx", "--flow", "yosys-ecp5")
    choices = ("--liberty", library, "--family", "xc7", "--device", "25k", "--time-limit", "500")
    done = qcompress("synth", candidate, *flows, *choices, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout[done.stdout.index("{") :])
    devices = {name.split("/")[0]: report["device"] for name, report in figures.items()}
    assert devices == {"yosys-asic": "mine.lib", "yosys-xilinx": "xc7", "yosys-ecp5": "ecp5-25k"}
    fmax = figures["yosys-ecp5/rtl_loadable-2/net"]["fmax_mhz"]
    assert fmax > 10
    drawn = ("--figure", tmp_path / "front.png", "--x", "lut", "--y", "latency_ns")
    assert qcompress("compare", candidate, "--csv", tmp_path / "t.csv", *drawn).returncode == 0
    assert (tmp_path / "front.png").stat().st_size > 5000
    none = qcompress("compare", candidate, *drawn[:2], "--x", "lutt", "--y", "latency_ns", "--replace")
    assert (none.returncode, none.stderr.count("\n")) == (2, 1)
    assert "lutt" in none.stderr
    (row,) = csv.DictReader((tmp_path / "t.csv").read_text().splitlines())
    assert float(row["Fmax [MHz]"]) == pytest.approx(fmax, rel=1e-3)
    assert float(row["latency [ns]"]) == pytest.approx(1000 * int(row["latency [cycles]"]) / fmax, rel=1e-3)
    assert float(row["gate equivalents"]) == figures["yosys-asic/rtl_loadable-2/net"]["gate_equivalents"]


def test_a_run_out_of_time_is_one_line_with_the_log(candidate: Path, qcompress: Command) -> None:
    done = qcompress("synth", candidate, "--flow", "yosys-xilinx", "--family", "xcu", "--time-limit", "1")
    assert done.returncode == 2
    assert "took longer than 1 s" in done.stderr
    assert "yosys.log" in done.stderr
    assert len(done.stderr.splitlines()) == 1
