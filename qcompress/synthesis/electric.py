"""Loads, slews, energies and leakage of a library's cells, in farads, joules and watts."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from qcompress.errors import Refused
from qcompress.synthesis.liberty import Group, Library, Values

Counts = npt.NDArray[np.int64]
FAN_OUT = 4
"""Inverters that the one whose slew is taken drives."""
ROUNDS = 20
"""Of slew through inverters, until it stays."""


@dataclass(frozen=True)
class Electric:
    """What a library says of loads and energies."""

    library: Library

    def capacitance(self, pin: Group) -> float:
        """Of an input pin, farads."""
        found = pin.number("capacitance")
        if found is None:
            edges = [pin.number(name) for name in ("rise_capacitance", "fall_capacitance")]
            found = sum(edge for edge in edges if edge is not None) / 2
        return found * self.library.farads

    @cached_property
    def wire(self) -> Values | None:
        """Farads of a wire that reaches 0, 1, 2 .. pins, the last step for all more; None: the library has none."""
        name = self.library.group.attributes.get("default_wire_load")
        load = next((group for group in self.library.group.all("wire_load") if group.name == name), None)
        if load is None:
            return None
        lengths = {0: 0.0}
        for kind, arguments in load.lists:
            if kind == "fanout_length":
                pins, length = arguments.split(",")[:2]
                lengths[int(pins)] = float(length)
        last = max(lengths)
        lengths[last + 1] = lengths[last] + (load.number("slope") or 0.0)
        all_pins = np.arange(last + 2)
        per_length = (load.number("capacitance") or 0.0) * self.library.farads
        return np.interp(all_pins, sorted(lengths), [lengths[pins] for pins in sorted(lengths)]) * per_length

    def wires(self, pins: Counts) -> Values:
        """Farads of wires that reach so many pins each."""
        if self.wire is None:
            return np.zeros(len(pins))
        last = len(self.wire) - 1
        more = np.maximum(pins - last, 0) * (self.wire[last] - self.wire[last - 1])
        result: Values = self.wire[np.minimum(pins, last)] + more
        return result

    @cached_property
    def slew(self) -> float:
        """Of the smallest inverter when it drives FAN_OUT of its kind, in the library's unit of time."""
        inverters = [(cell.number("area") or 0.0, name) for name, cell in self.library.cells.items() if _inverts(cell)]
        if not inverters:
            raise Refused(f"{self.library.name}: no inverter, whose slew power needs")
        cell = self.library.cells[min(inverters)[1]]
        given = next(pin for pin in cell.all("pin") if pin.attributes.get("direction") == "input")
        output = next(pin for pin in cell.all("pin") if "function" in pin.attributes)
        load = FAN_OUT * self.capacitance(given) + self.wires(np.array([FAN_OUT]))[0]
        tables = [
            self.library.table(edge) for arc in output.all("timing") for edge in arc.groups if "transition" in edge.kind
        ]
        if not tables:
            raise Refused(f"{self.library.name}: the inverter has no transition tables, which power needs")
        slew = float(tables[0].slews[0])
        for _ in range(ROUNDS):
            slew = float(np.mean([table.at(slew, np.array([load / self.library.farads]))[0] for table in tables]))
        return slew

    def toggle(self, pin: Group, loads: Values) -> Values:
        """Joules inside a cell for one toggle of one of its pins that has these loads (farads): mean of all tables."""
        tables = [
            self.library.table(group)
            for arc in pin.all("internal_power")
            for group in arc.groups
            if "power" in group.kind
        ]
        if not tables:
            return np.zeros(len(loads))
        found = np.mean([table.at(self.slew, loads / self.library.farads) for table in tables], axis=0)
        result: Values = found * self.library.joules
        return result

    def leakage(self, cell: Group) -> float:
        """Watts of a cell: that of the library, else the mean over its conditions."""
        found = cell.number("cell_leakage_power")
        if found is None:
            values = [group.number("value") or 0.0 for group in cell.all("leakage_power")]
            found = float(np.mean(values)) if values else 0.0
        return found * self.library.watts


def _inverts(cell: Group) -> bool:
    functions = [pin.attributes["function"] for pin in cell.all("pin") if "function" in pin.attributes]
    inputs = [pin for pin in cell.all("pin") if pin.attributes.get("direction") == "input"]
    return len(inputs) == len(functions) == 1 and functions[0].strip("() ").replace(" ", "").startswith("!")
