"""The Verilog computes what the graph computes, a row every clock cycle, bit for bit, or is refused by name."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers.batch_graph import batch
from helpers.operation_cases import CASES, cases
from helpers.random_dags import random_dag
from helpers.random_graphs import cast_chain, random_cast, random_codes, random_format, random_network, uniform_codes

from qcompress.errors import Refused, ToolMissing
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import (
    OPERATIONS,
    Add,
    Concatenate,
    Conv2D,
    Dense,
    Graph,
    Multiply,
    Node,
    Operation,
    Quantize,
    Subtract,
    Table,
    ZeroPad,
)
from qcompress.graph.ports import Port
from qcompress.targets import TARGETS, Body, Target
from qcompress.targets.rtl.build import mismatches, sample_codes
from qcompress.targets.rtl.constant import Rtl, verilog_files
from qcompress.targets.rtl.logic import LOGIC, trace_graph

RTL = Rtl(latency_cutoff=3, optimization="0")
MODES = [(rounding, overflow) for rounding in Rounding for overflow in Overflow]


def accepted_network(seed: int) -> Graph:
    """The first random network of a seed that the target does not refuse."""
    rng = np.random.default_rng(seed)
    while True:
        graph = random_network(rng)
        try:
            RTL.refuse(graph)
        except Refused:
            continue
        return graph


def codes_for(graph: Graph, rows: int, seed: int = 1) -> Codes:
    return random_codes(np.random.default_rng(seed), graph.input_format, (rows, *graph.input_shape))


def traced_mismatches(graph: Graph, codes: Codes) -> int:
    """Wrong codes of alkaid's interpreter on the traced logic: what the Verilog is written from."""
    return mismatches(graph, trace_graph(graph), codes)


def campaign(seeds: range) -> list[object]:
    return [pytest.param(seed, marks=pytest.mark.campaign) for seed in seeds]


@pytest.mark.parametrize("seed", [34, *campaign(range(34))])  # 34: the input's last bit is worth 2
def test_verilog_of_every_operation_equals_the_graph(seed: int, tmp_path: Path) -> None:
    graph = accepted_network(seed)
    codes = codes_for(graph, 1500)
    assert np.count_nonzero(RTL.build(graph, tmp_path).run(codes) != graph.run(codes)) == 0


@pytest.mark.parametrize("seed", [*range(100, 115), *campaign(range(115, 1500))])
def test_logic_of_every_operation_equals_the_graph(seed: int) -> None:
    graph = accepted_network(seed)
    assert traced_mismatches(graph, codes_for(graph, 500)) == 0


def is_refused(graph: Graph) -> bool:
    try:
        RTL.refuse(graph)
    except Refused:
        return True
    return False


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("seed", "count"), [(0, 12), pytest.param(1, 300, marks=pytest.mark.campaign)])
def test_logic_of_random_cases_of_each_operation_equals_the_graph(name: str, seed: int, count: int) -> None:
    """The contract of every target; most cases must be accepted."""
    accepted = [graph for graph in cases(name, count, seed) if not is_refused(graph)]
    assert len(accepted) > 0.6 * count
    for graph in accepted:
        assert traced_mismatches(graph, codes_for(graph, 200)) == 0


@pytest.mark.parametrize(
    "join", [Add(), Subtract(), Multiply(), Concatenate(1)], ids=lambda operation: type(operation).__name__
)
def test_logic_of_constants_that_meet_equals_the_graph(join: Operation) -> None:
    """Two paddings: their zeros, which depend on no input, are merged with each other."""
    nodes = (
        Node("a", ZeroPad(((1, 0),)), "input"),
        Node("b", ZeroPad(((1, 0),)), "input"),
        Node("join", join, "a", "b"),
    )
    graph = Graph("g", (3, 2), Format(True, 4, 2), nodes)
    assert traced_mismatches(graph, codes_for(graph, 200)) == 0


def test_every_operation_has_logic() -> None:
    assert set(LOGIC) == set(OPERATIONS.values())


def test_verilog_of_all_operations_side_by_side_equals_the_graph(tmp_path: Path) -> None:
    graph = batch(list(CASES), RTL.refuse)
    assert {type(node.operation).__name__ for node in graph.nodes} == set(CASES)
    codes = codes_for(graph, 1000)
    clocked = Rtl(device="ecp5-85k", clock_mhz=80, optimization="0")
    assert np.count_nonzero(clocked.build(graph, tmp_path).run(codes) != graph.run(codes)) == 0


