"""The raster on which cells are looked up: the nearest centre of all, the first of equally near ones."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation.sensors import CORNER_CM, HIGH, LOW, STEP_CM, raster


@pytest.mark.parametrize("cells", [HIGH, LOW])
def test_every_square_has_its_nearest_cell(cells):
    count = round(cells**0.5)
    offsets = (np.arange(count) - (count - 1) / 2) / count
    inner = np.array([(a, b) for a in offsets for b in offsets])
    centres = (geometry.tc_xy()[:, None] + np.einsum("cs,tsx->tcx", inner, geometry.tc_sides())).reshape(-1, 2)
    found = raster(cells)
    axis = np.arange(CORNER_CM, -CORNER_CM, STEP_CM) + STEP_CM / 2
    for row, x in enumerate(axis):
        away = (x - centres[:, 0]) ** 2 + (axis[:, None] - centres[:, 1]) ** 2
        nearest = away.argmin(axis=1)
        expected = geometry.CHANNEL_OF_TRAIN[nearest // cells] * cells + nearest % cells
        assert (found[row] == expected).all()
