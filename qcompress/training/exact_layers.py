"""Keras layers whose forward pass is the graph's arithmetic: each product cast to an accumulator, weights on a grid.

What such a layer gives in Keras is what the graph made of it gives, and with it every firmware body, bit by bit,
while it trains. Formats and casts are written as text: "fixed<16,9>", "fixed<6,1,TRN,SAT>".
"""

from typing import Any

from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.fixedpoint import Cast, Format
from qcompress.frontends.keras_objects import Quantizer, Tensor
from qcompress.frontends.runtime import import_keras
from qcompress.frontends.windows import same_padding
from qcompress.graph.movement import Pairs
from qcompress.training.arithmetic import (
    cast_convolution,
    cast_dense,
    cast_depthwise,
    cast_values,
    check_cast,
    rounded_values,
)

keras: Any = import_keras()


class CastWeights:
    """Kernel and bias on grids, and an accumulator, of a layer that has both; mixed into Keras' own layers."""

    kernel_cast: Cast
    bias_cast: Cast
    accumulator: Format
    kernel: Tensor
    bias: Tensor
    activation: Quantizer

    def _take_formats(self, accumulator: str, kernel_cast: str, bias_cast: str | None) -> None:
        self.accumulator = Format.parse(accumulator)
        self.kernel_cast = check_cast(Cast.parse(kernel_cast))
        self.bias_cast = check_cast(Cast.parse(bias_cast or kernel_cast))

    def _formats(self) -> dict[str, str]:
        return {
            "accumulator": str(self.accumulator),
            "kernel_cast": str(self.kernel_cast),
            "bias_cast": str(self.bias_cast),
        }

    def _weights(self) -> tuple[Tensor, Tensor]:
        """Kernel and bias (or None) as tensors, on their grids."""
        kernel = cast_values(self.kernel, self.kernel_cast)
        if self.bias is None:
            return kernel, None
        return kernel, cast_values(self.bias, self.bias_cast)

    def _activated(self, sums: Tensor) -> Tensor:
        return sums if self.activation is None else self.activation(sums)


class CastDense(CastWeights, keras.layers.Dense):  # type: ignore[misc]
    """y_j = bias_j + sum_i x_i kernel_ij along the last axis, each product and the bias cast to `accumulator`.

    kernel_cast, bias_cast: of the weights, bias_cast by default as kernel_cast; other arguments as Keras' Dense.
    """

    def __init__(
        self, units: int, accumulator: str, kernel_cast: str, bias_cast: str | None = None, **arguments: Any
    ) -> None:
        super().__init__(units, **arguments)
        self._take_formats(accumulator, kernel_cast, bias_cast)

    def call(self, inputs: Tensor, training: Any = None) -> Tensor:
        """The inputs (n, ..., terms) -> (n, ..., units), activated; training makes no difference."""
        return self._activated(cast_dense(inputs, *self._weights(), self.accumulator))

    def get_config(self) -> JsonObject:
        return {**super().get_config(), **self._formats()}


class CastSliding(CastWeights):
    """What convolutions share: strides and padding as Keras has them; neither dilation nor groups."""

    name: str
    kernel_size: Any
    strides: Any
    padding: str
    dilation_rate: Any
    data_format: str

    def _check_window(self) -> None:
        if max(self.dilation_rate) > 1 or getattr(self, "groups", 1) > 1 or self.data_format != "channels_last":
            raise QcompressError(f"layer {self.name}: no dilation, groups or channels first in a cast convolution")
        if self.padding not in {"same", "valid"}:
            raise QcompressError(f"layer {self.name}: padding {self.padding!r}; use same or valid")

    def _pairs(self, shape: Any) -> Pairs:
        """Zeros before and after each spatial axis of an input of this shape."""
        if self.padding == "valid":
            return ((0, 0),) * len(self.kernel_size)
        sizes = zip(shape[1:-1], self.kernel_size, self.strides, strict=True)
        return tuple(same_padding(int(size), window, stride) for size, window, stride in sizes)


