"""The longest path of a design that nextpnr has placed and not routed: of one whose router does not end, say.

    python campaigns/placed_path.py FOLDER [--device ecp5-85k] [--mhz 80] [--seed 1] [--minutes 60] [--steps 12]

FOLDER: of a run of the flow that its time limit ended, which leaves netlist.json there. It is placed as the flow places
it, unless that was done for the same device, clock and seed, and nextpnr writes the delays, those of wires as it
expects them of the places. The path is found in that file: from a register's clock edge through cells and wires to a
register; registers are cells with setup times. Its first and last --steps are printed, and how much of it are wires.
"""

import argparse
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from one_line import in_one_line

from qcompress.devices import find_device
from qcompress.errors import QcompressError
from qcompress.synthesis.open_families import FAMILIES
from qcompress.synthesis.place_route import program
from qcompress.targets.processes import run_logged

NUMBER = r"(-?[\d.]+(?:e[-+]?\d+)?)"
INSTANCE = re.compile(r"\(INSTANCE (.*)\)")
DELAY = re.compile(
    rf"\((IOPATH|INTERCONNECT) (\S+) (\S+) \({NUMBER}:{NUMBER}:{NUMBER}\) \({NUMBER}:{NUMBER}:{NUMBER}\)"
)
SETUP = re.compile(rf"\(SETUPHOLD \(\w+ (\S+)\) \(\w+ (\S+)\) \({NUMBER}:{NUMBER}:{NUMBER}\)")
KINDS = ("(IOPATH ", "(INTERCONNECT ", "(SETUPHOLD ")
Pin = str
"""CELL/PORT."""


class Step(NamedTuple):
    """From one pin to another."""

    source: Pin
    sink: Pin
    ps: float
    wire: bool


class Timing(NamedTuple):
    """What an SDF file says, in ps: steps from each pin, delays from clock edges to pins, setup times of others."""

    steps: dict[Pin, list[Step]]
    launched: dict[Pin, float]
    setup: dict[Pin, float]


def read(text: str) -> Timing:
    """The slowest delays of an SDF file of nextpnr's; raises QcompressError for a line of delays that is none."""
    found, cell, clocks = Timing(defaultdict(list), {}, {}), "", set()
    inside: list[tuple[str, str, str, float]] = []
    for line in text.splitlines():
        if match := INSTANCE.search(line):
            cell = match[1]
        elif match := SETUP.search(line):
            pin = f"{cell}/{match[1]}"
            found.setup[pin] = max(*map(float, match.groups()[2:]), found.setup.get(pin, -float("inf")))
            clocks.add((cell, match[2]))
        elif match := DELAY.search(line):
            kind, source, sink, *delays = match.groups()
            slowest = max(map(float, delays))
            if kind == "INTERCONNECT":
                found.steps[source].append(Step(source, sink, slowest, True))
            else:
                inside.append((cell, source, sink, slowest))
        elif any(kind in line for kind in KINDS):
            raise QcompressError(f"no delays that are understood: {line.strip()[:80]}")
    for cell, source, sink, slowest in inside:
        if (cell, source) in clocks:
            found.launched[f"{cell}/{sink}"] = slowest
        else:
            found.steps[f"{cell}/{source}"].append(Step(f"{cell}/{source}", f"{cell}/{sink}", slowest, False))
    return found


def longest(timing: Timing) -> tuple[float, list[Step]]:
    """Length in ps, setup included, and the steps of the longest path from a register to a register.

    Raises QcompressError for a file without one, and for loops.
    """
    arrival, came = dict(timing.launched), dict[Pin, Step]()
    waits: defaultdict[Pin, int] = defaultdict(int)
    reached, stack = set(arrival), list(arrival)
    while stack:
        for step in timing.steps.get(stack.pop(), ()):
            waits[step.sink] += 1
            if step.sink not in reached:
                reached.add(step.sink)
                stack.append(step.sink)
    ready = [pin for pin in arrival if not waits[pin]]
    seen = 0
    while ready:
        pin, seen = ready.pop(), seen + 1
        for step in timing.steps.get(pin, ()):
            if arrival[pin] + step.ps > arrival.get(step.sink, -1.0):
                arrival[step.sink], came[step.sink] = arrival[pin] + step.ps, step
            waits[step.sink] -= 1
            if not waits[step.sink]:
                ready.append(step.sink)
    if seen < len(reached):
        raise QcompressError("its delays go round in a loop: no longest path")
    ends = {pin: arrival[pin] + setup for pin, setup in timing.setup.items() if pin in came}
    if not ends:
        raise QcompressError("no path from a register to a register in it")
    end = max(ends, key=lambda pin: ends[pin])
    path, pin = [], end
    while pin in came:
        path.append(came[pin])
        pin = came[pin].source
    return ends[end], path[::-1]


def placed(folder: Path, device: str, mhz: float, seed: int, minutes: float) -> Path:
    """The delays that nextpnr expects of the netlist in folder, placed as the flow does it if that was not done."""
    chosen = find_device(device)
    family = FAMILIES.get(chosen.family)
    if family is None:
        raise QcompressError(f"--device {device}: nextpnr does not place it; give one of {', '.join(FAMILIES)}'s")
    path = folder / f"placed-{device}-{mhz:g}MHz-{seed}.sdf"
    if path.is_file():
        return path
    if not (folder / "netlist.json").is_file():
        raise QcompressError(
            f"{folder}: has no netlist.json; give the folder of a run of {family.flow} that was cut short"
        )
    print(f"placing, {minutes:g} minutes at most; {folder / 'placed.log'} says how far it is", file=sys.stderr)
    told, part = family.place(chosen), path.with_suffix(".part")
    (folder / f"clock.{family.suffix}").write_text(told.constraints)
    command = [program(family.program), *told.options, "--json", "netlist.json", "--freq", f"{mhz:g}"]
    command += ["--timing-allow-fail", "--seed", str(seed), "--no-route", "--sdf", part.name]
    run_logged(command, folder, folder / "placed.log", "nextpnr: placing", time_limit_s=60 * minutes)
    return part.replace(path)


@in_one_line
def main() -> None:
    """Place where that was not done, print the path."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="ecp5-85k")
    parser.add_argument("--mhz", type=float, default=80.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=12)
    given = parser.parse_args()
    if given.steps < 1:
        parser.error(f"--steps {given.steps}: give 1 or more")
    path = placed(given.folder, given.device, given.mhz, given.seed, given.minutes)
    length, steps = longest(read(path.read_text()))
    wires = [step.ps for step in steps if step.wire and step.ps]
    print(f"{1e6 / length:.2f} MHz: {length / 1000:.2f} ns, {sum(wires) / 1000:.2f} of them {len(wires)} wires")
    many = len(steps) > 2 * given.steps
    for step in [*steps[: given.steps], None, *steps[-given.steps :]] if many else steps:
        print("..." if step is None else f"{'wire' if step.wire else 'cell'} {step.ps:6.0f} ps  {step.sink}")


if __name__ == "__main__":
    main()
