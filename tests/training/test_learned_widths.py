"""Widths that are learned: a penalty takes bits away, what is left is exact integers, the last epoch is kept."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.frontends import model_of
from qcompress.frontends.runtime import import_keras
from qcompress.progress import silent
from qcompress.training import learned_widths
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic
from qcompress.training.learned_widths import PENALTY_RISE, bit_operations, learning, penalty_at

keras = import_keras()
GIVEN = Format(True, 8, 2)


def squared(target, output):
    return keras.ops.mean(keras.ops.square(target - output), axis=1)


def data():
    """Six inputs, of which two say everything."""
    rng = np.random.default_rng(0)
    x = GIVEN.to_values(rng.integers(-128, 128, (300, 6))).astype("f4")
    y = x[:, :1] - x[:, 1:2] / 2
    return TrainingData(x[:200], y[:200], x[200:], y[200:])


def trained(**options):
    make_deterministic(1)
    first = learned_widths.learned(learned_widths.SIGNED, 1, 6)
    behind = learned_widths.learned(learned_widths.UNSIGNED, 2, 4)
    last = learned_widths.fixed(learned_widths.SIGNED, 3, 6)
    layers = [
        learned_widths.dense(4, "hidden", 6, first, None, "relu"),
        learned_widths.dense(1, "output", 6, behind, last),
    ]
    model = keras.Sequential([keras.Input((6,)), *layers])
    told = TrainingOptions(**{"epochs": 25, "batch_size": 50, "learning_rate": 0.02, "keep": "last", **options})
    return model, fit(model, squared, data(), told, silent, 1)


@pytest.fixture(scope="module")
def models():
    return {penalty: trained(penalty=penalty) for penalty in (0.0, 1e-3)}


def test_a_penalty_takes_bits_away_and_the_network_still_learns(models):
    (free, _), (paid, fitted) = models[0.0], models[1e-3]
    assert bit_operations(paid) < bit_operations(free) / 2
    assert fitted.history[-1]["val_loss"] < data().validation_targets.var() / 2
    assert len(fitted.history) == 25  # however the loss rises


@pytest.mark.parametrize("penalty", [0.0, 1e-3])
def test_the_graph_gives_the_codes_of_the_layers(models, penalty):
    found = model_of(models[penalty][0])
    graph = found.convert("net", GIVEN).graph
    codes = np.random.default_rng(2).integers(-128, 128, (500, 6))
    assert (found.body(graph).run(codes) == graph.run(codes)).all()
    assert graph.output_format == Format(True, 10, 4)


def test_the_penalty_rises_evenly_in_its_logarithm():
    told = TrainingOptions(epochs=5, penalty=1e-4)
    found = [penalty_at(told, epoch) for epoch in range(5)]
    assert found[-1] == pytest.approx(1e-4)
    assert found[0] == pytest.approx(1e-4 / PENALTY_RISE)
    assert np.diff(np.log(found)) == pytest.approx(np.full(4, np.log(PENALTY_RISE) / 4))
    assert penalty_at(TrainingOptions(epochs=1, penalty=1e-4), 0) == 1e-4
    assert penalty_at(TrainingOptions(penalty=0), 3) == 0


def test_what_would_keep_the_first_epochs_is_refused():
    with pytest.raises(QcompressError, match=r"training\.keep best_validation: .*; give keep: last"):
        trained(keep="best_validation")


def test_other_networks_pay_nothing():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    assert (learning(model), bit_operations(model)) == ([], None)
