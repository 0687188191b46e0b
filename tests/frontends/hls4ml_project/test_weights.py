"""Weights of projects."""

import numpy as np
import pytest

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format, Overflow, Rounding
from qcompress.frontends.hls4ml_project.files import Project
from qcompress.frontends.hls4ml_project.number_types import NumberType
from qcompress.frontends.hls4ml_project.weights import narrowed, weights_of

HEADER = "#ifndef W_\n#ifndef __SYNTHESIS__\nt w2[3];\n#else\nt w2[3] = {0.30, -1.25,\n 2.0};\n#endif\n"


def weights(header, type_, count=3):
    return weights_of(Project("p", {"firmware/weights/w2.h": header}), "fc", "w2", type_, count)


def test_numbers_are_assigned_to_the_type():
    found = weights(HEADER, NumberType(True, 6, 2))
    assert found.format.to_values(found.codes).tolist() == [0.25, -1.25, -2.0]  # truncated; 2 wraps
    found = weights(HEADER, NumberType(True, 6, 2, Rounding.RND, Overflow.SAT))
    assert found.format.to_values(found.codes).tolist() == [0.3125, -1.25, 1.9375]


@pytest.mark.parametrize(
    "header",
    ["", "t w2[3];", "t w2[3] = {1, 2", "t w2[3] = {1, two, 3};", "t w2[3] = {1, nan, 3};", "t w2[2] = {1, 2};"],
)
def test_what_is_no_list_of_so_many_numbers_is_one_line(header):
    with pytest.raises(QcompressError, match=r"^p: [^\n]*w2[^\n]*$"):
        weights(header, NumberType(True, 6, 2))


def test_wide_types_are_refused():
    with pytest.raises(Refused, match=r"^layer fc: weights w2 of 70 bits"):
        weights(HEADER, NumberType(True, 70, 2))


@pytest.mark.parametrize("codes", [[0, 0], [4, -8], [-1, 0], [3, 12], [-4, 3], [0, 1 << 40]])
def test_narrowed_are_the_same_numbers_in_no_more_bits_than_needed(codes):
    given = Format(True, 50, 20)
    found = narrowed(np.array(codes), given)
    assert found.format.to_values(found.codes).tolist() == given.to_values(codes).tolist()
    assert found.format.contains(found.codes).all()
    narrower = Format(found.format.signed, max(found.format.width - 1, 1), found.format.integer - 1)
    assert found.format.width == 1 or not narrower.contains(found.codes).all()
