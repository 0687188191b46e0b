"""Comparisons and choices as arithmetic that every target has: the sign of a difference, and a product with it."""

from math import prod

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.chaining import alike, chain
from qcompress.graph import Add, Dense, Multiply, Quantize, Reshape, Subtract
from qcompress.graph.merge import common_format

TRUTH = Format(False, 1, 1)
"""0 where something does not hold, 1 where it does."""


def at_least(builder: Builder, name: str, first: str, second: str) -> str:
    """1 where first >= second, else 0, element by element with NumPy's broadcasting, as node `name`; gives that node.

    Raises Refused naming the layer, as the others here do.
    """
    return _of_sign(builder, name, first, second, if_negative=0)


def greater(builder: Builder, name: str, first: str, second: str) -> str:
    """1 where first > second, else 0; as `at_least`."""
    return _of_sign(builder, name, second, first, if_negative=1)


def equal(builder: Builder, name: str, first: str, second: str) -> str:
    """1 where first == second, else 0; as `at_least`."""
    both = [at_least(builder, f"{name}_{n}", *pair) for n, pair in enumerate([(first, second), (second, first)])]
    product = builder.add(f"{name}_both", Multiply(), *both)
    return builder.add(name, Quantize(Cast(TRUTH)), product)


def _of_sign(builder: Builder, name: str, first: str, second: str, if_negative: int) -> str:
    """`if_negative` where first - second is below 0, else the other one of 0 and 1."""
    difference = builder.add(f"{name}_difference", Subtract(), *alike(builder, name, first, second))
    given, shape = builder.formats[difference], builder.shapes[difference]
    sign = Format(True, 1, given.integer)  # its only negative code is -2**(integer - 1)
    factor = -1 if if_negative else 1
    scale = Format(True, 2, 2 - (given.integer - 1))
    truth = Dense(np.full((1, 1), factor), scale, np.full(1, 1 - if_negative), TRUTH, UNKNOWN)
    parts = [
        ("sign", Quantize(Cast(sign))),
        ("flat", Reshape((prod(shape), 1))),
        ("number", truth),
        ("shaped", Reshape(shape)),
        ("truth", Quantize(Cast(TRUTH))),
    ]
    return chain(builder, name, difference, parts)


def where(builder: Builder, name: str, condition: str, then: str, otherwise: str) -> str:
    """`then` where condition is 1, `otherwise` where it is 0, as node `name`, in their common format; gives that node.

    condition: a node of 0 and 1, as the functions above give. All with NumPy's broadcasting. Raises Refused.
    """
    if builder.formats[condition] != TRUTH:
        raise Refused(f"layer {name}: its condition is {builder.formats[condition]}, not 0 or 1; compare before")
    condition, then, otherwise = alike(builder, name, condition, then, otherwise)
    result = common_format([builder.formats[then], builder.formats[otherwise]])
    difference = builder.add(f"{name}_difference", Subtract(), then, otherwise)
    chosen = builder.add(f"{name}_chosen", Multiply(), condition, difference)
    total = builder.add(f"{name}_sum", Add(), otherwise, chosen)
    return builder.add(name, Quantize(Cast(result)), total)
