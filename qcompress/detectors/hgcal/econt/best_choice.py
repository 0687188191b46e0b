"""Best choice: the trigger cells of largest charge, as many as the links have room for.

Order: Batcher's merge exchange (Knuth, The Art of Computer Programming vol. 3, 5.2.2, algorithm M) for 48 elements,
descending. It compares charges alone and exchanges only a smaller with a larger one, so that the network decides ties.
Frame: BX(4) | sum(8) | addresses (fewer than 8) or 48-bit map | charges, by ascending address.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from qcompress.detectors.hgcal.econt.frames import (
    BadFrame,
    Charges,
    Flags,
    FrameReader,
    FrameWriter,
    cells_of_addresses,
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
NOT_KEPT = 255
"""No 7-bit code."""


@dataclass(frozen=True, eq=False)
class BestChoiceFields:
    """header (n,): 4 bits; sum (n,): 5E3M; kept (n, 48); charge (n, 48) uint8: 4E3M codes, 0 where not kept."""

    header: Codes
    sum: Codes
    kept: Flags
    charge: Charges


@cache
def comparators(count: int) -> tuple[tuple[slice, slice], ...]:
    """Merge exchange for `count` elements: pairs of slices whose elements are compared one by one.

    Slices come in the order of algorithm M (p, q, r, d); within one (p, q, r, d) all comparators touch different
    elements, so that they may be cut into slices either way: `p` with stride 2p, or runs of `p` neighbours.
    """
    pairs: list[tuple[slice, slice]] = []
    top = p = 1 << ((count - 1).bit_length() - 1)
    while p > 0:
        q, r, d = top, 0, p
        while True:
            end = count - d
            strided = [slice(r + place, end, 2 * p) for place in range(min(p, end - r))]
            runs = [slice(first, min(first + p, end), 1) for first in range(r, end, 2 * p)]
            for upper in min(strided, runs, key=len):
                pairs.append((upper, slice(upper.start + d, upper.stop + d, upper.step)))
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return tuple(pairs)


def sort_cells(q: Codes) -> tuple[Codes, Codes]:
    """Charges and addresses as the network orders them, largest first, (48, n) each; q (n, 48): charges of 18 bits."""
    keys = np.empty((TRIGGER_CELLS, len(q)), np.int32)
    keys[...] = q.T
    keys <<= 6
    keys |= np.arange(TRIGGER_CELLS, dtype=np.int32)[:, None]
    for first, second in comparators(TRIGGER_CELLS):
        upper, lower = keys[first], keys[second]
        exchange = upper | 63
        exchange -= lower
        exchange >>= 31  # all ones where the charge of `lower` is the larger
        exchange &= upper ^ lower
        upper ^= exchange
        lower ^= exchange
    return np.asarray(keys >> 6, np.int64), np.asarray(keys & 63, np.int64)


def compute(calq: Codes, bx: Codes, registers: Registers) -> BestChoiceFields:
    """Calibrated charges, `calq` (n, 48), and `bx` (n,) -> fields.

    registers: bits dropped, links, which cells the sum has.
    """
    q = np.minimum(calq >> registers.front_end.drop, CHARGE_MAX)
    count = kept_cells(registers)
    ordered, address = sort_cells(q)
    remaining = (ordered if registers.use_sum else ordered[count:]).sum(axis=0)
    code = np.full((len(q), TRIGGER_CELLS), NOT_KEPT, np.uint8)
    code.ravel()[address[:count] + TRIGGER_CELLS * np.arange(len(q))] = encode(ordered[:count], 0, 4, 3)
    kept = code != NOT_KEPT
    return BestChoiceFields(header4(bx), encode(remaining, 0, 5, 3), kept, code * kept)


def kept_cells(registers: Registers) -> int:
    """How many trigger cells the active links of these `registers` have room for."""
    return KEPT[registers.active_links - 1]


def pack(fields: BestChoiceFields, registers: Registers) -> Words32:
    """The `fields` of n frames -> link words (n, 13); registers: their links decide between addresses and map."""
    rows, count = len(fields.header), kept_cells(registers)
    cells = np.flatnonzero(fields.kept)
    frame = FrameWriter(rows)
    frame.put(fields.header, 4)
    frame.put(fields.sum, 8)
    if count < MAP_FROM:
        frame.put(cells.reshape(rows, count) % TRIGGER_CELLS, 6)
    else:
        frame.put(flags_to_map(fields.kept), 24)
    frame.put(fields.charge.ravel()[cells].reshape(rows, count), 7)
    return frame.words()


def unpack(words: Words32, registers: Registers) -> BestChoiceFields:
    """Link words (n, 13), `words`, of a chip with these `registers` -> fields.

    Raises BadFrame for what the chip does not send.
    """
    count = kept_cells(registers)
    frame = FrameReader(words)
    header, sum_ = frame.take(4), frame.take(8)
    charge = np.zeros((len(words), TRIGGER_CELLS), np.uint8)
    if count < MAP_FROM:
        addresses = frame.take_many(count, 6)
        kept = cells_of_addresses(addresses)
        np.put_along_axis(charge, addresses, frame.take_many(count, 7).astype(np.uint8), axis=1)
    else:
        kept = map_to_flags(frame.take_many(2, 24))
        number = np.count_nonzero(kept, axis=1)
        if (number != count).any():
            row = int(np.argmax(number != count))
            raise BadFrame(row, f"its map names {number[row]} trigger cells, the links have room for {count}")
        charge[kept] = frame.take_many(count, 7).ravel()
    return BestChoiceFields(header, sum_, kept, charge)


def charges(fields: BestChoiceFields, registers: Registers) -> dict[str, Values]:
    """Decoded charges {"charge": (n, 48)} in ADC counts, in the order of the mux; cells that are not kept hold 0.

    fields: of n frames; registers: say how many bits were dropped.
    """
    decoded = decode_code(fields.charge, registers.front_end.drop, 3)
    return {"charge": np.where(fields.kept, decoded, 0).astype(np.float64)}
