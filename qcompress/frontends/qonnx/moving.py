"""Operations that only move elements: their own definition, on numbered elements, says where each one comes from."""

from dataclasses import replace
from math import prod

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes
from qcompress.frontends.chaining import Named, chain
from qcompress.frontends.qonnx.conversion import Converter
from qcompress.frontends.qonnx.operators import Array, Operator, evaluate
from qcompress.frontends.qonnx.staircases import Numbers
from qcompress.frontends.qonnx.tensors import Value, plain
from qcompress.graph import Crop, Gather, Rearrangement, Reshape, Shape, UpSample, ZeroPad


def moved(converter: Converter, operator: Operator) -> list[Value]:
    """What an operation gives that puts elements, or zeros, elsewhere within each row. Raises Refused."""
    value = converter.value(operator)
    constants = [converter.array(operator, place) for place in range(1, len(operator.inputs))]
    _check(operator, constants)
    shape = converter.shape(value)
    try:
        numbers = np.arange(1, prod(shape) + 1, dtype=np.float64).reshape(1, *shape)
        results = evaluate(operator, [numbers, *constants])
    except QcompressError as fault:
        raise Refused(f"{fault}; the first axis holds the rows: leave it as it is") from None
    several = len(results) > 1
    found = []
    for number, result in enumerate(results):
        if not result.ndim or result.shape[0] != 1:
            raise Refused(
                f"{operator.label}: makes shape {result.shape} of a row of shape {(1, *shape)}; work within a row"
            )
        name = f"{operator.name}_{number}" if several else operator.name
        found.append(_taken(converter, name, operator, value, result[0].astype(np.int64) - 1))
    return found


def _check(operator: Operator, constants: list[Array | None]) -> None:
    mode = operator.get("mode", "nearest" if operator.kind == "Resize" else "constant")
    if operator.kind == "Resize" and mode != "nearest":
        raise Refused(f"{operator.label}: mode {mode} is not exact; use nearest")
    filling = constants[1] if operator.kind == "Pad" and mode == "constant" and len(constants) > 1 else None
    if filling is not None and np.any(filling):
        raise Refused(f"{operator.label}: pads with {filling.ravel()[0]}; pad with 0")


def _taken(converter: Converter, name: str, operator: Operator, value: Value, which: Codes) -> Value:
    """Elements of the ONNX tensor at `which`, -1 for a zero; in the order of the value where the axes are the same."""
    shape = converter.shape(value)
    if (which < 0).any() and value.scale is None:
        raise Refused(f"{operator.label}: pads what is shifted by numbers on no grid; put a Quant before it")

    def move(parameters: Numbers) -> Numbers:
        return np.asarray(np.broadcast_to(parameters, shape).reshape(-1)[which])

    scale = value.scale
    steps = value.scaled(scale).steps if scale is not None else tuple(s.moved(move, shape) for s in value.steps)
    if which.size == prod(shape) and np.array_equal(which.ravel(), np.arange(which.size)):
        lying = converter.as_onnx(operator, value)
        node = chain(converter.builder, name, lying.node, [("", Reshape(which.shape))])
        return Value(node, plain(which.shape), steps)
    order = value.order if which.ndim == len(shape) else plain(which.shape)
    own = np.arange(prod(shape)).reshape(converter.builder.shapes[value.node])
    places = own.transpose([value.order.index(axis) for axis in range(len(shape))]).reshape(-1)
    taken = np.where(which < 0, -1, places[which]).transpose(order)
    node = chain(converter.builder, name, value.node, _simplest(taken, converter.builder.shapes[value.node]))
    return Value(node, order, steps)


def _simplest(which: Codes, shape: Shape) -> list[Named]:
    """One operation of those that targets know best, or any elements at any places."""
    for operation in _guesses(which, shape):
        try:
            fits = np.array_equal(operation.indices(shape), which)
        except QcompressError:
            fits = False
        if fits:
            return [("", operation)]
    return [("", Gather(which))]


def _guesses(which: Codes, shape: Shape) -> list[Rearrangement]:
    """Repeated, cut or padded elements, as the sizes and the first element suggest."""
    if which.ndim != len(shape):
        return []
    sizes = list(zip(which.shape, shape, strict=True))
    guesses: list[Rearrangement] = []
    if all(new % old == 0 for new, old in sizes):
        guesses.append(UpSample(tuple(new // old for new, old in sizes)))
    if (first := int(which.ravel()[0])) >= 0 and all(new <= old for new, old in sizes):
        starts = [int(start) for start in np.unravel_index(first, shape)]
        if all(start + new <= old for start, (new, old) in zip(starts, sizes, strict=True)):
            guesses.append(Crop(tuple((s, old - new - s) for s, (new, old) in zip(starts, sizes, strict=True))))
    if (which >= 0).any() and all(new >= old for new, old in sizes):
        starts = [int(places.min()) for places in np.nonzero(which >= 0)]
        if all(new - old - s >= 0 for s, (new, old) in zip(starts, sizes, strict=True)):
            guesses.append(ZeroPad(tuple((s, new - old - s) for s, (new, old) in zip(starts, sizes, strict=True))))
    return guesses


def transpose(converter: Converter, operator: Operator) -> Value:
    """Transpose: another reading of the same elements, which stay where they are."""
    value = converter.value(operator)
    axes = len(value.order)
    given = operator.get("perm", list(range(axes, -1, -1)))
    if given[0] != 0:
        raise Refused(f"{operator.label}: moves the axis of the rows; leave it in front")
    return turned(converter, value, tuple(int(axis) - 1 for axis in given[1:]))


def turned(converter: Converter, value: Value, axes: tuple[int, ...]) -> Value:
    """The tensor whose axis i is axis axes[i] of `value`, rows left out."""
    shape = converter.shape(value)
    order = tuple(axes.index(axis) for axis in value.order)
    steps = (
        value.steps if value.scale else tuple(s.moved(lambda each: each.transpose(axes), shape) for s in value.steps)
    )
    return replace(value, order=order, steps=steps)
