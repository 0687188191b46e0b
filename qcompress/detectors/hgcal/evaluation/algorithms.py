"""The chip's algorithms on whole events, one table: modules in, frames on their links, decoded transverse charges out.

Off the detector, a charge whose code is that of an empty trigger cell (or group) counts as nothing: codes stand for the
middle of their bin, and the chip itself gives empty cells of a high-density module four counts before calibration.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.econt import best_choice, repeater, super_trigger_cell, threshold_sum
from qcompress.detectors.hgcal.econt.frames import OUTPUT_LINKS
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density, decode_code, encode
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers
from qcompress.detectors.hgcal.evaluation.events import Columns, LinkAllocation, Modules, modules
from qcompress.detectors.hgcal.evaluation.remaining import NO_SUM, Sent, spread_equally, spread_if_sent
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


class Front(NamedTuple):
    """What the algorithms see of n modules of one density and number of links: (n, 48) each, in the order of the mux.

    calq: charges; empty: of a trigger cell with code 0; exists: whether it is there.
    """

    calq: Codes
    empty: Codes
    exists: npt.NDArray[np.bool_]


OnLinks = Callable[[Front, Registers], Values]
"""Modules and the registers of all of them -> charges (n, 48) in the order of the mux."""
Say = Callable[[Front, Registers], Sent]
"""Modules and the registers of all of them -> what their frames say."""
Lay = Callable[[Sent, Registers], Values]
"""What frames say, registers of all of them -> charges (n, 48) of all cells, those of sums as well."""


class Codec(NamedTuple):
    """An algorithm: what tables call it, and what arrives of modules: ADC counts (n, 48) in channel order.

    calibrated: the chip had made them transverse; otherwise that is left to what follows, as `transverse` does;
    limited: what arrives depends on the links of a module.
    """

    title: str
    decode: Decode
    calibrated: bool = True
    limited: bool = False

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
        front = Front(modules.calq[order], modules.empty[order], modules.exists[order])
        charges[order] = on_links(front, chip)
    return charges


def _alike(modules: Modules, links: Codes) -> Iterator[tuple[Codes, Density, int]]:
    """Rows of modules with the same density and number of links."""
    for density, wanted in ((Density.LD, False), (Density.HD, True)):
        for etx in np.unique(links[modules.high_density == wanted]).tolist():
            yield np.flatnonzero((modules.high_density == wanted) & (links == etx)), density, etx


def _bx(calq: Codes) -> Codes:
    return np.zeros(len(calq), np.int64)


def _repeater(front: Front, registers: Registers) -> Values:
    links = repeater.pack(repeater.compute(front.calq, _bx(front.calq), registers), registers)
    fields = repeater.unpack(links, registers)
    nothing = fields.charge <= encode(front.empty, registers.front_end.drop, 4, 3)
    return np.where(nothing, 0.0, repeater.charges(fields, registers)["charge"])


def thresholds_sent(front: Front, registers: Registers) -> Sent:
    """What the frames of the threshold sum say as they are, none truncated: an output buffer without end.

    front: the modules; registers: of all of them.
    """
    whole, _ = threshold_sum.compute(front.calq, _bx(front.calq), registers)
    frames, _ = threshold_sum.pack_frames(whole)
    fields = threshold_sum.unpack_frames(frames)
    return _beside(front, fields, threshold_sum.charges(fields, registers)["charge"], registers.front_end.drop, 0)


def best_choices_sent(front: Front, registers: Registers) -> Sent:
    """What the frames of best choice say; front: the modules; registers: of all of them."""
    links = best_choice.pack(best_choice.compute(front.calq, _bx(front.calq), registers), registers)
    fields = best_choice.unpack(links, registers)
    drop = registers.front_end.drop
    return _beside(front, fields, best_choice.charges(fields, registers)["charge"], drop, drop)


def _beside(
    front: Front,
    fields: best_choice.BestChoiceFields | threshold_sum.ThresholdSumFields,
    charge: Values,
    drop: int,
    in_sum: int,
) -> Sent:
    """Cells of a frame and the sum of the others; drop, in_sum: bits that were dropped of a cell, and within the sum.

    A sum that empty trigger cells alone have counts as nothing; of a larger one their part is taken away.
    """
    nothing = fields.charge <= encode(front.empty, drop, 4, 3)
    of_empty = (np.where(fields.kept, 0, front.empty) >> in_sum).sum(axis=1)
    rest = (decode_code(fields.sum, in_sum, 3) - (of_empty << in_sum)).clip(min=0)
    rest[fields.sum <= encode(of_empty, 0, 5, 3)] = 0
    of_sum = np.where(front.exists & ~fields.kept, 0, NO_SUM)
    return Sent(np.where(nothing, 0.0, charge), rest[:, None].astype(np.float64), of_sum, not in_sum)


def groups_sent(front: Front, registers: Registers) -> Sent:
    """What the frames of super trigger cells say; front: the modules; registers: of all of them.

    The address of the largest is not among it; of a group of which only missing cells remain nothing is left.
    """
    fields, nothing = _groups(front, registers)
    kind, groups = super_trigger_cell.group_type(registers)
    energy = decode_code(fields.energy, registers.front_end.drop if kind.drops else 0, kind.mantissa_bits)
    place = np.arange(geometry.TRIGGER_CELLS) // kind.cells
    of_sum = np.where(front.exists & (place < groups), place, NO_SUM)
    return Sent(np.zeros(front.calq.shape), np.where(nothing, 0.0, energy), of_sum, True)


def _groups(
    front: Front, registers: Registers
) -> tuple[super_trigger_cell.SuperTriggerCellFields, npt.NDArray[np.bool_]]:
    """Frames of super trigger cells, and whether a group has what empty trigger cells have, (n, groups)."""
    calq, empty = front.calq, front.empty
    links = super_trigger_cell.pack(super_trigger_cell.compute(calq, _bx(calq), registers), registers)
    fields = super_trigger_cell.unpack(links, registers)
    kind, groups = super_trigger_cell.group_type(registers)
    sums = empty[:, : groups * kind.cells].reshape(len(empty), groups, kind.cells).sum(axis=2)
    return fields, fields.energy <= encode(sums, 0, 5, 4)


def _super_trigger_cell(front: Front, registers: Registers, sharing: str) -> Values:
    fields, without = _groups(front, registers)
    kind, groups = super_trigger_cell.group_type(registers)
    nothing = np.zeros(front.calq.shape, np.bool_)
    nothing[:, : groups * kind.cells] = np.repeat(without, kind.cells, axis=1)
    return np.where(nothing, 0.0, super_trigger_cell.charges(fields, registers)[sharing])


def _cells_alone(front: Front, registers: Registers, say: Say) -> Values:
    return say(front, registers).charge


def _with_sums(front: Front, registers: Registers, say: Say, lay: Lay) -> Values:
    return lay(say(front, registers), registers)


def on_links(say: Say, lay: Lay | None) -> OnLinks:
    """What a frame, made and read by `say`, is decoded to; lay: how its sums are laid on cells; None: they are not."""
    return partial(_cells_alone, say=say) if lay is None else partial(_with_sums, say=say, lay=lay)


def equally(sent: Sent, registers: Registers) -> Values:
    """Every sum shared equally by its cells; a Lay."""
    return spread_equally(sent)


def if_sent(sent: Sent, registers: Registers) -> Values:
    """Every sum shared equally by its cells where a frame holds a trigger cell, lost where it holds none; a Lay."""
    return spread_if_sent(sent)


def threshold_sums(modules: Modules, decode: OnLinks, threshold: int = THRESHOLD_ADC) -> Values:
    """What arrives of trigger cells at or above a `threshold` in ADC counts, `decode` making and reading the frames."""
    cells = (threshold,) * geometry.TRIGGER_CELLS
    return _grouped(modules, modules.links, Algorithm.THRESHOLD_SUM, decode, thresholds=cells)


def super_trigger_cells(modules: Modules, decode: OnLinks, all_groups: bool = False) -> Values:
    """STC4 in high-density modules, STC16 in others, decoded by `decode`.

    all_groups: on as many links as that takes, whatever was given.
    """
    charges = np.zeros(modules.calq.shape)
    for kind, high in ((STC4, True), (STC16, False)):
        rows = np.flatnonzero(modules.high_density == high)
        own = modules.chosen(rows)
        links = np.maximum(own.links, STC_LINKS[kind]) if all_groups else own.links
        charges[rows] = _grouped(own, links, Algorithm.SUPER_TRIGGER_CELL, decode, stc_type=kind)
    return charges


def best_choices(modules: Modules, decode: OnLinks) -> Values:
    """What arrives of best choice on the links of each module, `decode` making and reading the frames."""
    return _grouped(modules, modules.links, Algorithm.BEST_CHOICE, decode)


def mixed(modules: Modules, decode: OnLinks, groups: OnLinks) -> Values:
    """Best choice in CE-E on the links of each module; super trigger cells in CE-H, all groups sent.

    decode, groups: make and read the frames of the one and of the other.
    """
    charges = np.zeros(modules.calq.shape)
    for rows, arrive in (
        (np.flatnonzero(~modules.hadronic), partial(best_choices, decode=decode)),
        (np.flatnonzero(modules.hadronic), partial(super_trigger_cells, decode=groups, all_groups=True)),
    ):
        charges[rows] = arrive(modules.chosen(rows))
    return charges


THRESHOLD, BEST = on_links(thresholds_sent, None), on_links(best_choices_sent, None)
"""Trigger cells alone, their sums unread: what the experiment's simulation decodes."""
THRESHOLD_EQUAL, BEST_EQUAL = on_links(thresholds_sent, equally), on_links(best_choices_sent, equally)
THRESHOLD_IF_SENT, BEST_IF_SENT = on_links(thresholds_sent, if_sent), on_links(best_choices_sent, if_sent)
AT_THE_LARGEST = partial(_super_trigger_cell, sharing="largest")
SHARED = partial(_super_trigger_cell, sharing="shared")
CHIP: Mapping[str, Codec] = {
    "uncompressed": Codec("charge before any code", lambda modules: modules.counts.astype(np.float64), False),
    "repeater": Codec(
        "all trigger cells (repeater)",
        lambda modules: _grouped(modules, modules.links, Algorithm.REPEATER, _repeater),
    ),
    "threshold": Codec("Threshold 1.35 mipT", partial(threshold_sums, decode=THRESHOLD)),
    "threshold-equal": Codec(
        "Threshold 1.35 mipT, rest spread equally", partial(threshold_sums, decode=THRESHOLD_EQUAL)
    ),
    "threshold-if-sent": Codec(
        "Threshold 1.35 mipT, rest spread if a cell is sent", partial(threshold_sums, decode=THRESHOLD_IF_SENT)
    ),
    "threshold0": Codec("Threshold 0", partial(threshold_sums, decode=THRESHOLD, threshold=1)),
    "bc": Codec("best choice", partial(best_choices, decode=BEST), limited=True),
    "bc-equal": Codec("best choice, rest spread equally", partial(best_choices, decode=BEST_EQUAL), limited=True),
    "stc": Codec("STC4/16, sum at the largest", partial(super_trigger_cells, decode=AT_THE_LARGEST), limited=True),
    "stc-shared": Codec("STC4/16, sum shared equally", partial(super_trigger_cells, decode=SHARED), limited=True),
    "bc-stc": Codec("mixed BC+STC", partial(mixed, decode=BEST, groups=AT_THE_LARGEST), limited=True),
    "bc-stc-shared": Codec(
        "mixed BC+STC, sum shared equally", partial(mixed, decode=BEST, groups=SHARED), limited=True
    ),
    "bc-stc-equal": Codec(
        "mixed BC+STC, rest and sum spread equally", partial(mixed, decode=BEST_EQUAL, groups=SHARED), limited=True
    ),
    "bc-stc-if-sent": Codec(
        "mixed BC+STC, rest spread if a cell is sent, sum at the largest",
        partial(mixed, decode=BEST_IF_SENT, groups=AT_THE_LARGEST),
        limited=True,
    ),
}
"""By the name that commands take. uncompressed: the reference, no chip in between. -equal: the sum that best choice and
threshold sum send beside their trigger cells is laid on the others; `learned` has regressions for it. -if-sent: laid so
where there are such trigger cells.
"""
