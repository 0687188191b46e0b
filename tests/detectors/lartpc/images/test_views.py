"""Images of planes: cells of wire and drift, tiles, lit cells."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.images.views import VIEWS, cells_of, codes_of
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.detectors.lartpc.samples.chambers import MODULE

HD = PRESETS["dune-hd"]


def pixels(*rows):
    """plane, wire, tick, charge, class."""
    table = np.array(rows, float).reshape(-1, 5)
    names = ("plane", "wire", "tick", "charge", "kind")
    return {name: table[:, k].astype(samples.LAYOUT["pixels"][name]) for k, name in enumerate(names)}


def test_cells_are_where_wire_and_drift_say():
    """Wire 300 is at 143.9 cm, cell 287: the second tile; tick 2000 at 163.9 cm, cell 327: the second as well."""
    found = cells_of(pixels((2, 300, 2000, 3000, samples.TRACK)), HD, VIEWS["tile"], ("W",), 1000)
    assert found.tile.tolist() == [2 << 16 | 1 << 8 | 1]
    assert (found.row.tolist(), found.column.tolist()) == ([287 - 256], [327 - 256])
    assert found.charge.tolist() == [3000]


def test_a_cell_is_of_the_class_with_most_charge_and_lit_if_it_has_enough():
    t, d, s, r = samples.TRACK, samples.DELTA, samples.SHOWER, samples.RADIOACTIVE
    rows = ((2, 10, 100, 900, t), (2, 10, 101, 500, d), (2, 10, 102, 500, s), (2, 200, 100, 999, t))
    more = ((2, 300, 100, 9000, r), (0, 10, 100, 9000, t), (2, 100, 100, 600, t), (2, 100, 101, 500, s))
    given = pixels(*rows, *more)
    found = cells_of(given, HD, VIEWS["tile"], ("W",), 1000)
    assert found.kind.tolist() == [s, t]
    assert found.charge.tolist() == [1900, 1100]
    assert len(cells_of(given, HD, VIEWS["tile"], ("U", "W"), 1000).kind) == 3


def test_a_module_is_one_image():
    corners = pixels((0, 0, 0, 5000, samples.TRACK), (0, MODULE.planes[0].wires - 1, 8861, 5000, samples.SHOWER))
    found = cells_of(corners, MODULE, VIEWS["module"], ("W",), 1000)
    assert found.tile.tolist() == [0, 0]
    assert found.row.tolist() == [0, 511]
    assert found.column.tolist() == [0, 207]


def test_codes_say_lit_or_how_much():
    charge = np.array([10.0, 30_000, 60_000, 1e6])
    assert codes_of(charge, True, 60_000).tolist() == [1, 1, 1, 1]
    assert codes_of(charge, False, 60_000).tolist() == [1, 128, 255, 255]


def test_no_pixels_are_no_cells():
    assert [len(column) for column in cells_of(pixels(), HD, VIEWS["tile"], ("W",), 1000)] == [0] * 5
    with pytest.raises(ValueError, match="X"):
        cells_of(pixels(), HD, VIEWS["tile"], ("X",), 1000)
