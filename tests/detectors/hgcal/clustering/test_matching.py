"""Matching: the highest cluster within reach in the particle's endcap, the cuts, samples without particles."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.clustering.clusters import Clusters
from qcompress.detectors.hgcal.clustering.matching import Cuts, accepted, match
from qcompress.errors import QcompressError


def clusters(*rows):
    """Rows of (event, zside, pt, eta, phi)."""
    event, side, pt, eta, phi = (np.array(column, float) for column in zip(*rows, strict=True))
    layer_pt = np.arange(36) * pt[:, None]
    return Clusters(event.astype(np.int64), side.astype(np.int8), pt, eta, phi, layer_pt)


def particles(*rows):
    """Rows of (event, zside, pt, eta, phi)."""
    names = ("event", "zside", "pt", "entry_eta", "entry_phi")
    found = dict(zip(names, map(np.array, zip(*rows, strict=True)), strict=True))
    return found | {"event": found["event"].astype(np.int64)}


def test_the_highest_within_reach_in_the_same_endcap_and_event():
    known = clusters(
        (3, 1, 40, 2.0, 1.0), (3, 1, 60, 2.03, 1.0), (3, 1, 90, 2.06, 1.0), (3, -1, 70, -2.0, 1.0),
        (4, 1, 80, 2.0, 1.0),
    )  # fmt: skip
    got = match(known, particles((3, 1, 55.0, 2.0, 1.0), (3, -1, 75.0, -2.0, 1.02), (5, 1, 50.0, 2.0, 1.0)), Cuts())
    assert got.pt.tolist() == [60, 70]
    assert got.gen_pt.tolist() == [55, 75]
    assert got.zside.tolist() == [1, -1]
    assert got.em_layer_pt.shape == (2, 14)
    assert got.em_layer_pt[1].tolist() == [70 * k for k in range(14)]


def test_azimuth_closes_and_the_distance_is_strict():
    one = particles((0, 1, 50.0, 2.0, 3.13))
    assert len(match(clusters((0, 1, 40, 2.0, -3.13)), one, Cuts()).pt) == 1
    assert len(match(clusters((0, 1, 40, 2.0, 3.0)), one, Cuts()).pt) == 0
    edge = particles((0, 1, 50.0, 2.0, 0.0))
    assert len(match(clusters((0, 1, 40, 2.0, 0.0625)), edge, Cuts(distance=0.0625)).pt) == 0


@pytest.mark.parametrize(
    ("particle", "kept"),
    [
        ((0, 1, 50.0, 2.0, 0.0), True),
        ((0, 1, 5.0, 2.0, 0.0), False),
        ((0, 1, 50.0, 1.6, 0.0), False),
        ((0, 1, 50.0, 2.9, 0.0), False),
        ((0, 1, 5.1, 1.61, 0.0), True),
        ((0, -1, 5.1, -2.89, 0.0), True),
    ],
)
def test_cuts_on_particles(particle, kept):
    assert accepted(particles(particle), Cuts()).tolist() == [kept]


def test_a_low_cluster_does_not_count_and_none_is_no_fault():
    low = clusters((0, 1, 3.0, 2.0, 0.0))
    assert len(match(low, particles((0, 1, 50.0, 2.0, 0.0)), Cuts()).pt) == 0
    assert len(match(low, particles((9, 1, 50.0, 2.0, 0.0)), Cuts()).pt) == 0


def test_samples_without_particles_are_refused():
    with pytest.raises(QcompressError, match="has no generated particles"):
        match(clusters((0, 1, 3.0, 2.0, 0.0)), {}, Cuts())
    bare = {k: v for k, v in particles((0, 1, 50.0, 2.0, 0.0)).items() if k != "entry_phi"}
    with pytest.raises(QcompressError, match="particles without entry_phi"):
        accepted(bare, Cuts())
