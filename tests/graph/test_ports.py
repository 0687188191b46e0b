"""Graphs of several inputs and outputs: names, what does not fit, files of every schema."""

import json

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import Add, Chain, Concatenate, Dense, Graph, Input, Multiply, Node, Port, Quantize, Relu
from qcompress.graph.ports import pack, unpack
from qcompress.graph.worst import worst_inputs

BYTE, NIBBLE = Format(True, 8, 8), Format(False, 4, 2)
WIDE = Format(True, 24, 24)


def two_in_three_out() -> Graph:
    """Inputs a (3,) and b (2,): a sum that is an output and goes on, a ReLU of it, a product; one node twice."""
    kernel = np.random.default_rng(3).integers(-8, 8, (5, 4))
    nodes = (
        Node("both", Concatenate(0), "a", "b"),
        Node("sum", Dense(kernel, BYTE, np.arange(4), BYTE, Format(True, 24, 22)), "both"),
        Node("cut", Relu(), "sum"),
        Node("square", Multiply(), "b", "b"),
        Node("unused", Relu(), "a"),
    )
    inputs = (Input("a", (3,), BYTE), Input("b", (2,), NIBBLE, Cast(NIBBLE, Rounding.RND_CONV, Overflow.SAT)))
    return Graph.of("pair", inputs, nodes, {"raw": "sum", "positive": "cut", "power": "square"})


def codes(rows: int = 30) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    return {"b": rng.integers(0, 16, (rows, 2)), "a": rng.integers(-128, 128, (rows, 3))}


def test_inputs_and_outputs_have_names_shapes_and_formats():
    graph = two_in_three_out()
    assert graph.input_ports == (Port("a", (3,), BYTE), Port("b", (2,), NIBBLE))
    assert [port.name for port in graph.output_ports] == ["raw", "positive", "power"]
    assert [port.shape for port in graph.output_ports] == [(4,), (4,), (2,)]
    found, traced = graph.run(codes()), graph.trace(codes())
    assert list(found) == ["raw", "positive", "power"]
    assert (found["raw"] == traced["sum"]).all()
    assert (found["positive"] == np.maximum(found["raw"], 0)).all()
    assert (found["power"] == codes()["b"] ** 2).all()
    assert set(traced) == {"both", "sum", "cut", "square", "unused"}


def test_of_one_tensor_the_names_are_not_needed():
    graph = Graph("one", (3,), BYTE, (Node("r", Relu(), "input"),))
    given = codes()["a"]
    assert (graph.run(given) == graph.run({"input": given})).all()
    assert graph.outputs == {"output": "r"}
    several = two_in_three_out()
    for name in ("input_shape", "input_format", "input_quantizer"):
        with pytest.raises(QcompressError, match=r"graph pair has 2 inputs \(a, b\): take them by name"):
            getattr(several, name)
    for name in ("output_shape", "output_format"):
        with pytest.raises(QcompressError, match=r"3 outputs \(raw, positive, power\)"):
            getattr(several, name)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 3), int), r"graph pair takes 2 arrays by name \(a, b\), got one array"),
        ({"a": np.zeros((2, 3), int)}, "graph pair was not given 'b': it takes a, b"),
        ({**codes(), "c": np.zeros(1)}, "graph pair has no 'c': it takes a, b"),
        ({**codes(), "b": np.zeros((30, 3), int)}, r"rows of shape \(2,\) for b, got \(3,\)"),
        ({**codes(), "b": np.zeros((7, 2), int)}, "different numbers of rows: a 30, b 7"),
        ({**codes(), "b": np.full((30, 2), 16)}, r"60 input codes of b are outside ufixed<4,2>"),
    ],
)
def test_codes_that_do_not_fit_are_one_line(given, message):
    with pytest.raises(QcompressError, match=message):
        two_in_three_out().run(given)


@pytest.mark.parametrize(
    ("inputs", "nodes", "outputs", "message"),
    [
        ((), (Node("r", Relu(), "a"),), {"o": "r"}, "graph g has no input"),
        ((Input("a", (3,), BYTE),), (), {"o": "r"}, "graph g has no operation"),
        ((Input("a", (3,), BYTE),), (Node("r", Relu(), "a"),), {}, "graph g has no output"),
        ((Input("a", (3,), BYTE),) * 2, (Node("r", Relu(), "a"),), {"o": "r"}, "input a appears twice"),
        ((Input("a", (3,), BYTE),), (Node("r", Relu(), "b"),), {"o": "r"}, "node r appears twice or follows nothing"),
        ((Input("a", (3,), BYTE),), (Node("a", Relu(), "a"),), {"o": "a"}, "node a appears twice"),
        ((Input("a", (3,), BYTE),), (Node("r", Relu(), "a"),), {"o": "a"}, "output o is of node a, which is not there"),
        ((Input("a", (3,), BYTE, Cast(NIBBLE)),), (Node("r", Relu(), "a"),), {"o": "r"}, "input quantizer"),
    ],
)
def test_graphs_that_make_no_sense_are_refused(inputs, nodes, outputs, message):
    with pytest.raises(QcompressError, match=message):
        Graph.of("g", inputs, nodes, outputs)


