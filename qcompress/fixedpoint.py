"""The one definition of a number format, of rounding and of overflow, on NumPy integers.

A *code* is the integer that stands in a register; its value is ``code * 2**-fraction``. Words as in ap_fixed
(Vitis HLS, UG1399): ``fixed<W,I>`` has W bits of which I, the sign included, stand before the binary point;
``ufixed<W,I>`` has no sign. I may be negative or larger than W.
"""

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.errors import OffGrid, QcompressError

Codes = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

MAX_WIDTH = 62
"""Widest format: sums and shifts of two such codes are formed in int64."""


class Rounding(enum.StrEnum):
    """What happens to the bits below the last one (ap_fixed quantization modes)."""

    TRN = "TRN"
    TRN_ZERO = "TRN_ZERO"
    RND = "RND"
    RND_ZERO = "RND_ZERO"
    RND_INF = "RND_INF"
    RND_MIN_INF = "RND_MIN_INF"
    RND_CONV = "RND_CONV"


class Overflow(enum.StrEnum):
    """What happens to a code that does not fit (ap_fixed overflow modes)."""

    WRAP = "WRAP"
    SAT = "SAT"
    SAT_SYM = "SAT_SYM"
    SAT_ZERO = "SAT_ZERO"


_FORMAT = re.compile(r"(?:ap_|ac_)?(u?)fixed<\s*(\d+)\s*,\s*(-?\d+)\s*((?:,\s*\w+\s*)*)>", re.ASCII)


