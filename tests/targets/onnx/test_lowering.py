"""Every operation as ONNX nodes: onnxruntime gives the graph's codes, in every manner."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from helpers.operation_cases import CASES, cases, codes_for
from helpers.random_dags import random_dag, random_ports, rows_for, wrong_codes
from helpers.random_graphs import random_network

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
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
    with pytest.raises(Refused, match=r"onnx: layer of wide: integers from -\d+ to \d+ do not fit 64 bits"):
        Onnx().build(Graph("wide", (64,), given, (Node("layer", layer, "input"),)), tmp_path)
