"""What the tensors of an ONNX graph are on their way: constants, or nodes whose elements lie in another order."""

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from qcompress.frontends.builder import Builder
from qcompress.frontends.chaining import chain
from qcompress.frontends.qonnx.operators import Array
from qcompress.frontends.staircases import Scale, Step
from qcompress.graph import Permute, Shape


class Constant(NamedTuple):
    """A constant tensor; of one that a quantizer gave also codes and scale, of the same shape: array = codes scale."""

    array: Array
    codes: Array | None = None
    scale: Array | None = None


@dataclass(frozen=True)
class Value:
    """A tensor that depends on the input: the node that holds it, and what must still be done to its values.

    order: axis i of the node is axis order[i] of the ONNX tensor, rows left out of both. steps: functions of each
    element, on values, whose parameters broadcast to the shape of the ONNX tensor; without any, the node is the tensor.
    """

    node: str
    order: tuple[int, ...]
    steps: tuple[Step, ...] = field(default=())

    def shape(self, builder: Builder) -> Shape:
        """Of the ONNX tensor, without rows."""
        return tuple(builder.shapes[self.node][self.order.index(axis)] for axis in range(len(self.order)))

    @property
    def scale(self) -> Fraction | None:
        """The only thing left to do, if that is a multiplication by one positive number; 1 for nothing."""
        if not self.steps:
            return Fraction(1)
        only = self.steps[0]
        if len(self.steps) > 1 or not isinstance(only, Scale) or np.any(only.shift != 0):
            return None
        factors = set(only.factor.ravel().tolist())
        return factors.pop() if len(factors) == 1 and min(factors) > 0 else None

    def scaled(self, scale: Fraction) -> "Value":
        """The node with one multiplication to be done, none if it is by 1."""
        return replace(self, steps=() if scale == 1 else (Scale.of(scale),))


def plain(shape: Shape) -> tuple[int, ...]:
    """The order of a tensor that lies as ONNX has it."""
    return tuple(range(len(shape)))


def channels_last(axes: int) -> tuple[int, ...]:
    """The order of a tensor (channels, *spatial) whose channels go last."""
    return (*range(1, axes), 0)


def arranged(builder: Builder, name: str, value: Value, order: tuple[int, ...]) -> Value:
    """The value in another order, by a node `name` where the elements have to move."""
    axes = tuple(value.order.index(axis) for axis in order)
    return replace(value, node=chain(builder, name, value.node, [("", Permute(axes))]), order=order)
