"""QONNX quantizers as functions from real numbers to integers, in float64 or in fractions."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Rounding
from qcompress.frontends.qonnx.staircases import Numbers, fractions

ROUNDINGS: dict[str, Rounding] = {
    "ROUND": Rounding.RND_CONV,
    "HALF_EVEN": Rounding.RND_CONV,
    "FLOOR": Rounding.TRN,
    "DOWN": Rounding.TRN_ZERO,
    "HALF_UP": Rounding.RND_INF,
    "HALF_DOWN": Rounding.RND_ZERO,
}
"""Rounding modes of QONNX that are those of a cast."""


def _away(value: Any) -> int:
    return int(ceil(value) if value > 0 else floor(value))


def _half(value: Any, tie: Callable[[Any], int]) -> int:
    """The nearest integer, `tie` of the value where it lies in the middle."""
    twice = 2 * value
    return int(tie(value) if twice == floor(twice) and twice % 2 else floor(value + Fraction(1, 2)))


ONE: dict[str, Callable[[Any], int]] = {
    "ROUND": round,
    "HALF_EVEN": round,
    "CEIL": ceil,
    "FLOOR": floor,
    "UP": _away,
    "DOWN": int,
    "HALF_UP": lambda value: _half(value, _away),
    "HALF_DOWN": lambda value: _half(value, int),
}
"""How QONNX rounds one number, a fraction."""


def _halves_away(values: Numbers) -> Numbers:
    return np.sign(values) * np.floor(np.abs(values) + 0.5)


def _halves_to_zero(values: Numbers) -> Numbers:
    return np.sign(values) * np.ceil(np.abs(values) - 0.5)


MANY: dict[str, Callable[[Numbers], Numbers]] = {
    "ROUND": np.round,
    "HALF_EVEN": np.round,
    "CEIL": np.ceil,
    "FLOOR": np.floor,
    "UP": lambda values: np.sign(values) * np.ceil(np.abs(values)),
    "DOWN": np.fix,
    "HALF_UP": _halves_away,
    "HALF_DOWN": _halves_to_zero,
}
"""How it rounds an array of float64."""


def rounded(values: Numbers, mode: str) -> Numbers:
    """values rounded as QONNX' `mode` says; float64, or objects that are fractions."""
    if values.dtype != object:
        return MANY[mode](values)
    found = np.empty(values.shape, object)
    found.ravel()[:] = [ONE[mode](value) for value in values.ravel().tolist()]
    return found


def fraction_distance(values: Numbers, mode: str) -> Numbers:
    """How far values in float64 are from where the rounding changes."""
    middle = 0.5 if mode in ("ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN") else 0.0
    return np.abs(values - middle - np.round(values - middle))


@dataclass(frozen=True)
class Rounded:
    """Quant: rounded as `mode` says, within `low` and `high`, less the zero point."""

    mode: str
    low: int
    high: int
    zero: int = 0
    channels = 1

    def codes(self, values: Numbers) -> Numbers:
        return np.asarray(rounded(np.clip(values, self.low, self.high), self.mode) - self.zero)

    def distance(self, values: Numbers) -> Numbers:
        inside = np.clip(values, self.low - 1, self.high + 1)
        return np.asarray(np.maximum(fraction_distance(inside, self.mode), np.abs(values - inside)))


@dataclass(frozen=True)
class Sign:
    """BipolarQuant: 1 where a number is 0 or more, else -1; less the zero point."""

    zero: int = 0
    channels = 1

    def codes(self, values: Numbers) -> Numbers:
        return np.where(values >= 0, 1, -1) - self.zero

    def distance(self, values: Numbers) -> Numbers:
        return np.abs(values)


HOLDS: dict[str, Callable[[Numbers], npt.NDArray[np.bool_]]] = {
    "Greater": lambda values: values > 0,
    "GreaterOrEqual": lambda values: values >= 0,
    "Less": lambda values: values < 0,
    "LessOrEqual": lambda values: values <= 0,
}
"""Comparisons, by the difference of what is compared."""


@dataclass(frozen=True)
class Holds:
    """1 where a comparison holds of a difference, else 0."""

    kind: str
    channels = 1

    def codes(self, values: Numbers) -> Numbers:
        return HOLDS[self.kind](values).astype(np.int64)

    def distance(self, values: Numbers) -> Numbers:
        return np.abs(values)


@dataclass(frozen=True)
class Counted:
    """MultiThreshold: how many of the limits a number is not below; limits (channels, n) of float64, channels last."""

    limits: npt.NDArray[np.float64]

    @property
    def channels(self) -> int:
        return len(self.limits)

    def codes(self, values: Numbers) -> Numbers:
        limits = fractions(self.limits) if values.dtype == object else self.limits
        return np.asarray(np.sum(values[..., None] >= limits, axis=-1))

    def distance(self, values: Numbers) -> Numbers:
        return np.asarray(np.abs(values[..., None] - self.limits).min(axis=-1))
