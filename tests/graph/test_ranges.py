"""Ranges that would leave 63 bits: bounded by the format, or refused, never wrong."""

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow
from qcompress.graph import Dense, Graph, Node, Quantize, Range
from qcompress.graph.ranges import with_lossless_accumulator


@pytest.mark.parametrize(
    ("given", "cast"),
    [
        (Format(False, 3, 3), Cast(Format(True, 62, 2))),
        (Format(False, 23, 23), Cast(Format(True, 50, 10))),
        (Format(False, 12, 12), Cast(Format(True, 62, 4), overflow=Overflow.SAT_ZERO)),
        (Format(True, 12, 12), Cast(Format(True, 30, 4), overflow=Overflow.SAT_SYM)),
        (Format(True, 4, 4), Cast(Format(True, 62, -60))),
    ],
)
def test_a_cast_that_adds_bits_gives_what_its_range_says(given: Format, cast: Cast) -> None:
    graph = Graph("cast", (1,), given, (Node("cast", Quantize(cast), "input"),))
    step = max(1, (given.max_code - given.min_code) // 5000)
    codes = np.append(np.arange(given.min_code, given.max_code, step), given.max_code)[:, None]
    found, range_ = graph.run(codes), graph.ranges()["cast"]
    assert range_.low <= found.min()
    assert found.max() <= range_.high


def test_sums_that_may_leave_63_bits_have_no_lossless_accumulator() -> None:
    given, weight = Format(True, 32, 32), Format(True, 30, 30)
    kernel = np.full((16, 1), weight.min_code)
    layer = Dense(kernel, weight, np.zeros(1, np.int64), weight, Format(True, 40, 40))
    whole = Range.of(given, (16,))
    with pytest.raises(Refused, match=r"sums of 16 products of fixed<32,32> and weights need over 63 bits"):
        with_lossless_accumulator(layer, whole, given)
    ends = layer.output_range(whole, given)
    assert (int(ends.low[0]), int(ends.high[0])) == (layer.accumulator.min_code, layer.accumulator.max_code)
