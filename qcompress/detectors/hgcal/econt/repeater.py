"""Repeater: every trigger cell is sent, nothing is selected. Frame: BX(5) | 48 charges of 7 bits."""

from dataclasses import dataclass

import numpy as np

from qcompress.detectors.hgcal.econt.frames import FrameReader, FrameWriter, header5
from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS, decode_code, encode
from qcompress.detectors.hgcal.econt.registers import Registers
from qcompress.detectors.hgcal.econt.word_files import Words32
from qcompress.fixedpoint import Codes, Values


@dataclass(frozen=True, eq=False)
class RepeaterFields:
    """header (n,): 5 bits; charge (n, 48): 4E3M codes in the order of the mux."""

    header: Codes
    charge: Codes


def compute(calq: Codes, bx: Codes, registers: Registers) -> RepeaterFields:
    """Calibrated charges, `calq` (n, 48), and `bx` (n,) -> fields; registers: say how many bits are dropped."""
    return RepeaterFields(header5(bx), encode(calq, registers.front_end.drop, 4, 3))


def pack(fields: RepeaterFields, registers: Registers) -> Words32:
    """The `fields` of n frames -> link words (n, 13); registers: of no consequence, all cells are sent."""
    frame = FrameWriter(len(fields.header))
    frame.put(fields.header, 5)
    frame.put(fields.charge, 7)
    return frame.words()


def unpack(words: Words32, registers: Registers) -> RepeaterFields:
    """Link words (n, 13), `words`, -> fields; registers: of no consequence, all cells are sent."""
    frame = FrameReader(words)
    return RepeaterFields(frame.take(5), frame.take_many(TRIGGER_CELLS, 7))


def charges(fields: RepeaterFields, registers: Registers) -> dict[str, Values]:
    """Decoded charges {"charge": (n, 48)} in ADC counts, in the order of the mux.

    fields: of n frames; registers: say how many bits were dropped.
    """
    return {"charge": decode_code(fields.charge, registers.front_end.drop, 3).astype(np.float64)}
