from pathlib import Path

import numpy as np
import pytest

from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Range, Relu


@pytest.mark.parametrize("text", ["fixed<8,3>", "fixed<3,5>", "ufixed<4,1>"])
def test_relu_is_the_larger_of_zero_and_the_code(text: str, tmp_path: Path) -> None:
    format_ = Format.parse(text)
    codes = np.arange(format_.min_code, format_.max_code + 1).reshape(-1, 1)
    graph = Graph("g", (1,), format_, (Node("relu", Relu(), "input"),))
    assert graph.run(codes).ravel().tolist() == [max(0, c) for c in codes.ravel().tolist()]
    assert graph.output_format == format_
    assert graph.output_shape == (1,)
    graph.save(tmp_path)
    again = Graph.load(tmp_path)
    assert again.content_hash() == graph.content_hash()
    assert again.run(codes).tolist() == graph.run(codes).tolist()


def test_relu_keeps_any_shape_and_gives_exact_ranges() -> None:
    low, high = np.array([[-5, -4, 0, 3]]), np.array([[-2, 6, 0, 9]])
    given = Format.parse("fixed<8,8>")
    assert Relu().output_shape((1, 4)) == (1, 4)
    ends = Relu().output_range(Range(low, high), given)
    assert ends.low.tolist() == [[0, 0, 0, 3]]
    assert ends.high.tolist() == [[0, 6, 0, 9]]
