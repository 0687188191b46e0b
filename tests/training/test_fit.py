"""The fit: the same for the same seed, the best weights kept, faults in one line."""

import numpy as np
import pytest

from qcompress.errors import QcompressError
from qcompress.frontends.qkeras import import_keras
from qcompress.progress import silent
from qcompress.training.checkpoint import load
from qcompress.training.data import StreamedData
from qcompress.training.fit import TrainingData, TrainingOptions, fit, make_deterministic
from qcompress.training.initialization import inputs_of_a_sum, kaiming

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
    options = TrainingOptions(**{"epochs": 3, "batch_size": 32, **options})
    return model, fit(model, squared, data(), options, silent, seed).history


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    (first, history), (again, history_again), (other, _) = trained(1), trained(1), trained(2)
    for a, b in zip(first.get_weights(), again.get_weights(), strict=True):
        assert (a == b).all()
    assert history == history_again
    assert any((a != b).any() for a, b in zip(first.get_weights(), other.get_weights(), strict=True))


def test_no_pass_of_tensorflow_regroups_what_is_trained():
    """Their order is that of a table of hashes, other in every process: last bits of quantized networks differed."""
    import tensorflow as tf

    passes = ("arithmetic_optimization", "constant_folding")
    tf.config.optimizer.set_experimental_options(dict.fromkeys(passes, True))
    make_deterministic(1)
    found = tf.config.optimizer.get_experimental_options()
    assert [found[name] for name in passes] == [False, False]


def test_the_weights_of_the_best_epoch_are_kept_and_training_stops_early():
    model, history = trained(1, epochs=60, learning_rate=0.5, patience=3)
    best = min(history, key=lambda row: row["val_loss"])
    assert len(history) < 60
    assert len(history) == best["epoch"] + 3
    check = data()
    got = np.asarray(squared(check.validation_targets, model(check.validation_inputs))).mean()
    assert got == pytest.approx(best["val_loss"], rel=1e-5)


@pytest.mark.parametrize("streamed", [False, True])
def test_what_counts_instead_of_the_validation_loss_chooses_the_epoch(streamed):
    """A measure that is best in the second epoch, told outputs and targets of every validation row."""
    make_deterministic(1)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    rows, seen = data(), []
    if streamed:
        given = (rows.inputs, rows.targets), (rows.validation_inputs, rows.validation_targets)
        read = [lambda numbers, of=of: (of[0][numbers], of[1][numbers]) for of in given]
        rows = StreamedData(150, read[0], 50, read[1], 20)

    def measure(outputs, targets):
        seen.append((outputs, targets))
        return abs(len(seen) - 2.0)

    fitted = fit(model, squared, rows, TrainingOptions(epochs=9, batch_size=50, patience=3), silent, measure=measure)
    assert len(fitted.history) == 5
    assert fitted.best_epoch()["epoch"] == 2
    outputs, targets = seen[1]
    assert (targets == data().validation_targets).all()
    assert np.asarray(model(data().validation_inputs)) == pytest.approx(outputs, abs=1e-6)


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
    with pytest.raises(
        QcompressError,
        match=r"the loss is NaN or infinite in step [123], epoch 1; the last good checkpoint is that of epoch 0",
    ):
        fit(model, squared, broken, TrainingOptions(batch_size=50), silent)


class Killed(Exception):  # noqa: N818
    """Ends a training from outside."""


