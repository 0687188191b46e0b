"""The encoder on the chip: as an ordinary graph, as a fast kernel with the same bits, and where it can overflow.

Convolution 3x3, 8 filters, stride 2, zeros at the bottom and right; dense, 16 outputs. Every product is floored, to 7
fractional bits in the convolution and to 8 in the dense layer, before it is added: the accumulators fixed<16,9> and
fixed<18,10>. No sum of 6-bit weights can leave these two; what can overflow is the cast after each ReLU, to
ufixed<8,1> and ufixed<9,1>. No published vector exercises that, so the mode is a parameter.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT, IMAGE_SHAPE, cells_to_image
from qcompress.detectors.hgcal.econt.numbers import TRIGGER_CELLS
from qcompress.detectors.hgcal.econt.weights import PADDING, STRIDES, WEIGHT_FORMAT, EncoderWeights
from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Quantize, Range, Relu

CONV_ACCUMULATOR = Format(True, 16, 9)
DENSE_ACCUMULATOR = Format(True, 18, 10)
ACTIVATION = Format(False, 8, 1)
LATENT = Format(False, 9, 1)
LATENTS = 16

Short = npt.NDArray[np.int16]


def chip_graph(weights: EncoderWeights, overflow: Overflow = Overflow.WRAP) -> Graph:
    """The encoder as the chip computes it: image (8, 8, 1) ufixed<8,1> -> 16 latents ufixed<9,1>.

    weights: 6-bit codes; overflow: WRAP or SAT, of the two casts after the ReLUs; any other mode is refused.
    """
    _check(overflow)
    conv = Conv2D(
        weights.conv_kernel, WEIGHT_FORMAT, weights.conv_bias, WEIGHT_FORMAT, CONV_ACCUMULATOR, STRIDES, PADDING
    )
    dense = Dense(weights.dense_kernel, WEIGHT_FORMAT, weights.dense_bias, WEIGHT_FORMAT, DENSE_ACCUMULATOR)
    operations = (
        ("conv", conv),
        ("conv_relu", Relu()),
        ("activation", Quantize(Cast(ACTIVATION, Rounding.TRN, overflow))),
        ("flatten", Flatten()),
        ("dense", dense),
        ("dense_relu", Relu()),
        ("latent", Quantize(Cast(LATENT, Rounding.TRN, overflow))),
    )
    names = ["input", *(name for name, _ in operations)]
    nodes = (Node(name, operation, source) for (name, operation), source in zip(operations, names, strict=False))
    return Graph("econt_encoder", IMAGE_SHAPE, IMAGE_FORMAT, tuple(nodes))


def _check(overflow: Overflow) -> None:
    if overflow not in (Overflow.WRAP, Overflow.SAT):
        raise Refused(f"encoder: overflow mode {overflow} is not known to be the chip's; use WRAP or SAT")


def chip_latents(weights: EncoderWeights, cells: Codes, overflow: Overflow = Overflow.WRAP) -> Codes:
    """Normalised cells (n, 48) in AE order -> latents (n, 16): the bits of `chip_graph`, in 16-bit arithmetic.

    weights, overflow: as for `chip_graph`. Products and the sums over 9 or 64 of them fit int16 (64 x 510); the rest of
    the dense sum is int32.
    """
    _check(overflow)
    activations = _convolve(weights, np.ascontiguousarray(cells.T, np.int16), overflow)
    sums = np.repeat(weights.dense_bias[:, None].astype(np.int32) << 3, len(cells), axis=1)
    kernel = weights.dense_kernel.astype(np.int16)
    for half in (slice(0, 64), slice(64, 128)):
        sums += _floored_sum(activations[half], kernel[half], 4)
    return np.asarray(_activate(sums, LATENT, overflow), np.int64).T


def _convolve(weights: EncoderWeights, cells: Short, overflow: Overflow) -> Short:
    """Cells (48, n) -> activations (128, n), flattened as (row, column, filter)."""
    cell_at = cells_to_image(np.arange(1, TRIGGER_CELLS + 1)[None])[0, :, :, 0]  # 1..48; 0 where the image is empty
    cell_at = np.pad(cell_at, PADDING)
    kernel = weights.conv_kernel[:, :, 0].astype(np.int16)
    activations = np.empty((4, 4, 8, cells.shape[1]), np.int16)
    for row in range(4):
        for column in range(4):
            window = cell_at[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
            filled = window > 0
            sums = _floored_sum(cells[window[filled] - 1], kernel[filled], 5)
            sums += weights.conv_bias[:, None].astype(np.int16) << 2
            activations[row, column] = _activate(sums, ACTIVATION, overflow)
    return activations.reshape(128, -1)


def _floored_sum(values: Short, kernel: Short, shift: int) -> Short:
    """Sum over i of (values (i, n) * kernel (i, outputs)) >> shift, each product floored: (outputs, n) in int16."""
    sums = np.zeros((kernel.shape[1], values.shape[1]), np.int16)
    product = np.empty_like(sums)
    for value, weight in zip(values, kernel, strict=True):
        np.multiply(value, weight[:, None], out=product)
        np.right_shift(product, shift, out=product)
        sums += product
    return sums


def _activate(sums: npt.NDArray[np.signedinteger], to: Format, overflow: Overflow) -> npt.NDArray[np.signedinteger]:
    """ReLU and the cast behind it; the fractional bits agree."""
    positive = np.maximum(sums, 0)
    return np.asarray(np.minimum(positive, to.max_code) if overflow is Overflow.SAT else positive & to.max_code)


@dataclass(frozen=True)
class OverflowReport:
    """What overflows: neurons that could, by exact ranges of single inputs, and rows of given data that do.

    activations, latents: indices of the neurons whose largest possible sum does not fit their cast; rows: how many
    were looked at; activation_rows, latent_rows: how many of them overflow somewhere; largest_*: largest codes seen
    before the cast (255 and 511 are the largest that fit); largest_sums: worst-case sum of each of the 16 latents.
    """

    activations: tuple[int, ...]
    latents: tuple[int, ...]
    rows: int
    activation_rows: int
    latent_rows: int
    largest_activation: int
    largest_latent: int
    largest_sums: tuple[int, ...]


def overflow_report(
    weights: EncoderWeights, cells: Iterable[Codes] = (), overflow: Overflow = Overflow.WRAP
) -> OverflowReport:
    """Where the casts of `chip_graph` can overflow, and do on chunks of normalised cells (n, 48) in AE order.

    weights, overflow: as for `chip_graph`.
    """
    graph = chip_graph(weights, overflow)
    ranges = _ranges(graph)
    could = [
        tuple(np.flatnonzero(ranges[name].high.ravel() > to.max_code).tolist())
        for name, to in (("conv_relu", ACTIVATION), ("dense_relu", LATENT))
    ]
    rows, overflowing, largest = 0, [0, 0], [0, 0]
    for chunk in cells:
        trace = graph.trace(cells_to_image(chunk))
        rows += len(chunk)
        for place, (name, to) in enumerate((("conv_relu", ACTIVATION), ("dense_relu", LATENT))):
            worst = trace[name].max(axis=tuple(range(1, trace[name].ndim)))
            overflowing[place] += int(np.count_nonzero(worst > to.max_code))
            largest[place] = max(largest[place], int(worst.max(initial=0)))
    sums = tuple(ranges["dense_relu"].high.ravel().tolist())
    return OverflowReport(could[0], could[1], rows, overflowing[0], overflowing[1], largest[0], largest[1], sums)


def _ranges(graph: Graph) -> dict[str, Range]:
    """Ranges of all nodes with the empty part of the image known to be 0."""
    high = cells_to_image(np.full((1, TRIGGER_CELLS), IMAGE_FORMAT.max_code))[0]
    return graph.ranges(Range(np.zeros_like(high), high))
