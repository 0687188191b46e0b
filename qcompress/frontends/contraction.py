"""Einstein sums over one or two tensors as operations that every target has: permutations, products, exact sums."""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.chaining import chain
from qcompress.frontends.reduction import ONE
from qcompress.graph import Conv1D, Dense, Multiply, Permute, Reshape, Shape, UpSample


@dataclass(frozen=True)
class Contraction:
    """The labels of "ab,bc->ac": in both and the result, summed, of the first alone, of the second alone, and sizes."""

    first: str
    second: str
    result: str
    sizes: Mapping[str, int]

    @classmethod
    def of(cls, name: str, equation: str, first: Shape, second: Shape) -> "Contraction":
        """What `equation` says of two tensors, rows left out. Raises Refused naming the layer if it does not fit."""
        given, _, result = equation.replace(" ", "").partition("->")
        parts = given.split(",")
        sizes: dict[str, int] = {}
        for labels, shape in zip(parts, (first, second), strict=False):
            fits = len(parts) == 2 and len(labels) == len(shape) == len(set(labels)) and labels.isalpha()
            if not fits or any(
                sizes.setdefault(label, size) != size for label, size in zip(labels, shape, strict=True)
            ):
                raise Refused(f"layer {name}: einsum {equation!r} does not fit shapes {first} and {second}")
        known = set("".join(parts))
        if not set(result) <= known or len(set(result)) < len(result):
            raise Refused(f"layer {name}: einsum {equation!r} gives an axis twice, or one that no input has")
        for one, other in (parts, parts[::-1]):
            if alone := sorted(set(one) - set(other) - set(result)):
                raise Refused(f"layer {name}: einsum {equation!r} sums axis {alone[0]} of one input; sum it before")
        return cls(parts[0], parts[1], result, sizes)

    @property
    def batch(self) -> str:
        return "".join(label for label in self.result if label in self.first and label in self.second)

    @property
    def summed(self) -> str:
        return "".join(label for label in self.first if label not in self.result)

    @property
    def free(self) -> tuple[str, str]:
        """Of the first alone, of the second alone."""
        return (
            "".join(label for label in self.result if label not in self.second),
            "".join(label for label in self.result if label not in self.first),
        )

    def shape(self, labels: str) -> Shape:
        return tuple(self.sizes[label] for label in labels)

    def size(self, labels: str) -> int:
        return prod(self.shape(labels))

    def ordered(self, labels: str) -> list[tuple[str, Reshape | Permute]]:
        """From elements in the order of `labels` to the result."""
        order = Permute(tuple(labels.index(label) for label in self.result))
        return [
            ("axes", Reshape(self.shape(labels))),
            ("ordered", order),
            ("one", Reshape(self.shape(self.result) or (1,))),
        ]


def einsum_with_constant(
    builder: Builder,
    name: str,
    equation: str,
    source: str,
    kernel: tuple[Codes, Format],
    bias: tuple[Codes, Format] | None = None,
) -> str:
    """einsum(equation, source, kernel) + bias as node `name`, exactly; gives the last node.

    equation: "in,kernel->out" without the rows; bias: codes that broadcast to the shape of the result and do not
    vary along axes of source alone. Labels in all three are groups, each with weights of its own. Raises Refused.
    """
    codes, format_ = kernel
    plan = Contraction.of(name, equation, builder.shapes[source], codes.shape)
    rows, columns = plan.free
    groups, terms, filters = plan.size(plan.batch), plan.size(plan.summed), plan.size(columns)
    matrix = codes.transpose([plan.second.index(label) for label in plan.batch + plan.summed + columns])
    matrix = matrix.reshape(groups, terms, filters)
    shift, shift_format = bias or (np.zeros((), np.int64), format_)
    weights: dict[str, Any] = {
        "kernel_format": format_,
        "bias": _bias(name, plan, shift),
        "bias_format": shift_format,
        "accumulator": UNKNOWN,
    }
    turned = Permute(tuple(plan.first.index(label) for label in rows + plan.batch + plan.summed))
    flat = Reshape((plan.size(rows), groups * terms) if rows or groups > 1 else (terms,))
    operation: Dense | Conv1D
    if groups > 1:
        operation = Conv1D(matrix.transpose(1, 0, 2).reshape(1, terms, groups * filters), groups=groups, **weights)
    else:
        operation = Dense(matrix[0], **weights)
    parts = [("turned", turned), ("rows", flat), ("sum", operation), *plan.ordered(rows + plan.batch + columns)]
    return chain(builder, name, source, parts)


