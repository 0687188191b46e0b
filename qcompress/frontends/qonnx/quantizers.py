"""Quant, BipolarQuant, Trunc and MultiThreshold: of constants, and as casts or staircases of tensors."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.frontends.qonnx.conversion import Converter
from qcompress.frontends.qonnx.decisions import MANY, ROUNDINGS, Counted, Rounded, Sign, rounded
from qcompress.frontends.qonnx.operators import Array, Operator, channel_axis
from qcompress.frontends.qonnx.staircases import Decision, Numbers, Scale, fractions, of_rank, staircase
from qcompress.frontends.qonnx.tensors import Constant, Value
from qcompress.graph import Quantize

WIDEST = 32
"""Bits of a quantizer."""


@dataclass(frozen=True)
class Quantizer:
    """What inputs and attributes of a Quant node say: integers from `low` to `high`, worth `scale` each."""

    scale: Array
    zero: int
    bits: int
    signed: bool
    narrow: bool
    mode: str
    late: bool = False
    """Whether the zero point is added behind the rounding, as QuantizeLinear does, not before it."""

    @classmethod
    def of(cls, operator: Operator, inputs: Sequence[Array]) -> "Quantizer":
        """Raises Refused for numbers that make no quantizer."""
        scale, zero, bits = (np.asarray(each, np.float64) for each in inputs)
        mode = str(operator.get("rounding_mode", "ROUND")).upper()
        if bits.size != 1 or not float(bits.ravel()[0]).is_integer() or not 1 <= int(bits.ravel()[0]) <= WIDEST:
            raise Refused(f"{operator.label}: a width of {bits.ravel().tolist()[:3]} bits; give one of 1 to {WIDEST}")
        if len(set(zero.ravel().tolist())) != 1 or not float(zero.ravel()[0]).is_integer():
            raise Refused(f"{operator.label}: a zero point that is no single whole number; use 0")
        if not (scale > 0).all() or not np.isfinite(scale).all():
            raise Refused(f"{operator.label}: a scale that is not positive; train it again")
        if mode not in MANY:
            raise Refused(f"{operator.label}: rounding {mode} is unknown; use one of {', '.join(MANY)}")
        width, start = int(bits.ravel()[0]), int(zero.ravel()[0])
        signed, narrow, late = (bool(operator.get(*each)) for each in (("signed", 1), ("narrow", 0), ("late", 0)))
        return cls(scale, start, width, signed, narrow, mode, late)

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) + self.narrow if self.signed else 0

    @property
    def high(self) -> int:
        return (1 << (self.bits - self.signed)) - 1 - (self.narrow and not self.signed)

    @property
    def cast(self) -> Cast | None:
        """It as one cast, if it is one: of a single scale that is a power of two, without zero point."""
        fraction = _power(self.scale)
        if fraction is None or self.zero or not self.is_exact:
            return None
        overflow = Overflow.SAT_SYM if self.narrow else Overflow.SAT
        return Cast(Format(self.signed, self.bits, self.bits - fraction), ROUNDINGS[self.mode], overflow)

    @property
    def is_exact(self) -> bool:
        """Whether every scale is a power of two and the integers fill a format, rounded as a cast does."""
        bipolar, cut = self.bits == 1 and self.signed, self.narrow and not self.signed
        return bool((np.frexp(self.scale)[0] == 0.5).all()) and self.mode in ROUNDINGS and not bipolar and not cut

    def integers(self, values: Array) -> Array:
        """Of real numbers, zero point taken off, as QONNX computes them, in the type of the values."""
        scale = self.scale.astype(values.dtype)
        found, zero = np.asarray(values / scale + values.dtype.type(self.zero)), values.dtype.type(self.zero)
        if self.bits == 1 and self.signed:
            return np.asarray(np.where(found >= 0, 1, -1).astype(values.dtype) - zero)
        return np.asarray(rounded(np.clip(found, self.low, self.high), self.mode) - zero)


def _power(scale: Array) -> int | None:
    """f of a single scale 2**-f, else None."""
    different = np.unique(scale)
    mantissa, exponent = np.frexp(different[0])
    return 1 - int(exponent) if len(different) == 1 and mantissa == 0.5 else None


def quantizer_of(converter: Converter, operator: Operator) -> Quantizer:
    """Of a Quant node whose parameters are constants; raises Refused otherwise."""
    return Quantizer.of(operator, [converter.array(operator, place) for place in (1, 2, 3)])


def quant(converter: Converter, operator: Operator) -> Value | Constant:
    """Quant and IntQuant: of a constant its codes and scale; of a tensor a cast where it is one, else a staircase."""
    quantizer = quantizer_of(converter, operator)
    if converter.is_constant(operator, 0):
        given = np.asarray(converter.array(operator, 0), np.float32)
        with np.errstate(all="ignore"):  # of numbers that are refused
            codes = quantizer.integers(given)
            scale = np.broadcast_to(quantizer.scale.astype(np.float32), codes.shape)
            values = codes * scale
        if not np.isfinite(given).all() or not np.isfinite(values).all():
            raise Refused(f"{operator.label}: what it quantizes is NaN or infinite; train the model again")
        return Constant(values, codes, scale)
    value = converter.value(operator)
    cast = quantizer.cast
    if cast is not None and not value.steps:
        return replace(value, node=converter.builder.add(operator.name, Quantize(cast), value.node))
    if quantizer.is_exact and not value.steps:
        return _cast_in_units(converter, operator, value, quantizer)
    zero, ends = quantizer.zero, (quantizer.low, quantizer.high)
    decision: Decision = Rounded(quantizer.mode, *ends, zero)
    if quantizer.late:
        decision = Rounded(quantizer.mode, ends[0] - zero, ends[1] - zero)
    if quantizer.bits == 1 and quantizer.signed:
        decision, ends = Sign(zero), (-1, 1)
    scale = fractions(quantizer.scale)
    before, after = (1 / scale, fractions(0 if quantizer.late else zero)), (scale, fractions(0))
    return stairs(converter, operator, value, before, decision, (ends[0] - zero, ends[1] - zero), after)


def _cast_in_units(converter: Converter, operator: Operator, value: Value, quantizer: Quantizer) -> Value:
    """In units of each element's scale, a power of two, and with the zero point, rounded, and back."""
    scale, zero = fractions(quantizer.scale), fractions(quantizer.zero)
    units = converter.affine(replace_name(operator, "units"), value, 1 / scale, 0 if quantizer.late else zero)
    if quantizer.late:
        whole = _whole(converter, replace_name(operator, "whole"), units, quantizer.mode, None)
        units = converter.affine(replace_name(operator, "shifted"), whole, 1, zero)
    overflow = Overflow.SAT_SYM if quantizer.narrow else Overflow.SAT
    cast = Cast(Format(quantizer.signed, quantizer.bits, quantizer.bits), ROUNDINGS[quantizer.mode], overflow)
    whole = replace(units, node=converter.builder.add(operator.name, Quantize(cast), units.node))
    return converter.affine(replace_name(operator, "value"), whole, scale, -scale * zero)


