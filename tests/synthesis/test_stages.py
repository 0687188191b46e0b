"""Stages of constant logic from the graph alone: as few as the period allows; what nothing reads has no registers."""

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Dense, Graph, Node, Quantize, Relu
from qcompress.synthesis.stages import Staged, _cheapest, _cuts, _fewest, staged
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


def test_what_takes_longer_than_the_period_is_a_stage() -> None:
    assert staged(network([[1], [1], [1], [1]]), PLAIN, 1.5).stages == staged(network([[1]] * 4), PLAIN, 3.0).stages


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
    assert (
        _cheapest(places, bits, count, shortest) == found
        or bits[found].sum() == bits[_cheapest(places, bits, count, shortest)].sum()
    )
