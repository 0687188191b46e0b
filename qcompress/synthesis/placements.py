"""Placements by nextpnr: one seed after the other until a clock is met, and what its log and its report say.

Where the time limit strikes in the placer or the router, the counts stay, with what was expected of the clock so far.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from qcompress.errors import QcompressError
from qcompress.synthesis.report import SynthesisReport
from qcompress.synthesis.yosys import Limits
from qcompress.targets.processes import OutOfTime, run_logged

CUT_SHORT = "not routed: the time limit"
"""How the note of a run begins that took too long."""
ANEW = "routed once more, slow wires anew"
"""What a second routing is noted as."""
FIRST_SEED = 1
"""Of the first placement: the same design gives the same result."""
TIMING = "timing.json"
"""nextpnr's report, in the folder."""
EXPECTED = re.compile(r"Max frequency for clock\s+'[^']+':\s+([\d.]+) MHz")


class Aim(NamedTuple):
    """The clock that a module is placed for, how many placements may be tried, and the limits of each run."""

    top: str
    clock_mhz: float
    placements: int
    limits: Limits


def fastest(report: SynthesisReport, commands: Sequence[Sequence[str]], folder: Path, aim: Aim) -> SynthesisReport:
    """The report with the clock of the fastest placement; the first that meets the clock ends them.

    commands: of nextpnr, but for the seed; a placement takes the next one where only its wires miss the clock. folder:
    of its files. Raises QcompressError naming the log if nextpnr fails.
    """
    tried = list[SynthesisReport]()
    for seed in range(FIRST_SEED, FIRST_SEED + aim.placements):
        which = [f"placement {seed} of at most {aim.placements}"] if aim.placements > 1 else []
        for number, command in enumerate(commands):
            found, promised = _routed(report, [*command, "--seed", str(seed)], folder, aim)
            anew = [ANEW] if number else []
            if number and found.fmax_mhz is None:
                tried[-1] = replace(tried[-1], notes=(*tried[-1].notes, f"{ANEW}: {found.notes[-1]}"))
                break
            tried.append(replace(found, notes=(*which, *anew, *found.notes)))
            if found.fmax_mhz is None or found.fmax_mhz >= aim.clock_mhz or promised < aim.clock_mhz:
                break
        if (tried[-1].fmax_mhz or 0) >= aim.clock_mhz:
            break
    return max(tried, key=lambda found: found.fmax_mhz or 0)


def _routed(report: SynthesisReport, command: Sequence[str], folder: Path, aim: Aim) -> tuple[SynthesisReport, float]:
    """The report with what one run of nextpnr says, and the clock [MHz] that was expected once all was placed."""
    log = folder / "nextpnr.log"
    log.unlink(missing_ok=True)
    try:
        run_logged(command, folder, log, f"nextpnr: placing {aim.top}", time_limit_s=aim.limits.time_s)
    except OutOfTime:
        return _out_of_time(report, log, aim.limits.time_s), 0.0
    expected = _expected(log)[:1]
    notes = (f"{mhz:.1f} MHz expected after placement" for mhz in expected)
    expecting = replace(report, notes=(*report.notes, *notes))
    return with_timing(expecting, (folder / TIMING).read_text()), sum(expected)


def _out_of_time(report: SynthesisReport, log: Path, time_s: float) -> SynthesisReport:
    """The counts, and how far nextpnr came."""
    where = "router" if "Routing" in log.read_text(errors="replace") else "placer"
    so_far = "".join(f"; {mhz:.1f} MHz expected after placement" for mhz in _expected(log)[-1:])
    what = f"{CUT_SHORT} of {time_s:g} s struck in the {where}{so_far}; give --time-limit more"
    return replace(report, notes=(*report.notes, what), missing=("place and route",))


def _expected(log: Path) -> list[float]:
    """The clocks [MHz] that nextpnr's log tells, of the placement first."""
    found = EXPECTED.findall(log.read_text(errors="replace")) if log.is_file() else []
    return [float(mhz) for mhz in found]


def is_cut_short(report: SynthesisReport) -> bool:
    """Whether the time limit struck before the design was routed."""
    return any(note.startswith(CUT_SHORT) for note in report.notes)


def with_timing(report: SynthesisReport, text: str) -> SynthesisReport:
    """The report with the slowest clock, in MHz, of text, nextpnr's JSON report, and its longest path.

    Raises QcompressError if that gives no clock.
    """
    try:
        content = json.loads(text)
        name, fmax = min(
            ((name, float(clock["achieved"])) for name, clock in content["fmax"].items()), key=lambda found: found[1]
        )
        path = _longest(content.get("critical_paths", ()), name)
    except (ValueError, LookupError, TypeError, AttributeError) as fault:
        raise QcompressError(f"nextpnr: its report gives no clock ({fault})") from None
    return replace(report, fmax_mhz=fmax, delay_ns=1000 / fmax, notes=(*report.notes, *([path] if path else ())))


def _longest(paths: Sequence[Mapping[str, Any]], clock: str) -> str | None:
    """The longest path of a clock in words: where it begins and ends, its time in logic and in wires."""
    for path in paths:
        if str(path["from"]).endswith(clock) and str(path["to"]).endswith(clock):
            steps = path["path"]
            wires = sum(float(step["delay"]) for step in steps if step["type"] == "routing")
            logic = sum(float(step["delay"]) for step in steps) - wires
            hops = sum(step["type"] == "routing" and float(step["delay"]) > 0 for step in steps)
            begin, end = str(steps[0]["from"]["cell"]), str(steps[-1]["to"]["cell"])
            return f"longest path: {begin} to {end}, {logic:.1f} ns of logic, {wires:.1f} ns of {hops} wires"
    return None
