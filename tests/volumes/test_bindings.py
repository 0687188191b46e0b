"""Columns to inputs: what is typed, what is assumed, what does not fit."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph import Port
from qcompress.volumes.bindings import bindings, check, kept_names, notes, output_names
from qcompress.volumes.columns import Column

BYTE = Format(False, 8, 8)
IMAGE, FLAG = Port("image", (2, 2, 1), BYTE), Port("flag", (1,), BYTE)


def known(**shapes):
    return {name: Column(name, "u1", np.dtype("u1"), shape) for name, shape in shapes.items()}


def columns_of(ports, told, columns):
    return [each.columns for each in bindings(ports, told, columns, "in.h5")]


def test_names_runs_and_what_is_assumed():
    columns = known(image=(2, 2), flag=(), tc_0=(), **{"a..b_1": ()})
    assert columns_of([IMAGE, FLAG], [], columns) == [("image",), ("flag",)]
    assert columns_of([IMAGE], ["tc_8..tc_11"], columns) == [("tc_8", "tc_9", "tc_10", "tc_11")]
    assert columns_of([IMAGE], ["image=tc_08..11"], columns) == [("tc_08", "tc_09", "tc_10", "tc_11")]
    assert columns_of([FLAG], ["a..b_1"], columns) == [("a..b_1",)]
    assert columns_of([IMAGE], [], known(other=(2, 2))) == [("other",)]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (["image"], "say of which input, as image=image: image, flag"),
        (["imag=a"], "there is no input imag; there is image"),
        (["image=a", "image=b"], "input image is given twice"),
        (["image=tc_3..tc_1"], "ends before it begins"),
        (["image=tc_0..tc_999999999"], r"input image has 4 elements \(2, 2, 1\), got 1000000000 columns"),
        ([f"image=tc_0..tc_{'9' * 18}"], r"input image has 4 elements \(2, 2, 1\), got 1000000000000000000 columns"),
        ([], r"in\.h5: which columns are input flag\? say --input flag=COLUMN; it has image \(u1\), b \(u1\)"),
    ],
)
def test_what_is_not_understood_is_said(told, message):
    with pytest.raises(QcompressError, match=message):
        bindings([IMAGE, FLAG], told, known(image=(2, 2), b=()), "in.h5")


@pytest.mark.parametrize("shape", [(2, 2, 1), (2, 2), (1, 2, 2), (4,)])
def test_a_column_of_the_shape_or_flat_is_taken(shape):
    columns = known(image=shape)
    (binding,) = bindings([IMAGE], [], columns, "in.h5")
    check(binding, columns, True, "in.h5")
    array = np.arange(12, dtype=np.uint8).reshape(3, *shape)
    assert (binding.taken({"image": array}) == array.reshape(3, 2, 2, 1)).all()


def test_columns_of_single_numbers_become_elements_in_order():
    columns = known(a=(), b=(1,), c=(), d=())
    (binding,) = bindings([IMAGE], ["d,c,b,a"], columns, "in.h5")
    check(binding, columns, True, "in.h5")
    arrays = {name: np.full((2, *columns[name].shape), k, np.uint8) for k, name in enumerate("abcd")}
    assert binding.taken(arrays).reshape(2, 4).tolist() == [[3, 2, 1, 0]] * 2
    assert binding.column_of(1) == "c"


@pytest.mark.parametrize(
    ("told", "columns", "message"),
    [
        ("image", known(image=(4, 2)), r"a row of column image is of shape \(4, 2\), input image of \(2, 2, 1\)"),
        ("a,b,c", known(a=(), b=(), c=()), r"input image has 4 elements \(2, 2, 1\), got 3 columns"),
        ("a,b,c,d", known(a=(), b=(2,), c=(), d=()), "column b holds .* of several columns each is a number"),
        ("x", {"x": Column("x", "f4", np.dtype("f4"), (4,))}, "column x is float32: --codes takes integers"),
        ("x", {"x": Column("x", "bool", np.dtype("?"), (4,))}, "column x holds booleans; store it as integers"),
    ],
)
def test_what_does_not_fit_is_said(told, columns, message):
    (binding,) = bindings([IMAGE], [told], columns, "in.h5")
    with pytest.raises(QcompressError, match=f"in.h5: .*{message}|in.h5: {message}"):
        check(binding, columns, True, "in.h5")


def test_integers_for_an_input_with_fractional_bits_are_noted_unless_they_are_codes():
    halves = Port("image", (2, 2, 1), Format(False, 8, 7))
    floats = {"image": Column("image", "f4", np.dtype("f4"), (4,))}
    one, four = known(image=(4,)), known(a=(), b=(), c=(), d=())
    (whole,), (single,) = bindings([halves], [], one, "in.h5"), bindings([halves], ["a,b,c,d"], four, "in.h5")
    (told,) = notes(whole, one, False)
    assert told == (
        "note: column image holds integers, taken as real values; --codes takes them as the integers in the registers"
    )
    (told,) = notes(single, four, False)
    assert told.startswith("note: columns a .. d hold integers, taken as real values; --codes")
    assert notes(whole, one, True) == notes(whole, floats, False) == []
    assert notes(single, {**four, "d": floats["image"]}, False) == []
    (integers,) = bindings([IMAGE], [], one, "in.h5")
    assert notes(integers, one, False) == []


def test_outputs_have_their_names_or_those_that_are_given():
    assert output_names([IMAGE, FLAG], None) == {"image": "image", "flag": "flag"}
    assert output_names([IMAGE, FLAG], "flag=f, image") == {"flag": "f", "image": "image"}
    faults = {
        "x": "there is no output x; there is image, flag",
        "flag=a,image=a": "a column is named twice",
        "flag=a,flag=b": "--output-columns flag=a,flag=b: output flag is given twice",
    }
    for told, message in faults.items():
        with pytest.raises(QcompressError, match=message):
            output_names([IMAGE, FLAG], told)


def test_kept_columns_have_their_names_or_those_that_are_given():
    assert kept_names(None) == kept_names("") == {}
    assert kept_names("event, layer=l,") == {"event": "event", "layer": "l"}
    for told in ("event=a,event=b", "event,event"):
        with pytest.raises(QcompressError, match=f"--keep {told}: column event is given twice"):
            kept_names(told)
