"""Biases corrected for what the chip takes away: the cheap alternative to training in its arithmetic.

An encoder trained with exact sums loses on the chip, on average, the mean of its floors in every sum, and half a step
where the keep mask cuts a latent that QKeras rounds. Both are measured on the training's inputs, where the exact sum
passes the ReLU, and added to the biases as far as their six bits allow.
"""

import numpy as np

from qcompress.detectors.hgcal.econt.onchip_encoder import LATENT, chip_graph
from qcompress.detectors.hgcal.econt.weights import WEIGHT_FORMAT, EncoderWeights
from qcompress.detectors.hgcal.encoder.arithmetic import exact_graph
from qcompress.fixedpoint import Codes, Values
from qcompress.frontends.keras_objects import KerasModel
from qcompress.graph import Graph

ROWS = 8_000
"""Inputs that are looked at: the mean of a floor is then known to a hundredth of a bias step."""


def compensated(weights: EncoderWeights, images: Codes, latent_bits: int) -> EncoderWeights:
    """The `weights` with biases that make up for the chip's mean loss on images (n, 8, 8, 1), the first ROWS of them.

    latent_bits: that the keep mask leaves of each latent.
    """
    images = images[:ROWS]
    exact = exact_graph(weights, latent_bits)
    sums = {name: _values(exact, name, images) for name in ("convolution", "dense")}
    loss = _mean_loss(sums["convolution"], _values(chip_graph(weights), "conv", images))
    first = _with_biases(weights, loss, np.zeros_like(weights.dense_bias, np.float64))
    kept = LATENT.fraction - (LATENT.width - latent_bits)
    half_step = (2.0**-kept - 2.0**-LATENT.fraction) / 2
    loss = _mean_loss(sums["dense"], _values(chip_graph(first), "dense", images)) + half_step
    return _with_biases(first, np.zeros_like(first.conv_bias, np.float64), loss)


def _values(graph: Graph, node: str, images: Codes) -> Values:
    return graph.formats[node].to_values(graph.trace(images)[node])


def _mean_loss(exact: Values, chip: Values) -> Values:
    """(channels,): mean of exact minus chip where the exact sum is positive."""
    axes = tuple(range(exact.ndim - 1))
    active = exact > 0
    return np.asarray(((exact - chip) * active).sum(axis=axes) / np.maximum(active.sum(axis=axes), 1))


def _with_biases(weights: EncoderWeights, conv: Values, dense: Values) -> EncoderWeights:
    def shifted(bias: Codes, by: Values) -> Codes:
        codes = bias + np.rint(by * 2.0**WEIGHT_FORMAT.fraction).astype(np.int64)
        return np.clip(codes, WEIGHT_FORMAT.min_code, WEIGHT_FORMAT.max_code)

    return EncoderWeights(
        weights.conv_kernel, shifted(weights.conv_bias, conv), weights.dense_kernel, shifted(weights.dense_bias, dense)
    )


def compensate(encoder: KerasModel, images: Codes, latent_bits: int) -> None:
    """Correct the biases of a QKeras `encoder` in place, as `compensated` does; images: codes (n, 8, 8, 1).

    latent_bits: that the keep mask leaves of each latent.
    """
    from qcompress.frontends.qkeras import from_keras

    found = compensated(EncoderWeights.from_graph(from_keras(encoder, "encoder")), images, latent_bits)
    for layer, bias in (("convolution", found.conv_bias), ("dense", found.dense_bias)):
        encoder.get_layer(layer).bias.assign(WEIGHT_FORMAT.to_values(bias))
