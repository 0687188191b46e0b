"""Layers with a normalization inside: their folded weights are what they compute with."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import qkeras
from helpers.random_staircases import bits, model_of

from qcompress.errors import Refused
from qcompress.frontends.qkeras import KerasBody, from_keras, load_model

LAYERS = {
    "dense": (lambda **q: qkeras.QDenseBatchnorm(3, kernel_quantizer=bits(6, 1), **q), (5,)),
    "dense, batch statistics": (
        lambda **q: qkeras.QDenseBatchnorm(3, kernel_quantizer=bits(6, 1), folding_mode="batch_stats_folding", **q),
        (5,),
    ),
    "convolution": (
        lambda **q: qkeras.QConv2DBatchnorm(3, 2, strides=2, padding="same", kernel_quantizer=bits(6, 1), **q),
        (5, 4, 2),
    ),
    "convolution without bias": (
        lambda **q: qkeras.QConv2DBatchnorm(3, 2, use_bias=False, kernel_quantizer=bits(6, 1), **q),
        (5, 4, 2),
    ),
    "depthwise": (
        lambda **q: qkeras.QDepthwiseConv2DBatchnorm(2, depthwise_quantizer=bits(6, 1), **q),
        (5, 4, 2),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_folded_weights_are_those_that_qkeras_computes_with(name):
    layer, shape = LAYERS[name]
    folded = layer(bias_quantizer=bits(8, 3), activation="quantized_relu(6,2)", name="folded")
    model = model_of(np.random.default_rng(3), shape, folded)
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(4))
    assert assert_equal_in_every_layer(model, graph, codes)
    wide = KerasBody(model, graph)
    wide.dtype = "float64"
    assert np.array_equal(wide.run(codes[:200]), graph.run(codes[:200]))


def test_a_variance_below_zero_is_refused():
    model = model_of(np.random.default_rng(3), (5,), qkeras.QDenseBatchnorm(3, kernel_quantizer=bits(6), name="folded"))
    layer = model.get_layer("folded")
    layer.batchnorm.moving_variance.assign([-1.0, 1.0, 1.0])
    with pytest.raises(Refused, match=r"layer folded: its kernel is on no grid .*NaN or infinite"):
        from_keras(model, "model")


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_a_file_of_such_a_layer_is_read(ending, tmp_path):
    """It holds words that QKeras writes and does not read."""
    model = model_of(np.random.default_rng(3), (5,), LAYERS["dense"][0](bias_quantizer=bits(8, 3)))
    model.save(tmp_path / f"model{ending}")
    assert from_keras(load_model(tmp_path / f"model{ending}"), "model").content_hash() == (
        from_keras(model, "model").content_hash()
    )
