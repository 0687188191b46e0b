"""Lines between limits: equal to QKeras' own functions at any width, without a quantizer behind."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import draw_weights, keras, layers, qkeras

from qcompress.errors import Refused
from qcompress.frontends.limits import LINES
from qcompress.frontends.qkeras import from_keras
from qcompress.graph import Thresholds


def bits(width, integer=0):
    return qkeras.quantized_bits(width, integer, alpha=1)


def chain(*between, width=9):
    """A sum of 6 x `width` bits, too wide for a table, and a dense layer behind `between`."""
    first = qkeras.QDense(3, kernel_quantizer=bits(width), bias_quantizer=bits(width), name="sum")
    last = qkeras.QDense(2, kernel_quantizer=bits(3), bias_quantizer=bits(3), name="last")
    model = keras.Sequential([keras.Input((4,)), qkeras.QActivation(bits(9, 3)), first, *between, last])
    draw_weights(np.random.default_rng(0), model)
    return model


@pytest.mark.parametrize(("kind", "width"), [*((kind, 7) for kind in LINES), ("smooth_tanh", 14)])
def test_a_line_of_a_wide_sum_is_exact(kind, width):
    model = chain(qkeras.QActivation(kind, name="line"), width=width)
    graph = from_keras(model, "model")
    assert not any(isinstance(node.operation, Thresholds) for node in graph.nodes)
    seen = assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, np.random.default_rng(1), 300))
    line, codes = LINES[kind], seen["line"]
    ends = [graph.formats["line"].to_values(each) for each in (codes.min(), codes.max())]
    assert ends == [line.low, line.high]


def test_a_line_in_front_of_a_quantizer_is_its_steps_alone():
    model = chain(
        qkeras.QActivation("hard_tanh", name="line"), qkeras.QActivation("quantized_bits(3,0,alpha=1)", name="q")
    )
    graph = from_keras(model, "model")
    assert [type(graph.nodes[1].operation), graph.nodes[1].name] == [Thresholds, "q"]
    assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, np.random.default_rng(1), 300))


def test_a_line_read_by_a_quantizer_and_by_another_layer_is_there_for_both():
    given = keras.Input((4,))
    x = qkeras.QDense(3, kernel_quantizer=bits(9), bias_quantizer=bits(9))(qkeras.QActivation(bits(9, 3))(given))
    x = qkeras.QActivation("hard_sigmoid", name="line")(x)
    both = layers.Add()([qkeras.QActivation("quantized_relu(4,1)", name="q")(x), x, layers.Flatten()(x)])
    model = keras.Model(given, both)
    draw_weights(np.random.default_rng(0), model)
    graph = from_keras(model, "model")
    assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, np.random.default_rng(1), 300))


def test_keras_own_hard_sigmoid_is_another_line_and_on_no_grid():
    model = chain(layers.Activation("hard_sigmoid", name="line"))
    with pytest.raises(Refused, match=r"layer line: hard_sigmoid of .*or put a quantizer directly behind it"):
        from_keras(model, "model")


@pytest.mark.parametrize("text", ["quantized_tanh(7,use_real_tanh=True)", "quantized_sigmoid(6,use_real_sigmoid=True)"])
def test_real_functions_of_wide_sums_are_staircases(text):
    model = chain(qkeras.QActivation(text, name="real"), width=12)
    graph = from_keras(model, "model")
    assert graph.formats["sum"].width > 20
    assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, np.random.default_rng(1), 2000))


def test_real_functions_too_fine_for_float32_are_refused():
    model = chain(qkeras.QActivation("quantized_tanh(12,use_real_tanh=True)", name="real"), width=20)
    with pytest.raises(Refused, match=r"layer real: quantized_tanh of .*put a quantizer of 16 bits or fewer before"):
        from_keras(model, "model")
