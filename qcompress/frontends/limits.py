"""Limits and straight lines between them, as arithmetic that is exact at any width."""

from typing import NamedTuple

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.grids import exact_codes
from qcompress.graph import Affine, Relu


class Straight(NamedTuple):
    """factor x + offset, cut at low and high."""

    factor: float
    offset: float
    low: float
    high: float


LINES = {
    "hard_sigmoid": Straight(0.5, 0.5, 0, 1),
    "smooth_sigmoid": Straight(0.1875, 0.5, 0, 1),
    "hard_tanh": Straight(1, 0, -1, 1),
    "smooth_tanh": Straight(0.375, 0, -1, 1),
}
"""Functions of QKeras by name; Keras itself means another line by hard_sigmoid."""


def straight(builder: Builder, name: str, layer: str, line: Straight, source: str) -> str:
    """Append a line between two limits, of any number of bits, to builder behind source; gives its node `name`.

    layer: whom to name in refusals. Raises Refused where that needs too many bits. A node that is there is given.
    """
    if name in builder.shapes:
        return name
    above = _scaled(builder, f"{name}_above", line.factor, line.offset - line.low, source)
    if not line.low:
        return limited(builder, name, layer, line.high, above)
    return _scaled(builder, name, 1, line.low, limited(builder, f"{name}_raised", layer, line.high - line.low, above))


def limited(builder: Builder, name: str, layer: str, most: float, source: str) -> str:
    """Append to builder the ReLU of source with the limit `most`; gives its node `name`.

    layer: whom to name in refusals. Raises Refused if the limit is on no grid.
    """
    try:
        code, format_ = exact_codes(most)
    except QcompressError as fault:
        raise Refused(f"layer {layer}: its limit {most:g} is on no grid ({fault}); use a power of two") from None
    channels = builder.shapes[source][-1]
    minus, bias = np.full(channels, -1), np.full(channels, int(code))

    def distance(node: str, source: str) -> str:
        return builder.add(node, Affine(minus, Format(True, 1, 1), bias, format_, UNKNOWN), source)

    node = builder.add(f"{name}_low", Relu(), source)
    node = builder.add(f"{name}_below", Relu(), distance(f"{name}_distance", node))
    return distance(name, node)


def _scaled(builder: Builder, name: str, factor: float, offset: float, source: str) -> str:
    channels = builder.shapes[source][-1]
    (kernel, kernel_format), (bias, bias_format) = exact_codes(factor), exact_codes(offset)
    factors, offsets = (np.full(channels, int(codes)) for codes in (kernel, bias))
    return builder.add(name, Affine(factors, kernel_format, offsets, bias_format, UNKNOWN), source)
