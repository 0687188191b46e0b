"""Modules by layer, u and v, and the pseudorapidity of their trigger cells."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.module import geometry, layers, places, wafers
from qcompress.errors import QcompressError


def test_a_module_is_known_by_its_place():
    known = wafers.modules()
    some = np.random.default_rng(1).choice(len(known.layer), 200, replace=False)
    columns = {"layer": known.layer[some], "u": known.u[some], "v": known.v[some]}
    assert (places.module_numbers(columns) == some).all()
    columns["u"] = columns["u"] + 99
    with pytest.raises(QcompressError, match=r"row 0: geometry V11 has no module .* 200 of 200 rows"):
        places.module_numbers(columns)


def test_trigger_cells_have_the_pseudorapidity_of_their_centres_or_of_their_modules():
    known = wafers.modules()
    columns = {"layer": known.layer[:3], "u": known.u[:3], "v": known.v[:3]}
    x, y = np.moveaxis(known.centre[:3, None] + geometry.tc_xy_channels(), -1, 0)
    z = layers.z_cm(known.layer[:3])[:, None]
    expected = np.cosh(np.arcsinh(z / np.hypot(x, y)))
    np.testing.assert_allclose(places.cosh_eta(columns), expected, rtol=1e-12)
    of_module = places.cosh_eta({"eta": np.array([1.5, -2.5], np.float32)})
    assert of_module.shape == (2, 48)
    np.testing.assert_allclose(of_module[:, 7], np.cosh([1.5, 2.5]), rtol=1e-6)
