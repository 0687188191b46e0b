"""Kernels drawn anew before a training: He et al., arXiv:1502.01852 (Kaiming initialisation)."""

from math import prod

import numpy as np

from qcompress.frontends.keras_objects import KerasModel


def kaiming(model: KerasModel, seed: int) -> None:
    """Draw every kernel of model from N(0, 2 / inputs of one sum), set every bias to 0; other variables stay.

    seed: of the draws; layers in the order of the model.
    """
    rng = np.random.default_rng([seed, 1502])
    for layer in model._flatten_layers(include_self=False, recursive=True):
        for variable in layer._trainable_variables:
            if "kernel" in variable.name:
                deviation = np.sqrt(2 / inputs_of_a_sum(type(layer).__name__, tuple(variable.shape)))
                variable.assign(rng.normal(0, deviation, variable.shape))
            elif variable.name == "bias":
                variable.assign(np.zeros(variable.shape))


def inputs_of_a_sum(kind: str, shape: tuple[int, ...]) -> int:
    """How many inputs one output of a layer adds up; kind: the layer's class, shape: its kernel's."""
    if "Depthwise" in kind:
        return prod(shape[:-2])
    return prod(shape[:-2]) * shape[-1] if "Transpose" in kind else prod(shape[:-1])
