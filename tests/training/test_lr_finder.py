"""The learning-rate finder: on curves of a known shape, and on a network that explodes."""

import numpy as np
import pytest

from qcompress.frontends.qkeras import import_keras
from qcompress.progress import silent
from qcompress.training.data import TrainingData
from qcompress.training.lr_finder import EXPLODED, Sweep, find_learning_rate, running_mean

keras = import_keras()


def test_the_running_mean_of_a_constant_is_it_from_the_first_step():
    assert running_mean(np.full(20, 3.0)) == pytest.approx(np.full(20, 3.0))


@pytest.mark.parametrize("centre", [1e-3, 1e-2])
def test_the_suggestion_lies_on_the_lower_half_of_the_fall(centre):
    rates = np.geomspace(1e-6, 1, 600)
    decades = np.log10(rates / centre)
    losses = 1 - 0.9 / (1 + np.exp(-8 * decades)) + np.where(decades > 1, (decades - 1) * 5, 0)
    losses += np.random.default_rng(0).normal(0, 0.02, 600)
    found = Sweep(0.0, rates, losses).suggested_maximum
    assert centre < found < 6 * centre


def test_the_suggestion_lies_below_the_rate_of_the_lowest_loss():
    rates = np.geomspace(1e-4, 1, 60)
    for losses in (np.linspace(1, 0.1, 60), np.concatenate([np.linspace(1, 0.1, 50), np.full(10, 0.4)])):
        sweep = Sweep(0.0, rates, losses)
        assert sweep.suggested_maximum < rates[int(np.argmin(sweep.smoothed))]
    assert Sweep(0.0, rates, np.linspace(1, 2, 60)).suggested_maximum == rates[0]


def line(rows=300):
    x = np.random.default_rng(0).normal(size=(rows, 3)).astype("f4")
    return TrainingData(x, x @ np.array([[1.0], [2.0], [3.0]], "f4"), x[:10], x[:10, :1])


def test_a_sweep_ends_at_the_explosion_and_repeats():
    def build():
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8), keras.layers.Dense(1)])
        return model, lambda target, output: keras.ops.mean((target - output) ** 2)

    def sweeps():
        return find_learning_rate(build, line(), 32, np.geomspace(1e-4, 1e3, 120), [0.0, 0.1], 3, silent)

    found, again = sweeps(), sweeps()
    for one, other in zip(found, again, strict=True):
        assert (one.losses == other.losses).all()
        assert len(one.losses) < 120
        assert (one.smoothed <= EXPLODED * np.minimum.accumulate(one.smoothed)).all()
        assert 1e-3 < one.suggested_maximum < 10
    assert (found[0].losses[:1] == found[1].losses[:1]).all(), "the same weights and rows"
    assert len(found[0].losses) != len(found[1].losses) or (found[0].losses != found[1].losses).any()
