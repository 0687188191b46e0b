"""Pad rows against what is known of the chambers."""

import numpy as np

from qcompress.detectors.tpc import geometry


def test_rows_pads_and_places_are_those_of_the_chambers():
    assert len(geometry.PADS) == len(geometry.ROW_X_CM) == len(geometry.REGION) == geometry.ROWS == 152
    inner = geometry.REGION < 4
    assert inner.sum() == geometry.INNER_ROWS == 63
    assert (geometry.PADS[inner].min(), geometry.PADS[inner].max()) == (66, 100)
    assert (geometry.PADS[~inner].min(), geometry.PADS[~inner].max()) == (76, 138)
    assert (geometry.PADS % 2 == 0).all()
    ends = geometry.ROW_X_CM[[0, 62, 63, 96, 97, 126, 127, 151]]
    assert np.allclose(ends, [85.225, 131.725, 135.2, 168.2, 171.4, 206.2, 209.65, 245.65])
    assert geometry.SECTOR_PADS == geometry.PADS.sum() == geometry.FIRST_PAD[-1]


def test_rows_fit_into_their_sector_and_leave_little_of_it():
    wide = geometry.PADS * geometry.PAD_WIDTH_CM
    dead = 2 * geometry.ROW_X_CM * np.tan(np.radians(10)) - wide
    assert dead.min() > 1.5
    assert dead.max() < 4.5


def test_rows_of_a_region_lie_a_pad_height_apart():
    same = np.diff(geometry.REGION) == 0
    assert np.allclose(np.diff(geometry.ROW_X_CM)[same], geometry.PAD_HEIGHT_CM[1:][same])
