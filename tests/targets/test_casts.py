"""Every rounding with every overflow, on every code of a format: nothing about ties is left to chance."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Concatenate, Dense, Graph, Node, Quantize
from qcompress.targets.cpp import Cpp
from qcompress.targets.rtl import Rtl
from qcompress.targets.rtl_loadable import RtlLoadable

TO = ("fixed<6,3>", "fixed<5,3>", "ufixed<4,3>", "fixed<3,3>")  # 1, 2, 3 and 4 bits fewer behind the point
TARGETS = (Cpp(), Rtl(), RtlLoadable(optimization="0"))


def all_casts(given: Format) -> Graph:
    casts = [Cast(Format.parse(to), *modes) for to, *modes in product(TO, Rounding, Overflow)]
    weight = Format.parse("fixed<2,2>")
    layer = Dense(np.ones((1, 1), np.int64), weight, np.ones(1, np.int64), weight, Format.parse("fixed<10,6>"))
    nodes = [Node("layer", layer, "input")]  # there are no loadable weights without one
    nodes += [Node(f"cast{place}", Quantize(cast), "input") for place, cast in enumerate(casts)]
    return Graph("casts", (1,), given, (*nodes, Node("all", Concatenate(0), *(node.name for node in nodes))))


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
@pytest.mark.parametrize("given", ["fixed<8,4>", "ufixed<8,4>"])
def test_every_code_through_every_cast(given: str, target: Cpp | Rtl | RtlLoadable, tmp_path: Path) -> None:
    graph = all_casts(Format.parse(given))
    codes = np.arange(graph.input_format.min_code, graph.input_format.max_code + 1)[:, None]
    expected = graph.run(codes)
    assert expected.shape == (256, 1 + len(TO) * len(Rounding) * len(Overflow))
    wrong = np.unique(np.nonzero(target.build(graph, tmp_path).run(codes) != expected)[1])
    assert [graph.nodes[place].name for place in wrong] == []
