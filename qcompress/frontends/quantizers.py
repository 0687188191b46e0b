"""QKeras quantizers as casts and tables, weights as codes; meanings are those of qkeras-v3's own formulas.

QKeras rounds half to even and saturates: ``quantized_bits(b, i, alpha=1)`` is ``fixed<b,i+1,RND_CONV,SAT>``,
``quantized_relu(b, i)`` is ``ufixed<b,i,RND_CONV,SAT>``. What is no cast is asked for its value of every input code.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding, Values
from qcompress.frontends.folding import unquantized
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.keras_objects import KerasLayer, Quantizer
from qcompress.frontends.runtime import float_type, import_keras, kind_of

STOCHASTIC = {"bernoulli"}
"""Quantizers that draw random numbers even at inference."""
QUANTIZERS = STOCHASTIC | {
    *("stochastic_binary", "stochastic_ternary"),
    *("quantized_bits", "quantized_linear", "quantized_relu", "quantized_tanh", "quantized_sigmoid"),
    *("quantized_po2", "quantized_relu_po2", "quantized_ulaw", "quantized_hswish", "binary", "ternary"),
}
"""Quantizers that treat every element by itself, once their scale is a number."""
AUTO = ("quantized_bits", "quantized_linear", "binary", "ternary", "stochastic_binary", "stochastic_ternary")
"""Quantizers whose alpha may be a word: a scale found from the data."""


def check_deterministic(layer: str, quantizer: Quantizer) -> None:
    """Raises Refused for a quantizer that draws random numbers or adds only part of the quantization.

    layer: whom to name.
    """
    kind = kind_of(quantizer)
    if kind in STOCHASTIC:
        raise Refused(f"layer {layer}: {kind} draws random numbers at inference too; use binary(use_01=True)")
    if kind in ("binary", "ternary") and quantizer.use_stochastic_rounding:  # others round to nearest at inference
        raise Refused(f"layer {layer}: {kind} with use_stochastic_rounding is not exact; remove it")
    if float(getattr(quantizer, "qnoise_factor", 1.0)) != 1.0:
        raise Refused(f"layer {layer}: {kind} with qnoise_factor {float(quantizer.qnoise_factor)}; set it to 1")


def check_activation(layer: str, quantizer: Quantizer) -> None:
    """Raises Refused, besides, for a quantizer whose scale is found anew from every batch or differs between channels.

    layer: whom to name.
    """
    check_deterministic(layer, quantizer)
    alpha, kind = getattr(quantizer, "alpha", None), kind_of(quantizer)
    if alpha is not None and np.size(alpha) != 1:
        raise Refused(f"layer {layer}: {kind} with {np.size(alpha)} scales; give a single alpha")
    if isinstance(alpha, str):
        raise Refused(f"layer {layer}: {kind} with alpha={alpha!r} scales by the values of each batch; give alpha=1")


def cast_of(quantizer: Quantizer) -> Cast | None:
    """The cast that a quantizer is, or None if it is none."""
    found = _CASTS.get(kind_of(quantizer))
    return found(quantizer) if found else None


def _bits_cast(quantizer: Quantizer) -> Cast | None:
    signed = bool(quantizer.keep_negative)
    flags = {quantizer.symmetric, quantizer.keep_negative} <= {0, 1}  # QKeras reckons with them as numbers
    if not (flags and _whole(quantizer) and _no_scale(quantizer.alpha)) or quantizer.bits - signed < 1:
        return None  # one signed bit is a sign
    overflow = Overflow.SAT_SYM if quantizer.symmetric and signed else Overflow.SAT
    format_ = Format(signed, int(quantizer.bits), int(quantizer.integer) + signed)
    return Cast(format_, Rounding.RND_CONV, overflow)


def _relu_cast(quantizer: Quantizer) -> Cast | None:
    bounded = quantizer.relu_upper_bound and not quantizer.is_quantized_clip
    if quantizer.use_sigmoid or quantizer.negative_slope or bounded or not _whole(quantizer):
        return None
    return Cast(Format(False, int(quantizer.bits), int(quantizer.integer)), Rounding.RND_CONV, Overflow.SAT)


def _whole(quantizer: Quantizer) -> bool:
    return bool(int(quantizer.bits) == quantizer.bits and int(quantizer.integer) == quantizer.integer)


def _no_scale(alpha: Any) -> bool:
    return alpha is None or (not isinstance(alpha, str) and bool(np.all(np.asarray(alpha) == 1)))


_CASTS: dict[str, Callable[[Quantizer], Cast | None]] = {
    "quantized_bits": _bits_cast,
    "quantized_linear": _bits_cast,
    "quantized_relu": _relu_cast,
}


def declared_format(quantizer: Quantizer) -> Format | None:
    """The format that a quantizer's own bits promise, None where its values must tell."""
    cast = cast_of(quantizer)
    if cast is not None:
        return cast.format
    bits = int(getattr(quantizer, "bits", 0))
    return {
        "quantized_sigmoid": Format(False, max(bits, 1), 0),
        "quantized_tanh": Format(True, max(bits, 1), 1),
    }.get(kind_of(quantizer))


