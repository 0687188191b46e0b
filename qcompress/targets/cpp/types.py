"""Which C++ integer holds what, and the C++ of operations that work element by element."""

from collections.abc import Iterable
from typing import NamedTuple

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import LeakyRelu, Operation, Quantize, Relu

ARITHMETIC = (16, 32, 64)
"""Widths of the integers that kernels compute with."""


class Bounds(NamedTuple):
    """Smallest and largest value, Python integers of any size."""

    low: int
    high: int

    def shifted(self, left: int) -> "Bounds":
        """The bounds times 2**left."""
        return Bounds(self.low << left, self.high << left)

    @classmethod
    def around(cls, bounds: Iterable["Bounds"]) -> "Bounds":
        """The narrowest bounds that hold all bounds."""
        given = list(bounds)
        return cls(min(b.low for b in given), max(b.high for b in given))


def signed_bits(bounds: Bounds) -> int:
    """Bits of the smallest two's complement number that holds both bounds."""
    return max((~end if end < 0 else end).bit_length() for end in (bounds.low, bounds.high)) + 1


def arithmetic_type(bounds: Bounds, what: str) -> str:
    """The narrowest C++ integer to compute with within bounds; raises Refused, naming what, beyond 64 bits."""
    width = signed_bits(bounds)
    for bits in ARITHMETIC:
        if width <= bits:
            return f"std::int{bits}_t"
    raise Refused(f"cpp: {what} needs {width} bits, C++ integers have 64: use narrower formats")


def port_type(format_: Format) -> str:
    """The narrowest standard C++ integer that holds every code of format_: of the header's interface."""
    bits = next(bits for bits in (8, 16, 32, 64) if format_.width <= bits)
    return f"std::{'' if format_.signed else 'u'}int{bits}_t"


def shift_count(shift: int) -> Bounds:
    """Bounds of what an integer must hold so that it can be shifted by shift bits."""
    return Bounds(0, 1 << (shift - 1) if shift > 0 else 0)


class Step(NamedTuple):
    """C++ statements on a variable v of type V (elements of type A), everything they hold, and what they leave."""

    lines: list[str]
    held: Bounds
    result: Bounds


def step(operation: Operation, source_format: Format, bounds: Bounds) -> Step:
    """The operation, a cast, ReLU or leaky ReLU, on codes of source_format within `bounds`, as C++ statements.

    Raises TypeError for any other.
    """
    if isinstance(operation, Quantize):
        return cast_step(operation.cast, source_format.fraction, bounds)
    if isinstance(operation, Relu):
        return _clamped(bounds, max(bounds.low, 0), None)
    if isinstance(operation, LeakyRelu):
        result = Bounds(min(bounds.low, bounds.low << operation.shift), max(bounds.high, 0) << operation.shift)
        lines = [f"v = v < 0 ? v : v * A({1 << operation.shift});"] if operation.shift else []
        return Step(lines, Bounds.around([bounds, bounds.shifted(operation.shift)]), result)
    raise TypeError(f"{type(operation).__name__} is not computed in registers")


def cast_step(cast: Cast, fraction: int, bounds: Bounds) -> Step:
    """A cast of codes with fraction fractional bits: rounding, then overflow, without what bounds prove unneeded."""
    shift = fraction - cast.format.fraction
    moved = _rounded(cast.rounding, shift, bounds) if shift > 0 else _raised(cast, -shift, bounds)
    fitted = _overflow(cast, moved.result)
    return Step(
        moved.lines + fitted.lines, Bounds.around([bounds, moved.held, fitted.held, fitted.result]), fitted.result
    )


