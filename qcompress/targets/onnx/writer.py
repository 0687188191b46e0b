"""Nodes of an ONNX model over tensors that hold integers exactly, whatever type carries them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes

Dtype = np.dtype[Any]
FLOAT32, FLOAT64, INT32, INT64 = (np.dtype(kind) for kind in ("float32", "float64", "int32", "int64"))
LIMITS = {FLOAT32: 1 << 24, FLOAT64: 1 << 53, INT32: (1 << 31) - 1, INT64: (1 << 63) - 1}
"""All integers from minus to plus this are numbers of the type."""
CARRIERS = {"float": (FLOAT32, FLOAT64, INT64), "integer": (INT32, INT64)}
"""Types that carry codes, the first of them that holds all numbers of a step is used; by arithmetic."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the model, (rows, ...): its name, its type, and between which integers all its elements are."""

    name: str
    dtype: Dtype
    low: int
    high: int


Operand = Tensor | Codes
MOST_INDICES = 1 << 26
"""A model is one message of less than 2 GiB; an index has 8 bytes."""


@dataclass
class Writer:
    """ONNX nodes and constants, one after the other.

    arithmetic: a key of CARRIERS; names: of tensors that are taken; largest: bytes of the largest tensor, for a row.
    """

    arithmetic: str
    nodes: list[Any] = field(default_factory=list)
    constants: list[Any] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    largest: int = 0

    def name(self, wanted: str) -> str:
        """A name that no tensor has, `wanted` or with a number behind."""
        found, number = wanted, 1
        while found in self.names:
            number += 1
            found = f"{wanted}.{number}"
        self.names.add(found)
        return found

    def node(self, kind: str, sources: Sequence[str], wanted: str, **attributes: Any) -> str:
        """One ONNX node of one output; gives its name."""
        import onnx

        name = self.name(wanted)
        self.nodes.append(onnx.helper.make_node(kind, [*sources], [name], name, **attributes))
        return name

    def constant(self, wanted: str, values: npt.ArrayLike, dtype: Any) -> str:
        import onnx

        name = self.name(f"{wanted}.constant")
        self.constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(values).astype(dtype), name))
        return name

    def carrier(self, low: int, high: int) -> Dtype:
        """The type for integers from low to high; raises Refused if none holds them."""
        for dtype in CARRIERS[self.arithmetic]:
            if max(-low, high) <= LIMITS[dtype]:
                return dtype
        raise Refused(f"integers from {low} to {high} do not fit 64 bits")

    def cast(self, tensor: Tensor, dtype: Dtype) -> Tensor:
        """The same integers in another type."""
        import onnx

        if tensor.dtype == dtype:
            return tensor
        kind = onnx.helper.np_dtype_to_tensor_dtype(dtype)
        name = self.node("Cast", [tensor.name], f"{tensor.name}.{dtype.name}", to=kind)
        return Tensor(name, dtype, tensor.low, tensor.high)

    def op(
        self, kind: str, operands: Sequence[Operand], wanted: str, ends: tuple[int, int], **attributes: Any
    ) -> Tensor:
        """A node on operands, tensors or constant integers, in one type that holds them and all of its results.

        ends: between which integers the results are, and every sum on the way to them.
        """
        lows, highs = zip(*(limits(operand) for operand in operands), strict=True)
        dtype = self.carrier(min(*lows, ends[0]), max(*highs, ends[1]))
        sources = [self._source(operand, dtype, wanted) for operand in operands]
        return Tensor(self.node(kind, sources, wanted, **attributes), dtype, *ends)

    def _source(self, operand: Operand, dtype: Dtype, wanted: str) -> str:
        if isinstance(operand, Tensor):
            return self.cast(operand, dtype).name
        return self.constant(wanted, operand, dtype)

    def plus(self, tensor: Tensor, number: int, wanted: str) -> Tensor:
        ends = tensor.low + number, tensor.high + number
        return tensor if number == 0 else self.op("Add", [tensor, scalar(number)], wanted, ends)

    def times(self, tensor: Tensor, number: int, wanted: str) -> Tensor:
        """The tensor times a number that is not negative."""
        ends = tensor.low * number, tensor.high * number
        return tensor if number == 1 else self.op("Mul", [tensor, scalar(number)], wanted, ends)

    def clip(self, tensor: Tensor, low: int, high: int, wanted: str) -> Tensor:
        """The tensor cut at both ends."""
        if low <= tensor.low and tensor.high <= high:
            return tensor
        ends = min(max(tensor.low, low), high), max(min(tensor.high, high), low)
        return self.op("Clip", [tensor, scalar(low), scalar(high)], wanted, ends)

    def floor_shift(self, tensor: Tensor, bits: int, wanted: str) -> Tensor:
        """floor(tensor / 2**bits)."""
        if bits == 0:
            return tensor
        tensor = self.cast(tensor, self.carrier(tensor.low, tensor.high))
        bits = min(bits, max(-tensor.low, tensor.high + 1, 1).bit_length())  # beyond, only the sign is left
        low, high = tensor.low >> bits, tensor.high >> bits
        if tensor.dtype.kind == "f":
            return Tensor(self._scaled("Floor", tensor, bits, wanted), tensor.dtype, low, high)
        lift = max(0, -low)  # division of integers cuts towards zero
        lifted = self.plus(tensor, lift << bits, f"{wanted}.lifted")
        parts = self.op(
            "Div", [lifted, scalar(1 << bits)], f"{wanted}.parts", (lifted.low >> bits, lifted.high >> bits)
        )
        return self.plus(parts, -lift, wanted)

    def floor_shifts(self, tensor: Tensor, bits: Codes, wanted: str) -> Tensor:
        """floor(tensor / 2**bits), bits of every element of a row."""
        tensor = self.cast(tensor, self.carrier(tensor.low, tensor.high))
        bits = np.minimum(bits, max(-tensor.low, tensor.high + 1, 1).bit_length())  # beyond, only the sign is left
        ends = min(tensor.low >> int(b) for b in np.unique(bits)), max(tensor.high >> int(b) for b in np.unique(bits))
        if tensor.dtype.kind == "f":
            step = self.constant(wanted, 2.0 ** -bits.astype(np.float64), tensor.dtype)
            scaled = self.node("Mul", [tensor.name, step], f"{wanted}.scaled")
            return Tensor(self.node("Floor", [scaled], wanted), tensor.dtype, *ends)
        lift = np.maximum(0, -(tensor.low >> bits))  # division of integers cuts towards zero
        high = tensor.high + int((lift << bits).max())
        lifted = self.op("Add", [tensor, lift << bits], f"{wanted}.lifted", (0, high))
        parts = self.op("Div", [lifted, 1 << bits], f"{wanted}.parts", (0, high))
        return self.op("Sub", [parts, lift], wanted, ends)

    def modulo(self, tensor: Tensor, bits: Codes, wanted: str) -> Tensor:
        """The lowest bits of each element, as many as `bits` says of every element of a row, as a positive number."""
        ends = 0, (1 << int(bits.max(initial=0))) - 1
        tensor = self.cast(tensor, self.carrier(tensor.low, tensor.high))
        if tensor.dtype.kind != "f":
            return self.op("Mod", [tensor, 1 << bits], wanted, ends)
        turns = self.floor_shifts(tensor, bits, f"{wanted}.turns")
        low, high = (end << int(bits.max(initial=0)) for end in (min(turns.low, 0), max(turns.high, 0)))
        whole = self.op("Mul", [turns, 1 << bits], f"{wanted}.whole", (low, high))
        return self.op("Sub", [tensor, whole], wanted, ends)

    def nearest_shift(self, tensor: Tensor, bits: int, wanted: str) -> Tensor:
        """tensor / 2**bits in floating point, rounded to the nearest integer, to an even one between two."""
        low, high = (round(Fraction(end, 1 << bits)) for end in (tensor.low, tensor.high))
        return Tensor(self._scaled("Round", tensor, bits, wanted), tensor.dtype, low, high)

    def _scaled(self, kind: str, tensor: Tensor, bits: int, wanted: str) -> str:
        step = self.constant(wanted, 2.0**-bits, tensor.dtype)
        return self.node(kind, [self.node("Mul", [tensor.name, step], f"{wanted}.scaled")], wanted)

    def negative(self, tensor: Tensor, wanted: str) -> Tensor:
        """1 where the tensor is below 0, else 0, in its own type."""
        zero = self.constant(wanted, 0, tensor.dtype)
        found = Tensor(self.node("Less", [tensor.name, zero], f"{wanted}.below"), np.dtype(np.bool_), 0, 1)
        return self.cast(found, tensor.dtype)

    def where(self, condition: str, then: Tensor, otherwise: Operand, wanted: str) -> Tensor:
        """`then` where a tensor of truth values holds, else `otherwise`; of one type."""
        low, high = limits(otherwise)
        low, high = min(low, then.low), max(high, then.high)
        dtype = self.carrier(low, high)
        sources = [condition, self.cast(then, dtype).name, self._source(otherwise, dtype, wanted)]
        return Tensor(self.node("Where", sources, wanted), dtype, low, high)

    def wrap(self, tensor: Tensor, low: int, width: int, wanted: str) -> Tensor:
        """The tensor's lowest `width` bits, as the integers from low to low + 2**width - 1."""
        ends = low, low + (1 << width) - 1
        if ends[0] <= tensor.low and tensor.high <= ends[1]:
            return tensor
        tensor = self.cast(tensor, self.carrier(tensor.low, tensor.high))
        from_low = self.plus(tensor, -low, f"{wanted}.from_low")
        if from_low.dtype.kind == "f":
            turns = self.floor_shift(from_low, width, f"{wanted}.turns")
            size = self.times(turns, 1 << width, f"{wanted}.whole")
            return self.op("Sub", [tensor, size], wanted, ends)
        rest = self.op("Mod", [from_low, scalar(1 << width)], f"{wanted}.rest", (0, (1 << width) - 1))
        return self.plus(rest, low, wanted)

    def sum_rows(self, tensor: Tensor, count: int, ends: tuple[int, int], wanted: str) -> Tensor:
        """Sums over the last axis but one, of `count` elements; ends: between which integers all sums on the way are.

        Those of int64 are a matrix product: onnxruntime rounds its ReduceSum of them to 53 bits.
        """
        carried = self.cast(tensor, self.carrier(min(0, *ends), max(0, *ends)))
        axis = self.constant(wanted, [-2], np.int64)
        if carried.dtype == INT64:
            ones = self.constant(wanted, np.ones((1, count)), np.int64)
            summed = self.node("MatMul", [ones, carried.name], f"{wanted}.product")
            return Tensor(self.node("Squeeze", [summed, axis], wanted), INT64, *ends)
        return Tensor(self.node("ReduceSum", [carried.name, axis], wanted, keepdims=0), carried.dtype, *ends)

    def reshape(self, tensor: Tensor, shape: Sequence[int], wanted: str) -> Tensor:
        """Rows of another shape."""
        target = self.constant(wanted, [-1, *shape], np.int64)
        return Tensor(self.node("Reshape", [tensor.name, target], wanted), tensor.dtype, tensor.low, tensor.high)

    def transpose(self, tensor: Tensor, axes: Sequence[int], wanted: str) -> Tensor:
        """Axes in another order, that of the rows among them."""
        name = self.node("Transpose", [tensor.name], wanted, perm=[*axes])
        return Tensor(name, tensor.dtype, tensor.low, tensor.high)

    def gather(self, tensor: Tensor, indices: Codes, wanted: str) -> Tensor:
        """Elements of every row by their flat indices, -1 for a zero, in the shape of `indices`."""
        if indices.size > MOST_INDICES:
            raise Refused(f"{indices.size} gathered elements a row are too many for a file of ONNX")
        self.largest = max(self.largest, indices.size * INT64.itemsize)
        flat = self.node("Flatten", [tensor.name], f"{wanted}.flat", axis=1)
        low, high = tensor.low, tensor.high
        if (indices < 0).any():
            pads = self.constant(wanted, [0, 1, 0, 0], np.int64)  # a zero in front
            flat = self.node("Pad", [flat, pads], f"{wanted}.padded")
            indices, low, high = indices + 1, min(low, 0), max(high, 0)
        places = self.constant(wanted, indices.reshape(-1), np.int64)
        taken = Tensor(self.node("Gather", [flat, places], f"{wanted}.taken", axis=1), tensor.dtype, low, high)
        return taken if indices.ndim == 1 else self.reshape(taken, indices.shape, wanted)


def scalar(number: int) -> Codes:
    """A constant of no axis; raises Refused beyond 64 bits."""
    if not -(1 << 63) <= number < 1 << 63:
        raise Refused(f"{number} does not fit 64 bits")
    return np.asarray(number, np.int64)


def limits(operand: Operand) -> tuple[int, int]:
    """Between which integers the elements of an operand are."""
    if isinstance(operand, Tensor):
        return operand.low, operand.high
    return int(operand.min(initial=0)), int(operand.max(initial=0))
