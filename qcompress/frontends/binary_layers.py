"""Dense layers of signs of the Keras 2 era, as the first networks of hls4ml have them, and their activations.

Courbariaux et al., "Binarized Neural Networks", arXiv:1602.02830, for signs; -1, 0 and 1 with thresholds at a half.
Every class and function is known in files by its bare name.
"""

from typing import Any

from qcompress.files import JsonObject
from qcompress.frontends.keras_objects import Tensor
from qcompress.frontends.runtime import import_keras, import_qkeras

keras: Any = import_keras()
GLOROT = 1.5
"""Over inputs and outputs together, the square of a scale H that is written as "Glorot"."""
OF_TRAINING = ("kernel_constraint", "bias_constraint", "kernel_lr_multiplier", "bias_lr_multiplier")
"""Arguments that only training reads."""


class SignDense(keras.layers.Dense):  # type: ignore[misc]
    """Dense whose kernel is H times what `level` gives of weight / H; H: a number, or "Glorot"."""

    def __init__(self, units: int, H: float | str = 1.0, **arguments: Any) -> None:
        super().__init__(units, **{key: value for key, value in arguments.items() if key not in OF_TRAINING})
        self.H = H

    @staticmethod
    def level(weights: Tensor) -> Tensor:
        """-1, 0 or 1 for every weight."""
        raise NotImplementedError

    def kernel_quantizer_internal(self, weights: Tensor) -> Tensor:
        """The kernel that weights (inputs, units) stand for."""
        scale = (GLOROT / sum(weights.shape)) ** 0.5 if self.H == "Glorot" else float(self.H)
        return scale * self.level(weights / scale)

    def call(self, inputs: Tensor, training: Any = None) -> Tensor:
        """The inputs (n, ..., terms) -> (n, ..., units), activated; training makes no difference."""
        sums = keras.ops.matmul(inputs, self.kernel_quantizer_internal(self.kernel))
        sums = sums if self.bias is None else keras.ops.add(sums, self.bias)
        return sums if self.activation is None else self.activation(sums)

    def get_config(self) -> JsonObject:
        return {**super().get_config(), "H": self.H}


class BinaryDense(SignDense):
    """Signs: -1 at 0 and below, and above it where half the weight is lost beside a half."""

    @staticmethod
    def level(weights: Tensor) -> Tensor:
        """-1 or 1 for every weight."""
        ops = keras.ops
        return 2.0 * ops.round(ops.clip(0.5 * weights + 0.5, 0.0, 1.0)) - 1.0


class TernaryDense(SignDense):
    """1 above a half, -1 at minus a half and below, else 0."""

    @staticmethod
    def level(weights: Tensor) -> Tensor:
        """-1, 0 or 1 for every weight."""
        ops = keras.ops
        return ops.where(weights > 0.5, 1.0, ops.where(weights <= -0.5, -1.0, 0.0))


def ternary_tanh(values: Tensor) -> Tensor:
    """values cut at -1 and 1, then rounded, halves to even."""
    return keras.ops.round(keras.ops.clip(values, -1.0, 1.0))


def relu1(values: Tensor) -> Tensor:
    """values cut at 0 and 1."""
    return keras.ops.clip(values, 0.0, 1.0)


LAYERS = (BinaryDense, TernaryDense)
FUNCTIONS = (import_qkeras().quantizers.binary_tanh, ternary_tanh, relu1)
