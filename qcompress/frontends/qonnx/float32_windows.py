"""Windows of ONNX by onnxruntime in float32, where that rounds nothing: reference code takes minutes on images."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.graph.ranges import FLOAT32_BITS

Array = npt.NDArray[Any]
WORTH = 1 << 16
"""Elements of an input from which on a session of onnxruntime is the shorter way."""
IR_VERSION = 8
FRACTIONS = (0, 2, 4, 6, 8, 12, 16, 20, 24)
"""Bits behind the binary point that are tried, fewest first."""


def fraction_of(values: Array) -> int | None:
    """Bits behind the binary point, of FRACTIONS, that hold all values (float32); None where more are needed."""
    return next((bits for bits in FRACTIONS if _whole(values * np.float32(2.0**bits))), None)


def _whole(values: Array) -> bool:
    return bool((values == np.rint(values)).all())


def is_exact(values: Array, kernel: Array, bias: Array | None) -> bool:
    """Whether float32 forms the sums of a Conv exactly, in any order: all arguments are float32."""
    fractions = [fraction_of(each) for each in (kernel, values)]
    own = 0 if bias is None else fraction_of(bias)
    if own is None or None in fractions:
        return False
    fraction = max(own, sum(each for each in fractions if each is not None))
    largest = float(np.prod(kernel.shape[1:])) * _largest(values) * _largest(kernel)
    largest += 0.0 if bias is None else _largest(bias)
    return bool(np.ldexp(largest, fraction) <= 1 << FLOAT32_BITS)


def _largest(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))


def windowed(node: Any, opset: int, inputs: Mapping[str, Array]) -> Array | None:
    """What a Conv or MaxPool gives for its inputs; None where they are small, or float32 would round.

    node: onnx.NodeProto; opset: of ONNX' own operations; inputs: by name, in order.
    """
    first = next(iter(inputs.values()))
    if first.size < WORTH:
        return None
    given = {name: each.astype(np.float32) for name, each in inputs.items()}
    if any((each != inputs[name]).any() for name, each in given.items()):
        return None
    values, kernel, bias = [*given.values(), None, None][:3]
    if node.op_type == "Conv" and (values is None or kernel is None or not is_exact(values, kernel, bias)):
        return None
    return _run(node, opset, given).astype(first.dtype)


def _run(node: Any, opset: int, given: Mapping[str, Array]) -> Array:
    import onnxruntime
    from onnx import TensorProto, helper

    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, each.shape) for name, each in given.items()]
    output = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "one", inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=IR_VERSION)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, dict(given))[0])