def test_values_go_through_the_quantizer_of_each_input():
    graph = two_in_three_out()
    values = {"a": np.array([[1.0, -2.0, 3.0]]), "b": np.array([[0.3, 9.0]])}
    given = graph.input_codes(values)
    assert given["b"].tolist() == [[1, 15]]
    found = graph.predict(values)
    assert found["power"].tolist() == [[0.25**2, 3.75**2]]
    with pytest.raises(QcompressError, match="not on the grid"):
        graph.predict({**values, "a": values["a"] / 3})


def test_rows_side_by_side_and_back():
    graph = two_in_three_out()
    packed = pack(graph.input_ports, codes(), "pair")
    assert packed.shape == (30, 5)
    back = unpack(graph.input_ports, packed)
    assert all((back[name] == codes()[name]).all() for name in "ab")
    assert pack(graph.input_ports, codes(0), "pair").shape == (0, 5)


def test_the_beginning_of_a_graph_keeps_the_inputs_that_it_needs():
    graph = two_in_three_out()
    square = graph.upto("square")
    assert [port.name for port in square.input_ports] == ["b"]
    assert (square.run(codes()["b"]) == codes()["b"] ** 2).all()
    assert graph.upto("cut", "square").outputs == {"cut": "cut", "square": "square"}
    pruned = graph.pruned()
    assert "unused" not in pruned.shapes
    assert all((pruned.run(codes())[name] == found).all() for name, found in graph.run(codes()).items())


def test_ranges_and_worst_cases_cover_every_input():
    graph = two_in_three_out()
    ranges = graph.ranges()
    worst = worst_inputs(graph)
    found = graph.run(worst)["raw"]
    assert found.max() == ranges["sum"].high.max()
    assert found.min() == ranges["sum"].low.min()


def test_files_of_every_schema_are_read(tmp_path):
    several = two_in_three_out()
    several.save(tmp_path / "three")
    again = Graph.load(tmp_path / "three")
    assert json.loads((tmp_path / "three" / "graph.json").read_text())["schema"] == 3
    assert again.content_hash() == several.content_hash()
    assert all((again.run(codes())[name] == found).all() for name, found in several.run(codes()).items())

    simple = Graph("one", (3,), BYTE, (Node("q", Quantize(Cast(NIBBLE)), "input"), Node("r", Relu(), "q")))
    simple.save(tmp_path / "two")
    told = json.loads((tmp_path / "two" / "graph.json").read_text())
    assert told["schema"] == 2
    old = told | {"schema": 1, "nodes": [{**n, "source": n["sources"][0]} for n in told["nodes"]]}
    for node in old["nodes"]:
        del node["sources"]
    (tmp_path / "two" / "graph.json").write_text(json.dumps(old))
    oldest = Graph.load(tmp_path / "two")
    assert oldest.content_hash() == simple.content_hash()
    assert (oldest.run(codes()["a"]) == simple.run(codes()["a"])).all()


def test_a_hash_of_a_simple_graph_is_what_it_was_in_schema_2():
    """Built targets know their graph by its hash: a candidate of the first version is still read."""
    graph = Graph("one", (3,), BYTE, (Node("r", Relu(), "input"),))
    assert graph.content_hash() == "a090b217437097892774d456f364302a66eb7047f36c7e469435a609cb43fbe9"


def test_stages_of_a_chain_leave_by_name_and_chains_are_taken_apart():
    first = Graph("first", (3,), BYTE, (Node("r", Relu(), "input"),))
    second = Graph("second", (3,), BYTE, (Node("q", Quantize(Cast(NIBBLE)), "input"),))
    chain = Chain("both", (Chain("inner", (first,)), second), ("second", "first"))
    assert [stage.name for stage in chain.stages] == ["first", "second"]
    found = chain.run(codes()["a"])
    assert list(found) == ["second", "first"]
    assert (found["first"] == np.maximum(codes()["a"], 0)).all()
    assert (found["second"] == second.run(found["first"])).all()
    assert [port.name for port in chain.output_ports] == ["second", "first"]
    assert chain.content_hash() != Chain("both", (first, second)).content_hash()
    with pytest.raises(QcompressError, match="chain both has no stage third: it has first, second"):
        Chain("both", (first, second), ("third",))
    with pytest.raises(QcompressError, match=r"stage pair has 2 inputs \(a, b\)"):
        Chain("both", (first, two_in_three_out()))


def test_a_sum_of_inputs_in_different_formats_is_exact():
    nodes = (Node("sum", Add(), "a", "b"),)
    graph = Graph.of("g", (Input("a", (2,), BYTE), Input("b", (2,), NIBBLE)), nodes, {"total": "sum"})
    found = graph.run({"a": [[1, -1]], "b": [[15, 1]]})
    assert (found == [[4 + 15, -4 + 1]]).all()
    assert graph.output_format.fraction == 2
