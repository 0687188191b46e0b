"""Devices, clocks and budgets as options and in configs, from outside: what they do, and one line for each fault."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.paths import Command

from qcompress.candidate import Candidate
from qcompress.files import write_json
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.targets.rtl.loadable import RECORD, RtlLoadable, describe

CONFIG = """\
name: dummy_sum
detector: dummy
sample: {simulate: uniform, events: 100}
network: {weight_bits: 4}
targets: {cpp: null, hls: %s, rtl: null}
hardware: {%s}
"""


@pytest.fixture(scope="module")
def candidate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled candidate with Verilog that nothing simulates, made for an ECP5."""
    folder = tmp_path_factory.mktemp("candidates") / "small"
    weights = Format(True, 4, 1)
    dense = Dense(np.arange(6).reshape(3, 2), weights, np.zeros(2), weights, Format(True, 10, 3))
    graph = Graph("net", (3,), Format(False, 5, 1), (Node("dense", dense, "input"),))
    description = {"name": "small", "detector": None, "config": None, "seed": 0, "front_end": {}, "versions": {}}
    made = Candidate.create(folder, {**description, "hardware": {"device": "ecp5-25k", "ff": 1000}})
    with made.staged("compile") as stage:
        graph.save(stage / "graph" / "net")
        target = RtlLoadable(reuse=2)
        design = target.write_verilog(graph, stage / target.name / "net")
        record = {**describe(graph, design, target.layout(graph)), "settings": {}, "graph": graph.content_hash()}
        write_json(stage / target.name / "net" / RECORD, record)
        made.record("compile", "", stage, {"net": {"weights": 8}})
    return folder


def test_a_device_chooses_its_flow_and_budgets_end_with_1(candidate: Path, qcompress: Command) -> None:
    before = (candidate / "manifest.json").read_bytes()
    done = qcompress("synth", candidate, "--clock-mhz", 2000, "--lut", 5, "--check")
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("check failed: ")
    assert done.stderr.count("\n") == 1
    assert "rtl_loadable-2: LUT: " in done.stderr
    assert "5 asked for (routed)" in done.stderr
    assert "MHz too slow" in done.stderr
    assert "FF" in done.stdout  # the candidate's own budget, which holds
    shown = " ".join(done.stdout.split())
    assert "passed" in shown
    assert shown.count("failed") == 2
    easy = qcompress("synth", candidate, "--clock-mhz", 1, "--lut", 100000, "--latency-ns", 1e6, "--check", "--json")
    assert (easy.returncode, easy.stderr) == (0, "")
    report = json.loads(easy.stdout[easy.stdout.index("{") :])["yosys-ecp5/rtl_loadable-2/net"]
    assert report["fmax_mhz"] > 1
    assert (candidate / "manifest.json").read_bytes() == before


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--device", "xcvu13p"), "error: --device xcvu13p: device 'xcvu13p' is none that is known: did you mean xcvu"),
        (("--device", "ecp5-86k"), "did you mean ecp5-85k?"),
        (("--lut", 0), "error: --lut 0: Input should be greater than 0"),
        (("--ff", -3), "error: --ff -3: Input should be greater than 0"),
        (("--ge", "nan"), "error: --ge nan: Input should be a finite number"),
        (("--clock-mhz", "inf"), "error: --clock-mhz inf: Input should be a finite number"),
        (("--latency-ns", -1), "error: --latency-ns -1.0: Input should be greater than 0"),
        (("--dsp", "many"), "Invalid value for '--dsp'"),
    ],
)
def test_faults_of_options_are_one_line(
    options: tuple[object, ...], said: str, candidate: Path, qcompress: Command, tmp_path: Path
) -> None:
    for command in (("synth", candidate), ("compile", tmp_path / "model.keras", "--out", tmp_path / "c")):
        done = qcompress(*command, *options)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert said in done.stderr
    assert not (tmp_path / "c").exists()


def test_generic_cells_in_place_of_others_are_said(candidate: Path, qcompress: Command) -> None:
    said = "yosys-asic: generic cells stand for those of sky130hd, whose liberty file is not given"
    for device, lines in (("sky130hd", 1), ("generic", 0)):
        done = qcompress("synth", candidate, "--device", device, "--json")
        assert (done.returncode, done.stderr.count(said)) == (0, lines), done.stderr


