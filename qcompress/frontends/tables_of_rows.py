"""The layers made of tables as operations of a graph: exact sums and products, and a table of each function."""

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import alike, broadcast, scaled
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.keras_objects import Quantizer
from qcompress.frontends.quantizers import evaluate, weights
from qcompress.frontends.reduction import largest, total
from qcompress.graph import Dense, Multiply, Quantize, Subtract, Table
from qcompress.graph.elementwise import MAX_TABLE_BITS

MODULE = "qcompress.frontends.table_layers"
"""Of the Keras layers."""


def softmax(builder: Builder, call: Call, source: str) -> str:
    """TableSoftmax: appends to builder what call computes on source; gives the node. Raises Refused."""
    layer, name, last = call.layer, call.name, [len(builder.shapes[source]) - 1]
    most = largest(builder, f"{name}_largest", source, last, keep=True)
    most, given = alike(builder, f"{name}_below", most, source)
    below = builder.add(f"{name}_below", Subtract(), given, most)
    each = _table(builder, call, "exponential", layer.exponential, below, layer.first)
    sums = total(builder, f"{name}_sum", each, last, keep=True)
    inverse = _table(builder, call, "inverse", layer.inverse, sums, layer.second)
    return builder.add(name, Multiply(), *alike(builder, name, each, inverse))


def normalization(builder: Builder, call: Call, source: str) -> str:
    """TableNormalization: appends to builder what call computes on source; gives the node. Raises Refused."""
    layer, name, shape = call.layer, call.name, builder.shapes[source]
    count, whole = shape[-1], Format(True, shape[-1].bit_length() + 1, shape[-1].bit_length() + 1)
    matrix = count * np.eye(count, dtype=np.int64) - 1
    centring = Dense(matrix, whole, np.zeros(count, np.int64), whole, UNKNOWN)
    centred = builder.add(f"{name}_centred", centring, source)
    squares = builder.add(f"{name}_squares", Multiply(), centred, centred)
    sums = total(builder, f"{name}_sum", squares, [len(shape) - 1], keep=True)
    cast = Cast(layer.first, Rounding.RND_CONV, Overflow.SAT)
    sums = builder.add(f"{name}_variance", Quantize(cast), sums)
    root = _table(builder, call, "root", lambda given: layer.inverse_root(given, count), sums, layer.second)
    root = broadcast(builder, f"{name}_roots", root, shape)
    normal = builder.add(f"{name}_normal", Multiply(), centred, root)
    return scaled(builder, name, normal, weights(layer, "gamma"), weights(layer, "beta"))


def _table(builder: Builder, call: Call, what: str, function: Quantizer, source: str, to: Format) -> str:
    """The table of a function of the layer, in the format that it rounds to."""
    given = builder.formats[source]
    if given.width > MAX_TABLE_BITS:
        raise Refused(f"layer {call.name}: a table of {given.width} bits; give it {MAX_TABLE_BITS} or fewer")
    values = evaluate(function, given.to_values(np.arange(given.min_code, given.max_code + 1)))
    return builder.add(f"{call.name}_{what}", Table(*exact_codes(values, to)), source)
