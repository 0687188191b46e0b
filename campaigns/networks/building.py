"""Keras models from layer tables, with random weights of a seed that their name gives."""

from collections.abc import Sequence
from typing import Any
from zlib import crc32

import numpy as np

from qcompress.frontends.runtime import import_keras

keras = import_keras()
plain = keras.layers


def qkeras() -> Any:
    """The package qkeras."""
    import qkeras as package

    return package


def bits(width: int, integer: int = 0, **more: Any) -> Any:
    """quantized_bits with alpha 1."""
    return qkeras().quantized_bits(width, integer, **{"alpha": 1, **more})


def kernel_bits(width: int, integer: int = 0, bias: int | None = None) -> dict[str, Any]:
    """Quantizers of a kernel and a bias."""
    return {"kernel_quantizer": bits(width, integer), "bias_quantizer": bits(bias or width, integer)}


def act(text: Any) -> Any:
    """QActivation."""
    return qkeras().QActivation(text)


def sequential(name: str, shape: Sequence[int], layers: Sequence[Any], kept: Sequence[str] = ()) -> Any:
    """A model of layers behind each other, on rows of shape, with the weights of its name; kept: as `filled` has it."""
    return filled(name, keras.Sequential([keras.Input(tuple(shape)), *layers]), kept)


def filled(name: str, model: Any, kept: Sequence[str] = ()) -> Any:
    """Draw the weights of a model: kernels by their fan-in, normalizations about 1 and 0.

    kept: names of weights that stay as their initializers have made them.
    """
    rng = np.random.default_rng(crc32(name.encode()))
    for weight in model.weights:
        label = weight.path.rsplit("/", 1)[-1]
        drawn = _drawn(rng, label, tuple(weight.shape))
        if drawn is not None and label not in kept:
            weight.assign(drawn)
    return model


def _drawn(rng: np.random.Generator, name: str, shape: tuple[int, ...]) -> Any:
    if "kernel" in name:
        inputs = int(np.prod(shape[:2])) if "depthwise" in name else int(np.prod(shape[:-1]))
        return rng.normal(0, np.sqrt(2 / max(1, inputs)), shape)
    if name == "bias":
        return rng.normal(0, 0.1, shape)
    if name in ("gamma", "moving_variance"):
        return rng.uniform(0.5, 1.5, shape)
    if name in ("beta", "moving_mean"):
        return rng.normal(0, 0.2, shape)
    return None
