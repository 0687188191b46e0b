"""The whole chip: input words -> link words -> fields and decoded charges, chunk by chunk in bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from qcompress.detectors.hgcal.econt import (
    autoencoder,
    best_choice,
    repeater,
    super_trigger_cell,
    threshold_sum,
)
from qcompress.detectors.hgcal.econt.frames import BadFrame
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers, read_registers
from qcompress.detectors.hgcal.econt.word_files import OUTPUT_HEX, Words32, find_layout, format_hex, read_rows
from qcompress.detectors.hgcal.econt.words import ORBIT, Words, read_words
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.fixedpoint import Codes, Overflow, Values

CHUNK_ROWS = ORBIT

Fields = Any
"""The fields dataclass of one of the algorithm modules."""
Stage = Callable[[Any], Any]


def _frame_by_frame(module: Any, registers: Registers) -> tuple[Stage, Stage]:
    """Algorithms whose output at a BX depends on that BX alone."""

    def frames(words: Words) -> Words32:
        calq = registers.front_end.charges(words.codes)
        packed: Words32 = module.pack(module.compute(calq, words.bx, registers), registers)
        return packed

    return frames, lambda packed: packed


def _autoencoder(registers: Registers, overflow: Overflow) -> tuple[Stage, Stage]:
    def frames(words: Words) -> Words32:
        calq = registers.front_end.charges(words.codes)
        return autoencoder.pack(autoencoder.compute(calq, words.bx, registers, overflow), registers)

    return frames, lambda packed: packed


def _threshold_sum(registers: Registers) -> tuple[Stage, Stage]:
    buffer = threshold_sum.OutputBuffer(registers)

    def frames(words: Words) -> tuple[threshold_sum.Words16, Codes, Codes, Codes]:
        calq = registers.front_end.charges(words.codes)
        whole, truncated_sum = threshold_sum.compute(calq, words.bx, registers)
        return (*threshold_sum.pack_frames(whole), truncated_sum, words.bx)

    return frames, lambda packed: buffer.push(*packed)


def _ahead(stage: Stage, items: Iterable[Any]) -> Iterator[Any]:
    """The results of `stage` in order, computed by two threads, at most three items ahead of the taker."""
    with ThreadPoolExecutor(2) as pool:
        running: deque[Future[Any]] = deque()
        for item in items:
            running.append(pool.submit(stage, item))
            if len(running) > 3:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def run_chip(
    registers: Registers,
    words: Iterable[Words],
    etx: int | None = None,
    overflow: Overflow = Overflow.WRAP,
) -> Iterator[Words32]:
    """Chunks of input words -> chunks of link words (n, 13) uint32, links that are not active 0.

    The threshold sum's buffer goes on from chunk to chunk. etx: number of active links, None as the registers say;
    overflow: of the encoder's activations, WRAP or SAT. Raises QcompressError if the registers lack something.
    """
    ready = registers.with_links(etx)
    stages: dict[Algorithm, Callable[[], tuple[Stage, Stage]]] = {
        Algorithm.THRESHOLD_SUM: lambda: _threshold_sum(ready),
        Algorithm.SUPER_TRIGGER_CELL: lambda: _frame_by_frame(super_trigger_cell, ready),
        Algorithm.BEST_CHOICE: lambda: _frame_by_frame(best_choice, ready),
        Algorithm.REPEATER: lambda: _frame_by_frame(repeater, ready),
        Algorithm.AUTOENCODER: lambda: _autoencoder(ready, overflow),
    }
    frames, links = stages[ready.algorithm]()
    return (links(packed) for packed in _ahead(frames, words))


def run_file(
    init_yaml: str | PathLike[str],
    input_csv: str | PathLike[str],
    output_csv: str | PathLike[str],
    tc_order: str | None = None,
    etx: int | None = None,
    *,
    overflow: Overflow = Overflow.WRAP,
    number_format: str | None = None,
) -> int:
    """Run a file of input words through the chip; writes 13 hex words a row, returns the number of rows.

    init_yaml: register file; input_csv: words, hex or decimal as their header says, or `number_format` without one;
    output_csv: appears whole or not at all; tc_order, etx: instead of what the register file says; overflow: WRAP or
    SAT, of the encoder's casts. Raises QcompressError naming file and row, or key.
    """
    registers = read_registers(init_yaml).with_tc_order(tc_order)
    words = read_words(input_csv, registers.front_end.tc_order, CHUNK_ROWS, number_format)
    rows = 0
    links = run_chip(registers, words, etx, overflow)
    with written_aside(Path(output_csv)) as file:
        file.write(OUTPUT_HEX.header.encode() + b"\n")
        for chunk in links:
            file.write(format_hex(chunk))
            rows += len(chunk)
    return rows


@dataclass(frozen=True, eq=False)
class Decoded:
    """Some consecutive frames: the fields and, but for the autoencoder, charges (n, 48) by decoding, ADC counts."""

    fields: Fields
    charges: dict[str, Values]


def decode_chip(registers: Registers, words: Iterable[Words32], etx: int | None = None) -> Iterator[Decoded]:
    """Chunks of link words, `words` (n, 13), -> fields and charges in the order of the mux.

    registers: of the chip that sent them; etx: active links instead of theirs. Of the threshold sum only complete
    frames come out, the k-th frame belonging to the k-th BX.
    """
    ready = registers.with_links(etx)
    unpackers: dict[Algorithm, Callable[[], Stage]] = {
        Algorithm.THRESHOLD_SUM: lambda: threshold_sum.InputBuffer(ready).push,
        Algorithm.SUPER_TRIGGER_CELL: lambda: partial(super_trigger_cell.unpack, registers=ready),
        Algorithm.BEST_CHOICE: lambda: partial(best_choice.unpack, registers=ready),
        Algorithm.REPEATER: lambda: partial(repeater.unpack, registers=ready),
        Algorithm.AUTOENCODER: lambda: partial(autoencoder.unpack, registers=ready),
    }
    return _decode(unpackers[ready.algorithm](), words, ready)


CHARGES: dict[Algorithm, Callable[[Fields, Registers], dict[str, Values]]] = {
    Algorithm.THRESHOLD_SUM: threshold_sum.charges,
    Algorithm.SUPER_TRIGGER_CELL: super_trigger_cell.charges,
    Algorithm.BEST_CHOICE: best_choice.charges,
    Algorithm.REPEATER: repeater.charges,
    Algorithm.AUTOENCODER: lambda found, registers: {},
}


def _decode(unpack: Stage, words: Iterable[Words32], registers: Registers) -> Iterator[Decoded]:
    frames = 0
    for chunk in words:
        try:
            found = unpack(chunk)
        except BadFrame as fault:
            where = f"frame {frames + fault.row + 1} of the {registers.algorithm.name.lower().replace('_', ' ')}"
            raise QcompressError(f"{where}: {fault.what}; are these the registers it was sent with?") from None
        frames += len(found.header)
        yield Decoded(found, CHARGES[registers.algorithm](found, registers))


def decode_file(
    init_yaml: str | PathLike[str],
    output_csv: str | PathLike[str],
    fields_csv: str | PathLike[str] | None = None,
    *,
    charges_csv: str | PathLike[str] | None = None,
    etx: int | None = None,
    decoding: str | None = None,
) -> int:
    """Decode a file of link words into CSV files of fields and of charges; returns the number of frames.

    init_yaml: register file; output_csv: the chip's output, 13 words a row; etx: active links instead of the
    registers'. fields_csv: one column a field, 48 where it is one per trigger cell; charges_csv: CALQ_0..47 in the
    order of the mux, in ADC counts; decoding: "largest" or "shared", for super trigger cells (default: the first there
    is). Raises QcompressError for a file of input words, for frames that the chip does not send, and for charges of the
    autoencoder.
    """
    registers = read_registers(init_yaml)
    source = Path(output_csv)
    layout, skip = find_layout(source, OUTPUT_HEX)
    if layout is not OUTPUT_HEX:
        raise QcompressError(f"{source}: these are input words of the chip, not its output")
    if charges_csv is not None and registers.algorithm is Algorithm.AUTOENCODER:
        raise QcompressError("the autoencoder's charges come from its decoder network, not from its frames")
    frames = decode_chip(registers, read_rows(source, layout, skip, CHUNK_ROWS), etx)
    writers = [(fields_csv, lambda part: _columns(part.fields)), (charges_csv, lambda part: _charges(part, decoding))]
    return _write_tables(frames, [(Path(path), table) for path, table in writers if path is not None])


Table = dict[str, np.ndarray[tuple[int], np.dtype[Any]]]


def _columns(found: Fields) -> Table:
    """The arrays of a fields dataclass as named columns: `sum`, `charge_0` .. `charge_47`."""
    columns: Table = {}
    for field in fields(found):
        array = getattr(found, field.name)
        if array.ndim == 1:
            columns[field.name] = array
        else:
            columns |= {f"{field.name}_{place}": column for place, column in enumerate(array.T)}
    return columns


def _charges(part: Decoded, decoding: str | None) -> Table:
    name = decoding if decoding is not None else next(iter(part.charges))
    if name not in part.charges:
        raise QcompressError(f"decoding {name!r} is none of {', '.join(part.charges)}")
    return {f"CALQ_{cell}": column for cell, column in enumerate(part.charges[name].T)}


def _write_tables(frames: Iterable[Decoded], tables: list[tuple[Path, Callable[[Decoded], Table]]]) -> int:
    """Write each table of every chunk of frames; all files appear at the end."""
    if not tables:
        return sum(len(part.fields.header) for part in frames)
    (path, table), *others = tables
    with written_aside(path) as file:
        return _write_tables(_writing(frames, file, table), others)


def _writing(frames: Iterable[Decoded], file: BinaryIO, table: Callable[[Decoded], Table]) -> Iterator[Decoded]:
    for number, part in enumerate(frames):
        columns = table(part)
        if number == 0:
            file.write((",".join(columns) + "\n").encode())
        file.write(_csv_lines(columns))
        yield part


def _csv_lines(columns: Table) -> bytes:
    """Integers as such, other numbers with the shortest text that reads back the same."""
    texts = [_texts(column) for column in columns.values()]
    return "".join(",".join(row) + "\n" for row in zip(*texts, strict=True)).encode()


def _texts(column: np.ndarray[tuple[int], np.dtype[Any]]) -> list[str]:
    whole = column.astype(np.int64)
    values = whole if np.array_equal(whole, column) else column
    return [repr(value) for value in values.tolist()]
