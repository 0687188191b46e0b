"""Layers made of tables as graphs: they equal Keras, on many formats and shapes."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import keras

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import from_keras
from qcompress.frontends.table_layers import TableNormalization, TableSoftmax


def check(layer, shape, given):
    model, rng = keras.Sequential([keras.Input(shape), layer]), np.random.default_rng(0)
    if layer.weights:
        layer.set_weights([rng.integers(-16, 17, weight.shape) / 16 for weight in layer.weights])
    graph = from_keras(model, "model", given)
    assert assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, rng, 100))


@pytest.mark.parametrize("shape", [(5,), (2, 3), (2, 2, 4), (1,)])
@pytest.mark.parametrize(("first", "second"), [("ufixed<9,1>", "ufixed<7,1>"), ("ufixed<3,1>", "ufixed<12,1>")])
def test_softmax(shape, first, second):
    check(TableSoftmax(first, second, name="soft"), shape, Format(True, 8, 3))


@pytest.mark.parametrize("shape", [(5,), (2, 8), (2, 2, 3)])
@pytest.mark.parametrize(("first", "second"), [("ufixed<16,14>", "ufixed<12,3>"), ("ufixed<6,5>", "ufixed<10,2>")])
def test_normalization(shape, first, second):
    check(TableNormalization(first, second, name="normal"), shape, Format(True, 9, 3))


def test_tables_that_are_too_wide_are_refused():
    with pytest.raises(Refused, match="layer soft: a table of 17 bits; give it 16 or fewer"):
        check(TableSoftmax("ufixed<9,1>", "ufixed<9,1>", name="soft"), (3,), Format(True, 16, 3))
