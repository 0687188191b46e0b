"""Encoders of a module in Keras: image (8, 8, 1) of normalised charges -> 16 latents, in QKeras' or the chip's sums.

Arrangements: `8x8`, the published image (zeros at the bottom and right come with its stride); `9x9`, the same padded
explicitly, a valid convolution without ReLU and 9-bit latents cut to their first bits, as the conditional autoencoder
has it; `4x4x3`, an early chip's: the image's three blocks, one for each third of the module, are channels.
"""

from collections.abc import Callable
from typing import Any

from qcompress.detectors.hgcal.econt.onchip_encoder import (
    ACTIVATION,
    CONV_ACCUMULATOR,
    DENSE_ACCUMULATOR,
    LATENT,
    LATENTS,
)
from qcompress.detectors.hgcal.econt.weights import WEIGHT_FORMAT
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.detectors.hgcal.module import geometry
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.keras_objects import KerasLayer, KerasModel, Quantizer, Tensor
from qcompress.frontends.runtime import import_qkeras
from qcompress.training import learned_widths

INTEGER_BITS = 1
"""Integer bits of input, activation and latent."""
BLOCKS = (((0, 4), (4, 0)), ((0, 4), (0, 4)), ((4, 0), (0, 4)))
"""What is cropped of the image (rows, columns) to leave trigger cells 0-15, 16-31, 32-47 of the train order."""


def build_encoder(options: EncoderOptions) -> KerasModel:
    """Encoder image (8, 8, 1) -> latents (16,), freshly initialised; options: its arrangement, arithmetic and bits."""
    import keras

    given = keras.Input(geometry.IMAGE_SHAPE)
    if options.bits == "learned":
        return keras.Model(given, _learned(options, given), name="encoder")
    first = _unsigned(options.input_bits, "input_quantizer")(given)
    build = TRAINED_AS.get(options.arithmetic, ARRANGEMENTS[options.arrangement])
    return keras.Model(given, build(options, first), name="encoder")


def _unsigned(bits: int, name: str) -> Quantizer:
    qkeras = import_qkeras()
    return qkeras.QActivation(qkeras.quantized_relu(bits, INTEGER_BITS), name=name)


def _quantized(options: EncoderOptions) -> dict[str, Any]:
    qkeras = import_qkeras()

    def weights() -> Quantizer:
        return qkeras.quantized_bits(options.weight_bits, 0, alpha=1)

    return {"kernel_quantizer": weights(), "bias_quantizer": weights(), "kernel_initializer": "he_uniform"}


def _eight(options: EncoderOptions, image: Tensor) -> Tensor:
    import keras

    qkeras = import_qkeras()
    size = {"strides": options.stride, "padding": "same", "name": "convolution"}
    sums = qkeras.QConv2D(options.filters, options.kernel_size, **size, **_quantized(options))(image)
    flat = keras.layers.Flatten(name="flatten")(_unsigned(options.activation_bits, "activation")(sums))
    sums = qkeras.QDense(LATENTS, name="dense", **_quantized(options))(flat)
    return _unsigned(options.latent_bits, "latent")(sums)


def _nine(options: EncoderOptions, image: Tensor) -> Tensor:
    import keras

    qkeras = import_qkeras()
    from qcompress.training.exact_layers import CastActivation

    padded = keras.layers.ZeroPadding2D(((0, 1), (0, 1)), name="padded")(image)
    size = {"strides": options.stride, "padding": "valid", "name": "convolution"}
    sums = qkeras.QConv2D(options.filters, options.kernel_size, **size, **_quantized(options))(padded)
    signed = qkeras.quantized_bits(options.activation_bits, INTEGER_BITS, alpha=1)
    flat = keras.layers.Flatten(name="flatten")(qkeras.QActivation(signed, name="activation")(sums))
    latents = _unsigned(LATENT.width, "latent")(qkeras.QDense(LATENTS, name="dense", **_quantized(options))(flat))
    kept = Cast(Format(False, options.latent_bits, INTEGER_BITS), Rounding.TRN, Overflow.SAT)
    return CastActivation(str(kept), name="kept")(latents)


