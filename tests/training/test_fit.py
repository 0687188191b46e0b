"""The fit: the same for the same seed, the best weights kept, faults in one line."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import import_keras
from qcompress.progress import silent
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic

keras = import_keras()


def squared(target, output):
    return keras.ops.mean(keras.ops.square(target - output), axis=1)


def data(rows=200):
    rng = np.random.default_rng(0)
    x = rng.random((rows, 3)).astype("f4")
    y = (x @ np.array([[1.0], [-2.0], [0.5]])).astype("f4")
    return TrainingData(x[:150], y[:150], x[150:], y[150:])


def trained(seed, **options):
    make_deterministic(seed)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
    history = fit(model, squared, data(), TrainingOptions(**{"epochs": 3, "batch_size": 32, **options}), silent)
    return model, history


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    (first, history), (again, history_again), (other, _) = trained(1), trained(1), trained(2)
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        assert (a == b).all()
    assert history == history_again
    assert any((a != b).any() for a, b in zip(first.get_weights(), other.get_weights(), strict=True))


def test_the_weights_of_the_best_epoch_are_kept_and_training_stops_early():
    model, history = trained(1, epochs=60, learning_rate=0.5, patience=3)
    best = min(history, key=lambda row: row["val_loss"])
    assert len(history) < 60
    assert len(history) == best["epoch"] + 3
    check = data()
    got = np.asarray(squared(check.validation_targets, model(check.validation_inputs))).mean()
    assert got == pytest.approx(best["val_loss"], rel=1e-5)


def test_every_epoch_is_reported():
    said = []
    make_deterministic(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    fit(model, squared, data(), TrainingOptions(epochs=2, batch_size=50), lambda *given: said.append(given))
    assert [(done, total) for done, total, _ in said] == [(1, 2), (2, 2)]


def test_too_few_rows_and_a_diverging_loss_are_faults():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    with pytest.raises(QcompressError, match="batch_size 500: the sample has only 150 training rows"):
        fit(model, squared, data(), TrainingOptions(), silent)
    broken = data()
    broken.targets[3] = np.nan
    with pytest.raises(QcompressError, match="loss is NaN in epoch 1"):
        fit(model, squared, broken, TrainingOptions(batch_size=50), silent)
