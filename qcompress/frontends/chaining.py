"""Several nodes that are one layer: what does nothing is left out, and the last one bears the layer's name."""

from collections.abc import Sequence
from math import prod

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.graph import Affine, Gather, Permute, Reshape, Shape, Unary, UpSample

Named = tuple[str, Unary]
"""What the name of a node in between ends with, and its operation."""


def chain(builder: Builder, name: str, source: str, parts: Sequence[Named]) -> str:
    """Append the parts that do something, one behind the other, to builder behind source; gives the last node.

    The last one is called `name`, the others `name_ENDING`. Raises Refused naming the layer.
    """
    try:
        kept = _busy(builder.shapes[source], parts)
    except QcompressError as fault:
        raise Refused(f"layer {name}: {fault}") from None
    for place, (ending, operation) in enumerate(kept):
        last = place == len(kept) - 1
        source = builder.add(name if last else f"{name}_{ending}", operation, source)
    return source


def _busy(shape: Shape, parts: Sequence[Named]) -> list[Named]:
    """The parts that change something of a tensor of `shape`."""
    kept = []
    for ending, operation in parts:
        if not _is_idle(operation, shape):
            kept.append((ending, operation))
            shape = operation.output_shape(shape)
    return kept


def _is_idle(operation: Unary, shape: Shape) -> bool:
    if isinstance(operation, Reshape):
        return operation.shape == shape
    if isinstance(operation, Permute):
        sizes = [axis for axis in operation.axes if shape[axis] > 1]
        return operation.axes == tuple(sorted(operation.axes)) or (
            sizes == sorted(sizes) and operation.output_shape(shape) == shape
        )
    if isinstance(operation, UpSample):
        return all(factor == 1 for factor in operation.factors)
    return isinstance(operation, Gather) and np.array_equal(operation.which, np.arange(prod(shape)).reshape(shape))


def broadcast(builder: Builder, name: str, source: str, shape: Shape) -> str:
    """source repeated to `shape` as NumPy would, as node `name`; gives the last node, source if nothing is to do.

    Raises Refused if it does not fit.
    """
    given = builder.shapes[source]
    full = (1,) * (len(shape) - len(given)) + given
    if len(full) != len(shape) or any(a not in (1, b) for a, b in zip(full, shape, strict=True)):
        raise Refused(f"layer {name}: shape {given} cannot be repeated to {shape}")
    factors = tuple(b // a for a, b in zip(full, shape, strict=True))
    return chain(builder, name, source, [("axes", Reshape(full)), ("repeated", UpSample(factors))])


def alike(builder: Builder, name: str, *sources: str) -> list[str]:
    """Every source repeated to the shape that NumPy's rules give all of them. Raises Refused if there is none."""
    try:
        shape = np.broadcast_shapes(*(builder.shapes[source] for source in sources))
    except ValueError:
        listed = ", ".join(str(builder.shapes[source]) for source in sources)
        raise Refused(f"layer {name}: shapes {listed} do not fit together") from None
    return [broadcast(builder, f"{name}_input{n}", source, shape) for n, source in enumerate(sources)]


def scaled(builder: Builder, name: str, source: str, scale: tuple[Codes, Format], shift: tuple[Codes, Format]) -> str:
    """scale x + shift with constants for every element, as node `name`; gives the last node.

    scale, shift: codes, broadcast to the shape of source, and their format. Raises Refused naming the layer.
    """
    shape = builder.shapes[source]
    factors, offsets = (np.broadcast_to(codes, shape) for codes, _ in (scale, shift))
    formats = {"kernel_format": scale[1], "bias_format": shift[1], "accumulator": UNKNOWN}
    if shape and all((each == each.reshape(-1, shape[-1])[0]).all() for each in (factors, offsets)):
        last = [each.reshape(-1, shape[-1])[0] for each in (factors, offsets)]
        return chain(builder, name, source, [("scaled", Affine(kernel=last[0], bias=last[1], **formats))])
    each = Affine(kernel=factors.ravel(), bias=offsets.ravel(), **formats)
    flat = Reshape((prod(shape),))
    return chain(builder, name, source, [("flat", flat), ("scaled", each), ("shaped", Reshape(shape))])
