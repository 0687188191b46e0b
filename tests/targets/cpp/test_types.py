"""What C++ integers must hold: never too little, and no bit more than the codes need."""

import itertools

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format, Overflow, Rounding
from qcompress.graph import LeakyRelu, Quantize, Relu
from qcompress.targets.cpp.types import Bounds, arithmetic_type, literal, port_type, signed_bits, step

MODES = list(itertools.product(Rounding, Overflow))


def test_bits_of_two_ends_are_those_of_the_narrowest_signed_number() -> None:
    for low, high in itertools.combinations_with_replacement(range(-20, 21), 2):
        fitting = (bits for bits in range(1, 9) if -(1 << (bits - 1)) <= low and high < 1 << (bits - 1))
        assert signed_bits(Bounds(low, high)) == next(fitting)


def test_types_hold_their_ends_and_64_bits_are_the_most() -> None:
    ends = {bits: Bounds(-(1 << (bits - 1)), (1 << (bits - 1)) - 1) for bits in (8, 16, 32, 64)}
    for bits, bounds in ends.items():
        assert arithmetic_type(bounds, "it") == f"std::int{max(bits, 16)}_t"
    with pytest.raises(Refused, match=r"^cpp: it needs 65 bits, C\+\+ integers have 64: use narrower formats$"):
        arithmetic_type(Bounds(0, 1 << 63), "it")
    assert [port_type(Format(False, width, 2)) for width in (1, 8, 9, 16, 17, 32, 33, 62)] == [
        f"std::uint{bits}_t" for bits in (8, 8, 16, 16, 32, 32, 64, 64)
    ]
    assert port_type(Format(True, 8, 2)) == "std::int8_t"
    assert [literal(value) for value in (5, -(1 << 63))] == ["5LL", "(-9223372036854775807LL - 1)"]


@pytest.mark.parametrize(("bits", "far"), [(9, 6), (9, 70), (50, 60)])
def test_what_a_cast_leaves_lies_in_its_bounds(bits: int, far: int) -> None:
    """Every mode, formats close by and far away; every code between two ends, of wide ones the ends and some more."""
    rng = np.random.default_rng(bits + far)
    most = 1 << (bits - 1)
    for number in range(1000):
        given = Format(True, bits, int(rng.integers(-3, bits)))
        fraction, width = given.fraction - int(rng.integers(-far, far + 1)), int(rng.integers(1, 62))
        cast = Cast(Format(bool(rng.integers(2)), width, width - fraction), *MODES[number % len(MODES)])
        low, high = sorted(rng.integers(-most, most, 2).tolist())
        every = np.arange(low, high + 1) if bits < 10 else np.r_[low, high, rng.integers(low, high + 1, 100)]
        found = step(Quantize(cast), given, Bounds(low, high))
        codes = cast.codes(every, given.fraction)
        assert found.result.low <= codes.min() <= codes.max() <= found.result.high, (cast, low, high)
        assert cast.format.min_code <= found.result.low <= found.result.high <= cast.format.max_code
        assert found.held.low <= min(low, found.result.low) <= max(high, found.result.high) <= found.held.high


@pytest.mark.parametrize("operation", [Relu(), LeakyRelu(0), LeakyRelu(3)], ids=str)
def test_what_a_rectifier_leaves_lies_in_its_bounds(operation: Relu | LeakyRelu) -> None:
    given = Format(True, 5, 2)
    for low, high in itertools.combinations_with_replacement(range(-16, 16), 2):
        found = step(operation, given, Bounds(low, high)).result
        codes = operation.run(np.arange(low, high + 1), given)
        assert found.low <= codes.min() <= codes.max() <= found.high
        assert isinstance(operation, LeakyRelu) or found == Bounds(codes.min(), codes.max())
