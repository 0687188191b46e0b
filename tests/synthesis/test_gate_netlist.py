"""Netlists: modules placed as often as they stand, nets that ports join, parts."""

from pathlib import Path

import numpy as np
import pytest
from helpers.cells import module, write_netlist

from qcompress.errors import QcompressError
from qcompress.synthesis.gate_netlist import ONE, ZERO, read_netlist

INNER = module(
    {"x": ("input", [2, 3]), "y": ("output", [4]), "z": ("output", [3]), "k": ("output", ["1"])},
    [("NAND2", {"A": 2, "B": 3, "Y": 4})],
)
TOP = module(
    {"a": ("input", [2, 3]), "q": ("output", [4, 5, 6, 7]), "clk": ("input", [9])},
    [
        ("inner", {"x": [2, 3], "y": 10, "z": 5, "k": 6}),
        ("inner", {"x": [10, "0"], "y": 7, "z": [], "k": []}),
        ("INV", {"A": 10, "Y": 4}),
        ("$scopeinfo", {}),
    ],
)


def test_modules_are_placed_and_ports_join_nets(tmp_path: Path) -> None:
    netlist = read_netlist(write_netlist(tmp_path / "n.json", {"top": TOP, "inner": INNER}), "top")
    cells = {found.kind: found for found in netlist.cells}
    assert {kind: len(found) for kind, found in cells.items()} == {"NAND2": 2, "INV": 1}
    gates = cells["NAND2"].pins
    a, q = netlist.ports["a"], netlist.ports["q"]
    assert (gates["A"][0], gates["B"][0]) == (a[0], a[1])
    assert gates["Y"][0] == gates["A"][1] == cells["INV"].pins["A"][0]
    assert gates["B"][1] == ZERO
    assert (q[0], q[3]) == (cells["INV"].pins["Y"][0], gates["Y"][1])
    assert (q[1], q[2]) == (a[1], ONE)  # through a module, and a constant out of one
    assert netlist.parts == ("top", "inner")
    np.testing.assert_array_equal(cells["NAND2"].part, [1, 1])
    nets = np.unique(np.concatenate([a, q, *gates.values(), cells["INV"].pins["Y"]]))
    assert nets.max() < netlist.nets


def test_what_is_no_netlist_is_one_line(tmp_path: Path) -> None:
    path = write_netlist(tmp_path / "n.json", {"top": TOP, "inner": INNER})
    with pytest.raises(QcompressError, match="no netlist of other"):
        read_netlist(path, "other")
    path.write_text("{")
    with pytest.raises(QcompressError, match="no netlist of top"):
        read_netlist(path, "top")
    short = module({"y": ("output", ["1"])}, [])
    loop = module({"y": ("output", [2])}, [("short", {"y": "0"})])
    with pytest.raises(QcompressError, match="a net is 0 and 1 at once"):
        read_netlist(write_netlist(path, {"top": loop, "short": short}), "top")
    uneven = module({"y": ("output", [2])}, [("INV", {"A": 3, "Y": 2}), ("INV", {"Y": 4})])
    with pytest.raises(QcompressError, match="cells INV are not all connected"):
        read_netlist(write_netlist(path, {"top": uneven}), "top")
