"""Number formats against an independent implementation on exact fractions."""

from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.errors import QcompressError
from qcompress.fixedpoint import MAX_WIDTH, Cast, Format, Overflow, Rounding, product_format, wrap

formats = st.builds(Format, st.booleans(), st.integers(1, 24), st.integers(-30, 30))
small = st.builds(Format, st.booleans(), st.integers(1, 6), st.integers(-2, 8))
near_ties = st.tuples(st.integers(-9, 9), st.integers(-6, 6), st.integers(-3, 3)).map(
    lambda drawn: float(drawn[0] * 2.0 ** drawn[1] + drawn[2] * np.spacing(drawn[0] * 2.0 ** drawn[1]))
)
floats = st.one_of(st.floats(-(2.0**20), 2.0**20), st.floats(-1e-300, 1e-300), near_ties)
"""Subnormal numbers and the neighbours of ties included."""


def rounded(x: Fraction, mode: Rounding) -> int:
    """The definition of each ap_fixed quantization mode on a number in units of the last bit (UG1399)."""
    low, high = floor(x), ceil(x)
    tie = x - low == Fraction(1, 2)
    nearest = low if x - low < Fraction(1, 2) else high
    return {
        Rounding.TRN: low,
        Rounding.TRN_ZERO: low if x >= 0 else high,
        Rounding.RND: floor(x + Fraction(1, 2)),
        Rounding.RND_ZERO: (low if x > 0 else high) if tie else nearest,
        Rounding.RND_INF: (high if x > 0 else low) if tie else nearest,
        Rounding.RND_MIN_INF: low if tie else nearest,
        Rounding.RND_CONV: (low if low % 2 == 0 else high) if tie else nearest,
    }[mode]


def fitted(code: int, to: Format, mode: Overflow) -> int:
    """The definition of each ap_fixed overflow mode."""
    low = -(2 ** (to.width - 1)) if to.signed else 0
    high = 2 ** (to.width - 1) - 1 if to.signed else 2**to.width - 1
    if mode is Overflow.WRAP:
        return (code - low) % 2**to.width + low
    if mode is Overflow.SAT_SYM and to.signed:
        low = -high
    if low <= code <= high:
        return code
    if mode is Overflow.SAT_ZERO:
        return 0
    return high if code > high else low


def plain_cast(value: Fraction, cast: Cast) -> int:
    unit = Fraction(2) ** (cast.format.integer - cast.format.width)
    return fitted(rounded(value / unit, cast.rounding), cast.format, cast.overflow)


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
@settings(max_examples=40)  # for each of 28 pairs of modes
@given(
    to=small,
    codes=st.lists(st.integers(-(2**12), 2**12), min_size=1),
    fraction=st.integers(-6, 14),
)
def test_cast_of_codes(rounding: Rounding, overflow: Overflow, to: Format, codes: list[int], fraction: int) -> None:
    cast = Cast(to, rounding, overflow)
    values = [Fraction(code) / Fraction(2) ** fraction for code in codes]
    assert cast.codes(codes, fraction).tolist() == [plain_cast(value, cast) for value in values]


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("signed", [False, True])
def test_cast_of_every_quarter(rounding: Rounding, overflow: Overflow, signed: bool) -> None:
    """All ties, halves, ends and one beyond, of a 3-bit format."""
    cast = Cast(Format(signed, 3, 3), rounding, overflow)
    quarters = range(-80, 81)
    expected = [plain_cast(Fraction(quarter, 4), cast) for quarter in quarters]
    assert cast.codes(np.array(quarters), 2).tolist() == expected
    assert cast.values(np.array(quarters) / 4).tolist() == expected


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
@settings(max_examples=40)
@given(to=formats, values=st.lists(floats, min_size=1))
def test_cast_of_values(rounding: Rounding, overflow: Overflow, to: Format, values: list[float]) -> None:
    cast = Cast(to, rounding, overflow)
    inside = [value for value in values if abs(np.ldexp(value, to.fraction)) < 2.0**MAX_WIDTH]
    assert cast.values(np.array(inside)).tolist() == [plain_cast(Fraction(value), cast) for value in inside]


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
@settings(max_examples=40)
@given(
    to=formats,
    codes=st.lists(
        st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from([-(2**63), -(2**62), 2**62])), min_size=1
    ),
    shift=st.integers(-100, 100),
)
def test_cast_of_wide_codes_and_far_shifts(
    rounding: Rounding, overflow: Overflow, to: Format, codes: list[int], shift: int
) -> None:
    """Shifts far beyond int64 in both directions."""
    cast = Cast(to, rounding, overflow)
    values = [Fraction(code) / Fraction(2) ** (to.fraction + shift) for code in codes]
    assert cast.codes(codes, to.fraction + shift).tolist() == [plain_cast(value, cast) for value in values]


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("shift", [1, 2, 61, 62, 63, 64, 200])
def test_everything_below_the_last_bit(rounding: Rounding, shift: int) -> None:
    cast = Cast(Format(True, 4, 4), rounding, Overflow.SAT)
    codes = [-(2**63), -(2**63) + 1, -(2**62) - 1, -(2**62), 1 - 2**62, -(2**61), -3, -2, -1, 0, 1, 2, 3]
    codes += [2**61 - 1, 2**61, 2**62 - 1, 2**62, 2**62 + 1, 2**63 - 1]
    assert cast.codes(codes, shift).tolist() == [plain_cast(Fraction(c, 2**shift), cast) for c in codes]


