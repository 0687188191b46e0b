"""Functions of one element in front of a quantizer, as thresholds of exact integers.

Values are what a node's codes mean, times numbers that lie on no grid. Where a quantizer rounds the result, only the
place of each step matters: it is found in float64, and in fractions wherever that is too close to tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from qcompress.errors import Refused
from qcompress.fixedpoint import Codes, Format
from qcompress.frontends.builder import Builder
from qcompress.graph import Table, Thresholds
from qcompress.graph.elementwise import MAX_TABLE_BITS

Numbers = npt.NDArray[Any]
"""float64, or objects that are fractions."""

MOST_LEVELS = 1 << 12
"""Most different results of a staircase over a wide range of codes."""
MOST_CODES = 1 << 21
"""Codes of all channels that are tried one by one."""
CLOSE = 2.0**-30
"""Relative distance from a step within which fractions decide."""
MOST_CLOSE = 1 << 20
"""Places that fractions may have to decide."""


class Step(Protocol):
    """A function of each element that never falls, or never rises, whose parameters broadcast over the elements."""

    def apply(self, values: Numbers) -> Numbers: ...

    def moved(self, move: "Move", shape: tuple[int, ...]) -> "Step": ...


class Move(Protocol):
    """What a rearrangement does to an array of parameters, which has as many axes as the elements before it."""

    def __call__(self, parameters: Numbers) -> Numbers: ...


def fractions(values: Any) -> Numbers:
    """Numbers of any kind as exact fractions, in an array of the same shape."""
    given = np.asarray(values)
    found = np.empty(given.shape, object)
    found.ravel()[:] = [Fraction(each) for each in given.ravel().tolist()]
    return found


def of_rank(parameters: Numbers, axes: int) -> Numbers:
    """Parameters with axes of one element in front, as many as are missing."""
    return parameters.reshape((1,) * (axes - parameters.ndim) + parameters.shape)


def _like(parameters: Numbers, values: Numbers) -> Numbers:
    return parameters if values.dtype == object else parameters.astype(np.float64)


@dataclass(frozen=True)
class Scale:
    """factor x + shift; both arrays of fractions."""

    factor: Numbers
    shift: Numbers

    @classmethod
    def of(cls, factor: Any, shift: Any = 0) -> "Scale":
        """From numbers of any kind, exactly."""
        return cls(fractions(factor), fractions(shift))

    def apply(self, values: Numbers) -> Numbers:
        return np.asarray(values * _like(self.factor, values) + _like(self.shift, values))

    def moved(self, move: Move, shape: tuple[int, ...]) -> "Scale":
        return Scale(*(move(of_rank(each, len(shape))) for each in (self.factor, self.shift)))

    def then(self, after: "Scale") -> "Scale":
        """Both at once."""
        return Scale(np.asarray(self.factor * after.factor), np.asarray(self.shift * after.factor + after.shift))


def composed(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The same steps, with factors and shifts that follow each other as one."""
    found: list[Step] = []
    for step in steps:
        last = found[-1] if found else None
        if isinstance(last, Scale) and isinstance(step, Scale):
            found[-1] = last.then(step)
        else:
            found.append(step)
    return tuple(found)


@dataclass(frozen=True)
class Bend:
    """x where x >= 0, else slope x."""

    slope: Fraction

    def apply(self, values: Numbers) -> Numbers:
        slope = self.slope if values.dtype == object else float(self.slope)
        return np.where(values >= 0, values, values * slope)

    def moved(self, move: Move, shape: tuple[int, ...]) -> "Bend":
        return self


@dataclass(frozen=True)
class Limits:
    """x, but not below `low` and not above `high`; None is no limit."""

    low: Fraction | None
    high: Fraction | None

    def apply(self, values: Numbers) -> Numbers:
        for limit, choose in ((self.low, np.maximum), (self.high, np.minimum)):
            if limit is not None:
                values = np.asarray(choose(values, _like(fractions(limit), values)))
        return values

    def moved(self, move: Move, shape: tuple[int, ...]) -> "Limits":
        return self


