"""Comparisons as steps of a difference, and choices between two tensors."""

from collections.abc import Callable

import numpy as np

from qcompress.errors import Refused
from qcompress.frontends.choice import TRUTH, where
from qcompress.frontends.qonnx import merging
from qcompress.frontends.qonnx.conversion import Converter
from qcompress.frontends.qonnx.decisions import Holds
from qcompress.frontends.qonnx.operators import Operator
from qcompress.frontends.qonnx.quantizers import replace_name, stairs
from qcompress.frontends.qonnx.staircases import fractions
from qcompress.frontends.qonnx.tensors import Value

NOTHING_TO_DO = fractions(1), fractions(0)


def compared(kind: str) -> Callable[[Converter, Operator], Value]:
    """Greater, GreaterOrEqual, Less, LessOrEqual of two tensors, or of a tensor and a constant: 1 or 0."""

    def handler(converter: Converter, operator: Operator) -> Value:
        difference = merging.subtract(converter, replace_name(operator, "difference"))
        return stairs(converter, operator, difference, NOTHING_TO_DO, Holds(kind), (0, 1), NOTHING_TO_DO)

    return handler


def choose(converter: Converter, operator: Operator) -> Value:
    """Where of a comparison and two tensors, or a tensor and a constant. Raises Refused for other conditions."""
    condition = converter.value(operator)
    if condition.steps or converter.builder.formats[condition.node] != TRUTH:
        raise Refused(f"{operator.label}: its condition is no comparison; compare before it")
    chosen = []
    for place in (1, 2):
        if converter.is_constant(operator, place):
            constant = np.asarray(converter.array(operator, place), np.float64)
            own = replace_name(operator, f"input{place}")
            chosen.append(converter.without_steps(own, converter.affine(own, condition, 0, constant)))
        else:
            chosen.append(converter.value(operator, place))
    values, unit = merging.of_one_scale(converter, operator, chosen)
    nodes, order = merging.side_by_side(converter, operator, [condition, *values])
    return Value(where(converter.builder, operator.name, *nodes), order).scaled(unit)