@pytest.mark.parametrize("width", [61, 62])
@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("overflow", Overflow)
def test_the_widest_formats(width: int, signed: bool, overflow: Overflow) -> None:
    to = Format(signed, width, width)
    cast = Cast(to, Rounding.TRN, overflow)
    ends = [to.min_code, to.max_code]
    codes = [c for end in ends for c in (end - 1, end, end + 1)]
    assert cast.codes(codes, 0).tolist() == [fitted(c, to, overflow) for c in codes]
    assert cast.codes(codes, -1).tolist() == [fitted(2 * c, to, overflow) for c in codes]


@given(to=small, codes=st.lists(st.integers(-(2**40), 2**40)))
def test_wrap_keeps_the_lowest_bits(to: Format, codes: list[int]) -> None:
    assert wrap(np.array(codes, np.int64), to).tolist() == [fitted(c, to, Overflow.WRAP) for c in codes]


@pytest.mark.parametrize(
    ("text", "low", "high", "lsb", "fraction"),
    [
        ("fixed<8,1>", -128, 127, 2.0**-7, 7),
        ("ufixed<8,1>", 0, 255, 2.0**-7, 7),
        ("fixed<1,1>", -1, 0, 1.0, 0),
        ("ufixed<1,0>", 0, 1, 0.5, 1),
        ("fixed<4,-2>", -8, 7, 2.0**-6, 6),
        ("ufixed<4,7>", 0, 15, 8.0, -3),
        ("fixed<62,62>", -(2**61), 2**61 - 1, 1.0, 0),
    ],
)
def test_range_of_a_format(text: str, low: int, high: int, lsb: float, fraction: int) -> None:
    found = Format.parse(text)
    assert (found.min_code, found.max_code, found.lsb, found.fraction) == (low, high, lsb, fraction)
    assert str(found) == text
    codes = np.array([low - 1, low, high, high + 1])
    assert found.contains(codes).tolist() == [False, True, True, False]


@given(formats)
def test_formats_survive_text(given_format: Format) -> None:
    assert Format.parse(str(given_format)) == given_format
    for prefix in ("ap_", "ac_"):
        assert Format.parse(f" {prefix}{given_format} ") == given_format


@given(formats, st.sampled_from(Rounding), st.sampled_from(Overflow))
def test_casts_survive_text(to: Format, rounding: Rounding, overflow: Overflow) -> None:
    cast = Cast(to, rounding, overflow)
    assert Cast.parse(str(cast)) == cast
    assert str(cast) == f"{'' if to.signed else 'u'}fixed<{to.width},{to.integer},{rounding},{overflow}>"


def test_modes_may_be_left_out() -> None:
    assert Cast.parse("fixed<8,1>") == Cast(Format(True, 8, 1), Rounding.TRN, Overflow.WRAP)
    assert Cast.parse("ufixed< 8 , -1 , RND >") == Cast(Format(False, 8, -1), Rounding.RND, Overflow.WRAP)
    assert Cast(Format(True, 8, 1)).rounding is Rounding.TRN
    assert Cast(Format(True, 8, 1)).overflow is Overflow.WRAP


@pytest.mark.parametrize(
    "text",
    ["", "fixed", "fixed<8>", "fixed<8,1", "fixed<-8,1>", "float<8,1>", "fixed<8,1>x", "int8", "fixed<\u0668,1>"],
)
def test_no_number_format(text: str) -> None:
    with pytest.raises(QcompressError, match="is no number format: write fixed<W,I> or ufixed<W,I>"):
        Format.parse(text)
    with pytest.raises(QcompressError, match="is no number format: write fixed<W,I> or fixed<W,I,RND_CONV,SAT>"):
        Cast.parse(text)


