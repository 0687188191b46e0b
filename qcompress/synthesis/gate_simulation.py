"""Zero-delay simulation of a mapped netlist, 64 streams of inputs in every word, and the toggles of every net.

All flip-flops share one clock and start at 0. Between two edges every net changes once at most: there are no glitches.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import Refused
from qcompress.synthesis.cell_functions import Function, Words, parse_function
from qcompress.synthesis.gate_netlist import ONE, Cells, Netlist, Nets, groups
from qcompress.synthesis.liberty import Group, Library

Counts = npt.NDArray[np.int64]
STATES = ("ff", "latch", "statetable", "ff_bank", "latch_bank")


class Output(NamedTuple):
    """An output pin of a cell, and what it is a function of: inputs, or the state of a flip-flop."""

    pin: str
    function: Function


@dataclass(frozen=True)
class Model:
    """What a cell does: its outputs, and for a flip-flop the clock pin, the next state, names of state and inverse."""

    outputs: tuple[Output, ...]
    clock: str | None = None
    next_state: Function | None = None
    state: tuple[str, str] = ("", "")

    def needed(self) -> set[str]:
        """Names of the input pins that it depends on."""
        functions = [output.function for output in self.outputs] + ([self.next_state] if self.next_state else [])
        pins = set().union(*(function.pins() for function in functions)) - set(self.state)
        return pins | ({self.clock} if self.clock else set())


def model(kind: str, cell: Group) -> Model:
    """The model of a cell of type kind; raises Refused for latches, clears, and what has no function."""
    states = [group for group in cell.groups if group.kind in STATES]
    pins = list(cell.all("pin"))
    outputs = {pin.name: pin.attributes for pin in pins if "output" in pin.attributes.get("direction", "")}
    if any("function" not in said or "three_state" in said for said in outputs.values()):
        raise Refused(f"cell {kind}: an output has no function of its inputs alone")
    parsed = tuple(Output(pin, parse_function(said["function"])) for pin, said in outputs.items())
    if not states:
        return Model(parsed)
    names = re.findall(r"\w+", states[0].name)
    if (
        len(states) > 1
        or states[0].kind != "ff"
        or {"clear", "preset"} & states[0].attributes.keys()
        or len(names) != 2
    ):
        raise Refused(f"cell {kind}: only flip-flops without clear and preset are simulated")
    clock = states[0].attributes.get("clocked_on", "").strip("() ")
    if not clock.isidentifier():
        raise Refused(f"cell {kind}: clocked on {clock!r}; only rising edges are simulated")
    return Model(parsed, clock, parse_function(states[0].attributes["next_state"]), (names[0], names[1]))


class _Step(NamedTuple):
    """Gates of one type and level: where their inputs and their output stand."""

    function: Function
    inputs: Mapping[str, Nets]
    output: Nets


class Simulation:
    """A netlist whose cells have models; `values` (nets, words) are what stands on every net.

    clock: name of the port of the clock. Raises Refused for a cell that the library does not have or that cannot
    be simulated, for another clock, and for a loop of gates.
    """

    def __init__(self, netlist: Netlist, library: Library, clock: str, words: int = 1) -> None:
        self.netlist = netlist
        self.models = {cells.kind: model(cells.kind, _cell(library, cells.kind)) for cells in netlist.cells}
        for cells in netlist.cells:
            if missing := self.models[cells.kind].needed() - cells.pins.keys():
                raise Refused(f"cell {cells.kind}: pin {min(missing)} is not connected")
        self.values: Words = np.zeros((netlist.nets, words), np.uint64)
        self.values[ONE] = np.uint64(2**64 - 1)
        (self.clock,) = netlist.ports[clock].tolist()
        self.toggles: Counts = np.zeros(netlist.nets, np.int64)
        self._registers = [(cells, self.models[cells.kind]) for cells in netlist.cells if self._is_register(cells)]
        self._steps = _levels(netlist, self.models)
        self._states: list[Words] = [np.zeros((len(cells), words), np.uint64) for cells, _ in self._registers]
        self._show_states()
        self._settle()

    def _is_register(self, cells: Cells) -> bool:
        found = self.models[cells.kind].clock
        if found is not None and not (cells.pins[found] == self.clock).all():
            raise Refused(f"cell {cells.kind}: a clock of its own; all flip-flops must share one")
        return found is not None

    def clock_edge(self, inputs: Mapping[str, Words], count: bool) -> None:
        """A rising edge, then new inputs: port -> (bits, words). count: whether the toggles that follow are counted."""
        before = self.values.copy() if count else None
        for number, (cells, found) in enumerate(self._registers):
            if found.next_state is not None:
                needed, own = found.next_state.pins(), self._own(number, found)
                pins = {pin: self.values[cells.pins[pin]] for pin in needed - own.keys()}
                self._states[number] = found.next_state.of(pins | own)
        self._show_states()
        for port, words in inputs.items():
            self.values[self.netlist.ports[port]] = words
        self._settle()
        if before is not None:
            self.toggles += np.bitwise_count(before ^ self.values).sum(axis=1, dtype=np.int64)

    def port(self, name: str) -> Words:
        """What stands at a port: (bits, words)."""
        return self.values[self.netlist.ports[name]]

    def _show_states(self) -> None:
        for number, (cells, found) in enumerate(self._registers):
            for output in found.outputs:
                if output.pin in cells.pins:
                    self.values[cells.pins[output.pin]] = output.function.of(self._own(number, found))

    def _own(self, number: int, found: Model) -> dict[str, Words]:
        """The state of a kind of flip-flop and its inverse, by their names."""
        state = self._states[number]
        return dict(zip(found.state, (state, ~state), strict=True))

    def _settle(self) -> None:
        values = self.values
        for step in self._steps:
            values[step.output] = step.function.of({pin: values[nets] for pin, nets in step.inputs.items()})


def _cell(library: Library, kind: str) -> Group:
    try:
        return library.cells[kind]
    except KeyError:
        raise Refused(f"cell {kind}: not in {library.name}") from None


def _levels(netlist: Netlist, models: Mapping[str, Model]) -> list[_Step]:
    """Gates in an order in which all inputs of each are known before it."""
    gates = [
        (cells, output)
        for cells in netlist.cells
        for output in models[cells.kind].outputs
        if models[cells.kind].clock is None and output.pin in cells.pins
    ]
    level: Nets = np.zeros(netlist.nets, np.int64)
    own = [np.zeros(len(cells), np.int64) for cells, _ in gates]
    for depth in range(netlist.nets + 1):
        changed = False
        for number, (cells, output) in enumerate(gates):
            given = [level[cells.pins[pin]] for pin in output.function.pins()]
            found = 1 + np.max(given, axis=0) if given else np.ones(len(cells), np.int64)
            if (found != own[number]).any():
                own[number], changed = found, True
                level[cells.pins[output.pin]] = found
        if not changed:
            break
        if depth > len(gates) + sum(len(cells) for cells, _ in gates):
            raise Refused("netlist: a loop of gates; only designs of gates between flip-flops are simulated")
    steps = []
    for (cells, output), levels in zip(gates, own, strict=True):
        for depth, places in groups(levels):
            inputs = {pin: cells.pins[pin][places] for pin in output.function.pins()}
            steps.append((depth, _Step(output.function, inputs, cells.pins[output.pin][places])))
    return [step for _, step in sorted(steps, key=lambda one: one[0])]
