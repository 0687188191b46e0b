"""Layers with weights as sums of products: dense, convolutions, batch normalization."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Codes, Format, Values
from qcompress.frontends.activations import add_activation
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.exactness import UNSCALED
from qcompress.frontends.folding import is_folded, unquantized
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.keras_objects import KerasLayer
from qcompress.frontends.pending import End, Pending, Step
from qcompress.frontends.quantizers import check_deterministic, evaluate, signs, weights
from qcompress.frontends.runtime import import_keras, kind_of
from qcompress.frontends.windows import check_channels_last, same_padding, transposed_padding
from qcompress.graph import Affine, Conv1D, Conv2D, Dense, DepthwiseConv, Linear, TransposedConv
from qcompress.graph.movement import Pairs


class Kernel(NamedTuple):
    """Codes and format of a kernel; scale: of every channel, which is on no grid, and why it may not be there."""

    codes: Codes
    format: Format
    scale: Values | None = None
    refusal: Refused | None = None

    @classmethod
    def of(cls, layer: KerasLayer, what: str) -> "Kernel":
        """The weight `what` of a layer; raises Refused where it is neither on a grid nor signs with a scale."""
        try:
            return cls(*weights(layer, what))
        except Refused as refusal:
            found = signs(layer, what)
            if found is None:
                raise
            return cls(*found, refusal)

    def masked(self, name: str, mask: Values) -> "Kernel":
        """The kernel of layer `name` times its mask; raises Refused if that leaves the grid."""
        try:
            codes, format_ = exact_codes(self.format.to_values(self.codes) * mask)
        except QcompressError as fault:
            raise Refused(
                f"layer {name}: its mask takes the kernel off its grid ({fault}); use zeros and ones"
            ) from None
        return self._replace(codes=codes, format=format_)


def dense(builder: Builder, call: Call, source: str) -> End:
    """QDense and Dense on the last axis of any shape: appends to builder what call computes on source.

    Gives the last node. Weights without a quantizer must be on a grid as they are. Raises Refused.
    """
    kernel = Kernel.of(call.layer, "kernel")
    return _finish(builder, call, kernel, Dense(**_arguments(call.layer, kernel)), source)


def convolution(builder: Builder, call: Call, source: str) -> End:
    """QConv1D, QConv2D and the plain layers: appends to builder what call computes on source; gives the last node.

    With stride, dilation, groups, padding, and QConv2D's mask. Raises Refused.
    """
    layer = call.layer
    kernel = Kernel.of(layer, "kernel")
    mask = getattr(layer, "_mask", None)
    if mask is not None:
        kernel = kernel.masked(call.name, np.asarray(mask))
    kind = Conv1D if kernel.codes.ndim == 3 else Conv2D
    operation = kind(
        **_arguments(layer, kernel), **_sliding(builder, call, source), groups=int(getattr(layer, "groups", 1))
    )
    return _finish(builder, call, kernel, operation, source)


def depthwise(builder: Builder, call: Call, source: str) -> End:
    """QDepthwiseConv2D and the plain layers: appends to builder what call computes on source; gives the last node.

    The plain layers call their kernel otherwise. Raises Refused.
    """
    kernel = Kernel.of(call.layer, "depthwise_kernel" if hasattr(call.layer, "depthwise_kernel") else "kernel")
    operation = DepthwiseConv(**_arguments(call.layer, kernel), **_sliding(builder, call, source))
    return _finish(builder, call, kernel, operation, source)


def separable(builder: Builder, call: Call, source: str) -> End:
    """QSeparableConv1D and 2D: appends to builder what call computes on source; gives the last node.

    A depthwise convolution, then one over the channels of each position. Raises Refused.
    """
    layer = call.layer
    codes, format_ = weights(layer, "depthwise_kernel")
    nothing: dict[str, Any] = {"bias": np.zeros(codes.shape[-2] * codes.shape[-1], np.int64), "bias_format": format_}
    sliding = _sliding(builder, call, source)
    first = DepthwiseConv(kernel=codes, kernel_format=format_, accumulator=UNKNOWN, **nothing, **sliding)
    middle = builder.add(f"{call.name}_depthwise", first, source)
    kernel = Kernel.of(layer, "pointwise_kernel")
    kind = Conv1D if kernel.codes.ndim == 3 else Conv2D
    return _finish(builder, call, kernel, kind(**_arguments(layer, kernel)), middle)


def transposed(builder: Builder, call: Call, source: str) -> End:
    """QConv2DTranspose: appends to builder what call computes on source; gives the last node.

    A correlation of the spread-out input with the kernel turned around. Raises Refused.
    """
    layer = call.layer
    check_channels_last(call)
    kernel = Kernel(*weights(layer, "kernel"))
    turned = kernel._replace(codes=kernel.codes[::-1, ::-1].transpose(0, 1, 3, 2))
    size, shape = kernel.codes.shape[:2], builder.shapes[source]
    strides, dilation = tuple(layer.strides), tuple(layer.dilation_rate)
    if max(dilation) > 1 or getattr(layer, "output_padding", None) is not None:
        raise Refused(f"layer {call.name}: a transposed convolution with dilation or output_padding; use neither")
    padding = tuple(transposed_padding(layer.padding, *sizes) for sizes in zip(shape[:2], size, strides, strict=True))
    operation = TransposedConv(**_arguments(layer, turned), padding=padding, stuffing=strides)
    return _finish(builder, call, kernel, operation, source)


def batch_normalization(builder: Builder, call: Call, source: End) -> End:
    """BatchNormalization and QBatchNormalization: appends to builder what call computes on source; gives what ends it.

    Scale and shift of each channel; where those are not exact, a function that waits for a quantizer. Raises Refused
    for another axis than the last.
    """
    layer = call.layer
    shape = builder.shapes[source.source if isinstance(source, Pending) else source]
    axis = layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis
    if axis not in {-1, len(shape)}:
        raise Refused(f"layer {call.name}: normalizes axis {axis}; use the last one")
    if isinstance(source, Pending):
        return source.then(_normalizing(call, "it follows a function on no grid"))
    try:
        scale, shift = _scale_and_shift(layer)
        kernel, kernel_format = exact_codes(scale)
        bias, bias_format = exact_codes(shift)
    except QcompressError as fault:
        return Pending(source, (_normalizing(call, f"scale or shift is not exact ({fault})"),))
    return builder.add(call.name, Affine(kernel, kernel_format, bias, bias_format, UNKNOWN), source)


def _normalizing(call: Call, reason: str) -> Step:
    """The layer as Keras computes it: a product and a sum, which rise or fall; reason: why they are no node."""
    remedy = (
        f"{reason}; use QBatchNormalization with inverse_quantizer, or epsilon=0 and a variance_quantizer of even "
        "powers of two"
    )
    function = partial(call.layer, training=False)
    return Step(call.name, kind_of(call.layer), function, remedy, by_channel=True, rises=False)


def _scale_and_shift(layer: KerasLayer) -> tuple[Any, Any]:
    """Scale and shift of each channel in float64, from what the layer's quantizers give in float32.

    Raises QcompressError if the inverse of the deviation, which Keras forms first, is on no grid.
    """
    found: dict[str, Any] = {"gamma": np.float64(1), "beta": np.float64(0)}
    for key, what in (("gamma", "gamma"), ("beta", "beta"), ("mean", "moving_mean"), ("variance", "moving_variance")):
        values = getattr(layer, what)
        if values is not None:
            quantizer = getattr(layer, f"{key}_quantizer_internal", None)
            check_deterministic(layer.name, quantizer)
            found[key] = evaluate(quantizer or (lambda tensor: tensor), values)
    inverse = getattr(layer, "inverse_quantizer_internal", None)
    if inverse is None:
        with np.errstate(divide="ignore"):  # infinity is no grid either
            inverse_deviation = 1 / np.sqrt(found["variance"] + layer.epsilon)
        exact_codes(inverse_deviation)  # raises: the scale may be exact by chance, but Keras divides first
        scale = found["gamma"] * inverse_deviation
    else:
        check_deterministic(layer.name, inverse)
        deviation = np.sqrt(found["variance"].astype(np.float32) + np.float32(layer.epsilon))
        scale = evaluate(inverse, np.float32(1) / deviation * found["gamma"].astype(np.float32))
    return scale, found["beta"] - found["mean"] * scale


def _arguments(layer: KerasLayer, kernel: Kernel) -> dict[str, Any]:
    if _has_bias(layer) and _late_bias(layer, kernel) is None:
        bias, bias_format = weights(layer, "bias")
    else:
        channels = kernel.codes.shape[-1] * (kernel.codes.shape[-2] if "Depthwise" in kind_of(layer) else 1)
        bias, bias_format = np.zeros(channels, np.int64), kernel.format
    return {
        "kernel": kernel.codes,
        "kernel_format": kernel.format,
        "bias": bias,
        "bias_format": bias_format,
        "accumulator": getattr(layer, "accumulator", UNKNOWN),
    }


def _has_bias(layer: KerasLayer) -> bool:
    return bool(layer.use_bias) or is_folded(layer)


def _late_bias(layer: KerasLayer, kernel: Kernel) -> Refused | None:
    """Why the bias of a layer is added behind the sum of codes: the sum has a scale, or the bias is on no grid."""
    if kernel.refusal is not None:
        return kernel.refusal
    if getattr(layer, "bias_quantizer_internal", None) is not None or hasattr(layer, "bias_cast"):
        return None
    try:
        weights(layer, "bias")
    except Refused as refusal:
        return refusal
    return None


def _sliding(builder: Builder, call: Call, source: str) -> dict[str, Any]:
    """strides, padding and dilation of a convolution."""
    layer = call.layer
    check_channels_last(call)
    size, strides, dilation = layer.kernel_size, tuple(layer.strides), tuple(layer.dilation_rate)
    shape = builder.shapes[source]
    padding: Pairs = ((0, 0),) * len(size)
    kind = layer.padding.lower()
    if kind == "same":
        spans = [(window - 1) * dilate + 1 for window, dilate in zip(size, dilation, strict=True)]
        padding = tuple(same_padding(*sizes) for sizes in zip(shape[: len(size)], spans, strides, strict=True))
    elif kind == "causal":
        if kind_of(layer).startswith("Q"):
            raise Refused(f"layer {call.name}: padding 'causal'; QKeras cannot compute it: put ZeroPadding1D before")
        padding = (((size[0] - 1) * dilation[0], 0),)
    return {"strides": strides, "padding": padding, "dilation": dilation}


def _finish(builder: Builder, call: Call, kernel: Kernel, operation: Linear, source: str) -> End:
    """The sum, what follows it on no grid, and the inline activation, unless it is the model's end that is left out."""
    layer = call.layer
    refusal = kernel.refusal or (_late_bias(layer, kernel) if _has_bias(layer) else None)
    if refusal is None:
        node: End = builder.add(call.name, operation, source)
    else:
        name = f"{call.name}{UNSCALED if kernel.refusal else '_sum'}"
        remedy = str(refusal).removeprefix(f"layer {layer.name}: ")
        step = Step(call.name, kind_of(layer), _scaled(layer, kernel), remedy, by_channel=True)
        node = Pending(builder.add(name, operation, source), (step,))
    if call.cut:
        return node
    return add_activation(builder, f"{call.name}_activation", call.name, getattr(layer, "activation", None), node)


def _scaled(layer: KerasLayer, kernel: Kernel) -> Callable[[Any], Any]:
    """What makes a layer's results of its sums of codes: the scale of the kernel, and the bias.

    With a scale in float64, which holds the sum of scaled weights exactly, rounded once to float32.
    """
    ops = import_keras().ops
    quantizer = getattr(layer, "bias_quantizer_internal", None) or (lambda tensor: tensor)
    bias = evaluate(quantizer, unquantized(layer, "bias")) if _has_bias(layer) else np.float64(0)
    if kernel.scale is None:
        return lambda sums: sums + ops.cast(bias, "float32")
    return lambda sums: ops.cast(ops.cast(sums, "float64") * kernel.scale + bias, "float32")
