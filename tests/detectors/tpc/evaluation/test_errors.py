"""Errors of thresholds: sums of frames are the counts of all, and a perfect score loses nothing."""

from dataclasses import replace

import numpy as np
import pytest
from helpers.scored_frames import scored_frames

from qcompress.detectors.tpc.evaluation import counting, errors
from qcompress.detectors.tpc.evaluation.counting import Counts

SCORED = scored_frames(frames=12, maxima=400, seed=3)


@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.9])
def test_the_frames_add_up_to_the_counts_of_all(threshold):
    chosen = counting.accepted(SCORED, threshold)
    found = errors.per_event(SCORED, chosen, SCORED.attached_network)
    assert found.shape == (12, len(Counts._fields))
    assert tuple(found.sum(axis=0)) == counting.count(SCORED, chosen, SCORED.attached_network)


def test_shares_are_those_of_the_counts_and_errors_those_of_the_frames():
    finder, own = (
        counting.classical(SCORED),
        counting.count(SCORED, counting.accepted(SCORED, 0.5), SCORED.attached_network),
    )
    found = errors.at_threshold(SCORED, 0.5)
    assert found.fewer[0] == pytest.approx(1 - own.clusters / finder.clusters)
    assert found.loss[0] == pytest.approx(1 - own.correct / finder.correct)
    assert found.attachment[0] == pytest.approx(counting.attachment_efficiency(own, finder))
    assert found.attachment_own[0] == pytest.approx(own.correct / own.clusters * own.correct / finder.correct)
    share = found.rejected[0]
    bad = sum(finder[4:])
    assert share == pytest.approx(1 - sum(own[4:]) / bad)
    assert found.rejected[1] == pytest.approx(np.sqrt(share * (1 - share) / bad), rel=0.6)


def test_saving_at_a_loss_is_that_of_the_counts():
    found, saving = errors.at_loss(SCORED, 0.05), counting.saving(SCORED, 0.05)
    assert found.fewer[0] == pytest.approx(saving.saved)
    assert found.loss[0] == pytest.approx(saving.lost)
    assert 0 < found.fewer[1] < 0.1


def test_a_perfect_score_rejects_class_0_alone():
    perfect = replace(SCORED, score=np.where(SCORED.label > 0, 10.0, -10.0))
    found = errors.at_threshold(perfect, 0.5)
    assert found.rejected == (1.0, 0.0)
    assert errors.auc(perfect) == (1.0, 0.0)


def test_one_frame_has_figures_without_errors():
    one = scored_frames(frames=1, maxima=100, seed=4)
    assert np.isnan(errors.at_threshold(one, 0.5).fewer[1])
    assert np.isnan(errors.auc(one)[1])
