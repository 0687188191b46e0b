import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.detectors.hgcal.econt.numbers import Density, bit_length, calibrate, decode, decode_code, encode
from qcompress.errors import QcompressError


@pytest.mark.parametrize(
    ("code", "hd", "ld"),
    [
        (0, 4, 1),
        (1, 12, 3),
        (7, 60, 15),
        (8, 68, 17),  # exponent 1: no shift yet, the leading one appears
        (15, 124, 31),
        (16, 136, 34),  # exponent 2: bins twice as wide
        (17, 152, 38),
        (120, (8 << 17) + (1 << 16), (8 << 15) + (1 << 14)),
        (127, (15 << 17) + (1 << 16), (15 << 15) + (1 << 14)),
    ],
)
def test_decode(code: int, hd: int, ld: int) -> None:
    assert decode(np.array([code]), Density.HD).tolist() == [hd]
    assert decode(np.array([[code]]), Density.LD).tolist() == [[ld]]


def test_decode_bins_follow_each_other_without_gap() -> None:
    """The half bin puts every charge in the middle: consecutive bins touch."""
    for density in Density:
        charge = decode(np.arange(128), density)
        exponent = np.arange(128) >> 3
        half = (1 << (np.maximum(exponent - 1, 0) + density)) >> 1
        assert (charge[1:] - half[1:] == charge[:-1] + half[:-1]).all()


@pytest.mark.parametrize("code", [-1, 128])
def test_decode_refuses_other_codes(code: int) -> None:
    with pytest.raises(QcompressError, match=r"1 trigger-cell codes are outside 0\.\.127"):
        decode([3, code], Density.HD)


def test_decode_without_shift_has_no_half_bin_at_the_bottom() -> None:
    assert decode([0, 1, 16, 24], 0).tolist() == [0, 1, 17, 34]


@pytest.mark.parametrize(
    ("charge", "cal", "calq"), [(5, 2048, 5), (5, 2047, 4), (3, 1024, 1), (7, 0, 0), (2**21 - 1, 4095, 4193278)]
)
def test_calibrate(charge: int, cal: int, calq: int) -> None:
    assert calibrate([charge], [cal]).tolist() == [calq] == [charge * cal // 2048]


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1))
def test_bit_length(values: list[int]) -> None:
    assert bit_length(values).tolist() == [v.bit_length() for v in values]


def test_bit_length_at_powers_of_two() -> None:
    values = [0, *(2**k + d for k in range(63) for d in (-1, 0, 1)), 2**63 - 1]
    assert bit_length(values).tolist() == [v.bit_length() for v in values]


def plain_encode(value: int, drop: int, exponent_bits: int, mantissa_bits: int) -> int:
    value >>= drop
    length = value.bit_length()
    if length <= mantissa_bits:
        return value
    exponent = length - mantissa_bits
    if exponent >= 2**exponent_bits:
        return 2 ** (exponent_bits + mantissa_bits) - 1
    below = value - (1 << (length - 1))
    return exponent << mantissa_bits | below >> (length - 1 - mantissa_bits)


@given(
    st.lists(st.integers(0, 2**62), min_size=1),
    st.integers(0, 5),
    st.sampled_from([(4, 3), (5, 3), (5, 4), (1, 1), (3, 8)]),
)
def test_encode(values: list[int], drop: int, bits: tuple[int, int]) -> None:
    assert encode(values, drop, *bits).tolist() == [plain_encode(v, drop, *bits) for v in values]


@pytest.mark.parametrize("bits", [(4, 3), (5, 3), (5, 4)])
@pytest.mark.parametrize("drop", [0, 1, 3])
def test_encode_around_powers_of_two(bits: tuple[int, int], drop: int) -> None:
    values = sorted({max(0, (2**k << drop) + d) for k in range(45) for d in range(-3, 4)})
    assert encode(values, drop, *bits).tolist() == [plain_encode(v, drop, *bits) for v in values]


def test_encode_by_hand() -> None:
    assert encode([0, 7, 8, 15, 16, 17, 18], 0, 4, 3).tolist() == [0, 7, 8, 15, 16, 16, 17]
    assert encode([64, 63], 3, 4, 3).tolist() == [8, 7]
    last = 15 << 14  # exponent 15, mantissa 7
    assert encode([last - 1, last, 16 << 14, 2**62], 0, 4, 3).tolist() == [126, 127, 127, 127]
    assert encode([2**34, 2**35 - 1, 2**35], 0, 5, 4).tolist() == [31 << 4, 511, 511]


@pytest.mark.parametrize("bits", [(0, 3), (6, 3), (4, 0), (4, 9)])
def test_encode_refuses_other_widths(bits: tuple[int, int]) -> None:
    with pytest.raises(QcompressError, match=f"no code of {bits[0]} exponent and {bits[1]} mantissa bits"):
        encode([1], 0, *bits)


@pytest.mark.parametrize("mantissa_bits", [3, 4])
@pytest.mark.parametrize("drop", [0, 1, 3])
def test_decode_code_is_the_middle_of_the_bin(mantissa_bits: int, drop: int) -> None:
    """All integers with a code, found by encoding them one by one: lowest + half their number."""
    exponents = 6
    integers = np.arange(1 << (exponents + mantissa_bits + drop))
    codes = encode(integers, drop, 5, mantissa_bits)
    for code in range(exponents << mantissa_bits):
        members = integers[codes == code]
        assert decode_code([code], drop, mantissa_bits).tolist() == [members[0] + len(members) // 2]


@pytest.mark.parametrize("density", Density)
def test_decoding_an_encoded_input_charge_gives_it_back(density: Density) -> None:
    charge = decode(np.arange(128), density)
    assert encode(charge, density, 4, 3).tolist() == list(range(128))
    assert decode_code(encode(charge, density, 4, 3), density, 3).tolist() == charge.tolist()
