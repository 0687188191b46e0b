"""Layers that learn slower: steps in proportion, frozen ones as they were, patterns that fit nothing refused."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import import_keras
from qcompress.progress import silent
from qcompress.training.data import StreamedData, TrainingData
from qcompress.training.fit import TrainingOptions, fit, make_deterministic
from qcompress.training.layer_rates import check, shares_of

keras = import_keras()


def network():
    layers = keras.layers
    inside = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="deep"), layers.BatchNormalization(name="norm")])
    return keras.Sequential([keras.Input((3,)), layers.Dense(4, name="first"), inside, layers.Dense(1, name="last")])


def squared(target, output):
    return keras.ops.mean(keras.ops.square(target - output), axis=1)


def steps_of(rates, streamed=False, **options):
    """Changes of every trainable variable, by path, in one step; and of the others."""
    make_deterministic(5)
    model = network()
    before = [variable.numpy() for variable in model.variables]
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 3), dtype="f4"), rng.random((32, 1), dtype="f4")
    data = TrainingData(x, y, x, y)
    if streamed:
        data = StreamedData(32, lambda n: (x[n], y[n]), 32, lambda n: (x[n], y[n]), 32)
    fit(model, squared, data, TrainingOptions(epochs=1, batch_size=32, layer_rates=rates, **options), silent, 1)
    return {own.path: own.numpy() - old for own, old in zip(model.variables, before, strict=True)}


@pytest.mark.parametrize("more", [{}, {"weight_decay": 0.1}, {"streamed": True}])
def test_a_share_of_the_rate_is_that_share_of_the_step(more):
    whole, slower = steps_of({}, **more), steps_of({"deep": 0.25, "norm": 0, "*": 1}, **more)
    for path, step in whole.items():
        share = 0.25 if "deep" in path else 0 if "gamma" in path or "beta" in path else 1
        assert slower[path] == pytest.approx(share * step, rel=1e-4, abs=1e-7), path
        assert "moving" in path or np.abs(step).max() > 1e-4


def test_the_first_pattern_that_fits_counts():
    model = network()
    found = shares_of(model, {"d*p": 0.1, "*": 0.5, "first": 0.9})
    assert dict(zip([own.path.split("/")[-2] for own in model.trainable_variables], found, strict=True)) == {
        **{"first": 0.5, "deep": 0.1, "norm": 0.5, "last": 0.5},
    }


def test_a_pattern_that_fits_no_layer_is_refused():
    check([network()], {"fir??": 0.1, "norm": 0.5})
    with pytest.raises(QcompressError, match=r"'up\*' fits no layer with weights; there are first, "):
        check([network()], {"first": 0.1, "up*": 0.5})