def evaluate(function: Quantizer, values: Any) -> Values:
    """What function, a quantizer or activation, gives of values in float32, as Keras computes it; as float64.

    Raises QcompressError where QKeras itself stops, as it does in assertions about its arguments.
    """
    with float_type("float32"):
        given = values if hasattr(values, "assign") else np.asarray(values, np.float32)
        ops = import_keras().ops
        try:
            return np.asarray(ops.convert_to_numpy(function(ops.convert_to_tensor(given))), np.float64)
        except Exception as fault:
            raise QcompressError(stopped(fault)) from None


def stopped(fault: Exception) -> str:
    """One line that says what stopped QKeras."""
    text = str(fault).strip().splitlines()
    return f"QKeras stops with {type(fault).__name__}" + (f": {text[0][:120]}" if text else ", an assertion of its own")


def table_of(layer: str, function: Quantizer, input_format: Format) -> tuple[Codes, Format]:
    """Output code of every input code of a function, (codes,), smallest input first, and the format of the outputs.

    layer: whom to name in refusals; input_format: of the codes. Raises Refused if a result is on no grid.
    """
    inputs = input_format.to_values(np.arange(input_format.min_code, input_format.max_code + 1))
    try:
        return exact_codes(evaluate(function, inputs), declared_format(function))
    except QcompressError as fault:
        raise Refused(
            f"layer {layer}: the results of {kind_of(function)} are on no grid ({fault}); quantize them"
        ) from None


def weights(layer: KerasLayer, what: str) -> tuple[Codes, Format]:
    """Codes and format of the weight `what` ("kernel", "bias", "depthwise_kernel", ...) as layer's quantizer gives it.

    The format is the quantizer's own, or that of the layer's cast, or, where a scale moves the grid, the narrowest.
    Raises Refused if the values are on no grid.
    """
    key = what.removesuffix("_kernel")
    cast = getattr(layer, f"{key}_cast", None)
    if cast is not None:
        return cast.values(evaluate(lambda tensor: tensor, getattr(layer, what))), cast.format
    quantizer = getattr(layer, f"{key}_quantizer_internal", None)
    values = unquantized(layer, what)
    declared = None
    if quantizer is None:
        found = evaluate(lambda tensor: tensor, values)
        kind = kind_of(layer)
        there = "give" if kind.startswith("Q") else f"use Q{kind} with"
        change = f"has no quantizer; {there} {key}_quantizer=quantized_bits(..., alpha=1)"
    else:
        check_deterministic(layer.name, quantizer)
        try:
            found = evaluate(quantizer, values)
        except QcompressError as fault:
            raise Refused(f"layer {layer.name}: its {what}: {fault}; change its quantizer {quantizer}") from None
        declared = declared_format(quantizer)
        change = f"is on no grid after {kind_of(quantizer)}; {_remedy(quantizer)}"
    try:
        return exact_codes(found, declared)
    except QcompressError as fault:
        raise Refused(f"layer {layer.name}: its {what} {change} ({fault})") from None


def signs(layer: KerasLayer, what: str) -> tuple[Codes, Format, Values] | None:
    """Codes -1, 0, 1 of a weight, their format, and the scale of every channel, (channels,), as it is trained.

    what: as of `weights`. None if a channel, the last axis, or the last two of a depthwise kernel, has other values.
    """
    quantizer = getattr(layer, f"{what.removesuffix('_kernel')}_quantizer_internal", None)
    if quantizer is None:
        return None
    values = evaluate(quantizer, unquantized(layer, what))
    if not np.isfinite(values).all():
        return None
    channels = (-2, -1) if what == "depthwise_kernel" else (-1,)
    scale = np.abs(values).max(axis=tuple(range(values.ndim - len(channels))))
    codes = np.sign(values).astype(np.int64)
    return (codes, Format(True, 2, 2), scale.ravel()) if np.array_equal(codes * scale, values) else None


def _remedy(quantizer: Quantizer) -> str:
    if kind_of(quantizer) in AUTO:
        return "give alpha=1 or alpha='auto_po2'"
    return "give fewer bits or quantized_bits"
