"""What makes no sense is one line that says so; what just makes sense is taken."""

import re

import numpy as np
import pytest

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import (
    Add,
    Affine,
    ArgMax,
    AveragePool,
    Concatenate,
    Conv1D,
    Conv2D,
    Crop,
    DepthwiseConv,
    Gather,
    Graph,
    LeakyRelu,
    MaxPool,
    Multiply,
    Node,
    Permute,
    Quantize,
    Relu,
    Reshape,
    Subtract,
    Table,
    TransposedConv,
    UpSample,
    ZeroPad,
)
from qcompress.graph.linear import positions

NARROW, WIDE = Format(True, 4, 2), Format(True, 20, 10)


def weights(shape, bias=None):
    return np.ones(shape, np.int64), NARROW, np.zeros(bias or shape[-1], np.int64), NARROW, WIDE


FAULTS = {
    "leaky relu with slope 2**1: the slope must be 1 or less": lambda: LeakyRelu(-1),
    "1 table codes are outside fixed<4,2>": lambda: Table([0, 7, 8, -8], NARROW),
    "a table over fixed<17,2> needs more than 16 bits of input: quantize it": lambda: Table(
        np.zeros(1 << 17), NARROW
    ).output_format(Format(True, 17, 2)),
    "a table of shape (8,) for input fixed<4,2>": lambda: Table(np.zeros(8), NARROW).output_format(NARROW),
    "Add of shapes (2,), (3,): needs two alike": lambda: Add().output_shape([(2,), (3,)]),
    "Add of shapes (2,): needs two alike": lambda: Add().output_shape([(2,)]),
    "Subtract of shapes (2,), (3,): needs two alike": lambda: Subtract().output_shape([(2,), (3,)]),
    "Subtract of 3 inputs: needs two": lambda: Subtract().output_shape([(2,)] * 3),
    "Multiply of 3 inputs: needs two": lambda: Multiply().output_shape([(2,)] * 3),
    "shapes (2, 3) do not fit together along axis 0": lambda: Concatenate(0).output_shape([(2, 3)]),
    "shapes (2, 3), (2, 3) do not fit together along axis 2": lambda: Concatenate(2).output_shape([(2, 3)] * 2),
    "shapes (2, 3), (2, 3) do not fit together along axis -1": lambda: Concatenate(-1).output_shape([(2, 3)] * 2),
    "shapes (2, 3), (2, 4) do not fit together along axis 0": lambda: Concatenate(0).output_shape([(2, 3), (2, 4)]),
    "cropping ((1, -1),) is negative": lambda: Crop(((1, -1),)),
    "cropping ((2, 1),) leaves nothing of shape (3, 2)": lambda: Crop(((2, 1),)).output_shape((3, 2)),
    "2 axes to pad or crop after shape (3,)": lambda: Crop(((0, 0), (0, 0))).output_shape((3,)),
    "padding ((-1, 0),) is negative": lambda: ZeroPad(((-1, 0),)),
    "axes (0, 2) are no order of those of shape (2, 3)": lambda: Permute((0, 2)).output_shape((2, 3)),
    "shape (2, 3) cannot become (4,)": lambda: Reshape((4,)).output_shape((2, 3)),
    "up-sampling by (2, 0): factors must be 1 or more": lambda: UpSample((2, 0)),
    "up-sampling of 2 axes after shape (3,)": lambda: UpSample((1, 2)).output_shape((3,)),
    "elements to gather: give at least one index, each -1 or more": lambda: Gather(np.array([0, -2])),
    "element 6 is gathered of 6 of shape (2, 3)": lambda: Gather(np.array([[1, 6]])).output_shape((2, 3)),
    "argmax over 3 classes after shape (4, 2)": lambda: ArgMax(3).output_shape((4, 2)),
    "argmax over 3 classes after shape ()": lambda: ArgMax(3).output_shape(()),
    "windows of (2,) with padding ((0, 2),): some hold padding alone": lambda: MaxPool(
        (2,), (1,), ((0, 2),)
    ).output_shape((4, 1)),
    "the mean of 3 elements is not exact; average over 2, 4, 8, ...": lambda: AveragePool((3,), (1,)).output_format(
        NARROW
    ),
    "affine over 3 channels after shape (4, 2)": lambda: Affine(*weights((3,))).output_shape((4, 2)),
    "affine over 3 channels after shape ()": lambda: Affine(*weights((3,))).output_shape(()),
    "3 filters in 2 groups": lambda: Conv1D(*weights((2, 1, 3)), groups=2),
    "strides (1, 1) for a window of 1 axes": lambda: Conv1D(*weights((2, 1, 3)), strides=(1, 1)),
    "dilation (1, 1) for a window of 1 axes": lambda: Conv1D(*weights((2, 1, 3)), dilation=(1, 1)),
    "window (2,): sizes, strides, dilation and stuffing must be 1 or more": lambda: Conv1D(
        *weights((2, 1, 3)), strides=(0,)
    ),
    "window (2,): padding ((0, -1),) is negative": lambda: Conv1D(*weights((2, 1, 3)), padding=((0, -1),)),
    "a (3,) kernel does not fit into shape (2, 1)": lambda: Conv1D(*weights((3, 1, 3))).output_shape((2, 1)),
    "4 filters in 0 groups": lambda: Conv1D(*weights((2, 1, 4)), groups=0),
    "4 filters in -2 groups": lambda: Conv1D(*weights((2, 1, 4)), groups=-2),
    "convolution over 2 channels after shape (5, 1)": lambda: Conv1D(*weights((2, 1, 2)), groups=2).output_shape(
        (5, 1)
    ),
    "convolution over 3 channels after shape (5, 5, 1)": lambda: Conv2D(*weights((2, 2, 3, 2))).output_shape((5, 5, 1)),
    "convolution over 3 channels after shape (5, 3)": lambda: DepthwiseConv(*weights((2, 2, 3, 1), 3)).output_shape(
        (5, 3)
    ),
    "convolution over 3 channels after shape (5, 5, 2)": lambda: DepthwiseConv(*weights((2, 2, 3, 1), 3)).output_shape(
        (5, 5, 2)
    ),
}


