"""Pools, reductions along axes, and the index of the largest."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import reduction
from qcompress.frontends.builder import UNKNOWN
from qcompress.frontends.chaining import chain
from qcompress.frontends.qonnx.conversion import Converter
from qcompress.frontends.qonnx.operators import Operator
from qcompress.frontends.qonnx.staircases import Scale, Step, composed, fractions
from qcompress.frontends.qonnx.tensors import Value, plain
from qcompress.frontends.qonnx.windows import dilations_of, padding_of, rounded_up, strides_of
from qcompress.graph import ArgMax, AveragePool, DepthwiseConv, MaxPool, Reshape, Shape
from qcompress.graph.movement import Pairs


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
    return Value(node, value.order, _of_channels(converter, operator, value))


def _of_channels(converter: Converter, operator: Operator, value: Value) -> tuple[Step, ...]:
    """What is left to do with parameters of channels alone. Raises Refused if they differ from place to place."""

    def one_place(parameters: Any) -> Any:
        """Of parameters that are the same at every place of (channels, *spatial), those of one."""
        places = parameters.reshape(len(parameters), -1)
        if (places != places[:, :1]).any():
            raise Refused(f"{operator.label}: its input differs from place to place on no grid; put a Quant before it")
        return parameters[(slice(None), *(slice(0, 1),) * (parameters.ndim - 1))]

    return tuple(step.moved(one_place, converter.shape(value)) for step in value.steps)


def average_pool(converter: Converter, operator: Operator) -> Value:
    value = converter.pixels(operator, converter.value(operator))
    size, strides, told, padding = _window(converter, operator, value)
    if padding != told or (any(map(any, told)) and not operator.get("count_include_pad", 0)):
        raise Refused(f"{operator.label}: windows at the edge average fewer elements; use count_include_pad or no pads")
    return _averaged(converter, operator, value, size, strides, padding)


def _averaged(
    converter: Converter, operator: Operator, value: Value, size: Shape, strides: Shape, padding: Pairs
) -> Value:
    count, padded = prod(size), any(map(any, padding))
    if padded or not all(isinstance(step, Scale) for step in value.steps):
        steps = value.scaled(converter.scale(operator, value)).steps
    else:  # sums keep factors and shifts of channels
        steps = _of_channels(converter, operator, value)
    if count & (count - 1) == 0 and not padded:
        node = converter.builder.add(operator.name, AveragePool(size, strides), value.node)
        return Value(node, value.order, steps)
    channels, one = converter.builder.shapes[value.node][-1], Format(False, 1, 1)
    ones = np.ones((*size, channels, 1), np.int64)
    sums = DepthwiseConv(ones, one, np.zeros(channels, np.int64), one, UNKNOWN, strides=strides, padding=padding)
    found = Value(converter.builder.add(operator.name, sums, value.node), value.order)
    mean = _divided(converter, operator, found, count)
    return replace(mean, steps=composed((*mean.steps, *steps)))


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


def top(converter: Converter, operator: Operator) -> list[Value]:
    """TopK of the largest element alone: the element where it is used, and its index."""
    value = converter.value(operator)
    count = int(np.ravel(converter.array(operator, 1))[0])
    axis = converter.axis(operator, int(operator.get("axis", -1)), len(value.order))
    if count != 1 or not operator.get("largest", 1):
        raise Refused(f"{operator.label}: the {count} largest, or the smallest; take the largest one")
    index = arg_max(
        converter, replace(operator, attributes={"axis": axis + 1, "keepdims": 1}, inputs=operator.inputs[:1])
    )
    if not converter.users.get(operator.outputs[0]):
        return [index, index]
    lying = converter.as_onnx(operator, value)
    node = reduction.largest(converter.builder, f"{operator.name}_largest", lying.node, [axis], True)
    return [Value(node, lying.order, value.steps), index]


def arg_max(converter: Converter, operator: Operator) -> Value:
    value = converter.as_onnx(operator, converter.value(operator))
    axes = len(value.order)
    if converter.axis(operator, int(operator.get("axis", 0)), axes) != axes - 1 or not _rises(value):
        raise Refused(f"{operator.label}: not along the last axis; transpose before")
    if value.line is None:
        raise Refused(f"{operator.label}: its input has several scales on no grid; put a Quant before it, or use one")
    operation = ArgMax(converter.builder.shapes[value.node][-1])
    node = converter.builder.add(operator.name, operation, value.node)
    shape = converter.builder.shapes[node]
    result = shape if operator.get("keepdims", 1) or axes == 1 else shape[:-1]
    return Value(chain(converter.builder, f"{operator.name}_shape", node, [("", Reshape(result))]), plain(result))
