"""Stages of constant logic from the graph alone: as few as the period allows; what nothing reads has no registers."""

from dataclasses import replace
from itertools import combinations
from math import ceil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Dense, Graph, Node, Quantize, Relu
from qcompress.synthesis.levels import LONGER, Level, Place, levels, live_bits
from qcompress.synthesis.stages import Staged, _cuts, _fewest, staged
from qcompress.targets.rtl.delays import Delays

PLAIN = Delays(
    register=1.0,
    lut=1.0,
    adder_base=2.0,
    carry=0.0,
    fan_out=0.0,
    growth=0.0,
    multiplier=0.0,
    lut_inputs=4,
    ternary=False,
)


def network(kernel: list[list[int]]) -> Graph:
    """A dense layer on numbers of 4 bits, its ReLU, and a cast to 3 bits that rounds."""
    weights = Format.parse("fixed<4,4>")
    outputs = len(kernel[0])
    dense = Dense(np.array(kernel), weights, np.zeros(outputs, np.int64), weights, Format.parse("fixed<12,12>"))
    cast = Quantize(Cast(Format.parse("ufixed<3,4>"), Rounding.RND, Overflow.WRAP))
    nodes = (Node("dense", dense, "input"), Node("relu", Relu(), "dense"), Node("cast", cast, "relu"))
    return Graph("net", (len(kernel),), Format.parse("ufixed<4,4>"), nodes)


def test_a_slow_clock_needs_one_stage_and_a_fast_one_a_stage_for_every_level() -> None:
    graph = network([[1], [1], [1], [1]])  # two levels of sums, which shared ones make four, ReLU, rounding
    assert staged(graph, PLAIN, 100.0) == Staged(1, 0.0, 0.0, 4 * 4 + 3)
    assert staged(graph, PLAIN, 3.0).stages == 6
    assert staged(graph, PLAIN, 5.0).stages == 3  # 2 + 2, 2 + 2, 1 + 2


def test_carries_are_cut_where_a_sum_takes_too_long_and_what_is_in_one_piece_is_refused() -> None:
    """Sums of 2 ns and 0.5 for each bit: a part takes 2.5 at least; a ReLU takes 1."""
    cut = replace(PLAIN, carry=0.5)
    graph = network([[1], [1], [1], [1]])
    assert staged(graph, cut, 4.5).stages > staged(graph, cut, 9.0).stages
    with pytest.raises(Refused, match=r"node dense takes 2.5 ns and a register here.*at most 285 MHz"):
        staged(graph, cut, 3.5)
    with pytest.raises(Refused, match=r"node relu takes 1 ns.*at most 500 MHz"):
        staged(network([[1]]), PLAIN, 1.9)


def test_a_level_has_as_few_parts_as_the_budget_allows() -> None:
    level = Level(2.0, 8.0, 0.5)
    assert level.within(2.0) == [level]
    assert level.within(1.5) == [Level(1.25, 8.0)] * 2
    assert level.within(1.0) == [Level(1.0, 8.0)] * 3
    assert level.within(0.5) == [] == Level(2.0, 8.0).within(1.9)


def test_inputs_that_nothing_reads_and_outputs_that_are_constant_have_no_registers() -> None:
    assert staged(network([[1], [0], [1]]), PLAIN, 100.0).ends == 2 * 4 + 3
    assert staged(network([[1, -1], [1, -1]]), PLAIN, 100.0).ends == 2 * 4 + 3  # a ReLU of what is never above 0


def test_registers_stand_where_fewest_bits_are() -> None:
    graph = network([[1] * 8, [1] * 8])
    found = staged(graph, PLAIN, 4.0)  # sums, which take 2 ns; ReLU and rounding
    assert (found.stages, found.inside) == (
        3,
        8 * 2 * 4.0,
    )  # one of two levels: two numbers of each sum, as it is split
    assert found.between == 8 * 5.0


@given(
    st.lists(st.integers(1, 5), min_size=1, max_size=7),
    st.data(),
)
def test_cuts_are_the_fewest_then_the_shortest_then_the_cheapest(gaps: list[int], data: st.DataObject) -> None:
    places = np.cumsum([0, *gaps]).astype(np.float64)
    bits = np.array(data.draw(st.lists(st.integers(0, 9), min_size=len(places), max_size=len(places))), np.float64)
    budget = float(data.draw(st.integers(max(gaps), sum(gaps))))
    count = _fewest(places, budget)
    ways = {
        ways: max(np.diff([0, *places[list(ways)], places[-1]]))
        for ways in combinations(range(1, len(places) - 1), count)
    }
    shortest = min(ways.values())
    assert shortest <= budget
    assert all(
        max(np.diff([0, *places[list(fewer)], places[-1]])) > budget
        for fewer in (combinations(range(1, len(places) - 1), count - 1) if count else ())
    )
    found = _cuts(places, bits, budget)
    assert len(found) == count
    assert max(np.diff([0, *places[found], places[-1]])) <= shortest + 1e-5
    assert bits[found].sum() == min(bits[list(way)].sum() for way, longest in ways.items() if longest == shortest)


def test_products_that_are_cut_are_trees_of_their_own_and_share_nothing() -> None:
    """Four weights of two signed digits: a level for each product, two for their sums; uncut 5 for eight digits."""
    weights, whole = Format.parse("fixed<4,2>"), Format.parse("fixed<12,10>")

    def levels_of(accumulator: Format) -> list[Level]:
        dense = Dense(np.full((4, 1), 3), weights, np.zeros(1, np.int64), weights, accumulator)
        graph = Graph("net", (4,), Format.parse("ufixed<4,4>"), (Node("dense", dense, "input"),))
        return levels(Place(graph, graph.nodes[0], live_bits(graph), PLAIN))

    assert len(levels_of(whole)) == ceil(LONGER * 3)
    cut = levels_of(Format.parse("fixed<12,12>"))
    assert len(cut) == 1 + 2
    assert cut[0].bits == 4 * (cut[-1].bits - 2)
