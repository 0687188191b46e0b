"""Keras as a body: it says whether float32 is exact, and computes in float64 where it is not."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import draw_weights, keras, layers, qkeras

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import KerasBody, convert, float32_exact, from_keras
from qcompress.frontends.runtime import float_type

WIDE = Format.parse("fixed<18,8>")


def weighted(width):
    quantizer = qkeras.quantized_bits(width, 0, alpha=1)
    return {"kernel_quantizer": quantizer, "bias_quantizer": quantizer}


def wide_model(*between, width=10, end=None):
    """Sums of 18 x `width` bits: more than float32 holds."""
    chain = [qkeras.QDense(40, name="wide", **weighted(width)), *between, qkeras.QDense(3, name="last", **weighted(4))]
    model = keras.Sequential([keras.Input((30,)), *chain, *([end] if end else [])])
    draw_weights(np.random.default_rng(0), model)
    return model


BETWEEN = {
    "nothing": lambda: [],
    "relu": lambda: [qkeras.QActivation("quantized_relu(12,6)", name="q")],
    "narrow relu": lambda: [qkeras.QActivation("quantized_relu(4,2)", name="q")],
    "relu with a slope": lambda: [qkeras.QActivation("quantized_relu(6,3,negative_slope=0.125)", name="q")],
    "bits": lambda: [qkeras.QActivation("quantized_bits(14,6,alpha=1)", name="q")],
    "linear": lambda: [qkeras.QActivation("quantized_linear(7,2)", name="q")],
    "binary": lambda: [qkeras.QActivation("binary(alpha=1)", name="q")],
    "hard tanh": lambda: [qkeras.QActivation("quantized_tanh(7)", name="q")],
    "hard sigmoid": lambda: [qkeras.QActivation("quantized_sigmoid(7)", name="q")],
    "plain relu": lambda: [layers.ReLU(name="q")],
    "table": lambda: [
        qkeras.QActivation("quantized_bits(14,3,alpha=1)"),
        qkeras.QActivation("quantized_tanh(9,use_real_tanh=True)", name="q"),
    ],
    "normalization": lambda: [layers.BatchNormalization(epsilon=0.0, name="q")],
    "quantized normalization": lambda: [
        qkeras.QBatchNormalization(
            gamma_quantizer=None,
            variance_quantizer=None,
            inverse_quantizer=qkeras.quantized_bits(3, 0, alpha=1),
            mean_quantizer=qkeras.quantized_bits(5, 0, alpha=1),
            beta_quantizer=qkeras.quantized_bits(5, 0, alpha=1),
            name="q",
        )
    ],
}


@pytest.mark.parametrize("name", BETWEEN)
def test_wide_sums_are_compared_in_float64(name):
    model = wide_model(*BETWEEN[name]())
    graph = from_keras(model, "model", WIDE)
    assert KerasBody(model, graph).dtype == "float64"
    assert not float32_exact(graph)["wide"]
    codes = boundary_and_random_codes(graph, np.random.default_rng(1), 400)
    assert len(assert_equal_in_every_layer(model, graph, codes)) == len(model.layers)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()
    assert keras.backend.floatx() == "float32"


def test_float32_itself_is_wrong_there():
    model = wide_model()
    graph = from_keras(model, "model", WIDE)
    codes = boundary_and_random_codes(graph, np.random.default_rng(1), 400)
    body = KerasBody(model, graph)
    body.dtype = "float32"
    try:
        assert (body.run(codes) != graph.run(codes)).any()
    except QcompressError as fault:
        assert "grid" in str(fault)  # noqa: PT017


def test_a_cut_end_and_float64_go_together():
    model = wide_model(end=layers.Softmax(name="soft"))
    found = convert(model, "model", WIDE)
    assert found.notes == ("layer soft: the final softmax is left out; the graph ends at the logits",)
    codes = boundary_and_random_codes(found.graph, np.random.default_rng(1), 100)
    assert_equal_in_every_layer(model, found.graph, codes)
    assert (KerasBody(model, found.graph).run(codes) == found.graph.run(codes)).all()


def test_the_statement_is_of_every_node():
    model = wide_model(qkeras.QActivation("quantized_relu(4,2)", name="q"))
    assert float32_exact(from_keras(model, "model", WIDE)) == {"wide": False, "q": False, "last": True}
    narrow = float32_exact(from_keras(wide_model(width=3), "model", Format.parse("fixed<6,2>")))
    assert narrow == {"wide": True, "last": True}


def test_a_body_leaves_the_model_as_it_was():
    model = wide_model(qkeras.QActivation("quantized_relu(6,2)", name="q"))
    values = np.random.default_rng(0).normal(0, 3, (20, 30)).astype("f4")
    weights, before = model.get_weights(), model.predict(values, verbose=0)
    graph = from_keras(model, "model", WIDE)
    KerasBody(model, graph).trace(boundary_and_random_codes(graph, np.random.default_rng(1), 20))
    assert (model.predict(values, verbose=0) == before).all()
    assert all((a == b).all() for a, b in zip(model.get_weights(), weights, strict=True))
    assert model.get_layer("wide").output is not None


def test_a_body_runs_the_model_itself_where_float32_is_exact():
    """Not a copy: what becomes of the model's weights becomes of the body."""
    model = wide_model(width=3)
    graph = from_keras(model, "model", Format.parse("fixed<6,2>"))
    body, codes = KerasBody(model, graph), boundary_and_random_codes(graph, np.random.default_rng(1), 20)
    assert body.run(codes).any()
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert not body.run(codes).any()


def test_the_float_type_is_put_back_after_a_fault():
    with pytest.raises(ZeroDivisionError), float_type("float64"):
        _ = 1 // 0
    assert keras.backend.floatx() == "float32"


@pytest.mark.parametrize("quantizer", ["quantized_relu(4,2)", "quantized_bits(5,2,alpha=1)", "quantized_linear(5,2)"])
def test_the_last_bit_of_a_wide_sum_decides_its_rounding(quantizer):
    chain = [qkeras.QDense(1, use_bias=False, **weighted(3)), qkeras.QActivation(quantizer, name="q")]
    model = keras.Sequential([keras.Input((1,)), *chain])
    model.set_weights([np.array([[0.25]])])
    graph = from_keras(model, "model", Format.parse("fixed<40,6>"))
    ties = np.arange(1, 30, 2) << 33  # halves of the quantizer's last bit
    codes = np.concatenate([ties - 1, ties, ties + 1])[:, None]
    rounded = graph.run(codes).reshape(3, -1)
    assert (rounded[0] < rounded[2]).all()
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


def test_a_normalization_of_many_channels_is_exact() -> None:
    """TensorFlow's float32 inverse root of 1 is less than 1 where eight are computed at once."""
    model = keras.Sequential([keras.Input((16,)), keras.layers.BatchNormalization(epsilon=0.0)])
    rng = np.random.default_rng(0)
    factor, shift = rng.integers(-64, 64, (2, 16)) / 32
    model.layers[0].set_weights([factor, shift, np.zeros(16), np.ones(16)])
    graph = from_keras(model, "net", Format(True, 12, 4))
    codes = rng.integers(-2048, 2048, (50, 16))
    assert np.array_equal(KerasBody(model, graph).run(codes), graph.run(codes))
