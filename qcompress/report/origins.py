"""How true a figure is: routed, mapped, built, estimated, in that order."""

from collections.abc import Iterable

from qcompress.synthesis import Origin, SynthesisReport
from qcompress.synthesis.aim import CELLS
from qcompress.synthesis.kept import READ

ROUTED, MAPPED, BUILT, ESTIMATED = "routed", "mapped", "built", "estimated"
TRUTHS = (ROUTED, MAPPED, BUILT, ESTIMATED)
"""Of a design that was placed and routed; that was mapped to cells; of the Verilog as it is built; from the graph."""


def truth(flow: str, report: SynthesisReport) -> str:
    """What a flow's report tells of its design."""
    if report.origin is Origin.ESTIMATED:
        return ESTIMATED
    if flow == READ:
        return ROUTED if report.routed else MAPPED
    return ROUTED if flow != CELLS and report.fmax_mhz is not None else MAPPED


def least(origins: Iterable[str]) -> str:
    """The least true of several origins: that of their sum; estimated if there are none."""
    return max(origins, key=TRUTHS.index, default=ESTIMATED)
