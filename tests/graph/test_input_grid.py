"""Real values to the grid of an input without a quantizer, against Python's own rounding of fractions."""

from fractions import Fraction

import numpy as np
import pytest

from qcompress.errors import OffGrid, QcompressError, QcompressWarning
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Add, Graph, Input, Node
from qcompress.graph.input_grid import on_grid

FORMATS = [Format(True, 8, 3), Format(False, 5, 8), Format(True, 4, -2), Format(True, 1, 1), Format(True, 60, 30)]
BYTE = Format(True, 8, 4)


def pair() -> Graph:
    """One input with a quantizer of its own, one without."""
    cast = Cast(BYTE, Rounding.RND, Overflow.WRAP)
    given = [Input("own", (2,), BYTE, cast), Input("free", (2,), BYTE)]
    return Graph.of("pair", given, [Node("sum", Add(), "own", "free")], {"sum": "sum"})


@pytest.mark.parametrize("form", FORMATS, ids=str)
def test_a_value_becomes_the_nearest_and_those_beyond_are_counted(form):
    rng = np.random.default_rng(form.width)
    scale = form.lsb * (1 << min(form.width, 50))
    values = np.concatenate([rng.normal(0, scale, 400), form.lsb * (rng.integers(-40, 40, 100) + 0.5), [0.0, -0.0]])
    codes = [round(Fraction(value) / Fraction(form.lsb)) for value in values.tolist()]  # halves to even
    found = on_grid([Input("x", (), form)], values, "graph")
    kept = [min(max(code, form.min_code), form.max_code) for code in codes]
    assert found.values["x"].tolist() == [float(code * Fraction(form.lsb)) for code in kept]
    assert found.cut["x"] == sum(code != near for code, near in zip(codes, kept, strict=True)) > 0 or form.width == 60
    assert form.to_codes(found.values["x"]).tolist() == kept


def test_an_input_with_a_quantizer_keeps_its_values_and_no_number_is_refused_behind():
    graph = pair()
    values = {"own": [[100.03, 0.03]], "free": [[0.0312, 7.97]]}
    with pytest.warns(QcompressWarning, match=r"are cut: 1 of 2 of free$"):
        near = graph.on_grid(values)
    assert near["own"].tolist() == [[100.03, 0.03]]
    assert near["free"].tolist() == [[0.0, 7.9375]]
    for bad in (np.nan, np.inf):
        near = graph.on_grid({"own": [[0, 0]], "free": [[0, bad]]})
        with pytest.raises(QcompressError, match="1 of 2 values are NaN or infinite"):
            graph.input_codes(near)


def test_predict_takes_any_value_only_if_it_is_asked_to():
    graph = pair()
    values = {"own": [[0.5, 0.5]], "free": [[0.3, -0.3]]}
    with pytest.raises(OffGrid, match=r"2 of 2 .*: quantize them; quantize_input=True does, to nearest, halves"):
        graph.predict(values)
    wanted = graph.predict({"own": [[0.5, 0.5]], "free": [[0.3125, -0.3125]]})
    assert (graph.predict(values, quantize_input=True) == wanted).all()
    with pytest.raises(QcompressError, match="has no 'other'"):
        graph.predict({**values, "other": [[1]]}, quantize_input=True)