@pytest.mark.parametrize("said", FAULTS)
def test_a_fault_says_what_is_wrong(said):
    with pytest.raises((QcompressError, Refused), match=f"^{re.escape(said)}$"):
        FAULTS[said]()


def test_what_just_makes_sense_is_taken():
    assert LeakyRelu(0).run(np.array([-3, 0, 2]), NARROW).tolist() == [-3, 0, 2]
    widest = Table(np.zeros(1 << 16), NARROW)
    assert widest.output_format(Format(True, 16, 2)) == NARROW
    assert Concatenate(0).output_shape([(2, 3), (1, 3)]) == (3, 3)
    assert Concatenate(1).output_shape([(2, 3), (2, 4)]) == (2, 7)
    assert Crop(((1, 1),)).output_shape((3, 2)) == (1, 2)
    assert Crop(((1, 0), (0, 2))).run(np.arange(12).reshape(1, 3, 4), NARROW).tolist() == [[[4, 5], [8, 9]]]
    assert Crop(()).output_shape((3,)) == (3,)
    assert ZeroPad(((1, 0),)).output_shape((3,)) == (4,)
    assert UpSample((1, 1)).output_shape((3, 2)) == (3, 2)
    assert UpSample(()).output_shape((3, 2)) == (3, 2)
    assert UpSample((2,)).output_shape((3,)) == (6,)
    assert MaxPool((2,), (1,), ((1, 1),)).output_shape((2, 1)) == (3, 1)
    assert MaxPool((2, 2), (2, 2)).output_shape((4, 6, 3)) == (2, 3, 3)
    assert MaxPool((2, 3), (1, 1)).padding == ((0, 0), (0, 0))
    assert TransposedConv(*weights((2, 2, 1, 3)), padding=((1, 1), (1, 1))).stuffing == (1, 1)
    assert Add().output_shape([(2,)] * 3) == (2,)
    assert positions(Conv2D(*weights((2, 2, 1, 3))), (5, 4, 1)) == 12


