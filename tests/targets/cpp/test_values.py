"""Real values in and out of the library: what the reference makes of them, to the last bit, and the same faults."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Add, Graph, Input, Node, Quantize, Relu
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.cpp.machine import is_x86
from qcompress.targets.cpp.values import is_compiled

QUICK = Cpp(optimization="1")
FORMATS = (Format(True, 6, 3), Format(False, 9, 2), Format(True, 31, 8), Format(True, 3, 40), Format(False, 30, -20))
BYTE = Format(False, 8, 2)


def many_inputs(casts: list[Cast | None], formats: list[Format]) -> Graph:
    """A graph with an input for every cast; each is handed on as it is."""
    inputs = [Input(f"x{n}", (5,), given, cast) for n, (cast, given) in enumerate(zip(casts, formats, strict=True))]
    nodes = [Node(f"y{n}", Quantize(Cast(each.format)), each.name) for n, each in enumerate(inputs)]
    return Graph.of("inputs", inputs, nodes, {node.name: node.name for node in nodes})


def trying(rng: np.random.Generator, format_: Format, rows: int) -> np.ndarray:
    """Values on ties, at the ends, far outside, tiny, zeros of both signs."""
    values = rng.normal(0, 1, (rows, 5)) * 2.0 ** (format_.integer - 1) * rng.choice([0.01, 0.5, 2, 20], (rows, 5))
    values[::3] = np.round(values[::3] / format_.lsb * 2) / 2 * format_.lsb
    values[1::7] = rng.choice([0.0, -0.0, 5e-324, -1e-38, format_.min_code * format_.lsb], values[1::7].shape)
    return values


OLD = "x86-64" if is_x86() else "native"
"""Instructions without rounding of several numbers at once."""


@pytest.mark.parametrize(
    ("dtype", "machine"),
    [
        (np.float32, OLD),
        pytest.param(np.float32, "native", marks=pytest.mark.campaign),
        *(pytest.param(np.float64, machine, marks=pytest.mark.campaign) for machine in ("native", OLD)),
    ],
)
def test_every_rounding_and_overflow_on_values_equals_the_reference(dtype: type, machine: str, tmp_path: Path) -> None:
    modes = list(product(Rounding, Overflow, FORMATS))
    casts = [Cast(given, rounding, overflow) for rounding, overflow, given in modes]
    graph = many_inputs(list(casts), [given for *_, given in modes])
    rng = np.random.default_rng(3)
    values = {f"x{n}": trying(rng, given, 700).astype(dtype) for n, (*_, given) in enumerate(modes)}
    expected, found = graph.predict(values), Cpp("1", machine).build(graph, tmp_path).predict(values)
    assert [name for name in expected if (expected[name] != found[name]).any()] == []


BAD = [
    (np.nan, "1 of 30 values are NaN or infinite"),
    (-np.inf, "1 of 30 values are NaN or infinite"),
    (0.0001, "1 of 30 values are not on the grid"),
    (4.0, "1 of 30 values are outside the range"),
    (-0.25, "1 of 30 values are outside the range"),
    (1e30, "1 of 30 values are outside the range"),
]
TINY = (1e-300, "1 of 30 values are not on the grid")


@pytest.mark.parametrize(
    ("dtype", "bad", "words"),
    [(kind, *case) for kind in (np.float32, np.float64) for case in BAD] + [(np.float64, *TINY)],
)
def test_values_without_a_code_are_the_faults_of_the_reference(dtype, bad, words, small) -> None:
    graph, body = small
    values = np.full((6, 5), 0.25, dtype)
    values[4, 3] = bad
    with pytest.raises(QcompressError, match=words):
        graph.predict(values)
    with pytest.raises(QcompressError, match=words):
        body.predict(values)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    graph = Graph("small", (5,), BYTE, (Node("relu", Relu(), "input"),))
    return graph, QUICK.build(graph, tmp_path_factory.mktemp("small"))


def test_any_memory_layout_and_type_gives_the_same(small) -> None:
    graph, body = small
    values = np.random.default_rng(1).integers(0, 256, (5000, 10, 2)) / 64
    for given in (values[::3, ::2, 1], np.asfortranarray(values[:, :5, 0]), values[:7, :5, 0][::-1]):
        for kind in (np.float64, np.float32, np.float16):
            np.testing.assert_array_equal(body.predict(given.astype(kind)), graph.predict(given))
    np.testing.assert_array_equal(body.predict([[0, 1, 2, 3, 0]]), [[0, 1, 2, 3, 0]])
    assert body.predict(values[:0, :5, 0]).shape == (0, 5)


def test_results_are_float32_where_they_are_exact_in_it(small, tmp_path: Path) -> None:
    graph, body = small
    values = np.random.default_rng(1).integers(0, 256, (100, 5)) / 64
    found = body.predict(values, np.float32)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, graph.predict(values))
    with pytest.raises(QcompressError, match="results of type int32; ask for float64"):
        body.predict(values, np.int32)
    wide = Graph("wide", (2,), Format(True, 25, 3), (Node("relu", Relu(), "input"),))
    with pytest.raises(QcompressError, match="holds no more than 24 bits"):
        QUICK.build(wide, tmp_path).predict(np.zeros((1, 2)), np.float32)


@pytest.mark.parametrize("format_", [Format(True, 60, 10), Format(True, 8, 900)])
def test_what_float64_cannot_hold_goes_through_the_reference(format_: Format, tmp_path: Path) -> None:
    graph = Graph("wide", (2,), format_, (Node("relu", Relu(), "input"),))
    assert not is_compiled(graph)
    values = np.array([[3.0, -2.0]]) * 2.0 ** (format_.integer - 6)
    np.testing.assert_array_equal(QUICK.build(graph, tmp_path).predict(values), graph.predict(values))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_threads_share_the_rows_and_count_every_fault(threads: int, tmp_path: Path) -> None:
    inputs = (Input("a", (3,), BYTE), Input("b", (3,), BYTE, Cast(BYTE, Rounding.RND, Overflow.SAT)))
    graph = Graph.of("pair", inputs, (Node("sum", Add(), "a", "b"),), {"sum": "sum", "again": "sum"})
    body = QUICK.build(graph, tmp_path)
    body = type(body)(graph, body.library, threads)
    rng = np.random.default_rng(threads)
    values = {"a": rng.integers(0, 256, (40_000, 3)) / 64, "b": rng.normal(2, 3, (40_000, 3)).astype(np.float32)}
    expected, found = graph.predict(values), body.predict(values)
    assert all((found[name] == expected[name]).all() for name in ("sum", "again"))
    values["a"][39_999, 2] = np.inf
    with pytest.raises(QcompressError, match="1 of 120000 values are NaN or infinite"):
        body.predict(values)
