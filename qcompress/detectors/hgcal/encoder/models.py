"""Encoder, decoder and loss of an ECON-T candidate, by the `network` section of its config.

The published ones (name 8x8_c8_S2 in Ecoder, fastml-science) are the default. The decoder is floating-point and lives
off the detector.
"""

from functools import partial

import numpy as np
import numpy.typing as npt

from qcompress.detectors import Network
from qcompress.detectors.hgcal.encoder import architectures, decoders, losses
from qcompress.detectors.hgcal.encoder.compensation import compensate
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.module import geometry
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes
from qcompress.frontends.keras_objects import KerasModel, Loss, Tensor

ENCODER = "encoder"
"""Name of the network."""


def build(options: EncoderOptions, own: KerasModel = None) -> Network:
    """Encoder, decoder and loss, freshly initialised; own: a Keras model to be trained as the encoder instead.

    options: section `network` of a config. Raises QcompressError for a model of one's own in another arithmetic than
    exact.
    """
    import keras

    if own is not None and options.arithmetic != "exact":
        raise QcompressError(f"arithmetic {options.arithmetic}: a model of your own is computed as it is; leave it out")
    encoder = architectures.build_encoder(options) if own is None else own
    decoder = decoders.build_decoder(options.decoder, options.decoder_units)
    if options.conditional:
        trained = _conditional(encoder, decoder)
    else:
        trained = keras.Sequential([keras.Input(geometry.IMAGE_SHAPE), encoder, decoder], name="autoencoder")
    return Network(
        ENCODER,
        encoder,
        trained,
        image_loss(losses.LOSSES[options.loss]),
        {"decoder": decoder},
        options.conditional,
        partial(compensate, encoder, latent_bits=options.latent_bits) if options.arithmetic == "compensated" else None,
    )


def _conditional(encoder: KerasModel, decoder: KerasModel) -> KerasModel:
    """One flat input: the image's pixels, the conditions behind them; these go to the decoder alone."""
    import keras

    layers = keras.layers
    pixels = int(np.prod(geometry.IMAGE_SHAPE))
    given = keras.Input((pixels + decoders.CONDITION_COUNT,))
    column = layers.Reshape((-1, 1), name="column")(given)
    image = layers.Cropping1D((0, decoders.CONDITION_COUNT), name="pixels")(column)
    latents = encoder(layers.Reshape(geometry.IMAGE_SHAPE, name="as_image")(image))
    beside = layers.Flatten(name="conditions")(layers.Cropping1D((pixels, 0), name="beside")(column))
    return keras.Model(given, decoder(layers.Concatenate(name="known")([latents, beside])), name="autoencoder")


def image_loss(loss: Loss) -> Loss:
    """The loss of a decoded image (n, 8, 8, 1) against normalised charges (n, 48) in train order."""

    def of_image(target: Tensor, image: Tensor) -> Tensor:
        import keras

        pixels = keras.ops.reshape(image, (-1, image.shape[1] * image.shape[2]))
        return loss(target, keras.ops.take(pixels, geometry.TRAIN_PIXEL, axis=1))

    return of_image


def normalised_targets(calq: Codes) -> npt.NDArray[np.float32]:
    """CALQ, `calq` (n, 48) -> CALQ / 2^floor(log2(sum)), not truncated; rows without charge stay 0."""
    sums = calq.sum(axis=1, keepdims=True)
    exponent = np.floor(np.log2(np.maximum(sums, 1).astype(np.float64)))
    return np.asarray(calq / 2.0**exponent, np.float32)