def test_what_no_open_flow_knows_is_one_line(candidate: Path, qcompress: Command) -> None:
    done = qcompress("synth", candidate, "--device", "10AX115S2F45I2SG")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no open flow is for device 10AX115S2F45I2SG: give a --flow of its vendor's tools" in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ("--flow", "yosys-nexus"),
            "flow yosys-nexus does not know device ecp5-25k: take flow yosys-ecp5, or give one",
        ),
        (("--flow", "yosys-ecp5", "--flow", "yosys-nexus", "--device", "25k"), "flow yosys-nexus does not know device"),
        (("--flow", "yosys-ecp5", "--device", "xcvu13p-flga2577-2-e"), "flow yosys-ecp5 does not know device xcvu13p-"),
        (("--flow", "yosys-xilinx", "--device", "lifcl-17"), "take flow yosys-nexus, or give one of its family"),
        (("--flow", "yosys-gatemate", "--device", "ccgm1a2"), "flow yosys-gatemate does not know device ccgm1a2: give"),
        (
            ("--family", "xc7", "--device", "xcku5p-ffvb676-2-e"),
            "device xcku5p-ffvb676-2-e is of xcup; give one of them",
        ),
        (("--device", "ccgm1a2"), "no open flow is for device ccgm1a2"),
    ],
)
def test_a_flow_of_other_devices_is_one_line_before_any_runs(
    options: tuple[object, ...], said: str, candidate: Path, qcompress: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "c"
    shutil.copytree(candidate, folder, ignore=shutil.ignore_patterns("flows"))
    done = qcompress("synth", folder, *options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert said in done.stderr
    assert not (folder / "flows").exists()


def test_a_budget_without_a_figure_is_one_line(candidate: Path, qcompress: Command, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    shutil.copytree(candidate, folder, ignore=shutil.ignore_patterns("flows"))
    done = qcompress("synth", folder, "--flow", "yosys-asic", "--latency-ns", 50, "--check")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "rtl_loadable-2: latency [ns]: no figure; give clock_mhz, or run synth --flow yosys-ecp5" in done.stderr
    assert "no figure" in done.stdout
    without = qcompress("synth", folder, "--flow", "yosys-asic", "--latency-ns", 50)
    assert (without.returncode, without.stderr) == (0, "")


@pytest.mark.parametrize(
    ("hls", "hardware", "line", "said"),
    [
        ("{}", "device: xcvu13", 6, "hardware.device: device 'xcvu13' is none that is known: did you mean xcvu13p-"),
        ("{}", "lut: 0", 6, "hardware.lut: Input should be greater than 0, not 0"),
        ("{}", "ge: -2", 6, "hardware.ge: Input should be greater than 0, not -2"),
        (
            "{}",
            "device: ecp5-85k}\nsynthesis: {flow: yosys-nexus",
            7,
            "flow yosys-nexus does not know device ecp5-85k: take flow yosys-ecp5, or give one of its family",
        ),
        ("{}", "luts: 5", 6, "hardware.luts: unknown key; did you mean lut?"),
        (
            "{part: xcku11}",
            "",
            5,
            "hls: part: device 'xcku11' is none that is known: did you mean xcku115-flvb2104-2-i?",
        ),
        ("{part: 10AX115S2F45I2SG}", "", 5, "part 10AX115S2F45I2SG is Intel's, Vitis takes parts of AMD"),
        ("{clock_mhz: 5, clock_period_ns: 5}", "", 5, "give clock_mhz or clock_period_ns, not both"),
        ("{layers: {sum: {reuse_factor: 0}}}", "", 5, "targets.hls.layers.sum.reuse_factor: Input should be greater"),
        ("{layers: {sum: {reuse: 2}}}", "", 5, "targets.hls.layers.sum.reuse: unknown key; known here: reuse_factor"),
    ],
)
def test_faults_of_a_config_are_one_line(
    hls: str, hardware: str, line: int, said: str, qcompress: Command, tmp_path: Path
) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(CONFIG % (hls, hardware))
    done = qcompress("run", path, "--out", tmp_path / "c")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert done.stderr.startswith(f"error: {path}:{line}: ")
    assert said in done.stderr
    assert not (tmp_path / "c").exists()
