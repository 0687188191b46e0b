"""Widths that are learned: a penalty takes bits away, what is left is exact integers, the last epoch is kept."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from qcompress.errors import QcompressError, QcompressWarning
from qcompress.fixedpoint import Format
from qcompress.frontends import model_of
from qcompress.frontends.runtime import import_keras
from qcompress.progress import silent
from qcompress.training import learned_widths
from qcompress.training.checkpoint import State, assign, load, save
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
    given = TrainingOptions(epochs=5, penalty=1e-4, first_penalty=1e-4)
    assert [penalty_at(given, epoch) for epoch in range(5)] == pytest.approx([1e-4] * 5)
    assert penalty_at(TrainingOptions(epochs=1, penalty=1e-4), 0) == 1e-4
    assert penalty_at(TrainingOptions(penalty=0), 3) == 0


def test_one_training_keeps_the_best_epoch_of_each_number_of_bit_operations():
    options = {"penalty": 1e-3, "first_penalty": 1e-5, "bit_operations": (700, 500, 1)}
    with pytest.warns(QcompressWarning, match=r"training\.bit_operations 1: no epoch had so few, the fewest are \d+; "):
        model, fitted = trained(**options)
    rows = fitted.history
    for most in (700, 500):
        within = [row for row in rows if row["bit_operations"] <= most]
        assert 0 < len(within) < len(rows)
        best = min(within, key=lambda row: row["val_loss"])
        assign(model.variables, fitted.checkpoints[f"at_{most}"])
        assert bit_operations(model) == best["bit_operations"]
        error = np.square(model(data().validation_inputs) - data().validation_targets).mean()
        assert error == pytest.approx(best["val_loss"], rel=1e-4)
    assert "at_1" not in fitted.checkpoints


def test_a_killed_training_keeps_the_checkpoints_of_its_front(tmp_path):
    epochs = [(1, 900.0, 0.5), (2, 600.0, 0.7), (3, 400.0, 0.9), (4, 390.0, 0.8), (5, 380.0, 0.85)]

    def take(state, some):
        for epoch, operations, loss in some:
            row = {"epoch": epoch, "loss": loss, "val_loss": loss, "bit_operations": operations}
            state.take(row, [np.array([epoch])], [])
        return state

    whole = take(State([], [], wanted=(700, 400)), epochs)
    save(take(State([], [], wanted=(700, 400)), epochs[:3]), tmp_path / "state.npz")
    again = take(replace(load(tmp_path / "state.npz"), wanted=(700, 400)), epochs[3:])
    for state in (whole, again):
        kept = {name: int(weights[0][0]) for name, weights in state.checkpoints.items()}
        assert kept == {"best_validation": 1, "best_training": 1, "at_700": 2, "at_400": 4, "last": 5}


def test_a_front_of_widths_that_are_not_learned_is_refused():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    told = TrainingOptions(epochs=1, batch_size=50, bit_operations=(5,))
    with pytest.raises(QcompressError, match=r"training\.bit_operations: no layer learns its widths"):
        fit(model, squared, data(), told, silent, 1)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"penalty": 1e-6, "first_penalty": 1e-5}, "first_penalty 1e-05: above penalty 1e-06"),
        ({"epochs": 0}, "epochs 0: trains nothing; give start"),
        ({"bit_operations": [0]}, "greater than or equal to 1"),
    ],
)
def test_options_that_make_no_front(given, told):
    with pytest.raises(ValidationError, match=told):
        TrainingOptions(**given)


def test_what_would_keep_the_first_epochs_is_refused():
    with pytest.raises(QcompressError, match=r"training\.keep best_validation: .*; give keep: last"):
        trained(keep="best_validation")


def test_other_networks_pay_nothing():
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
    assert (learning(model), bit_operations(model)) == ([], None)
