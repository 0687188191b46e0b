"""Bits that carry something: no code has any below or above."""

import numpy as np
import pytest
from helpers.operation_cases import CASES, cases, codes_for

from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Dense, Graph, Node, QuantizeEach
from qcompress.targets.rtl.significant import NOTHING, reaches, trailing


def test_trailing_zeros_of_codes():
    assert trailing(np.array([1, -1, 2, -12, 0, -(1 << 40)])).tolist() == [0, 0, 1, 2, NOTHING, 40]


@pytest.mark.parametrize("name", CASES)
def test_no_code_of_an_operation_has_bits_outside_its_reach(name):
    for graph in cases(name, 15, 4):
        found = reaches(graph)
        for node, codes in graph.trace(codes_for(np.random.default_rng(0), graph, 60)).items():
            reach, format_ = found[node], graph.formats[node]
            assert ((trailing(codes) >= format_.fraction - reach.fraction) | (codes == 0)).all(), node
            bits = np.where(codes < 0, ~codes, codes)
            assert (bits < np.ldexp(1.0, np.minimum(reach.top + format_.fraction, NOTHING))).all(), node


def test_elements_are_as_narrow_as_their_own_formats():
    each = QuantizeEach(np.ones(2), np.array([4, 3]), np.array([9, 1]), Rounding.TRN, Overflow.WRAP)
    weights = Format(True, 4, 4)
    dense = Dense(np.array([[3, 0], [0, 4]]), weights, np.array([0, 0]), weights, Format(True, 20, 16))
    nodes = (Node("each", each, "input"), Node("dense", dense, "each"))
    found = reaches(Graph("g", (2,), Format(True, 12, 8), nodes))
    assert each.format == Format(True, 11, 9)
    assert (found["each"].top + found["each"].fraction).tolist() == [2, 2]
    assert found["dense"].fraction.tolist() == [-5, 0]
    assert found["each"].widest == 2
    kinds = np.array([True, False])
    assert found["each"].with_cast(Cast(Format(True, 6, 4)), kinds) == 7 + 2
    assert found["each"].with_cast(None, kinds) == 0
