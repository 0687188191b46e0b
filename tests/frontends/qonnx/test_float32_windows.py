"""Large windows by onnxruntime: what the reference implementation gives, or nothing."""

import numpy as np
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from qcompress.frontends.qonnx.float32_windows import WORTH, fraction_of, is_exact, windowed
from qcompress.frontends.qonnx.operators import OPSET

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(-8, 8, (2, 8, 64, 65)) / 4
KERNEL = RNG.integers(-8, 8, (5, 4, 3, 3)) / 16
GROUPS = {"group": 2, "pads": [1, 1, 0, 1], "strides": [1, 2]}


@pytest.mark.parametrize(
    ("node", "inputs"),
    [
        (helper.make_node("Conv", ["x", "w"], ["y"], **GROUPS), {"x": IMAGE, "w": KERNEL[:4]}),
        (helper.make_node("Conv", ["x", "w", "b"], ["y"]), {"x": IMAGE[:, :4], "w": KERNEL, "b": np.arange(5) / 32}),
        (helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 3], strides=[2, 1]), {"x": IMAGE}),
    ],
)
def test_it_is_the_reference(node, inputs):
    assert next(iter(inputs.values())).size >= WORTH / 2
    large = {name: np.repeat(each, 2, axis=0) if name == "x" else each for name, each in inputs.items()}
    found = windowed(node, OPSET, large)
    expected = ReferenceEvaluator(node, opsets={"": OPSET}).run(None, large)[0]
    assert found.dtype == np.float64
    assert np.array_equal(found, expected)


def test_what_float32_rounds_or_is_small_is_left():
    node = helper.make_node("Conv", ["x", "w"], ["y"], **GROUPS)
    large = np.repeat(IMAGE, 2, axis=0)
    assert windowed(node, OPSET, {"x": large, "w": KERNEL[:4] / 3}) is None
    assert windowed(node, OPSET, {"x": large, "w": np.ldexp(np.round(KERNEL[:4] * 2**20) + 1, -20)}) is None
    assert windowed(node, OPSET, {"x": large + 2.0**-30, "w": KERNEL[:4]}) is None
    assert windowed(node, OPSET, {"x": IMAGE[:1, :, :9], "w": KERNEL[:4]}) is None


def test_sums_within_24_bits_are_exact():
    values, kernel = np.full((1, 4), 255, np.float32), np.full((1, 4, 1), 0.25, np.float32)
    assert [fraction_of(np.float32(each)) for each in (3, 0.5, 2.0**-7, 1 / 3)] == [0, 2, 8, None]
    assert is_exact(values, kernel, None)
    assert is_exact(values, kernel, np.array([0.5], np.float32))
    assert not is_exact(values, kernel, np.array([2.0**22], np.float32))
    assert not is_exact(values, np.repeat(kernel, 1 << 15, axis=1), None)
