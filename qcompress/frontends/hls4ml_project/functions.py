"""The functions of nnet_activation.h as C++ computes them: float where it has float, double where it has double."""

import ctypes
import ctypes.util
import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from qcompress.fixedpoint import MAX_WIDTH, Codes, Values
from qcompress.frontends.hls4ml_project.number_types import NumberType

Single = np.float32
Entries = Sequence[float]


@cache
def _library() -> Any:
    """The C library's mathematics, which the C simulation calls, too; None where there is none."""
    found = ctypes.util.find_library("m")
    try:
        return ctypes.CDLL(found) if found else None
    except OSError:
        return None


def _single(name: str, otherwise: Callable[[float], float]) -> Callable[[float], float]:
    """The C function of floats of that name; otherwise: in double, then rounded."""
    library = _library()
    function = getattr(library, name, None)
    if function is None:
        return lambda value: float(Single(otherwise(value)))
    function.argtypes, function.restype = [ctypes.c_float], ctypes.c_float
    return lambda value: float(function(value))


def exp(value: float) -> float:
    """expf."""
    return _single("expf", _exp)(value)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def sigmoid(value: float) -> float:
    """1 / (1 + e**-x)."""
    return float(Single(1.0 / float(Single(1) + Single(exp(-value)))))


def tanh(value: float) -> float:
    """tanh of a double."""
    return math.tanh(value)


def softplus(value: float) -> float:
    """log(e**x + 1)."""
    return float(Single(math.log(exp(value) + 1.0)))


def softsign(value: float) -> float:
    """x / (|x| + 1)."""
    return float(Single(value / (abs(value) + 1.0)))


def elu(value: float) -> float:
    """e**x - 1."""
    return float(Single(exp(value) - 1.0))


def selu(value: float) -> float:
    """The negative branch of selu."""
    return float(Single(1.0507009873554804934193349852946 * (1.6732632423543772848170429916717 * (exp(value) - 1.0))))


def around_zero(function: Callable[[float], float], size: int, reach: float) -> Entries:
    """function at `size` places from -reach on, up to reach."""
    return [function(float(Single(2 * reach * (place - size / 2.0) / size))) for place in range(size)]


def below_zero(function: Callable[[float], float], size: int) -> Entries:
    """function at `size` places from 0 down to -8."""
    return [function(float(Single(-8.0 * place / size))) for place in range(size)]


def sliced(type_: NumberType, bits: int) -> Values:
    """The numbers whose highest `bits` bits in type_ are 0, 1, ... and whose others are zeros, as float; (2**bits,)."""
    place = np.arange(1 << bits, dtype=np.int64)
    if type_.signed:
        place = np.where(place >= 1 << (bits - 1), place - (1 << bits), place)
    return np.ldexp(place.astype(np.float64), type_.integer - bits)


def inverse(value: float) -> float:
    """1 / x of a float."""
    return math.inf if value == 0 else float(Single(1) / Single(value))


def codes(entries: Entries, type_: NumberType) -> Codes:
    """Numbers assigned to a type, (entries,). What is too large saturates, or no bit of it is kept."""
    found = np.array([0.0 if _is_large(entry, type_) else entry for entry in entries])
    result = type_.cast.values(found)
    for place, entry in enumerate(entries):
        if _is_large(entry, type_):
            result[place] = _large(entry, type_)
    return result


def _is_large(entry: float, type_: NumberType) -> bool:
    return math.isinf(entry) or abs(entry) >= 2.0 ** (MAX_WIDTH - type_.fraction)


def _large(entry: float, type_: NumberType) -> int:
    """The code of a number whose last bit is a whole multiple of the type's, so that nothing is rounded."""
    if type_.overflow in ("SAT", "SAT_SYM"):
        least = -type_.max_code if type_.overflow == "SAT_SYM" else type_.min_code
        return type_.max_code if entry > 0 else least
    if type_.overflow == "SAT_ZERO" or math.isinf(entry):
        return 0
    kept = int(Fraction(entry) * Fraction(2) ** type_.fraction) & ((1 << type_.width) - 1)
    return kept - (1 << type_.width) if kept > type_.max_code else kept
