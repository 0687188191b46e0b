"""HGQ2's layers with weights as exact sums of products: dense, einsum, convolutions, batch normalization."""

from math import prod
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.builder import UNKNOWN, Builder
from qcompress.frontends.calls import Call
from qcompress.frontends.chaining import scaled
from qcompress.frontends.contraction import einsum_with_constant, row_equation
from qcompress.frontends.hgq2_quantizers import weight_codes
from qcompress.frontends.runtime import import_keras
from qcompress.frontends.windows import check_channels_last, same_padding
from qcompress.graph import Conv1D, Conv2D, Dense
from qcompress.graph.movement import Pairs


def used_by_dense(layer: Any) -> Codes:
    """1 for every input that meets a weight of QDense or QBatchNormDense; (inputs,)."""
    return np.asarray(_nonzero(layer).any(axis=1), np.int64)


def used_by_einsum(layer: Any, axes: int) -> Codes:
    """The same of QEinsumDense and QEinsumDenseBatchnorm, for rows of so many axes."""
    given, weights, _ = row_equation(layer.name, layer.equation, axes)
    met = _nonzero(layer)
    used = met.any(axis=tuple(n for n, label in enumerate(weights) if label not in given))
    kept = [label for label in weights if label in given]
    sizes = dict(zip(kept, used.shape, strict=True))
    order = [kept.index(label) for label in given if label in kept]
    return np.asarray(used.transpose(order).reshape([sizes.get(label, 1) for label in given]), np.int64)


def used_by_convolution(layer: Any) -> Codes:
    """The same of QConv1D and QConv2D; (channels,)."""
    met = _nonzero(layer)
    used = met.any(axis=tuple(range(met.ndim - 2)))  # channels of a group, filters
    return np.asarray(np.concatenate([part.any(axis=1) for part in np.split(used, layer.groups, axis=1)]), np.int64)


def _nonzero(layer: Any) -> Any:
    return np.asarray(import_keras().ops.convert_to_numpy(layer.qkernel)) != 0


def dense(builder: Builder, call: Call, source: str) -> str:
    """QDense and QBatchNormDense: appends to builder what call computes on its quantized source; gives the node."""
    layer, used = call.layer, live(builder, source)
    meets = used.reshape(-1, used.shape[-1]).max(axis=0)
    kernel, kernel_format = weight_codes(layer, "kernel", layer.qkernel, meets[:, None])
    bias, bias_format = _bias(layer, kernel.shape[-1], kernel_format)
    return builder.add(call.name, Dense(kernel, kernel_format, bias, bias_format, UNKNOWN), source)


def _bias(layer: Any, channels: int, otherwise: Format) -> tuple[Codes, Format]:
    """Codes and format of a bias for each channel; zeros where there is none."""
    values = layer.qbias
    if values is None:
        return np.zeros(channels, np.int64), otherwise
    codes, format_ = weight_codes(layer, "bias", values)
    return codes.reshape(channels), format_


def live(builder: Builder, source: str) -> Codes:
    """1 for every element of source that is not always 0: what meets the others is of no use."""
    return np.asarray((builder.ranges[source].low != 0) | (builder.ranges[source].high != 0), np.int64)


def einsum(builder: Builder, call: Call, source: str) -> str:
    """QEinsumDense and QEinsumDenseBatchnorm: appends to builder what call computes on its quantized source.

    Gives the last node.
    """
    layer = call.layer
    given, weights, result = row_equation(call.name, layer.equation, len(builder.shapes[source]))
    meets = _seen_by(given, weights, live(builder, source))
    kernel = weight_codes(layer, "kernel", layer.qkernel, meets)
    bias = None if layer.bias is None else weight_codes(layer, "bias", layer.qbias)
    return einsum_with_constant(builder, call.name, f"{given},{weights}->{result}", source, kernel, bias)


def _seen_by(given: str, weights: str, used: Codes) -> Codes:
    """Which weights meet an input that is used: used, with labels given, as it broadcasts against the weights."""
    seen: Codes = np.asarray(used.max(axis=tuple(n for n, label in enumerate(given) if label not in weights)))
    kept = [label for label in given if label in weights]
    order = [kept.index(label) for label in weights if label in kept]
    sizes = dict(zip(kept, seen.shape, strict=True))
    return seen.transpose(order).reshape([sizes.get(label, 1) for label in weights])


def convolution(builder: Builder, call: Call, source: str) -> str:
    """QConv1D and QConv2D: appends to builder what call computes on its quantized source; gives the node."""
    layer = call.layer
    check_channels_last(call)
    kernel, kernel_format = weight_codes(layer, "kernel", layer.qkernel)
    if kernel.ndim not in (3, 4):
        raise Refused(f"layer {call.name}: a convolution over {kernel.ndim - 2} axes; use QConv1D or QConv2D")
    bias, bias_format = _bias(layer, kernel.shape[-1], kernel_format)
    kind = Conv1D if kernel.ndim == 3 else Conv2D
    operation = kind(
        kernel,
        kernel_format,
        bias,
        bias_format,
        UNKNOWN,
        strides=tuple(layer.strides),
        padding=_padding(layer, builder.shapes[source]),
        dilation=tuple(layer.dilation_rate),
        groups=int(layer.groups),
    )
    return builder.add(call.name, operation, source)


def _padding(layer: Any, shape: tuple[int, ...]) -> Pairs:
    """Zeros before and after each spatial axis of a convolution."""
    size, strides, dilation = layer.kernel_size, layer.strides, layer.dilation_rate
    spans = [(window - 1) * step + 1 for window, step in zip(size, dilation, strict=True)]
    if layer.padding == "causal":
        state = getattr(layer.iq.quantizer, "_i", None) if layer.enable_iq else None
        if spans[0] > 1 and state is not None and state.shape[1] > 1:
            raise Refused(
                f"layer {layer.name}: HGQ2 itself cannot compute it, for it pads before it quantizes step by step; "
                "give its input quantizer one format for all steps"
            )
        return ((spans[0] - 1, 0),)
    if layer.padding == "same":
        return tuple(same_padding(*sizes) for sizes in zip(shape[: len(size)], spans, strides, strict=True))
    return ((0, 0),) * len(size)


def batch_normalization(builder: Builder, call: Call, source: str) -> str:
    """QBatchNormalization: appends to builder what call computes on its quantized source; gives the last node."""
    layer, axes = call.layer, len(builder.shapes[source])
    factor, offset = layer.qscaler_and_qoffset
    axis = (layer.axis[0] if isinstance(layer.axis, list | tuple) else layer.axis) % (axes + 1) - 1
    shape = [1] * axes
    shape[axis] = builder.shapes[source][axis]
    scale, scale_format = weight_codes(layer, "scale", factor)
    shift, shift_format = weight_codes(layer, "offset", offset)
    if scale.size != prod(shape):
        raise Refused(f"layer {call.name}: normalizes several axes; use one")
    return scaled(
        builder, call.name, source, (scale.reshape(shape), scale_format), (shift.reshape(shape), shift_format)
    )
