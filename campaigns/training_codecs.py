"""What the other algorithms of the chip make of modules of high density, for the tables of `campaign_training`.

Charges are transverse ADC counts, (n, 48) in train order. Rows stand for consecutive bunch crossings, so that the
threshold sum's buffer goes on from row to row; CAL = round(2^11 / cosh eta) for each trigger cell.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from qcompress.detectors.hgcal.econt import best_choice, super_trigger_cell, threshold_sum
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers
from qcompress.detectors.hgcal.econt.words import ORBIT
from qcompress.detectors.hgcal.evaluation import events
from qcompress.detectors.hgcal.evaluation.algorithms import THRESHOLD_ADC
from qcompress.detectors.hgcal.module import geometry
from qcompress.fixedpoint import Codes, Values

BUFFER = (48, 500, 0)
"""T1, T2, T3 of the public register file for two links."""
DROP = 3
STC_TYPES = {"STC4": 0, "STC16": 1}


def decoded(columns: events.Columns, links: int) -> Iterator[tuple[str, Values]]:
    """Name and charges of every algorithm on this many links."""
    calq = events.modules(columns).calq[:, geometry.STC_CHANNEL]
    for name, charges in (
        ("threshold sum, through the buffer", _threshold_sum(calq, links)),
        *_super_trigger_cells(calq, links),
        ("best choice", _best_choice(calq, links)),
    ):
        yield f"{name}, {links} links", charges[:, geometry.STC_OF_TRAIN]


def _registers(algorithm: Algorithm, links: int, stc_type: int = 0) -> Registers:
    front_end = replace(FrontEnd.autoencoder(geometry.STC_CHANNEL.tolist()), drop=DROP)
    thresholds = (THRESHOLD_ADC,) * geometry.TRIGGER_CELLS
    return Registers(algorithm, front_end, links=links, thresholds=thresholds, buffer=BUFFER, stc_type=stc_type)


def _threshold_sum(calq: Codes, links: int) -> Values:
    registers, bx = _registers(Algorithm.THRESHOLD_SUM, links), np.arange(len(calq)) % ORBIT
    whole, truncated_sum = threshold_sum.compute(calq, bx, registers)
    buffer, receiver = threshold_sum.OutputBuffer(registers), threshold_sum.InputBuffer(registers)
    words = buffer.push(*threshold_sum.pack_frames(whole), truncated_sum, bx)
    received = threshold_sum.charges(receiver.push(words), registers)["charge"]
    complete = np.zeros(calq.shape)  # frames still in the buffer after the last row have not arrived
    complete[: len(received)] = received
    return complete


def _super_trigger_cells(calq: Codes, links: int) -> Iterator[tuple[str, Values]]:
    for name, stc_type in STC_TYPES.items():
        registers = _registers(Algorithm.SUPER_TRIGGER_CELL, links, stc_type)
        fields = super_trigger_cell.compute(calq, np.zeros(len(calq), np.int64), registers)
        words = super_trigger_cell.pack(fields, registers)
        charges = super_trigger_cell.charges(super_trigger_cell.unpack(words, registers), registers)
        yield f"{name}, sum at the largest", charges["largest"]
        yield f"{name}, sum shared equally", charges["shared"]


def _best_choice(calq: Codes, links: int) -> Values:
    registers = _registers(Algorithm.BEST_CHOICE, links)
    words = best_choice.pack(best_choice.compute(calq, np.zeros(len(calq), np.int64), registers), registers)
    return best_choice.charges(best_choice.unpack(words, registers), registers)["charge"]
