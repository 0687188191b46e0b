"""Files of input values that are none: one line."""

import numpy as np
import pytest

from qcompress.errors import QcompressError, QcompressWarning
from qcompress.fixedpoint import Format
from qcompress.graph import Graph, Node, Relu
from qcompress.pipeline.verification import input_codes, input_values


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00\x10\x00{'descr': 'x'   \n", b"text"])
def test_damaged_files_are_one_line(content, tmp_path):
    path = tmp_path / "values.npy"
    path.write_bytes(content)
    with pytest.raises(QcompressError, match=r"values\.npy: no readable \.npy array") as fault:
        input_values(path)
    assert "\n" not in str(fault.value)


def test_values_between_codes_are_taken_only_if_that_is_asked_for(tmp_path):
    path = tmp_path / "values.npy"
    np.save(path, [[0.3, 9.0], [-0.1, 0.25]])
    graph = Graph("cut", (2,), Format(True, 6, 3), (Node("relu", Relu(), "input"),))
    with pytest.raises(QcompressError, match=r"values\.npy: 2 of 4 .*: quantize them; --quantize-input does"):
        input_codes(path, graph)
    with pytest.warns(QcompressWarning, match="cut: 1 of 4 of input"):
        codes = input_codes(path, graph, quantize=True)
    assert codes.tolist() == [[2, 31], [-1, 2]]
