"""Formats and tables of each element: how they broadcast, what they share, what they refuse."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Graph, Node, Quantize, QuantizeEach, Range, TableEach

GIVEN = Format(True, 8, 4)
EVERY = np.arange(-128, 128)


def each(signed, width, integer, rounding=Rounding.RND, overflow=Overflow.SAT):
    return QuantizeEach(np.array(signed), np.array(width), np.array(integer), rounding, overflow)


@pytest.mark.parametrize("overflow", Overflow)
@pytest.mark.parametrize("rounding", Rounding)
def test_every_element_is_cast_as_its_own_format_says(rounding, overflow):
    formats = [Format(True, 5, 2), Format(False, 3, 3), Format(True, 6, 5), Format(True, 1, 1)]
    operation = each([1, 0, 1, 1], [5, 3, 6, 1], [2, 3, 5, 1], rounding, overflow)
    got = operation.run(np.repeat(EVERY[:, None], 4, axis=1), GIVEN)
    for column, format_ in zip(got.T, formats, strict=True):
        alone = Cast(format_, rounding, overflow).codes(EVERY, GIVEN.fraction)
        assert (operation.format.to_values(column) == format_.to_values(alone)).all()


def test_the_format_of_all_is_the_narrowest_that_holds_each():
    assert each([0, 0], [3, 4], [1, 4]).format == Format(False, 6, 4)
    assert each([1, 0], [3, 4], [1, 4]).format == Format(True, 7, 5)
    assert each([1, 1], [0, 4], [60, 2]).format == Format(True, 4, 2), "an element of no bits needs none"
    assert each([1, 0], [0, 0], [0, 0]).format == Format(False, 1, 1)


def test_elements_of_no_bits_are_zero_and_known_to_be():
    operation = each([1, 1], [0, 8], [4, 4])
    graph = Graph("g", (2,), GIVEN, (Node("it", operation, "input"),))
    assert graph.run(np.full((1, 2), 77)).tolist() == [[0, 77]]
    assert [end.tolist() for end in graph.ranges()["it"]] == [[0, -128], [0, 127]]


@pytest.mark.parametrize("own", [(), (1,), (3,), (2, 1), (2, 3), (1, 3)])
def test_parameters_broadcast_as_numpy_does(own):
    rng = np.random.default_rng(3)
    width = rng.integers(1, 6, own)
    operation = QuantizeEach(np.ones(own), width, width - 2, Rounding.TRN, Overflow.WRAP)
    full = np.broadcast_to(width, (2, 3))
    whole = QuantizeEach(np.ones((2, 3)), full, full - 2, Rounding.TRN, Overflow.WRAP)
    codes = rng.integers(-128, 128, (20, 2, 3))
    assert operation.output_shape((2, 3)) == (2, 3)
    assert operation.format == whole.format
    assert (operation.run(codes, GIVEN) == whole.run(codes, GIVEN)).all()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (lambda: each([2], [3], [1]), "signed must be 0 or 1"),
        (lambda: each([1], [-1], [1]), "width 0 to 62 bits"),
        (lambda: each([1, 1], [3, 3, 3], [1]), "do not fit together: signed (2,), width (3,), integer (1,)"),
        (lambda: each([1, 1], [40, 40], [0, 40]), "the width must be 1 to 62 bits"),
        (lambda: each([1, 1], [3, 3], [1, 1]).output_shape((3,)), "QuantizeEach with parameters of shape (2,) after"),
        (lambda: each([[1], [1]], 3, 1).output_shape((2,)), "parameters of shape (2, 1) after (2,)"),
        (lambda: TableEach(np.array([9]), np.array(0), np.array(0), np.array(0), Format(False, 3, 3)), "1 table codes"),
        (lambda: TableEach(np.arange(4), np.array(1), np.array(0), np.array(2), GIVEN), "end behind their 4 entries"),
        (lambda: TableEach(np.arange(4), np.array(0), np.array(0), np.array(17), GIVEN), "0 to 16 bits"),
    ],
)
def test_what_makes_no_sense_is_refused(made, said):
    with pytest.raises(QcompressError) as fault:
        made()
    assert said in str(fault.value)


def test_equal_tables_are_kept_once():
    tables = [np.array([1, 2]), np.array([3, 4, 5, 6]), np.array([1, 2]), np.array([7])]
    operation = TableEach.of(tables, np.array([0, 1, 3, 0]), Format(True, 5, 5))
    assert operation.entries.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert operation.width.tolist() == [1, 2, 1, 0]
    assert operation.run(np.array([[1, 5, -8, 99], [0, -1, -1, 0]]), GIVEN).tolist() == [[2, 5, 2, 7], [1, 6, 2, 7]]


def test_ranges_of_tables_are_those_of_the_places_that_are_met():
    operation = TableEach.of([np.array([4, 9, -3, 5])] * 4, np.array([0, 0, 1, 0]), Format(True, 6, 6))
    low, high = np.array([0, -1, 2, -128]), np.array([1, 0, 3, 127])
    found = operation.output_range(Range(low, high), GIVEN)
    assert found.low.tolist() == [4, 4, 9, -3]
    assert found.high.tolist() == [9, 5, 9, 9]


def test_one_format_for_all_is_a_cast():
    cast = Cast(Format(True, 5, 3), Rounding.RND_CONV, Overflow.SAT_SYM)
    operation = each(1, 5, 3, cast.rounding, cast.overflow)
    codes = EVERY.reshape(-1, 4)
    assert (operation.run(codes, GIVEN) == Quantize(cast).run(codes, GIVEN)).all()
    low, high = codes.min(axis=0), codes.max(axis=0)
    alone = Quantize(cast).output_range(Range(low, high), GIVEN)
    assert all((a == b).all() for a, b in zip(operation.output_range(Range(low, high), GIVEN), alone, strict=True))
