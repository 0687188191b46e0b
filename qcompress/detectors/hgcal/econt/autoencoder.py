"""The autoencoder's frame: BX(5) | module sum(9) | the kept bits of the 16 latents.

The 144 latent bits run from OUT_15 to OUT_0, most significant bit first; the keep mask picks some, the last of the
picked ones that fit are sent, with zeros before them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from qcompress.detectors.hgcal.econt.frames import FrameReader, FrameWriter, header5
from qcompress.detectors.hgcal.econt.frontend import normalised_cells
from qcompress.detectors.hgcal.econt.numbers import encode
from qcompress.detectors.hgcal.econt.onchip_encoder import LATENTS, chip_latents
from qcompress.detectors.hgcal.econt.registers import (
    LATENT_BITS,
    Registers,
    latent_capacity,
    weights_from_registers,
)
from qcompress.detectors.hgcal.econt.word_files import Words32
from qcompress.fixedpoint import Codes, Overflow

WIDTH = 9


@dataclass(frozen=True, eq=False)
class AutoencoderFields:
    """header (n,): 5 bits; sum (n,): 5E4M; latent (n, 16): codes of ufixed<9,1>, OUT_0 first."""

    header: Codes
    sum: Codes
    latent: Codes


def compute(calq: Codes, bx: Codes, registers: Registers, overflow: Overflow = Overflow.WRAP) -> AutoencoderFields:
    """Calibrated charges, `calq` (n, 48) in AE order, and `bx` (n,) -> fields, all latent bits.

    registers: have the encoder's weights, QcompressError if not; overflow: WRAP or SAT, of the encoder's casts.
    """
    latent = chip_latents(weights_from_registers(registers), normalised_cells(calq), overflow)
    return AutoencoderFields(header5(bx), encode(calq.sum(axis=1), 0, 5, 4), latent)


def sent_bits(registers: Registers) -> Iterator[tuple[int, int, int]]:
    """Runs of latent bits in the order they are sent: (latent, shift of the run's last bit, width).

    registers: their keep mask picks the bits, their links limit them.
    """
    kept = [bit for bit in range(LATENT_BITS) if registers.keep_mask >> (LATENT_BITS - 1 - bit) & 1]
    left = kept[-latent_capacity(registers.active_links) :]
    while left:
        latent, place = LATENTS - 1 - left[0] // WIDTH, left[0] % WIDTH
        width = 1
        while width < min(len(left), WIDTH - place) and left[width] == left[0] + width:
            width += 1
        yield latent, WIDTH - place - width, width
        left = left[width:]


def padding(registers: Registers) -> int:
    """Zeros before the first latent bit of a frame that these `registers` send."""
    return latent_capacity(registers.active_links) - sum(width for _, _, width in sent_bits(registers))


def pack(fields: AutoencoderFields, registers: Registers) -> Words32:
    """The `fields` of n frames -> link words (n, 13); registers: say which latent bits are sent, on how many links."""
    frame = FrameWriter(len(fields.header))
    frame.put(fields.header, 5)
    frame.put(fields.sum, 9)
    frame.skip(padding(registers))
    for latent, shift, width in sent_bits(registers):
        frame.put(fields.latent[:, latent] >> shift & ((1 << width) - 1), width)
    return frame.words()


def unpack(words: Words32, registers: Registers) -> AutoencoderFields:
    """Link words (n, 13), `words`, -> fields; latent bits that the `registers` do not send are 0."""
    frame = FrameReader(words)
    header, sum_ = frame.take(5), frame.take(9)
    frame.bits += padding(registers)
    latents = np.zeros((LATENTS, len(words)), np.int64)
    for latent, shift, width in sent_bits(registers):
        latents[latent] |= frame.take(width) << shift
    return AutoencoderFields(header, sum_, latents.T)
