"""Sums and extremes along axes against NumPy."""

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.reduction import largest, maximum, minimum, negated, smallest, total
from qcompress.graph import Graph, Input

FORMATS = [Format(True, 5, 3), Format(False, 6, 2), Format(True, 4, 7)]
SHAPES = [((4, 3, 2), (1,)), ((4, 3, 2), (0, 2)), ((4, 3, 2), (0, 1, 2)), ((5,), (0,)), ((2, 8), (1,)), ((1, 3), (0,))]


def built(shape, given, make, count=1):
    """The graph of what `make` appends behind inputs of a shape, and values for them."""
    inputs = [Input(f"in{n}", shape, given) for n in range(count)]
    builder = Builder(inputs)
    end = make(builder, *(each.name for each in inputs))
    graph = Graph.of("case", inputs, builder.nodes, {"output": end})
    rng = np.random.default_rng(0)
    codes = {each.name: rng.integers(given.min_code, given.max_code, (20, *shape), endpoint=True) for each in inputs}
    codes = {name: np.concatenate([c, np.full_like(c[:1], given.min_code)]) for name, c in codes.items()}
    return graph, codes, [given.to_values(each) for each in codes.values()]


def run(shape, given, make, count=1):
    graph, codes, real = built(shape, given, make, count)
    found = graph.run(codes)
    return graph, graph.output_ports[0].format.to_values(found["output"] if isinstance(found, dict) else found), real


@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
@pytest.mark.parametrize("given", FORMATS, ids=str)
@pytest.mark.parametrize("keep", [False, True])
@pytest.mark.parametrize(("ours", "numpys"), [(total, np.sum), (largest, np.max), (smallest, np.min)])
def test_along_axes(shape, axes, given, keep, ours, numpys):
    graph, got, (real,) = run(shape, given, lambda builder, x: ours(builder, "it", x, axes, keep))
    expected = numpys(real, axis=tuple(axis + 1 for axis in axes), keepdims=keep)
    assert np.array_equal(got, expected.reshape(got.shape))
    assert got.shape[1:] == (expected.shape[1:] or (1,))
    assert list(graph.outputs.values()) == ["it"]


def test_sums_have_the_narrowest_format_that_loses_nothing():
    graph, _, _ = run((3, 8), Format(True, 5, 5), lambda builder, x: total(builder, "it", x, (1,)))
    assert str(graph.output_ports[0].format) == "fixed<8,8>"


def test_means_of_powers_of_two_are_exact_and_others_refused():
    def mean(builder, x):
        return total(builder, "it", x, (1,), divided=True)

    _, got, (real,) = run((2, 8), FORMATS[0], mean)
    assert np.array_equal(got, real.mean(axis=2))
    with pytest.raises(Refused, match="layer it: a mean of 6 elements is not exact"):
        run((2, 6), FORMATS[0], mean)


@pytest.mark.parametrize("given", FORMATS, ids=str)
@pytest.mark.parametrize(("ours", "numpys"), [(maximum, np.maximum), (minimum, np.minimum)])
def test_of_several_tensors(given, ours, numpys):
    _, got, real = run((3, 2), given, lambda builder, *x: ours(builder, "it", *x), 3)
    assert np.array_equal(got, numpys(numpys(real[0], real[1]), real[2]))


def test_the_negative_of_the_lowest_code_fits():
    _, got, (real,) = run((3,), Format(True, 4, 4), lambda builder, x: negated(builder, "it", x))
    assert np.array_equal(got, -real)
    assert real.min() == -8


@pytest.mark.parametrize("axes", [(), (3,), (-1,)])
def test_axes_that_are_not_there_are_refused(axes):
    with pytest.raises(Refused, match=r"layer it: axes .* are not of shape \(2, 3\)"):
        run((2, 3), FORMATS[0], lambda builder, x: total(builder, "it", x, axes))
