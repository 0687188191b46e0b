"""Operations against an independent evaluation in plain Python integers of any size."""

import itertools
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import ArgMax, Conv1D, Conv2D, Dense, Flatten, Graph, Multiply, Node, Quantize, Range, Table
from qcompress.graph.ranges import float32_exact, largest_sum, smallest_format, with_lossless_accumulator

formats = st.builds(Format, st.booleans(), st.integers(2, 9), st.integers(-2, 6))
accumulators = st.builds(Format, st.booleans(), st.integers(3, 20), st.integers(-2, 14))


def random_codes(rng, format_, shape):
    return rng.integers(format_.min_code, format_.max_code, shape, endpoint=True)


def exact_sum(terms, bias, fractions, accumulator):
    """Cast each product (floor), add, wrap; terms (x, w) as Python integers, any size."""

    def floor_to(code, fraction):
        shift = fraction - accumulator.fraction
        return code >> shift if shift >= 0 else code << -shift

    x_fraction, w_fraction, b_fraction = fractions
    total = floor_to(bias, b_fraction) + sum(floor_to(x * w, x_fraction + w_fraction) for x, w in terms)
    kept = total % (1 << accumulator.width)
    return kept - (1 << accumulator.width) if accumulator.signed and kept > accumulator.max_code else kept


@settings(deadline=None, max_examples=60)
@given(formats, formats, formats, accumulators, st.integers(0, 2**32 - 1))
def test_dense_casts_each_product_then_adds_then_wraps(x_format, w_format, b_format, accumulator, seed):
    rng = np.random.default_rng(seed)
    kernel, bias = random_codes(rng, w_format, (5, 3)), random_codes(rng, b_format, 3)
    codes = random_codes(rng, x_format, (4, 5))
    got = Dense(kernel, w_format, bias, b_format, accumulator).run(codes, x_format)
    fractions = (x_format.fraction, w_format.fraction, b_format.fraction)
    for row, column in np.ndindex(4, 3):
        terms = [(int(codes[row, i]), int(kernel[i, column])) for i in range(5)]
        assert got[row, column] == exact_sum(terms, int(bias[column]), fractions, accumulator)


@settings(deadline=None, max_examples=40)
@given(
    formats,
    formats,
    accumulators,
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.tuples(*[st.tuples(st.integers(0, 2), st.integers(0, 2))] * 2),
    st.integers(0, 2**32 - 1),
)
def test_conv2d_is_a_sum_over_the_window_with_zeros_outside(x_format, w_format, accumulator, strides, padding, seed):
    rng = np.random.default_rng(seed)
    kernel, bias = random_codes(rng, w_format, (3, 2, 2, 3)), random_codes(rng, w_format, 3)
    codes = random_codes(rng, x_format, (2, 5, 4, 2))
    operation = Conv2D(kernel, w_format, bias, w_format, accumulator, strides, padding)
    got = operation.run(codes, x_format)
    (top, bottom), (left, right) = padding
    height, width = (5 + top + bottom - 3) // strides[0] + 1, (4 + left + right - 2) // strides[1] + 1
    assert got.shape == (2, height, width, 3) == (2, *operation.output_shape((5, 4, 2)))
    fractions = (x_format.fraction, w_format.fraction, w_format.fraction)
    for row, y, x, channel in np.ndindex(got.shape):
        terms = []
        for ky, kx, c in np.ndindex(3, 2, 2):
            at_y, at_x = y * strides[0] + ky - top, x * strides[1] + kx - left
            if 0 <= at_y < 5 and 0 <= at_x < 4:
                terms.append((int(codes[row, at_y, at_x, c]), int(kernel[ky, kx, c, channel])))
        assert got[row, y, x, channel] == exact_sum(terms, int(bias[channel]), fractions, accumulator)


def test_rows_are_computed_alike_in_any_number():
    rng = np.random.default_rng(0)
    weights = Format.parse("fixed<6,1>")
    operation = Dense(random_codes(rng, weights, (700, 2)), weights, np.zeros(2), weights, Format.parse("fixed<30,20>"))
    codes = random_codes(rng, weights, (6000, 700))
    together = operation.run(codes, weights)
    assert (together[5990:] == operation.run(codes[5990:], weights)).all()
    assert operation.run(codes[:0], weights).shape == (0, 2)


@settings(deadline=None, max_examples=60)
@given(formats, formats, accumulators, st.integers(0, 2**32 - 1))
def test_ranges_hold_every_output_and_are_reached_where_nothing_wraps(x_format, w_format, accumulator, seed):
    rng = np.random.default_rng(seed)
    operation = Dense(
        random_codes(rng, w_format, (2, 3)), w_format, random_codes(rng, w_format, 3), w_format, accumulator
    )
    x_format = replace(x_format, width=min(x_format.width, 4))
    every = np.array(list(np.ndindex(2**x_format.width, 2**x_format.width))) + x_format.min_code
    ends = Range(np.full(2, x_format.min_code), np.full(2, x_format.max_code))
    low, high = operation.output_range(ends, x_format)
    got = operation.run(every, x_format)
    assert (got >= low).all()
    assert (got <= high).all()
    sums = operation.sum_range(ends, x_format)
    inside = accumulator.contains(sums.low) & accumulator.contains(sums.high)
    assert (got.min(axis=0) == low)[inside].all()
    assert (got.max(axis=0) == high)[inside].all()


