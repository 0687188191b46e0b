"""True hits are runs of pixels on a wire."""

import numpy as np
import pytest

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.simulation.hits import hits_of
from qcompress.detectors.lartpc.simulation.transport import Truth


def truth(*rows):
    """wire, tick, charge, class, particle."""
    table = np.array(rows, float).reshape(-1, 5)
    types = ("u2", "u2", "f4", "u1", "u2")
    return Truth(*(table[:, k].astype(dtype) for k, dtype in enumerate(types)))


def test_runs_end_at_gaps_and_at_wires():
    t = samples.TRACK
    found = hits_of(
        truth((3, 10, 400, t, 0), (3, 11, 400, t, 0), (3, 14, 200, t, 0), (3, 18, 600, t, 0), (4, 18, 700, t, 1))
    )
    assert found.wire.tolist() == [3, 3, 4]
    assert found.start.tolist() == [10, 18, 18]
    assert found.end.tolist() == [15, 19, 19]
    assert found.charge.tolist() == [1000, 600, 700]
    assert found.tick[0] == pytest.approx(11.2)
    assert found.rms[0] == pytest.approx(np.sqrt(0.4 * 1.44 + 0.4 * 0.04 + 0.2 * 7.84))
    assert found.particle.tolist() == [0, 0, 1]


def test_class_and_particle_are_those_with_most_charge():
    t, s, d = samples.TRACK, samples.SHOWER, samples.DELTA
    found = hits_of(truth((0, 1, 450, t, 5), (0, 2, 300, d, 6), (0, 3, 350, s, 7), (1, 1, 510, t, 5), (1, 2, 490, d, 6),
                          (2, 7, 300, s, 7), (2, 8, 290, d, 6), (2, 9, 200, d, 6)))  # fmt: skip
    assert found.kind.tolist() == [s, t, d]
    assert found.particle.tolist() == [5, 5, 6]


def test_little_charge_is_no_hit_and_no_pixels_are_none():
    assert len(hits_of(truth((0, 1, 499, samples.TRACK, 0))).wire) == 0
    empty = hits_of(truth())
    assert [len(column) for column in empty] == [0] * 8
