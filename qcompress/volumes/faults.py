"""The first element of some rows that has no code: a network refuses rows by their count, users look for one."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.graph import Chain, Graph
from qcompress.volumes.bindings import Binding
from qcompress.volumes.columns import Arrays

Convert = Callable[[npt.NDArray[Any]], object]


class Bad(NamedTuple):
    """An element without a code: its row among those that were given, its column, what is wrong."""

    row: int
    column: str
    told: str


def first_bad(stage: Graph | Chain, bindings: Sequence[Binding], given: Arrays, codes: bool) -> Bad | None:
    """The element without a code in the first row that has one; None if all have one.

    stage: what takes them; bindings: their columns; given: rows by input; codes: whether they are codes, not real
    values.
    """
    found = [bad for each in bindings if (bad := _first_of(_convert(stage, each, codes), each, given[each.port.name]))]
    return min(found, key=lambda bad: bad.row, default=None)


def _convert(stage: Graph | Chain, binding: Binding, codes: bool) -> Convert:
    """What raises QcompressError for arrays with an element that has no code."""
    form = binding.port.format
    if codes:

        def inside(array: npt.NDArray[Any]) -> None:
            if not form.contains(array).all():
                raise QcompressError(f"outside {form}, whose codes are {form.min_code} to {form.max_code}")

        return inside
    quantizers = {each.name: each.quantizer for each in stage.inputs} if isinstance(stage, Graph) else {}
    quantizer = quantizers.get(binding.port.name)
    return form.to_codes if quantizer is None else quantizer.values


def _first_of(convert: Convert, binding: Binding, array: npt.NDArray[Any]) -> Bad | None:
    """By halves: a run of elements is converted as often as it can be halved."""
    flat = array.reshape(-1)
    if (told := _fault(convert, flat)) is None:
        return None
    low, high = 0, len(flat)  # the first bad element is one of low..high
    while high - low > 1:
        middle = (low + high) // 2
        if _fault(convert, flat[low:middle]) is None:
            low = middle
        else:
            high = middle
    told = str(_fault(convert, flat[low:high])).removeprefix("1 of 1 values are ")
    row, element = divmod(low, binding.port.size)
    where = f", element {element}," if binding.port.size > 1 and len(binding.columns) == 1 else ""
    return Bad(row, binding.column_of(element), f"{flat[low]}{where} is {told}")


def _fault(convert: Convert, array: npt.NDArray[Any]) -> str | None:
    try:
        convert(array)
    except QcompressError as fault:
        return str(fault)
    return None