@settings(deadline=None, max_examples=200)
@given(
    formats,
    accumulators,
    st.sampled_from(Rounding),
    st.sampled_from(Overflow),
    st.lists(st.tuples(st.integers(0, 511), st.integers(0, 511)), min_size=1, max_size=3),
)
def test_quantize_range_holds_every_output_and_is_exact_where_nothing_wraps(
    x_format, target, rounding, overflow, parts
):
    cast = Cast(target, rounding, overflow)
    ends = [sorted(x_format.min_code + end % (1 << x_format.width) for end in part) for part in parts]
    low, high = np.array(ends).T
    found = Quantize(cast).output_range(Range(low, high), x_format)
    for element, (first, last) in enumerate(ends):
        every = np.arange(first, last + 1)
        got = cast.codes(every, x_format.fraction)
        assert found.low[element] <= got.min() <= got.max() <= found.high[element]
        wide = Cast(Format(True, 60, 60 - target.fraction), rounding).codes(every, x_format.fraction)
        if overflow in {Overflow.SAT, Overflow.SAT_SYM} or target.contains(wide).all():
            assert (got.min(), got.max()) == (found.low[element], found.high[element])


def test_a_lossless_accumulator_is_exact_and_not_a_bit_too_wide():
    rng = np.random.default_rng(5)
    x_format, w_format = Format.parse("ufixed<8,1>"), Format.parse("fixed<6,1>")
    given_ = Dense(random_codes(rng, w_format, (20, 4)), w_format, random_codes(rng, w_format, 4), w_format, x_format)
    ends = Range(np.zeros(20, np.int64), np.full(20, 255))
    operation = with_lossless_accumulator(given_, ends, x_format)
    sums = operation.sum_range(ends, x_format)
    assert operation.accumulator == smallest_format(sums, 12)
    assert operation.accumulator.contains(np.array([sums.low.min(), sums.high.max()])).all()
    narrower = replace(operation.accumulator, width=operation.accumulator.width - 1)
    assert not narrower.contains(np.array([sums.low.min(), sums.high.max()])).all()
    worst = np.where(operation.kernel[:, 0] > 0, 255, 0)[None]
    expected = (worst[0] * operation.kernel[:, 0]).sum() + (operation.bias[0] << 7)
    assert operation.run(worst, x_format)[0, 0] == expected == sums.high[0]


@pytest.mark.parametrize(
    ("low", "high", "width"), [(0, 0, 1), (-1, 0, 1), (0, 1, 2), (-2, 1, 2), (-3, 1, 3), (0, 127, 8), (-8, -8, 4)]
)
def test_smallest_format(low, high, width):
    assert smallest_format(Range(np.array([low]), np.array([high])), 3) == Format(True, width, width - 3)


def test_float32_sums_are_exact_up_to_24_bits():
    one = Format.parse("fixed<2,2>")
    wide = Format.parse("ufixed<24,24>")
    operation = Dense(np.array([[1]]), one, np.array([1]), one, wide)
    assert float32_exact(operation, Range(np.array([0]), np.array([2**24 - 1])), wide)
    assert not float32_exact(operation, Range(np.array([0]), np.array([2**24])), Format.parse("ufixed<25,25>"))


def test_products_that_do_not_fit_int64_are_refused():
    wide = Format(True, 40, 40)
    operation = Dense(np.ones((1, 1), np.int64), wide, np.zeros(1, np.int64), wide, Format(True, 60, 60))
    with pytest.raises(Refused, match="62 bits"):
        operation.run(np.ones((1, 1), np.int64), wide)


def test_weights_outside_their_format_and_wrong_shapes_are_faults():
    narrow, wide = Format.parse("fixed<3,3>"), Format.parse("fixed<20,20>")
    with pytest.raises(QcompressError, match=r"2 kernel codes are outside fixed<3,3>"):
        Dense(np.array([[4], [-5], [3]]), narrow, np.array([0]), narrow, wide)
    with pytest.raises(QcompressError, match="bias of shape"):
        Dense(np.array([[1, 2]]), narrow, np.array([0]), narrow, wide)
    dense = Dense(np.array([[1, 2]]), narrow, np.array([0, 0]), narrow, wide)
    with pytest.raises(QcompressError, match=r"graph g, node d: dense layer of 1 inputs after shape \(2,\)"):
        Graph("g", (2,), narrow, (Node("d", dense, "input"),))
    convolution = Conv2D(np.ones((3, 3, 1, 1)), narrow, np.zeros(1), narrow, wide)
    with pytest.raises(QcompressError, match="1 channels after shape"):
        convolution.output_shape((4, 4, 2))
    with pytest.raises(QcompressError, match="does not fit"):
        convolution.output_shape((2, 4, 1))


