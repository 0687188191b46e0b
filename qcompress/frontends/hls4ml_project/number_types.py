"""The number types of a project: ap_fixed, ap_int, ac_fixed, ac_int, and arrays of them that one stream word holds."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from qcompress.errors import QcompressError
from qcompress.fixedpoint import MAX_WIDTH, Cast, Format, Overflow, Rounding
from qcompress.frontends.hls4ml_project.text import Arithmetic, arguments

KINDS = {
    "ap_fixed": True,
    "ap_ufixed": False,
    "ap_int": True,
    "ap_uint": False,
    "ac_fixed": None,
    "ac_int": None,
}
"""Template -> whether it has a sign, None where an argument says so."""


@dataclass(frozen=True)
class NumberType:
    """A fixed-point type of any width: what happens to a number that is assigned to it."""

    signed: bool
    width: int
    integer: int
    rounding: Rounding = Rounding.TRN
    overflow: Overflow = Overflow.WRAP

    @property
    def fraction(self) -> int:
        """Bits behind the binary point."""
        return self.width - self.integer

    @property
    def min_code(self) -> int:
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def max_code(self) -> int:
        return (1 << (self.width - self.signed)) - 1

    @property
    def format(self) -> Format:
        """Raises QcompressError beyond MAX_WIDTH bits."""
        return Format(self.signed, self.width, self.integer)

    @property
    def cast(self) -> Cast:
        """An assignment to it; raises QcompressError beyond MAX_WIDTH bits."""
        return Cast(self.format, self.rounding, self.overflow)

    @property
    def is_wide(self) -> bool:
        """Whether it has more bits than a number format."""
        return self.width > MAX_WIDTH

    def __str__(self) -> str:
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer},{self.rounding},{self.overflow}>"


@dataclass(frozen=True)
class Packed:
    """A word of a stream: `size` numbers of one type."""

    element: NumberType
    size: int


Type = NumberType | Packed
BIT = NumberType(False, 1, 1)


def element(type_: Type) -> NumberType:
    """The type of one number."""
    return type_.element if isinstance(type_, Packed) else type_


def parse_type(text: str, known: Mapping[str, str], depth: int = 0) -> Type:
    """The type that text names; known: what names stand for. Raises QcompressError for any other."""
    text = re.sub(r"\bconst\b|\btypename\b", "", text).strip()
    if depth > len(known):
        raise QcompressError(f"type {text}: stands for itself in defines.h")
    match = re.fullmatch(r"(?:nnet::)?(\w+)\s*(?:<(.*)>)?", text, re.DOTALL)
    if match is None:
        raise QcompressError(f"type {text}: cannot be read")
    name, inside = match[1], match[2]
    if inside is None:
        if name not in known:
            raise QcompressError(f"type {text}: is not in defines.h, or is no fixed-point type")
        return parse_type(known[name], known, depth + 1)
    parts = arguments(inside)
    if name == "array" and len(parts) == 2:
        inner = parse_type(parts[0], known, depth + 1)
        if isinstance(inner, NumberType):
            return Packed(inner, _whole(parts[1]))
    if name not in KINDS:
        raise QcompressError(f"type {text}: is no fixed-point type")
    return _number(text, name, parts)


def _number(text: str, name: str, parts: list[str]) -> NumberType:
    if not parts or not 1 <= (width := _whole(parts[0])) <= 4096:
        raise QcompressError(f"type {text}: has no width")
    signed, rest = KINDS[name], parts[1:]
    integer = width
    if name.endswith("fixed"):
        integer, rest = _whole(rest[0]) if rest else width, rest[1:]
    if signed is None:
        signed = {"true": True, "1": True, "false": False, "0": False}.get(rest[0] if rest else "true")
        rest = rest[1:]
    if signed is None or len(rest) > 3 or (name in ("ap_int", "ap_uint") and rest):
        raise QcompressError(f"type {text}: cannot be read")
    if len(rest) == 3 and rest[2] != "0":
        raise QcompressError(f"type {text}: wraps with saturation bits, which is not supported")
    modes = [re.sub(r"^A[PC]_", "", mode) for mode in rest[:2]]
    for mode, choices in zip(modes, (Rounding, Overflow), strict=False):
        if mode not in list(choices):
            raise QcompressError(f"type {text}: {mode} is none of {', '.join(choices)}")
    rounding = Rounding(modes[0]) if modes else Rounding.TRN
    if name in ("ap_int", "ap_uint"):
        rounding = Rounding.TRN_ZERO
    return NumberType(signed, width, integer, rounding, Overflow(modes[1]) if len(modes) > 1 else Overflow.WRAP)


def _whole(text: str) -> int:
    def unknown(name: str) -> int:
        raise QcompressError(f"{name} in a type is no number")

    found = Arithmetic(text, unknown).value()
    if not isinstance(found, int):
        raise QcompressError(f"{text} in a type is no whole number")
    return found
