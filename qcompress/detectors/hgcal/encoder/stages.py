"""The integer stages around the encoder: trigger-cell codes to the normalised image, latents to words."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcompress.detectors.hgcal.econt.frames import FrameWriter
from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT, FrontEnd, normalise
from qcompress.detectors.hgcal.module.geometry import IMAGE_SHAPE, TRIGGER_CELLS
from qcompress.fixedpoint import Codes, Format
from qcompress.graph.stage import Shape

CODE_FORMAT = Format(False, 7, 7)
WORD_FORMAT = Format(False, 32, 32)
WORDS = "words"
"""Name of the stage that makes words of latents."""


@dataclass(frozen=True)
class Normaliser:
    """A Stage: 7-bit codes (n, 48) in channel order -> normalised codes (n, 8, 8, 1)."""

    front_end: FrontEnd
    name: str = "normaliser"
    input_shape: Shape = (TRIGGER_CELLS,)
    input_format: Format = CODE_FORMAT
    output_shape: Shape = IMAGE_SHAPE
    output_format: Format = IMAGE_FORMAT

    def run(self, codes: Codes) -> Codes:
        """Trigger-cell `codes` (n, 48) of 7 bits -> the codes (n, 8, 8, 1) of the image in front of the encoder."""
        return normalise(self.front_end.charges(codes))

    def content_hash(self) -> str:
        """SHA-256 over the registers."""
        return hashlib.sha256(f"normaliser {self.front_end.to_json()}".encode()).hexdigest()

    def cpp(self) -> Sequence[str]:
        """One module: charges of the multiplexed trigger cells, their sum, each of them over its leading power of two.

        Charges have 33 bits at most, so that 64 hold a charge 2^7 times as large.
        """
        mux, calibration = (", ".join(map(str, given)) for given in (self.front_end.mux, self.front_end.calibration))
        return (
            f"constexpr int mux[{TRIGGER_CELLS}] = {{{mux}}};",
            f"constexpr std::uint64_t calibration[{TRIGGER_CELLS}] = {{{calibration}}};",
            f"std::uint64_t calq[{TRIGGER_CELLS}], sum = 0;",
            f"for (int i = 0; i < {TRIGGER_CELLS}; i++) {{",
            "    const unsigned code = in[mux[i]], exponent = code >> 3, mantissa = code & 7;",
            f"    const unsigned shift = (exponent ? exponent - 1 : 0) + {int(self.front_end.density)};",
            "    const std::uint64_t edge = std::uint64_t(mantissa + (exponent ? 8 : 0)) << shift;",
            "    calq[i] = (edge + ((std::uint64_t(1) << shift) >> 1)) * calibration[i] >> 11;",
            "    sum += calq[i];",
            "}",
            "int leading = 0;",
            "while (sum >> (leading + 1)) leading++;",
            "for (int i = 0; i < 64; i++) out[i] = 0;",
            "// Rows 0-3 hold trigger cells 0..31, rows 4-7 hold 32..47 in their columns 0-3.",
            f"for (int i = 0; i < {TRIGGER_CELLS}; i++)",
            "    out[i < 32 ? i : 32 + (i - 32) / 4 * 8 + (i - 32) % 4] = (calq[i] << 7) >> leading;",
        )


@dataclass(frozen=True)
class LatentWords:
    """A Stage: latents (n, count) of `bits` bits -> words (n, words) of 32 bits.

    The last latent stands in the highest bits, as on the links; zeros before it fill the first word.
    """

    input_shape: Shape
    input_format: Format
    name: str = WORDS
    output_format: Format = WORD_FORMAT

    @property
    def output_shape(self) -> Shape:
        return (-(-self.input_shape[0] * self.input_format.width // WORD_FORMAT.width),)

    def run(self, codes: Codes) -> Codes:
        """Latent `codes` (n, count) -> words (n, words) of 32 bits."""
        bits, count = self.input_format.width, self.output_shape[0]
        frame = FrameWriter(len(codes), count)
        frame.skip(count * WORD_FORMAT.width - self.input_shape[0] * bits)
        frame.put(codes[:, ::-1], bits)
        return frame.words().astype(np.int64)

    def content_hash(self) -> str:
        """SHA-256 over shape and format."""
        return hashlib.sha256(f"words {self.input_shape} {self.input_format}".encode()).hexdigest()

    def cpp(self) -> Sequence[str]:
        """One module's words, bit by bit from the lowest."""
        bits, words = self.input_format.width, self.output_shape[0]
        return (
            f"for (int word = 0; word < {words}; word++) out[word] = 0;",
            f"for (int place = 0; place < {self.input_shape[0] * bits}; place++) {{",
            f"    const std::uint32_t bit = (std::uint32_t(in[place / {bits}]) >> (place % {bits})) & 1;",
            f"    out[{words - 1} - place / 32] |= bit << (place % 32);",
            "}",
        )
