"""What the tensors of an ONNX graph are on their way: constants, or nodes whose elements lie in another order."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from qcompress.frontends.builder import Builder
from qcompress.frontends.chaining import chain
from qcompress.frontends.qonnx.operators import Array
from qcompress.frontends.qonnx.staircases import Scale, Step
from qcompress.graph import Permute, Shape

Line = tuple[Fraction, Fraction]
NOTHING: Line = (Fraction(1), Fraction(0))
"""Factor and shift where there is nothing to do."""


class Constant(NamedTuple):
    """A constant tensor; of one that a quantizer gave also codes and scale, of the same shape: array = codes scale."""

    array: Array
    codes: Array | None = None
    scale: Array | None = None

    def each(self, move: Callable[[Array], Array]) -> "Constant":
        """All parts of it moved alike."""
        codes, scale = (None if part is None else np.asarray(move(part)) for part in (self.codes, self.scale))
        return Constant(np.asarray(move(self.array)), codes, scale)


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
    def line(self) -> Line | None:
        """Factor and shift of all that is left to do, if they are one positive number and one number."""
        if not self.steps:
            return NOTHING
        only = self.steps[0]
        if len(self.steps) > 1 or not isinstance(only, Scale):
            return None
        factors, shifts = set(only.factor.ravel().tolist()), set(only.shift.ravel().tolist())
        if len(factors) > 1 or len(shifts) > 1 or min(factors) <= 0:
            return None
        return factors.pop(), shifts.pop()

    @property
    def scale(self) -> Fraction | None:
        """The factor of `line`, if there is no shift."""
        found = self.line
        return found[0] if found is not None and found[1] == 0 else None

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
