"""Functions of rows, made of tables in place of Keras' own: what stands inside a softmax or a normalization is rounded.

Formats of their tables come from the bits that are asked of activations, and from what a table may be given.
"""

from math import ceil, log2

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.calls import Call
from qcompress.frontends.keras_objects import KerasLayer, Tensor
from qcompress.frontends.post_training.flattening import FUNCTION
from qcompress.frontends.post_training.formats import Array, integer_bits
from qcompress.frontends.post_training.keeping import BIAS_BITS, rounded
from qcompress.frontends.post_training.plan import Plan, Wanted
from qcompress.frontends.post_training.weighting import Asked, Made
from qcompress.frontends.runtime import kind_of
from qcompress.graph.elementwise import MAX_TABLE_BITS

LEAST = 4
"""Bits that an exponential must have at least."""


def is_softmax(layer: KerasLayer) -> bool:
    """Whether a layer is a softmax of its own; the one that ends a model is left out before."""
    return kind_of(layer) == "Softmax" or (kind_of(layer) == "Activation" and kind_of(layer.activation) == "softmax")


def softmax(plan: Plan, call: Call, source: Tensor) -> Made:
    """What a softmax of tables gives of source (n, ..., classes). Raises Refused for another axis, too many classes."""
    from qcompress.frontends.table_layers import TableSoftmax

    _check_axis(call, getattr(call.layer, "axis", -1), source)
    bits, classes = _asked(plan, call).bits, int(source.shape[-1])
    fraction = min(bits, MAX_TABLE_BITS - 2 - ceil(log2(classes)))
    if fraction < LEAST:
        raise Refused(f"layer {call.name}: a softmax of {classes} inside the model; use it only at the end")
    first, second = Format(False, fraction + 1, 1), Format(False, bits + 1, 1)
    note = f"layer {call.name}: a softmax of tables, of exponentials {first} and inverses of their sum {second}"
    return Made(TableSoftmax(str(first), str(second), name=call.name)(source), None, {}, (note,))


def row_normalization(plan: Plan, call: Call, source: Tensor, values: Array | None) -> Made:
    """What a LayerNormalization with a table gives of source (n, ..., channels), of which values are given or None.

    Raises Refused for another axis than the last, and for a scale by squares alone.
    """
    from qcompress.frontends.table_layers import TableNormalization

    layer, count, asked = call.layer, int(source.shape[-1]), Asked(plan, call, None, None)
    _check_axis(call, layer.axis, source)
    if getattr(layer, "rms_scaling", False):
        raise Refused(f"layer {call.name}: LayerNormalization with rms_scaling; use it without")
    first = Format(False, MAX_TABLE_BITS, _integer_of_squares(_asked(plan, call), count, values))
    second = Format(False, MAX_TABLE_BITS, ceil(-log2(count * layer.epsilon**0.5)))
    made = TableNormalization(str(first), str(second), layer.epsilon, name=call.name)
    result = made(source)
    gamma = np.asarray(layer.gamma, np.float64) if layer.gamma is not None else np.ones(count)
    beta = np.asarray(layer.beta, np.float64) if layer.beta is not None else np.zeros(count)
    formats = asked.constant("weights", gamma), asked.bias(beta, 1, BIAS_BITS)
    made.set_weights([rounded(each, format_) for each, format_ in zip((gamma, beta), formats, strict=True)])
    note = f"layer {call.name}: a table of inverse roots {second}, of sums of squares {first}"
    return Made(result, None, asked.formats, (note,))


def _integer_of_squares(wanted: Wanted, count: int, values: Array | None) -> int:
    """Integer bits of sum((n x - sum(x))^2), from values or from the format that is asked for."""
    if values is not None or wanted.format is None:  # a plan of bits alone has values
        given = np.zeros(count) if values is None else values
        centred = count * given - given.sum(axis=-1, keepdims=True)
        return integer_bits(float((centred**2).sum(axis=-1).max(initial=0.0)))
    return 2 * (wanted.format.integer - wanted.format.signed) + ceil(3 * log2(count))


def _asked(plan: Plan, call: Call) -> Wanted:
    return plan.of("activations", call.name.removesuffix(FUNCTION)) or plan.every["activations"]


def _check_axis(call: Call, axis: int | list[int] | tuple[int, ...], source: Tensor) -> None:
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    if axes not in ([-1], [len(source.shape) - 1]):
        told = ", ".join(map(str, axes))
        raise Refused(f"layer {call.name}: {kind_of(call.layer)} along axis {told}; use the last one")
