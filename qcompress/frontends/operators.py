"""Operators between tensors of a Keras model, written as `a + b`, `a - 1`, `2 * a`, `a / 4`, `-a`, `a[:, 1:3]`."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Values
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import alike
from qcompress.frontends.grids import exact_codes
from qcompress.graph import Add, Affine, Gather, Merge, Multiply, Subtract

ONE, MINUS, NOTHING = (np.full((), value) for value in (1.0, -1.0, 0.0))
TENSOR = object()
"""Stands for a tensor among the arguments of an operator."""


def operator(builder: Builder, call: Call, *sources: str) -> str:
    """An operator: appends to builder what call computes on sources; gives the node. Raises Refused."""
    kind = call.layer.kind
    if kind not in OPERATORS:
        raise Refused(f"operation {call.name}: {kind} is not a layer; use a layer of keras.layers")
    return OPERATORS[kind](builder, call, *sources)


def _of_two(
    merge: Callable[[], Merge], constants: Callable[[bool, Values], tuple[Values, Values]]
) -> Callable[..., str]:
    """An operator on two tensors, or on one and a constant; constants: whether that is the first, and its value ->
    scale and shift."""

    def write(builder: Builder, call: Call, *sources: str) -> str:
        given = call.layer.arguments(TENSOR)
        if len(sources) == 2:
            return builder.add(call.name, merge(), *alike(builder, call.name, *sources))
        fixed = [np.asarray(each, np.float64) for each in given if each is not TENSOR]
        if len(fixed) != 1:  # the same tensor twice
            return builder.add(call.name, merge(), *sources, *sources)
        return _scaled(builder, call, sources[0], *constants(given[0] is not TENSOR, fixed[0]))

    return write


def _scaled(builder: Builder, call: Call, source: str, scale: Values, shift: Values) -> str:
    """scale x + shift; each a number, or one for every channel."""
    channels = builder.shapes[source][-1]
    try:
        (kernel, kernel_format), (bias, bias_format) = exact_codes(scale), exact_codes(shift)
        kernel, bias = (np.broadcast_to(np.squeeze(codes), (channels,)) for codes in (kernel, bias))
    except QcompressError as fault:
        raise Refused(f"operation {call.name}: its constant is on no grid ({fault}); use powers of two") from None
    except ValueError:
        raise Refused(f"operation {call.name}: give a number, or one for each channel") from None
    return builder.add(call.name, Affine(kernel, kernel_format, bias, bias_format, UNKNOWN), source)


def _divided(builder: Builder, call: Call, *sources: str) -> str:
    given = call.layer.arguments(TENSOR)
    if given[0] is not TENSOR or given[1] is TENSOR:
        raise Refused(f"operation {call.name}: divides by a tensor, which is on no grid; multiply by a constant")
    with np.errstate(divide="ignore"):  # infinity is on no grid
        return _scaled(builder, call, sources[0], 1 / np.asarray(given[1], np.float64), NOTHING)


def _negative(builder: Builder, call: Call, source: str) -> str:
    return _scaled(builder, call, source, MINUS, NOTHING)


def _item(builder: Builder, call: Call, source: str) -> str:
    """Elements of every row, picked by slices and numbers."""
    key: Sequence[Any] = call.layer.arguments(TENSOR)[1]
    key = key if isinstance(key, tuple) else (key,)
    if key[0] not in (slice(None), Ellipsis) or any(each is None for each in key):
        raise Refused(f"operation {call.name}: picks rows or adds an axis; begin with [:, ...], use Reshape for axes")
    shape = builder.shapes[source]
    which = np.arange(int(np.prod(shape))).reshape(shape)
    picked = which[None][key][0] if key[0] != Ellipsis else which[key]
    return builder.add(call.name, Gather(np.atleast_1d(picked)), source)


OPERATORS: dict[str, Callable[..., str]] = {
    "Add": _of_two(Add, lambda first, constant: (ONE, constant)),
    "Subtract": _of_two(Subtract, lambda first, c: (MINUS, c) if first else (ONE, -c)),
    "Multiply": _of_two(Multiply, lambda first, constant: (constant, NOTHING)),
    "Divide": _divided,
    "TrueDivide": _divided,
    "Negative": _negative,
    "GetItem": _item,
}
"""By the name of Keras' operation."""