def test_modes_are_for_casts_only() -> None:
    with pytest.raises(QcompressError, match=r"'fixed<8,1,TRN>' is no number format"):
        Format.parse("fixed<8,1,TRN>")
    with pytest.raises(QcompressError, match="is no number format"):
        Cast.parse("fixed<8,1,TRN,SAT,3>")
    with pytest.raises(QcompressError, match="ROUND is none of TRN, TRN_ZERO, RND, RND_ZERO"):
        Cast.parse("fixed<8,1,ROUND>")
    with pytest.raises(QcompressError, match="SATURATE is none of WRAP, SAT, SAT_SYM, SAT_ZERO"):
        Cast.parse("fixed<8,1,TRN,SATURATE>")
    with pytest.raises(QcompressError, match="SAT is none of TRN"):
        Cast.parse("fixed<8,1,SAT>")


@pytest.mark.parametrize("width", [0, -1, MAX_WIDTH + 1])
def test_widths_that_do_not_exist(width: int) -> None:
    with pytest.raises(QcompressError, match=rf"fixed<{width},1>: the width must be 1 to 62 bits"):
        Format(True, width, 1)
    assert Format(False, 1, 0)
    assert Format(True, MAX_WIDTH, 0)


@given(small, st.data())
def test_values_on_the_grid_and_back(given_format: Format, data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(given_format.min_code, given_format.max_code)))
    values = given_format.to_values(codes)
    assert values.tolist() == [float(Fraction(c) * Fraction(2) ** -given_format.fraction) for c in codes]
    assert given_format.to_codes(values).tolist() == codes
    assert given_format.to_codes(values).dtype == np.int64


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.5, float("nan")], "1 of 2 values are NaN or infinite"),
        ([float("inf"), -float("inf")], "2 of 2 values are NaN or infinite"),
        ([5e-324, 0.0, -5e-324], r"2 of 3 values are not on the grid of fixed<3,2>"),
        ([0.25, 0.5, 0.1], r"2 of 3 values are not on the grid of fixed<3,2>: quantize them"),
        ([1.5, 2.0], r"1 of 2 values are outside the range of fixed<3,2>"),
        ([-2.0, -2.5], r"1 of 2 values are outside the range of fixed<3,2>"),
    ],
)
def test_values_that_are_no_codes(values: list[float], message: str) -> None:
    with pytest.raises(QcompressError, match=message):
        Format(True, 3, 2).to_codes(values)


def test_values_that_underflow() -> None:
    """Smaller than float64 can scale: the sign still decides a truncation."""
    values = [-1e-320, 5e-324, 0.0, -0.0]
    assert Cast(Format(True, 8, 16)).values(values).tolist() == [-1, 0, 0, 0]
    assert Cast(Format(True, 8, 16), Rounding.RND_CONV).values(values).tolist() == [0, 0, 0, 0]
    with pytest.raises(QcompressError, match="1 of 2 values are not on the grid of fixed<8,16>"):
        Format(True, 8, 16).to_codes([5e-324, 0.0])


def test_narrow_arrays_are_widened_before_anything_is_computed() -> None:
    """NumPy would scale int8 codes in float16 and shift them in 8 bits."""
    assert Format(True, 40, 30).to_values(np.array([100], np.int8)).tolist() == [100 / 2**10]
    assert Format(True, 40, 40).to_values(np.array([1], np.int8)).dtype == np.float64
    assert Format(False, 8, 28).to_values(np.array([200], np.uint8)).tolist() == [200 * 2.0**20]
    assert Format(True, 30, 4).to_codes(np.array([1.5], np.float16)).tolist() == [3 << 25]
    assert Cast(Format(True, 30, 4)).values(np.array([1.5], np.float16)).tolist() == [3 << 25]
    assert Cast(Format(True, 30, 10)).codes(np.array([100], np.int8), 0).tolist() == [100 << 20]


def test_values_that_cannot_be_cast() -> None:
    cast = Cast(Format(True, 8, 4))
    with pytest.raises(QcompressError, match="1 of 2 values are NaN or infinite"):
        cast.values([1.0, float("nan")])
    with pytest.raises(QcompressError, match=r"1 of 2 values are too large for a cast to fixed<8,4>"):
        cast.values([2.0**58, np.nextafter(2.0**58, 0)])
    with pytest.raises(QcompressError, match="1 of 1 values are too large"):
        cast.values([-(2.0**58)])


@given(small, small)
def test_product_format_holds_every_product(a: Format, b: Format) -> None:
    product = product_format(a, b)
    ends = [x * y for x in (a.min_code, a.max_code) for y in (b.min_code, b.max_code)]
    assert product.fraction == a.fraction + b.fraction
    assert product.min_code <= min(ends)
    assert max(ends) <= product.max_code
    assert product.signed == (a.signed or b.signed)
    assert product.width == a.width + b.width
