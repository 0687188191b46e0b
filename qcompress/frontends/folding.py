"""Layers that hold a batch normalization: their weights with it folded in, as QKeras folds them at inference."""

from typing import Any

from qcompress.frontends.keras_objects import KerasLayer
from qcompress.frontends.runtime import float_type, import_keras, kind_of

FOLDED = {"QDenseBatchnorm": "Dense", "QConv2DBatchnorm": "Conv2D", "QDepthwiseConv2DBatchnorm": "DepthwiseConv2D"}
"""Layers with a normalization inside, and the plain layers that they are with folded weights."""


def is_folded(layer: KerasLayer) -> bool:
    """Whether a layer holds a normalization."""
    return kind_of(layer) in FOLDED


def unquantized(layer: KerasLayer, what: str) -> Any:
    """The weight `what` of a layer before its quantizer; with the normalization in it where the layer holds one."""
    if not is_folded(layer):
        return getattr(layer, what)
    with float_type("float32"):
        scale = _scale(layer)
        if what == "bias":
            normalization, bias = layer.batchnorm, layer.bias if layer.use_bias else 0.0
            folded = scale * (bias - normalization.moving_mean)
            return folded if normalization.beta is None else folded + normalization.beta
        kernel = getattr(layer, what)
        depthwise = what == "depthwise_kernel"
        return (import_keras().ops.reshape(scale, kernel.shape[2:]) if depthwise else scale) * kernel


def _scale(layer: KerasLayer) -> Any:
    """What every channel is multiplied by, formed in the order in which the layer forms it."""
    ops, normalization = import_keras().ops, layer.batchnorm
    spread = normalization.moving_variance + normalization.epsilon
    inverse = ops.rsqrt(spread) if kind_of(layer) == "QDepthwiseConv2DBatchnorm" else 1 / ops.sqrt(spread)
    return inverse if normalization.gamma is None else inverse * normalization.gamma
