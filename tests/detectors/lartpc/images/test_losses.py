"""Losses of images, beside numpy."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.images.losses import FOCUS, WEIGHTS, dice, focal, hits, loss_of, weighted

RNG = np.random.default_rng(1)
TARGET = RNG.choice(3, (2, 6, 5, 1), p=(0.7, 0.2, 0.1)).astype(np.float32)
SCORES = RNG.normal(size=(2, 6, 5, 3)).astype(np.float32)
P = np.exp(SCORES) / np.exp(SCORES).sum(axis=-1, keepdims=True)
OWN = np.take_along_axis(P, TARGET.astype(int), axis=-1)[..., 0]
WEIGHT = np.array(WEIGHTS)[TARGET[..., 0].astype(int)]


def test_losses_are_their_formulas():
    assert float(weighted(TARGET, SCORES)) == pytest.approx((-WEIGHT * np.log(OWN)).sum() / WEIGHT.sum(), rel=1e-5)
    expected = (-WEIGHT * (1 - OWN) ** FOCUS * np.log(OWN)).sum() / WEIGHT.sum()
    assert float(focal(TARGET, SCORES)) == pytest.approx(expected, rel=1e-5)
    classes = [TARGET[..., 0] == kind for kind in (1, 2)]
    assert float(hits(TARGET, SCORES)) == pytest.approx(
        np.mean([-np.log(OWN[own]).mean() for own in classes]), rel=1e-5
    )
    shares = [(2 * P[own, k].sum() + 1) / (own.sum() + P[..., k].sum() + 1) for k, own in enumerate(classes, 1)]
    assert float(dice(TARGET, SCORES)) == pytest.approx(1 - np.mean(shares), rel=1e-5)


def test_weights_of_classes_are_those_given():
    given = (0.1, 0.7, 0.2)
    weight = np.array(given)[TARGET[..., 0].astype(int)]
    expected = (-weight * np.log(OWN)).sum() / weight.sum()
    assert float(loss_of("weighted", given)(TARGET, SCORES)) == pytest.approx(expected, rel=1e-5)
    assert float(loss_of("hits", given)(TARGET, SCORES)) == float(hits(TARGET, SCORES))


def test_pixels_that_are_not_lit_do_not_count_in_hits():
    other = np.where(TARGET == 0, RNG.normal(size=SCORES.shape), SCORES).astype(np.float32)
    assert float(hits(TARGET, other)) == pytest.approx(float(hits(TARGET, SCORES)), rel=1e-6)