class _CastConvolution(CastSliding):
    """The call and configuration of convolutions over all channels."""

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        accumulator: str,
        kernel_cast: str,
        bias_cast: str | None = None,
        **arguments: Any,
    ) -> None:
        super().__init__(filters, kernel_size, **arguments)  # type: ignore[call-arg]
        self._take_formats(accumulator, kernel_cast, bias_cast)
        self._check_window()

    def call(self, inputs: Tensor) -> Tensor:
        padding = self._pairs(inputs.shape)
        return self._activated(cast_convolution(inputs, *self._weights(), self.accumulator, self.strides, padding))

    def get_config(self) -> JsonObject:
        return {**super().get_config(), **self._formats()}  # type: ignore[misc]


class CastConv1D(_CastConvolution, keras.layers.Conv1D):  # type: ignore[misc]
    """Convolution over (steps, channels), each product cast to `accumulator`; other arguments as Keras' Conv1D."""


class CastConv2D(_CastConvolution, keras.layers.Conv2D):  # type: ignore[misc]
    """Convolution over (height, width, channels), each product cast to `accumulator`; else as Keras' Conv2D."""


class CastDepthwiseConv2D(CastSliding, keras.layers.DepthwiseConv2D):  # type: ignore[misc]
    """Every channel by itself, each product cast to `accumulator`; other arguments as Keras' DepthwiseConv2D."""

    def __init__(
        self, kernel_size: Any, accumulator: str, kernel_cast: str, bias_cast: str | None = None, **arguments: Any
    ) -> None:
        super().__init__(kernel_size, **arguments)
        self._take_formats(accumulator, kernel_cast, bias_cast)
        self._check_window()

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs (n, rows, columns, channels) -> (n, *positions, channels * depth_multiplier), activated."""
        padding = self._pairs(inputs.shape)
        return self._activated(cast_depthwise(inputs, *self._weights(), self.accumulator, self.strides, padding))

    def get_config(self) -> JsonObject:
        return {**super().get_config(), **self._formats()}


class CastActivation(keras.layers.Layer):  # type: ignore[misc]
    """A cast of every element, as the graph's Quantize: rounding TRN or RND_CONV, overflow WRAP or SAT.

    overflow_penalty: adds this times the mean over rows of what lies outside the format, summed over elements, to
    the loss that is trained.
    """

    def __init__(self, cast: str, overflow_penalty: float = 0.0, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.cast = check_cast(Cast.parse(cast))
        self.overflow_penalty = overflow_penalty

    def call(self, inputs: Tensor) -> Tensor:
        """The inputs, of any shape, cast; adds the penalty of what overflows to the loss, if there is one."""
        if self.overflow_penalty:
            self.add_loss(self.overflow_penalty * keras.ops.mean(self._overflow(inputs)))
        return cast_values(inputs, self.cast)

    def _overflow(self, inputs: Tensor) -> Tensor:
        """(n,): how far the elements of each row lie outside the format, in its values."""
        low, high = (float(self.cast.format.to_values(code)) for code in (self._ends()))
        rounded = inputs + keras.ops.stop_gradient(rounded_values(inputs, self.cast) - inputs)
        outside = keras.ops.relu(rounded - high) + keras.ops.relu(low - rounded)
        return keras.ops.sum(outside, axis=tuple(range(1, len(inputs.shape))))

    def _ends(self) -> tuple[int, int]:
        return self.cast.format.min_code, self.cast.format.max_code

    def compute_output_shape(self, input_shape: Any) -> Tensor:
        """The shape of the outputs: input_shape itself."""
        return input_shape

    def get_config(self) -> JsonObject:
        return {**super().get_config(), "cast": str(self.cast), "overflow_penalty": self.overflow_penalty}


LAYERS = (CastDense, CastConv1D, CastConv2D, CastDepthwiseConv2D, CastActivation)
