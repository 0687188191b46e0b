"""Number formats for values: where the binary point must be, and the QKeras quantizers that they are."""

from math import ceil, log2
from typing import Any

import numpy as np
import numpy.typing as npt

from qcompress.fixedpoint import Format
from qcompress.frontends.post_training.plan import MOST_BITS, Wanted
from qcompress.frontends.runtime import import_qkeras

Array = npt.NDArray[np.floating[Any]]


def integer_bits(largest: float) -> int:
    """Bits above the binary point, without a sign, that hold numbers up to largest, but for one step of rounding."""
    return ceil(log2(largest)) if largest > 0 else 0


def magnitude(values: Array, percentile: float) -> float:
    """The absolute value that percentile percent of the values do not exceed; where that is 0, the largest."""
    every = np.abs(values)
    return float(np.percentile(every, percentile)) or float(every.max(initial=0.0))


def format_for(wanted: Wanted, signed: bool, largest: float) -> Format:
    """The format of numbers up to largest, in magnitude, for which `wanted` was asked.

    signed: whether there are negative ones. A signed format for numbers that are never negative is theirs without the
    sign: the same numbers.
    """
    if wanted.format is None:
        integer = integer_bits(largest) + signed
        return Format(signed, wanted.bits, integer)
    given = wanted.format
    if given.signed and not signed and given.width > 1:
        return Format(False, given.width - 1, given.integer - 1)
    return given


def bias_format(biases: Array, fraction: int, most: int = MOST_BITS) -> Format:
    """The format of biases beside products with `fraction` bits behind the point: as fine, if `most` bits hold them."""
    integer = integer_bits(float(np.abs(biases).max(initial=0.0))) + 1
    width = min(max(integer + fraction, 2), most)
    return Format(True, width, integer)


def quantizer(format_: Format) -> Any:
    """QKeras' quantizer of numbers in a format: rounds to nearest, halves to even, and saturates."""
    qkeras = import_qkeras()
    signed = format_.signed
    return qkeras.quantized_bits(format_.width, _exponent(format_.integer - signed), keep_negative=signed, alpha=1)


def relu(format_: Format) -> Any:
    """QKeras' quantizer that is a ReLU as well; format_: without a sign."""
    return import_qkeras().quantized_relu(format_.width, _exponent(format_.integer))


def _exponent(integer: int) -> float:
    """Integer bits as QKeras takes two to the power of: TensorFlow has no integer power below 1 on CPUs."""
    return integer if integer >= 0 else float(integer)
