"""The chip's other algorithms on the modules of a sample: what arrives behind the links, as charges.

Every module is calibrated to transverse charge with its own CAL = round(2^11 / cosh eta). Rows stand for consecutive
bunch crossings: the threshold sum's buffer goes on from row to row.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal import geometry
from qcompress.detectors.hgcal.baselines import ADC_PER_MIPT, THRESHOLD_MIPT
from qcompress.detectors.hgcal.econt import best_choice, super_trigger_cell, threshold_sum
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import CALIBRATION_ONE, Density, calibrate, decode
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers
from qcompress.detectors.hgcal.econt.words import ORBIT
from qcompress.fixedpoint import Codes, Values

THRESHOLD_ADC = int(THRESHOLD_MIPT * ADC_PER_MIPT)
"""1.35 mipT of 35.1 counts, rounded down, as in the public register files."""
BUFFER = (48, 500, 0)
"""T1, T2, T3 of the public register file for two links."""
STC16 = 1
"""Register stc_type: 16 trigger cells a group, 9 bits of energy."""


def transverse_calq(codes: Codes, eta: npt.ArrayLike) -> Codes:
    """Codes (n, 48) in channel order, module eta (n,) -> calibrated transverse CALQ (n, 48) in the order of STC."""
    calibration = np.rint(CALIBRATION_ONE / np.cosh(np.asarray(eta, np.float64))).astype(np.int64)
    return calibrate(decode(codes[:, geometry.STC_CHANNEL], Density.HD), calibration[:, None])


def decoded_algorithms(codes: Codes, eta: npt.ArrayLike, links: int) -> Iterator[tuple[str, Values]]:
    """Name and charges (n, 48) in train order of each algorithm on this many links, module by module."""
    calq = transverse_calq(codes, eta)
    bx = np.arange(len(calq)) % ORBIT
    front_end = replace(FrontEnd.autoencoder(geometry.STC_CHANNEL.tolist()), drop=3)
    for algorithm, decode_links in (
        (Algorithm.THRESHOLD_SUM, _threshold_sum),
        (Algorithm.SUPER_TRIGGER_CELL, _super_trigger_cell),
        (Algorithm.BEST_CHOICE, _best_choice),
    ):
        registers = Registers(
            algorithm,
            front_end,
            links=links,
            thresholds=(THRESHOLD_ADC,) * geometry.TRIGGER_CELLS,
            buffer=BUFFER,
            stc_type=STC16,
        )
        for name, charges in decode_links(calq, bx, registers):
            yield f"{name}, {links} links", charges[:, geometry.STC_OF_TRAIN]


def _threshold_sum(calq: Codes, bx: Codes, registers: Registers) -> Iterator[tuple[str, Values]]:
    whole, truncated_sum = threshold_sum.compute(calq, bx, registers)
    buffer, receiver = threshold_sum.OutputBuffer(registers), threshold_sum.InputBuffer(registers)
    links = buffer.push(*threshold_sum.pack_frames(whole), truncated_sum, bx)
    received = threshold_sum.charges(receiver.push(links), registers)["charge"]
    complete = np.zeros(calq.shape)  # frames still in the buffer after the last row have not arrived
    complete[: len(received)] = received
    yield "threshold sum", complete


def _super_trigger_cell(calq: Codes, bx: Codes, registers: Registers) -> Iterator[tuple[str, Values]]:
    links = super_trigger_cell.pack(super_trigger_cell.compute(calq, bx, registers), registers)
    charges = super_trigger_cell.charges(super_trigger_cell.unpack(links, registers), registers)
    yield "STC16, sum at the largest", charges["largest"]
    yield "STC16, sum shared equally", charges["shared"]


def _best_choice(calq: Codes, bx: Codes, registers: Registers) -> Iterator[tuple[str, Values]]:
    links = best_choice.pack(best_choice.compute(calq, bx, registers), registers)
    yield "best choice", best_choice.charges(best_choice.unpack(links, registers), registers)["charge"]
