"""Which ONNX operation becomes what: the table of everything that a model may hold."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.frontends import reduction
from qcompress.frontends.qonnx import comparing, curves, linear, merging, moving, pooling
from qcompress.frontends.qonnx.conversion import Converter
from qcompress.frontends.qonnx.operators import DAMAGE, Operator, evaluate, first_line
from qcompress.frontends.qonnx.quantizers import QUANTIZERS
from qcompress.frontends.qonnx.staircases import SIGMOID, TANH
from qcompress.frontends.qonnx.tensors import Constant, Value, channels_last

FLOATS = (1, 11)
"""float32 and float64 as ONNX numbers its types."""

Results = Constant | Value | list[Value]


def same(converter: Converter, operator: Operator) -> Results:
    """What does nothing at inference."""
    return converter.tensors[operator.inputs[0]]


def shape(converter: Converter, operator: Operator) -> Constant:
    """Shape of one row: sizes are fixed, so it is a constant."""
    row = np.empty((1, *converter.shape(converter.value(operator))), np.bool_)
    return Constant(evaluate(operator, [row])[0])


def cast(converter: Converter, operator: Operator) -> Results:
    """Cast to another float type, which changes no number that a quantizer gives."""
    if int(operator["to"]) not in FLOATS:
        raise Refused(f"{operator.label}: to type {operator['to']}; use a Quant for whole numbers")
    return same(converter, operator)


def channels_last_form(handler: Callable[[Converter, Operator], Value]) -> Callable[[Converter, Operator], Value]:
    """The operation of QONNX' own domain whose channels stand last; handler: of the one whose channels stand first."""

    def turned(converter: Converter, operator: Operator) -> Value:
        value = converter.value(operator)
        axes = len(value.order)
        first = f"{operator.name}:channels_first"
        converter.tensors[first] = moving.turned(converter, value, (axes - 1, *range(axes - 1)))
        inputs = [first, *operator.inputs[1:]]
        if operator.kind == "Conv":  # whose weights are (filters, *window, channels) there
            inputs[1] = f"{operator.name}:weights"
            weights = converter.constant(operator, 1)
            converter.tensors[inputs[1]] = weights.each(lambda array: np.moveaxis(array, -1, 1))
        found = handler(converter, replace(operator, inputs=tuple(inputs)))
        return moving.turned(converter, found, channels_last(axes))

    return turned


LAYERS: dict[str, Callable[[Converter, Operator], Results]] = {
    **dict.fromkeys(("Identity", "Dropout"), same),
    "Cast": cast,
    "Shape": shape,
    "Conv": linear.convolution,
    "ConvTranspose": linear.transposed,
    "Gemm": linear.gemm,
    "MatMul": linear.product,
    "BatchNormalization": linear.batch_normalization,
    "Relu": curves.relu,
    "LeakyRelu": curves.leaky_relu,
    "Clip": curves.clip,
    "Sigmoid": curves.curve(SIGMOID),
    "Tanh": curves.curve(TANH),
    "Selu": curves.selu,
    "HardSigmoid": curves.hard_sigmoid,
    "Add": merging.add,
    "Sub": merging.subtract,
    "Mul": merging.multiply,
    "Div": merging.divide,
    "Neg": merging.negative,
    "Max": merging.extreme(reduction.maximum),
    "Min": merging.extreme(reduction.minimum),
    **{kind: comparing.compared(kind) for kind in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual")},
    "Where": comparing.choose,
    "Concat": merging.concatenate,
    "MaxPool": pooling.max_pool,
    "AveragePool": pooling.average_pool,
    "GlobalMaxPool": pooling.global_pool(largest=True),
    "GlobalAveragePool": pooling.global_pool(largest=False),
    "ReduceSum": pooling.reduced(reduction.total),
    "ReduceMean": pooling.reduced(reduction.total, mean=True),
    "ReduceMax": pooling.reduced(reduction.largest),
    "ReduceMin": pooling.reduced(reduction.smallest),
    "ArgMax": pooling.arg_max,
    "TopK": pooling.top,
    "Transpose": moving.transpose,
    **dict.fromkeys(
        ("Flatten", "Reshape", "Squeeze", "Unsqueeze", "Slice", "Split", "Gather", "Pad", "Resize", "Tile", "Expand"),
        moving.moved,
    ),
    **dict.fromkeys(("DepthToSpace", "SpaceToDepth"), moving.moved),
}
"""Of ONNX' own domain, by operation."""

BY_DOMAIN: dict[str, dict[str, Any]] = {
    "": LAYERS,
    "qonnx": QUANTIZERS,
    "channels_last": {
        kind: channels_last_form(LAYERS[kind])  # type: ignore[arg-type]
        for kind in ("Conv", "MaxPool", "BatchNormalization")
    },
}

INSTEAD = {
    "FloatQuant": "Quant: minifloats are no fixed-point numbers",
    "Softmax": "it only at the end of the model",
    "QuantizeLinear": "it with one scale, and DequantizeLinear with the same scale behind it, or Quant of QONNX",
    "DequantizeLinear": "it behind QuantizeLinear with the same scale, or Quant of QONNX",
    **dict.fromkeys(
        ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"),
        "QuantizeLinear, DequantizeLinear and the operation between them (format QDQ)",
    ),
    "PRelu": "LeakyRelu with one slope",
}
"""What to use instead of operations that are often met and refused."""


def apply(converter: Converter, operator: Operator) -> Results:
    """What an operator gives, appended to converter. Raises Refused naming the node for what is not supported."""
    handler = BY_DOMAIN[operator.domain].get(operator.kind)
    if handler is None:
        instead = INSTEAD.get(operator.kind)
        remedy = f"use {instead}" if instead else "use operations of the table in docs/compiler/qonnx.md"
        raise Refused(f"{operator.label}: not supported; {remedy}")
    try:
        found: Results = handler(converter, operator)
    except DAMAGE as fault:
        raise Refused(
            f"{operator.label}: its inputs or attributes make no sense ({first_line(fault)}); export it again"
        ) from None
    return found
