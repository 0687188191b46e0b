"""The 2144 weights of the on-chip encoder: as layers, as the chip's list, as its 12 register blocks.

6-bit two's complement, 5 fractional bits. The list runs from the least significant end of block 0: convolution
kernel in Keras order (3, 3, 1, 8), its bias, dense kernel as (16, 128), the transpose of Keras' (128, 16), its bias.
"""

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.graph import Conv2D, Dense, Graph

WEIGHT_FORMAT = Format(True, 6, 1)
SHAPES = {"conv_kernel": (3, 3, 1, 8), "conv_bias": (8,), "dense_kernel": (128, 16), "dense_bias": (16,)}
COUNT = 2144
BLOCKS = 12
BLOCK_BITS = 1072
WEIGHT_BITS = 6
LARGEST_FLOAT = 0.99999
"""Trained weights are clipped to [-1, 0.99999] before they are floored to the grid (published procedure)."""
STRIDES = (2, 2)
PADDING = ((0, 1), (0, 1))


@dataclass(frozen=True, eq=False)
class EncoderWeights:
    """Integer codes in fixed<6,1>; shapes as Keras has them, see `SHAPES`."""

    conv_kernel: Codes
    conv_bias: Codes
    dense_kernel: Codes
    dense_bias: Codes

    def __post_init__(self) -> None:
        for name, shape in SHAPES.items():
            codes = np.array(getattr(self, name), np.int64)
            if codes.shape != shape:
                raise QcompressError(f"encoder weights: {name} has shape {codes.shape}, the chip has {shape}")
            if outside := int(np.count_nonzero(~WEIGHT_FORMAT.contains(codes))):
                raise QcompressError(f"encoder weights: {outside} codes of {name} are outside {WEIGHT_FORMAT}")
            codes.flags.writeable = False
            object.__setattr__(self, name, codes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EncoderWeights) and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)
        )

    def __hash__(self) -> int:
        return hash(self.to_list().tobytes())

    @classmethod
    def from_floats(
        cls,
        conv_kernel: npt.ArrayLike,
        conv_bias: npt.ArrayLike,
        dense_kernel: npt.ArrayLike,
        dense_bias: npt.ArrayLike,
    ) -> "EncoderWeights":
        """Trained weights, Keras shapes -> codes: clipped, times 32, floored. Raises QcompressError for NaN.

        conv_kernel (3, 3, 1, 8), conv_bias (8,), dense_kernel (128, 16), dense_bias (16,).
        """
        arrays = [np.asarray(given, np.float64) for given in (conv_kernel, conv_bias, dense_kernel, dense_bias)]
        if not all(np.isfinite(array).all() for array in arrays):
            raise QcompressError("encoder weights: some are NaN or infinite")
        return cls(*(np.floor(np.clip(array, -1, LARGEST_FLOAT) * 32).astype(np.int64) for array in arrays))

    @classmethod
    def from_graph(cls, graph: Graph) -> "EncoderWeights":
        """The weights of a graph with the encoder's two layers; Refused if they do not fit the chip exactly.

        Only layers and weights are taken: what the chip computes with them is `encoder.chip_graph`.
        """
        convolutions = [n.operation for n in graph.nodes if isinstance(n.operation, Conv2D)]
        denses = [n.operation for n in graph.nodes if isinstance(n.operation, Dense)]
        if len(convolutions) != 1 or len(denses) != 1:
            raise Refused(f"graph {graph.name}: the chip has one convolution and one dense layer")
        (conv,), (dense,) = convolutions, denses
        if conv.strides != STRIDES or conv.padding != PADDING:
            raise Refused(f"graph {graph.name}: the chip's convolution has stride 2 and pads bottom and right only")
        return cls(
            _on_grid(graph, conv.kernel, conv.kernel_format),
            _on_grid(graph, conv.bias, conv.bias_format),
            _on_grid(graph, dense.kernel, dense.kernel_format),
            _on_grid(graph, dense.bias, dense.bias_format),
        )

    @classmethod
    def from_list(cls, codes: npt.ArrayLike) -> "EncoderWeights":
        """The chip's list of 2144 codes -> layers."""
        given = np.asarray(codes, np.int64)
        if given.shape != (COUNT,):
            raise QcompressError(f"encoder weights: {given.size} of them, the chip has {COUNT}")
        w, b, W, B = np.split(given, np.cumsum([72, 8, 2048]))
        return cls(w.reshape(3, 3, 1, 8), b, W.reshape(16, 128).T, B)

    def to_list(self) -> Codes:
        """Layers -> the chip's list, (2144,)."""
        parts = (self.conv_kernel, self.conv_bias, self.dense_kernel.T, self.dense_bias)
        return np.concatenate([part.ravel() for part in parts])

    @classmethod
    def from_blocks(cls, blocks: list[int]) -> "EncoderWeights":
        """The 12 register blocks of 1072 bits, block 0 least significant -> layers."""
        if len(blocks) != BLOCKS or not all(0 <= block < 1 << BLOCK_BITS for block in blocks):
            raise QcompressError(f"encoder weights: need {BLOCKS} blocks of {BLOCK_BITS} bits")
        whole = sum(block << (BLOCK_BITS * place) for place, block in enumerate(blocks))
        codes = [whole >> (WEIGHT_BITS * place) & 63 for place in range(COUNT)]
        return cls.from_list([code - 64 if code > 31 else code for code in codes])

    def to_blocks(self) -> list[int]:
        """Layers -> the 12 register blocks."""
        whole = sum((code & 63) << (WEIGHT_BITS * place) for place, code in enumerate(self.to_list().tolist()))
        return [whole >> (BLOCK_BITS * place) & ((1 << BLOCK_BITS) - 1) for place in range(BLOCKS)]


def _on_grid(graph: Graph, codes: Codes, given: Format) -> Codes:
    try:
        return WEIGHT_FORMAT.to_codes(given.to_values(codes))
    except QcompressError as fault:
        raise Refused(f"graph {graph.name}: weights that the chip cannot hold ({fault})") from None
