"""Thresholds: what makes sense, which steps there are between two codes."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Range, Thresholds

BYTE = Format(True, 8, 8)


def test_every_code_counts_the_thresholds_that_it_reaches():
    operation = Thresholds([[-2, 0, 0, 5], [1, 1, 1, 1]], [[9, 8, 7, 6, -1], [0, 1, 2, 3, 4]], BYTE)
    codes = np.array([[-3, 0], [-2, 1], [0, 2], [5, -9]])
    assert operation.run(codes, BYTE).tolist() == [[9, 0], [8, 4], [6, 4], [-1, 0]]


def test_one_row_serves_all_channels_of_any_shape():
    operation = Thresholds([[3]], [[0, 1]], BYTE)
    graph = Graph("shared", (2, 3), BYTE, (Node("it", operation, "input"),))
    assert graph.run(np.arange(6).reshape(1, 2, 3)).tolist() == [[[0, 0, 0], [1, 1, 1]]]


def test_steps_that_change_nothing_are_left_out():
    operation = Thresholds([[-5, -5, 0, 2, 9]], [[1, 2, 3, 3, 4, 5]], BYTE)
    assert operation.stairs(0, -9, 20) == ([-5, 2, 9], [1, 3, 4, 5])
    assert operation.stairs(0, -5, 8) == ([2], [3, 4])
    assert operation.stairs(0, 3, 3) == ([], [4])


def test_a_range_counts_no_code_that_equal_thresholds_skip():
    operation = Thresholds([[0, 0]], [[1, 100, 2]], BYTE)
    found = operation.output_range(Range(np.array([-1]), np.array([1])), BYTE)
    assert (found.low.tolist(), found.high.tolist()) == ([1], [2])


@pytest.mark.parametrize(
    ("thresholds", "codes", "said"),
    [
        ([[1, 0]], [[0, 1, 2]], "do not rise"),
        ([[1, 2]], [[0, 1]], "of shape"),
        ([1, 2], [0, 1, 2], "of shape"),
        ([[1]], [[0, 128]], r"1 codes of thresholds are outside fixed<8,8>"),
        (np.zeros((1, (1 << 16) + 1)), np.zeros((1, (1 << 16) + 2)), "65537 thresholds of a channel"),
    ],
)
def test_what_makes_no_sense_is_refused(thresholds, codes, said):
    with pytest.raises(QcompressError, match=said):
        Thresholds(thresholds, codes, BYTE)


def test_as_many_channels_as_thresholds_have():
    operation = Thresholds(np.zeros((3, 1)), np.zeros((3, 2)), BYTE)
    with pytest.raises(QcompressError, match=r"node it: thresholds of 3 channels after shape \(2,\)"):
        Graph("odd", (2,), BYTE, (Node("it", operation, "input"),))
