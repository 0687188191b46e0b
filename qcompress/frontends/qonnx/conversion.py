"""A graph in the making from ONNX nodes: names, constants, tensors, and what most handlers need."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.builder import Builder
from qcompress.frontends.chaining import scaled
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.qonnx.operators import Array, Operator
from qcompress.frontends.qonnx.staircases import Numbers, Scale, fractions, of_rank
from qcompress.frontends.qonnx.tensors import Constant, Value, arranged, channels_last, plain
from qcompress.graph import Input, Shape


class Converter:
    """Nodes so far, and every tensor of the model by its ONNX name: a constant, or a value made of the input."""

    def __init__(self, inputs: Sequence[Input], tensors: Mapping[str, Constant | Value], users: Mapping[str, int]):
        self.builder = Builder(inputs)
        self.tensors: dict[str, Constant | Value] = dict(tensors)
        self.users = users
        """How many nodes and outputs read each tensor."""
        self.notes: list[str] = []

    def value(self, operator: Operator, place: int = 0) -> Value:
        """The input of an operator at `place`; raises Refused if it is a constant."""
        found = self._tensor(operator, place)
        if isinstance(found, Constant):
            raise Refused(f"{operator.label}: input {place} is a constant; give it the other way round")
        return found

    def constant(self, operator: Operator, place: int) -> Constant:
        """The input at `place`; raises Refused if it depends on the data."""
        found = self._tensor(operator, place)
        if isinstance(found, Value):
            raise Refused(f"{operator.label}: input {place} depends on the data; make it a constant")
        return found

    def array(self, operator: Operator, place: int, otherwise: Any = None) -> Any:
        """The values of the constant input at `place`, or what stands for one that is not there."""
        return self.constant(operator, place).array if operator.has(place) else otherwise

    def is_constant(self, operator: Operator, place: int) -> bool:
        return isinstance(self._tensor(operator, place), Constant)

    def _tensor(self, operator: Operator, place: int) -> Constant | Value:
        if not operator.has(place) or operator.inputs[place] not in self.tensors:
            raise Refused(
                f"{operator.label}: input {place} is of no node, input or initializer; export the model again"
            )
        return self.tensors[operator.inputs[place]]

    def shape(self, value: Value) -> Shape:
        return value.shape(self.builder)

    def axis(self, operator: Operator, axis: int, axes: int) -> int:
        """An axis of a tensor of `axes` axes, rows left out, from one that counts them. Raises Refused for the rows."""
        place = axis + axes + 1 if axis < 0 else axis
        if not 1 <= place <= axes:
            raise Refused(f"{operator.label}: axis {axis} is that of the rows, or not there; work within a row")
        return place - 1

    def lying(self, operator: Operator, value: Value, order: tuple[int, ...], ending: str = "order") -> Value:
        name, count = f"{operator.name}_{ending}", 1
        while name in self.builder.shapes:
            count += 1
            name = f"{operator.name}_{ending}{count}"
        return arranged(self.builder, name, value, order)

    def as_onnx(self, operator: Operator, value: Value, ending: str = "order") -> Value:
        """Elements in the order of ONNX."""
        return self.lying(operator, value, plain(value.order), ending)

    def pixels(self, operator: Operator, value: Value) -> Value:
        """(channels, *spatial) with the channels last."""
        return self.lying(operator, value, channels_last(len(value.order)))

    def without_steps(self, operator: Operator, value: Value, ending: str = "input") -> Value:
        """The value with all that can be done exactly done. Raises Refused for what is on no grid."""
        for step in value.steps:
            shape = self.shape(value)
            codes = exact_scale(step.moved(lambda each: each, shape)) if isinstance(step, Scale) else None
            if codes is None:
                what = "scaled by numbers" if isinstance(step, Scale) else "bent or scaled by functions"
                raise Refused(
                    f"{operator.label}: its input is {what} that lie on no grid; put a Quant before it, "
                    "or use scales that are powers of two"
                )
            turned = [(each.transpose(value.order), format_) for each, format_ in codes]
            name = f"{operator.name}_{ending}"
            value = replace(value, node=scaled(self.builder, name, value.node, *turned))
        return replace(value, steps=())

    def scale(self, operator: Operator, value: Value) -> Any:
        """The one positive number by which codes must still be multiplied, a fraction. Raises Refused if it is more."""
        found = value.scale
        if found is None:
            raise Refused(
                f"{operator.label}: its input is scaled for each channel, or shifted, by numbers that lie on no grid; "
                "put a Quant before it, or use one scale"
            )
        return found

    def affine(self, operator: Operator, value: Value, factor: Any, shift: Any) -> Value:
        """factor x + shift, arrays of numbers that broadcast to the tensor with its rows; exact, or left to be done."""
        shape = self.shape(value)
        rows = [_row(operator, fractions(each), shape) for each in (factor, shift)]
        step = Scale(*rows)
        codes = exact_scale(Scale(*(of_rank(each, len(shape)) for each in rows))) if not value.steps else None
        if codes is not None:
            turned = [(each.transpose(value.order), format_) for each, format_ in codes]
            return replace(value, node=scaled(self.builder, operator.name, value.node, *turned))
        last = value.steps[-1] if value.steps else None
        if isinstance(last, Scale):
            both = last.then(step)
            idle = bool((both.factor == 1).all() and (both.shift == 0).all())
            return replace(value, steps=value.steps[:-1] if idle else (*value.steps[:-1], both))
        return replace(value, steps=(*value.steps, step))


def _row(operator: Operator, array: Numbers, shape: Shape) -> Numbers:
    """Without the axis of the rows; an array that broadcasts to `shape`. Raises Refused if it does not."""
    if array.ndim > len(shape) and all(size == 1 for size in array.shape[: array.ndim - len(shape)]):
        array = array.reshape(array.shape[array.ndim - len(shape) :])
    try:
        fits = np.broadcast_shapes(array.shape, shape) == shape
    except ValueError:
        fits = False
    if not fits:
        raise Refused(
            f"{operator.label}: a constant of shape {array.shape} for rows of shape {shape}; repeat it before"
        )
    return array


def exact_scale(step: Scale) -> list[tuple[Codes, Format]] | None:
    """Codes and formats of factor and shift, None if one of them is on no grid."""
    found = []
    for numbers in (step.factor, step.shift):
        codes = exact_numbers(numbers)
        if codes is None:
            return None
        found.append(codes)
    return found


def exact_numbers(numbers: Numbers) -> tuple[Codes, Format] | None:
    """Codes and the narrowest format of an array of fractions, None if they are on no grid."""
    floats = numbers.astype(np.float64)
    if (fractions(floats) != numbers).any():
        return None
    return exact_array(floats)


def exact_array(values: Array) -> tuple[Codes, Format] | None:
    """Codes and the narrowest format of real numbers, None if they are on no grid."""
    try:
        return exact_codes(values)
    except QcompressError:
        return None
