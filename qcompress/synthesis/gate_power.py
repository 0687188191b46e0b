"""Energy of a mapped netlist from the toggles of its nets while it takes real rows, and the liberty file's tables.

    switching  1/2 C V^2 for each toggle of a net; C: pins that it drives, and a wire of the library's default wire
               load for as many pins
    internal   internal_power of the pins that toggle, at the slew of an inverter that drives four of its kind and the
               load that the net has, averaged over rise and fall and over the conditions that the library tells apart
    clock      both of the above at the clock pins of flip-flops; no buffers and no wires of a clock tree
    leakage    cell_leakage_power

The netlist is simulated without delays: glitches are missing. What comes out of it is held against the graph.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.synthesis.electric import Electric
from qcompress.synthesis.gate_netlist import Netlist
from qcompress.synthesis.gate_simulation import Counts, Model, Simulation
from qcompress.synthesis.liberty import Library, Values
from qcompress.synthesis.report import Part, SynthesisReport
from qcompress.synthesis.stimulus import STREAMS, Stimulus

CLOCK = "clk"
"""Name of the clock of every design."""


@dataclass(frozen=True)
class Energy:
    """Joules of one inference by what takes them; leakage in watts; parts: joules, leakage apart, by module.

    clocks: that were counted, of all streams together; rows: that came out right.
    """

    switching: float
    internal: float
    clock: float
    leakage: float
    parts: Mapping[str, float]
    clocks: int
    rows: int

    @property
    def dynamic(self) -> float:
        return self.switching + self.internal + self.clock


def measure(netlist: Netlist, library: Library, stimulus: Stimulus) -> Energy:
    """The energy of an inference of a design on the rows of stimulus.

    Raises Refused for cells and libraries of which that cannot be said and for too few rows, QcompressError if a code
    differs from the graph's.
    """
    interval, latency = (int(stimulus.record[key]) for key in ("interval", "latency_cycles"))
    filled = -(-latency // interval) + 1  # rows until all of the design is at work
    if stimulus.rows <= filled:
        raise Refused(f"power: {stimulus.rows * STREAMS} rows; give {(filled + 1) * STREAMS} or more")
    simulation = Simulation(netlist, library, CLOCK)
    for inputs in stimulus.start():
        simulation.clock_edge(inputs, count=False)
    clocks, found = 0, []
    for clock, inputs in enumerate(stimulus.stream()):
        counted = clock >= filled * interval
        simulation.clock_edge(inputs, counted)
        clocks += counted
        found += _result(simulation, stimulus, clock, latency)
    rows = _check(found, stimulus)
    return energy_of(
        netlist, simulation.toggles, simulation.models, Electric(library), clocks * STREAMS, interval, rows
    )


def _result(simulation: Simulation, stimulus: Stimulus, clock: int, latency: int) -> list[dict[str, Any]]:
    """What stands at the outputs if it is the result of a row: a design that says so, or one with a fixed latency."""
    ports = simulation.netlist.ports
    comes = bool(simulation.port("output_valid").all()) if "output_valid" in ports else clock >= latency
    return [{name: simulation.port(name).copy() for name in stimulus.record["outputs"].values()}] if comes else []


def _check(found: list[dict[str, Any]], stimulus: Stimulus) -> int:
    """How many rows came out as the graph says; raises QcompressError if one did not, or none came."""
    expected = stimulus.expected(stimulus.graph.run(stimulus.used))
    for row, ports in enumerate(found):
        for name, words in ports.items():
            if (words != expected[name][row]).any():
                raise QcompressError(
                    f"power: the netlist differs from the graph at port {name}, row {row} of each stream"
                )
    if not found:
        raise QcompressError("power: no result came out of the netlist")
    return len(found) * STREAMS


def energy_of(
    netlist: Netlist,
    toggles: Counts,
    models: Mapping[str, Model],
    electric: Electric,
    clocks: int,
    interval: int,
    rows: int,
) -> Energy:
    """toggles: of every net in so many clocks."""
    loads = _loads(netlist, electric)
    toggles = toggles.copy()
    (clock_net,) = netlist.ports[CLOCK].tolist()
    toggles[clock_net] = 2 * clocks
    volts = electric.library.voltage
    charge = 0.5 * volts**2 * toggles * loads
    clock = float(charge[clock_net])
    internal = np.zeros(0)
    totals = {"internal": 0.0, "clock": clock, "leakage": 0.0}
    parts = np.zeros(len(netlist.parts))
    for cells in netlist.cells:
        cell, own = electric.library.cells[cells.kind], np.zeros(len(cells))
        for pin in cell.all("pin"):
            if pin.name not in cells.pins:
                continue
            nets = cells.pins[pin.name]
            internal = electric.toggle(pin, loads[nets]) * toggles[nets]
            own += internal
            kind = "clock" if pin.name == models[cells.kind].clock else "internal"
            totals[kind] += float(internal.sum())
            if pin.attributes.get("direction") == "output":
                own += charge[nets]
        parts += np.bincount(cells.part, own, len(parts))
        totals["leakage"] += electric.leakage(cell) * len(cells)
    per_inference = interval / clocks
    return Energy(
        switching=float(charge.sum() - clock) * per_inference,
        internal=totals["internal"] * per_inference,
        clock=totals["clock"] * per_inference,
        leakage=totals["leakage"],
        parts=dict(zip(netlist.parts, (parts * per_inference).tolist(), strict=True)),
        clocks=clocks,
        rows=rows,
    )


def _loads(netlist: Netlist, electric: Electric) -> Values:
    """Farads of every net: pins, and a wire but for the clock's."""
    loads, pins = np.zeros(netlist.nets), np.zeros(netlist.nets, np.int64)
    for cells in netlist.cells:
        for pin in electric.library.cells[cells.kind].all("pin"):
            if pin.attributes.get("direction") == "input" and pin.name in cells.pins:
                loads += np.bincount(cells.pins[pin.name], minlength=netlist.nets) * electric.capacitance(pin)
                pins += np.bincount(cells.pins[pin.name], minlength=netlist.nets)
    pins[netlist.ports[CLOCK]] = 0
    return loads + electric.wires(pins)


