"""Functions of one element: exact where they are, else left to the quantizer behind them."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from qcompress.errors import Refused
from qcompress.frontends.activations import slope_shift
from qcompress.frontends.qonnx.conversion import Converter, exact_numbers
from qcompress.frontends.qonnx.operators import Array, Operator
from qcompress.frontends.qonnx.staircases import Bend, Curve, Limits, Scale, exact_exponential, fractions
from qcompress.frontends.qonnx.tensors import Value
from qcompress.graph import (
    LeakyRelu,
    Relu,
)


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
    if any(end is not None and np.isnan(end).any() for end in ends):
        raise Refused(f"{operator.label}: a limit that is NaN; train the model again")
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


def curve(step: Curve) -> Callable[[Converter, Operator], Value]:
    """Sigmoid and Tanh: left to the quantizer behind them."""

    def handler(converter: Converter, operator: Operator) -> Value:
        value = converter.value(operator)
        return replace(value, steps=(*value.steps, step))

    return handler


def selu(converter: Converter, operator: Operator) -> Value:
    """gamma x, below 0 gamma alpha (exp(x) - 1): left to the quantizer behind it. Raises Refused for negative ones."""
    alpha, gamma = (float(np.float32(operator.get(key, number))) for key, number in SELU.items())
    if min(alpha, gamma) < 0:
        raise Refused(f"{operator.label}: alpha {alpha:g}, gamma {gamma:g}; use positive ones")

    def many(values: Array) -> Array:
        return np.asarray(np.where(values > 0, values, alpha * np.expm1(np.minimum(values, 0))) * gamma)

    def one(value: Fraction) -> Fraction:
        return Fraction(gamma) * (value if value > 0 else Fraction(alpha) * (exact_exponential(value) - 1))

    return curve(Curve(many, one))(converter, operator)


SELU = {"alpha": 1.67326319217681884765625, "gamma": 1.05070102214813232421875}
"""What ONNX has where a Selu says nothing."""


def hard_sigmoid(converter: Converter, operator: Operator) -> Value:
    """alpha x + beta between 0 and 1: left to the quantizer behind it."""
    alpha, beta = (float(np.float32(operator.get(key, other))) for key, other in (("alpha", 0.2), ("beta", 0.5)))
    value = converter.value(operator)
    line = Scale.of(alpha, beta)
    return replace(value, steps=(*value.steps, line, Limits(Fraction(0), Fraction(1))))