@dataclass(frozen=True)
class Curve:
    """A function whose values are no fractions, such as a sigmoid: of float64, and of one fraction to many digits."""

    many: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]
    one: Callable[[Fraction], Fraction]

    def apply(self, values: Numbers) -> Numbers:
        if values.dtype != object:
            return self.many(values)
        found = np.empty(values.shape, object)
        found.ravel()[:] = [self.one(Fraction(value)) for value in values.ravel().tolist()]
        return found

    def moved(self, move: Move, shape: tuple[int, ...]) -> "Curve":
        return self


DIGITS = 60
"""Of a curve at one fraction: more than any step can be close to it, but for those that it meets exactly."""


def exact_exponential(value: Fraction) -> Fraction:
    """exp(value) of 0 or less to DIGITS digits; exact at 0."""
    with localcontext(prec=DIGITS):
        return Fraction((Decimal(value.numerator) / Decimal(value.denominator)).exp())


def exact_sigmoid(value: Fraction) -> Fraction:
    """1 / (1 + exp(-value)) to DIGITS digits; exact at 0, the only fraction where it is a fraction."""
    with localcontext(prec=DIGITS):
        power = (-abs(Decimal(value.numerator) / Decimal(value.denominator))).exp()  # 1 or less: no overflow
        small = Fraction(power / (1 + power))
    return 1 - small if value >= 0 else small


def exact_tanh(value: Fraction) -> Fraction:
    """The hyperbolic tangent to DIGITS digits, exact at 0."""
    return 2 * exact_sigmoid(2 * value) - 1


