"""The number codes of the chip: trigger-cell charges in, calibrated charges, truncating floating point out.

Charges are ADC counts. TC = trigger cell; 48 of them make a module.
"""

import enum

import numpy as np
import numpy.typing as npt

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Codes

TRIGGER_CELLS = 48
INPUT_CODES = 128
"""A TC arrives as 7 bits: 4-bit exponent, 3-bit mantissa."""
CALIBRATION_FRACTION = 11
CALIBRATION_ONE = 1 << CALIBRATION_FRACTION
CALIBRATION_MAX = 4095
"""CAL registers are 12 bits wide, 2048 stands for 1.0."""
MAX_EXPONENT_BITS = 5
"""Widest exponent of the chip's codes; `encode` is exact up to it."""


class Density(enum.IntEnum):
    """Module density; the value is the shift of the input code's unit."""

    HD = 3
    LD = 1


def decode(codes: npt.ArrayLike, density_shift: int) -> Codes:
    """7-bit input codes (4-bit exponent, 3-bit mantissa), any shape -> charge in ADC counts, half a bin added.

    density_shift: 3 (HD) or 1 (LD), see `Density`. Raises QcompressError for codes outside 0..127.
    """
    given = np.asarray(codes, np.int64)
    if outside := int(np.count_nonzero((given < 0) | (given >= INPUT_CODES))):
        raise QcompressError(f"{outside} trigger-cell codes are outside 0..{INPUT_CODES - 1}")
    return np.asarray(decode_code(np.arange(INPUT_CODES), density_shift, 3)[given])


def calibrate(charge: npt.ArrayLike, calibration: npt.ArrayLike) -> Codes:
    """CALQ = floor(charge * calibration / 2^11); the last axes broadcast against each other."""
    return np.asarray((np.asarray(charge, np.int64) * np.asarray(calibration, np.int64)) >> CALIBRATION_FRACTION)


def bit_length(values: npt.ArrayLike) -> Codes:
    """Bits of each of the non-negative int64 `values`, 0 for 0; exact up to 2^63 - 1."""
    given = np.asarray(values, np.int64)
    # The leading bit survives and the one behind it is 0, so that rounding to float64 cannot carry into the exponent.
    leading = given & ~(given >> 1)
    return np.asarray(np.frexp(leading.astype(np.float64))[1], np.int64)


def encode(values: npt.ArrayLike, drop: int, exponent_bits: int, mantissa_bits: int) -> Codes:
    """Truncating floating-point code of non-negative integers, `values`, `drop` lowest bits dropped first.

    Up to `mantissa_bits` bits the code is the number; above, exponent << mantissa_bits | the bits below the leading
    one; numbers too large for the `exponent_bits` give all ones. Raises QcompressError for more than 5 exponent or 8
    mantissa bits.
    """
    if not 1 <= exponent_bits <= MAX_EXPONENT_BITS or not 1 <= mantissa_bits <= 8:
        raise QcompressError(f"no code of {exponent_bits} exponent and {mantissa_bits} mantissa bits")
    largest = (1 << (exponent_bits + mantissa_bits)) - 1
    # From `cap` on every code is all ones; up to it the floating-point number is exact and leads with the code's bits.
    cap = 1 << ((1 << exponent_bits) + mantissa_bits - 1)
    narrow = cap < 1 << 24
    integer, real, fraction, bias = (np.int32, np.float32, 23, 126) if narrow else (np.int64, np.float64, 52, 1022)
    kept = np.minimum(np.asarray(values, np.int64) >> drop, cap).astype(integer, copy=False)
    coded = kept.astype(real).view(integer)
    coded >>= fraction - mantissa_bits
    coded -= (bias + mantissa_bits) << mantissa_bits
    np.minimum(coded, largest, out=coded)
    np.copyto(coded, kept, where=kept < 1 << mantissa_bits)
    return np.asarray(coded, np.int64)


def decode_code(codes: npt.ArrayLike, drop: int, mantissa_bits: int) -> Codes:
    """Integer in the middle of the bin of each of the `codes` of `encode`, `drop` lowest bits included.

    mantissa_bits: as `encode` was told. The lower edge plus half the bin's width (nothing where the bin is one integer
    wide), the rule of the input codes: a charge that the repeater sends unchanged comes back unchanged.
    """
    given = np.asarray(codes, np.int64)
    exponent, mantissa = given >> mantissa_bits, given & ((1 << mantissa_bits) - 1)
    shift = np.maximum(exponent - 1, 0) + drop
    edge = mantissa + np.where(exponent > 0, 1 << mantissa_bits, 0)
    return np.asarray((edge << shift) + ((np.int64(1) << shift) >> 1))
