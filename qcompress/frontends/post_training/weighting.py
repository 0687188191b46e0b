"""Layers of weights with rounded ones: those that QKeras has by its quantizers, others as Keras has them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from qcompress.fixedpoint import Format
from qcompress.frontends.calls import Call
from qcompress.frontends.keras_objects import KerasLayer, Tensor
from qcompress.frontends.post_training.flattening import LINEAR
from qcompress.frontends.post_training.formats import Array, bias_format, format_for, quantizer
from qcompress.frontends.post_training.keeping import (
    BIAS_BITS,
    KEPT,
    Weights,
    kept,
    normalizing,
    rounded,
    whole_vocabulary,
)
from qcompress.frontends.post_training.plan import MOST_BITS, Plan
from qcompress.frontends.runtime import import_qkeras, kind_of

SKIPPED = {"dtype", "lora_rank", "lora_alpha", "quantization_config", "trainable", "activation", "use_bias"}
"""Keys of a layer's configuration that its counterpart is not given."""


class Made(NamedTuple):
    """What a rounded layer gives, its fractional bits if they are known, its formats by kind, and what was done."""

    tensor: Tensor
    grid: int | None
    formats: dict[str, Format]
    notes: tuple[str, ...] = ()


class Asked:
    """What is asked of one layer, and the formats that it has so far."""

    def __init__(self, plan: Plan, call: Call, grid: int | None, normalization: KerasLayer | None) -> None:
        """grid: fractional bits of what it is given, if known; normalization: the layer that goes into the weights."""
        self.plan, self.name, self.layer, self.grid = plan, call.name, call.layer, grid
        self.normalization = normalization
        self.formats: dict[str, Format] = {}

    def constant(self, kind: str, values: Array) -> Format:
        """The format of weights or biases with these values."""
        wanted = self.plan.of(kind, self.name) or self.plan.every["weights"]
        self.formats[kind] = format_for(wanted, True, float(np.abs(values).max(initial=0.0)))
        return self.formats[kind]

    def bias(self, values: Array, kernels: int, most: int) -> Format:
        """Of biases beside products with so many weights each; most: bits that it may have if nothing is asked."""
        if self.plan.of("biases", self.name) is not None:
            return self.constant("biases", values)
        fraction = self.formats["weights"].fraction
        behind = kernels * fraction + (fraction if self.grid is None else self.grid)
        self.formats["biases"] = bias_format(values, behind, most)
        return self.formats["biases"]


def weighted(plan: Plan, call: Call, source: Tensor, grid: int | None, normalization: KerasLayer | None) -> Made | None:
    """What a layer of weights, rounded as plan has it, gives of source; None for a layer that has none.

    grid: fractional bits of source, if they are known; normalization: the layer that goes into the weights.
    """
    kind, asked = kind_of(call.layer), Asked(plan, call, grid, normalization)
    if kind in LINEAR:
        return _linear(asked, source)
    return _KINDS[kind](asked, source) if kind in _KINDS else None


def _linear(asked: Asked, source: Tensor) -> Made:
    """A layer that QKeras has, with its quantizers."""
    layer, kind = asked.layer, kind_of(asked.layer)
    kernel = np.asarray(layer.weights[0], np.float64)
    bias: Array | None = np.asarray(layer.bias, np.float64) if layer.use_bias else None
    if asked.normalization is not None:
        factor, shift = scale_of(asked.normalization)
        kernel = kernel * _as_kernel(factor, kind, kernel.shape)
        bias = shift if bias is None else bias * factor + shift
    quantizers = {f"{LINEAR[kind]}_quantizer": quantizer(asked.constant("weights", kernel))}
    if bias is not None:
        quantizers["bias_quantizer"] = quantizer(asked.bias(bias, 1, MOST_BITS))
    config = {key: value for key, value in layer.get_config().items() if not _is_of_training(key)}
    made = getattr(import_qkeras(), f"Q{kind}")(**config, **quantizers, use_bias=bias is not None)
    result = made(source)
    made.set_weights([kernel] if bias is None else [kernel, bias])
    return Made(result, None, asked.formats)


def _kept(asked: Asked, source: Tensor) -> Made:
    """A layer that QKeras has not."""
    layer, weights = asked.layer, Weights.of(asked.layer)
    if asked.normalization is not None:
        weights = weights.normalized(kind_of(layer), *scale_of(asked.normalization))
    kernels = asked.constant("weights", weights.every())
    bias = None if weights.bias is None else asked.bias(weights.bias, len(weights.kernels), BIAS_BITS)
    return Made(kept(layer, weights.rounded(kernels, bias), source), None, asked.formats)


def _embedding(asked: Asked, source: Tensor) -> Made:
    vectors = Weights.of(asked.layer).kernels[0]
    format_ = asked.constant("weights", vectors)
    result, missing = whole_vocabulary(asked.layer, rounded(vectors, format_), source)
    note = f"layer {asked.name}: {missing} vectors of zeros added, for the codes behind its last word"
    return Made(result, format_.fraction, asked.formats, (note,) if missing else ())


def _normalization(asked: Asked, source: Tensor) -> Made:
    """One that nothing rounds behind it: a factor and a shift on grids."""
    factor, shift = scale_of(asked.layer)
    formats = asked.constant("weights", factor), asked.bias(shift, 1, BIAS_BITS)
    result = normalizing(asked.layer, rounded(factor, formats[0]), rounded(shift, formats[1]), source)
    return Made(result, None, asked.formats)


_KINDS: dict[str, Callable[[Asked, Tensor], Made]] = {
    **dict.fromkeys(KEPT, _kept),
    "Embedding": _embedding,
    "BatchNormalization": _normalization,
}


def _is_of_training(key: str) -> bool:
    return key.endswith(("_initializer", "_regularizer", "_constraint")) or key in SKIPPED


def scale_of(layer: KerasLayer) -> tuple[Array, Array]:
    """What a normalization multiplies every channel by, and what it adds."""
    spread = np.sqrt(np.asarray(layer.moving_variance, np.float64) + layer.epsilon)
    factor = (np.asarray(layer.gamma, np.float64) if layer.scale else 1.0) / spread
    centre = np.asarray(layer.beta, np.float64) if layer.center else 0.0
    return factor, np.asarray(centre - factor * np.asarray(layer.moving_mean, np.float64))


def _as_kernel(factor: Array, kind: str, shape: tuple[int, ...]) -> Array:
    """A factor of every output channel as the kernel is laid out."""
    if kind == "DepthwiseConv2D":
        return np.reshape(factor, shape[2:])
    return np.reshape(factor, (-1, 1)) if kind == "Conv2DTranspose" else factor
