"""Named inputs and outputs: what enters and leaves a stage, and rows in which all of it lies side by side."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format

Shape = tuple[int, ...]

INPUT = "input"
"""Name of the input of a graph that has one."""
OUTPUT = "output"
"""Name of the output of a graph that has one."""

Tensors = Any
"""Codes of all ports: an array (rows, *shape) where there is one port, arrays by port name where there are several."""


class Port(NamedTuple):
    """An input or an output: its name, the shape of one element of a row, the number format of its codes."""

    name: str
    shape: Shape
    format: Format

    @property
    def size(self) -> int:
        """Codes of one row."""
        return prod(self.shape)


def only(ports: Sequence[Port], owner: str, what: str) -> Port:
    """The one port there is; raises QcompressError, naming all ports of `owner`, if there are several.

    what: the word for them, "input" or "output".
    """
    if len(ports) != 1:
        names = ", ".join(port.name for port in ports)
        raise QcompressError(f"{owner} has {len(ports)} {what}s ({names}): take them by name")
    return ports[0]


def by_port(ports: Sequence[Port], tensors: Tensors, owner: str) -> dict[str, Codes]:
    """Codes by port name, in the order of the ports, as they are given.

    tensors: an array for the only port, or a mapping; owner: who is named in a fault. Raises QcompressError for
    names that are missing or unknown, shapes that do not fit and ports of different numbers of rows.
    """
    if not isinstance(tensors, Mapping):
        if len(ports) != 1:
            told = ", ".join(port.name for port in ports)
            raise QcompressError(f"{owner} takes {len(ports)} arrays by name ({told}), got one array")
        tensors = {ports[0].name: tensors}
    names = [port.name for port in ports]
    for name in [*(name for name in names if name not in tensors), *(name for name in tensors if name not in names)]:
        verb = "was not given" if name in names else "has no"
        raise QcompressError(f"{owner} {verb} {name!r}: it takes {', '.join(names)}")
    arrays = {port.name: np.asarray(tensors[port.name]) for port in ports}
    for port in ports:
        if arrays[port.name].shape[1:] != port.shape:
            place = "" if len(ports) == 1 else f" for {port.name}"
            raise QcompressError(f"{owner} takes rows of shape {port.shape}{place}, got {arrays[port.name].shape[1:]}")
    if len({len(array) for array in arrays.values()}) > 1:
        rows = ", ".join(f"{name} {len(array)}" for name, array in arrays.items())
        raise QcompressError(f"{owner}: different numbers of rows: {rows}")
    return arrays


def as_tensors(ports: Sequence[Port], arrays: Mapping[str, Any]) -> Tensors:
    """The array of the only one of `ports`, or the arrays by name."""
    return arrays[ports[0].name] if len(ports) == 1 else {port.name: arrays[port.name] for port in ports}


def pack(ports: Sequence[Port], tensors: Tensors, owner: str) -> Codes:
    """tensors of all ports -> (rows, total) int64: every port flattened, one behind the other; raises as `by_port`.

    owner: who is named in a fault.
    """
    arrays = by_port(ports, tensors, owner)
    flat = [np.asarray(arrays[port.name], np.int64).reshape(len(arrays[port.name]), port.size) for port in ports]
    return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)


def unpack(ports: Sequence[Port], packed: Codes) -> Tensors:
    """packed (rows, total), as `pack` lays it out -> codes of all ports."""
    ends = np.cumsum([port.size for port in ports]).tolist()
    parts = {
        port.name: packed[:, end - port.size : end].reshape(len(packed), *port.shape)
        for port, end in zip(ports, ends, strict=True)
    }
    return as_tensors(ports, parts)


def take(tensors: Tensors, rows: Any) -> Tensors:
    """Some rows of tensors, of all ports; rows: a slice or numbers."""
    return {name: array[rows] for name, array in tensors.items()} if isinstance(tensors, Mapping) else tensors[rows]


def row_count(tensors: Tensors) -> int:
    """How many rows tensors have, the same for all ports."""
    return len(next(iter(tensors.values()))) if isinstance(tensors, Mapping) else len(tensors)


def outside(ports: Sequence[Port], arrays: Mapping[str, Codes], owner: str) -> None:
    """Raises QcompressError, naming `owner`, if codes of some of the arrays are outside of their ports' formats."""
    for port in ports:
        if count := int(np.count_nonzero(~port.format.contains(arrays[port.name]))):
            where = "" if len(ports) == 1 else f" of {port.name}"
            raise QcompressError(f"{owner}: {count} input codes{where} are outside {port.format}")