def test_formats_are_the_narrowest_that_lose_nothing():
    signed, unsigned = Format(True, 6, 3), Format(False, 6, 3)
    assert Add().output_format([signed] * 2) == Format(True, 7, 4)
    assert Add().output_format([signed] * 3) == Format(True, 8, 5)
    assert Add().output_format([signed] * 4) == Format(True, 8, 5)
    assert Add().output_format([unsigned, signed]) == Format(True, 8, 5)
    assert Add().output_format([Format(False, 3, 1), unsigned]) == Format(False, 7, 4)
    assert Subtract().output_format([unsigned] * 2) == Format(True, 7, 4)
    assert Concatenate(0).output_format([Format(True, 8, 2), unsigned]) == Format(True, 10, 4)
    assert [ArgMax(n).output_format(signed).width for n in (1, 2, 3, 4, 5)] == [1, 1, 2, 2, 3]
    assert ArgMax(1).run(np.zeros((2, 1)), signed).dtype == np.int64


def test_a_table_is_a_copy_that_cannot_be_changed():
    given = np.arange(-8, 8, dtype=np.int16)
    table = Table(given, NARROW)
    given[0] = 7
    assert table.table.tolist() == list(range(-8, 8))
    assert table.table.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        table.table[0] = 1
    assert table.run(np.array([-8, 0, 7]), NARROW).tolist() == [-8, 0, 7]


def test_parts_and_copies_of_a_graph_keep_name_and_quantizer(tmp_path):
    quantizer = Cast.parse("fixed<4,2,RND_CONV,SAT>")
    graph = Graph("g", (2,), NARROW, (Node("a", Relu(), "input"), Node("b", Relu(), "a")), quantizer)
    part = graph.upto("a")
    assert (part.name, part.input_quantizer) == ("g", quantizer)
    graph.save(tmp_path / "not" / "yet" / "there")
    again = Graph.load(tmp_path / "not" / "yet" / "there")
    assert (again.name, again.input_quantizer, again.content_hash()) == ("g", quantizer, graph.content_hash())
    assert Graph("g", (2,), NARROW, graph.nodes).content_hash() != graph.content_hash()


def test_a_graph_builds_its_bodies(tmp_path):
    graph = Graph("g", (2,), NARROW, (Node("a", Quantize(Cast(Format(True, 3, 2))), "input"),))
    body = graph.build("cpp", str(tmp_path / "body"))
    assert (tmp_path / "body" / "g.h").is_file()
    assert body.predict([[0.25, -0.5]]).tolist() == graph.predict([[0.25, -0.5]]).tolist() == [[0.0, -0.5]]
    quartus = graph.build("hls-quartus", tmp_path / "quartus")
    assert quartus.run(np.array([[1, -2]])).tolist() == graph.run(np.array([[1, -2]])).tolist()
    with pytest.raises(
        QcompressError, match=r"^no target 'gpu': choose from cpp, hls, hls-catapult, .*, rtl, rtl_loadable"
    ):
        graph.build("gpu", tmp_path)


def test_the_hash_is_the_same_on_any_machine():
    """Weights enter it as little-endian 64-bit integers."""
    small = Graph("g", (1,), NARROW, (Node("t", Table(np.arange(-8, 8), NARROW), "input"),))
    wide = Graph("g", (1,), NARROW, (Node("t", Table(np.arange(-8, 8, dtype=np.int8), NARROW), "input"),))
    assert small.content_hash() == wide.content_hash()
