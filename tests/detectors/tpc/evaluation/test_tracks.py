"""Helices through clusters of known ones, and what tracks lose when clusters go."""

import numpy as np
import pytest
from helpers.track_frames import straight_tracks

from qcompress.detectors.tpc import geometry
from qcompress.detectors.tpc.evaluation import tracks
from qcompress.detectors.tpc.evaluation.tracks import Tracking, find_tracks, fit_helix


@pytest.mark.parametrize(("radius", "side"), [(150.0, 1.0), (300.0, -1.0), (3000.0, 1.0)])
def test_a_fit_finds_the_helix_of_its_clusters(radius, side):
    rows = np.arange(5, 150)
    x = geometry.ROW_X_CM[rows]
    centre = np.array([150.0, -side * radius])
    y = centre[1] + side * np.sqrt(radius**2 - (x - centre[0]) ** 2)
    azimuth = np.arctan2(y - centre[1], x - centre[0])
    pad = y / geometry.PAD_WIDTH_CM[rows] + geometry.PADS[rows] / 2 - 0.5
    time = 60 + 0.3 * radius * (azimuth - azimuth[70])
    found = fit_helix(rows, pad, time)
    assert found.radius == pytest.approx(radius, rel=1e-4)
    assert (found.x, found.y) == pytest.approx(tuple(centre), rel=1e-3)
    assert found.slope == pytest.approx(0.3, rel=1e-4)
    again_pad, again_time = found.at(rows)
    assert again_pad == pytest.approx(pad, abs=1e-3)
    assert again_time == pytest.approx(time, abs=1e-3)


def test_tracks_take_their_own_clusters_and_noise_beside_them():
    scored = straight_tracks(frames=2, tracks=6, noise=0, seed=1)
    found = find_tracks(scored, scored.kept, scored.classical)
    assert found[:, 0].tolist() == [6, 6]
    assert (found[:, 1] == found[:, 2]).all()
    assert found[:, 1].sum() == pytest.approx(scored.kept.sum(), rel=0.02)
    noisy = straight_tracks(frames=2, tracks=6, noise=40_000, seed=1)
    kept = noisy.kept.copy()
    kept[np.flatnonzero(noisy.track >= 0)[::3]] = False  # rows that noise may take
    wrong = find_tracks(noisy, kept, noisy.classical)
    assert (wrong[:, 1] - wrong[:, 2] > 10).all()


def test_what_tracks_lose_when_every_third_cluster_goes():
    scored = straight_tracks(frames=3, tracks=6, noise=500, seed=2)
    tracking = Tracking(scored)
    same = tracking.losses(scored.kept, scored.classical)
    assert (same.fewer[0], same.tracks[0], same.correct[0]) == (0, 1, 0)
    assert same.chi2[0] == pytest.approx(1)
    real = np.flatnonzero(scored.track >= 0)
    chosen = scored.kept.copy()
    chosen[real[::3]] = False
    fewer = tracking.losses(chosen, scored.classical)
    assert fewer.tracks[0] == 1
    assert fewer.correct[0] == pytest.approx(1 / 3, abs=0.02)
    few = scored.kept.copy()
    few[real[real % 8 != 0]] = False
    assert tracking.losses(few, scored.classical).tracks[0] < 0.3
    only_noise_gone = tracking.losses(scored.track >= 0, scored.classical)
    assert only_noise_gone.correct[0] == 0
    assert only_noise_gone.fewer[0] == pytest.approx((scored.track < 0).mean())


def test_the_table_has_a_line_for_each_threshold():
    table = tracks.tracks_table(straight_tracks(frames=2, tracks=4, noise=100, seed=3))
    assert [row[0] for row in table.rows] == ["classical finder", "0.01", "0.05", "0.1", "0.2", "0.5"]
    assert {len(row) for row in table.rows} == {len(table.columns)}
