"""Perfect classifiers on frames: by hand, on a toy sample, and against the published shares."""

import numpy as np
import pytest
from helpers.toy_frames import write_sample

from qcompress.detectors.tpc.evaluation import ceiling
from qcompress.detectors.tpc.evaluation.ceiling import Counts
from qcompress.progress import silent


def table(**given):
    """Counts of two equal frames."""
    one = {**dict.fromkeys(Counts._fields, 10), "maxima": 100, "clusters": 80, **given}
    return np.array([[float(one[name]) for name in Counts._fields]] * 2)


def test_what_perfect_classifiers_save():
    found = ceiling.savings_table("made up", table(correct=40))
    assert [row[1] for row in found.rows] == pytest.approx([37.5, 38.0, 40.0])
    assert [row[3] for row in found.rows] == pytest.approx([50.0, 50.5, 52.5])
    assert [row[2] for row in found.rows] == pytest.approx([0, 0, 0])


def test_what_the_maxima_are():
    found = ceiling.shares_table("made up", table(fakes=18, clones=7, wanted=50, found=47))
    assert {row[1]: row[2] for row in found.rows[:4]} == pytest.approx(
        {"fakes": 18, "clones": 7, "loopers alone": 10, "efficiency": 94}
    )


def test_a_sample_is_counted_frame_by_frame(tmp_path):
    path = write_sample(tmp_path / "toy.h5", 3, 3, range(58, 62))
    counts = list(ceiling.count_frames(path, silent))
    assert len(counts) == 3
    for one in counts:
        assert one.maxima >= one.clusters >= one.correct > 0
        assert one.found <= one.wanted
    shares, savings = ceiling.ceiling(path, silent)
    assert 0 <= savings.rows[0][1] <= savings.rows[0][3] <= 100
    assert len(shares.rows) == 7


@pytest.mark.campaign
def test_fakes_and_clones_of_the_frozen_simulation_are_the_published_ones(tmp_path):
    from qcompress.detectors.tpc.simulation import fast_simulation

    fast_simulation.simulate("sector-20pc", 10, 3, tmp_path / "frames.h5")
    shares, _ = ceiling.ceiling(tmp_path / "frames.h5", silent)
    found = {row[1]: row[2] for row in shares.rows[:4]}
    assert 17 < found["fakes"] < 19
    assert 6 < found["clones"] < 8
