"""The published encoder and decoder (name 8x8_c8_S2 in Ecoder, fastml-science), in QKeras, and what trains them.

The encoder sees the 8x8 image of normalised charges (8 bits, 1 integer bit) and gives 16 latents; the decoder is
floating-point and lives off the detector.
"""

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from qcompress.detectors import Network, Options
from qcompress.detectors.hgcal import geometry
from qcompress.detectors.hgcal.decoding import DecodingOptions
from qcompress.detectors.hgcal.econt.registers import latent_capacity
from qcompress.fixedpoint import Codes

LATENTS = 16
INTEGER_BITS = 1
"""Integer bits of input, activation and latent."""


class EncoderOptions(Options):
    """The `network` section of an ECON-T encoder's config."""

    arithmetic: Literal["exact", "econt"] = "exact"
    """exact: QKeras' sums. econt: the chip's, every product floored, latents of 9 bits cut to the first ones."""
    overflow: Literal["WRAP", "SAT"] = "WRAP"
    """econt: what the chip's activations and latents do when they overflow; no published vector shows it."""
    filters: int = Field(8, ge=1, le=64)
    kernel_size: int = Field(3, ge=1, le=8)
    stride: int = Field(2, ge=1, le=4)
    input_bits: Literal[8] = 8
    """Width of the normaliser's output in the chip."""
    weight_bits: int = Field(6, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    latent_bits: int = Field(3, ge=1, le=9)
    decoding: DecodingOptions = DecodingOptions()

    @model_validator(mode="after")
    def _as_the_chip_has_it(self) -> "EncoderOptions":
        chip = {"filters": 8, "kernel_size": 3, "stride": 2, "weight_bits": 6, "activation_bits": 8}
        for name, value in chip.items():
            if self.arithmetic == "econt" and getattr(self, name) != value:
                raise ValueError(f"{name} {getattr(self, name)}: with arithmetic econt the chip has {value}")
        if self.arithmetic == "econt" and self.latent_bits % 2 == 0:
            raise ValueError(f"latent_bits {self.latent_bits}: the chip's links carry 1, 3, 5, 7 or 9")
        return self

    @property
    def links(self) -> int:
        """Links that 16 latents of this width need beside the frame's header and sum."""
        return next(n for n in range(1, 14) if latent_capacity(n) >= LATENTS * self.latent_bits)


def build(options: EncoderOptions) -> Network:
    """Encoder, decoder and telescope loss, freshly initialised."""
    import keras

    encoder = build_encoder(options)
    decoder = build_decoder()
    autoencoder = keras.Sequential([keras.Input(geometry.IMAGE_SHAPE), encoder, decoder], name="autoencoder")
    return Network("encoder", encoder, autoencoder, image_telescope_loss, {"decoder": decoder})


def build_encoder(options: EncoderOptions) -> Any:
    """(8, 8, 1) -> (16,): Conv2D, ReLU, Dense, ReLU, all quantized."""
    import keras
    import qkeras

    def weights() -> Any:
        return qkeras.quantized_bits(options.weight_bits, 0, alpha=1)

    def unsigned(bits: int) -> Any:
        return qkeras.quantized_relu(bits, INTEGER_BITS)

    return keras.Sequential(
        [
            keras.Input(geometry.IMAGE_SHAPE),
            qkeras.QActivation(unsigned(options.input_bits), name="input_quantizer"),
            qkeras.QConv2D(
                options.filters,
                options.kernel_size,
                strides=options.stride,
                padding="same",
                kernel_quantizer=weights(),
                bias_quantizer=weights(),
                name="convolution",
            ),
            qkeras.QActivation(unsigned(options.activation_bits), name="activation"),
            keras.layers.Flatten(name="flatten"),
            qkeras.QDense(LATENTS, kernel_quantizer=weights(), bias_quantizer=weights(), name="dense"),
            qkeras.QActivation(unsigned(options.latent_bits), name="latent"),
        ],
        name="encoder",
    )


def build_decoder() -> Any:
    """(16,) -> (8, 8, 1): the published float decoder; sigmoid output."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((LATENTS,)),
            layers.Dense(128, activation="relu", name="expand"),
            layers.Reshape((4, 4, 8), name="image"),
            layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu", name="upsample"),
            layers.Conv2DTranspose(1, 3, padding="same", activation="sigmoid", name="charge"),
        ],
        name="decoder",
    )


def image_telescope_loss(target: Any, image: Any) -> Any:
    """Telescope loss of a decoded image (n, 8, 8, 1) against normalised charges (n, 48) in train order."""
    import keras

    from qcompress.detectors.hgcal.losses import telescope_loss

    pixels = keras.ops.reshape(image, (-1, image.shape[1] * image.shape[2]))
    return telescope_loss(target, keras.ops.take(pixels, geometry.TRAIN_PIXEL, axis=1))


def normalised_targets(calq: Codes) -> npt.NDArray[np.float32]:
    """CALQ (n, 48) -> CALQ / 2^floor(log2(sum)), not truncated; rows without charge stay 0."""
    sums = calq.sum(axis=1, keepdims=True)
    exponent = np.floor(np.log2(np.maximum(sums, 1).astype(np.float64)))
    return np.asarray(calq / 2.0**exponent, np.float32)
