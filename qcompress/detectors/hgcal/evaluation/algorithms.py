"""The chip's algorithms on whole events, one table: modules in, frames on their links, decoded transverse charges out.

Off the detector, a charge whose code is that of an empty trigger cell (or group) counts as nothing: codes stand for the
middle of their bin, and the chip itself gives empty cells of a high-density module four counts before calibration.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from qcompress.detectors.hgcal.econt import best_choice, repeater, super_trigger_cell, threshold_sum
from qcompress.detectors.hgcal.econt.frames import OUTPUT_LINKS
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density, encode
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers
from qcompress.detectors.hgcal.evaluation.events import Columns, LinkAllocation, Modules, modules
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.module.layers import MIP_COUNTS
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values

THRESHOLD_MIPT = 1.35
"""The threshold of the trigger primitives (CMSSW `threshold_silicon`), in mipT."""
THRESHOLD_ADC = int(THRESHOLD_MIPT * MIP_COUNTS)
"""1.35 mipT of 35.1 counts, rounded down, as in the public register files."""
STC4, STC16 = 0, 1
"""Register stc_type: groups of 4 or of 16, 9 bits of energy."""
STC_LINKS = {STC4: 5, STC16: 2}
"""Links on which every group of a type is sent."""

Decode = Callable[[Modules], Values]
OnLinks = Callable[[Codes, Codes, Registers], Values]
"""CALQ and empty CALQ (n, 48) in the order of the mux, registers of all n modules -> charges in that order."""


class Codec(NamedTuple):
    """An algorithm: what tables call it, and what arrives of modules: ADC counts (n, 48) in channel order.

    calibrated: the chip had made them transverse; otherwise that is left to what follows, as `transverse` does.
    """

    title: str
    decode: Decode
    calibrated: bool = True

    def transverse(self, modules: Modules) -> Values:
        """What arrives of `modules`, (n, 48) transverse ADC counts in channel order."""
        counts = self.decode(modules)
        return counts if self.calibrated else counts / modules.cosh_eta


def decoded(name: str, columns: Columns, allocation: LinkAllocation | None = None, calibrated: bool = False) -> Values:
    """What arrives of a sample's modules by an algorithm of CHIP: (n, 48) transverse ADC counts in channel order.

    name: its key there; columns: of the sample (n, ...); allocation: links of each module, two if None; calibrated:
    charges are transverse already. Raises QcompressError for an unknown name, and for modules that geometry V11 does
    not have.
    """
    return codec(name, CHIP).transverse(modules(columns, allocation, calibrated))


def codec(name: str, table: Mapping[str, Codec]) -> Codec:
    """The algorithm called `name` in a `table`; raises QcompressError with the names there are."""
    if name not in table:
        raise QcompressError(f"no algorithm {name!r}; there are {', '.join(table)}")
    return table[name]


def _grouped(modules: Modules, links: Codes, algorithm: Algorithm, on_links: OnLinks, **registers: Any) -> Values:
    """Modules of the same density and links together, each group with registers of its own."""
    charges = np.zeros(modules.calq.shape)
    if algorithm is Algorithm.REPEATER:
        links = np.full(len(modules), OUTPUT_LINKS)
    for rows, density, etx in _alike(modules, links):
        front_end = replace(FrontEnd.autoencoder(geometry.STC_CHANNEL.tolist()), density=density, drop=int(density))
        chip = Registers(algorithm, front_end, links=etx, **registers)
        order = np.ix_(rows, geometry.STC_CHANNEL)
        charges[order] = on_links(modules.calq[order], modules.empty[order], chip)
    return charges


def _alike(modules: Modules, links: Codes) -> Iterator[tuple[Codes, Density, int]]:
    """Rows of modules with the same density and number of links."""
    for density, wanted in ((Density.LD, False), (Density.HD, True)):
        for etx in np.unique(links[modules.high_density == wanted]).tolist():
            yield np.flatnonzero((modules.high_density == wanted) & (links == etx)), density, etx


def _bx(calq: Codes) -> Codes:
    return np.zeros(len(calq), np.int64)


def _repeater(calq: Codes, empty: Codes, registers: Registers) -> Values:
    links = repeater.pack(repeater.compute(calq, _bx(calq), registers), registers)
    fields = repeater.unpack(links, registers)
    nothing = fields.charge <= encode(empty, registers.front_end.drop, 4, 3)
    return np.where(nothing, 0.0, repeater.charges(fields, registers)["charge"])


def _threshold(calq: Codes, empty: Codes, registers: Registers) -> Values:
    """The frames as they are, none truncated: an output buffer without end."""
    whole, _ = threshold_sum.compute(calq, _bx(calq), registers)
    frames, _ = threshold_sum.pack_frames(whole)
    fields = threshold_sum.unpack_frames(frames)
    nothing = fields.charge <= encode(empty, registers.front_end.drop, 4, 3)
    return np.where(nothing, 0.0, threshold_sum.charges(fields, registers)["charge"])


def _best_choice(calq: Codes, empty: Codes, registers: Registers) -> Values:
    links = best_choice.pack(best_choice.compute(calq, _bx(calq), registers), registers)
    fields = best_choice.unpack(links, registers)
    nothing = fields.charge <= encode(empty, registers.front_end.drop, 4, 3)
    return np.where(nothing, 0.0, best_choice.charges(fields, registers)["charge"])


def _super_trigger_cell(calq: Codes, empty: Codes, registers: Registers, sharing: str) -> Values:
    links = super_trigger_cell.pack(super_trigger_cell.compute(calq, _bx(calq), registers), registers)
    fields = super_trigger_cell.unpack(links, registers)
    kind, groups = super_trigger_cell.group_type(registers)
    sums = empty[:, : groups * kind.cells].reshape(len(empty), groups, kind.cells).sum(axis=2)
    nothing = np.zeros(calq.shape, np.bool_)
    nothing[:, : groups * kind.cells] = np.repeat(fields.energy <= encode(sums, 0, 5, 4), kind.cells, axis=1)
    return np.where(nothing, 0.0, super_trigger_cell.charges(fields, registers)[sharing])


def _threshold_sum(modules: Modules, threshold: int) -> Values:
    cells = (threshold,) * geometry.TRIGGER_CELLS
    return _grouped(modules, modules.links, Algorithm.THRESHOLD_SUM, _threshold, thresholds=cells)


def _super_trigger_cells(modules: Modules, sharing: str, all_groups: bool = False) -> Values:
    """STC4 in high-density modules, STC16 in others; all_groups: as many links as that takes, whatever was given."""
    charges = np.zeros(modules.calq.shape)
    for kind, high in ((STC4, True), (STC16, False)):
        rows = np.flatnonzero(modules.high_density == high)
        own = modules.chosen(rows)
        links = np.maximum(own.links, STC_LINKS[kind]) if all_groups else own.links
        by_group = partial(_super_trigger_cell, sharing=sharing)
        charges[rows] = _grouped(own, links, Algorithm.SUPER_TRIGGER_CELL, by_group, stc_type=kind)
    return charges


def _best_choices(modules: Modules) -> Values:
    return _grouped(modules, modules.links, Algorithm.BEST_CHOICE, _best_choice)


def _mixed(modules: Modules, sharing: str) -> Values:
    """Best choice in CE-E on the links of each module; super trigger cells in CE-H, all groups sent."""
    charges = np.zeros(modules.calq.shape)
    for rows, decode in (
        (np.flatnonzero(~modules.hadronic), _best_choices),
        (np.flatnonzero(modules.hadronic), partial(_super_trigger_cells, sharing=sharing, all_groups=True)),
    ):
        charges[rows] = decode(modules.chosen(rows))
    return charges


CHIP: Mapping[str, Codec] = {
    "uncompressed": Codec("charge before any code", lambda modules: modules.counts.astype(np.float64), False),
    "repeater": Codec(
        "all trigger cells (repeater)",
        lambda modules: _grouped(modules, modules.links, Algorithm.REPEATER, _repeater),
    ),
    "threshold": Codec("Threshold 1.35 mipT", partial(_threshold_sum, threshold=THRESHOLD_ADC)),
    "threshold0": Codec("Threshold 0", partial(_threshold_sum, threshold=1)),
    "bc": Codec("best choice", _best_choices),
    "stc": Codec("STC4/16, sum at the largest", partial(_super_trigger_cells, sharing="largest")),
    "stc-shared": Codec("STC4/16, sum shared equally", partial(_super_trigger_cells, sharing="shared")),
    "bc-stc": Codec("mixed BC+STC", partial(_mixed, sharing="largest")),
    "bc-stc-shared": Codec("mixed BC+STC, sum shared equally", partial(_mixed, sharing="shared")),
}
"""By the name that commands take. uncompressed: the reference, no chip in between."""