@pytest.mark.parametrize("seed", [*range(12), *campaign(range(12, 300))])
def test_logic_of_graphs_that_branch_and_join_equals_the_graph(seed: int) -> None:
    graph = random_dag(np.random.default_rng(seed), 8)
    if not is_refused(graph):
        assert traced_mismatches(graph, codes_for(graph, 200)) == 0


@pytest.mark.parametrize("seed", [*range(28), *campaign(range(28, 3000))])
def test_logic_of_casts_up_to_the_widest_equals_the_graph(seed: int) -> None:
    rng = np.random.default_rng(seed)
    given = random_format(rng, width=(2, 25), integer=(-3, 25))
    rounding, overflow = MODES[seed % len(MODES)]
    first = random_cast(rng, given, [rounding], [overflow])
    graph = cast_chain(given, [first, random_cast(rng, first.format)])
    try:
        RTL.refuse(graph)
    except Refused:
        return
    assert traced_mismatches(graph, codes_for(graph, 2000)) == 0


def widest_layer(seed: int) -> Graph:
    """A dense layer and a cast, of any formats that the target accepts."""
    rng = np.random.default_rng(seed)
    while True:
        given, kernel, bias = (random_format(rng, width=(2, top), integer=(-9, 20)) for top in (24, 25, 24))
        fraction = given.fraction + kernel.fraction - int(rng.integers(-2, 30))
        width = int(rng.integers(2, 25))
        accumulator = Format(True, width, width - fraction)
        weights, biases = uniform_codes(rng, kernel, (5, 3)), uniform_codes(rng, bias, (3,))
        dense = Node("dense", Dense(weights, kernel, biases, bias, accumulator), "input")
        graph = Graph("wide", (5,), given, (dense, Node("cast", Quantize(random_cast(rng, accumulator)), "dense")))
        try:
            RTL.refuse(graph)
        except Refused:
            continue
        return graph


@pytest.mark.parametrize("seed", [*range(4), *campaign(range(4, 400))])
def test_logic_of_the_widest_layers_equals_the_graph(seed: int) -> None:
    graph = widest_layer(seed)
    codes = codes_for(graph, 1000)
    assert traced_mismatches(graph, codes) == 0
    assert traced_mismatches(graph.upto("dense"), codes) == 0


def small_graph() -> Graph:
    """Two inputs, one output."""
    format_ = Format(True, 4, 2)
    dense = Dense(np.array([[3], [-5]]), format_, np.array([1]), format_, Format(True, 9, 5))
    return Graph("small", (2,), format_, (Node("dense", dense, "input"),))


