"""The encoder's two arithmetics on the same weights: QKeras' exact sums, and the chip's floored products."""

from typing import NamedTuple

import numpy as np

from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT, IMAGE_SHAPE
from qcompress.detectors.hgcal.econt.onchip_encoder import ACTIVATION, LATENT, chip_graph
from qcompress.detectors.hgcal.econt.weights import PADDING, STRIDES, WEIGHT_FORMAT, EncoderWeights
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node, Operation, Quantize, Range
from qcompress.graph.ranges import with_lossless_accumulator


def deployed_graph(weights: EncoderWeights, latent_bits: int, overflow: Overflow = Overflow.WRAP) -> Graph:
    """What the chip sends: its encoder, and of each 9-bit latent the first `latent_bits` bits (the keep mask).

    weights: 6-bit codes; overflow: of activations and latents, WRAP or SAT.
    """
    graph = chip_graph(weights, overflow)
    if latent_bits == LATENT.width:
        return graph
    kept = Quantize(Cast(Format(False, latent_bits, LATENT.integer)))
    return Graph(graph.name, IMAGE_SHAPE, IMAGE_FORMAT, (*graph.nodes, Node("kept", kept, graph.nodes[-1].name)))


def exact_graph(weights: EncoderWeights, latent_bits: int) -> Graph:
    """The same `weights` as QKeras computes them: exact sums, rounding half to even, saturation.

    latent_bits: of each latent, of which one is integer; nothing is cut afterwards.
    """

    def rounded(to: Format) -> Quantize:
        return Quantize(Cast(to, Rounding.RND_CONV, Overflow.SAT))

    narrow = Format(True, 6, 1)
    full = Range(np.zeros(IMAGE_SHAPE, np.int64), np.full(IMAGE_SHAPE, IMAGE_FORMAT.max_code))
    conv = with_lossless_accumulator(
        Conv2D(weights.conv_kernel, WEIGHT_FORMAT, weights.conv_bias, WEIGHT_FORMAT, narrow, STRIDES, PADDING),
        full,
        IMAGE_FORMAT,
    )
    operations: dict[str, Operation] = {
        "convolution": conv,
        "activation": rounded(ACTIVATION),
        "flatten": Flatten(),
    }
    reached = _chain(operations).ranges()["flatten"]  # some activations may never be large
    operations["dense"] = with_lossless_accumulator(
        Dense(weights.dense_kernel, WEIGHT_FORMAT, weights.dense_bias, WEIGHT_FORMAT, narrow), reached, ACTIVATION
    )
    operations["latent"] = rounded(Format(False, latent_bits, LATENT.integer))
    return _chain(operations)


def _chain(operations: dict[str, Operation]) -> Graph:
    """Operations one behind the other."""
    names = list(operations)
    nodes = [Node(n, op, s) for (n, op), s in zip(operations.items(), ["input", *names[:-1]], strict=True)]
    return Graph("exact_encoder", IMAGE_SHAPE, IMAGE_FORMAT, tuple(nodes))


class Distance(NamedTuple):
    """How far QKeras' latents are from the chip's on some rows."""

    bits: int
    latents: int
    differing: int
    mean_shift: float
    """QKeras minus chip, in units of the last bit."""

    @property
    def share(self) -> float:
        return self.differing / self.latents


def distance(weights: EncoderWeights, images: Codes, latent_bits: int, overflow: Overflow = Overflow.WRAP) -> Distance:
    """Compare both arithmetics of the same `weights` on normalised images (n, 8, 8, 1), latents of `latent_bits` bits.

    overflow: the chip's, WRAP or SAT.
    """
    exact = exact_graph(weights, latent_bits).run(images)
    chip = deployed_graph(weights, latent_bits, overflow).run(images)
    return Distance(latent_bits, exact.size, int(np.count_nonzero(exact != chip)), float((exact - chip).mean()))
