"""Encoder, decoder and loss of an ECON-T candidate, by the `network` section of its config.

The published ones (name 8x8_c8_S2 in Ecoder, fastml-science) are the default. The decoder is floating-point and lives
off the detector.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from qcompress.detectors import Network, NetworkSection
from qcompress.detectors.hgcal import decoders, encoders, geometry, losses
from qcompress.detectors.hgcal.compensation import compensate
from qcompress.detectors.hgcal.decoding import DecodingOptions
from qcompress.detectors.hgcal.econt.encoder import LATENTS
from qcompress.detectors.hgcal.econt.registers import latent_capacity
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes

Loss = Callable[[Any, Any], Any]
ENCODER = "encoder"
"""Name of the network."""
CHIP = {"filters": 8, "kernel_size": 3, "stride": 2, "weight_bits": 6, "activation_bits": 8, "arrangement": "8x8"}
"""What the chip's encoder is."""


class EncoderOptions(NetworkSection):
    """The `network` section of an ECON-T encoder's config."""

    family: ClassVar[tuple[str, ...]] = (
        *("arithmetic", "overflow", "overflow_penalty", "arrangement", "filters", "kernel_size", "stride"),
        *("weight_bits", "activation_bits", "latent_bits"),
    )

    arithmetic: Literal["exact", "econt", "compensated", "deployed", "post_training"] = "exact"
    """exact: QKeras' sums. econt: trained in the chip's, every product floored, latents of 9 bits cut to the first
    ones. deployed: trained exactly, run on the chip as it is. compensated: the same, biases corrected for the floors.
    post_training: trained in floating point, weights put on the chip's grid afterwards.
    """
    overflow: Literal["WRAP", "SAT"] = "WRAP"
    """On the chip: what activations and latents do when they overflow; no published vector shows it."""
    overflow_penalty: float = Field(0.0, ge=0)
    """econt: weight in the loss of what lies above the largest activation and latent."""
    arrangement: Literal["8x8", "9x9", "4x4x3"] = "8x8"
    decoder: Literal["published", "dense", "conditional"] = "published"
    loss: Literal["telescope", "weighted_mse", "sliced_emd"] = "telescope"
    filters: int = Field(8, ge=1, le=64)
    kernel_size: int = Field(3, ge=1, le=8)
    stride: int = Field(2, ge=1, le=4)
    input_bits: Literal[8] = 8
    """Width of the normaliser's output in the chip."""
    weight_bits: int = Field(6, ge=2, le=16)
    activation_bits: int = Field(8, ge=2, le=16)
    latent_bits: int = Field(3, ge=1, le=9)
    links: int | None = Field(None, ge=1, le=13)
    """Links that must carry the latents; as many as they need unless given."""
    decoding: DecodingOptions = DecodingOptions()

    @model_validator(mode="after")
    def _as_the_chip_has_it(self) -> "EncoderOptions":
        if self.arithmetic == "exact":
            return self
        for name, value in CHIP.items():
            if getattr(self, name) != value:
                raise ValueError(
                    f"{name} {getattr(self, name)}: with arithmetic {self.arithmetic} the chip has {value}"
                )
        if self.latent_bits % 2 == 0:
            raise ValueError(f"latent_bits {self.latent_bits}: the chip's links carry 1, 3, 5, 7 or 9")
        return self

    @model_validator(mode="after")
    def _fits(self) -> "EncoderOptions":
        if self.arrangement == "9x9" and (self.kernel_size, self.stride) != (3, 2):
            raise ValueError("arrangement 9x9: is made for kernel_size 3 and stride 2")
        if self.overflow_penalty and not self.in_chip_arithmetic:
            raise ValueError(f"overflow_penalty: arithmetic {self.arithmetic} does not train with overflows; use econt")
        if self.links is not None and self.links < self.needed_links:
            carried = latent_capacity(self.links) // LATENTS
            raise ValueError(f"latent_bits {self.latent_bits}: {self.links} links carry {carried} of each latent")
        return self

    @property
    def needed_links(self) -> int:
        """Links that 16 latents of this width need beside the frame's header and sum."""
        return next(n for n in range(1, 14) if latent_capacity(n) >= LATENTS * self.latent_bits)

    @property
    def in_chip_arithmetic(self) -> bool:
        """Whether the network is trained with floored products."""
        return self.arithmetic == "econt"

    @property
    def conditional(self) -> bool:
        """Whether the decoder sees where a module is."""
        return self.decoder == "conditional"


def build(options: EncoderOptions, own: Any = None) -> Network:
    """Encoder, decoder and loss, freshly initialised; own: a Keras model to be trained as the encoder instead."""
    import keras

    if own is not None and options.arithmetic != "exact":
        raise QcompressError(f"arithmetic {options.arithmetic}: a model of your own is computed as it is; leave it out")
    encoder = encoders.build_encoder(options) if own is None else own
    decoder = decoders.build_decoder(options.decoder)
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


def _conditional(encoder: Any, decoder: Any) -> Any:
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

    def of_image(target: Any, image: Any) -> Any:
        import keras

        pixels = keras.ops.reshape(image, (-1, image.shape[1] * image.shape[2]))
        return loss(target, keras.ops.take(pixels, geometry.TRAIN_PIXEL, axis=1))

    return of_image


def normalised_targets(calq: Codes) -> npt.NDArray[np.float32]:
    """CALQ (n, 48) -> CALQ / 2^floor(log2(sum)), not truncated; rows without charge stay 0."""
    sums = calq.sum(axis=1, keepdims=True)
    exponent = np.floor(np.log2(np.maximum(sums, 1).astype(np.float64)))
    return np.asarray(calq / 2.0**exponent, np.float32)
