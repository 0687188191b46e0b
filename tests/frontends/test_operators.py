"""Operators between tensors: the graph equals Keras in every layer, or they are refused."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import keras, qkeras
from helpers.random_staircases import bits

from qcompress.errors import Refused
from qcompress.frontends.qkeras import KerasBody, from_keras


def model_of(function):
    given = keras.Input((3, 4))
    x = qkeras.QActivation(bits(7, 2))(given)
    y = qkeras.QActivation(bits(4, 1))(x)
    return keras.Model(given, qkeras.QActivation(bits(9, 3))(function(x, y)))


EXACT = {
    "sum and difference": lambda x, y: (x + y) - y * 2.0,
    "constants on either side": lambda x, y: 1.5 - (0.25 + x - 3.0),
    "products": lambda x, y: x * y + 0.5 * x * x,
    "a quotient by a power of two": lambda x, y: -(x / 4.0),
    "slices": lambda x, y: x[:, 1:, ::2] + y[:, :2, 1:3],
    "a single element of an axis": lambda x, y: x[:, -1] + y[..., 2][:, :1],
}


@pytest.mark.parametrize("name", EXACT)
def test_operators_equal_keras(name):
    model = model_of(EXACT[name])
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(0), 100)
    assert assert_equal_in_every_layer(model, graph, codes)
    wide = KerasBody(model, graph)
    wide.dtype = "float64"
    assert np.array_equal(wide.run(codes), graph.run(codes))


REFUSED = {
    "a constant on no grid": (lambda x, y: x * 0.1, r"its constant is on no grid .*; use powers of two"),
    "a division by zero": (lambda x, y: x / 0.0, r"its constant is on no grid .*NaN or infinite"),
    "a quotient of tensors": (lambda x, y: x / y, r"divides by a tensor, which is on no grid"),
    "rows": (lambda x, y: x[1:, :], r"picks rows or adds an axis; begin with"),
    "a constant for every element": (lambda x, y: x + np.ones((3, 4)), r"give a number, or one for each channel"),
    "another function": (lambda x, y: keras.ops.exp(x), r"Exp is not a layer; use a layer of keras.layers"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_operators_that_are_not_exact_are_refused(what):
    function, message = REFUSED[what]
    with pytest.raises(Refused, match=rf"operation \S+: {message}"):
        from_keras(model_of(function), "model")
