"""Layers of weights that QKeras has not: Keras' own stay, and their weights are rounded before they get them."""

from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.keras_objects import KerasLayer, Tensor
from qcompress.frontends.post_training.formats import Array
from qcompress.frontends.runtime import kind_of

KEPT = {
    "DepthwiseConv1D": ("kernel",),
    "SeparableConv1D": ("depthwise_kernel", "pointwise_kernel"),
    "SeparableConv2D": ("depthwise_kernel", "pointwise_kernel"),
    "EinsumDense": ("kernel",),
    "PReLU": ("alpha",),
    "Embedding": ("embeddings",),
}
"""What the layers call their weights, the bias left out; all but the last two give sums of products."""
KEPT_SUMS = KEPT.keys() - {"PReLU", "Embedding"}
BIAS_BITS = 20
"""Most bits of a bias beside such weights, which nothing but their values says the grid of."""


class Weights(NamedTuple):
    """Of a layer: kernels in its own order, and the bias, None without one."""

    kernels: list[Array]
    bias: Array | None

    @classmethod
    def of(cls, layer: KerasLayer) -> "Weights":
        """Those of a layer that is in KEPT."""
        bias = getattr(layer, "bias", None)
        kernels: list[Array] = [np.asarray(getattr(layer, what), np.float64) for what in KEPT[kind_of(layer)]]
        return cls(kernels, None if bias is None else np.asarray(bias, np.float64))

    def every(self) -> Array:
        """The kernels' values, in one row."""
        return np.concatenate([kernel.ravel() for kernel in self.kernels])

    def normalized(self, kind: str, factor: Array, shift: Array) -> "Weights":
        """With a normalization behind a layer of that kind: what it multiplies every channel by, and what it adds."""
        last = self.kernels[-1]
        share = np.reshape(factor, last.shape[1:]) if kind == "DepthwiseConv1D" else factor
        bias = shift if self.bias is None else self.bias * factor + shift
        return Weights([*self.kernels[:-1], last * share], bias)

    def rounded(self, kernels: Format, bias: Format | None) -> list[Array]:
        """As numbers of these formats, as a layer takes them."""
        found = [rounded(each, kernels) for each in self.kernels]
        return found if self.bias is None or bias is None else [*found, rounded(self.bias, bias)]


def rounded(values: Array, format_: Format) -> Array:
    """The nearest numbers of a format, halves to even, saturated."""
    return format_.to_values(Cast(format_, Rounding.RND_CONV, Overflow.SAT).values(values))


def kept(layer: KerasLayer, weights: list[Array], source: Tensor) -> Tensor:
    """What a copy of a layer with these weights gives of source."""
    config = layer.get_config()
    if "use_bias" in config:
        config["use_bias"] = len(weights) > len(KEPT[kind_of(layer)])
    copy = type(layer).from_config(config)
    result = copy(source)
    copy.set_weights(weights)
    return result


def whole_vocabulary(layer: KerasLayer, weights: Array, source: Tensor) -> tuple[Tensor, int]:
    """What an Embedding of these vectors gives of source, and how many of zeros were added behind them.

    As many as make their number a power of two: then every code of a format without a sign has one.
    """
    words = len(weights)
    missing = (1 << (words - 1).bit_length()) - words
    copy = type(layer).from_config(layer.get_config() | {"input_dim": words + missing})
    result = copy(source)
    copy.set_weights([np.concatenate([weights, np.zeros((missing, weights.shape[1]))])])
    return result, missing


def normalizing(layer: KerasLayer, factor: Array, shift: Array, source: Tensor) -> Tensor:
    """What a normalization gives of source that is nothing but a factor and a shift of every channel."""
    copy = type(layer).from_config(layer.get_config() | {"epsilon": 0.0, "scale": True, "center": True})
    result = copy(source)
    copy.set_weights([factor, shift, np.zeros_like(factor), np.ones_like(factor)])
    return result
