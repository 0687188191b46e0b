"""The integer stages around a network: rounding against exact fractions, C++ against NumPy."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.detectors.tpc.geometry import PADS
from qcompress.detectors.tpc.networks.stages import OUTSIDE, RATIO_FORMAT, CentreDivision, Decision, logarithm, ratio
from qcompress.detectors.tpc.networks.windows import Layout
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph import Chain
from qcompress.targets.cpp.emulator import Cpp
from qcompress.verification import standard_inputs, verify

LAYOUTS = (
    Layout.parse("1x3x3"),
    Layout.parse("1x3x3", extras=True),
    Layout.parse("3x3x3", True, True),
    Layout.parse("1x3x3", True, True, True),
)
LOGIT = Format(True, 10, 5)


@given(st.integers(-40, 32767), st.integers(1, 32767))
def test_a_quotient_is_the_nearest_code_halves_up(x: int, divisor: int) -> None:
    exact = Fraction(max(x, 0), divisor) * 128 + Fraction(1, 2)
    assert ratio(np.array([x]), divisor)[0] == min(exact.numerator // exact.denominator, RATIO_FORMAT.max_code)


def test_a_window_over_its_centre() -> None:
    window = np.array([[0, 50, 100, -1, 100, 399, 401, 1600, 25]])
    found = CentreDivision(LAYOUTS[0]).run(window)
    assert found.tolist() == [[0, 64, 128, OUTSIDE, 128, 511, 511, 511, 32]]
    assert RATIO_FORMAT.to_values(np.array(OUTSIDE)) == -1


def test_what_stands_beside_the_window() -> None:
    layout = LAYOUTS[2]
    row = np.full((1, layout.size), 160)
    row[0, 27:30] = (18, 76, 30)
    row[0, 30:] = (-32, 16, 24, 400, 40)
    found = CentreDivision(layout).run(row)[0, 27:].tolist()
    pads = int(PADS[76])
    assert found == [64, 64, int(30 * 128 / pads + 0.5), -64, 32, 96, 511, int(40 * 16 / (8 * 160) * 128)]


@given(st.integers(1, 32767))
def test_a_logarithm_is_a_straight_line_between_powers_of_two(x: int) -> None:
    power = x.bit_length() - 1
    exact = Fraction(32 * power) + 32 * (Fraction(x, 1 << power) - 1)
    assert logarithm(np.array([x]))[0] == exact.numerator // exact.denominator
    assert abs(logarithm(np.array([x]))[0] / 32 - np.log2(x)) < 0.12
    assert logarithm(np.array([-1, 0, 1])).tolist() == [0, 0, 0]


def test_the_logarithm_of_the_centre_stands_last() -> None:
    row = np.zeros((2, LAYOUTS[3].size), np.int64)
    row[:, 4] = row[:, -1] = (16, 1600)
    assert CentreDivision(LAYOUTS[3]).run(row)[:, -1].tolist() == [128, 32 * 10 + 18]


@pytest.mark.parametrize(
    "layout",
    [LAYOUTS[0], *LAYOUTS[2:], pytest.param(LAYOUTS[1], marks=pytest.mark.campaign)],  # the third has its extras too
    ids=str,
)
def test_the_c_plus_plus_divides_as_numpy_does(layout: Layout, tmp_path: Path) -> None:
    stages = Chain("division_alone", (CentreDivision(layout),))
    body = Cpp(optimization="1").build(stages, tmp_path)
    found = verify(stages, [body], standard_inputs(stages, 2000, 1))
    assert [one.mismatches for one in found] == [0] * len(found)


def test_quotients_of_several_charges_at_once_round_where_numpy_does(tmp_path: Path) -> None:
    """Each centre with the charges on both sides of where the code rises, for codes up to the last, and the ends."""
    stages, rng, rows = Chain("division_alone", (CentreDivision(LAYOUTS[0]),)), np.random.default_rng(3), 60_000
    centre = np.concatenate([np.arange(1, 32768), rng.integers(1, 32768, rows - 32767)])[:, None]
    code = rng.integers(1, RATIO_FORMAT.max_code + 2, (rows, 9))
    code[:, 0] = RATIO_FORMAT.max_code
    rises = -((centre - 2 * centre * code) // 256)  # the smallest charge that has the code
    charge = np.clip(rises - rng.integers(0, 2, (rows, 9)), -1, 32767)
    charge[:, 8] = rng.choice([-1, 0, 32767], rows)
    charge[:, LAYOUTS[0].centre] = centre[:, 0]
    expected = CentreDivision(LAYOUTS[0]).run(charge)
    assert len(np.unique(expected)) == RATIO_FORMAT.max_code + 2  # every code and outside
    assert (Cpp().build(stages, tmp_path).run(charge) == expected).all()


@pytest.mark.parametrize(
    ("count", "threshold"),
    [(1, 0.0), (1, 0.05), (1, 1.0), (3, 0.5), (6, 0.3), pytest.param(1, 0.5, marks=pytest.mark.campaign)],
)
def test_the_decision_in_c_plus_plus(count: int, threshold: float, tmp_path: Path) -> None:
    stages = Chain("decision_alone", (Decision((count,), LOGIT, threshold),))
    body = Cpp(optimization="1").build(stages, tmp_path)
    found = verify(stages, [body], standard_inputs(stages, 1000, 1))
    assert [one.mismatches for one in found] == [0] * len(found)


@given(st.floats(0, 1), st.integers(LOGIT.min_code, LOGIT.max_code))
def test_a_threshold_on_the_probability_is_one_on_the_code(threshold: float, code: int) -> None:
    logit = code / 2**LOGIT.fraction
    accepted = Decision((1,), LOGIT, threshold).run(np.array([[code]]))[0, 0]
    if threshold in (0, 1):
        assert accepted == (threshold == 0)
    else:
        assert accepted == (logit > np.log(threshold / (1 - threshold)))


def test_three_outputs_are_a_choice_the_first_of_equals() -> None:
    codes = np.array([[3, 3, 3], [1, 3, 3], [0, -1, 5]])
    assert Decision((3,), LOGIT, 0.5).run(codes)[:, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_is_a_probability(threshold: float) -> None:
    with pytest.raises(QcompressError, match="give a probability, 0 to 1"):
        Decision((1,), LOGIT, threshold)


def test_a_classifier_has_one_output_or_three() -> None:
    with pytest.raises(QcompressError, match="has 1, 3 or 6 outputs"):
        Decision((2,), LOGIT, 0.5)
