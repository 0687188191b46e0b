"""Einstein sums against NumPy's, and in C++ against the interpreter."""

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.contraction import einsum, einsum_with_constant, matmul
from qcompress.graph import Graph, Input

SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 2}
WITH_CONSTANT = ["a,ab->b", "ab,bc->ac", "ab,abc->ac", "abc,cd->abd", "abc,bcd->abd", "abc,acd->dba", "abc,bcad->bd"]
WITH_CONSTANT += ["ab,bcd->adc", "abc,abcd->d", "ab,abc->acb", "ab,a->ab", "ab,c->abc"]
OF_TWO = [
    "ab,bc->ac",
    "abc,abd->acd",
    "abc,adc->abd",
    "abc,abc->abc",
    "abc,abc->c",
    "ab,c->cab",
    "a,a->",
    "abcd,ebd->cea",
]
FORMATS = Format(True, 4, 2), Format(False, 5, 3)


def shape_of(labels):
    return tuple(SIZES[label] for label in labels)


def codes_of(rng, given, shape):
    return rng.integers(given.min_code, given.max_code, shape, endpoint=True)


def of_rows(equation, constant):
    """The equation with the rows, z, in front."""
    (first, second), result = equation.split("->")[0].split(","), equation.split("->")[1]
    return f"z{first},{'' if constant else 'z'}{second}->z{result}"


@pytest.mark.parametrize("equation", WITH_CONSTANT)
def test_with_a_constant(equation):
    rng, (given, format_) = np.random.default_rng(1), FORMATS
    first, second = equation.split("->")[0].split(",")
    kernel = codes_of(rng, format_, shape_of(second))
    builder = Builder([Input("input", shape_of(first), given)])
    end = einsum_with_constant(builder, "it", equation, "input", (kernel, format_))
    graph = Graph("case", shape_of(first), given, tuple(builder.nodes))
    codes = codes_of(rng, given, (10, *shape_of(first)))
    expected = np.einsum(of_rows(equation, True), given.to_values(codes), format_.to_values(kernel))
    got = graph.output_format.to_values(graph.run(codes))
    assert end == "it" == graph.nodes[-1].name
    assert np.array_equal(got, expected.reshape(got.shape))


@pytest.mark.parametrize(("equation", "axes"), [("ab,bc->ac", "c"), ("abc,bcd->abd", "bd"), ("abc,bcd->dab", "bd")])
def test_a_bias_is_added_where_the_weights_have_axes(equation, axes):
    rng, (given, format_) = np.random.default_rng(2), FORMATS
    first, second = equation.split("->")[0].split(",")
    result = equation.split("->")[1]
    kernel = codes_of(rng, format_, shape_of(second))
    bias = codes_of(rng, given, tuple(SIZES[label] if label in axes else 1 for label in result))
    builder = Builder([Input("input", shape_of(first), given)])
    einsum_with_constant(builder, "it", equation, "input", (kernel, format_), (bias, given))
    graph = Graph("case", shape_of(first), given, tuple(builder.nodes))
    codes = codes_of(rng, given, (10, *shape_of(first)))
    sums = np.einsum(of_rows(equation, True), given.to_values(codes), format_.to_values(kernel))
    assert np.array_equal(graph.output_format.to_values(graph.run(codes)), sums + given.to_values(bias))


def test_a_bias_that_varies_elsewhere_is_refused():
    builder = Builder([Input("input", (2, 3), FORMATS[0])])
    kernel = np.ones((3, 4), np.int64), FORMATS[1]
    bias = np.arange(2).reshape(2, 1), FORMATS[1]
    with pytest.raises(Refused, match="layer it: its bias varies along axes of the input alone"):
        einsum_with_constant(builder, "it", "ab,bc->ac", "input", kernel, bias)


def of_two(shapes, make):
    """Graph, codes and values of what `make` appends behind two inputs."""
    rng = np.random.default_rng(3)
    inputs = [Input(name, shape, given) for name, shape, given in zip("xy", shapes, FORMATS, strict=True)]
    builder = Builder(inputs)
    end = make(builder)
    graph = Graph.of("case", inputs, builder.nodes, {"output": end})
    codes = {each.name: codes_of(rng, each.format, (10, *each.shape)) for each in inputs}
    return graph, codes, [each.format.to_values(codes[each.name]) for each in inputs]


@pytest.mark.parametrize("equation", OF_TWO)
def test_of_two_tensors(equation):
    shapes = [shape_of(part) for part in equation.split("->")[0].split(",")]
    graph, codes, values = of_two(shapes, lambda builder: einsum(builder, "it", equation, "x", "y"))
    (port,) = graph.output_ports
    expected = np.einsum(of_rows(equation, False), *values)
    got = port.format.to_values(graph.run(codes))
    assert graph.outputs == {"output": "it"}
    assert np.array_equal(got, expected.reshape(got.shape))


@pytest.mark.parametrize("shapes", [((2, 3), (3, 4)), ((2, 3, 4), (2, 4, 3)), ((2, 3, 4), (4, 5))], ids=str)
def test_matrix_products(shapes):
    graph, codes, values = of_two(shapes, lambda builder: matmul(builder, "it", "x", "y"))
    (port,) = graph.output_ports
    assert np.array_equal(port.format.to_values(graph.run(codes)), np.matmul(*_with_rows(values)))


def _with_rows(values):
    """The second with as many axes as the first."""
    first, second = values
    missing = first.ndim - second.ndim
    return first, second.reshape(len(second), *(1,) * missing, *second.shape[1:])


def test_the_emulator_computes_products_of_tensors(tmp_path):
    graph, codes, _ = of_two([(2, 3, 4), (2, 4, 5)], lambda builder: matmul(builder, "it", "x", "y"))
    body = graph.build("cpp", tmp_path)
    assert np.array_equal(body.run(codes), graph.run(codes))


@pytest.mark.parametrize(
    ("equation", "reason"),
    [
        ("ab,cb->ac", "does not fit shapes"),
        ("ab,bb->a", "does not fit shapes"),
        ("ab->a", "does not fit shapes"),
        ("ab,bc->aa", "gives an axis twice, or one that no input has"),
        ("ab,bc->az", "gives an axis twice, or one that no input has"),
        ("ab,bc->c", "sums axis a of one input; sum it before"),
    ],
)
def test_what_no_sum_of_two_says_is_refused(equation, reason):
    shapes = (2, 3), (3, 4)
    with pytest.raises(Refused, match=f"layer it: einsum '{equation}' {reason}"):
        of_two(shapes, lambda builder: einsum(builder, "it", equation, "x", "y"))


def test_a_product_of_rows_is_refused():
    with pytest.raises(Refused, match="give both as many axes, two or more"):
        of_two([(3,), (3, 4)], lambda builder: matmul(builder, "it", "x", "y"))
