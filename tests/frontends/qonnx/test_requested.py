"""ONNX models of floats become quantized ones that compile exactly; the cost is the difference that rounding makes."""

import numpy as np
import pytest
from helpers.onnx_models import model, node, quant
from onnx import numpy_helper

from qcompress.errors import QcompressError, Refused
from qcompress.frontends import model_of
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.qonnx import QonnxModel
from qcompress.frontends.qonnx.body import predict
from qcompress.frontends.qonnx.requested import quantize

RNG = np.random.default_rng(0)
GIVEN = "weights=fixed<10,3>,activations=fixed<12,4>,inputs=fixed<10,3>"
FOUND = "weights=10,activations=12,inputs=10"


def drawn(*shape):
    return RNG.normal(0, 0.4, shape)


def dense():
    """As Keras writes it: products and sums apart, a softmax at the end."""
    nodes = [
        *(node("MatMul", "x w", "a"), node("Add", "a b", "s"), node("Relu", "s", "r")),
        *(node("MatMul", "r v", "c"), node("Selu", "c", "e"), node("MatMul", "e u", "f"), node("Add", "f d", "g")),
        node("Softmax", "g", "y"),
    ]
    constants = {"w": drawn(6, 8), "b": drawn(8), "v": drawn(8, 5), "u": drawn(5, 3), "d": drawn(3)}
    return QonnxModel(model(nodes, [1, 6], constants)), (6,)


def normalized():
    """As PyTorch writes it: a normalization behind moves, and at the end."""
    nodes = [
        *(node("Gemm", "x w b", "a", transB=1), node("Unsqueeze", "a axes", "u")),
        *(node("BatchNormalization", "u k h m v", "n"), node("Squeeze", "n axes", "s"), node("Relu", "s", "y")),
    ]
    constants = {"w": drawn(4, 6), "b": drawn(4), "axes": np.array([2]), "k": drawn(4), "h": drawn(4), "m": drawn(4)}
    return QonnxModel(model(nodes, [1, 6], {**constants, "v": np.abs(drawn(4)) + 0.5})), (6,)


def image():
    nodes = [
        *(node("Conv", "x w b", "a", pads=[1, 1, 1, 1]), node("Relu", "a", "r"), node("Conv", "r v", "c")),
        *(node("MaxPool", "c", "p", kernel_shape=[2, 2], strides=[2, 2]), node("Tanh", "p", "t")),
        *(node("AveragePool", "t", "q", kernel_shape=[2, 1]), node("Add", "q q", "y")),
    ]
    constants = {"w": drawn(3, 1, 3, 3), "b": drawn(3), "v": drawn(2, 3, 1, 1)}
    return QonnxModel(model(nodes, [1, 1, 8, 8], constants)), (1, 8, 8)


@pytest.mark.parametrize("plan", [GIVEN, FOUND])
@pytest.mark.parametrize("make", [dense, normalized, image])
def test_the_graph_is_the_quantized_model_and_near_the_model_of_floats(make, plan):
    found, shape = make()
    before = found.proto.SerializeToString()
    values = RNG.normal(0, 1, (100, *shape))
    done = quantize(found, parse_plan(plan), values)
    assert found.proto.SerializeToString() == before
    quantized = model_of(done.model)
    graph = quantized.convert("net").graph
    low, high = graph.input_format.min_code, graph.input_format.max_code
    codes = RNG.integers(low, high, (60, *graph.input_shape), endpoint=True)
    assert np.array_equal(quantized.body(graph).run(codes), graph.run(codes))
    floats = predict(found, values, np.float64)
    rounded = predict(done.model, values, np.float64)
    (output,) = done.cost.outputs
    assert done.cost.rows == 100
    assert output.largest == pytest.approx(np.abs(rounded - floats).max())
    assert 0 < output.mean < output.largest < 0.2
    assert all(0 <= layer.saturated < 0.2 and 0 < layer.error < 0.1 for layer in done.cost.layers)


def test_weights_have_the_formats_that_were_asked():
    found, _ = dense()
    done = quantize(found, parse_plan("weights=fixed<4,1>,biases=fixed<3,1>,activations=fixed<8,3>"), None)
    assert done.cost is None
    graph = model_of(done.model).convert("net", parse_plan(GIVEN).every["inputs"].format).graph
    operations = [each.operation for each in graph.nodes if hasattr(each.operation, "kernel")]
    kernels = {each.name: numpy_helper.to_array(each) for each in found.proto.graph.initializer}
    first = operations[0]
    assert np.array_equal(first.kernel_format.to_values(first.kernel), np.clip(np.rint(kernels["w"] * 8), -8, 7) / 8)
    assert np.array_equal(first.bias_format.to_values(first.bias), np.clip(np.rint(kernels["b"] * 4), -4, 3) / 4)


@pytest.mark.parametrize(
    ("nodes", "plan", "values", "said"),
    [
        ([quant("x one zero four", "y")], GIVEN, None, "is quantized already: leave --quantize out"),
        ([node("Relu", "x", "y")], GIVEN, None, "has no weights to quantize"),
        ([node("MatMul", "x w", "y")], FOUND, None, "need values to find it: give --calibrate"),
        ([node("MatMul", "x w", "y")], FOUND, np.zeros((3, 5)), r"values of shape \(3, 5\); input x takes rows of"),
        ([node("MatMul", "x w", "y")], FOUND, np.full((3, 6), np.inf), "some are not finite"),
        ([node("MatMul", "x w", "y")], FOUND, {"z": np.zeros((3, 6))}, "values of input x are missing; there are z"),
    ],
)
def test_what_cannot_be_quantized_is_said(nodes, plan, values, said):
    constants = {"w": drawn(6, 2)} if nodes[0].op_type == "MatMul" else {}
    with pytest.raises((QcompressError, Refused), match=said):
        quantize(QonnxModel(model(nodes, [1, 6], constants)), parse_plan(plan), values)
