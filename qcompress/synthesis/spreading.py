"""Room for the router: empty carry cells behind the carry chains of a netlist for an ECP5.

Its placer packs a design as densely as cells go, whatever part of the device stays empty, and the router has few ways
to sums: the inputs of a carry cell cannot be swapped. A chain begins with a tile of its own, so a tile of empty cells
behind each halves how many of those inputs lie side by side. Empty cells have no wires but their carries; they are not
counted.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

CELL = "CCU2C"
"""The carry cell of an ECP5: two look-up tables; four of them are a tile."""
TILE = 4
FEED = 2
"""Cells that nextpnr puts at the ends of a chain."""
FULLEST = 0.8
"""Part of the look-up tables of a device that chains may be spread over."""
INPUTS = tuple(f"{letter}{half}" for half in "01" for letter in "ABCD")

Json = dict[str, Any]


def spread_chains(netlist: Path, used: int, there: int) -> int:
    """Put empty cells behind every carry chain of netlist, yosys' JSON, as far as there are look-up tables for them.

    used: look-up tables of the design; there: of the device. Gives how many cells stand behind each chain: a tile at
    most, none where the device is too full.
    """
    content: Json = json.loads(netlist.read_text())
    modules = [_Module(module) for module in content["modules"].values()]
    lengths = [length for module in modules for length in module.lengths]
    ends = sum(len(module.ends) for module in modules)
    each = TILE if ends else 0
    while each and used - 2 * sum(lengths) + occupied(lengths, each) > FULLEST * there:
        each -= 1
    if each:
        for module in modules:
            module.lengthen(each)
        netlist.write_text(json.dumps(content))
    return each


def occupied(lengths: Iterable[int], each: int) -> int:
    """Look-up tables that chains of so many cells, and `each` more, take away: whole tiles."""
    return sum(2 * TILE * -(-(length + each + FEED) // TILE) for length in lengths)


class _Module:
    """A module of a netlist; ends: last cells of chains whose last carry nothing reads; lengths: of all chains."""

    def __init__(self, module: Json) -> None:
        self.cells: dict[str, Json] = module.get("cells", {})
        self.free = 1 + max((bit for bits in self._bits(module) for bit in bits if isinstance(bit, int)), default=1)
        read = {
            bit
            for cell in self.cells.values()
            for port, bits in cell["connections"].items()
            for bit in bits
            if cell["port_directions"].get(port) == "input"
        }
        read |= {bit for port in module.get("ports", {}).values() for bit in port["bits"]}
        carries = {name: cell for name, cell in self.cells.items() if cell["type"] == CELL}
        self.ends = [name for name, cell in carries.items() if not read & set(cell["connections"].get("COUT", ()))]
        self.lengths = list(_lengths(carries))

    def _bits(self, module: Json) -> Iterator[list[Any]]:
        for cell in self.cells.values():
            yield from cell["connections"].values()
        for port in module.get("ports", {}).values():
            yield port["bits"]
        for net in module.get("netnames", {}).values():
            yield net["bits"]

    def lengthen(self, count: int) -> None:
        """Chains by `count` empty cells each."""
        for name in self.ends:
            last = self.cells[name]
            for number in range(count):
                last = _empty(last, self._carry(last))
                self.cells[f"{name}$room{number}"] = last
            self._carry(last)  # nextpnr takes no chain whose last carry has no net

    def _carry(self, cell: Json) -> int:
        """The net of a cell's carry, a new one if it has none."""
        if not cell["connections"].get("COUT"):
            cell["connections"]["COUT"] = [self.free]
            cell["port_directions"]["COUT"] = "output"
            self.free += 1
        bit: int = cell["connections"]["COUT"][0]
        return bit


def _lengths(carries: dict[str, Json]) -> Iterator[int]:
    """How many cells each chain has."""
    gives = {bit: name for name, cell in carries.items() for bit in cell["connections"].get("COUT", ())}
    before = {name: gives.get(cell["connections"].get("CIN", [None])[0]) for name, cell in carries.items()}
    inner = set(before.values())
    for name in carries:
        if name not in inner:
            length, at = 1, before[name]
            while at is not None:
                length, at = length + 1, before[at]
            yield length


def _empty(like: Json, carry: int) -> Json:
    """A carry cell behind `carry` that computes nothing."""
    parameters = {"INIT0": "0" * 16, "INIT1": "0" * 16, "INJECT1_0": "NO", "INJECT1_1": "NO"}
    connections: Json = {port: ["1"] for port in INPUTS} | {"CIN": [carry], "COUT": [], "S0": [], "S1": []}
    return {
        "hide_name": 1,
        "type": CELL,
        "parameters": parameters,
        "attributes": {},
        "port_directions": dict(like["port_directions"]) | {"COUT": "output"},
        "connections": connections,
    }
