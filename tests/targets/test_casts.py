"""Every rounding with every overflow, and accumulators of every kind, on every code: no tie is left to chance."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Concatenate, Dense, Graph, Node, Quantize
from qcompress.targets import Target
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.hls.project import Hls
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable

TO = ("fixed<6,3>", "fixed<5,3>", "ufixed<4,3>", "fixed<3,3>")  # 1, 2, 3 and 4 bits fewer behind the point
OWN: tuple[Target, ...] = (Cpp(optimization="1"), Rtl(optimization="0"), RtlLoadable(optimization="0"))
HLS = tuple(Hls(backend) for backend in ("Vitis", "Quartus", "Catapult"))
SIGNED, UNSIGNED = "fixed<8,4>", "ufixed<8,4>"
RUNS = [
    *((SIGNED, target) for target in OWN),
    (UNSIGNED, OWN[0]),
    *(pytest.param(UNSIGNED, target, marks=pytest.mark.campaign) for target in OWN[1:]),
    (SIGNED, HLS[0]),
    *(pytest.param(SIGNED, target, marks=pytest.mark.campaign) for target in HLS[1:]),
    *(pytest.param(UNSIGNED, target, marks=pytest.mark.campaign) for target in HLS),
]


def all_casts(given: Format) -> Graph:
    casts = [Cast(Format.parse(to), *modes) for to, *modes in product(TO, Rounding, Overflow)]
    weight = Format.parse("fixed<2,2>")
    layer = Dense(np.ones((1, 1), np.int64), weight, np.ones(1, np.int64), weight, Format.parse("fixed<10,6>"))
    nodes = [Node("layer", layer, "input")]  # there are no loadable weights without one
    nodes += [Node(f"cast{place}", Quantize(cast), "input") for place, cast in enumerate(casts)]
    return Graph("casts", (1,), given, (*nodes, Node("all", Concatenate(0), *(node.name for node in nodes))))


@pytest.mark.parametrize(("given", "target"), RUNS, ids=lambda value: getattr(value, "name", value))
def test_every_code_through_every_cast(given: str, target: Target, tmp_path: Path) -> None:
    graph = all_casts(Format.parse(given))
    codes = np.arange(graph.input_format.min_code, graph.input_format.max_code + 1)[:, None]
    expected = graph.run(codes)
    assert expected.shape == (256, 1 + len(TO) * len(Rounding) * len(Overflow))
    wrong = np.unique(np.nonzero(target.build(graph, tmp_path / "new" / "folder").run(codes) != expected)[1])
    assert [graph.nodes[place].name for place in wrong] == []


ACCUMULATORS = (
    "fixed<16,8>",  # holds all
    "fixed<12,11>",  # reaches higher and drops bits
    "fixed<12,4>",  # finer than the products
    "fixed<5,3>",  # wraps, drops bits
    "fixed<6,12>",  # all but the sign of every product is dropped
    "fixed<3,9>",
)


def all_accumulators(given: Format) -> Graph:
    rng = np.random.default_rng(0)
    weight = Format.parse("fixed<4,2>")
    nodes = []
    for place, accumulator in enumerate(ACCUMULATORS):
        kernel, bias = rng.integers(weight.min_code, weight.max_code + 1, (3, 2)), np.array([1, weight.min_code])
        kernel[0] = weight.min_code, weight.max_code
        nodes.append(Node(f"dense{place}", Dense(kernel, weight, bias, weight, Format.parse(accumulator)), "input"))
    return Graph("sums", (3,), given, (*nodes, Node("all", Concatenate(0), *(node.name for node in nodes))))


@pytest.mark.parametrize("target", OWN, ids=lambda target: target.name)
@pytest.mark.parametrize("given", ["fixed<4,2>", "ufixed<3,2>"])
def test_every_code_through_every_accumulator(given: str, target: Target, tmp_path: Path) -> None:
    graph = all_accumulators(Format.parse(given))
    one = np.arange(graph.input_format.min_code, graph.input_format.max_code + 1)
    codes = np.stack(np.meshgrid(one, one, one), axis=-1).reshape(-1, 3)
    wrong = np.nonzero(target.build(graph, tmp_path / "new" / "folder").run(codes) != graph.run(codes))[1] // 2
    assert [graph.nodes[place].name for place in np.unique(wrong)] == []