def bipolar(converter: Converter, operator: Operator) -> Value | Constant:
    """BipolarQuant: plus or minus the scale."""
    scale = np.asarray(converter.array(operator, 1), np.float32)
    if not (scale > 0).all():
        raise Refused(f"{operator.label}: a scale that is not positive; train it again")
    if converter.is_constant(operator, 0):
        codes = np.where(np.asarray(converter.array(operator, 0)) >= 0, 1, -1).astype(np.float32)
        return Constant(codes * scale, codes, np.broadcast_to(scale, codes.shape))
    none = fractions(1), fractions(0)
    return stairs(converter, operator, converter.value(operator), none, Sign(), (-1, 1), (fractions(scale), none[1]))


def multi_threshold(converter: Converter, operator: Operator) -> Value:
    """MultiThreshold: thresholds of each channel, or of all; the count, scaled and shifted."""
    value = converter.value(operator)
    limits = np.asarray(converter.array(operator, 1), np.float64)
    channel = channel_axis(operator, 1 + len(value.order)) - 1
    if limits.ndim != 2 or len(limits) not in (1, converter.shape(value)[channel]):
        raise Refused(f"{operator.label}: thresholds of shape {limits.shape}; give (channels, steps)")
    limits = np.sort(limits, axis=1)
    last = tuple(axis for axis in value.order if axis != channel)
    value = converter.lying(operator, value, (*last, channel))
    none = fractions(1), fractions(0)
    after = fractions(float(operator.get("out_scale", 1.0))), fractions(float(operator.get("out_bias", 0.0)))
    return stairs(converter, operator, value, none, Counted(limits), (0, limits.shape[1]), after, channel)


def trunc(converter: Converter, operator: Operator) -> Value:
    """Trunc of version 1 (five inputs) and 2 (six): integers of a quantizer, of which the low bits are cut."""
    value = converter.value(operator)
    scale, zero, bits = (np.asarray(converter.array(operator, place), np.float64) for place in (1, 2, 3))
    mode = str(operator.get("rounding_mode", "FLOOR")).upper()
    if np.unique(scale).size != 1 or zero.any() or mode not in MANY:
        raise Refused(f"{operator.label}: a zero point, several scales or rounding {mode}; use one scale and 0")
    unit, second = float(scale.ravel()[0]), operator.version >= 2
    if second:
        result = float(np.asarray(converter.array(operator, 4)).ravel()[0])
        power = int(np.round(np.log2(result / unit)))
        limits = Quantizer.of(operator, [scale, zero, converter.array(operator, 5)])
        if limits.narrow and (not limits.signed or limits.bits == 1):
            raise Refused(f"{operator.label}: a narrow range that fills no format; use narrow = 0")
        ends = limits.low, limits.high
    else:
        widths = [float(each.ravel()[0]) for each in (bits, np.asarray(converter.array(operator, 4)))]
        if not all(width.is_integer() and 1 <= width <= WIDEST for width in widths):
            raise Refused(f"{operator.label}: widths of {widths} bits; give two of 1 to {WIDEST}")
        power, result, ends = int(widths[0] - widths[1]), unit, None
    integers = converter.affine(replace_name(operator, "units"), value, 1 / fractions(unit), 0)
    whole = _whole(converter, replace_name(operator, "whole"), integers, "ROUND", None)
    coarse = converter.affine(replace_name(operator, "coarse"), whole, fractions(2) ** -power, 0)
    cut = _whole(converter, operator, coarse, mode, ends)
    return converter.affine(replace_name(operator, "scaled"), cut, fractions(result), 0)


