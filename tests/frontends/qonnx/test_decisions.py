"""Rounding in float64 against rounding in fractions, and both against qonnx."""

from fractions import Fraction

import numpy as np
import pytest
from qonnx.custom_op.general.quant import resolve_rounding_mode

from qcompress.frontends.qonnx.decisions import MANY, ONE, Counted, Rounded, Sign, fraction_distance, rounded

VALUES = np.arange(-40, 41) / 8


def in_fractions(values):
    found = np.empty(values.shape, object)
    found.ravel()[:] = [Fraction(each) for each in values.ravel().tolist()]
    return found


@pytest.mark.parametrize("mode", MANY)
def test_modes_are_those_of_qonnx(mode):
    expected = resolve_rounding_mode(mode)(VALUES)
    assert np.array_equal(rounded(VALUES, mode), expected)
    assert rounded(in_fractions(VALUES), mode).tolist() == expected.astype(int).tolist()
    assert set(MANY) == set(ONE)


@pytest.mark.parametrize("mode", MANY)
def test_the_distance_is_0_where_the_result_changes(mode):
    distance = fraction_distance(VALUES, mode)
    below, above = (rounded(VALUES + step, mode) for step in (-1 / 16, 1 / 16))
    at = rounded(VALUES, mode)
    changes = (below != at) | (above != at)
    assert (distance[changes] == 0).all()
    assert (distance[~changes] > 0).any()


@pytest.mark.parametrize("decision", [Rounded("ROUND", -3, 2, 1), Sign(2), Counted(np.array([[-1.0, 0.5]]))], ids=str)
def test_floats_and_fractions_decide_alike(decision):
    values = VALUES[:, None]
    assert decision.codes(values).astype(int).tolist() == decision.codes(in_fractions(values)).tolist()
