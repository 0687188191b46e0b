"""Number types of projects."""

import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Overflow, Rounding
from qcompress.frontends.hls4ml_project.number_types import NumberType, Packed, parse_type


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ap_fixed<16,6>", NumberType(True, 16, 6)),
        ("ap_ufixed<8,-1>", NumberType(False, 8, -1)),
        ("ap_fixed<18,8,AP_RND,AP_SAT,0>", NumberType(True, 18, 8, Rounding.RND, Overflow.SAT)),
        ("ac_fixed<18,8,true,AC_RND_CONV,AC_SAT_SYM>", NumberType(True, 18, 8, Rounding.RND_CONV, Overflow.SAT_SYM)),
        ("ac_fixed<4, 2, false>", NumberType(False, 4, 2)),
        ("ap_uint<1>", NumberType(False, 1, 1, Rounding.TRN_ZERO)),
        ("ac_int<5, true>", NumberType(True, 5, 5)),
        ("const my_t", NumberType(True, 70, 30)),
        ("nnet::array<ap_fixed<4,2>, 3*2>", Packed(NumberType(True, 4, 2), 6)),
    ],
)
def test_types(text, expected):
    assert parse_type(text, {"my_t": "other_t", "other_t": "ap_fixed<70,30>"}) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("float", "unknown_t", "ap_fixed<>", "ap_fixed<0,0>", "ap_fixed<8,2,AP_NEAR>", "ap_fixed<8,2,AP_RND,AP_CUT>"),
        *(
            "ap_fixed<8,2,AP_RND,AP_WRAP,3>",
            "ac_fixed<8,2,maybe>",
            "ap_int<8,2>",
            "std::vector<int>",
            "loop_t",
            "ap_fixed<n,2>",
        ),
    ],
)
def test_what_is_no_type_is_one_line(text):
    with pytest.raises(QcompressError) as fault:
        parse_type(text, {"loop_t": "loop_t"})
    assert "\n" not in str(fault.value)


def test_more_bits_than_a_number_format_has_are_kept_until_they_are_needed():
    wide = parse_type("ap_fixed<70,30>", {})
    assert isinstance(wide, NumberType)
    assert (wide.is_wide, wide.max_code) == (True, 2**69 - 1)
    with pytest.raises(QcompressError, match="width must be 1 to 62"):
        _ = wide.format
