"""Sums, largest and smallest elements along axes, and of several tensors: of operations that every target has."""

from collections.abc import Sequence
from math import prod

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.chaining import Named, alike, chain
from qcompress.graph import Concatenate, Dense, MaxPool, Permute, Reshape, Shape

ONE = Format(False, 1, 1)
MINUS_ONE = Format(True, 1, 1)


def total(
    builder: Builder, name: str, source: str, axes: Sequence[int], keep: bool = False, divided: bool = False
) -> str:
    """The exact sum of source along `axes`, counted from 0 without the rows, as node `name`; gives the last node.

    keep: the axes stay, of one element; divided: by the number of elements, which must be a power of two. A sum of
    everything has shape (1,). Raises Refused naming the layer.
    """
    kept, summed, result = _split(builder, name, source, axes, keep)
    shape = builder.shapes[source]
    count = prod(shape[axis] for axis in summed)
    if divided and count & (count - 1):
        raise Refused(
            f"layer {name}: a mean of {count} elements is not exact; average a power of two, or quantize behind it"
        )
    each = Format(False, 1, 1 - (count.bit_length() - 1)) if divided else ONE
    ones = np.ones((count, 1), np.int64)
    sums = Dense(ones, each, np.zeros(1, np.int64), each, UNKNOWN)
    rows = Reshape((prod(shape[axis] for axis in kept), count))
    parts = [("turned", Permute((*kept, *summed))), ("rows", rows), ("sum", sums), ("shaped", Reshape(result))]
    return chain(builder, name, source, parts)


def largest(builder: Builder, name: str, source: str, axes: Sequence[int], keep: bool = False) -> str:
    """The largest element of source along `axes` as node `name`; arguments and result as `total` has them."""
    return chain(builder, name, source, _largest(builder, name, source, axes, keep))


def smallest(builder: Builder, name: str, source: str, axes: Sequence[int], keep: bool = False) -> str:
    """The smallest element of source along `axes` as node `name`; arguments and result as `total` has them."""
    parts = _largest(builder, name, source, axes, keep)
    turned = negated(builder, f"{name}_negated", source)
    found = chain(builder, f"{name}_largest", turned, parts)
    return negated(builder, name, found)


def _largest(builder: Builder, name: str, source: str, axes: Sequence[int], keep: bool) -> list[Named]:
    kept, compared, result = _split(builder, name, source, axes, keep)
    shape = builder.shapes[source]
    count = prod(shape[axis] for axis in compared)
    rows = Reshape((count, prod(shape[axis] for axis in kept)))
    pool = MaxPool((count,), (count,))
    return [("turned", Permute((*compared, *kept))), ("rows", rows), ("largest", pool), ("shaped", Reshape(result))]


def _split(
    builder: Builder, name: str, source: str, axes: Sequence[int], keep: bool
) -> tuple[tuple[int, ...], tuple[int, ...], Shape]:
    """Axes that stay and axes that go, and the shape of the result."""
    shape = builder.shapes[source]
    gone = tuple(sorted({int(axis) for axis in axes}))
    if not gone or gone[0] < 0 or gone[-1] >= len(shape):
        raise Refused(f"layer {name}: axes {tuple(axes)} are not of shape {shape}")
    kept = tuple(axis for axis in range(len(shape)) if axis not in gone)
    result = tuple(1 if axis in gone else size for axis, size in enumerate(shape) if keep or axis not in gone)
    return kept, gone, result or (1,)


def negated(builder: Builder, name: str, source: str) -> str:
    """-source as node `name`, in the narrowest format that holds it; gives the last node."""
    flat = Reshape((prod(builder.shapes[source]), 1))
    turn = Dense(np.full((1, 1), -1), MINUS_ONE, np.zeros(1, np.int64), MINUS_ONE, UNKNOWN)
    return chain(builder, name, source, [("flat", flat), ("turned", turn), ("shaped", Reshape(builder.shapes[source]))])


def maximum(builder: Builder, name: str, *sources: str) -> str:
    """The larger of several tensors, element by element with NumPy's broadcasting, as node `name`; gives the last node.

    Raises Refused naming the layer.
    """
    given = alike(builder, name, *sources)
    shape = builder.shapes[given[0]]
    rows = [chain(builder, f"{name}_row{n}", one, [("", Reshape((1, prod(shape))))]) for n, one in enumerate(given)]
    joined = builder.add(f"{name}_joined", Concatenate(0), *rows)
    pool = MaxPool((len(given),), (len(given),))
    return chain(builder, name, joined, [("largest", pool), ("shaped", Reshape(shape))])


def minimum(builder: Builder, name: str, *sources: str) -> str:
    """The smaller of several tensors, as `maximum` has them."""
    turned = [negated(builder, f"{name}_negated{n}", source) for n, source in enumerate(sources)]
    return negated(builder, name, maximum(builder, f"{name}_largest", *turned))
