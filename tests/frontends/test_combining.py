"""Layers that join tensors element by element, repeat them, or scale them: the graph equals Keras in every layer."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import keras, layers, qkeras
from helpers.random_staircases import bits

from qcompress.errors import Refused
from qcompress.frontends.qkeras import KerasBody, from_keras


def joined(layer, count, *behind):
    """A model of a layer on casts of one input, and of what follows."""
    given = keras.Input((3, 4))
    x = qkeras.QActivation(bits(8, 2))(given)
    x = layer([qkeras.QActivation(bits(4 + n, 1))(x) for n in range(count)] if count > 1 else x)
    for each in behind:
        x = each(x)
    return keras.Model(given, x)


def check(model):
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(0), 200)
    assert assert_equal_in_every_layer(model, graph, codes)
    wide = KerasBody(model, graph)
    wide.dtype = "float64"
    assert np.array_equal(wide.run(codes), graph.run(codes))


LAYERS = {
    "average of two": (layers.Average, 2),
    "average of four": (layers.Average, 4),
    "largest": (layers.Maximum, 3),
    "smallest": (layers.Minimum, 2),
    "scale and offset": (lambda: layers.Rescaling(0.25, offset=-1.5), 1),
    "negative scale": (lambda: layers.Rescaling(-2.0), 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_what_is_exact_needs_no_quantizer(name):
    layer, count = LAYERS[name]
    check(joined(layer(), count))


@pytest.mark.parametrize(("layer", "count"), [(layers.Average, 3), (lambda: layers.Rescaling(1 / 255, offset=0.1), 1)])
def test_what_is_on_no_grid_takes_a_quantizer_behind_it(layer, count):
    check(joined(layer(), count, qkeras.QActivation(bits(5))))
    with pytest.raises(Refused, match=r"on no grid.*; use (a power|powers) of two, or put a quantizer directly behind"):
        from_keras(joined(layer(), count), "model")


def test_a_vector_is_repeated():
    given = keras.Input((4,))
    x = layers.RepeatVector(3)(qkeras.QActivation(bits(6, 1))(given))
    check(keras.Model(given, qkeras.QDense(2, kernel_quantizer=bits(4), use_bias=False)(x)))


def of_two(layer, first, second):
    """A model of a layer on two inputs, of quantized values."""
    given = [keras.Input(shape) for shape in (first, second)]
    return keras.Model(given, layer([qkeras.QActivation(bits(5 + n, 2))(each) for n, each in enumerate(given)]))


def check_two(model):
    graph, rng = from_keras(model, "model"), np.random.default_rng(0)
    codes = {
        port.name: rng.integers(port.format.min_code, port.format.max_code, (50, *port.shape), endpoint=True)
        for port in graph.input_ports
    }
    assert_equal_in_every_layer(model, graph, codes)


@pytest.mark.parametrize("kind", ["Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum"])
@pytest.mark.parametrize(("first", "second"), [((1, 1, 2), (3, 4, 2)), ((2,), (3, 2)), ((4, 1), (1, 3))])
def test_shapes_are_repeated_as_keras_does(kind, first, second):
    check_two(of_two(getattr(layers, kind)(), first, second))


@pytest.mark.parametrize(
    ("axes", "first", "second"),
    [(1, (10,), (10,)), ((1, 2), (4, 3), (5, 4)), (-1, (4, 3), (5, 3)), ((2, 1), (4, 3), (3,)), (1, (2, 3), (2, 2, 4))],
)
def test_products_are_summed_along_an_axis(axes, first, second):
    check_two(of_two(layers.Dot(axes), first, second))


def test_cosines_are_refused():
    with pytest.raises(Refused, match="normalize=True divides by lengths, which are on no grid"):
        from_keras(of_two(layers.Dot(1, normalize=True), (3,), (3,)), "model")
