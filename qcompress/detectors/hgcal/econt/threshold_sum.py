"""Threshold sum: the trigger cells above their thresholds, of variable number, through an output buffer.

Frame: BX(5) | type(3) | sum(8) | payload, padded to 16-bit words. Type 000: nothing selected. 010: fewer than 8: their
number (3), addresses (6), charges (7). 100: 48-bit map, charges. Truncated, 16 bits: BX(5) | 11t | sum of all (8).
The buffer decides what is truncated; where it runs empty, idle words BX(5) | pattern(11) fill the links.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.econt.frames import (
    OUTPUT_LINKS,
    BadFrame,
    Charges,
    Flags,
    FrameReader,
    FrameWriter,
    cells_of_addresses,
    flags_to_map,
    header5,
    map_to_flags,
)
from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS, decode_code, encode
from qcompress.detectors.hgcal.econt.registers import KEYS, Registers, required
from qcompress.detectors.hgcal.econt.word_files import Words32
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Values

MAP_FROM = 8
"""From so many selected cells on the frame holds a map instead of addresses."""
NONE, ADDRESSES, MAP, TRUNCATED = 0b000, 0b010, 0b100, 0b110
"""Frame types; the lowest bit of a truncated one says that it was cut for T2 and T3."""
FRAME_TYPES = (NONE, ADDRESSES, MAP, TRUNCATED, TRUNCATED | 1)

Words16 = npt.NDArray[np.uint16]


@dataclass(frozen=True, eq=False)
class ThresholdSumFields:
    """One frame a row.

    header (n,): 5 bits; type (n,): 3 bits; sum (n,): 5E3M; kept (n, 48); charge (n, 48) uint8: 4E3M
    codes, 0 where not kept.
    """

    header: Codes
    type: Codes
    sum: Codes
    kept: Flags
    charge: Charges


def compute(calq: Codes, bx: Codes, registers: Registers) -> tuple[ThresholdSumFields, Codes]:
    """Calibrated charges, `calq` (n, 48), and `bx` (n,) -> fields of whole frames, and the sums (n,) of truncated ones.

    registers: thresholds, bits dropped, which cells the sum has. Raises QcompressError without thresholds.
    """
    threshold = np.array(required(registers.thresholds, KEYS["thresholds"]))[:, None]
    by_cell = calq.T
    kept = (by_cell >= threshold) & (threshold > 0)
    number = np.count_nonzero(kept, axis=0)
    total = by_cell.sum(axis=0)
    truncated_sum = encode(total, 0, 5, 3)
    remaining = total - np.where(kept, by_cell, 0).sum(axis=0)
    sum_ = truncated_sum if registers.use_sum else encode(remaining, 0, 5, 3)
    kind = np.where(number == 0, NONE, np.where(number < MAP_FROM, ADDRESSES, MAP))
    charge = (encode(by_cell, registers.front_end.drop, 4, 3).astype(np.uint8) * kept).T
    whole = ThresholdSumFields(header5(bx), kind, sum_, np.ascontiguousarray(kept.T), np.ascontiguousarray(charge))
    return whole, truncated_sum


def pack_frames(fields: ThresholdSumFields) -> tuple[Words16, Codes]:
    """The `fields` of n frames -> frames (n, 26) of 16-bit words, zeros behind their end, and lengths (n,) in words."""
    kept = fields.kept
    number = np.count_nonzero(kept, axis=1)
    place = np.flatnonzero(kept)
    cells = _to_the_front((place % TRIGGER_CELLS).astype(np.uint8), number)
    charge = _to_the_front(fields.charge.ravel()[place], number)
    frames = np.zeros((OUTPUT_LINKS, len(kept)), np.uint32)
    for count in range(MAP_FROM):
        rows = np.flatnonzero((number == count) & (fields.type != MAP))
        if len(rows):
            frame = _begin(fields, rows)
            if count:
                frame.put(number[rows], 3)
                frame.put(cells[rows, :count], 6)
                frame.put(charge[rows, :count], 7)
            frames[:, rows] = frame.by_link
    rows = np.flatnonzero(fields.type == MAP)
    if len(rows):
        frame = _begin(fields, rows)
        frame.put(flags_to_map(kept[rows]), 24)
        frame.put(charge[rows], 7)
        frames[:, rows] = frame.by_link
    return _halves(frames.T), _lengths(fields.type, number)


def _begin(fields: ThresholdSumFields, rows: Codes) -> FrameWriter:
    frame = FrameWriter(len(rows))
    for field, width in ((fields.header, 5), (fields.type, 3), (fields.sum, 8)):
        frame.put(field[rows], width)
    return frame


def _lengths(kind: Codes, number: Codes) -> Codes:
    """16-bit words of frames of a type with a number of cells."""
    bits = np.select([kind == ADDRESSES, kind == MAP], [19 + 13 * number, 16 + TRIGGER_CELLS + 7 * number], 16)
    return np.asarray(-(-bits // 16))


def _to_the_front(values: Charges, number: Codes) -> Charges:
    """Values of rows one behind the other, `number` (n,) a row -> (n, most in a row), zeros behind."""
    front = np.zeros((len(number), int(number.max(initial=0))), np.uint8)
    front[np.arange(front.shape[1]) < number[:, None]] = values
    return front


def _halves(words: Words32) -> Words16:
    """Link words (n, links) -> 16-bit words (n, 2 links), upper half first."""
    return np.ascontiguousarray(words).astype(">u4").view(">u2").astype(np.uint16)


class OutputBuffer:
    """The chip's output buffer; keeps what waits from one chunk of bunch crossings to the next."""

    def __init__(self, registers: Registers) -> None:
        self.thresholds = required(registers.buffer, KEYS["buffer"])
        self.leaving = 2 * registers.active_links
        self.pattern = registers.link_reset_pattern
        self.waiting: Words16 = np.zeros(0, np.uint16)

    def push(self, frames: Words16, lengths: Codes, truncated_sum: Codes, bx: Codes) -> Words32:
        """Whole frames (n, 26), lengths (n,), sums of truncated frames (n,), BX (n,) -> link words (n, 13).

        frames, lengths: as of `pack_frames`; truncated_sum, bx: as of `compute`.
        """
        cut, leaving = self._decide(lengths.tolist())
        header = header5(bx)
        short = header << 11 | np.maximum(cut, TRUNCATED) << 8 | truncated_sum
        queued = np.where(cut > 0, 1, lengths)
        first = np.where(cut > 0, short, frames[:, 0]).astype(np.uint16)
        content = np.concatenate([first[:, None], frames[:, 1:]], axis=1)
        inside = np.arange(content.shape[1]) < queued[:, None]
        queue = np.concatenate([self.waiting, content[inside]])
        start = np.cumsum(leaving) - leaving
        place = np.arange(self.leaving)
        from_queue = place < leaving[:, None]
        words = np.repeat((header << 11 | self.pattern).astype(np.uint16)[:, None], self.leaving, axis=1)
        words[from_queue] = queue[(start[:, None] + place)[from_queue]]
        self.waiting = queue[int(leaving.sum()) :]
        links = np.zeros((len(words), OUTPUT_LINKS), np.uint32)
        links[:, : self.leaving // 2] = words.astype(">u2").view(">u4")
        return links

    def _decide(self, lengths: Sequence[int]) -> tuple[Codes, Codes]:
        """Which frames are cut (0, or the truncated type) and how many words of the queue leave at each BX."""
        t1, t2, t3 = self.thresholds
        most, waiting = self.leaving, len(self.waiting)
        cut, before = [0] * len(lengths), []
        for row, length in enumerate(lengths):
            if waiting + length > t1:
                cut[row] = TRUNCATED
                waiting += 1
            elif waiting > t2 and length <= t3:
                cut[row] = TRUNCATED | 1
                waiting += 1
            else:
                waiting += length
            before.append(waiting)
            waiting = waiting - most if waiting > most else 0
        return np.array(cut, np.int64), np.minimum(np.array(before, np.int64), most)


class InputBuffer:
    """The way back: takes link words as they come and gives the frames they complete; keeps the rest."""

    def __init__(self, registers: Registers) -> None:
        self.links, self.pattern = registers.active_links, registers.link_reset_pattern
        if self.pattern >> 8 in FRAME_TYPES:
            raise QcompressError(
                f"registers: link_reset_pattern {registers.link_reset_pattern} makes idle words look like frames;"
                " the output cannot be decoded"
            )
        self.waiting: Words16 = np.zeros(0, np.uint16)

    def push(self, words: Words32) -> ThresholdSumFields:
        """Link words (n, 13) -> fields of the frames that are complete now, in order of their BX.

        Raises BadFrame for a frame that the chip does not send and for a word that is neither frame nor idle.
        """
        stream = np.concatenate([self.waiting, _halves(words[:, : self.links]).ravel()])
        padded = np.concatenate([stream, np.zeros(2 * OUTPUT_LINKS, np.uint16)])
        lengths = frame_lengths(padded)[: len(stream)].tolist()
        kind = (stream >> 8 & 7).tolist()
        starts, place = [], 0
        while place < len(stream) and place + lengths[place] <= len(stream):
            if kind[place] in FRAME_TYPES:
                starts.append(place)
            elif stream[place] & 2047 != self.pattern:
                raise BadFrame(len(starts), f"before it comes {stream[place]:04x}, neither a frame nor an idle word")
            place += lengths[place]
        self.waiting = stream[place:]
        index = np.array(starts, np.int64)[:, None] + np.arange(2 * OUTPUT_LINKS)
        return unpack_frames(padded[index])


def frame_lengths(stream: Words16) -> Codes:
    """For every place of a stream of 16-bit words: the words of the frame or idle word that would begin there."""
    words = stream.astype(np.int64)
    ones = np.bitwise_count(stream).astype(np.int64)
    following = [np.concatenate([x[1:], np.zeros(3, np.int64)]) for x in (words, ones)]
    in_map = sum(following[1][k : k + len(words)] for k in range(3))
    few = following[0][: len(words)] >> 13
    kind = words >> 8 & 7
    return _lengths(kind, np.where(kind == MAP, in_map, few))


def unpack_frames(frames: Words16) -> ThresholdSumFields:
    """The `frames` (n, 26) of 16-bit words -> fields; what lies behind the end of a frame is ignored.

    Raises BadFrame for a frame that the chip does not send.
    """
    links = frames.astype(">u2").view(">u4").astype(np.uint32)
    frame = FrameReader(links)
    header, kind, sum_, number = frame.take(5), frame.take(3), frame.take(8), frame.take(3)
    kept = np.zeros((len(frames), TRIGGER_CELLS), np.bool_)
    charge = np.zeros((len(frames), TRIGGER_CELLS), np.uint8)
    rows = np.flatnonzero(kind == MAP)
    reader = _after_header(links[rows], 16)
    kept[rows] = flags = map_to_flags(reader.take_many(2, 24))
    in_map = np.count_nonzero(flags, axis=1)
    codes = reader.take_many(TRIGGER_CELLS, 7)
    charge[np.repeat(rows, in_map), np.nonzero(flags)[1]] = codes[np.arange(TRIGGER_CELLS) < in_map[:, None]]
    for count in range(1, MAP_FROM):
        rows = np.flatnonzero((kind == ADDRESSES) & (number == count))
        reader = _after_header(links[rows], 19)
        cells = reader.take_many(count, 6)
        try:
            kept[rows] = cells_of_addresses(cells)
        except BadFrame as fault:
            raise BadFrame(int(rows[fault.row]), fault.what) from None
        charge[rows[:, None], cells] = reader.take_many(count, 7)
    total = np.count_nonzero(kept, axis=1)
    wrong = ((kind == MAP) & (total < MAP_FROM)) | ((kind == ADDRESSES) & (total == 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadFrame(row, f"type {kind[row]:03b} with {total[row]} trigger cells")
    return ThresholdSumFields(header, kind, sum_, kept, charge)


def _after_header(links: Words32, bits: int) -> FrameReader:
    reader = FrameReader(links)
    reader.bits = bits
    return reader


def charges(fields: ThresholdSumFields, registers: Registers) -> dict[str, Values]:
    """Decoded charges {"charge": (n, 48)} in ADC counts, in the order of the mux; cells that are not sent hold 0.

    fields: of n frames; registers: say how many bits were dropped.
    """
    decoded = decode_code(fields.charge, registers.front_end.drop, 3)
    return {"charge": np.where(fields.kept, decoded, 0).astype(np.float64)}
