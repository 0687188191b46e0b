"""Super trigger cells: sums over 4 or 16 neighbours and the address of the largest.

Frame: BX(4) | addresses | energies, of as many groups as the active links have room for.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from qcompress.detectors.hgcal.econt.frames import FrameReader, FrameWriter, header4
from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS, decode_code, encode
from qcompress.detectors.hgcal.econt.registers import KEYS, Registers, required
from qcompress.detectors.hgcal.econt.word_files import Words32
from qcompress.fixedpoint import Codes, Values


class GroupType(NamedTuple):
    """cells in a group, bits of the address, exponent and mantissa of the energy, whether `drop` applies to it."""

    cells: int
    address_bits: int
    exponent_bits: int
    mantissa_bits: int
    drops: bool
    sent: tuple[int, ...]
    """groups sent on 1, 2, .. links; more links send no more than the last."""


TYPES = (
    GroupType(4, 2, 5, 4, False, (2, 5, 8, 11, 12)),  # STC4_9
    GroupType(16, 4, 5, 4, False, (2, 3)),  # STC16_9
    GroupType(4, 0, 4, 3, True, (4, 8, 12)),  # CTC4_7
    GroupType(4, 2, 4, 3, True, (3, 6, 10, 12)),  # STC4_7
)
"""Indexed by register `stc_type`."""


@dataclass(frozen=True, eq=False)
class SuperTriggerCellFields:
    """header (n,): 4 bits; address (n, groups), (n, 0) for the type without; energy (n, groups): codes."""

    header: Codes
    address: Codes
    energy: Codes


def group_type(registers: Registers) -> tuple[GroupType, int]:
    """The type that the registers select, and how many groups it sends on the active links."""
    kind = TYPES[required(registers.stc_type, KEYS["stc_type"])]
    return kind, kind.sent[min(registers.active_links, len(kind.sent)) - 1]


def compute(calq: Codes, bx: Codes, registers: Registers) -> SuperTriggerCellFields:
    """Calibrated charges, `calq` (n, 48), and `bx` (n,) -> fields.

    registers: type of the groups, links, bits dropped.
    """
    kind, groups = group_type(registers)
    cells = np.ascontiguousarray(calq.T)[: groups * kind.cells].reshape(groups, kind.cells, -1)
    largest, address = cells[:, 0].copy(), np.zeros((groups, len(calq)), np.int64)
    for place in range(1, kind.cells):
        higher = cells[:, place] >= largest  # ties go to the highest index
        address[higher] = place
        np.maximum(largest, cells[:, place], out=largest)
    drop = registers.front_end.drop if kind.drops else 0
    energy = encode(cells.sum(axis=1), drop, kind.exponent_bits, kind.mantissa_bits)
    return SuperTriggerCellFields(header4(bx), address.T if kind.address_bits else address[:0].T, energy.T)


def pack(fields: SuperTriggerCellFields, registers: Registers) -> Words32:
    """The `fields` of n frames -> link words (n, 13); registers: type of the groups and links."""
    kind, _ = group_type(registers)
    frame = FrameWriter(len(fields.header))
    frame.put(fields.header, 4)
    frame.put(fields.address, kind.address_bits)
    frame.put(fields.energy, kind.exponent_bits + kind.mantissa_bits)
    return frame.words()


def unpack(words: Words32, registers: Registers) -> SuperTriggerCellFields:
    """Link words (n, 13), `words`, of a chip with these `registers` -> fields."""
    kind, groups = group_type(registers)
    frame = FrameReader(words)
    header = frame.take(4)
    address = frame.take_many(groups if kind.address_bits else 0, kind.address_bits)
    return SuperTriggerCellFields(header, address, frame.take_many(groups, kind.exponent_bits + kind.mantissa_bits))


def charges(fields: SuperTriggerCellFields, registers: Registers) -> dict[str, Values]:
    """Decoded charges (n, 48) in ADC counts, in the order of the mux; groups that are not sent hold nothing.

    fields: of n frames; registers: of the chip that sent them. {"largest": the whole sum at the sent address (absent
    for the type without), "shared": equal shares}.
    """
    kind, groups = group_type(registers)
    drop = registers.front_end.drop if kind.drops else 0
    energy = decode_code(fields.energy, drop, kind.mantissa_bits).astype(np.float64)
    shared = np.zeros((len(energy), TRIGGER_CELLS))
    shared[:, : groups * kind.cells] = np.repeat(energy / kind.cells, kind.cells, axis=1)
    if not kind.address_bits:
        return {"shared": shared}
    largest = np.zeros_like(shared)
    np.put_along_axis(largest, fields.address + kind.cells * np.arange(groups), energy, axis=1)
    return {"largest": largest, "shared": shared}