def network():
    """A network with state of every kind: weights, moving averages, a random generator; a loss on its activations."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((3,)),
            layers.Dense(6, activation="relu", activity_regularizer=keras.regularizers.L2(1e-3)),
            layers.BatchNormalization(),
            layers.Dropout(0.2, seed=3),
            layers.Dense(1),
        ],
        name="network",
    )


RESUMED = {"epochs": 8, "batch_size": 32, "schedule": "one_cycle", "weight_decay": 1e-3, "initialization": "kaiming"}


def shifted(inputs, targets, numbers):
    """Rows with something drawn added to each."""
    import tensorflow as tf

    return inputs + tf.random.stateless_uniform((tf.shape(inputs)[0], 1), numbers), targets


def train_network(report, resume=None, augment=shifted):
    """A trained network and what its training found."""
    make_deterministic(5)
    model = network()
    return model, fit(model, squared, data(), TrainingOptions(**RESUMED), report, 5, resume, augment=augment)


@pytest.fixture(scope="module")
def undisturbed():
    return train_network(silent)


@pytest.mark.parametrize("killed_in", [3, *(pytest.param(n, marks=pytest.mark.campaign) for n in (1, 8))])
def test_a_killed_training_ends_in_the_weights_of_an_undisturbed_one(killed_in, undisturbed, tmp_path, monkeypatch):
    """Killed before anything was kept, in the middle, and behind the last epoch."""
    monkeypatch.setattr("qcompress.training.fit.SECONDS_BETWEEN_SAVES", 0.0)
    model, expected = undisturbed
    epochs = []

    def dying(done, total, words):
        epochs.append(done)
        if done == killed_in:
            raise Killed

    with pytest.raises(Killed):
        train_network(dying, tmp_path)
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == (killed_in > 1)
    epochs.clear()
    resumed, found = train_network(lambda done, *_: epochs.append(done), tmp_path)
    assert epochs == list(range(max(killed_in, 1), 9))
    assert found.history == expected.history
    for a, b in zip(resumed.variables, model.variables, strict=True):
        assert (a.numpy() == b.numpy()).all(), a.path
    for name, arrays in expected.checkpoints.items():
        for a, b in zip(found.checkpoints[name], arrays, strict=True):
            assert (a == b).all(), name


def test_what_is_drawn_for_a_batch_is_trained_on_and_nothing_else(undisturbed):
    """Other losses, and the validation as it was: targets a hundred away are far for the training alone."""
    _, found = train_network(silent, augment=None)
    assert [row["loss"] for row in found.history] != [row["loss"] for row in undisturbed[1].history]
    _, far = train_network(silent, augment=lambda inputs, targets, numbers: (inputs, targets + 100))
    assert far.history[0]["loss"] > 5000
    assert far.history[0]["val_loss"] < 100


def test_another_training_does_not_go_on_from_there_and_damage_is_told(tmp_path):
    def train(**options):
        make_deterministic(5)
        return fit(network(), squared, data(), TrainingOptions(batch_size=32, **options), silent, 5, tmp_path)

    assert len(train(epochs=2).history) == 2
    assert len(train(epochs=3).history) == 3
    first, second = sorted(tmp_path.iterdir())
    for path in (first, second):
        path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(QcompressError, match=r"damaged checkpoint .*; remove it and train again"):
        train(epochs=2)


@pytest.mark.campaign
def test_a_training_with_other_quantizers_or_another_loss_does_not_go_on_from_there(tmp_path):
    from qkeras import QActivation, quantized_bits

    def train(bits, loss, told):
        make_deterministic(5)
        layers = [keras.Input((3,)), keras.layers.Dense(1), QActivation(quantized_bits(bits, 2), name="latent")]
        options = TrainingOptions(epochs=2, batch_size=32)
        fit(keras.Sequential(layers, name="encoder"), loss, data(), options, silent, 5, tmp_path, told)
        return len(list(tmp_path.iterdir()))

    def absolute(target, output):
        return keras.ops.mean(keras.ops.abs(target - output), axis=1)

    assert train(8, squared, "squared") == 1
    assert train(8, squared, "squared") == 1
    assert train(6, squared, "squared") == 2
    assert train(8, absolute, "absolute") == 3


def test_three_checkpoints_are_kept_and_the_option_says_which_becomes_the_model():
    models = {}
    for keep in ("best_validation", "best_training", "last"):
        make_deterministic(1)
        model = network()
        options = TrainingOptions(epochs=12, batch_size=32, learning_rate=0.05, keep=keep)
        models[keep] = (model, fit(model, squared, data(), options, silent))
    fitted = models["last"][1]
    best = {key: 1 + int(np.argmin([row[key] for row in fitted.history])) for key in ("loss", "val_loss")}
    assert len({*best.values(), 12}) == 3, "the sample makes all three differ"
    for keep, (model, found) in models.items():
        assert found.history == fitted.history
        for variable, value in zip(model.variables, fitted.checkpoints[keep], strict=True):
            assert (variable.numpy() == value).all()
    check = data()
    for keep, epoch in (("best_validation", best["val_loss"]), ("last", 12)):
        model = models[keep][0]
        got = np.asarray(squared(check.validation_targets, model(check.validation_inputs))).mean()
        got += float(sum(model.losses))
        assert got == pytest.approx(fitted.history[epoch - 1]["val_loss"], rel=1e-5)


def test_a_loss_on_activations_is_trained():
    sizes = []
    for weight in (0.0, 10.0):
        make_deterministic(1)
        penalty = keras.regularizers.L1(weight)
        layers = [keras.layers.Dense(4, activity_regularizer=penalty), keras.layers.Dense(1)]
        model = keras.Sequential([keras.Input((3,)), *layers])
        fit(model, squared, data(), TrainingOptions(epochs=30, batch_size=50, learning_rate=0.02), silent)
        sizes.append(float(np.abs(layers[0](data().inputs)).mean()))
    assert sizes[1] < 0.2 * sizes[0]


def test_the_last_good_checkpoint_is_kept_when_the_loss_is_no_number(tmp_path):
    make_deterministic(1)
    model, calls = network(), keras.Variable(0.0, trainable=False)

    def broken_in_the_eleventh_step(target, output):
        calls.assign_add(1.0)
        return squared(target, output) + keras.ops.where(calls > 13, np.nan, 0.0)

    with pytest.raises(QcompressError) as fault:  # 3 steps and a validation in each epoch
        fit(model, broken_in_the_eleventh_step, data(), TrainingOptions(batch_size=50), silent, 0, tmp_path)
    (path,) = tmp_path.iterdir()
    assert str(fault.value) == (
        "training: the loss is NaN or infinite in step 11, epoch 4; the last good checkpoint is that of "
        f"epoch 3 in {path}; lower learning_rate"
    )
    kept = load(path)
    assert len(kept.history) == 3
    for variable, value in zip(model.variables, kept.weights, strict=True):
        assert (variable.numpy() == value).all()
        assert np.isfinite(value).all()


def test_kaiming_draws_kernels_by_the_inputs_of_a_sum():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((16, 16, 8)),
            layers.Conv2D(64, 3),
            layers.DepthwiseConv2D(3, depth_multiplier=8),
            layers.Conv2DTranspose(32, 3),
            layers.Flatten(),
            layers.Dense(8),
        ]
    )
    kaiming(model, 1)
    expected = {"Conv2D": 72, "DepthwiseConv2D": 9, "Conv2DTranspose": 9 * 512, "Dense": 14 * 14 * 32}
    for layer in model.layers:
        if (kind := type(layer).__name__) in expected:
            kernel = np.asarray(layer.kernel)
            assert inputs_of_a_sum(kind, kernel.shape) == expected[kind]
            assert kernel.std() == pytest.approx(np.sqrt(2 / expected[kind]), rel=0.05)
            assert (np.asarray(layer.bias) == 0).all()


def test_who_watches_sees_every_epoch_and_those_before_an_end_again(tmp_path):
    """A watch that ends the fit leaves its state behind: the next one goes on, and sees the whole history."""

    class EnoughError(Exception):
        pass

    def fitted(watch):
        make_deterministic(1)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        options = TrainingOptions(epochs=4, batch_size=32)
        return fit(model, squared, data(), options, silent, 1, tmp_path, watch=watch).history

    def ends(epoch, loss):
        if epoch == 2:
            raise EnoughError

    whole = fitted(None)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(EnoughError):
        fitted(ends)
    seen = []
    assert fitted(lambda epoch, loss: seen.append((epoch, loss))) == whole
    assert seen == [(row["epoch"], row["val_loss"]) for row in whole]
