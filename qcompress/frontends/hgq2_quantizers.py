"""HGQ2's quantizers as casts: what every element of a tensor becomes, by the state that the quantizer has stored.

A quantizer has arrays k (sign bit), i (integer bits without it) and f (fractional bits), which broadcast against its
input, the batch included. An element with k + i + f of 0 or less becomes 0.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import MAX_WIDTH, Cast, Codes, Format, Overflow, Rounding, Values
from qcompress.frontends.builder import Builder
from qcompress.frontends.grids import exact_codes
from qcompress.frontends.keras_objects import KerasLayer, Quantizer
from qcompress.frontends.runtime import import_keras
from qcompress.graph import Quantize, QuantizeEach, Range

FIXED = {"FixedPointQuantizerKBI", "FixedPointQuantizerKIF"}
OVERFLOWS = {"WRAP": Overflow.WRAP, "SAT": Overflow.SAT, "SAT_SYM": Overflow.SAT_SYM}


class Formats(NamedTuple):
    """Of every element: signed, width, integer (as `QuantizeEach` has them); rounding and overflow of all."""

    signed: Codes
    width: Codes
    integer: Codes
    rounding: Rounding
    overflow: Overflow

    def operation(self) -> Quantize | QuantizeEach:
        """One cast where all elements have the same."""
        each = QuantizeEach(*self)
        alone = each.casts[0] if len(each.casts) == 1 else None
        return Quantize(alone) if alone is not None else each

    def only(self, used: Codes) -> "Formats":
        """The same, without bits where used, which broadcasts against the elements, is 0."""
        return self._replace(width=np.where(used, self.width, 0))

    def casts(self) -> list[Cast]:
        """The distinct casts; elements of no bits have none."""
        return [cast for cast in QuantizeEach(*self).casts if cast is not None]


def is_dummy(quantizer: Quantizer) -> bool:
    """Whether quantizer is one of HGQ2's that do nothing."""
    return type(quantizer.quantizer).__name__ == "DummyQuantizer"


def formats_of(layer: str, quantizer: Quantizer) -> Formats:
    """What quantizer makes of every element of a row; layer: whom to name.

    Raises Refused for floating point, scalers and offsets, and overflow that reflects.
    """
    inner = quantizer.quantizer
    kind = type(inner).__name__
    if kind not in FIXED:
        raise Refused(f"layer {layer}: quantizer {kind} is not exact; use kif or kbi")
    if quantizer.scaler is not None or getattr(quantizer, "affine", None) is not None:
        raise Refused(f"layer {layer}: a quantizer with scaler or affine; use none")
    rounding = inner.round_mode.removeprefix("S_")
    if inner.overflow_mode not in OVERFLOWS or rounding not in list(Rounding):
        known = ", ".join(OVERFLOWS)
        raise Refused(f"layer {layer}: quantizer with {inner.round_mode} and {inner.overflow_mode}; use {known}")
    k, i, f = (_whole(part) for part in inner.kif)
    k, i, f = _without_batch(layer, k, i, f)
    signed, integer = k, np.maximum(i, -f) + k
    width = np.where(k + i + f > 0, integer + f, 0)
    if inner.overflow_mode == "SAT_SYM":
        width = np.where((signed == 1) & (width == 1), 0, width)  # its only value is 0
    if width.max(initial=0) > MAX_WIDTH:
        raise Refused(f"layer {layer}: a quantizer of {int(width.max())} bits; use {MAX_WIDTH} or fewer")
    return Formats(signed, width, np.where(width > 0, integer, 0), Rounding(rounding), OVERFLOWS[inner.overflow_mode])


def _whole(part: object) -> Codes:
    return np.asarray(import_keras().ops.convert_to_numpy(part)).astype(np.int64)


def _without_batch(layer: str, *arrays: Codes) -> list[Codes]:
    found = np.broadcast_arrays(*arrays)
    if found[0].ndim and found[0].shape[0] != 1:
        raise Refused(f"layer {layer}: its quantizer has a format for every row; leave the batch out")
    return [np.asarray(array[0] if array.ndim else array) for array in found]


def add_quantizer(builder: Builder, name: str, layer: str, quantizer: Quantizer, source: str) -> str:
    """Append quantizer to builder as node `name` behind source; gives the last node, source where nothing changes.

    layer: whom to name in refusals. Raises Refused.
    """
    return source if is_dummy(quantizer) else add_formats(builder, name, formats_of(layer, quantizer), source)


def add_formats(builder: Builder, name: str, formats: Formats, source: str, *, kept: bool = False) -> str:
    """Append casts to formats to builder as node `name` behind source; gives the last node.

    kept: a node even where nothing changes.
    """
    if not kept and _changes_nothing(formats, builder.ranges[source], builder.formats[source]):
        return source
    return builder.add(name, formats.operation(), source)


def _changes_nothing(formats: Formats, range_: Range, given: Format) -> bool:
    """Whether every code of range_, in format given, is a value of its element's format."""
    each = QuantizeEach(*formats)
    kinds = each.kind_of_each(range_.low.shape)
    for kind, cast in enumerate(each.casts):
        low, high = (end.reshape(-1)[kinds == kind] for end in range_)
        if cast is None:
            if low.any() or high.any():
                return False
            continue
        least = -cast.format.max_code if cast.overflow is Overflow.SAT_SYM else cast.format.min_code
        lift = cast.format.fraction - given.fraction
        shift = min(lift, 63)
        if lift < 0 or (low < -(-least >> shift)).any() or (high > cast.format.max_code >> shift).any():
            return False
    return True


def weight_codes(layer: KerasLayer, what: str, values: object, live: Codes | None = None) -> tuple[Codes, Format]:
    """Codes and the narrowest format of a weight as its layer's quantizer gives it, in float32; what: its name.

    live: where 0, the weight meets nothing and counts as 0. Raises Refused if it is on no grid.
    """
    found: Values = np.asarray(import_keras().ops.convert_to_numpy(values), np.float64)
    if live is not None:
        found = found * live
    try:
        return exact_codes(found)
    except QcompressError as fault:
        raise Refused(
            f"layer {layer.name}: its {what} is on no grid ({fault}); give its quantizer fewer bits"
        ) from None


def cover(quantizers: Sequence[Formats]) -> Cast | None:
    """A cast before all of these that changes nothing of what any of them gives; None if there is no such cast."""
    casts = [cast for formats in quantizers for cast in formats.casts()]
    if not casts:
        return None
    if len(set(casts)) == 1:
        return casts[0]
    roundings, overflows = {cast.rounding for cast in casts}, {cast.overflow for cast in casts}
    fractions = {cast.format.fraction for cast in casts}
    fraction = max(fractions)
    rounding = next(iter(roundings))
    twice = {Rounding.TRN} if Overflow.WRAP in overflows else {Rounding.TRN, Rounding.TRN_ZERO}  # may be done again
    if len(roundings) > 1 or (len(fractions) > 1 and rounding not in twice):
        if not roundings <= {Rounding.TRN, Rounding.RND}:
            return None  # whether a bit below the half is set would be lost
        rounding, fraction = Rounding.TRN, fraction + 1
    if Overflow.WRAP in overflows and len(overflows) > 1:
        return None
    signed = any(cast.format.signed for cast in casts)
    integer = max(cast.format.integer + (signed and not cast.format.signed) for cast in casts)
    overflow = Overflow.WRAP if Overflow.WRAP in overflows else Overflow.SAT
    return Cast(Format(signed, integer + fraction, integer), rounding, overflow)