def _thirds(options: EncoderOptions, image: Tensor) -> Tensor:
    import keras

    qkeras = import_qkeras()
    blocks = [keras.layers.Cropping2D(pairs, name=f"third{k}")(image) for k, pairs in enumerate(BLOCKS)]
    channels = keras.layers.Concatenate(name="thirds")(blocks)
    size = {"padding": "same", "name": "convolution"}
    sums = qkeras.QConv2D(options.filters, options.kernel_size, **size, **_quantized(options))(channels)
    flat = keras.layers.Flatten(name="flatten")(_unsigned(options.activation_bits, "activation")(sums))
    return _unsigned(options.latent_bits, "latent")(qkeras.QDense(LATENTS, name="dense", **_quantized(options))(flat))


ARRANGEMENTS: dict[str, Callable[[EncoderOptions, Tensor], Tensor]] = {"8x8": _eight, "9x9": _nine, "4x4x3": _thirds}


def _learned(options: EncoderOptions, image: Tensor) -> Tensor:
    """The published arrangement of HGQ2's layers: every weight, pixel and activation learns its bits."""
    import keras

    pixels = learned_widths.learned(learned_widths.UNSIGNED, INTEGER_BITS, options.input_bits - INTEGER_BITS, "TRN")
    size = (options.filters, options.kernel_size, options.stride)
    sums = learned_widths.convolution(*size, "convolution", options.weight_bits, pixels, "relu")(image)
    flat = keras.layers.Flatten(name="flatten")(sums)
    activations = learned_widths.learned(
        learned_widths.UNSIGNED, INTEGER_BITS, options.activation_bits - INTEGER_BITS, "TRN"
    )
    latents = learned_widths.fixed(learned_widths.UNSIGNED, INTEGER_BITS, options.latent_bits - INTEGER_BITS)
    return learned_widths.dense(LATENTS, "dense", options.weight_bits, activations, latents)(flat)


def _unquantized(options: EncoderOptions, image: Tensor) -> Tensor:
    """Floating-point weights and activations, to be quantized after the training; latents as the links carry them."""
    import keras

    size = {"strides": options.stride, "padding": "same", "kernel_initializer": "he_uniform", "name": "convolution"}
    sums = keras.layers.Conv2D(options.filters, options.kernel_size, **size)(image)
    flat = keras.layers.Flatten(name="flatten")(keras.layers.ReLU(name="activation")(sums))
    sums = keras.layers.Dense(LATENTS, kernel_initializer="he_uniform", name="dense")(flat)
    return _unsigned(options.latent_bits, "latent")(sums)


def _chip(options: EncoderOptions, image: Tensor) -> Tensor:
    """`econt.encoder.chip_graph` and the keep mask, node by node, so that what is trained is what the chip computes."""
    import keras

    from qcompress.training.exact_layers import CastActivation, CastConv2D, CastDense

    weights = str(Cast(WEIGHT_FORMAT, Rounding.RND_CONV, Overflow.SAT))
    overflow = Overflow(options.overflow)

    def cast(to: Format, name: str) -> KerasLayer:
        return CastActivation(str(Cast(to, Rounding.TRN, overflow)), options.overflow_penalty, name=name)

    size: dict[str, Any] = {"strides": options.stride, "padding": "same", "kernel_initializer": "he_uniform"}
    sums = CastConv2D(options.filters, options.kernel_size, str(CONV_ACCUMULATOR), weights, name="conv", **size)(image)
    active = cast(ACTIVATION, "activation")(keras.layers.ReLU(name="conv_relu")(sums))
    flat = keras.layers.Flatten(name="flatten")(active)
    sums = CastDense(LATENTS, str(DENSE_ACCUMULATOR), weights, kernel_initializer="he_uniform", name="dense")(flat)
    latents = cast(LATENT, "latent")(keras.layers.ReLU(name="dense_relu")(sums))
    if options.latent_bits == LATENT.width:
        return latents
    return CastActivation(str(Cast(Format(False, options.latent_bits, LATENT.integer))), name="kept")(latents)


TRAINED_AS = {"econt": _chip, "post_training": _unquantized}
"""Arithmetics with an encoder of their own."""
