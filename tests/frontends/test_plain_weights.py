"""Layers of weights that QKeras has not: the graph equals Keras, in float32 and in float64."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import keras, layers, qkeras

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import KerasBody, from_keras

SIGNED, WORDS = Format(True, 8, 3), Format(False, 4, 4)


def of(shape, *made, lowest=-20):
    """A model of these layers, with weights in sixteenths for those that have some."""
    model, rng = keras.Sequential([keras.Input(shape), *made]), np.random.default_rng(0)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([rng.integers(lowest, 20, weight.shape) / 16 for weight in layer.weights])
    return model


def check(model, given):
    graph = from_keras(model, "model", given)
    codes = boundary_and_random_codes(graph, np.random.default_rng(1), 100)
    assert assert_equal_in_every_layer(model, graph, codes)
    wide = KerasBody(model, graph)
    wide.dtype = "float64"
    assert np.array_equal(wide.run(codes), graph.run(codes))


LAYERS = {
    "einsum": ((7, 8), lambda: layers.EinsumDense("abc,cd->abd", (None, 9), bias_axes="d", activation="relu")),
    "einsum of dots": ((2, 3, 5), lambda: layers.EinsumDense("...x,xy->...y", 4, bias_axes="y")),
    "einsum of heads": ((3, 8), lambda: layers.EinsumDense("abc,cde->abde", (None, 2, 3), bias_axes="de")),
    "einsum over two axes": ((3, 2, 4), lambda: layers.EinsumDense("abcd,cde->abe", (None, 5))),
    "slopes": ((8,), layers.PReLU),
    "slopes of an image": ((4, 3, 2), layers.PReLU),
    "slopes of channels": ((4, 3, 2), lambda: layers.PReLU(shared_axes=[1, 2])),
    "depthwise": ((9, 3), lambda: layers.DepthwiseConv1D(3, padding="same", depth_multiplier=2)),
    "separable": ((9, 3), lambda: layers.SeparableConv1D(4, 3, padding="same", activation="relu")),
    "dense on steps": ((5, 3), lambda: layers.TimeDistributed(layers.Dense(2, activation="relu"))),
    "function on steps": ((5, 3), lambda: layers.TimeDistributed(layers.ReLU())),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_graph_is_keras(name):
    shape, make = LAYERS[name]
    check(of(shape, make()), SIGNED)


@pytest.mark.parametrize("given", [WORDS, Format(False, 7, 4)])
def test_words_are_looked_up(given):
    check(of((2, 3), layers.Embedding(16, 5)), given)


@pytest.mark.parametrize("lowest", [0, -20])
def test_slopes_on_no_grid_wait_for_a_quantizer(lowest):
    behind = qkeras.QActivation("quantized_bits(6,2,alpha=1)")
    model = of((4, 3, 2), layers.PReLU(shared_axes=[1, 2]), behind, lowest=lowest)
    model.layers[0].set_weights([model.layers[0].get_weights()[0] / 3])
    check(model, SIGNED)
    alone = keras.Model(model.inputs, model.layers[0].output)
    with pytest.raises(Refused, match=r"layer p_re_lu.*or put a quantizer directly behind it"):
        from_keras(alone, "model", SIGNED)
    own = of((4, 2), layers.PReLU())
    own.layers[0].set_weights([own.layers[0].get_weights()[0] / 3])
    with pytest.raises(Refused, match="share its slopes along all axes but the last, or quantize them"):
        from_keras(own, "model", SIGNED)


@pytest.mark.parametrize(
    ("layer", "given", "said"),
    [
        (lambda: layers.Embedding(13, 5), WORDS, "input goes from 0 to 15, and there are vectors for 0 to 12"),
        (lambda: layers.Embedding(16, 5), Format(True, 4, 4), "input goes from -8 to 7"),
        (lambda: layers.Embedding(16, 5, mask_zero=True), WORDS, "use mask_zero=False"),
        (lambda: layers.TimeDistributed(layers.Flatten()), SIGNED, "TimeDistributed is not supported; use Dense or"),
    ],
)
def test_what_is_refused_says_why(layer, given, said):
    with pytest.raises(Refused, match=said):
        from_keras(of((2, 3), layer()), "model", given)
