"""Designs behind AXI: random pauses on all sides, weights by register writes, banks switched while rows run."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Codes, Format
from qcompress.graph import Add, Dense, Graph, Node, Quantize, Relu
from qcompress.graph.nodes import Input
from qcompress.graph.ports import Tensors, as_tensors
from qcompress.targets.rtl.axi_registers import MAGIC
from qcompress.targets.rtl.axi_simulation import ACCESSED, GIVEN, SLVERR, TAKEN, AxiBody, Command, build_simulation
from qcompress.targets.rtl.axi_stream import Timed
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import TOP, RtlLoadable

CODES = Format(True, 5, 2)
NARROW = Format(True, 4, 2)
SUMS = Format(True, 12, 7)


def network(seed: int = 0) -> Graph:
    """Two dense layers; the seed is that of the weights alone."""
    rng = np.random.default_rng(seed)

    def dense(given: int, made: int) -> Dense:
        kernel, bias = (rng.integers(-8, 8, shape) for shape in ((given, made), made))
        return Dense(kernel, NARROW, bias, NARROW, SUMS)

    nodes = [
        Node("first", dense(6, 8), "input"),
        Node("relu", Relu(), "first"),
        Node("cast", Quantize(Cast.parse("ufixed<5,3,RND,SAT>")), "relu"),
        Node("second", dense(8, 4), "cast"),
    ]
    return Graph("axi", (6,), CODES, tuple(nodes))


def several_ports() -> Graph:
    """Two inputs, two outputs."""
    rng = np.random.default_rng(1)
    dense = Dense(rng.integers(-8, 8, (3, 3)), NARROW, rng.integers(-8, 8, 3), NARROW, SUMS)
    inputs = [Input("charge", (3,), CODES), Input("time", (3,), NARROW)]
    nodes = [Node("layer", dense, "charge"), Node("sum", Add(), "layer", "time")]
    return Graph.of("ports", inputs, nodes, {"raw": "layer", "all": "sum"})


def codes_for(graph: Graph, rows: int) -> Tensors:
    rng = np.random.default_rng(2)
    drawn = {
        p.name: rng.integers(p.format.min_code, p.format.max_code, (rows, *p.shape), endpoint=True)
        for p in graph.input_ports
    }
    return as_tensors(graph.input_ports, drawn)


def built(settings: RtlLoadable, graph: Graph, folder: Path) -> AxiBody:
    folder.mkdir(exist_ok=True)
    design = settings.write_verilog(graph, folder)
    timed = Timed(graph, TOP, design.latency, design.interval, settings.layout(graph), settings.banks)
    return build_simulation(timed, folder, "0")


@pytest.fixture(scope="module")
def two_banks(tmp_path_factory: pytest.TempPathFactory) -> AxiBody:
    return built(
        RtlLoadable(reuse=4, banks=2, choices=4, storage="ram", block_bits=72),
        network(),
        tmp_path_factory.mktemp("axi"),
    )


def addresses(body: AxiBody) -> dict[str, int]:
    return {register.name: register.address for register in body.registers.registers}


def test_rows_pass_pauses_on_all_sides_with_weights_written_to_registers(two_banks: AxiBody) -> None:
    graph, other, at = network(), network(5), addresses(two_banks)
    codes = codes_for(graph, 600)
    commands: list[Command] = []
    for which, part in ((graph, codes[:400]), (other, codes[400:])):
        commands += [*two_banks.load(which), two_banks.wait(ACCESSED), two_banks.queue(part)]
        commands += [two_banks.wait(TAKEN, GIVEN), two_banks.poll(at["STATUS"], 0xFFFF, 0)]
    expected = np.concatenate([graph.run(codes[:400]), other.run(codes[400:])])
    assert np.array_equal(two_banks.run([*commands, two_banks.read(at["ROWS"], 600)]), expected)
    assert not np.array_equal(expected, graph.run(codes))


def switches(body: AxiBody, graphs: list[Graph], codes: Codes) -> list[Command]:
    """Five rows of each graph in turn while the weights of the next one are written; banks change with rows inside."""
    at, commands = addresses(body), [*body.load(graphs[0]), body.wait(ACCESSED)]
    for turn, after in enumerate([*graphs[1:], graphs[0]]):
        now, then = turn % 2, 1 - turn % 2
        commands += [body.write(at["CONTROL"], now << 1 | then << 2), body.wait(ACCESSED)]
        commands += [body.queue(codes[5 * turn : 5 * turn + 5]), body.poll(at["STATUS"], 0xFFFF0000, 0)]
        commands += [*body.load(after), body.wait(TAKEN, ACCESSED)]
    return commands


@pytest.mark.parametrize("count", [40, pytest.param(1000, marks=pytest.mark.campaign)])
def test_banks_are_switched_by_a_register_while_rows_are_inside(count: int, two_banks: AxiBody) -> None:
    graphs, codes = [network(turn * turn % 11) for turn in range(count)], codes_for(network(), 5 * count)
    expected = np.concatenate([graph.run(codes[5 * n : 5 * n + 5]) for n, graph in enumerate(graphs)])
    assert np.array_equal(two_banks.run(switches(two_banks, graphs, codes)), expected)


def test_registers_say_what_they_are_and_refuse_what_they_are_not(two_banks: AxiBody) -> None:
    at, registers, timed = addresses(two_banks), two_banks.registers, two_banks.design
    commands = [
        two_banks.read(at[name], value)
        for name, value in (
            ("MAGIC", MAGIC),
            ("LATENCY", timed.latency),
            ("INTERVAL", 4),
            ("BANKS", 2),
            ("BLOCK_BITS", 72),
            ("CONTROL", 0),
        )
    ]
    behind = registers.address(registers.layout.blocks, 0)
    commands += [two_banks.write(address, 1, SLVERR) for address in (at["MAGIC"], registers.base - 4, behind)]
    commands += [two_banks.write(registers.address(0, registers.block_words), 1, SLVERR)]
    commands += [two_banks.write(at["CONTROL"], 6), two_banks.read(at["CONTROL"], 6)]
    assert len(two_banks.run(commands)) == 0
    with pytest.raises(QcompressError, match="access to address 0: not the answer that is expected after"):
        two_banks.run([two_banks.read(at["MAGIC"], MAGIC + 1)])


def test_a_reset_drops_what_is_under_way_and_keeps_the_weights(two_banks: AxiBody) -> None:
    """Rows behind a reset come out right; none is under way while it lasts, so nothing is taken."""
    graph, at = network(), addresses(two_banks)
    codes = codes_for(graph, 10)
    commands = [*two_banks.load(graph), two_banks.write(at["CONTROL"], 1), two_banks.wait(ACCESSED)]
    commands += [two_banks.queue(codes), *[two_banks.read(at["ROWS"], 0)] * 20]
    commands += [two_banks.read(at["STATUS"], 0), two_banks.write(at["CONTROL"], 0)]
    assert np.array_equal(two_banks.run(commands), graph.run(codes))


def test_a_design_that_does_not_move_ends_the_simulation(two_banks: AxiBody) -> None:
    stopped = [two_banks.write(addresses(two_banks)["CONTROL"], 1), two_banks.wait(ACCESSED)]
    with pytest.raises(QcompressError, match="nothing moves after"):
        two_banks.run([*stopped, two_banks.queue(codes_for(network(), 1))])


def constant(graph: Graph, folder: Path) -> AxiBody:
    Rtl(optimization="0").build(graph, folder)
    record = json.loads((folder / "rtl.json").read_text())
    return build_simulation(Timed(graph, record["top"], record["latency_cycles"]), folder, "0")


def test_streams_of_several_ports_go_their_own_pace_around_constant_weights(tmp_path: Path) -> None:
    graph = several_ports()
    body, codes = constant(graph, tmp_path), codes_for(graph, 1000)
    found, expected = body.run([body.queue(codes)]), graph.run(codes)
    assert {name: np.count_nonzero(found[name] != expected[name]) for name in expected} == {"raw": 0, "all": 0}


@pytest.mark.campaign
@pytest.mark.parametrize(
    "settings",
    [
        None,
        RtlLoadable(),
        RtlLoadable(reuse=4),
        RtlLoadable(reuse=4, device="ecp5-85k", clock_mhz=100),
        RtlLoadable(banks=2),
        RtlLoadable(reuse=8, storage="ram"),
    ],
    ids=lambda settings: settings.name if settings else "rtl",
)
def test_100_000_rows_pass(settings: RtlLoadable | None, tmp_path: Path) -> None:
    graph = network()
    body = constant(graph, tmp_path) if settings is None else built(replace(settings, block_bits=64), graph, tmp_path)
    codes = codes_for(graph, 100_000)
    load = [] if settings is None else [*body.load(graph), body.wait(ACCESSED)]
    assert np.count_nonzero(body.run([*load, body.queue(codes)]) != graph.run(codes)) == 0