def _bias(name: str, plan: Contraction, bias: Codes) -> Codes:
    """The bias of every group and filter; (groups * filters,)."""
    rows, columns = plan.free
    whole = np.broadcast_to(bias, plan.shape(plan.result))
    ordered = whole.transpose([plan.result.index(label) for label in rows + plan.batch + columns])
    found = ordered.reshape(plan.size(rows), -1)
    if (found != found[0]).any():
        raise Refused(f"layer {name}: its bias varies along axes of the input alone; add it in a layer of its own")
    return np.asarray(found[0], np.int64)


def einsum(builder: Builder, name: str, equation: str, first: str, second: str) -> str:
    """einsum(equation, first, second) of two tensors as node `name`, exactly; gives the last node.

    equation: "a,b->out" without the rows. Every product is formed, then summed without loss. Raises Refused.
    """
    plan = Contraction.of(name, equation, builder.shapes[first], builder.shapes[second])
    rows, columns = plan.free
    groups, terms = plan.size(plan.batch), plan.size(plan.summed)
    many, more = plan.size(rows), plan.size(columns)
    wide = []
    for ending, source, labels, free, shape, factors in (
        ("left", first, plan.first, rows, (groups * many, 1, terms), (1, more)),
        ("right", second, plan.second, columns, (groups, 1, more * terms), (1, many)),
    ):
        turned = Permute(tuple(labels.index(label) for label in plan.batch + free + plan.summed))
        shaped = Reshape((groups * many * more, terms))
        parts = [("turned", turned), ("axes", Reshape(shape)), ("repeated", UpSample(factors)), ("rows", shaped)]
        wide.append(chain(builder, f"{name}_{ending}", source, parts))
    products = builder.add(f"{name}_products", Multiply(), *wide)
    sums = Dense(np.ones((terms, 1), np.int64), ONE, np.zeros(1, np.int64), ONE, UNKNOWN)
    return chain(builder, name, products, [("sum", sums), *plan.ordered(plan.batch + rows + columns)])


def row_equation(name: str, equation: str, axes: int) -> tuple[str, str, str]:
    """Labels of input, weights and result of an equation of Keras, dots written out, without the batch.

    axes: of a row of the input. Raises Refused, naming the layer, if the batch is not the first axis of both.
    """
    inputs, _, result = equation.replace(" ", "").partition("->")
    given, _, weights = inputs.partition(",")
    if "..." in equation:
        free = iter(sorted(set(string.ascii_letters) - set(equation)))
        dots = "".join(next(free) for _ in range(axes + 1 - len(given.replace("...", ""))))
        given, result = given.replace("...", dots), result.replace("...", dots)
    if not given or given[0] != result[:1] or given[0] in weights or len(given) != axes + 1:
        raise Refused(f"layer {name}: equation {equation!r} does not keep the batch as the first axis; put it there")
    return given[1:], weights, result[1:]


def matmul(builder: Builder, name: str, first: str, second: str) -> str:
    """NumPy's matmul of two tensors of at least two axes, rows left out, as node `name`; gives the last node.

    Axes before the last two are those of both, or of the first alone. Raises Refused naming the layer.
    """
    axes, others = len(builder.shapes[first]), len(builder.shapes[second])
    if min(axes, others) < 2 or others > axes or axes > len(BATCH) + 2:
        raise Refused(
            f"layer {name}: a product of shapes {builder.shapes[first]} and {builder.shapes[second]}; "
            "give both as many axes, two or more"
        )
    left, right = BATCH[: axes - 2], BATCH[axes - others : axes - 2]
    return einsum(builder, name, f"{left}xy,{right}yz->{left}xz", first, second)


BATCH = "abcdefgh"
"""Labels of axes that two tensors share."""
