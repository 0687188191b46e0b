"""Sums of products: Conv, ConvTranspose, Gemm, MatMul, BatchNormalization."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.builder import UNKNOWN
from qcompress.frontends.contraction import BATCH, einsum_with_constant, matmul
from qcompress.frontends.qonnx.conversion import Converter, exact_array
from qcompress.frontends.qonnx.operators import Operator
from qcompress.frontends.qonnx.staircases import Numbers, Scale, fractions
from qcompress.frontends.qonnx.tensors import Constant, Value, channels_last, plain
from qcompress.frontends.qonnx.windows import dilations_of, padding_of, strides_of
from qcompress.graph import Conv1D, Conv2D, DepthwiseConv, Linear, TransposedConv

SAME = 2.0**-22
"""Relative difference of two scales up to which float32 may have rounded them from one product."""


@dataclass(frozen=True)
class Weights:
    """Codes of a kernel in a format, and the scale of each channel of the result, () if there is one for all."""

    codes: Codes
    format: Format
    scale: Numbers


def weights_of(operator: Operator, constant: Constant, axis: int | None) -> Weights:
    """The weights as codes; axis: of the channels that may have scales of their own. Raises Refused for no grid."""
    exact = exact_array(constant.array)
    if exact is not None:
        return Weights(*exact, fractions(1))
    codes = exact_array(constant.codes) if constant.codes is not None else None
    if codes is None or constant.scale is None:
        raise Refused(
            f"{operator.label}: its weights are on no grid; quantize the model, so that a Quant stands before them"
        )
    scale = np.broadcast_to(constant.scale, constant.array.shape)
    if axis is None:
        channels = np.unique(scale)[:2]
    else:
        channels = np.moveaxis(scale, axis, -1).reshape(-1, scale.shape[axis])[0]
        along = [-1 if place == axis else 1 for place in range(scale.ndim)]
        if (scale != channels.reshape(along)).any():
            raise Refused(f"{operator.label}: its weights have scales within a sum; use one for each channel")
    if (channels == channels[0]).all():
        channels = channels[:1].reshape(())
    elif axis is None:
        raise Refused(f"{operator.label}: its weights have several scales; use one")
    return Weights(*codes, fractions(channels))


def bias_of(converter: Converter, operator: Operator, constant: Constant | None, scale: Numbers, channels: int) -> Any:
    """Codes and format of the bias in units of `scale`, and None; or zeros, and what is to be added behind the sum."""
    none = np.zeros(channels, np.int64), Format(False, 1, 1)
    if constant is None:
        return *none, None
    constant = constant.each(lambda array: np.broadcast_to(array.ravel(), (channels,)))
    values = constant.array
    one = bool((scale == 1).all())
    if one and (exact := exact_array(values)) is not None:
        return *exact, None
    if not one and constant.codes is not None and constant.scale is not None:
        own, units = constant.scale, scale.astype(np.float64)
        codes = exact_array(constant.codes)
        if codes is not None and (np.abs(own - units) <= SAME * units).all():
            if (fractions(own) != scale).any():
                why = "whose scale is that of the bias but for the rounding of float32"
                converter.notes.append(f"{operator.label}: its bias is taken in units of its sum, {why}")
            return *codes, None
    return *none, fractions(values)


def summed(
    converter: Converter,
    operator: Operator,
    value: Value,
    constants: tuple[Weights, Constant | None],
    append: Callable[[Mapping[str, Any]], str],
    order: tuple[int, ...],
    axis: int,
) -> Value:
    """A sum of products of `value`, whose bias and scale are done as far as they are exact.

    append: makes the node from format, bias and accumulator; order: of what it gives; axis: its channels, in ONNX.
    """
    weights, bias = constants
    scale = np.asarray(weights.scale * converter.scale(operator, value))
    channels = weights.codes.shape[-1] if bias is None else max(weights.codes.shape[-1], np.size(bias.array))
    codes, format_, shift = bias_of(converter, operator, bias, scale, channels)
    node = append({"kernel_format": weights.format, "bias": codes, "bias_format": format_, "accumulator": UNKNOWN})
    found = Value(node, order)
    along = [-1 if place == axis else 1 for place in range(len(order))]
    factor = scale.reshape(along) if scale.size > 1 else scale.reshape(())
    if shift is None:
        return found if (scale == 1).all() else replace(found, steps=(Scale(factor, fractions(0)),))
    return converter.affine(replace(operator, name=f"{operator.name}_bias"), found, factor, shift.reshape(along))


def convolution(converter: Converter, operator: Operator) -> Value:
    """Conv over one or two axes, with groups; depthwise where every channel is a group."""
    value = converter.pixels(operator, converter.value(operator))
    constant = converter.constant(operator, 1)
    axes = constant.array.ndim - 2
    if axes not in (1, 2) or len(value.order) != axes + 1:
        raise Refused(f"{operator.label}: over {axes} axes of space; one or two are taken")
    shape, groups = converter.builder.shapes[value.node], int(operator.get("group", 1))
    size = constant.array.shape[2:]
    if shape[-1] != constant.array.shape[1] * groups:
        raise Refused(f"{operator.label}: weights of shape {constant.array.shape} for {shape[-1]} channels")
    weights = weights_of(operator, constant, 0)
    codes = weights.codes.transpose(*range(2, axes + 2), 1, 0)
    sliding: dict[str, Any] = {
        "strides": strides_of(operator, axes),
        "padding": padding_of(operator, shape[:-1], size),
        "dilation": dilations_of(operator, axes),
    }
    kind: type[Linear]
    if groups > 1 and constant.array.shape[1] == 1:
        kind, codes = DepthwiseConv, codes.reshape(*size, groups, -1)
    else:
        kind, sliding = (Conv1D, Conv2D)[axes - 1], sliding | {"groups": groups}
    wide = Weights(np.empty((0, constant.array.shape[0]), np.int64), weights.format, weights.scale)

    def append(rest: Mapping[str, Any]) -> str:
        return converter.builder.add(operator.name, kind(kernel=codes, **sliding, **rest), value.node)

    bias = converter.constant(operator, 2) if operator.has(2) else None
    return summed(converter, operator, value, (wide, bias), append, channels_last(axes + 1), 0)


def transposed(converter: Converter, operator: Operator) -> Value:
    """ConvTranspose: the correlation of the spread-out input with the kernel turned around."""
    value = converter.pixels(operator, converter.value(operator))
    constant = converter.constant(operator, 1)
    axes = constant.array.ndim - 2
    strides, padding = strides_of(operator, axes), operator.get("pads", [0] * 2 * axes)
    odd = any(operator.get("output_padding", [])) or operator.get("output_shape") is not None
    if int(operator.get("group", 1)) > 1 or odd or max(dilations_of(operator, axes)) > 1 or axes not in (1, 2):
        raise Refused(f"{operator.label}: groups, dilation, output_padding or output_shape; use none of them")
    if operator.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise Refused(f"{operator.label}: auto_pad {operator['auto_pad']}; give pads")
    weights = weights_of(operator, constant, 1)
    turned = weights.codes[(slice(None), slice(None), *(slice(None, None, -1),) * axes)]
    codes = turned.transpose(*range(2, axes + 2), 0, 1)
    size = codes.shape[:axes]
    around = tuple((size[n] - 1 - padding[n], size[n] - 1 - padding[n + axes]) for n in range(axes))
    if min(min(pair) for pair in around) < 0:
        raise Refused(f"{operator.label}: pads {padding} are wider than its window; use smaller ones")

    def append(rest: Mapping[str, Any]) -> str:
        operation = TransposedConv(kernel=codes, padding=around, stuffing=strides, **rest)
        return converter.builder.add(operator.name, operation, value.node)

    bias = converter.constant(operator, 2) if operator.has(2) else None
    return summed(converter, operator, value, (replace(weights, codes=codes), bias), append, channels_last(axes + 1), 0)


def gemm(converter: Converter, operator: Operator) -> Value:
    """Gemm of rows and constant weights."""
    value = converter.value(operator)
    if len(value.order) != 1 or operator.get("transA", 0) or operator.get("alpha", 1.0) != 1.0:
        raise Refused(f"{operator.label}: transA, alpha, or rows of {len(value.order)} axes; use MatMul")
    constant = converter.constant(operator, 1)
    if operator.get("transB", 0):
        constant = constant.each(np.transpose)
    bias = converter.constant(operator, 2) if operator.has(2) else None
    if bias is not None and operator.get("beta", 1.0) != 1.0:
        raise Refused(f"{operator.label}: beta {operator['beta']}; scale the bias itself")
    if bias is not None:
        bias = bias.each(np.ravel)
    return _contracted(converter, operator, value, constant, "a,ab->b", bias)


def product(converter: Converter, operator: Operator) -> Value:
    """MatMul of a tensor and constant weights, on either side, or of two tensors."""
    left = converter.is_constant(operator, 0)
    if not left and not converter.is_constant(operator, 1):
        return _of_two(converter, operator, converter.value(operator), converter.value(operator, 1))
    value, constant = converter.value(operator, int(left)), converter.constant(operator, 1 - int(left))
    while constant.array.ndim > 2 and len(constant.array) == 1:
        constant = constant.each(lambda array: array[0])
    stack, own = BATCH[: max(len(value.order) - 2, 0)], constant.array.ndim - 2
    if not 0 <= own <= len(stack) or (left and len(value.order) < 2):
        raise Refused(
            f"{operator.label}: weights of shape {constant.array.shape}; give a matrix, the same for all rows"
        )
    shared = stack[len(stack) - own :]
    if left:
        return _contracted(converter, operator, value, constant, f"{stack}yz,{shared}xy->{stack}xz", None)
    row = "x" if len(value.order) > 1 else ""
    bias = converter.constant(operator, 2) if operator.has(2) else None
    return _contracted(converter, operator, value, constant, f"{stack}{row}y,{shared}yz->{stack}{row}z", bias)


def _contracted(
    converter: Converter, operator: Operator, value: Value, constant: Constant, equation: str, bias: Constant | None
) -> Value:
    value = converter.as_onnx(operator, value)
    result, second = equation.split("->")[1], equation.split("->", maxsplit=1)[0].split(",")[1]
    label = next(each for each in second[::-1] if each in result and each not in equation.split(",", maxsplit=1)[0])
    weights = weights_of(operator, constant, second.index(label))
    wide = replace(weights, codes=np.empty((0, constant.array.shape[second.index(label)]), np.int64))

    def append(rest: Mapping[str, Any]) -> str:
        shift = rest["bias"].reshape([-1 if each == label else 1 for each in result]), rest["bias_format"]
        kernel = weights.codes, weights.format
        return einsum_with_constant(converter.builder, operator.name, equation, value.node, kernel, shift)

    order = plain(tuple(range(len(result))))
    return summed(converter, operator, value, (wide, bias), append, order, result.index(label))


def _of_two(converter: Converter, operator: Operator, first: Value, second: Value) -> Value:
    scale = converter.scale(operator, first) * converter.scale(operator, second)
    left, right = (
        converter.as_onnx(operator, each, ending) for each, ending in ((first, "left_order"), (second, "right_order"))
    )
    node = matmul(converter.builder, operator.name, left.node, right.node)
    return Value(node, left.order).scaled(scale)


def batch_normalization(converter: Converter, operator: Operator) -> Value:
    """BatchNormalization: a scale and a shift of each channel; exact, or done by the quantizer behind it."""
    value = converter.value(operator)
    gamma, beta, mean, variance = (np.asarray(converter.array(operator, n), np.float64) for n in range(1, 5))
    factor = gamma / np.sqrt(variance + float(np.float32(operator.get("epsilon", 1e-5))))
    along = [-1, *(1,) * (len(value.order) - 1)]
    exact = fractions(factor)
    shift = fractions(beta) - fractions(mean) * exact
    return converter.affine(operator, value, exact.reshape(along), shift.reshape(along))
