"""Tensors of a request, however they came, as arrays of a model's inputs; anything that does not fit is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.serving.datatypes import FLOATS, Datatype
from qcompress.serving.faults import Reason, RequestFault, invalid, shown
from qcompress.serving.models import Model, Slot

Data = bytes | memoryview | Sequence[Any]
KINDS = {
    bool: "true or false",
    str: "text",
    float: "fractions",
    dict: "objects",
    type(None): "null",
    bytes: "bytes",
}
"""What may stand where a number should."""


@dataclass(frozen=True)
class Tensor:
    """An input as a request has it. shape: as it was sent; data: bytes in little-endian order, or a list of numbers."""

    name: str
    datatype: str
    shape: Sequence[Any]
    data: Data


def arrays_of(model: Model, tensors: Sequence[Tensor]) -> dict[str, npt.NDArray[Any]]:
    """Arrays (rows, *shape) of all inputs of a model by name; raises RequestFault for whatever does not fit it."""
    given: dict[str, Tensor] = {}
    for tensor in tensors:
        if tensor.name not in model.inputs:
            raise invalid(f"model {model.name} has no input {shown(tensor.name)}; it takes {', '.join(model.inputs)}")
        if tensor.name in given:
            raise invalid(f"input {tensor.name} was given twice")
        given[tensor.name] = tensor
    if missing := [name for name in model.inputs if name not in given]:
        raise invalid(f"model {model.name}: input {missing[0]} was not given")
    rows = {name: _rows(model, model.inputs[name], tensor.shape) for name, tensor in given.items()}
    if len(set(rows.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in rows.items())
        raise invalid(f"model {model.name}: different numbers of rows: {told}")
    return {name: _array(slot, model.accepted, given[name], rows[name]) for name, slot in model.inputs.items()}


def _rows(model: Model, slot: Slot, shape: Sequence[Any]) -> int:
    """How many rows a shape of [rows, *shape] says."""
    wanted = f"[rows, {', '.join(map(str, slot.shape))}]" if slot.shape else "[rows]"
    if any(type(each) is not int for each in shape) or len(shape) != len(slot.shape) + 1:
        raise invalid(f"input {slot.name}: shape {shown(list(shape[:9]))}, the model takes {wanted}")
    rows: int = shape[0]
    if tuple(shape[1:]) != slot.shape or rows < 0:
        raise invalid(f"input {slot.name}: shape {shown(list(shape))}, the model takes {wanted}")
    if rows > model.rows:
        raise RequestFault(Reason.TOO_LARGE, f"input {slot.name}: {rows} rows, one request may have {model.rows}")
    return rows


def _array(slot: Slot, accepted: Mapping[str, Datatype], tensor: Tensor, rows: int) -> npt.NDArray[Any]:
    """The data of one input as an array of its own datatype."""
    datatype = accepted.get(tensor.datatype)
    if datatype is None:
        others = ", ".join(name for name in accepted if name != slot.datatype.name)
        raise invalid(
            f"input {slot.name}: datatype {shown(tensor.datatype)}, the model takes {slot.datatype.name} (and {others})"
        )
    shape, count = (rows, *slot.shape), rows * prod(slot.shape)
    if isinstance(tensor.data, bytes | memoryview):
        if len(tensor.data) != count * datatype.dtype.itemsize:
            raise invalid(
                f"input {slot.name}: {len(tensor.data)} bytes, shape {list(shape)} of {datatype.name} has "
                f"{count * datatype.dtype.itemsize}"
            )
        return np.frombuffer(tensor.data, datatype.dtype).reshape(shape)
    numbers = _flat(slot.name, tensor.data, shape)
    if len(numbers) != count:
        raise invalid(f"input {slot.name}: {len(numbers)} numbers, shape {list(shape)} has {count}")
    return _from_numbers(slot.name, numbers, datatype).reshape(shape)


def _flat(name: str, data: Sequence[Any], shape: tuple[int, ...]) -> Sequence[Any]:
    """The numbers in one list, or in lists of lists of this shape, the last index fastest."""
    if list not in set(map(type, data)):
        return data
    level, fits = data, len(data) == shape[0]
    for size in shape[1:]:
        if set(map(type, level)) != {list}:
            raise invalid(f"input {name}: numbers and lists stand side by side")
        fits = fits and set(map(len, level)) == {size}
        if not fits:
            break
        level = list(chain.from_iterable(level))
    if not fits or list in set(map(type, level)):
        raise invalid(f"input {name}: the lists in its data are not those of shape {list(shape)}; one list will do")
    return level


def _from_numbers(name: str, numbers: Sequence[Any], datatype: Datatype) -> npt.NDArray[Any]:
    """Numbers, checked one by one: whole ones of the datatype's range for integers, whole or real ones for others."""
    kinds: tuple[type, ...] = (int, float) if datatype.name in FLOATS else (int,)
    if wrong := set(map(type, numbers)).difference(kinds):
        told = ", ".join(sorted(KINDS.get(kind, kind.__name__) for kind in wrong))
        taken = "numbers" if float in kinds else "whole numbers"
        raise invalid(f"input {name}: {told} in the data, {datatype.name} takes {taken}")
    try:
        if datatype.name in FLOATS:
            with np.errstate(over="ignore"):
                return np.array(numbers, np.float64).astype(datatype.dtype)
        return np.array(numbers, datatype.dtype)
    except OverflowError:
        raise invalid(f"input {name}: a number in the data is beyond {datatype.name}") from None
