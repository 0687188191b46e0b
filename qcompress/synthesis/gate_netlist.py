"""A mapped netlist, module by module as yosys writes it (write_json), as arrays of nets of the whole design.

Every module is read once and placed as often as it stands in the design. A cell belongs to the part of the design that
it lies in: the module directly below the top, or the top itself.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError

Nets = npt.NDArray[np.int64]
ZERO, ONE = 0, 1
"""Nets that are constant; what is undefined is 0."""
CONSTANTS = {"0": ZERO, "1": ONE, "x": ZERO, "z": ZERO}


@dataclass(frozen=True)
class Cells:
    """All cells of one type: pins -> the net of each (cells,), part: which of the netlist's each lies in."""

    kind: str
    pins: Mapping[str, Nets]
    part: Nets

    def __len__(self) -> int:
        return len(self.part)


@dataclass(frozen=True)
class Netlist:
    """nets: how many there are, constants among them; ports: the net of every bit, by name; parts: names of modules."""

    nets: int
    cells: tuple[Cells, ...]
    ports: Mapping[str, Nets]
    parts: tuple[str, ...]


@dataclass
class _Module:
    """A module with local nets; cells: kind -> pin -> local nets; inner: name of a module and its ports' local nets."""

    nets: int
    cells: dict[str, dict[str, Nets]]
    inner: list[tuple[str, dict[str, Nets]]]
    ports: dict[str, Nets]


def read_netlist(path: Path, top: str) -> Netlist:
    """The netlist of module top in path; raises QcompressError if it is not there or is no netlist."""
    try:
        modules = json.loads(path.read_text())["modules"]
        read = {name: _module(content, set(modules)) for name, content in modules.items()}
        if top not in read:
            raise KeyError(top)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise QcompressError(f"{path}: no netlist of {top} ({fault}); synthesize it again") from None
    return _Placement(read, top).netlist()


def _module(content: Mapping[str, Any], names: set[str]) -> _Module:
    local: dict[Any, int] = dict(CONSTANTS)

    def nets(bits: list[Any]) -> Nets:
        return np.array(
            [local.setdefault(bit, len(set(CONSTANTS.values())) + len(local) - len(CONSTANTS)) for bit in bits],
            np.int64,
        )

    ports = {name: nets(port["bits"]) for name, port in content["ports"].items()}
    pins: dict[str, dict[str, list[int]]] = {}
    inner = []
    for cell in content["cells"].values():
        kind = cell["type"]
        if kind == "$scopeinfo":
            continue
        if kind in names:
            inner.append((kind, {pin: nets(bits) for pin, bits in cell["connections"].items()}))
            continue
        of_kind = pins.setdefault(kind, {})
        for pin, bits in cell["connections"].items():
            of_kind.setdefault(pin, []).extend(nets(bits or [object()]).tolist())  # a net of its own
    cells = {kind: {pin: np.array(found, np.int64) for pin, found in of.items()} for kind, of in pins.items()}
    for kind, of in cells.items():
        if len({len(found) for found in of.values()}) > 1:
            raise QcompressError(f"cells {kind} are not all connected at the same pins")
    return _Module(len(local) - len(CONSTANTS) + 2, cells, inner, ports)


class _Placement:
    """Gives every net of every instance a number; those that a port joins become one."""

    def __init__(self, modules: Mapping[str, _Module], top: str) -> None:
        self.modules, self.top = modules, top
        self.nets = 2
        self.joined: list[tuple[Nets, Nets]] = []
        self.parts: dict[str, int] = {top: 0}
        self.placed: dict[str, list[tuple[dict[str, Nets], int]]] = {}

    def netlist(self) -> Netlist:
        own = self._place(self.top, 0, 0)
        ports = {name: own[nets] for name, nets in self.modules[self.top].ports.items()}
        number, count = self._numbers()
        cells = []
        for kind, found in self.placed.items():
            pins = {pin: number[np.concatenate([one[pin] for one, _ in found])] for pin in found[0][0]}
            part = np.concatenate([np.full(len(next(iter(one.values()))), part) for one, part in found])
            cells.append(Cells(kind, pins, part))
        return Netlist(count, tuple(cells), {name: number[nets] for name, nets in ports.items()}, tuple(self.parts))

    def _place(self, name: str, part: int, depth: int) -> Nets:
        """The net of every local net of an instance."""
        module = self.modules[name]
        own = np.concatenate([[ZERO, ONE], np.arange(self.nets, self.nets + module.nets - 2)])
        self.nets += module.nets - 2
        for kind, pins in module.cells.items():
            self.placed.setdefault(kind, []).append(({pin: own[nets] for pin, nets in pins.items()}, part))
        for inner, connections in module.inner:
            inner_part = self.parts.setdefault(inner, len(self.parts)) if depth == 0 else part
            there = self._place(inner, inner_part, depth + 1)
            for port, nets in ((port, nets) for port, nets in connections.items() if len(nets)):
                self.joined.append((own[nets], there[self.modules[inner].ports[port]]))
        return own

    def _numbers(self) -> tuple[Nets, int]:
        """New numbers without gaps, equal for nets that are joined; constants keep theirs."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        sides = [np.concatenate([pair[side] for pair in self.joined] or [np.zeros(0, np.int64)]) for side in (0, 1)]
        links = coo_matrix((np.ones(len(sides[0]), np.int8), sides), shape=(self.nets, self.nets))
        count, component = connected_components(links, directed=False)
        if component[ZERO] == component[ONE]:
            raise QcompressError(f"netlist of {self.top}: a net is 0 and 1 at once")
        order = np.full(count, -1, np.int64)
        order[component[ZERO]], order[component[ONE]] = ZERO, ONE
        rest = np.flatnonzero(order < 0)
        order[rest] = np.arange(2, count)
        return order[component], count


def groups(cells: Nets) -> Iterator[tuple[int, Nets]]:
    """Each value of `cells` with the places where it stands."""
    order = np.argsort(cells, kind="stable")
    bounds = np.flatnonzero(np.diff(cells[order])) + 1
    for places in np.split(order, bounds) if len(order) else []:
        yield int(cells[places[0]]), places
