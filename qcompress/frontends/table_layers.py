"""Layers whose functions of several elements are made of tables: a softmax, a normalization of rows.

They are what quantization after training puts in place of Keras' own: sums and products are exact, and what is a
function of one element is computed in float64 and rounded to a number format, to nearest, halves to even, saturated.
"""

from collections.abc import Callable
from typing import Any

from qcompress.files import JsonObject
from qcompress.fixedpoint import Format
from qcompress.frontends.keras_objects import Tensor
from qcompress.frontends.runtime import import_keras

keras: Any = import_keras()


def rounded(function: Callable[[Tensor], Tensor], values: Tensor, to: Format) -> Tensor:
    """function of values in float64, as numbers of a format without a sign; in the type of values."""
    ops, unit = keras.ops, 2.0**-to.fraction
    codes = ops.round(function(ops.cast(values, "float64")) / unit)
    return ops.cast(ops.clip(codes, 0.0, float(to.max_code)) * unit, values.dtype)


class TableLayer(keras.layers.Layer):  # type: ignore[misc]
    """A layer along the last axis with two number formats, written as text: "ufixed<12,1>"."""

    def __init__(self, first: str, second: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.first, self.second = Format.parse(first), Format.parse(second)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the outputs: input_shape itself."""
        return input_shape

    def get_config(self) -> JsonObject:
        return {**super().get_config(), "first": str(self.first), "second": str(self.second)}


class TableSoftmax(TableLayer):
    """Exponentials below the largest element, in format `first`, times the inverse of their sum, in format `second`."""

    def exponential(self, below: Tensor) -> Tensor:
        """exp, rounded; below: elements less the largest one."""
        return rounded(keras.ops.exp, below, self.first)

    def inverse(self, sums: Tensor) -> Tensor:
        """1 / sums, rounded; sums are 1 or more, for the largest element's exponential is."""
        return rounded(lambda given: 1.0 / keras.ops.maximum(given, 1.0), sums, self.second)

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs (n, ..., classes) -> as many."""
        ops = keras.ops
        each = self.exponential(inputs - ops.max(inputs, axis=-1, keepdims=True))
        return each * self.inverse(ops.sum(each, axis=-1, keepdims=True))


class TableNormalization(TableLayer):
    """Rows of n elements: c = n x - sum(x), q = sum(c^2) in format `first`, r = 1 / (n sqrt(q / n^3 + epsilon)) in
    format `second`, then gamma c r + beta.

    q / n^3 is the variance. weights: gamma and beta, (channels,).
    """

    gamma: Any
    beta: Any

    def __init__(self, first: str, second: str, epsilon: float = 1e-3, **arguments: Any) -> None:
        super().__init__(first, second, **arguments)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        """Make the weights."""
        for what, start in (("gamma", "ones"), ("beta", "zeros")):
            setattr(self, what, self.add_weight(shape=(input_shape[-1],), initializer=start, name=what))

    def inverse_root(self, squares: Tensor, count: int) -> Tensor:
        """r of q, for rows of `count` elements."""

        def function(given: Tensor) -> Tensor:
            return 1.0 / (count * keras.ops.sqrt(given / count**3 + self.epsilon))

        return rounded(function, squares, self.second)

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs (n, ..., channels) -> as many."""
        ops, count = keras.ops, inputs.shape[-1]
        centred = count * inputs - ops.sum(inputs, axis=-1, keepdims=True)
        squares = ops.sum(centred * centred, axis=-1, keepdims=True)
        squares = rounded(lambda given: given, squares, self.first)
        return centred * self.inverse_root(squares, count) * self.gamma + self.beta

    def get_config(self) -> JsonObject:
        return {**super().get_config(), "epsilon": self.epsilon}


LAYERS = (TableSoftmax, TableNormalization)
