"""Empty cells behind carry chains: as many as fit, behind the last cell alone, with nets of their own."""

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from qcompress.synthesis.spreading import CELL, INPUTS, TILE, occupied, spread_chains

DIRECTIONS = dict.fromkeys([*INPUTS, "CIN"], "input") | dict.fromkeys(["S0", "S1", "COUT"], "output")


def carry(cin: list[Any], cout: list[Any], sums: list[Any]) -> dict[str, Any]:
    connections = {port: ["0"] for port in INPUTS} | {"CIN": cin, "COUT": cout, "S0": sums[:1], "S1": sums[1:]}
    directions = {port: DIRECTIONS[port] for port, bits in connections.items() if bits}
    return {"type": CELL, "parameters": {}, "attributes": {}, "port_directions": directions, "connections": connections}


def written(path: Path) -> dict[str, Any]:
    """A chain of two cells, one of one cell, one whose last carry a flip-flop reads."""
    cells = {
        "first": carry(["0"], [2], [3, 4]),
        "second": carry([2], [], [5]),
        "alone": carry(["0"], [6], [7]),
        "read": carry(["0"], [8], [9]),
        "ff": {
            "type": "TRELLIS_FF",
            "port_directions": {"DI": "input", "Q": "output"},
            "connections": {"DI": [8], "Q": [10]},
        },
    }
    module = {"ports": {"out": {"bits": [3, 10]}}, "cells": cells, "netnames": {"high": {"bits": [41]}}}
    path.write_text(json.dumps({"modules": {"top": module}}))
    return deepcopy(cells)


# chains of two, one and one cells, two cells that are nextpnr's in each, a look-up table besides; tiles of eight tables
@pytest.mark.parametrize(("there", "each"), [(1000, TILE), (62, TILE), (61, 1), (42, 1), (41, 0), (3, 0)])
def test_chains_get_as_many_cells_as_there_is_room_for(there: int, each: int, tmp_path: Path) -> None:
    path = tmp_path / "netlist.json"
    before = written(path)
    assert spread_chains(path, 9, there) == each
    cells = json.loads(path.read_text())["modules"]["top"]["cells"]
    assert {name: cell for name, cell in cells.items() if name in {"first", "read", "ff"}} == {
        name: before[name] for name in ("first", "read", "ff")
    }
    added = {name: cell for name, cell in cells.items() if name not in before}
    assert len(added) == 2 * each
    carries = [cell["connections"]["CIN"] for cell in added.values()]
    assert len({tuple(bits) for bits in carries}) == len(carries)
    for end in ("second", "alone"):
        bit = cells[end]["connections"]["COUT"]
        for number in range(each):
            cell = added[f"{end}$room{number}"]
            assert cell["connections"]["CIN"] == bit
            assert bit == [6] or bit[0] > 41
            assert all(cell["connections"][port] == ["1"] for port in INPUTS)
            bit = cell["connections"]["COUT"]
        assert not each or bit[0] > 41


def test_chains_take_whole_tiles_with_the_cells_that_nextpnr_adds() -> None:
    assert [occupied([length], 0) for length in (1, 2, 3, 6, 7)] == [8, 8, 16, 16, 24]
    assert occupied([2, 6], 4) == 16 + 24


def test_a_netlist_without_chains_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {"cells": {}}}}))
    before = path.read_bytes()
    assert spread_chains(path, 10, 1000) == 0
    assert path.read_bytes() == before