def sigmoid(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """1 / (1 + exp(-values)) without overflow."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * values)))


SIGMOID, TANH = Curve(sigmoid, exact_sigmoid), Curve(np.tanh, exact_tanh)


class Decision(Protocol):
    """A quantizer: real numbers (..., channels) to integers, never falling, or never rising."""

    @property
    def channels(self) -> int:
        """1 if it is the same for all."""
        ...

    def codes(self, values: Numbers) -> Numbers:
        """Integers, in the type of the values."""
        ...

    def distance(self, values: Numbers) -> Numbers:
        """How far values in float64 are from the nearest number at which the integer changes."""
        ...


def staircase(
    builder: Builder, name: str, source: str, steps: Sequence[Step], decision: Decision, format_: Format
) -> str:
    """decision(steps(value of source)) as node `name`, whose codes are the integers, in `format_`; gives that node.

    Parameters of the steps broadcast to the shape of source and vary along its last axis at most. Raises Refused
    naming the layer where there are too many steps.
    """
    shape, given = builder.shapes[source], builder.formats[source]
    ends = builder.ranges[source]
    low, high = int(ends.low.min()), int(ends.high.max())
    single = [_single(step, shape) for step in steps]
    alike = decision.channels == 1 and all(part.size == 1 for step in single for part in _parameters(step))
    count = 1 if alike else shape[-1]
    function = _Function(single, decision, given, count, name)
    if (high - low + 1) * count <= MOST_CODES:
        rows = function(np.repeat(np.arange(low, high + 1)[:, None], count, axis=1)).T
        thresholds, codes = _changes(rows, low)
    else:
        thresholds, codes = _bisected(function, low, high, count, name)
    if count == 1 and given.width <= MAX_TABLE_BITS and 4 * thresholds.shape[1] > high - low + 1:
        every = np.clip(np.arange(given.min_code, given.max_code + 1), low, high)
        table = function(every[:, None])[:, 0]
        return builder.add(name, Table(table, format_), source)
    return builder.add(name, Thresholds(thresholds, codes, format_), source)


def _parameters(step: Step) -> tuple[Numbers, ...]:
    return (step.factor, step.shift) if isinstance(step, Scale) else ()


def _single(step: Step, shape: tuple[int, ...]) -> Step:
    """The step with parameters of the last axis, or of none."""

    def last(parameters: Numbers) -> Numbers:
        rows = parameters.reshape(-1, parameters.shape[-1])
        return rows[0] if (rows != rows[0, 0]).any() else rows[0, :1]

    return step.moved(last, shape)


@dataclass(frozen=True)
class _Function:
    """Input codes (points, channels) -> integers of the same shape, exactly."""

    steps: Sequence[Step]
    decision: Decision
    given: Format
    channels: int
    name: str

    def __call__(self, codes: Codes) -> Codes:
        reals = self._stepped(np.ldexp(codes.astype(np.float64), -self.given.fraction))
        found = self.decision.codes(reals).astype(np.int64)
        close = self.decision.distance(reals) <= CLOSE * np.maximum(1, np.abs(reals))
        if (many := int(np.count_nonzero(close))) > MOST_CLOSE:
            raise Refused(f"layer {self.name}: {many} codes lie too close to a step; quantize more coarsely before it")
        if many:
            found[close] = self._exactly(codes, close)
        return found

    def _stepped(self, values: Numbers) -> Numbers:
        for step in self.steps:
            values = step.apply(values)
        return values

    def _exactly(self, codes: Codes, close: npt.NDArray[np.bool_]) -> Codes:
        """The integers where `close` says, in fractions: row by row, for parameters are those of a channel."""
        unit = Fraction(2) ** -self.given.fraction
        rows = np.flatnonzero(close.any(axis=1))
        exact = np.empty((len(rows), codes.shape[1]), object)
        exact.ravel()[:] = [code * unit for code in codes[rows].ravel().tolist()]
        return self.decision.codes(self._stepped(exact)).astype(np.int64)[close[rows]]


def _changes(rows: Codes, low: int) -> tuple[Codes, Codes]:
    """Thresholds and codes of every row (channels, results of all codes from `low` on)."""
    stairs = []
    for row in rows:
        places = np.flatnonzero(np.diff(row)) + 1
        stairs.append((places + low, np.append(row[0], row[places])))
    return _padded(stairs, low)


def _padded(stairs: Sequence[tuple[Codes, Codes]], low: int) -> tuple[Codes, Codes]:
    """Rows of one length: the last threshold again, with the last code behind all of them."""
    most = max(1, *(len(places) for places, _ in stairs))
    thresholds, codes = np.full((len(stairs), most), low, np.int64), np.empty((len(stairs), most + 1), np.int64)
    for row, (places, results) in enumerate(stairs):
        thresholds[row, : len(places)] = places
        thresholds[row, len(places) :] = places[-1] if len(places) else low
        codes[row, : len(results)] = results
        codes[row, len(results) :] = results[-1]
    return thresholds, codes


def _bisected(function: _Function, low: int, high: int, count: int, name: str) -> tuple[Codes, Codes]:
    """Where each result begins, or ends where the function falls, between two codes; all of them at once."""
    first, last = (function(np.full((1, count), end))[0] for end in (low, high))
    least, most = np.minimum(first, last), np.maximum(first, last)
    if (most - least).max() >= MOST_LEVELS:
        raise Refused(
            f"layer {name}: {int((most - least).max()) + 1} results of a quantizer whose scale is no power of two, "
            f"behind sums of {high - low + 1} codes; use {MOST_LEVELS.bit_length() - 1} bits or fewer"
        )
    levels = np.arange(int((most - least).max()) + 1)[1:, None] + least  # (levels, channels)
    falls = first > last
    below, at = np.full(levels.shape, low), np.full(levels.shape, high)  # code(low) < level <= code(high), if it rises
    while (at - below > 1).any():
        middle = below + (at - below) // 2
        reached = (function(middle) >= levels) != falls
        at, below = np.where(reached, middle, at), np.where(reached, below, middle)
    stairs = []
    for channel in range(count):
        used = levels[:, channel] <= most[channel]
        places, results = at[used, channel], np.append(least[channel], levels[used, channel])
        stairs.append((places[::-1], results[::-1]) if falls[channel] else (places, results))
    return _padded(stairs, low)
