"""Budgets and the clock of a candidate's hardware, held against the best figures there are."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qcompress.candidate import Candidate
from qcompress.detectors import Table
from qcompress.errors import CheckError, QcompressError
from qcompress.report.best_reports import Figure
from qcompress.report.implementations import Row, implementations, row_of
from qcompress.report.origins import MAPPED, ROUTED
from qcompress.synthesis.aim import CELLS, XILINX, flow_of
from qcompress.targets import Hardware, Kind, recalled

FIGURES = {
    "latency_ns": ("latency_ns", "latency [ns]"),
    "lut": ("lut", "LUT"),
    "ff": ("ff", "FF"),
    "dsp": ("dsp", "DSP"),
    "ge": ("gate_equivalents", "gate equivalents"),
}
"""Budget -> the figure that is held against it, and its name in tables."""
NO_DSPS = f"{XILINX} makes products of look-up tables, a vendor's tool may take DSPs"
PATH = "longest path"
"""How a report's note of its slowest path begins."""


@dataclass(frozen=True)
class Check:
    """What was asked for of an implementation and what is there; holds: None where there is no figure.

    remark: by how much a clock is missed; what would give a figure.
    """

    implementation: str
    what: str
    asked: float
    found: Figure
    origin: str | None
    holds: bool | None
    remark: str = ""

    def __str__(self) -> str:
        found = f"{self.found:.6g}, {self.asked:.6g} asked for ({self.origin})" if self.found is not None else ""
        said = f"{self.implementation}: {self.what}: {found or 'no figure'}"
        return f"{said}; {self.remark}" if self.remark else said


def checks(candidate: Candidate, hardware: Hardware | None = None) -> list[Check]:
    """Every budget and the clock of a candidate's hardware, of each of its implementations in Verilog.

    hardware: asked for in place of the candidate's own.
    """
    aims = hardware or candidate.hardware
    asked = aims.budgets()
    if not asked and aims.clock_mhz is None:
        return []
    found: list[Check] = []
    for target in implementations(candidate).values() if _has_verilog(candidate) else ():
        row = row_of(candidate, target, None, aims)
        found += [_budget(row, budget, value, aims) for budget, value in asked.items()]
        found += [_clock(row, aims.clock_mhz, aims)] if aims.clock_mhz is not None else []
    if not found:
        remedy = "only Verilog has figures: build target rtl or rtl_loadable"
        found = [Check("-", FIGURES[budget][1], value, None, None, None, remedy) for budget, value in asked.items()]
    return found


def _has_verilog(candidate: Candidate) -> bool:
    told = candidate.manifest["targets"]
    return told is None or any(recalled(entry).family.kind is Kind.VERILOG for entry in told.values())


def _budget(row: Row, budget: str, asked: float, aims: Hardware) -> Check:
    figure, title = FIGURES[budget]
    found = row.figures[figure]
    if found is None:
        return Check(row.implementation, title, asked, None, None, None, _remedy(budget, aims))
    origin = row.origins[figure]
    remark = NO_DSPS if budget == "dsp" and origin == MAPPED and _is_amd(aims) else ""
    return Check(row.implementation, title, asked, found, origin, found <= asked, remark)


def _is_amd(aims: Hardware) -> bool:
    """Whether the figures of AMD's devices are meant."""
    device = aims.aimed_at
    return device is None or device.vendor == "AMD"


def _remedy(budget: str, aims: Hardware) -> str:
    """What would give the figure of a budget."""
    if budget == "latency_ns":
        return f"give clock_mhz, or run synth --flow {_placing(aims)}"
    device = aims.aimed_at
    if device is not None and device.vendor == "ASIC" and budget in ("lut", "dsp"):
        return f"{device.name} has none: leave the budget out, or give one of ge"
    flow = CELLS if budget == "ge" else XILINX if device is None else flow_of(device)
    return f"run synth --flow {flow}" if flow else f"no open flow is for {aims.device}: synthesize it with its vendor's"


def _placing(aims: Hardware) -> str:
    """A flow that places and routes: the device's own if there is one."""
    device = aims.aimed_at
    return (flow_of(device) if device is not None and device.place_and_route else None) or "yosys-ecp5"


def _clock(row: Row, asked: float, aims: Hardware) -> Check:
    fmax, device = row.figures["fmax_mhz"], aims.aimed_at
    if fmax is None:
        there = device is None or device.place_and_route
        remedy = f"run synth --flow {_placing(aims)}" if there else "a vendor's place and route tells it"
        return Check(row.implementation, "clock [MHz]", asked, None, None, None, f"not routed: {remedy}")
    where = [f"on {row.device}"] if device is None else []
    if fmax >= asked:
        return Check(row.implementation, "clock [MHz]", asked, fmax, ROUTED, True, "".join(where))
    missed = f"{asked - fmax:.1f} MHz too slow, {1000 / fmax - 1000 / asked:.2f} ns"
    path = [note for note in row.notes if note.startswith(PATH)]
    return Check(row.implementation, "clock [MHz]", asked, fmax, ROUTED, False, "; ".join([missed, *where, *path[:1]]))


def budgets_table(found: Sequence[Check]) -> Table:
    """A row for each of the checks that were found."""
    words = {True: "passed", False: "failed", None: "no figure"}
    lines = [
        (check.implementation, check.what, check.asked, check.found, check.origin, words[check.holds])
        for check in found
    ]
    remarks = [f"{check.implementation}: {check.what}: {check.remark}" for check in found if check.remark]
    columns = ("built as", "budget", "asked for", "found", "origin", "result")
    return Table("Budgets", columns, tuple(lines), "\n".join(remarks))


def require(found: Iterable[Check], folder: Path) -> None:
    """Raises CheckError naming what does not hold, QcompressError for a budget that has no figure.

    found: the checks of the candidate in folder. A clock of a design that was not routed is neither.
    """
    known = list(found)
    if failed := [str(check) for check in known if check.holds is False]:
        raise CheckError(f"{folder}: {', '.join(failed)}")
    titles = {title for _, title in FIGURES.values()}
    if missing := [str(check) for check in known if check.holds is None and check.what in titles]:
        raise QcompressError(f"{folder}: {missing[0]}")
