"""Real numbers to number formats: the narrowest grid that holds them exactly."""

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes, Format

MAX_GRID_BITS = 24
"""Widest format that weights and tables may need."""

MAX_SIGNIFICANT_BITS = 20
"""Most bits from the first to the last one set of a single value: more are no grid but the rounding of a float."""

_MANTISSA = 53


def narrowest_format(values: npt.ArrayLike, widest: int = MAX_GRID_BITS) -> Format:
    """The narrowest format that holds all values, of any shape, exactly; signed only if one of them is negative.

    Raises QcompressError if they are not finite or need more than `widest` bits.
    """
    given = np.asarray(values, np.float64)
    if not np.isfinite(given).all():
        raise QcompressError(f"{int((~np.isfinite(given)).sum())} of {given.size} values are NaN or infinite")
    nonzero = given[given != 0]
    if not nonzero.size:
        return Format(False, 1, 1)
    signed = bool((nonzero < 0).any())
    mantissa, exponent = np.frexp(nonzero)
    digits = np.ldexp(mantissa, _MANTISSA).astype(np.int64)
    significant = _MANTISSA - int(np.frexp((digits & -digits).astype(np.float64))[1].min()) + 1
    if significant > MAX_SIGNIFICANT_BITS:
        raise QcompressError(f"a value has {significant} significant bits, more than {MAX_SIGNIFICANT_BITS}")
    last = exponent - _MANTISSA + np.frexp((digits & -digits).astype(np.float64))[1] - 1
    fraction = -int(last.min())
    integer = max(
        int(np.frexp(nonzero.max())[1]) if nonzero.max() > 0 else -fraction,
        _negative_bits(float(nonzero.min())) if signed else -fraction,
    )
    width = integer + fraction + signed
    if width > widest:
        raise QcompressError(f"{given.size} values need {width} bits to be exact, more than {widest}")
    return Format(signed, max(width, 1), integer + signed)


def _negative_bits(lowest: float) -> int:
    """Integer bits, without the sign, of the most negative value: -1 needs none, -1.5 needs one."""
    mantissa, exponent = np.frexp(-lowest)
    return int(exponent) - int(mantissa == 0.5)


def exact_codes(values: npt.ArrayLike, declared: Format | None = None) -> tuple[Codes, Format]:
    """Codes of the values in `declared`, or in the narrowest format; raises QcompressError if they are on no grid."""
    if declared is None:
        declared = narrowest_format(values)
    return declared.to_codes(values), declared
