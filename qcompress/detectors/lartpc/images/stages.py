"""Integer stages around the U-Net: pixels as a channel, the class of the highest score."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Shape

CLASS = "class"
CLASS_FORMAT = Format(False, 2, 2)


def pixel_format(binary: bool) -> Format:
    """Of a pixel: lit or not, or a charge in 255 steps below 1."""
    return Format(False, 1, 1) if binary else Format(False, 8, 0)


@dataclass(frozen=True)
class Pixels:
    """A Stage: an image (rows, columns) as a channel (rows, columns, 1)."""

    input_shape: Shape
    input_format: Format
    name: str = "pixels"

    @property
    def output_shape(self) -> Shape:
        """Of the channel."""
        return (*self.input_shape, 1)

    @property
    def output_format(self) -> Format:
        """The pixels' own."""
        return self.input_format

    def run(self, codes: Codes) -> Codes:
        """Images (n, rows, columns) -> (n, rows, columns, 1)."""
        return np.asarray(codes, np.int64)[..., None]

    def content_hash(self) -> str:
        """SHA-256 over what the stage depends on."""
        return hashlib.sha256(f"pixels {self.input_shape} {self.input_format}".encode()).hexdigest()

    def cpp(self) -> Sequence[str]:
        """A copy."""
        return (f"for (int i = 0; i < {int(np.prod(self.input_shape))}; i++) out[i] = in[i];",)


@dataclass(frozen=True)
class Highest:
    """A Stage: scores (rows, columns, classes) -> the class of the highest one, the first of equals."""

    input_shape: Shape
    input_format: Format
    name: str = CLASS
    output_format: Format = CLASS_FORMAT

    @property
    def output_shape(self) -> Shape:
        """A class for each pixel."""
        return self.input_shape[:-1]

    def run(self, codes: Codes) -> Codes:
        """Scores (n, rows, columns, classes) -> classes (n, rows, columns)."""
        return np.asarray(np.asarray(codes, np.int64).argmax(axis=-1), np.int64)

    def content_hash(self) -> str:
        """SHA-256 over what the stage depends on."""
        return hashlib.sha256(f"highest {self.input_shape} {self.input_format}".encode()).hexdigest()

    def cpp(self) -> Sequence[str]:
        """One maximum for each pixel."""
        classes = self.input_shape[-1]
        return (
            f"for (int i = 0; i < {int(np.prod(self.output_shape))}; i++) {{",
            "    int best = 0;",
            f"    for (int k = 1; k < {classes}; k++)",
            f"        if (in[i * {classes} + k] > in[i * {classes} + best]) best = k;",
            "    out[i] = best;",
            "}",
        )
