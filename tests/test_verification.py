"""verify must find a wrong body, count its codes and name the layer."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Add, Dense, Graph, Input, Node, Quantize, Relu
from qcompress.verification import affordable_rows, first_difference, products, standard_inputs, verify

WEIGHTS = Format.parse("fixed<6,1>")
SUMS = Format.parse("fixed<16,6>")


def graph_with(kernel):
    dense = Dense(np.array(kernel), WEIGHTS, np.zeros(2), WEIGHTS, SUMS)
    out = Dense(np.array([[1, 0], [0, 1]]), Format.parse("fixed<2,2>"), np.zeros(2), WEIGHTS, SUMS)
    return Graph(
        "g",
        (3,),
        Format.parse("fixed<8,3>"),
        (
            Node("first", dense, "input"),
            Node("cast", Quantize(Cast.parse("fixed<8,3,RND,SAT>")), "first"),
            Node("second", out, "cast"),
        ),
    )


GOOD, BAD = graph_with([[1, 2], [3, 4], [5, 6]]), graph_with([[1, 2], [3, 4], [5, 7]])


class Plain:
    """A body that only runs."""

    name = "plain"

    def __init__(self, graph):
        self.graph = graph

    def run(self, codes):
        return self.graph.run(codes)


class Traced(Plain):
    name = "traced"

    def trace(self, codes):
        return self.graph.trace(codes)


def inputs():
    return {"some": np.random.default_rng(0).integers(-128, 128, (200, 3))}


def test_equal_bodies_have_no_mismatch():
    (result,) = verify(GOOD, [Plain(GOOD)], inputs())
    assert (result.body, result.inputs, result.rows, result.codes, result.mismatches) == ("plain", "some", 200, 400, 0)
    assert result.first is None


def beginning_of_bad(graph):
    return Plain(BAD.upto(graph.nodes[-1].name))


@pytest.mark.parametrize(("body", "again"), [(Traced(BAD), None), (Plain(BAD), {"plain": beginning_of_bad})])
def test_every_differing_code_is_counted_and_the_first_layer_is_named(body, again):
    codes = inputs()
    (result,) = verify(GOOD, [body], codes, again)
    wrong = GOOD.run(codes["some"]) != BAD.run(codes["some"])
    assert result.mismatches == wrong.sum() > 100
    row = np.argwhere(wrong)[0][0]
    expected, got = (g.trace(codes["some"][row : row + 1])["first"][0, 1] for g in (GOOD, BAD))
    assert result.first == f"row {row}, layer first, element (1,): {body.name} {got}, reference {expected}"


def test_a_body_that_cannot_be_traced_says_so():
    codes = np.array([[1, 1, 100]])
    assert "layer second (layers before it not traced), element (1,)" in first_difference(GOOD, Plain(BAD), codes)
    assert first_difference(GOOD, Plain(GOOD), codes) == "plain does not repeat its own result"


def test_standard_inputs_are_valid_reach_the_ends_and_repeat():
    sets, again = ({name: each.all() for name, each in standard_inputs(GOOD, 500, 7).items()} for _ in range(2))
    assert set(sets) == {"random", "sparse", "boundary", "zero", "ends", "worst case"}
    for name, codes in sets.items():
        assert GOOD.input_format.contains(codes).all()
        assert (codes == again[name]).all()
    assert set(np.unique(sets["boundary"])) == {-128, 127}
    assert sets["ends"].tolist() == [[-128] * 3, [127] * 3]
    assert sets["zero"].tolist() == [[0] * 3]
    assert any((codes == [127, 127, 127]).all() for codes in sets["worst case"])  # all weights are positive
    assert 0.8 < (sets["sparse"] == 0).mean() < 0.95
    assert (standard_inputs(GOOD, 500, 8)["random"].all() != sets["random"]).any()


@pytest.mark.parametrize(
    ("lie", "message"),
    [
        (lambda codes: codes + 0.9, "plain: gives 200 rows of float64 for 200: a body gives integer codes"),
        (lambda codes: codes[:1], "plain: gives 1 rows of int64 for 200"),
        (lambda codes: codes[:150], "plain: gives 150 rows of int64 for 200"),
        (lambda codes: np.full(codes.shape, np.nan), "rows of float64"),
        (lambda codes: codes[:, :1], r"plain takes rows of shape \(2,\), got \(1,\)"),
    ],
)
def test_what_is_no_row_of_integers_for_each_input_is_no_result(lie, message):
    body = Plain(GOOD)
    body.run = lambda codes: lie(GOOD.run(codes))
    with pytest.raises(QcompressError, match=message):
        verify(GOOD, [body], inputs())


def test_input_sets_are_compared_piece_by_piece_with_the_same_result(monkeypatch):
    whole = verify(GOOD, [Plain(BAD)], {**standard_inputs(GOOD, 333, 1), **inputs()})
    monkeypatch.setattr("qcompress.verification.PIECE", 5 * 17)
    seen = []
    body = Plain(BAD)
    body.run = lambda codes: seen.append(len(codes)) or BAD.run(codes)
    again = verify(GOOD, [body], {**standard_inputs(GOOD, 333, 1), **inputs()})
    assert again == whole
    assert max(seen) == 17


def test_made_up_rows_are_the_same_however_they_are_read(monkeypatch):
    monkeypatch.setattr("qcompress.verification.BLOCK", 3 * 64)
    for drawn in (standard_inputs(GOOD, 200, 5)[name] for name in ("random", "sparse", "boundary")):
        parts = [drawn.read(start, min(start + 37, 200)) for start in range(0, 200, 37)]
        assert (np.concatenate(parts) == drawn.all()).all()


def test_rows_of_large_networks_are_as_many_as_can_be_afforded(monkeypatch):
    assert products(GOOD) == 10
    assert affordable_rows(GOOD, 1000) == 1000
    monkeypatch.setattr("qcompress.verification.PRODUCTS", 300)
    assert affordable_rows(GOOD, 1000) == 30
    monkeypatch.setattr("qcompress.verification.PRODUCTS", 3)
    assert affordable_rows(GOOD, 1000) == 2


def test_of_two_outputs_of_one_node_the_one_that_lies_is_named():
    byte = Format(True, 8, 8)
    graph = Graph.of("g", (Input("a", (2,), byte),), (Node("r", Relu(), "a"),), {"one": "r", "two": "r"})
    body = Plain(graph)
    body.run = lambda codes: {name: codes_ + (name == "one") for name, codes_ in graph.run(codes).items()}
    (result,) = verify(graph, [body], {"some": np.array([[1, 2]])})
    assert result.mismatches == 2
    assert result.first == "row 0, layer r, element (0,): plain 2, reference 1"
    body.run = lambda codes: {name: codes_ + (name == "two") for name, codes_ in graph.run(codes).items()}
    (result,) = verify(graph, [body], {"some": np.array([[1, 2]])})
    assert result.first == "row 0, output two, element (0,): plain 2, reference 1"


def test_several_inputs_are_traced_through_beginnings_that_need_fewer():
    byte = Format(True, 8, 8)
    nodes = (Node("left", Relu(), "a"), Node("right", Relu(), "b"), Node("sum", Add(), "left", "right"))
    graph = Graph.of("g", (Input("a", (2,), byte), Input("b", (2,), byte)), nodes, {"total": "sum"})
    rng, asked = np.random.default_rng(2), []

    def one_more(whole):
        body = Plain(whole)
        body.run = lambda codes: whole.run(codes) + 1
        return body

    def beginning(whole):
        asked.append([port.name for port in whole.input_ports])
        return Plain(whole) if whole.nodes[-1].name == "left" else one_more(whole)

    codes = {name: rng.integers(-128, 128, (50, 2)) for name in "ab"}
    (result,) = verify(graph, [one_more(graph)], {"some": codes}, {"plain": beginning})
    assert asked == [["a"], ["b"]]
    assert result.first.startswith("row 0, layer right, element (0,)")