def replace_name(operator: Operator, ending: str) -> Operator:
    """The operator under a name of its own, for a node that is part of what it becomes."""
    return replace(operator, name=f"{operator.name}_{ending}")


def _whole(converter: Converter, operator: Operator, value: Value, mode: str, ends: tuple[int, int] | None) -> Value:
    """The value rounded to whole numbers, within ends if there are any. Raises Refused for one on no grid."""
    value = converter.without_steps(operator, value)
    if mode not in ROUNDINGS:
        raise Refused(f"{operator.label}: rounding {mode} in Trunc; use FLOOR or ROUND")
    given = converter.builder.formats[value.node]
    width = max(given.integer + 1 + (not given.signed), 2)
    wide = Cast(Format(True, width, width), ROUNDINGS[mode], Overflow.WRAP)
    node = converter.builder.add(f"{operator.name}_rounded", Quantize(wide), value.node)
    if ends is not None:
        bits = max(ends[1], ~ends[0] if ends[0] < 0 else 0).bit_length()
        signed = ends[0] < 0
        symmetric = Overflow.SAT_SYM if signed and ends[0] == -ends[1] else Overflow.SAT
        limited = Cast(Format(signed, bits + signed, bits + signed), Rounding.TRN, symmetric)
        node = converter.builder.add(operator.name, Quantize(limited), node)
    return replace(value, node=node)


def stairs(
    converter: Converter,
    operator: Operator,
    value: Value,
    before: tuple[Numbers, Numbers],
    decision: Decision,
    ends: tuple[int, int],
    after: tuple[Numbers, Numbers],
    channel: int | None = None,
) -> Value:
    """decision(before(value)) as a node, and what its integers, from ends[0] to ends[1], are worth.

    before, after: factor and shift; channel: the axis along which the decision itself varies.
    """
    turned = converter.affine(operator, replace(value, steps=(*value.steps, Scale.of(1))), *before)
    value = replace(turned, steps=tuple(step for step in turned.steps if not _idle(step)))
    value = _varying_last(converter, operator, value, channel)
    signed = ends[0] < 0
    bits = max(ends[1], ~ends[0] if signed else 0).bit_length() + signed
    steps = [step.moved(lambda each: each.transpose(value.order), converter.shape(value)) for step in value.steps]
    fraction = _power(after[0].astype(np.float64)) if not after[1].any() else None
    format_ = Format(signed, max(bits, 1), max(bits, 1) - (fraction or 0))
    node = staircase(converter.builder, operator.name, value.node, steps, decision, format_)
    found = Value(node, value.order)
    if fraction is not None:
        return found
    return converter.affine(replace_name(operator, "value"), found, *after)


def _idle(step: Any) -> bool:
    return isinstance(step, Scale) and bool((step.factor == 1).all() and (step.shift == 0).all())


def _varies(parameters: Numbers, axis: int) -> bool:
    return bool((parameters != parameters.take([0], axis=axis)).any())


def _varying_last(converter: Converter, operator: Operator, value: Value, channel: int | None) -> Value:
    """The axis along which parameters of the steps vary goes last. Raises Refused if there are several."""
    shape = converter.shape(value)
    varying = set() if channel is None else {channel}
    for step in value.steps:
        if isinstance(step, Scale):
            for each in (step.factor, step.shift):
                full = of_rank(each, len(shape))
                varying |= {axis for axis, size in enumerate(full.shape) if size > 1 and _varies(full, axis)}
    if len(varying) > 1:
        raise Refused(
            f"{operator.label}: what stands before it differs along axes {sorted(axis + 1 for axis in varying)}, by "
            "numbers that lie on no grid; let it differ along the channels alone"
        )
    if not varying:
        return value
    (axis,) = varying
    order = (*(other for other in value.order if other != axis), axis)
    return converter.lying(operator, value, order, "channels")


QUANTIZERS: dict[str, Callable[[Converter, Operator], Value | Constant]] = {
    "Quant": quant,
    "IntQuant": quant,
    "BipolarQuant": bipolar,
    "MultiThreshold": multi_threshold,
    "Trunc": trunc,
}
"""Operations of QONNX itself."""
