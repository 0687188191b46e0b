"""Beginnings of made-up showers: gap and charge along the way, at any angle; what cannot be seen."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.evaluation.shower_starts import beginning
from qcompress.detectors.lartpc.presets import PRESETS

HD = PRESETS["dune-hd"]
TICK_CM = 1.6 * 0.512 / 10
FIRST = (4608 - 360 / TICK_CM) / 2
VERTEX = np.array([100.0, 300.0, 80.0])


def line(direction, gap, length, density):
    """Pixels of charge along a line in space: `density` electrons a cm from `gap` on."""
    way = np.arange(gap, gap + length, 0.01)
    x, _, z = VERTEX[:, None] + np.array(direction)[:, None] * way
    wire, tick = np.floor(z / 0.479).astype(int), np.floor(x / TICK_CM + FIRST).astype(int)
    cells, inverse = np.unique(wire * 10_000 + tick, return_inverse=True)
    kind = np.full(len(cells), samples.SHOWER)
    charge = np.bincount(inverse) * 0.01 * density
    places = {"wire": cells // 10_000, "tick": cells % 10_000}
    return {"plane": np.full(len(kind), 2), **places, "kind": kind, "charge": charge}


@pytest.mark.parametrize(
    "direction", [(0, 0, 1), (0, 0, -1), (0.6, 0, 0.8), (0.48, 0.6, 0.64), (-0.8, 0, -0.6), (1, 0, 0)]
)
@pytest.mark.parametrize("gap", [0.0, 12.0])
def test_gap_and_charge_are_those_of_the_line(direction, gap):
    pixels = line(direction, gap, 12.0, 60_000)
    found = beginning(pixels, HD, VERTEX, np.array(direction, float), 8, 1.0)
    assert found.gap == pytest.approx(gap, abs=0.6)
    assert found.profile[1:] == pytest.approx(np.full(7, 60_000), rel=0.12)
    assert 0.3 * 60_000 < found.profile[0] < 1.1 * 60_000


def test_little_charge_in_front_is_passed_over():
    far, near = line((0, 0, 1), 20.0, 12.0, 60_000), line((0, 0, 1), 5.0, 0.6, 60_000)
    joined = {name: np.concatenate([near[name], far[name]]) for name in near}
    assert beginning(joined, HD, VERTEX, np.array([0.0, 0, 1]), 8, 1.0).gap == pytest.approx(20, abs=0.6)


def test_what_cannot_be_seen_has_no_beginning():
    pixels = line((0, 0, 1), 0.0, 12.0, 60_000)
    assert beginning(pixels, HD, VERTEX, np.array([0.1, 0.99, 0.1]), 8, 1.0) is None  # along the wires
    assert beginning(pixels, HD, VERTEX, np.array([0.0, 0, -1]), 8, 1.0) is None  # the other way
    pixels["kind"][:] = samples.RADIOACTIVE
    assert beginning(pixels, HD, VERTEX, np.array([0.0, 0, 1]), 8, 1.0) is None
