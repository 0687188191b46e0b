"""verify must find a wrong body, count its codes and name the layer."""

import numpy as np
import pytest

from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Dense, Graph, Node, Quantize
from qcompress.verify import first_difference, standard_inputs, verify

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
