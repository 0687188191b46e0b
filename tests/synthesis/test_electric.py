"""Loads and slews of a library whose figures are round."""

import numpy as np
import pytest
from helpers.cells import LIBRARY

from qcompress.errors import Refused
from qcompress.synthesis.electric import Electric
from qcompress.synthesis.liberty import Library, parse

SMALL = Electric(Library("small.lib", parse(LIBRARY)))


def test_wires_by_fan_out_and_beyond_the_table() -> None:
    """Half a femtofarad for each unit of length: 2 for one pin, 4 more for each further one."""
    np.testing.assert_allclose(SMALL.wires(np.array([0, 1, 2, 5])), np.array([0, 1, 3, 9]) * 1e-15)
    bare = Electric(Library("small.lib", parse(LIBRARY.replace("default_wire_load", "other"))))
    np.testing.assert_array_equal(bare.wires(np.array([0, 3])), 0)


def test_the_slew_is_that_of_an_inverter_with_four_behind_it() -> None:
    """Slew = load / 100 + slew / 2, with a load of four pins of 3 fF and a wire of 7 fF."""
    assert SMALL.slew == pytest.approx(2 * 19 / 100, rel=1e-4)
    for without, said in (("!A", "no inverter"), ("rise_transition", "no transition tables")):
        with pytest.raises(Refused, match=said):
            _ = Electric(Library("small.lib", parse(LIBRARY.replace(without, "A")))).slew


def test_capacitance_and_leakage_are_means_where_there_is_no_figure() -> None:
    cell = SMALL.library.cells["XOR2"]
    assert SMALL.capacitance(next(cell.all("pin"))) == 2e-15
    assert SMALL.leakage(cell) == pytest.approx(3e-9)
