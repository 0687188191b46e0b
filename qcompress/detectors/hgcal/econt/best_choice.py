"""Best choice: the trigger cells of largest charge, as many as the links have room for.

Order: Batcher's merge exchange (Knuth, The Art of Computer Programming vol. 3, 5.2.2, algorithm M) for 48 elements,
descending. It compares charges alone and exchanges only a smaller with a larger one, so that the network decides ties.
Frame: BX(4) | sum(8) | addresses (fewer than 8) or 48-bit map | charges, by ascending address.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from qcompress.detectors.hgcal.econt.frames import (
    Flags,
    FrameReader,
    FrameWriter,
    flags_to_map,
    header4,
    map_to_flags,
)
from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS, decode_code, encode
from qcompress.detectors.hgcal.econt.registers import Registers
from qcompress.detectors.hgcal.econt.word_files import Words32
from qcompress.fixedpoint import Codes, Values

KEPT = (1, 4, 6, 9, 14, 18, 23, 28, 32, 37, 41, 46, 48)
"""Trigger cells sent on 1..13 links."""
CHARGE_MAX = (1 << 18) - 1
"""The sorter's charges have 18 bits and saturate."""
MAP_FROM = 8
"""From so many cells on the frame holds a map instead of addresses."""


@dataclass(frozen=True, eq=False)
class BestChoiceFields:
    """header (n,): 4 bits; sum (n,): 5E3M; kept (n, 48); charge (n, 48): 4E3M codes, 0 where not kept."""

    header: Codes
    sum: Codes
    kept: Flags
    charge: Codes


@cache
def comparators(count: int) -> tuple[tuple[int, int, int], ...]:
    """Merge exchange for `count` elements: (first, last + 1, distance) runs of comparators i <-> i + distance.

    Comparators of a run touch different elements; runs come in the order of algorithm M (p, q, r, d).
    """
    runs: list[tuple[int, int, int]] = []
    top = p = 1 << ((count - 1).bit_length() - 1)
    while p > 0:
        q, r, d = top, 0, p
        while True:
            for start in range(r, count - d, 2 * p):
                # d is an odd multiple of p: i and i + d differ in bit p, so runs of p comparators are disjoint
                runs.append((start, min(start + p, count - d), d))
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return tuple(runs)


def sorted_addresses(q: Codes) -> Codes:
    """Charges (n, 48), 18 bits -> addresses (n, 48) as the network orders them, largest charge first."""
    keys = np.empty((TRIGGER_CELLS, len(q)), np.int32)
    keys[...] = q.T
    keys <<= 6
    keys |= np.arange(TRIGGER_CELLS, dtype=np.int32)[:, None]
    for first, end, distance in comparators(TRIGGER_CELLS):
        upper, lower = keys[first:end], keys[first + distance : end + distance]
        exchange = ((upper | 63) - lower) >> 31  # all ones where the charge of `lower` is larger
        exchange &= upper ^ lower
        upper ^= exchange
        lower ^= exchange
    return np.asarray(keys & 63, np.int64).T


def compute(calq: Codes, bx: Codes, registers: Registers) -> BestChoiceFields:
    """Calibrated charges (n, 48) and BX (n,) -> fields."""
    q = np.minimum(calq >> registers.front_end.drop, CHARGE_MAX)
    rows, count = len(q), kept_cells(registers)
    kept = np.zeros((rows, TRIGGER_CELLS), np.bool_)
    first = TRIGGER_CELLS * np.arange(rows)
    kept.ravel()[first + sorted_addresses(q)[:, :count].T] = True
    charge = np.where(kept.T, q.T, 0).T
    total = q.sum(axis=1)
    remaining = total if registers.use_sum else total - charge.sum(axis=1)
    return BestChoiceFields(header4(bx), encode(remaining, 0, 5, 3), kept, encode(charge, 0, 4, 3))


def kept_cells(registers: Registers) -> int:
    """How many trigger cells the active links have room for."""
    assert registers.links is not None  # noqa: S101 - Registers.with_links has checked it
    return KEPT[registers.links - 1]


def pack(fields: BestChoiceFields, registers: Registers) -> Words32:
    """Fields -> link words (n, 13)."""
    rows, count = len(fields.header), kept_cells(registers)
    cells = np.flatnonzero(fields.kept)
    frame = FrameWriter(rows)
    frame.put(fields.header, 4)
    frame.put(fields.sum, 8)
    if count < MAP_FROM:
        frame.put(cells.reshape(rows, count) % TRIGGER_CELLS, 6)
    else:
        frame.put(flags_to_map(fields.kept), 24)
    frame.put(np.ascontiguousarray(fields.charge).ravel()[cells].reshape(rows, count), 7)
    return frame.words()


def unpack(words: Words32, registers: Registers) -> BestChoiceFields:
    """Link words (n, 13) -> fields."""
    rows, count = len(words), kept_cells(registers)
    frame = FrameReader(words)
    header, sum_ = frame.take(4), frame.take(8)
    if count < MAP_FROM:
        kept = np.zeros((rows, TRIGGER_CELLS), np.bool_)
        np.put_along_axis(kept, frame.take_many(count, 6), True, axis=1)
    else:
        kept = map_to_flags(frame.take_many(2, 24))
    charge = np.zeros((rows, TRIGGER_CELLS), np.int64)
    charge[kept] = frame.take_many(count, 7).ravel()
    return BestChoiceFields(header, sum_, kept, charge)


def charges(fields: BestChoiceFields, registers: Registers) -> dict[str, Values]:
    """Decoded charges {"charge": (n, 48)} in ADC counts, in the order of the mux; cells that are not kept hold 0."""
    decoded = decode_code(fields.charge, registers.front_end.drop, 3)
    return {"charge": np.where(fields.kept, decoded, 0).astype(np.float64)}
