"""Offline emulation: words of the read-out chip's input to latents and link words, integers only."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from qcompress.detectors import Firmware
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.words import Words, read_words
from qcompress.detectors.hgcal.encoder.stages import WORDS
from qcompress.errors import QcompressError
from qcompress.files import written_aside
from qcompress.fixedpoint import Codes
from qcompress.progress import Report


def emulate(firmware: Firmware, source: Path, target: Path, overrides: Mapping[str, Any], report: Report) -> str:
    """Words (CSV) -> CSV of BX, raw sum of CALQ, latents 0..15 and the latent word in hex, OUT_15 first.

    firmware: the candidate's integers; source: words; target: file to write, whole or not at all; overrides: registers
    that are replaced, by name; report: told how many bunch crossings are done. Returns a line saying how many rows were
    written. Raises QcompressError if source and target are one file.
    """
    front_end = replace(FrontEnd.from_mapping(firmware.front_end), **overrides)
    ((name, graph),) = firmware.graphs.items()
    chain, bits = firmware.chains[name], graph.output_format.width
    if target.resolve() == source.resolve():
        raise QcompressError(f"{target}: is the input itself; give another output file")
    rows = 0
    with written_aside(target) as file:
        file.write(header(graph.output_shape[0]).encode())
        for words in read_words(source, tc_order=front_end.tc_order):
            made = chain.run(words.codes)
            calq = front_end.charges(words.codes)
            file.write(csv_rows(words, calq, made[graph.name], made[WORDS], bits).encode())
            rows += len(words.bx)
            report(rows, rows, f"{rows} bunch crossings")
    return f"{rows} bunch crossings, {graph.output_shape[0]} x {bits} bits each, written to {target}"


def header(latents: int) -> str:
    """First line of the CSV of candidates with so many `latents`."""
    return ",".join(["BX", "CALQ_SUM", *(f"LATENT_{k}" for k in range(latents)), "WORD"]) + "\n"


def csv_rows(words: Words, calq: Codes, latents: Codes, latent_words: Codes, bits: int) -> str:
    """One line per bunch crossing of `words`; calq (n, 48), latents (n, 16) of `bits` bits each.

    latent_words: (n, k), the same latents packed into words of 32 bits.
    """
    columns = np.column_stack([words.bx, calq.sum(axis=1), latents]).tolist()
    words_hex = in_hexadecimal(latent_words, latents.shape[1] * bits)
    return "".join(",".join(map(str, row)) + f",{word}\n" for row, word in zip(columns, words_hex, strict=True))


def in_hexadecimal(words: Codes, bits: int) -> list[str]:
    """One hexadecimal number a row of `words` (n, k) of 32 bits, the last `bits` of all of them used."""
    digits = -(-bits // 4)
    return ["".join(f"{word:08x}" for word in row)[-digits:] for row in words.tolist()]
