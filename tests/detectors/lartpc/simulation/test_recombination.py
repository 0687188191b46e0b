"""What escapes recombination, beside the project's facts."""

import pytest

from qcompress.detectors.lartpc.simulation.recombination import birks, box


def test_the_box_model_gives_the_known_shares_at_half_a_kilovolt():
    for loss, share in ((1.7, 0.715), (2.1, 0.705), (5, 0.59), (10, 0.45), (20, 0.32)):
        assert box(float(loss), 0.5) == pytest.approx(share, abs=0.006)


def test_both_models_agree_where_they_were_measured():
    for loss in (2.0, 3.0, 5.0, 10.0):
        assert box(loss, 0.5) == pytest.approx(birks(loss, 0.5), rel=0.08)


def test_a_loss_below_one_counts_as_one():
    assert box(0.2, 0.5) == box(1.0, 0.5)
