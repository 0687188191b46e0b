"""Staircases against the function itself, evaluated in fractions for every code."""

from fractions import Fraction

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.qonnx import staircases
from qcompress.frontends.qonnx.decisions import Counted, Rounded, Sign
from qcompress.frontends.qonnx.staircases import SIGMOID, TANH, Bend, Limits, Scale, staircase
from qcompress.graph import Graph, Input, Table, Thresholds

GIVEN = Format(True, 8, 4)
SHAPE = (2, 3)
THIRDS = [Fraction(1, 3), Fraction(-2, 7), Fraction(0)]
STEPS = {
    "one scale": [Scale.of(Fraction(1, 3))],
    "ties everywhere": [Scale.of(Fraction(1, 2))],
    "rising, falling, constant": [Scale.of(THIRDS, [0, Fraction(1, 9), 5])],
    "bent and cut": [Scale.of(0.3), Bend(Fraction(1, 10)), Limits(Fraction(-1, 3), Fraction(20, 7))],
    "sigmoid": [Scale.of(Fraction(8)), SIGMOID, Scale.of(8, -4)],
    "tanh": [TANH, Scale.of(7)],
    "one after the other": [Scale.of(THIRDS), Scale.of(0.7, -0.1)],
}


def built(steps, decision, given=GIVEN):
    builder = Builder([Input("input", SHAPE, given)])
    staircase(builder, "it", "input", steps, decision, Format(True, 12, 12))
    return Graph("case", SHAPE, given, tuple(builder.nodes))


def exactly(steps, decision, given, codes):
    """Codes (rows, *SHAPE) -> what the steps and the decision make of them, in fractions alone."""
    values = np.empty(codes.shape, object)
    values.ravel()[:] = [Fraction(code) * Fraction(2) ** -given.fraction for code in codes.ravel().tolist()]
    for step in steps:
        values = step.apply(values)
    return decision.codes(values).astype(np.int64)


def every_code(given):
    codes = np.arange(given.min_code, given.max_code + 1)
    return np.broadcast_to(codes[:, None, None], (len(codes), *SHAPE))


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("mode", ["ROUND", "FLOOR", "CEIL", "HALF_UP"])
def test_every_code(steps, mode):
    decision, codes = Rounded(mode, -7, 7), every_code(GIVEN)
    assert np.array_equal(built(steps, decision).run(codes), exactly(steps, decision, GIVEN, codes))


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
def test_bisection_finds_the_same_steps(steps, monkeypatch):
    decision, codes = Rounded("ROUND", -7, 7), every_code(GIVEN)
    monkeypatch.setattr(staircases, "MOST_CODES", 0)
    assert np.array_equal(built(steps, decision).run(codes), exactly(steps, decision, GIVEN, codes))


@pytest.mark.parametrize("decision", [Sign(), Counted(np.array([[-1.5, 0.1], [0, 0], [-9, 9]]))], ids=str)
def test_other_decisions(decision):
    codes = every_code(GIVEN)
    graph = built([], decision)
    assert np.array_equal(graph.run(codes), exactly([], decision, GIVEN, codes))


def test_sums_of_many_bits():
    given = Format(True, 40, 40)
    steps, decision = [Scale.of([1e-9, -3e-10, 2e-11])], Rounded("ROUND", -8, 7)
    ends = np.array([given.min_code, given.max_code, 0])
    near = np.concatenate([(np.arange(-9, 9) * 2 + 1)[:, None] * 500_000_000 + np.arange(-2, 3)]).ravel()
    codes = np.broadcast_to(np.concatenate([ends, near])[:, None, None], (len(ends) + near.size, *SHAPE))
    graph = built(steps, decision, given)
    assert isinstance(graph.nodes[0].operation, Thresholds)
    assert np.array_equal(graph.run(codes), exactly(steps, decision, given, codes))


def test_fine_results_of_few_codes_are_a_table():
    graph = built([Scale.of(Fraction(9, 10))], Rounded("ROUND", -500, 500), Format(True, 10, 10))
    assert isinstance(graph.nodes[0].operation, Table)


def test_too_many_results_behind_a_wide_sum_are_refused():
    with pytest.raises(Refused, match=r"layer it: \d+ results of a quantizer .*; use 12 bits or fewer"):
        built([Scale.of(0.3)], Rounded("ROUND", -30000, 30000), Format(True, 40, 30))