@pytest.fixture(scope="module")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of `small_graph`, moved after it was made."""
    made, moved = (tmp_path_factory.mktemp(name) / "rtl" for name in ("made", "moved"))
    RTL.build(small_graph(), made)
    shutil.move(made, moved)
    return moved


def test_a_moved_build_opens_and_runs(small_build: Path) -> None:
    body = RTL.open(small_graph(), small_build)
    assert isinstance(body, Body)
    assert isinstance(RTL, Target)
    assert TARGETS["rtl"] == Rtl()
    codes = codes_for(small_graph(), 300)
    assert np.array_equal(body.run(codes), small_graph().run(codes))
    for rows in (0, 1, 2):
        assert np.array_equal(body.run(codes[:rows]), small_graph().run(codes[:rows]))


def test_every_build_compares_the_same_rows() -> None:
    first, again = (sample_codes([Port("input", (3,), Format(True, 6, 2))], 50) for _ in range(2))
    assert np.array_equal(first, again)


def test_the_record_says_latency_interval_ports_and_estimate(small_build: Path) -> None:
    record = json.loads((small_build / "rtl.json").read_text())
    assert record["interval"] == 1
    assert record["latency_cycles"] >= 2
    assert record["ports"] == {
        "clk": "clock, rising edge",
        "input_codes": "2 x fixed<4,2>",
        "output_codes": "1 x fixed<9,5>",
    }
    assert record["estimate"]["origin"] == "estimated"
    assert record["estimate"]["lut"] > 0
    text = (small_build / "verilog" / "qcompress_rtl.v").read_text()
    assert f"// latency {record['latency_cycles']} clock edges, interval 1" in text
    assert "// dense  Dense           1            fixed<9,5>" in text


def test_the_test_bench_reads_the_graphs_codes(small_build: Path) -> None:
    bench = small_build / "bench"
    given = [int(line, 16) for line in (bench / "input.hex").read_text().split()]
    expected = [int(line, 16) for line in (bench / "expected.hex").read_text().split()]
    codes = np.array([[row & 15, row >> 4] for row in given])
    codes = np.where(codes > 7, codes - 16, codes)
    assert (small_graph().run(codes)[:, 0] & 511).tolist() == expected
    assert not (bench / "weights.hex").exists()
    assert "qcompress_rtl design_under_test" in (bench / "bench.v").read_text()


def test_the_verilog_is_reproducible_and_names_no_path_of_this_machine(
    small_build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qcompress.targets.rtl.verilator.Simulation.build", lambda *arguments: None)
    RTL.build(small_graph(), tmp_path)
    for path in [*verilog_files(small_build), small_build / "rtl.json"]:
        content = path.read_bytes()
        assert content == (tmp_path / path.relative_to(small_build)).read_bytes()
        assert not [here for here in (str(tmp_path), str(Path.home()), str(Path.cwd())) if here.encode() in content]


def test_a_large_graph_gives_the_same_verilog_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qcompress.targets.rtl.verilator.Simulation.build", lambda *arguments: None)
    graph = accepted_network(5)
    for name in ("first", "second"):
        RTL.build(graph, tmp_path / name)
    first, second = (
        {path.name: path.read_bytes() for path in verilog_files(tmp_path / name)} for name in ("first", "second")
    )
    assert first == second


def test_what_alkaid_does_not_compute_exactly_is_refused_by_node() -> None:
    class Shifted(Conv2D):
        """An operation that the target has never heard of, though it resembles one it knows."""

    narrow, zero = Format(True, 4, 2), np.zeros(1, np.int64)

    def cast(text: str, given: str = "fixed<4,2>") -> Graph:
        return cast_chain(Format.parse(given), [Cast.parse(text)])

    def dense(kernel: Format, weight: int, given: Format = narrow) -> Graph:
        layer = Dense(np.full((1, 1), weight), kernel, zero, narrow, narrow)
        return Graph("g", (1,), given, (Node("heavy", layer, "input"),))

    def table(bits: int) -> Graph:
        look_up = Table(np.zeros(1 << bits, np.int64), narrow)
        return Graph("g", (1,), Format(True, bits, 2), (Node("table", look_up, "input"),))

    def large(size: int) -> Graph:
        layer = Dense(np.ones((size, size), np.int64), narrow, np.zeros(size), narrow, Format(True, 20, 10))
        return Graph("g", (size,), narrow, (Node("large", layer, "input"),))

    unknown = Shifted(np.ones((1, 1, 1, 1), np.int64), narrow, zero, narrow, narrow)
    for graph, said in (
        (cast("fixed<25,20>"), "node cast0 has fixed<25,20>"),
        (cast("fixed<3,2>", "ufixed<24,20>"), "the input has ufixed<24,20>"),
        (
            cast("fixed<20,19>", "fixed<20,2>"),
            "node cast0: from top to bottom fixed<20,2> and fixed<20,19> are 36 bits",
        ),
        (dense(Format(True, 25, 2), 1), "node heavy has weights of fixed<25,2>"),
        (dense(Format(True, 24, 2), 2**22, Format(True, 12, 2)), "node heavy has sums of 34 bits"),
        (Graph("g", (1, 1, 1), narrow, (Node("odd", unknown, "input"),)), "node odd: Shifted"),
        (table(13), "node table: a table of 13 bits, 12 are allowed"),
        (large(160), "graph g has 25600 operations, 20000 are allowed"),
    ):
        with pytest.raises(Refused, match=said):
            RTL.refuse(graph)
    for graph in (
        cast("fixed<24,20>", "fixed<24,20>"),
        cast("fixed<8,6>", "fixed<20,2>"),  # 23 bits from top to bottom
        dense(Format(True, 24, 2), 2**20, Format(True, 12, 2)),
        table(12),
        large(141),
    ):
        RTL.refuse(graph)
    with pytest.raises(Refused, match="latency_cutoff 0"):
        Rtl(latency_cutoff=0).refuse(small_graph())


def test_missing_compiler_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"g\+\+ is not installed"):
        RTL.build(small_graph(), tmp_path / "rtl")
    assert not (tmp_path / "rtl").exists()