def _rounded(rounding: Rounding, shift: int, bounds: Bounds) -> Step:
    """v / 2**shift, rounded. Beyond 63 bits a shift of 63 decides alike, for no code has more than 62 bits."""
    shift = min(shift, 63)
    half = 1 << (shift - 1)
    sign = "(v >> A(sizeof(A) * 8 - 1))"  # -1 where v is negative, else 0
    added, most = {
        Rounding.TRN: ("", 0),
        Rounding.TRN_ZERO: (f" + ({sign} & A({2 * half - 1}))", 2 * half - 1 if bounds.low < 0 else 0),
        Rounding.RND: (f" + A({half})", half),
        Rounding.RND_MIN_INF: (f" + A({half - 1})", half - 1),
        Rounding.RND_INF: (f" + A({half}) + {sign}", half),
        Rounding.RND_ZERO: (f" + A({half - 1}) - {sign}", half),
        Rounding.RND_CONV: (f" + A({half - 1}) + ((v >> {shift}) & A(1))", half),
    }[rounding]
    held = Bounds.around([Bounds(min(bounds.low, 0), max(bounds.high, 0) + most), shift_count(shift)])
    return Step([f"v = (v{added}) >> {shift};"], held, Bounds(bounds.low >> shift, (bounds.high + most) >> shift))


def _raised(cast: Cast, shift: int, bounds: Bounds) -> Step:
    """v * 2**shift; what would leave 62 bits is first brought to where it overflows alike."""
    if shift == 0:
        return Step([], bounds, bounds)
    target = cast.format
    if signed_bits(bounds.shifted(shift)) <= 63:
        return Step([f"v = v * A({1 << shift}LL);"], bounds.shifted(shift), bounds.shifted(shift))
    if cast.overflow is Overflow.WRAP:
        if shift >= target.width:
            return Step(["v = V{};"], bounds, Bounds(0, 0))
        kept = (1 << (target.width - shift)) - 1
        result = Bounds(0, kept << shift)
        return Step([f"v = (v & A({kept}LL)) * A({1 << shift}LL);"], Bounds.around([bounds, result]), result)
    shift = min(shift, 62)
    clamped = _clamped(bounds, -((-target.min_code) >> shift) - 1, (target.max_code >> shift) + 1)
    result = clamped.result.shifted(shift)
    return Step([*clamped.lines, f"v = v * A({1 << shift}LL);"], Bounds.around([bounds, clamped.held, result]), result)


def _overflow(cast: Cast, bounds: Bounds) -> Step:
    """What does not fit the format wraps, saturates or becomes 0."""
    target = cast.format
    low, high = target.min_code, target.max_code
    if cast.overflow is Overflow.SAT_SYM and target.signed:
        low = -high
    if low <= bounds.low and bounds.high <= high:
        return Step([], bounds, bounds)
    if cast.overflow is Overflow.WRAP:
        return wrap_step(target, bounds)
    if cast.overflow is Overflow.SAT_ZERO:
        line = f"v = v < A({literal(low)}) ? V{{}} : v > A({literal(high)}) ? V{{}} : v;"
        held = Bounds.around([bounds, Bounds(low, high)])
        return Step([line], held, Bounds(max(low, min(bounds.low, 0)), min(high, max(bounds.high, 0))))
    return _clamped(bounds, low, high)


def wrap_step(target: Format, bounds: Bounds) -> Step:
    """The lowest bits of codes within bounds, as many as target has, read as two's complement if signed."""
    if target.min_code <= bounds.low and bounds.high <= target.max_code:
        return Step([], bounds, bounds)
    mask = (1 << target.width) - 1
    result = Bounds(target.min_code, target.max_code)
    held = Bounds.around([bounds, Bounds(0, mask), result])
    if not target.signed:
        return Step([f"v = v & A({mask}LL);"], held, result)
    sign = 1 << (target.width - 1)
    return Step([f"v = ((v & A({mask}LL)) ^ A({sign}LL)) - A({sign}LL);"], held, result)


def _clamped(bounds: Bounds, low: int, high: int | None) -> Step:
    """v not below `low` and not above `high`, where the bounds do not say so already."""
    lines, held = [], bounds
    result = bounds
    if bounds.low < low:
        lines.append(f"v = larger<V>(v, V{{}} + A({literal(low)}));")
        result = Bounds(low, max(low, result.high))
    if high is not None and bounds.high > high:
        lines.append(f"v = smaller<V>(v, V{{}} + A({literal(high)}));")
        result = Bounds(min(result.low, high), high)
    return Step(lines, Bounds.around([held, result]), result)


def literal(value: int) -> str:
    """The integer value as C++ reads it, the smallest one included."""
    return f"{value}LL" if value > -(1 << 63) else f"({value + 1}LL - 1)"
