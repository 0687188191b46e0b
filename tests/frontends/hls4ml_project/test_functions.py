"""The functions behind tables, and numbers as C++ assigns them."""

import math
from fractions import Fraction

import numpy as np
import pytest

from qcompress.fixedpoint import Overflow, Rounding
from qcompress.frontends.hls4ml_project import functions
from qcompress.frontends.hls4ml_project.number_types import NumberType


@pytest.mark.parametrize(
    ("function", "exact"),
    [
        (functions.exp, math.exp),
        (functions.sigmoid, lambda x: 1 / (1 + math.exp(-x))),
        (functions.tanh, math.tanh),
        (functions.softplus, lambda x: math.log1p(math.exp(x))),
        (functions.softsign, lambda x: x / (1 + abs(x))),
        (functions.elu, math.expm1),
        (functions.selu, lambda x: 1.0507009873554805 * 1.6732632423543772 * math.expm1(x)),
    ],
)
def test_functions_are_those_of_mathematics_but_for_the_rounding_of_float(function, exact):
    for value in np.linspace(-8, 8, 65).tolist():
        assert function(value) == pytest.approx(exact(value), rel=1e-5, abs=1e-6)


def test_places_of_tables():
    assert functions.around_zero(lambda x: x, 8, 4.0) == [-4, -3, -2, -1, 0, 1, 2, 3]
    assert functions.below_zero(lambda x: x, 4) == [0, -2, -4, -6]
    assert functions.sliced(NumberType(False, 8, 3), 2).tolist() == [0, 2, 4, 6]
    assert functions.sliced(NumberType(True, 8, 3), 2).tolist() == [0, 2, -4, -2]


@pytest.mark.parametrize("overflow", [Overflow.WRAP, Overflow.SAT])
@pytest.mark.parametrize(
    "value", [1.5, -2.75, 3e20, -1e30, float(2**70 + 2**20), math.inf, -math.inf, 1.7976931348623157e308]
)
def test_numbers_of_any_size_are_assigned_as_integers_would_be(value, overflow):
    type_ = NumberType(True, 18, 8, Rounding.TRN, overflow)
    found = int(functions.codes([value], type_)[0])
    if math.isinf(value):
        expected = 0 if overflow == "WRAP" else (type_.max_code if value > 0 else type_.min_code)
    else:
        code = math.floor(Fraction(value) * 1024)
        wrapped = (code - type_.min_code) % (1 << 18) + type_.min_code
        expected = wrapped if overflow == "WRAP" else max(min(code, type_.max_code), type_.min_code)
    assert found == expected
