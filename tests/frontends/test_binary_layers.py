"""Dense layers of signs: what they compute, in files of Keras 2, in the graph."""

import json

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import keras

from qcompress.fixedpoint import Format
from qcompress.frontends.binary_layers import BinaryDense, TernaryDense, relu1, ternary_tanh
from qcompress.frontends.files import load_model
from qcompress.frontends.qkeras import from_keras

WEIGHTS = [-1.0, -0.5, -0.25, 0.0, 1e-9, 0.25, 0.5, 0.625]
"""0 and what float32 loses beside a half are -1; thresholds at a half belong to 0 above and to -1 below."""


def of(layer):
    model = keras.Sequential([keras.Input((2,)), layer])
    layer.set_weights([np.array([WEIGHTS, WEIGHTS[::-1]])])
    return model


@pytest.mark.parametrize(
    ("kind", "levels"),
    [(BinaryDense, [-1, -1, -1, -1, -1, 1, 1, 1]), (TernaryDense, [-1, -1, 0, 0, 0, 0, 0, 1])],
)
@pytest.mark.parametrize("scale", [1, 0.5])
def test_kernels_are_levels(kind, levels, scale):
    model = of(kind(len(WEIGHTS), H=scale, use_bias=False))
    model.layers[0].set_weights([scale * weight for weight in model.get_weights()])
    given = np.array([[1.0, 0.0], [0.0, 1.0], [3.0, -2.0]], np.float32)
    kernel = scale * np.array([levels, levels[::-1]])
    assert np.array_equal(model.predict(given, verbose=0), given @ kernel)
    graph = from_keras(model, "model", Format(True, 6, 4))
    codes = boundary_and_random_codes(graph, np.random.default_rng(0), 40)
    assert assert_equal_in_every_layer(model, graph, codes)
    assert kind.from_config(model.layers[0].get_config()).get_config()["H"] == scale


def test_functions_are_cut():
    values = np.array([-3, -0.75, -0.5, 0, 0.25, 0.5, 0.75, 1.5], np.float32)
    assert np.array_equal(ternary_tanh(values), [-1, -1, 0, 0, 0, 0, 1, 1])
    assert np.array_equal(relu1(values), [0, 0, 0, 0, 0.25, 0.5, 0.75, 1])


def test_a_file_of_keras_2_is_read(tmp_path):
    """What Keras 2 wrote of such a layer, with arguments that only training reads."""
    config = {"name": "fc", "units": 3, "H": 1, "activation": "linear", "use_bias": False, "kernel_lr_multiplier": 7.3}
    clip = {"class_name": "Clip", "config": {"min_value": -1, "max_value": 1}}
    first = config | {"kernel_constraint": clip, "bias_constraint": None, "batch_input_shape": [None, 2]}
    act = {"class_name": "Activation", "config": {"name": "act", "activation": "ternary_tanh"}}
    architecture = {"class_name": "Sequential", "config": [{"class_name": "TernaryDense", "config": first}, act]}
    (tmp_path / "net.json").write_text(json.dumps(architecture))
    written = keras.Sequential([keras.Input((2,)), TernaryDense(3, use_bias=False, name="fc")])
    written.layers[0].set_weights([np.array([[0.75, 0.5, -0.75], [-0.5, 0.25, 0.75]])])
    written.save_weights(tmp_path / "net.weights.h5")
    graph = from_keras(load_model(tmp_path / "net.json"), "net", Format(True, 4, 2))
    assert np.array_equal(graph.predict(np.array([[0.75, 0.25]])), [[0, 0, 0]])
    assert np.array_equal(graph.predict(np.array([[1.0, 0.25]])), [[1, 0, -1]])
