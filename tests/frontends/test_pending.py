"""Functions behind wide sums that a quantizer makes staircases: the graph equals Keras in every layer."""

import re

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import converted, keras, layers, qkeras
from helpers.random_staircases import bits, model_of, random_staircase

from qcompress.errors import Refused
from qcompress.frontends.qkeras import KerasBody, from_keras


def agrees(model, graph, seed=0):
    """Whether Keras gives the graph's codes, in float32 and, where sums are wider, in float64."""
    codes = boundary_and_random_codes(graph, np.random.default_rng(seed))
    assert assert_equal_in_every_layer(model, graph, codes)
    wide = KerasBody(model, graph)
    wide.dtype = "float64"
    return np.array_equal(wide.run(codes[:200]), graph.run(codes[:200]))


@pytest.mark.parametrize("seed", [0, 5, 17, *(pytest.param(s, marks=pytest.mark.campaign) for s in range(100, 400))])
def test_random_networks_with_a_staircase_equal_keras(seed):
    model = random_staircase(seed)
    graph, fault = converted(model, "model")
    scaled = "kernel is on no grid after (binary|ternary|stochastic_ternary)"  # found from data, it may be on no grid
    assert re.search(scaled, fault) if graph is None else agrees(model, graph, seed)


def dense(**options):
    return qkeras.QDense(4, **{"kernel_quantizer": bits(8), "bias_quantizer": bits(8, 1), "name": "dense"} | options)


def built(*chain, shape=(6,), seed=0):
    return model_of(np.random.default_rng(seed), shape, *chain)


def operations(graph):
    return [type(node.operation).__name__ for node in graph.nodes]


def test_few_steps_of_a_wide_sum_are_thresholds_that_all_channels_share():
    model = built(dense(kernel_quantizer=bits(14)), qkeras.QActivation("ternary(alpha=1)"))
    graph = from_keras(model, "model")
    last = graph.nodes[-1].operation
    assert (operations(graph)[-1], last.channels, last.steps) == ("Thresholds", 1, 2)


def test_many_steps_behind_a_normalization_are_a_line_where_there_is_one():
    """Scale and shift of each channel in one product, cut by a cast; one constant channel and one that falls."""
    model = built(dense(), layers.BatchNormalization(), layers.ReLU(), qkeras.QActivation("quantized_relu(6,2)"))
    rest = model.layers[-3].get_weights()[1:]
    model.layers[-3].set_weights([np.array([0.7, -0.4, 0, 1.3]), *rest])
    graph = from_keras(model, "model")
    assert operations(graph) == ["Dense", "Affine", "Quantize"]
    assert graph.nodes[1].operation.kernel[2] == 0 > graph.nodes[1].operation.kernel[1]
    assert agrees(model, graph)


def test_the_largest_of_a_window_may_be_taken_behind_the_quantizer():
    conv = qkeras.QConv2D(3, 2, kernel_quantizer=bits(6), bias_quantizer=bits(6), name="conv")
    chain = [conv, layers.BatchNormalization(), layers.MaxPooling2D(2, padding="same"), layers.Flatten(name="flat")]
    model = built(*chain, qkeras.QActivation("quantized_bits(3,1,alpha=1)", name="q"), shape=(6, 6, 2))
    graph = from_keras(model, "model")
    assert operations(graph) == ["Conv2D", "Thresholds", "MaxPool", "Flatten"]
    assert graph.nodes[-1].name == "q"
    assert agrees(model, graph)


def test_a_limit_of_a_wide_sum_needs_no_quantizer():
    model = built(dense(), layers.ReLU(6.0, name="six"), qkeras.QDense(2, kernel_quantizer=bits(4), use_bias=False))
    graph = from_keras(model, "model")
    assert operations(graph) == ["Dense", "Relu", "Affine", "Relu", "Affine", "Dense"]
    assert agrees(model, graph)


def test_two_quantizers_may_follow_one_normalization():
    given = keras.Input((6,))
    x = layers.BatchNormalization(name="bn")(dense()(qkeras.QActivation(bits(8, 1))(given)))
    ends = [qkeras.QActivation(text)(x) for text in ("quantized_bits(3,1,alpha=1)", "binary(alpha=1)")]
    model = keras.Model(given, layers.Add()(ends))
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.2, 2, weight.shape) for weight in model.get_weights()])
    assert agrees(model, from_keras(model, "model"))


REFUSED = {
    "nothing behind": (
        lambda: [dense(), layers.BatchNormalization(name="bn")],
        r"layer bn: scale or shift is not exact",
    ),
    "a sum behind": (
        lambda: [dense(), layers.BatchNormalization(name="bn"), dense(name="next")],
        r"layer bn: .*use QBatchNormalization with inverse_quantizer.*, or put a quantizer directly behind it",
    ),
    "a function behind the largest": (
        lambda: [
            *(layers.Reshape((3, 2)), layers.BatchNormalization(name="bn"), layers.MaxPooling1D(3, name="pool")),
            *(layers.BatchNormalization(name="again"), qkeras.QActivation("binary(alpha=1)")),
        ],
        r"layer again: BatchNormalization behind pool and bn, which lies on no grid; put a quantizer between",
    ),
    "a function that may turn": (
        lambda: [
            *(dense(kernel_quantizer=bits(14)), layers.BatchNormalization(name="bn")),
            qkeras.QActivation("quantized_tanh(20,use_real_tanh=True)", name="q"),
        ],
        r"layer q: quantized_tanh behind bn is no staircase on a grid .it is not known to be monotonic",
    ),
    "a bias without a quantizer": (
        lambda: [dense(bias_quantizer=None)],
        r"layer dense: its bias has no quantizer; give bias_quantizer.*, or put a quantizer directly behind it",
    ),
    "a mean": (
        lambda: [layers.Reshape((6, 1)), layers.AveragePooling1D(3, name="mean")],
        r"layer mean: a mean of 3 elements is on no grid; use a power of two, or put a quantizer",
    ),
    "a slope": (lambda: [layers.LeakyReLU(0.3, name="leaky")], r"layer leaky: negative_slope 0.3 is not exact"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_no_quantizer_follows_is_refused_with_both_remedies(what):
    chain, message = REFUSED[what]
    with pytest.raises(Refused, match=message):
        from_keras(built(*chain()), "model")


def test_what_stops_qkeras_is_said_in_one_line():
    class Stubborn(qkeras.quantized_bits):
        def __call__(self, x):
            raise AssertionError

    Stubborn.__module__, Stubborn.__name__ = "qkeras.quantizers", "quantized_bits"
    chain = [dense(name="d"), layers.BatchNormalization(name="bn"), qkeras.QActivation(bits(4), name="q")]
    model = built(*chain)
    model.layers[-1].activation = Stubborn(4, 0, alpha=1)
    with pytest.raises(Refused, match=r"layer q: .*QKeras stops with AssertionError, an assertion of its own"):
        from_keras(model, "model")
