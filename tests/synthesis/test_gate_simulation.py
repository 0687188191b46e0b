"""Simulation of netlists against one stream at a time in plain Python: values and toggles."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.cells import LIBRARY, module, write_netlist

from qcompress.errors import Refused
from qcompress.synthesis.gate_netlist import ONE, read_netlist
from qcompress.synthesis.gate_simulation import Simulation
from qcompress.synthesis.liberty import Library, parse

LOGIC = {"INV": lambda a, _: 1 - a, "NAND2": lambda a, b: 1 - a * b, "XOR2": lambda a, b: a ^ b}
SMALL = Library("small.lib", parse(LIBRARY))


def random_cells(rng: np.random.Generator, inputs: int, gates: int, registers: int) -> list[tuple[str, dict[str, Any]]]:
    """Gates of nets before them, registers of any; nets from 2 on: clock, inputs, registers and inverses, gates."""
    first = 3 + inputs + 2 * registers
    cells: list[tuple[str, dict[str, Any]]] = []
    for gate in range(gates):
        kind = str(rng.choice(list(LOGIC)))
        pins = ("A",) if kind == "INV" else ("A", "B")
        cells.append((kind, {pin: int(rng.integers(3, first + gate)) for pin in pins} | {"Y": first + gate}))
    for register in range(registers):
        own = 3 + inputs + 2 * register
        given = int(rng.integers(3, first + gates))
        pins = {"CK": 2, "D": given, "Q": own, "QN": own + 1}
        enabled = register % 2 == 1
        cells.append(("EDFF", pins | {"E": int(rng.integers(3, first + gates))}) if enabled else ("DFF", pins))
    return cells


def plain(cells: list[tuple[str, dict[str, Any]]], inputs: np.ndarray, nets: int) -> tuple[np.ndarray, np.ndarray]:
    """Values of all nets after each clock, and toggles from the second on; inputs: (clocks, inputs) of one stream."""
    values, history = np.zeros(nets, np.int64), []
    values[ONE] = 1
    registers = [pins for kind, pins in cells if "DFF" in kind]
    settle = [(kind, pins) for kind, pins in cells if "DFF" not in kind]

    def after(states: list[int], given: np.ndarray) -> None:
        for state, pins in zip(states, registers, strict=True):
            values[pins["Q"]], values[pins["QN"]] = state, 1 - state
        values[3 : 3 + len(given)] = given
        for kind, pins in settle:
            values[pins["Y"]] = LOGIC[kind](values[pins["A"]], values[pins.get("B", pins["A"])])

    after([0] * len(registers), np.zeros(inputs.shape[1], np.int64))
    for given in inputs:
        after([int(values[pins["D"] if values[pins.get("E", ONE)] else pins["Q"]]) for pins in registers], given)
        history.append(values.copy())
    return np.array(history), np.abs(np.diff(history, axis=0)).sum(axis=0)


@pytest.mark.parametrize("seed", range(4))
def test_random_netlists_are_those_of_plain_python(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    inputs, gates, registers, clocks = 5, 60, 9, 12
    cells = random_cells(rng, inputs, gates, registers)
    nets = 3 + inputs + 2 * registers + gates
    top = module(
        {"clk": ("input", [2]), "all": ("output", list(range(3, nets)))},
        list(map(cells.__getitem__, rng.permutation(len(cells)))),
    )
    top["ports"]["given"] = {"direction": "input", "bits": list(range(3, 3 + inputs))}
    netlist = read_netlist(write_netlist(tmp_path / "n.json", {"top": top}), "top")
    bits = rng.integers(0, 2, (64, clocks, inputs))
    words = np.packbits(np.moveaxis(bits, 0, -1).astype(np.uint8), axis=-1, bitorder="little").view("<u8")
    simulation = Simulation(netlist, SMALL, "clk")
    seen = []
    for clock in range(clocks):
        simulation.clock_edge({"given": words[clock]}, count=clock > 0)
        seen.append(simulation.port("all")[:, 0])
    expected = [plain(cells, bits[stream], nets) for stream in range(64)]
    for stream, (history, _) in enumerate(expected):
        np.testing.assert_array_equal((np.array(seen) >> np.uint64(stream)) & np.uint64(1), history[:, 3:])
    toggles = np.sum([found for _, found in expected], axis=0)
    np.testing.assert_array_equal(simulation.toggles[netlist.ports["all"]], toggles[3:])


def test_what_cannot_be_simulated_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "n.json"

    def refused(cells: list[tuple[str, dict[str, Any]]], said: str, text: str = LIBRARY) -> None:
        top = module({"clk": ("input", [2]), "y": ("output", [4])}, cells)
        netlist = read_netlist(write_netlist(path, {"top": top}), "top")
        with pytest.raises(Refused, match=said):
            Simulation(netlist, Library("small.lib", parse(text)), "clk")

    register = ("DFF", {"CK": 2, "D": 3, "Q": 4, "QN": 5})
    refused([("MUX", {"A": 3, "Y": 4})], r"cell MUX: not in small\.lib")
    refused([("INV", {"A": 4, "Y": 3}), ("INV", {"A": 3, "Y": 4})], "a loop of gates")
    refused([("NAND2", {"A": 3, "Y": 4})], "cell NAND2: pin B is not connected")
    refused([("DFF", {"CK": 3, "D": 3, "Q": 4, "QN": 5})], "cell DFF: a clock of its own")
    refused(
        [register], "without clear and preset", LIBRARY.replace('next_state : "D";', 'next_state : "D"; clear : "D";')
    )
    refused([register], "without clear and preset", LIBRARY.replace("    ff (", "    latch ("))
    refused([register], "only rising edges", LIBRARY.replace('clocked_on : "CK"', 'clocked_on : "!CK"'))
    refused([("INV", {"A": 3, "Y": 4})], "has no function", re.sub(r'function : "!A";', "", LIBRARY))
