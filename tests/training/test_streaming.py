"""Rows that are read batch by batch train to what rows in memory do."""

import numpy as np
import pytest

from qcompress.detectors import Rows
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import import_keras
from qcompress.progress import silent
from qcompress.training.data import StreamedData, TrainingData, pieces
from qcompress.training.fit import TrainingOptions, fit, make_deterministic
from qcompress.training.steps import VALIDATION_ELEMENTS, VALIDATION_ROWS, validation_batch

keras = import_keras()
RNG = np.random.default_rng(3)
X = RNG.random((230, 3)).astype("f4")
Y = (X @ np.array([[1.0], [-2.0], [0.5]])).astype("f4")


def squared(target, output):
    return keras.ops.mean(keras.ops.square(target - output), axis=1)


def shifted(inputs, targets, numbers):
    """Rows with something drawn added to each."""
    import tensorflow as tf

    return inputs + tf.random.stateless_uniform((tf.shape(inputs)[0], 1), numbers), targets


def streamed(seen):
    """150 rows to train on and 80 to validate, and how many were read together."""

    def reading(x, y):
        def read(numbers):
            seen.append(len(numbers))
            return x[numbers], y[numbers]

        return read

    return StreamedData(150, reading(X[:150], Y[:150]), 80, reading(X[150:], Y[150:]), 30)


def trained(data, **options):
    make_deterministic(5)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
    settings = TrainingOptions(epochs=3, batch_size=32, **options)
    found = fit(model, squared, data, settings, silent, 5, augment=shifted)
    return model.get_weights(), found.history


def test_the_weights_are_those_of_rows_in_memory():
    seen = []
    (weights, history), (own, own_history) = (
        trained(data) for data in (TrainingData(X[:150], Y[:150], X[150:], Y[150:]), streamed(seen))
    )
    for one, other in zip(weights, own, strict=True):
        assert (one == other).all()
    assert [row["loss"] for row in history] == [row["loss"] for row in own_history]
    np.testing.assert_allclose([r["val_loss"] for r in history], [r["val_loss"] for r in own_history], rtol=1e-6)
    assert max(seen) == 32


def test_a_diverging_loss_is_a_fault_here_too():
    with pytest.raises(QcompressError, match="the loss is NaN or infinite"):
        trained(streamed([]), learning_rate=1e30)


def test_the_hash_tells_other_rows():
    data = streamed([])
    assert data.content_hash() == streamed([]).content_hash()
    other = StreamedData(150, lambda n: (X[n] + 1, Y[n]), 80, data.validation_read, 30)
    assert other.content_hash() != data.content_hash()
    assert np.concatenate(list(pieces(7, 3))).tolist() == list(range(7))


class Doubled:
    """A detector whose stage hands on its codes."""

    def preprocess(self, front_end, network, graphs):
        return self

    input_shape = output_shape = (2,)
    output_format = Format(False, 8, 4)

    def run(self, codes):
        assert codes.dtype == np.int64
        return codes


@pytest.mark.parametrize("at_once", [1, 3, 1000])
def test_a_feed_reads_any_rows_in_pieces_and_in_their_order(at_once):
    from types import SimpleNamespace

    from qcompress.pipeline import training

    codes = RNG.integers(0, 250, (40, 2)).astype(np.uint8)
    targets, split = codes.astype("f4") * 2, (np.arange(40) % 3).astype("u1")
    asked = []

    def read(numbers):
        assert (np.diff(numbers) > 0).all()
        asked.append(len(numbers))
        return codes[numbers], targets[numbers]

    rows = Rows(split, read, lambda numbers: np.float32(numbers[:, None]))
    job = SimpleNamespace(detector=Doubled(), front_end={}, sample="s.h5")
    for sided in (False, True):
        feed = training.Feed(job, SimpleNamespace(name="n", sided=sided), rows, {})
        feed.at_once = at_once
        numbers = RNG.permutation(feed.numbers(1))
        inputs, found = feed.values(numbers)
        assert (inputs[:, :2] == codes[numbers] / np.float32(16)).all()
        assert (found == targets[numbers]).all()
        assert inputs.dtype == found.dtype == np.float32
        if sided:
            assert (inputs[:, 2] == numbers).all()
    assert max(asked) <= at_once
    with pytest.raises(QcompressError, match=r"s\.h5: no row belongs to the split"):
        feed.numbers(3)
    with pytest.raises(QcompressError, match="has nothing on the side of its rows, which n needs"):
        training.Feed(job, SimpleNamespace(name="n", sided=True), Rows.of(codes, targets, split), {})


def test_rows_beyond_the_budget_are_streamed(monkeypatch):
    from types import SimpleNamespace

    from qcompress.pipeline import training
    from qcompress.training import data

    rows = Rows.of(np.zeros((40, 2), np.uint8), np.zeros((40, 1), "f4"), (np.arange(40) % 3).astype("u1"))
    job = SimpleNamespace(detector=Doubled(), front_end={}, sample="s.h5")
    feed = training.Feed(job, SimpleNamespace(name="n", sided=False), rows, {})
    assert isinstance(training.training_data(feed), TrainingData)
    monkeypatch.setattr(data, "RESIDENT_BYTES", 27 * 12 - 1)
    found = training.training_data(feed)
    assert isinstance(found, StreamedData)
    assert (found.rows, found.validation_rows) == (14, 13)
    assert found.read(np.array([3, 1]))[0].shape == (2, 2)


def test_batches_of_the_validation_are_smaller_where_rows_are_large():
    assert validation_batch(np.zeros((1, 64))) == VALIDATION_ROWS
    assert validation_batch((np.zeros((1, 512, 208, 1)), np.zeros((1, 2)))) == VALIDATION_ELEMENTS // (512 * 208 + 2)
    assert validation_batch(np.zeros((1, VALIDATION_ELEMENTS + 1))) == 1
