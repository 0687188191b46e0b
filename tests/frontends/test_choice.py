"""Comparisons and choices against NumPy's."""

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.choice import at_least, equal, greater, where
from qcompress.graph import Graph, Input

PAIRS = [
    (Format(True, 3, 2), Format(True, 3, 2)),
    (Format(False, 4, 1), Format(True, 4, 3)),
    (Format(False, 2, 2), Format(False, 3, 2)),
    (Format(True, 3, 9), Format(True, 3, 6)),
]


def every_pair(first, second):
    """All pairs of codes of two formats."""
    grid = np.meshgrid(*(np.arange(each.min_code, each.max_code + 1) for each in (first, second)), indexing="ij")
    return {name: each.reshape(-1, 1) for name, each in zip("xy", grid, strict=True)}


@pytest.mark.parametrize("formats", PAIRS, ids=str)
@pytest.mark.parametrize(
    ("ours", "numpys"),
    [(at_least, np.greater_equal), (greater, np.greater), (equal, np.equal)],
    ids=lambda f: f.__name__,
)
def test_comparisons_of_all_codes(formats, ours, numpys):
    inputs = [Input(name, (1,), given) for name, given in zip("xy", formats, strict=True)]
    builder = Builder(inputs)
    graph = Graph.of("case", inputs, builder.nodes, {"output": ours(builder, "it", "x", "y")})
    codes = every_pair(*formats)
    assert str(graph.output_ports[0].format) == "ufixed<1,1>"
    expected = numpys(*(given.to_values(codes[name]) for name, given in zip("xy", formats, strict=True)))
    assert np.array_equal(graph.run(codes), expected)


@pytest.mark.parametrize("formats", PAIRS, ids=str)
def test_choices_of_all_codes(formats):
    inputs = [Input(name, (1,), given) for name, given in zip("xy", formats, strict=True)]
    inputs.append(Input("c", (1,), Format(False, 1, 1)))
    builder = Builder(inputs)
    graph = Graph.of("case", inputs, builder.nodes, {"output": where(builder, "it", "c", "x", "y")})
    codes = every_pair(*formats)
    both = {name: np.concatenate([each, each]) for name, each in codes.items()}
    both["c"] = np.repeat([[0], [1]], len(codes["x"]), axis=0)
    then, otherwise = (given.to_values(both[name]) for name, given in zip("xy", formats, strict=True))
    (port,) = graph.output_ports
    assert np.array_equal(port.format.to_values(graph.run(both)), np.where(both["c"] == 1, then, otherwise))


def test_a_condition_is_a_bit():
    builder = Builder([Input("x", (2,), PAIRS[0][0])])
    with pytest.raises(Refused, match=r"layer it: its condition is fixed<3,2>, not 0 or 1; compare before"):
        where(builder, "it", "x", "x", "x")
