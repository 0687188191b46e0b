"""Quantizers: every value of an activation's quantizer, and the codes and formats of weights."""

import numpy as np
import pytest
from helpers.random_models import keras, layers, qkeras
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.grids import narrowest_format
from qcompress.frontends.qkeras import KerasBody, from_keras
from qcompress.graph import Thresholds

ACTIVATIONS = {
    "bits": ("quantized_bits(5,1,alpha=1)", "Quantize", "fixed<5,2>"),
    "bits, alpha None": ("quantized_bits(5,1)", "Quantize", "fixed<5,2>"),
    "bits, symmetric": ("quantized_bits(5,1,1,alpha=1)", "Quantize", "fixed<5,2>"),
    "bits, not negative": ("quantized_bits(5,1,keep_negative=False,alpha=1)", "Quantize", "ufixed<5,1>"),
    "bits, symmetric, not negative": ("quantized_bits(5,1,1,keep_negative=False,alpha=1)", "Quantize", "ufixed<5,1>"),
    "bits, a scale of 2": ("quantized_bits(5,1,alpha=2)", "Table", "fixed<5,3>"),
    "one bit": ("quantized_bits(1,0,alpha=1)", "Table", "fixed<2,2>"),
    "linear": ("quantized_linear(5,1)", "Quantize", "fixed<5,2>"),
    "linear, asymmetric": ("quantized_linear(5,1,0)", "Quantize", "fixed<5,2>"),
    "relu": ("quantized_relu(5,1)", "Quantize", "ufixed<5,1>"),
    "relu of 12 bits": ("quantized_relu(12,4)", "Quantize", "ufixed<12,4>"),
    "relu, many integer bits": ("quantized_relu(2,6)", "Quantize", "ufixed<2,6>"),
    "relu, slope": ("quantized_relu(5,1,negative_slope=0.25)", "Quantize", "fixed<5,2>"),
    "relu, slope of one code": ("quantized_relu(5,2,negative_slope=0.0625)", "Quantize", "fixed<5,3>"),
    "relu, slope 1": ("quantized_relu(5,1,negative_slope=1.0)", "Quantize", "fixed<5,2>"),
    "relu, slope inside a code": ("quantized_relu(3,1,negative_slope=0.125)", "Table", "fixed<4,2>"),
    "relu through a sigmoid": ("quantized_relu(5,1,use_sigmoid=1)", "Table", "ufixed<5,1>"),
    "relu, slope, through a sigmoid": ("quantized_relu(5,1,use_sigmoid=1,negative_slope=0.25)", "Table", None),
    "relu with an upper bound": ("quantized_relu(5,2,relu_upper_bound=1.5)", "Quantize", "ufixed<5,2>"),
    "relu, bound instead of saturation": (
        qkeras.quantized_relu(5, 2, relu_upper_bound=1.5, is_quantized_clip=False),
        "Table",
        "ufixed<4,1>",
    ),
    "relu, slope, bound instead of saturation": (
        qkeras.quantized_relu(5, 2, negative_slope=0.25, relu_upper_bound=1.5, is_quantized_clip=False),
        "Table",
        None,
    ),
    "tanh": ("quantized_tanh(5)", "Quantize", "fixed<5,1>"),
    "tanh, symmetric": ("quantized_tanh(5,symmetric=True)", "Quantize", "fixed<5,1>"),
    "tanh, real": ("quantized_tanh(7,use_real_tanh=True)", "Table", "fixed<7,1>"),
    "tanh, real, of one bit": ("quantized_tanh(1,use_real_tanh=True)", "Table", "fixed<1,1>"),
    "sigmoid": ("quantized_sigmoid(5)", "Table", "ufixed<5,0>"),
    "sigmoid, symmetric": ("quantized_sigmoid(5,symmetric=True)", "Table", "ufixed<5,0>"),
    "sigmoid, real": ("quantized_sigmoid(7,use_real_sigmoid=True)", "Table", "ufixed<7,0>"),
    "binary": ("binary(alpha=1)", "Table", "fixed<2,2>"),
    "binary, alpha None": ("binary()", "Table", "fixed<2,2>"),
    "binary, 0 and 1": ("binary(use_01=True,alpha=1)", "Table", "ufixed<1,1>"),
    "ternary": ("ternary(alpha=1)", "Table", "fixed<2,2>"),
    "ternary, threshold": ("ternary(alpha=0.5,threshold=0.7)", "Table", "fixed<2,1>"),
    "powers of two": ("quantized_po2(4)", "Table", "fixed<9,5>"),
    "powers of two, positive": ("quantized_relu_po2(4)", "Table", None),
    "hard swish": (qkeras.quantized_hswish(6, 2, alpha=1), "Table", None),
    "hard tanh": ("hard_tanh", "Table", None),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_equals_keras_on_every_code(name):
    quantizer, operation, expected = ACTIVATIONS[name]
    model = keras.Sequential([keras.Input((1,)), layers.ReLU(negative_slope=1.0), qkeras.QActivation(quantizer)])
    graph = from_keras(model, "model", Format.parse("fixed<11,4>"))
    codes = np.arange(-1024, 1024)[:, None]
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()
    assert type(graph.nodes[-1].operation).__name__ == operation
    assert expected in {None, str(graph.output_format)}


@pytest.mark.parametrize(
    ("quantizer", "promised"),
    [
        ("quantized_sigmoid(7)", "ufixed<7,0>"),
        ("quantized_sigmoid(7,use_real_sigmoid=True)", "ufixed<7,0>"),
        ("quantized_tanh(7,use_real_tanh=True)", "fixed<7,1>"),
    ],
)
def test_a_table_has_the_bits_of_its_quantizer_even_if_its_values_need_fewer(quantizer, promised):
    model = keras.Sequential([keras.Input((1,)), qkeras.QActivation(quantizer)])
    graph = from_keras(model, "model", Format.parse("ufixed<1,0>"))
    assert str(graph.output_format) == promised
    codes = np.array([[0], [1]])
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


def test_the_sign_of_a_narrow_input_is_one_table():
    chain = [qkeras.QActivation(text, name=text[:4]) for text in ("quantized_bits(5,1,alpha=1)", "binary(alpha=1)")]
    graph = from_keras(keras.Sequential([keras.Input((1,)), *chain]), "model")
    assert [(node.name, node.operation.table.size) for node in graph.nodes] == [("bina", 32)]


@pytest.mark.parametrize(
    "quantizer",
    [
        "quantized_relu(5,1,negative_slope=0.25)",
        "binary(alpha=1)",
        "quantized_tanh(6)",
        "quantized_tanh(5,symmetric=True)",
        "quantized_sigmoid(7)",
    ],
)
def test_wide_sums_need_no_table_where_a_cast_tells_enough(quantizer):
    model = keras.Sequential([keras.Input((1,)), layers.ReLU(negative_slope=1.0), qkeras.QActivation(quantizer)])
    graph = from_keras(model, "model", Format.parse("fixed<22,6>"))
    ends = [-(1 << 21), (1 << 21) - 1, -1, 0, 1]
    codes = np.concatenate([ends, np.random.default_rng(0).integers(-(1 << 21), 1 << 21, 3000)])[:, None]
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


WEIGHTS = {
    "bits": ("quantized_bits(5,0,alpha=1)", "fixed<5,1>", [-16, -5, 0, 8, 15]),
    "bits, symmetric": ("quantized_bits(5,0,1,alpha=1)", "fixed<5,1>", [-15, -5, 0, 8, 15]),
    "bits, not negative": ("quantized_bits(4,0,keep_negative=False,alpha=1)", "ufixed<4,0>", [0, 0, 0, 8, 15]),
    "bits, a scale of 1/2": ("quantized_bits(5,0,alpha=0.5)", "fixed<5,0>", [-16, -5, 0, 8, 15]),
    "bits, alpha None": ("quantized_bits(3,0)", "fixed<3,2>", [-3, -1, 0, 1, 3]),
    "bits, scale of each channel": ("quantized_bits(3,0,alpha='auto_po2')", "fixed<3,2>", [-3, -1, 0, 1, 3]),
    "one bit": ("quantized_bits(1,0,alpha=1)", "fixed<2,2>", [-1, -1, 1, 1, 1]),
    "linear": ("quantized_linear(5,0,1,alpha=1)", "fixed<5,1>", [-15, -5, 0, 8, 15]),
    "binary": ("binary(alpha=1)", "fixed<2,2>", [-1, -1, 1, 1, 1]),
    "binary, 0 and 1": ("binary(use_01=True,alpha=1)", "ufixed<1,1>", [0, 0, 1, 1, 1]),
    "ternary": ("ternary(alpha=1)", "fixed<2,2>", [-1, 0, 0, 1, 1]),
    "powers of two": ("quantized_po2(4,1)", "fixed<10,2>", [-256, -64, 1, 128, 256]),
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_weights_are_what_the_quantizer_gives(name):
    quantizer, expected, codes = WEIGHTS[name]
    layer = qkeras.QDense(1, kernel_quantizer=quantizer, use_bias=False, name="dense")
    model = keras.Sequential([keras.Input((5,)), qkeras.QActivation("quantized_relu(4,1)"), layer])
    model.set_weights([np.array([[-1.7], [-0.3], [0.0], [0.5], [1.4]])])
    operation = from_keras(model, "model").nodes[0].operation
    assert str(operation.kernel_format) == expected
    assert operation.kernel[:, 0].tolist() == codes


@pytest.mark.parametrize(
    ("quantizer", "promised"),
    [("quantized_bits(5,0,alpha=1)", "fixed<5,1>"), ("quantized_linear(7,2,1,alpha=1)", "fixed<7,3>")],
)
def test_weights_have_the_bits_of_their_quantizer_even_if_they_need_fewer(quantizer, promised):
    layer = qkeras.QDense(1, kernel_quantizer=quantizer, use_bias=False, name="dense")
    model = keras.Sequential([keras.Input((2,)), qkeras.QActivation("quantized_relu(4,1)"), layer])
    model.set_weights([np.array([[0.5], [0.25]])])
    operation = from_keras(model, "model").nodes[0].operation
    assert str(operation.kernel_format) == promised
    assert (operation.kernel_format.to_values(operation.kernel) == [[0.5], [0.25]]).all()


def test_a_scale_for_each_channel_makes_one_finer_grid():
    layer = qkeras.QDense(2, kernel_quantizer="quantized_bits(4,0,alpha='auto_po2')", use_bias=False, name="dense")
    model = keras.Sequential([keras.Input((3,)), qkeras.QActivation("quantized_relu(4,1)"), layer])
    model.set_weights([np.array([[1.0, 0.01], [-0.7, 0.02], [0.3, -0.015]])])
    operation = from_keras(model, "model").nodes[0].operation
    scales = np.asarray(layer.kernel_quantizer_internal.scale).ravel()
    assert scales[0] != scales[1]
    assert (np.log2(scales) % 1 == 0).all()
    values = operation.kernel_format.to_values(operation.kernel)
    assert (values == np.asarray(layer.kernel_quantizer_internal(layer.kernel))).all()


def test_weights_without_a_quantizer_are_taken_if_they_are_on_a_grid():
    layer = qkeras.QDense(2, kernel_quantizer="quantized_bits(4,0,alpha=1)", name="dense")
    model = keras.Sequential([keras.Input((3,)), qkeras.QActivation("quantized_relu(4,1)"), layer])
    model.set_weights([np.ones((3, 2)), np.array([0.5, -1.25])])
    assert from_keras(model, "model").nodes[0].operation.bias.tolist() == [2, -5]
    model.set_weights([np.ones((3, 2)), np.array([0.1, -1.25])])
    with pytest.raises(Refused, match=r"layer dense: its bias has no quantizer; give bias_quantizer=quantized_bits"):
        from_keras(model, "model")


@given(st.lists(st.integers(-(1 << 12), 1 << 12), min_size=1, max_size=6), st.integers(-40, 40))
@settings(max_examples=200, deadline=None)
def test_the_narrowest_format_holds_all_and_no_narrower_one_does(codes, exponent):
    values = np.ldexp(np.array(codes, np.float64), exponent)
    format_ = narrowest_format(values)
    assert (format_.to_values(format_.to_codes(values)) == values).all()
    assert format_.signed == bool((values < 0).any())
    if format_.width > 1:
        for narrower in (
            Format(format_.signed, format_.width - 1, format_.integer - 1),
            Format(format_.signed, format_.width - 1, format_.integer),
        ):
            with pytest.raises(QcompressError):
                narrower.to_codes(values)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([np.nan], "1 of 1 values are NaN or infinite"),
        ([np.inf, 1.0, -np.inf], "2 of 3 values are NaN or infinite"),
        ([0.1], None),
        ([1.0, 2.0**-70], None),
    ],
)
def test_values_on_no_grid_have_no_format(values, said):
    with pytest.raises(QcompressError, match=said):
        narrowest_format(values)


def test_a_value_has_at_most_twenty_significant_bits():
    assert narrowest_format([2.0**19 + 1]) == Format(False, 20, 20)
    with pytest.raises(QcompressError, match=r"^a value has 21 significant bits, more than 20$"):
        narrowest_format([1.0, 2.0**20 + 1])


def test_a_table_takes_sixteen_bits_and_more_are_steps():
    def model(width):
        given = qkeras.QActivation(f"quantized_bits({width},2,alpha=1)")
        chain = [given, qkeras.QActivation("quantized_tanh(6,use_real_tanh=True)", name="q")]
        return keras.Sequential([keras.Input((1,)), *chain])

    assert from_keras(model(16), "model").nodes[-1].operation.table.size == 1 << 16
    wide = model(17)
    graph = from_keras(wide, "model")
    assert isinstance(graph.nodes[-1].operation, Thresholds)
    codes = np.arange(graph.input_format.min_code, graph.input_format.max_code + 1)[:, None]
    assert np.array_equal(KerasBody(wide, graph).run(codes), graph.run(codes))
