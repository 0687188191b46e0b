"""A chain of stages is what its stages are, one behind the other."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize, Relu

GIVEN = Format(True, 6, 3)
FIRST = Graph("first", (3,), GIVEN, (Node("cast", Quantize(Cast(Format(True, 4, 2))), "input"),))
SECOND = Graph("second", (3,), Format(True, 4, 2), (Node("relu", Relu(), "input"),))
CHAIN = Chain("both", (FIRST, SECOND))


def test_a_chain_runs_its_stages_in_order():
    codes = np.random.default_rng(0).integers(-32, 32, (20, 3))
    between = FIRST.run(codes)
    assert (CHAIN.run(codes) == SECOND.run(between)).all()
    assert (CHAIN.run(codes) != between).any()
    traced = CHAIN.trace(codes.astype(np.int8))
    assert list(traced) == ["first", "second"]
    assert all(found.dtype == np.int64 for found in traced.values())
    assert (traced["first"] == between).all()
    assert (CHAIN.upto("first").run(codes) == between).all()


class Narrow:
    """A stage whose own codes have eight bits."""

    name, input_shape, output_shape = "narrow", (3,), (3,)
    input_format = output_format = GIVEN

    def run(self, codes):
        return np.asarray(codes).astype(np.int8)


def test_a_chain_gives_int64_whatever_its_stages_give():
    codes = np.full((2, 3), 31)
    assert all(found.dtype == np.int64 for found in Chain("x", (Narrow(), FIRST)).trace(codes).values())
    assert Chain("x", (Narrow(),)).run(codes).dtype == np.int64


def test_a_chain_has_the_ends_of_its_stages():
    assert (CHAIN.input_shape, CHAIN.input_format) == ((3,), GIVEN)
    assert (CHAIN.output_shape, CHAIN.output_format) == ((3,), SECOND.output_format)
    assert CHAIN.input_codes([[0.125, -1, 3.5]]).tolist() == [[1, -8, 28]]
    with pytest.raises(QcompressError, match="grid"):
        CHAIN.input_codes([[0.1, 0, 0]])


def test_the_hash_of_a_chain_is_of_all_its_stages_in_order():
    other = Graph("other", (3,), Format(True, 4, 2), (Node("again", Quantize(Cast(Format(True, 4, 2))), "input"),))
    hashes = {Chain("x", stages).content_hash() for stages in ((FIRST, SECOND), (FIRST,), (FIRST, other))}
    assert len(hashes) == 3
    assert Chain("another name", CHAIN.stages).content_hash() == CHAIN.content_hash()


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        ((), "chain x has no stage"),
        ((FIRST, FIRST), "two of its stages have the same name"),
        ((SECOND, FIRST), r"first takes \(3,\) codes of fixed<6,3>, second gives \(3,\) of u?fixed<"),
    ],
)
def test_chains_that_make_no_sense_are_refused(stages, said):
    with pytest.raises(QcompressError, match=said):
        Chain("x", stages)