def with_energy(report: SynthesisReport, energy: Energy, clock_mhz: float, interval: int) -> SynthesisReport:
    """The report with power at a clock and the energy of an inference, and what they rest on."""
    period = 1000 / clock_mhz
    shares = ", ".join(
        f"{name} {1e9 * value:.4g} nJ"
        for name, value in (("switching", energy.switching), ("internal", energy.internal), ("clock", energy.clock))
    )
    notes = [
        f"power at {clock_mhz:g} MHz: of an inference {shares}; {energy.clocks} clocks of the mapped netlist",
        f"power: {energy.rows} rows came out as the graph says; no glitches (simulated without delays), no clock tree",
    ]
    if len(energy.parts) > 1:
        largest = sorted(energy.parts.items(), key=lambda part: -part[1])
        notes.append(f"of an inference, by module: {', '.join(f'{name} {1e9 * own:.4g} nJ' for name, own in largest)}")
    if report.delay_ns is not None and report.delay_ns > period:
        notes.append(f"{clock_mhz:g} MHz is faster than the longest path")
    known = {part.name: part for part in report.parts}
    parts = [replace(known.get(name, Part(name)), energy_nj=1e9 * value) for name, value in energy.parts.items()]
    others = [part for part in report.parts if part.name not in energy.parts]
    return replace(
        report,
        clock_ns=period,
        static_mw=1e3 * energy.leakage,
        dynamic_mw=1e3 * energy.dynamic / interval * clock_mhz * 1e6,
        energy_nj=1e9 * (energy.dynamic + energy.leakage * interval * period * 1e-9),
        parts=(*parts, *others) if len(parts) > 1 else report.parts,
        notes=(*report.notes, *notes),
    )
