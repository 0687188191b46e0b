"""Losses of classifiers by their formulas, and the epoch that counts."""

import numpy as np
import pytest

from qcompress.detectors.tpc.networks.losses import keep_loss, kept_maxima
from qcompress.detectors.tpc.networks.models import NetworkOptions

LABELS, LOGITS = np.array([1, 0, 2, -1]), np.array([[0.5], [0.5], [-1.0], [-3.0]], np.float32)


def loss_of(**options):
    targets = np.zeros((4, 7), np.float32)
    targets[:, 0] = LABELS
    return float(keep_loss(NetworkOptions(**options))(targets, LOGITS))


def test_losses_are_what_their_formulas_say():
    p = 1 / (1 + np.exp(-LOGITS[:, 0].astype(float)))
    right = np.where(LABELS > 0, p, 1 - p)
    assert loss_of() == pytest.approx(np.mean(-np.log(right)), rel=1e-5)
    assert loss_of(loss="focal", focal_gamma=2) == pytest.approx(np.mean(-((1 - right) ** 2) * np.log(right)), rel=1e-5)
    weight = np.where(LABELS > 0, 1, 3.0)
    assert loss_of(reject_weight=3) == pytest.approx(np.mean(-weight * np.log(right)), rel=1e-5)


def test_what_is_kept_where_a_twentieth_of_the_clusters_is_lost():
    logits = np.arange(100, dtype=np.float32)[:, None]
    targets = np.zeros((100, 7), np.float32)
    targets[60:, 0] = 1  # 40 with a cluster: two may be lost
    assert kept_maxima(logits, targets) == pytest.approx(0.38)
    assert kept_maxima(logits, 0 * targets) == 1
    assert kept_maxima(-logits, targets) == pytest.approx(0.98)


def test_three_classes_have_their_own_loss():
    with pytest.raises(ValueError, match="classes 3: loss, reject_weight and stop_by are for a classifier of two"):
        NetworkOptions(classes=3, loss="focal")
