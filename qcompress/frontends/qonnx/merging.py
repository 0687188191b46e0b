"""Arithmetic of several tensors, or of a tensor and a constant."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.frontends.chaining import alike
from qcompress.frontends.qonnx.conversion import Converter, exact_numbers
from qcompress.frontends.qonnx.operators import Operator
from qcompress.frontends.qonnx.staircases import Numbers, Scale, Step, fractions, of_rank
from qcompress.frontends.qonnx.tensors import Value, plain
from qcompress.graph import (
    Add,
    Concatenate,
    Multiply,
    Subtract,
)


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
    values = [converter.value(operator, place) for place in range(len(operator.inputs))]
    order = values[0].order
    axis = converter.axis(operator, int(operator["axis"]), len(order))
    steps: tuple[Step, ...] = ()
    if len({each.scale for each in values}) > 1 and any(each.steps for each in values):
        steps = _side_by_side_steps(converter, operator, values, axis)
    else:
        values, unit = _of_one_scale(converter, operator, values)
        steps = values[0].scaled(unit).steps
    nodes = [converter.lying(operator, each, order, f"input{n}_order").node for n, each in enumerate(values)]
    if len(nodes) == 1:
        return Value(nodes[0], order, steps)
    return Value(converter.builder.add(operator.name, Concatenate(order.index(axis)), *nodes), order, steps)


def _along(parameters: Numbers, axis: int, size: int) -> Numbers:
    """Parameters of channels, repeated along one axis."""
    if any(other > 1 for place, other in enumerate(parameters.shape) if place != axis):
        raise Refused("numbers on no grid that differ along other axes than the joined one; put a Quant before it")
    return parameters.repeat(size, axis=axis) if parameters.shape[axis] < size else parameters


def _side_by_side_steps(
    converter: Converter, operator: Operator, values: Sequence[Value], axis: int
) -> tuple[Step, ...]:
    """Factors and shifts of every tensor, behind each other along an axis. Raises Refused for anything else."""
    parts = []
    for value in values:
        only = value.steps[0] if value.steps else Scale.of(1)
        if len(value.steps) > 1 or not isinstance(only, Scale):
            raise Refused(f"{operator.label}: what is left to do of its inputs is not alike; put a Quant before it")
        shape = converter.shape(value)
        parts.append([_along(of_rank(each, len(shape)), axis, shape[axis]) for each in (only.factor, only.shift)])
    factor, shift = (np.concatenate(column, axis=axis) for column in zip(*parts, strict=True))
    return (Scale(factor, shift),)
