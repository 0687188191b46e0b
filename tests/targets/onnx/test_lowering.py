"""Every operation as ONNX nodes: onnxruntime gives the graph's codes, in every manner."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.operation_cases import CASES, cases, codes_for
from helpers.random_dags import random_dag, random_ports, rows_for, wrong_codes
from helpers.random_graphs import random_network

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Rounding
from qcompress.graph import AveragePool, Dense, Graph, Node, Quantize
from qcompress.targets.onnx.model import model
from qcompress.targets.onnx.target import Onnx

MANNERS = [Onnx(), Onnx("codes"), Onnx("values", "float"), Onnx("codes", "float")]
CAMPAIGN = pytest.mark.campaign


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("seed", "count"), [(0, 10), pytest.param(1, 300, marks=CAMPAIGN)])
def test_every_operation_gives_its_codes(name: str, seed: int, count: int, tmp_path: Path) -> None:
    for place, graph in enumerate(cases(name, count, seed)):
        codes = codes_for(np.random.default_rng(seed), graph, 20)
        target = MANNERS[place % len(MANNERS)]
        assert wrong_codes(graph, target.build(graph, tmp_path / target.name).run(codes), codes) == 0


def networks(count: int, seed: int) -> Iterator[Graph]:
    """Networks of one path, of branches, of several inputs and outputs."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        yield (random_network, random_dag, random_ports)[number % 3](rng)


@pytest.mark.parametrize(("seed", "count"), [(5, 18), pytest.param(6, 200, marks=CAMPAIGN)])
def test_random_networks_give_their_codes_or_are_refused_by_name(seed: int, count: int, tmp_path: Path) -> None:
    exported, refusals = 0, []
    for place, graph in enumerate(networks(count, seed)):
        target, rows = MANNERS[place % len(MANNERS)], rows_for(np.random.default_rng(place), graph, 40)
        try:
            body = target.build(graph, tmp_path / str(place))
        except Refused as fault:
            refusals.append(str(fault))
            continue
        exported += 1
        assert wrong_codes(graph, body.run(rows), rows) == 0
    assert exported >= 0.8 * count
    assert all(told.startswith("onnx: ") for told in refusals)


def test_numbers_beyond_64_bits_are_refused_by_name(tmp_path: Path) -> None:
    given, weight = Format(True, 40, 40), Format(True, 20, 20)
    kernel = np.full((64, 1), weight.min_code)
    layer = Dense(kernel, weight, np.zeros(1, np.int64), weight, Format(True, 62, 62))
    with pytest.raises(Refused, match="onnx: layer of wide: sums of 64 products of fixed<40,40>"):
        Onnx().build(Graph("wide", (64,), given, (Node("layer", layer, "input"),)), tmp_path)


FORMATS = {bits: Format(True, bits, bits) for bits in (8, 10, 30, 58, 60, 62)}


def layer(kernel: np.ndarray, given: Format, weight: Format, accumulator: Format) -> Graph:
    dense = Dense(kernel, weight, np.zeros(kernel.shape[1], np.int64), weight, accumulator)
    return Graph("layer", (len(kernel),), given, (Node("dense", dense, "input"),))


@pytest.mark.parametrize(
    ("given", "largest", "kind"),
    [
        (Format(False, 8, 8), 64, "MatMulInteger"),
        (Format(False, 8, 8), 65, "MatMul"),
        (Format(False, 7, 7), 127, "MatMulInteger"),
        (Format(True, 8, 8), 64, "MatMulInteger"),
        (Format(True, 8, 8), 65, "MatMul"),
        (Format(True, 9, 9), 1, "MatMul"),
    ],
)
def test_two_products_of_bytes_fit_16_bits_or_are_no_products_of_bytes(given, largest, kind) -> None:
    """Processors with AVX2 and without VNNI add them in 16 bits, saturating; this one may have VNNI."""
    graph = layer(np.full((4, 1), largest), given, FORMATS[8], FORMATS[30])
    multiplied = [node.op_type for node in model(graph, Onnx("codes").manner, {}).graph.node if "Mul" in node.op_type]
    assert multiplied == [kind]


def test_sums_beyond_53_bits_are_exact(tmp_path: Path) -> None:
    """onnxruntime's ReduceSum of int64 is not."""
    rng = np.random.default_rng(0)
    pool = Graph("pool", (8, 1), FORMATS[58], (Node("pool", AveragePool((4,), (4,)), "input"),))
    cut = layer(np.full((8, 1), 2**29 - 1), FORMATS[30], FORMATS[30], Format(True, 61, 62))
    for graph in (pool, cut):
        form = graph.input_format
        codes = rng.integers(form.min_code, form.max_code, (50, *graph.input_shape), endpoint=True)
        assert wrong_codes(graph, Onnx("codes").build(graph, tmp_path / graph.name).run(codes), codes) == 0


@pytest.mark.parametrize("target", MANNERS, ids=lambda target: target.name)
@pytest.mark.parametrize("shift", [20, 63, 64, 150])
def test_products_that_lose_their_bits_keep_their_sign(target: Onnx, shift: int, tmp_path: Path) -> None:
    given, weight = Format(True, 8, 8), Format(True, 6, 6)
    graph = layer(np.array([[3], [-5], [2]]), given, weight, Format(True, 12, 12 + shift))
    assert graph.nodes[0].operation.shift(given) == shift
    codes = np.random.default_rng(0).integers(-128, 128, (50, 3))
    assert wrong_codes(graph, target.build(graph, tmp_path).run(codes), codes) == 0


def test_a_cast_that_leaves_its_format_far_above_is_exact_in_every_manner(tmp_path: Path) -> None:
    nodes = (
        Node("r", Quantize(Cast(Format(True, 62, 2))), "input"),
        Node("s", Quantize(Cast(Format(True, 10, 4), Rounding.RND)), "r"),
    )
    graph, codes = Graph("g", (3,), Format(False, 3, 3), nodes), np.arange(8).repeat(3).reshape(8, 3)
    for target in MANNERS:
        assert wrong_codes(graph, target.build(graph, tmp_path / target.name).run(codes), codes) == 0
