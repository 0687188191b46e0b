"""Layers made of tables, in Keras: near what they stand for, and nothing but what their formats hold."""

import numpy as np
import pytest
from helpers.random_models import keras

from qcompress.errors import QcompressError
from qcompress.frontends.table_layers import TableNormalization, TableSoftmax

RNG = np.random.default_rng(0)
VALUES = (RNG.integers(-128, 128, (200, 3, 6)) / 32).astype(np.float32)


def test_a_softmax_of_tables_is_near_keras_own():
    found = np.asarray(TableSoftmax("ufixed<13,1>", "ufixed<13,1>")(VALUES), np.float64)
    own = np.asarray(keras.layers.Softmax()(VALUES), np.float64)
    assert 0 < np.abs(found - own).max() < 2.0**-9
    coarse = np.asarray(TableSoftmax("ufixed<3,1>", "ufixed<4,1>")(VALUES), np.float64)
    assert np.array_equal(coarse, np.rint(coarse * 32) / 32)  # products of two and three bits behind the point


def test_a_normalization_with_a_table_is_near_keras_own():
    own = keras.layers.LayerNormalization()
    own.build(VALUES.shape)
    own.set_weights([RNG.uniform(0.5, 1.5, 6), RNG.normal(0, 1, 6)])
    expected = np.asarray(own(VALUES), np.float64)
    layer = TableNormalization("ufixed<16,12>", "ufixed<16,3>")
    layer(VALUES)
    layer.set_weights(own.get_weights())
    assert 0 < np.abs(np.asarray(layer(VALUES), np.float64) - expected).max() < 2.0**-5


def test_sums_of_squares_saturate():
    """Beyond the largest number of its format the variance stays, and the result grows with the input."""
    layer = TableNormalization("ufixed<4,4>", "ufixed<16,3>")
    given = np.array([[-8.0, 8.0, 0.0], [-16.0, 16.0, 0.0]], np.float32)
    found = np.asarray(layer(given), np.float64)
    assert np.array_equal(found[1], 2 * found[0])
    assert found[0, 1] > 8


@pytest.mark.parametrize(
    "layer", [TableSoftmax("ufixed<5,1>", "ufixed<6,1>"), TableNormalization("ufixed<5,5>", "ufixed<6,1>", 0.25)]
)
def test_a_layer_is_written_down(layer):
    again = type(layer).from_config(layer.get_config())
    assert np.array_equal(np.asarray(again(VALUES)), np.asarray(layer(VALUES)))
    assert layer.compute_output_shape((None, 3, 6)) == (None, 3, 6)


def test_no_format_is_one_line():
    with pytest.raises(QcompressError, match="'eight' is no number format"):
        TableSoftmax("eight", "ufixed<4,1>")
