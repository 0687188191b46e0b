"""Which ONNX operation becomes what: the table of everything that a model may hold."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import reduction
from qcompress.frontends.activations import slope_shift
from qcompress.frontends.builder import UNKNOWN
from qcompress.frontends.chaining import alike, chain
from qcompress.frontends.qonnx import linear, moving
from qcompress.frontends.qonnx.conversion import Converter, exact_numbers
from qcompress.frontends.qonnx.operators import Operator, evaluate
from qcompress.frontends.qonnx.quantizers import QUANTIZERS
from qcompress.frontends.qonnx.staircases import Bend, Limits, fractions
from qcompress.frontends.qonnx.tensors import Constant, Value, channels_last, plain
from qcompress.frontends.qonnx.windows import dilations_of, padding_of, rounded_up, strides_of
from qcompress.graph import (
    Add,
    ArgMax,
    AveragePool,
    Concatenate,
    DepthwiseConv,
    LeakyRelu,
    MaxPool,
    Multiply,
    Relu,
    Reshape,
    Shape,
    Subtract,
)
from qcompress.graph.movement import Pairs

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


def relu(converter: Converter, operator: Operator) -> Value:
    value = converter.value(operator)
    if value.scale is None:
        return replace(value, steps=(*value.steps, Bend(Fraction(0))))
    return replace(value, node=converter.builder.add(operator.name, Relu(), value.node))


def leaky_relu(converter: Converter, operator: Operator) -> Value:
    value, slope = converter.value(operator), float(operator.get("alpha", 0.01))
    shift = slope_shift(slope) if slope > 0 else None
    if slope < 0 or slope > 1:
        raise Refused(f"{operator.label}: slope {slope:g}; use one from 0 to 1")
    if value.scale is None or shift is None:
        return replace(value, steps=(*value.steps, Bend(Fraction(slope))))
    return replace(value, node=converter.builder.add(operator.name, LeakyRelu(shift), value.node))


def clip(converter: Converter, operator: Operator) -> Value:
    """By the zero of Relu, moved to each limit where that is exact; else left to the quantizer behind it."""
    value = converter.value(operator)
    ends = [converter.array(operator, place) for place in (1, 2)]
    low, high = (None if end is None or not np.isfinite(end).all() else Fraction(float(end)) for end in ends)
    exact = all(end is None or exact_numbers(fractions(end)) is not None for end in (low, high))
    if value.steps or not exact:
        return replace(value, steps=(*value.steps, Limits(low, high)))
    for limit, sign, ending in ((low, 1, "low"), (high, -1, "high")):
        if limit is not None:
            before, cut, after = (replace(operator, name=f"{operator.name}_{ending}{n}") for n in range(3))
            moved = converter.affine(before, value, sign, -sign * limit)
            moved = replace(moved, node=converter.builder.add(cut.name, Relu(), moved.node))
            value = converter.affine(after, moved, sign, limit)
    return value


def add_constant(converter: Converter, operator: Operator) -> Value:
    """x + constant or constant + x."""
    value, constant = _with_constant(converter, operator)
    return converter.affine(operator, value, 1, constant)


def _with_constant(converter: Converter, operator: Operator) -> tuple[Value, Any]:
    place = 0 if converter.is_constant(operator, 0) else 1
    return converter.value(operator, 1 - place), np.asarray(converter.array(operator, place), np.float64)


def add(converter: Converter, operator: Operator) -> Value:
    if _of_constant(converter, operator):
        return add_constant(converter, operator)
    return _merged(converter, operator, Add())


def subtract(converter: Converter, operator: Operator) -> Value:
    if not _of_constant(converter, operator):
        return _merged(converter, operator, Subtract())
    value, constant = _with_constant(converter, operator)
    if converter.is_constant(operator, 0):
        return converter.affine(operator, value, -1, constant)
    return converter.affine(operator, value, 1, -constant)


def multiply(converter: Converter, operator: Operator) -> Value:
    if _of_constant(converter, operator):
        value, constant = _with_constant(converter, operator)
        return converter.affine(operator, value, constant, 0)
    values = [converter.value(operator, place) for place in (0, 1)]
    scale = converter.scale(operator, values[0]) * converter.scale(operator, values[1])
    nodes, order = _side_by_side(converter, operator, values)
    return Value(converter.builder.add(operator.name, Multiply(), *nodes), order).scaled(scale)


def divide(converter: Converter, operator: Operator) -> Value:
    value, constant = converter.value(operator), np.asarray(converter.array(operator, 1), np.float64)
    if not np.all(constant):
        raise Refused(f"{operator.label}: divides by 0; train the model again")
    return converter.affine(operator, value, 1 / fractions(constant), 0)


def negative(converter: Converter, operator: Operator) -> Value:
    return converter.affine(operator, converter.value(operator), -1, 0)


def _of_constant(converter: Converter, operator: Operator) -> bool:
    return converter.is_constant(operator, 0) or converter.is_constant(operator, 1)


def _side_by_side(
    converter: Converter, operator: Operator, values: Sequence[Value]
) -> tuple[list[str], tuple[int, ...]]:
    """Nodes of one shape, in one order of axes."""
    order = values[0].order if all(len(each.order) == len(values[0].order) for each in values) else None
    lying = [
        converter.lying(operator, each, plain(each.order) if order is None else order, f"input{n}_order")
        for n, each in enumerate(values)
    ]
    nodes = alike(converter.builder, operator.name, *(each.node for each in lying))
    return nodes, order if order is not None else plain(converter.builder.shapes[nodes[0]])


def _of_one_scale(converter: Converter, operator: Operator, values: Sequence[Value]) -> tuple[list[Value], Fraction]:
    """The values without what is left to do, and that, which is the same for all. Raises Refused if it is not."""
    scales = [converter.scale(operator, each) for each in values]
    unit = min(scales)
    found = []
    for number, (value, scale) in enumerate(zip(values, scales, strict=True)):
        plain_value, ratio = replace(value, steps=()), scale / unit
        if ratio != 1:
            if exact_numbers(fractions(ratio)) is None:
                raise Refused(
                    f"{operator.label}: its inputs have scales {float(scale):g} and {float(unit):g}; use one quantizer "
                    "scale for all of them, or powers of two"
                )
            own = replace(operator, name=f"{operator.name}_input{number}_scaled")
            plain_value = converter.affine(own, plain_value, ratio, 0)
        found.append(plain_value)
    return found, unit


def _merged(converter: Converter, operator: Operator, operation: Add | Subtract) -> Value:
    values, unit = _of_one_scale(converter, operator, [converter.value(operator, place) for place in (0, 1)])
    nodes, order = _side_by_side(converter, operator, values)
    return Value(converter.builder.add(operator.name, operation, *nodes), order).scaled(unit)


def extreme(make: Callable[..., str]) -> Callable[[Converter, Operator], Value]:
    """Max or Min of several tensors; make: what appends it."""

    def handler(converter: Converter, operator: Operator) -> Value:
        given = [converter.value(operator, place) for place in range(len(operator.inputs))]
        values, unit = _of_one_scale(converter, operator, given)
        nodes, order = _side_by_side(converter, operator, values)
        return Value(make(converter.builder, operator.name, *nodes), order).scaled(unit)

    return handler


def concatenate(converter: Converter, operator: Operator) -> Value:
    given = [converter.value(operator, place) for place in range(len(operator.inputs))]
    values, unit = _of_one_scale(converter, operator, given)
    order = values[0].order
    axis = converter.axis(operator, int(operator["axis"]), len(order))
    nodes = [converter.lying(operator, each, order, f"input{n}_order").node for n, each in enumerate(values)]
    if len(nodes) == 1:
        return values[0].scaled(unit)
    operation = Concatenate(order.index(axis))
    return Value(converter.builder.add(operator.name, operation, *nodes), order).scaled(unit)


# Pooling and reductions


def _window(converter: Converter, operator: Operator, value: Value) -> tuple[Shape, Shape, Pairs, Pairs]:
    """Size, strides, padding as told, padding with what ceil_mode adds."""
    size = tuple(int(each) for each in operator["kernel_shape"])
    spatial = converter.builder.shapes[value.node][:-1]
    if max(dilations_of(operator, len(size))) > 1 or len(size) != len(spatial) or len(size) > 2:
        raise Refused(
            f"{operator.label}: windows {size} over {len(spatial)} axes, or dilation; use one or two axes, none"
        )
    padding = padding_of(operator, spatial, size)
    return size, strides_of(operator, len(size)), padding, rounded_up(operator, spatial, size, padding)


def _rises(value: Value) -> bool:
    """Whether what is left to do keeps the order of the elements of each channel."""
    factors = [getattr(step, "factor", None) for step in value.steps]
    return all(factor is None or bool((factor > 0).all()) for factor in factors)


def max_pool(converter: Converter, operator: Operator) -> Value:
    value = converter.pixels(operator, converter.value(operator))
    if not _rises(value):
        raise Refused(f"{operator.label}: its input is scaled by negative numbers on no grid; put a Quant before it")
    size, strides, _, padding = _window(converter, operator, value)
    node = converter.builder.add(operator.name, MaxPool(size, strides, padding), value.node)

    def one_place(parameters: Any) -> Any:
        """Of parameters that are the same at every place of (channels, *spatial), those of one."""
        places = parameters.reshape(len(parameters), -1)
        if (places != places[:, :1]).any():
            raise Refused(f"{operator.label}: its input differs from place to place on no grid; put a Quant before it")
        return parameters[(slice(None), *(slice(0, 1),) * (parameters.ndim - 1))]

    return Value(node, value.order, tuple(step.moved(one_place, converter.shape(value)) for step in value.steps))


def average_pool(converter: Converter, operator: Operator) -> Value:
    value = converter.pixels(operator, converter.value(operator))
    size, strides, told, padding = _window(converter, operator, value)
    if padding != told or (any(map(any, told)) and not operator.get("count_include_pad", 0)):
        raise Refused(f"{operator.label}: windows at the edge average fewer elements; use count_include_pad or no pads")
    return _averaged(converter, operator, value, size, strides, padding)


def _averaged(
    converter: Converter, operator: Operator, value: Value, size: Shape, strides: Shape, padding: Pairs
) -> Value:
    scale, count = converter.scale(operator, value), prod(size)
    if count & (count - 1) == 0 and not any(map(any, padding)):
        return Value(converter.builder.add(operator.name, AveragePool(size, strides), value.node), value.order).scaled(
            scale
        )
    channels, one = converter.builder.shapes[value.node][-1], Format(False, 1, 1)
    ones = np.ones((*size, channels, 1), np.int64)
    sums = DepthwiseConv(ones, one, np.zeros(channels, np.int64), one, UNKNOWN, strides=strides, padding=padding)
    found = Value(converter.builder.add(operator.name, sums, value.node), value.order).scaled(scale)
    return _divided(converter, operator, found, count)


def _divided(converter: Converter, operator: Operator, value: Value, count: int) -> Value:
    return converter.affine(replace(operator, name=f"{operator.name}_mean"), value, fractions(Fraction(1, count)), 0)


def global_pool(largest: bool) -> Callable[[Converter, Operator], Value]:
    """GlobalMaxPool or GlobalAveragePool: one window over all of space."""

    def handler(converter: Converter, operator: Operator) -> Value:
        value = converter.pixels(operator, converter.value(operator))
        size = converter.builder.shapes[value.node][:-1]
        if largest:
            return max_pool(converter, replace(operator, attributes={"kernel_shape": size, "strides": size}))
        if len(size) > 2:
            raise Refused(f"{operator.label}: over {len(size)} axes of space; one or two are taken")
        return _averaged(converter, operator, value, size, size, ((0, 0),) * len(size))

    return handler


def reduced(make: Callable[..., str], mean: bool = False) -> Callable[[Converter, Operator], Value]:
    """ReduceSum, ReduceMean, ReduceMax, ReduceMin; make: what appends it."""

    def handler(converter: Converter, operator: Operator) -> Value:
        value = converter.as_onnx(operator, converter.value(operator))
        axes = len(value.order)
        given = converter.array(operator, 1, np.array([], np.int64))
        chosen = [converter.axis(operator, int(axis), axes) for axis in np.ravel(given)] or list(range(axes))
        if not np.size(given):
            raise Refused(f"{operator.label}: reduces the axis of the rows as well; name the axes within a row")
        keep, scale = bool(operator.get("keepdims", 1)), converter.scale(operator, value)
        node = make(converter.builder, operator.name, value.node, chosen, keep)
        found = Value(node, plain(converter.builder.shapes[node])).scaled(scale)
        count = prod(converter.builder.shapes[value.node][axis] for axis in chosen)
        if not mean:
            return found
        return _divided(converter, operator, found, count)

    return handler


def arg_max(converter: Converter, operator: Operator) -> Value:
    value = converter.as_onnx(operator, converter.value(operator))
    axes = len(value.order)
    if converter.axis(operator, int(operator.get("axis", 0)), axes) != axes - 1 or not _rises(value):
        raise Refused(f"{operator.label}: not along the last axis; transpose before")
    converter.scale(operator, value)
    operation = ArgMax(converter.builder.shapes[value.node][-1])
    node = converter.builder.add(operator.name, operation, value.node)
    shape = converter.builder.shapes[node]
    result = shape if operator.get("keepdims", 1) or axes == 1 else shape[:-1]
    return Value(chain(converter.builder, f"{operator.name}_shape", node, [("", Reshape(result))]), plain(result))


def channels_last_form(handler: Callable[[Converter, Operator], Value]) -> Callable[[Converter, Operator], Value]:
    """The operation of QONNX' own domain whose channels stand last; handler: of the one whose channels stand first."""

    def turned(converter: Converter, operator: Operator) -> Value:
        value = converter.value(operator)
        axes = len(value.order)
        first = f"{operator.name}:channels_first"
        converter.tensors[first] = moving.turned(converter, value, (axes - 1, *range(axes - 1)))
        inputs = (first, *operator.inputs[1:])
        found = handler(converter, replace(operator, inputs=inputs))
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
    "Relu": relu,
    "LeakyRelu": leaky_relu,
    "Clip": clip,
    "Add": add,
    "Sub": subtract,
    "Mul": multiply,
    "Div": divide,
    "Neg": negative,
    "Max": extreme(reduction.maximum),
    "Min": extreme(reduction.minimum),
    "Concat": concatenate,
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "GlobalMaxPool": global_pool(largest=True),
    "GlobalAveragePool": global_pool(largest=False),
    "ReduceSum": reduced(reduction.total),
    "ReduceMean": reduced(reduction.total, mean=True),
    "ReduceMax": reduced(reduction.largest),
    "ReduceMin": reduced(reduction.smallest),
    "ArgMax": arg_max,
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
    "Sigmoid": "it only at the end of the model, or a quantized table in QKeras",
    "Tanh": "Clip and a Quant",
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
    found: Results = handler(converter, operator)
    return found
