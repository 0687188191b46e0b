"""Padding of ONNX windows against what onnx infers and onnxruntime gives."""

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers.onnx_models import converted, model, node

from qcompress.errors import Refused
from qcompress.frontends.qonnx.operators import operators
from qcompress.frontends.qonnx.windows import padding_of, rounded_up


def operator(**attributes):
    nodes, _ = operators(model([node("MaxPool", "x", "y", **attributes)], (1, 1, 7, 6)))
    return nodes[0]


@pytest.mark.parametrize("kind", ["SAME_UPPER", "SAME_LOWER", "VALID"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_shapes_are_those_of_onnx(kind, size, stride):
    nodes = [node("MaxPool", "x", "y", auto_pad=kind, kernel_shape=[size, size], strides=[stride, stride])]
    proto = model(nodes, (1, 2, 7, 6))
    (output,) = onnx.shape_inference.infer_shapes(proto).graph.output
    expected = tuple(each.dim_value for each in output.type.tensor_type.shape.dim)[1:]
    assert converted(proto).graph.output_shape == expected


def test_the_odd_zero_is_behind_or_in_front():
    assert padding_of(operator(auto_pad="SAME_UPPER"), (5,), (2,)) == ((0, 1),)
    assert padding_of(operator(auto_pad="SAME_LOWER"), (5,), (2,)) == ((1, 0),)


@pytest.mark.parametrize("length", range(2, 9))
@pytest.mark.parametrize(("size", "stride"), [(2, 2), (2, 3), (3, 2)])
def test_windows_that_are_rounded_up_begin_within_the_input(length, size, stride):
    if length < size:
        return
    made = operator(ceil_mode=1, strides=[stride])
    ((_, after),) = rounded_up(made, (length,), (size,), ((0, 0),))
    nodes = [node("MaxPool", "x", "y", kernel_shape=[size], strides=[stride], ceil_mode=1)]
    session = onnxruntime.InferenceSession(model(nodes, (1, 1, length)).SerializeToString())
    (output,) = session.run(None, {"x": np.zeros((1, 1, length), np.float32)})
    assert (length + after - size) // stride + 1 == output.shape[2]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [({"auto_pad": "SAME"}, "auto_pad SAME is unknown; give pads"), ({"pads": [1, 2, 3]}, "give two for each axis")],
)
def test_padding_that_makes_no_sense_is_refused(attributes, reason):
    with pytest.raises(Refused, match=reason):
        padding_of(operator(**attributes), (5, 5), (2, 2))


def test_pads_are_before_and_behind():
    assert padding_of(operator(pads=[1, 2, 3, 4]), (5, 5), (2, 2)) == ((1, 3), (2, 4))
    assert np.shape(padding_of(operator(), (5, 5), (2, 2))) == (2, 2)