@dataclass(frozen=True)
class Format:
    """A fixed-point number format: `width` bits, `integer` of them (sign included) before the point."""

    signed: bool
    width: int
    integer: int

    def __post_init__(self) -> None:
        if not 1 <= self.width <= MAX_WIDTH:
            raise QcompressError(f"number format {self}: the width must be 1 to {MAX_WIDTH} bits")

    @classmethod
    def parse(cls, text: str) -> "Format":
        """The format that text says, ``fixed<W,I>`` or ``ufixed<W,I>``; raises QcompressError for anything else."""
        match = _FORMAT.fullmatch(text.strip())
        if match is None or match[4].strip():
            raise QcompressError(f"{text!r} is no number format: write fixed<W,I> or ufixed<W,I>")
        return cls(match[1] == "", int(match[2]), int(match[3]))

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}>"

    @property
    def fraction(self) -> int:
        """Bits behind the binary point; negative if the last bit is worth more than 1."""
        return self.width - self.integer

    @property
    def min_code(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max_code(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    @property
    def lsb(self) -> float:
        """Value of the last bit."""
        return float(np.ldexp(1.0, -self.fraction))

    def contains(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """Which integers are codes of this format."""
        return (codes >= self.min_code) & (codes <= self.max_code)

    def to_values(self, codes: npt.ArrayLike) -> Values:
        """codes, of any shape -> values in float64; exact up to 53 bits of width."""
        return np.asarray(np.ldexp(np.asarray(codes, np.float64), -self.fraction))

    def to_codes(self, values: npt.ArrayLike) -> Codes:
        """values, of any shape, on the grid and in range -> int64 codes.

        Raises QcompressError saying how many are not.
        """
        given = np.asarray(values, np.float64)
        if bad := int(np.count_nonzero(~np.isfinite(given))):
            raise QcompressError(f"{bad} of {given.size} values are NaN or infinite")
        scaled = np.ldexp(given, self.fraction)
        if bad := int(np.count_nonzero((scaled != np.floor(scaled)) | ((scaled == 0) & (given != 0)))):
            raise OffGrid(f"{bad} of {given.size} values are not on the grid of {self}: quantize them")
        if bad := int(np.count_nonzero((scaled < self.min_code) | (scaled > self.max_code))):
            raise OffGrid(f"{bad} of {given.size} values are outside the range of {self}")
        return scaled.astype(np.int64)


def product_format(a: Format, b: Format) -> Format:
    """The format that holds every product of a code of `a` and a code of `b`."""
    signed = a.signed or b.signed
    return Format(signed, a.width + b.width, a.integer + b.integer)


@dataclass(frozen=True)
class Cast:
    """An assignment to a number format: rounding, then overflow."""

    format: Format
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    @classmethod
    def parse(cls, text: str) -> "Cast":
        """The cast that text says, ``fixed<W,I[,ROUNDING[,OVERFLOW]]>``; raises QcompressError for anything else."""
        match = _FORMAT.fullmatch(text.strip())
        modes = [m.strip() for m in match[4].split(",")[1:]] if match else []
        if match is None or len(modes) > 2:
            raise QcompressError(f"{text!r} is no number format: write fixed<W,I> or fixed<W,I,RND_CONV,SAT>")
        for mode, known in zip(modes, (Rounding, Overflow), strict=False):
            if mode not in list(known):
                raise QcompressError(f"{text!r}: {mode} is none of {', '.join(known)}")
        return cls(
            Format(match[1] == "", int(match[2]), int(match[3])),
            Rounding(modes[0]) if modes else Rounding.TRN,
            Overflow(modes[1]) if len(modes) > 1 else Overflow.WRAP,
        )

    def __str__(self) -> str:
        return f"{str(self.format)[:-1]},{self.rounding},{self.overflow}>"

    def codes(self, codes: npt.ArrayLike, fraction: int) -> Codes:
        """Cast integer codes that have `fraction` fractional bits; any shape, int64."""
        given = np.asarray(codes, np.int64)
        shift = fraction - self.format.fraction
        if shift <= 0:
            return self._overflow_shifted(given, -shift)
        if (beyond := min(shift - 63, 63)) > 0:  # drop bits first; whether any was set stays in the last one
            given, shift = (given >> beyond) | (given & ((1 << beyond) - 1) != 0), 63
        base = given >> shift
        rest = given - (base << shift)
        return self._overflow(base + _increment(self.rounding, base, rest, 1 << (shift - 1)))

    def values(self, values: npt.ArrayLike) -> Codes:
        """Cast real values (float64) to codes; raises QcompressError for NaN and infinity."""
        given = np.asarray(values, np.float64)
        if bad := int(np.count_nonzero(~np.isfinite(given))):
            raise QcompressError(f"{bad} of {given.size} values are NaN or infinite")
        scaled = np.ldexp(given, self.format.fraction)
        scaled = np.where((scaled == 0) & (given != 0), np.copysign(0.25, given), scaled)  # underflow keeps its sign
        if bad := int(np.count_nonzero(np.abs(scaled) >= 2.0**MAX_WIDTH)):
            raise QcompressError(f"{bad} of {given.size} values are too large for a cast to {self.format}")
        base = np.floor(scaled).astype(np.int64)
        part = np.abs(np.modf(scaled)[0])  # exact, where scaled - base would be rounded
        distance = np.where(part == 0, 0, 2 + np.sign(part - 0.5))  # 1 below the tie, 2 on it, 3 above
        rest = np.where((scaled < 0) & (part != 0), 4 - distance, distance)
        return self._overflow(base + _increment(self.rounding, base, rest, 2))

    def _overflow_shifted(self, codes: Codes, shift: int) -> Codes:
        """`codes << shift`, then overflow; the comparison is made before the shift, which may leave int64."""
        low, high = self.format.min_code, self.format.max_code
        shift = min(shift, 63)
        over = codes > (high >> shift)
        under = codes < -((-low) >> shift)
        return self._replace(codes << shift, over, under)

    def _overflow(self, codes: Codes) -> Codes:
        return self._replace(codes, codes > self.format.max_code, codes < self.format.min_code)

    def _replace(self, codes: Codes, over: npt.NDArray[np.bool_], under: npt.NDArray[np.bool_]) -> Codes:
        low, high = self.format.min_code, self.format.max_code
        if self.overflow is Overflow.WRAP:
            return wrap(codes, self.format)
        if self.overflow is Overflow.SAT_ZERO:
            return np.where(over | under, 0, codes)
        if self.overflow is Overflow.SAT_SYM and self.format.signed:
            under = under | (codes == low)
            low = -high
        return np.where(over, high, np.where(under, low, codes))


def wrap(codes: Codes, to: Format) -> Codes:
    """codes, of any shape -> their lowest bits, as many as format `to` has, in two's complement if it is signed."""
    half = -to.min_code
    return ((codes + half) & ((1 << to.width) - 1)) - half


def _increment(rounding: Rounding, base: Codes, rest: npt.NDArray[Any], half: float) -> Codes:
    """1 where a number `base + rest`, 0 <= rest < 2 half, is rounded up from its floor, else 0."""
    return np.asarray(_UP[rounding](base, rest, half), np.int64)


_UP: dict[Rounding, Callable[[Codes, npt.NDArray[Any], float], npt.NDArray[np.bool_]]] = {
    Rounding.TRN: lambda base, rest, half: np.zeros_like(base, np.bool_),
    Rounding.TRN_ZERO: lambda base, rest, half: (base < 0) & (rest != 0),
    Rounding.RND: lambda base, rest, half: rest >= half,
    Rounding.RND_ZERO: lambda base, rest, half: (rest > half) | ((rest == half) & (base < 0)),
    Rounding.RND_INF: lambda base, rest, half: (rest > half) | ((rest == half) & (base >= 0)),
    Rounding.RND_MIN_INF: lambda base, rest, half: rest > half,
    Rounding.RND_CONV: lambda base, rest, half: (rest > half) | ((rest == half) & (base & 1 == 1)),
}
"""Whether `base + rest` is rounded up, by rounding."""
