"""Encoder and decoder of windows of a wire: a dense layer or two with quantizers, and dense layers in float behind.

The encoder's weights and latents are what hardware computes. The decoder is a linear layer, and beside it one with a
hidden layer, added: pulses grow with the charge, and so does what is right about them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field, model_validator

from qcompress.detectors import Network, Options
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.fixedpoint import Format
from qcompress.frontends.keras_objects import KerasModel, Loss, Tensor
from qcompress.frontends.runtime import import_qkeras

CODEC: Literal["codec"] = "codec"
"""Name of the network."""
DECODER = "decoder"
INPUT_FORMAT = Format(True, 12, 8)
"""Steps of one count of 12 bits, from -2048 to 2047."""
LATENT_FRACTION = 2
"""Bits behind the point of latents."""
ACTIVATION_INTEGER = 7
"""Bits before the point of hidden activations."""
RISE = 1.0
"""Peak of a window, over UNIT, from which errors count relative to it: about four times the noise."""


class CodecOptions(Options):
    """What a config says of the codec of waveforms, in `network.codec`."""

    preset: Literal["microboone", "protodune-sp", "dune-hd"] = "protodune-sp"
    """Chamber."""
    plane: str = "W"
    """Whose wires; a codec for each plane."""
    ticks: int = Field(32, ge=8, le=128)
    """Of a window."""
    latents: int = Field(8, ge=1, le=64)
    latent_bits: int = Field(12, ge=4, le=16)
    """Of each latent; fewer are sent, for small ones have short words."""
    hidden: int = Field(0, ge=0, le=256)
    """Neurons between samples and latents; 0: none."""
    weight_bits: int = Field(8, ge=2, le=16)
    activation_bits: int = Field(10, ge=2, le=16)
    """Of hidden neurons."""
    decoder_units: int = Field(128, ge=1, le=4096)
    """Of the decoder's hidden layer."""
    rate: float = Field(0.01, ge=0, allow_inf_nan=False)
    """What a factor e in the size of a latent may cost in the loss: the larger, the fewer bits."""
    noise: Literal["kept", "dropped"] = "kept"
    """What is to come back of windows of noise: the samples, or nothing."""
    order: int = Field(1, ge=0, le=12)
    """Of the exponential Golomb words of latents; travels with the candidate."""
    windows: int = Field(1000, ge=1)
    """At most so many windows of signal of each event, and as many of noise, to train on."""

    @model_validator(mode="after")
    def _known_plane(self) -> "CodecOptions":
        names = [plane.name for plane in PRESETS[self.preset].planes]
        if self.plane not in names:
            raise ValueError(f"plane: {self.preset} has {', '.join(names)}")
        if self.latents >= self.ticks:
            raise ValueError(f"latents {self.latents}: not fewer than the {self.ticks} ticks of a window")
        return self


def build(options: CodecOptions, own: Mapping[str, KerasModel] = MappingProxyType({})) -> tuple[Network, ...]:
    """The network of a config, `options`, freshly initialised; own: a model, by name, instead of the encoder."""
    import keras

    encoder = own.get(CODEC) or build_encoder(options)
    decoder = build_decoder(options)
    given = keras.Input((options.ticks,))
    latents = encoder(given)
    both = keras.layers.Concatenate(name="decoded_and_latents")([decoder(latents), latents])
    trained = keras.Model(given, both, name="autoencoder")
    return (Network(CODEC, encoder, trained, loss_of(options.ticks, options.rate), {DECODER: decoder}),)


def build_encoder(options: CodecOptions) -> KerasModel:
    """A model (ticks,) -> (latents,), samples over UNIT."""
    import keras

    qkeras = import_qkeras()

    def weights(bits: int, integer: int) -> object:
        return qkeras.quantized_bits(bits, integer, alpha=1)

    layers = [keras.Input((options.ticks,))]
    layers += [qkeras.QActivation(weights(INPUT_FORMAT.width, INPUT_FORMAT.integer - 1), name="input_quantizer")]
    for name, units in (("hidden", options.hidden), ("project", options.latents)):
        if not units:
            continue
        quantizers = {
            "kernel_quantizer": weights(options.weight_bits, 0),
            "bias_quantizer": weights(options.weight_bits, 0),
        }
        layers += [qkeras.QDense(units, name=name, **quantizers)]
        if name == "hidden":
            layers += [qkeras.QActivation(qkeras.quantized_relu(options.activation_bits, ACTIVATION_INTEGER))]
    layers += [
        qkeras.QActivation(weights(options.latent_bits, options.latent_bits - 1 - LATENT_FRACTION), name="latents")
    ]
    return keras.Sequential(layers, name=CODEC)


def build_decoder(options: CodecOptions) -> KerasModel:
    """A model (latents,) -> (ticks,), samples over UNIT."""
    import keras

    given = keras.Input((options.latents,))
    straight = keras.layers.Dense(options.ticks, use_bias=False, name="straight")(given)
    bent = keras.layers.Dense(options.decoder_units, activation="relu", name="units")(given)
    bent = keras.layers.Dense(options.ticks, name="bent")(bent)
    return keras.Model(given, keras.layers.Add(name="decoded")([straight, bent]), name=DECODER)


def loss_of(ticks: int, rate: float) -> Loss:
    """Errors of decoded samples and of their sum, over what the peak allows, and `rate` times logarithms of latents.

    Targets (n, ticks): samples over UNIT, or 0; outputs (n, ticks + latents): decoded samples, latents.
    """

    def loss(target: Tensor, output: Tensor) -> Tensor:
        from keras import ops

        error, latents = output[:, :ticks] - target, output[:, ticks:]
        scale = 1 + ops.max(ops.abs(target), axis=1) / RISE
        shape = ops.mean(ops.square(error), axis=1)
        charge = ops.square(ops.sum(error, axis=1)) / ticks
        return ops.mean((shape + charge) / scale) + rate * ops.mean(ops.log(1 + ops.abs(latents)))

    return loss
