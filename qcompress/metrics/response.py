"""Response, reconstructed over true: mean, spread and effective spread, with errors by resampling.

rms: standard deviation about the mean (divided by n). Effective rms: half the shortest interval that holds 68 % of the
entries. Errors: standard deviation of the same figure over bootstrap samples (Efron 1979), drawn from a seed; the order
of the entries does not matter. What an empty or too small set does not determine is NaN, never 0.
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Values

SHARE = 0.68
"""Of the entries, in the shortest interval."""
RESAMPLES = 200


class Figures(NamedTuple):
    """Mean, rms, rms/mean and effective rms; NaN where the entries do not determine one."""

    mean: float
    rms: float
    rms_over_mean: float
    effective_rms: float


NONE = Figures(*[math.nan] * 4)


class Response(NamedTuple):
    """Figures of a set of entries and their bootstrap errors."""

    entries: int
    value: Figures
    error: Figures


class ResponseProfile(NamedTuple):
    """The same in bins [edge, next edge), the last one closed: edges (bins + 1,), a Response each."""

    edges: Values
    bins: tuple[Response, ...]

    def column(self, name: str) -> tuple[Values, Values]:
        """Values and errors (bins,) of the figure of that name, a field of `Response`; NaN where a bin is empty."""
        found = [(getattr(b.value, name), getattr(b.error, name)) for b in self.bins]
        value, error = np.array(found, np.float64).reshape(-1, 2).T
        return value, error


def effective_rms(values: npt.ArrayLike) -> float:
    """Half the shortest interval that holds at least 68 % of the values (n,); NaN for fewer than two."""
    ordered = np.sort(np.asarray(values, np.float64))
    inside = math.ceil(SHARE * len(ordered) - 1e-9)
    if inside < 2:
        return math.nan
    return float((ordered[inside - 1 :] - ordered[: len(ordered) - inside + 1]).min() / 2)


def figures(values: npt.ArrayLike) -> Figures:
    """Figures of the values (n,)."""
    given = np.asarray(values, np.float64)
    if not len(given):
        return NONE
    mean = float(given.mean())
    if len(given) == 1:
        return NONE._replace(mean=mean)
    rms = float(given.std())
    return Figures(mean, rms, rms / mean if mean else math.nan, effective_rms(given))


def response(values: npt.ArrayLike, seed: int, resamples: int = RESAMPLES) -> Response:
    """Figures of the values (n,) with bootstrap errors from so many resamples.

    The same for the same seed and values in any order.

    Raises QcompressError for values that are not finite.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    if bad := int((~np.isfinite(ordered)).sum()):
        raise QcompressError(f"response: {bad} of {len(ordered)} values are not finite")
    n = len(ordered)
    if n < 2:
        return Response(n, figures(ordered), NONE)
    rng = np.random.default_rng([seed, n])
    drawn = np.array([figures(ordered[rng.integers(0, n, n)]) for _ in range(resamples)])
    return Response(n, figures(ordered), Figures(*drawn.std(axis=0).tolist()))


def response_profile(
    x: npt.ArrayLike, values: npt.ArrayLike, edges: npt.ArrayLike, seed: int, resamples: int = RESAMPLES
) -> ResponseProfile:
    """Responses of the values (n,) in bins of x (n,); x outside the edges (bins + 1,), ascending, is left out.

    seed, resamples: of the bootstrap errors, as `response` takes them.
    Raises QcompressError for values that are not finite.
    """
    given, measured, bounds = (np.asarray(a, np.float64) for a in (x, values, edges))
    index = np.searchsorted(bounds, given, side="right") - 1
    index[given == bounds[-1]] = len(bounds) - 2
    bins = [response(measured[index == number], seed, resamples) for number in range(len(bounds) - 1)]
    return ResponseProfile(bounds, tuple(bins))