def test_flatten_keeps_the_last_axis_fastest():
    codes = np.arange(12).reshape(1, 2, 3, 2)
    assert Flatten().run(codes, Format.parse("ufixed<4,4>")).tolist() == [list(range(12))]
    assert Flatten().output_shape((2, 3, 2)) == (12,)


def test_weights_cannot_be_changed_behind_the_operation():
    narrow = Format.parse("fixed<3,3>")
    kernel = np.array([[1]])
    dense = Dense(kernel, narrow, np.array([0]), narrow, narrow)
    kernel[0, 0] = 3
    assert dense.kernel[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        dense.kernel[0, 0] = 2


@settings(deadline=None, max_examples=60)
@given(formats, formats, formats, st.integers(0, 2**32 - 1))
def test_the_largest_sum_is_that_of_all_magnitudes(x_format, w_format, b_format, seed):
    rng = np.random.default_rng(seed)
    kernel, bias = random_codes(rng, w_format, (2, 2, 3)), random_codes(rng, b_format, 3)
    low = random_codes(rng, x_format, (4, 2))
    range_ = Range(low, np.maximum(low, random_codes(rng, x_format, (4, 2))))
    operation = Conv1D(kernel, w_format, bias, b_format, Format(True, 40, 20))
    fraction = max(x_format.fraction + w_format.fraction, b_format.fraction)
    unit = Fraction(1, 2) ** fraction
    sums = []
    for position, filter_ in np.ndindex(3, 3):
        total = abs(int(bias[filter_])) * Fraction(1, 2) ** b_format.fraction
        for tap, channel in np.ndindex(2, 2):
            ends = (int(end[position + tap, channel]) for end in range_)
            product = max(map(abs, ends)) * abs(int(kernel[tap, channel, filter_]))
            total += product * Fraction(1, 2) ** (x_format.fraction + w_format.fraction)
        sums.append(total / unit)
    assert largest_sum(operation, range_, x_format) == max(sums)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_range_of_an_index_of_the_largest_is_reached(classes, groups, seed):
    """Every class between the ends of the range of its group is tried over all inputs."""
    rng = np.random.default_rng(seed)
    format_ = Format(True, 3, 3)
    low = random_codes(rng, format_, (groups, classes))
    range_ = Range(low, np.maximum(low, random_codes(rng, format_, (groups, classes))))
    found = ArgMax(classes).output_range(range_, format_)
    for group in range(groups):
        ends = (range(a, b + 1) for a, b in zip(range_.low[group], range_.high[group], strict=True))
        reached = [int(np.argmax(codes)) for codes in itertools.product(*ends)]
        assert (found.low[group, 0], found.high[group, 0]) == (min(reached), max(reached))
    assert found.low.dtype == found.high.dtype == np.int64


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_ranges_of_tables_and_products_are_reached_element_by_element(seed):
    rng = np.random.default_rng(seed)
    format_ = Format(True, 4, 2)
    low = random_codes(rng, format_, (2, 3))
    range_ = Range(low, np.maximum(low, random_codes(rng, format_, (2, 3))))
    table = Table(random_codes(rng, format_, 16), format_)
    found = table.output_range(range_, format_)
    other = Range(-range_.high, -range_.low)
    product = Multiply().output_range([range_, other], [format_, format_])
    for where in np.ndindex(2, 3):
        codes = range(range_.low[where], range_.high[where] + 1)
        values = [int(table.table[code + 8]) for code in codes]
        assert (found.low[where], found.high[where]) == (min(values), max(values))
        products = [a * -b for a in codes for b in codes]
        assert (product.low[where], product.high[where]) == (min(products), max(products))
    assert found.low.dtype == np.int64


def test_products_of_62_bits_are_taken_and_of_63_refused():
    given_format, kernel_format = Format(True, 31, 20), Format(True, 31, 20)
    one = np.ones((1, 1), np.int64)

    def dense(fraction):
        return Dense(one, kernel_format, np.zeros(1), NARROWEST, Format(True, 60, 60 - fraction))

    assert dense(22).shift(given_format) == 0
    assert dense(10).shift(given_format) == 12
    with pytest.raises(Refused, match=r"products of fixed<31,20> and fixed<31,20> in fixed<60,37> need over 62 bits"):
        dense(23).shift(given_format)
    with pytest.raises(Refused, match="need over 62 bits"):
        dense(10).shift(Format(True, 32, 20))


NARROWEST = Format(True, 2, 2)
