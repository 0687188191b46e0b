"""The first element without a code, in codes and in real values."""

import numpy as np
import pytest
from helpers.column_files import codes_of

from qcompress.volumes.bindings import Binding
from qcompress.volumes.faults import first_bad

ROWS = 64


@pytest.fixture
def bound(pair):
    image, weight = pair.input_ports
    return [Binding(image, tuple(f"pix_{k}" for k in range(6))), Binding(weight, ("w",))]


def values_of(pair):
    return {
        port.name: port.format.to_values(codes)
        for port, codes in zip(pair.input_ports, codes_of(pair, ROWS).values(), strict=True)
    }


def test_rows_without_a_fault_have_none(pair, bound):
    assert first_bad(pair, bound, codes_of(pair, ROWS), True) is None
    assert first_bad(pair, bound, values_of(pair), False) is None


@pytest.mark.parametrize("row", [0, 1, 31, 63])
def test_the_first_code_outside_its_format_is_found(pair, bound, row):
    codes = codes_of(pair, ROWS)
    codes["image"][row:, 1, 0] = 100
    bad = first_bad(pair, bound, codes, True)
    assert (bad.row, bad.column) == (row, "pix_3")
    assert bad.told == "100 is outside fixed<7,5>, whose codes are -64 to 63"


@pytest.mark.parametrize(
    ("value", "told"),
    [(np.nan, "NaN or infinite"), (0.1, "not on the grid of fixed<7,5>"), (99.0, "outside the range of fixed<7,5>")],
)
def test_the_first_value_without_a_code_is_found(pair, bound, value, told):
    values = values_of(pair)
    values["image"][[17, 40], 1, 2] = value
    bad = first_bad(pair, bound, values, False)
    assert (bad.row, bad.column) == (17, "pix_5")
    assert bad.told.startswith(f"{value} is {told}")


def test_a_quantizer_takes_what_no_grid_does_but_not_infinity(pair, bound):
    values = values_of(pair)
    values["weight"][:] = 0.123
    assert first_bad(pair, bound, values, False) is None
    values["weight"][5] = np.inf
    values["image"][7] = np.nan
    assert first_bad(pair, bound, values, False)[:2] == (5, "w")
