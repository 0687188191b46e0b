"""Models of floats become QKeras models that compile exactly; the cost is the difference that rounding makes."""

import numpy as np
import pytest

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import model_of
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.post_training.quantizing import quantize
from qcompress.frontends.runtime import import_keras, import_qkeras

keras = import_keras()
layers = keras.layers


def drawn(model, seed: int = 0):
    """The model with weights drawn by seed, variances positive."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        values = [rng.normal(0, 0.4, weight.shape) for weight in layer.weights]
        if values:
            positive = [
                np.abs(v) + 0.3 if "variance" in w.path else v for v, w in zip(values, layer.weights, strict=True)
            ]
            layer.set_weights(positive)
    return model


def tagger():
    return drawn(
        keras.Sequential(
            [
                keras.Input((16,)),
                layers.Dense(32, name="a"),
                layers.BatchNormalization(name="normal"),
                layers.ReLU(name="cut"),
                layers.Dense(8, activation="tanh", name="smooth"),
                layers.Dense(5, activation="softmax", name="scores"),
            ]
        )
    )


def image():
    given = keras.Input((9, 9, 1))
    first = layers.Conv2D(4, 3, padding="same", use_bias=False, name="conv")(given)
    first = layers.Activation("relu", name="cut")(layers.BatchNormalization(name="normal")(first))
    second = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depth")(first)
    found = layers.MaxPooling2D(3)(layers.Add(name="sum")([first, second]))
    found = layers.LeakyReLU(negative_slope=0.25, name="leaky")(layers.Conv2DTranspose(2, 2, name="up")(found))
    found = layers.Flatten()(layers.AveragePooling2D(2, name="mean")(found))
    return drawn(keras.Model(given, layers.Dense(3, name="last")(found)))


def pair():
    given = [keras.Input((6, 2), name="hits"), keras.Input((4,), name="event")]
    hits = layers.GlobalAveragePooling1D(name="mean")(layers.Conv1D(3, 3, activation="relu", name="conv")(given[0]))
    both = layers.Concatenate()([hits, given[1]])
    return drawn(
        keras.Model(given, {"class": layers.Dense(2, name="c")(both), "energy": layers.Dense(1, name="e")(both)})
    )


def steps():
    """Layers that QKeras has not."""
    given = keras.Input((8, 3))
    found = layers.Conv1D(4, 3, padding="causal", dilation_rate=2, name="causal")(given)
    found = layers.PReLU(shared_axes=[1], name="slopes")(found)
    found = layers.BatchNormalization(name="normal")(layers.DepthwiseConv1D(2, use_bias=False, name="depth")(found))
    found = layers.SeparableConv1D(3, 2, activation="relu", name="separable")(layers.ReLU()(found))
    found = layers.TimeDistributed(layers.Dense(4), name="timed")(found)
    found = layers.EinsumDense("abc,cd->abd", (None, 3), bias_axes="d", name="einsum")(found)
    return drawn(keras.Model(given, layers.BatchNormalization(name="last")(found)))


FORMATS, WIDTHS = "weights=fixed<8,2>,activations=fixed<10,4>,inputs=fixed<8,3>", "weights=6,activations=7,inputs=8"


@pytest.mark.parametrize(
    ("make", "plan"),
    [
        *((tagger, FORMATS), (tagger, WIDTHS), (image, WIDTHS), (pair, FORMATS), (steps, WIDTHS)),
        *(
            pytest.param(*each, marks=pytest.mark.campaign)
            for each in ((image, FORMATS), (pair, WIDTHS), (steps, FORMATS))
        ),
    ],
)
def test_the_graph_is_the_quantized_model_and_near_the_model_of_floats(make, plan: str) -> None:
    model, rng = make(), np.random.default_rng(1)
    names = [each.name for each in model.inputs] if len(model.inputs) > 1 else ["input"]
    values = {name: rng.normal(0, 1, (300, *each.shape[1:])) for name, each in zip(names, model.inputs, strict=True)}
    before = [weight.copy() for weight in model.get_weights()]
    done = quantize(model, parse_plan(plan), values)
    assert all(np.array_equal(*pair) for pair in zip(before, model.get_weights(), strict=True))
    found = model_of(done.model)
    graph = found.convert("net").graph
    codes = {
        port.name: port.format.to_codes(
            np.clip(np.rint(values[port.name] * 2**port.format.fraction), port.format.min_code, port.format.max_code)
            / 2**port.format.fraction
        )
        for port in graph.input_ports
    }
    given = codes if len(codes) > 1 else next(iter(codes.values()))
    body, reference = found.body(graph).run(given), graph.run(given)
    for one, other in zip(
        *(each.values() if isinstance(each, dict) else [each] for each in (body, reference)), strict=True
    ):
        assert np.array_equal(one, other)
    assert done.cost.rows == 300
    for one in done.cost.outputs:
        assert 0 < one.mean < one.largest < 1.5
    assert all(0 <= layer.saturated < 0.2 and 0 < layer.error < 0.3 for layer in done.cost.layers)


def test_what_the_cost_says_is_what_numpy_says() -> None:
    model = keras.Sequential(
        [
            keras.Input((2,)),
            layers.Dense(2, use_bias=False, activation="relu", name="d"),
            layers.Flatten(name="f"),
            layers.Dense(2, use_bias=False, name="e"),
        ]
    )
    kernel, last = np.array([[1.0, 0.3], [-0.6, 2.0]], np.float32), np.array([[0.5, -1], [0.25, 0.75]], np.float32)
    model.get_layer("d").set_weights([kernel])
    model.get_layer("e").set_weights([last])
    values = np.array([[0.5, 0.25], [1.0, -1.0], [-0.25, 1.5], [3.0, 3.0]])
    cost = quantize(model, parse_plan("weights=fixed<4,2>,activations=fixed<5,3>"), values).cost
    rounded = np.array([[1.0, 0.25], [-0.5, 1.75]])
    exact, found = (np.maximum(values @ each, 0) for each in (kernel.astype(float), rounded))
    cut = np.minimum(np.rint(found * 4) / 4, 3.75)
    outputs = [exact @ last.astype(float), cut @ np.array([[0.5, -1], [0.25, 0.75]])]
    difference = np.abs(outputs[0] - outputs[1])
    (output,), (layer,) = cost.outputs, cost.layers
    assert (output.largest, output.mean) == (
        pytest.approx(difference.max(), rel=1e-6),
        pytest.approx(difference.mean(), rel=1e-6),
    )
    assert output.changed == np.mean(outputs[0].argmax(axis=1) != outputs[1].argmax(axis=1))
    assert (layer.layer, layer.format, layer.unused) == ("d_function", "ufixed<4,2>", 0)
    assert layer.saturated == np.mean(cut == 3.75)
    assert layer.error == pytest.approx(np.sqrt(np.mean((cut - exact) ** 2) / np.mean(exact**2)), rel=1e-6)


def test_binary_points_hold_the_values_of_the_percentile() -> None:
    model = keras.Sequential(
        [keras.Input((1,)), layers.Dense(1, use_bias=False, activation="relu", name="d"), layers.Dense(1, name="e")]
    )
    model.get_layer("d").set_weights([np.array([[1.0]])])
    values = np.concatenate([np.linspace(0.01, 1.9, 999), [100.0]])[:, None]
    whole, most = (
        quantize(model, parse_plan("weights=8,activations=8", percentile), values).cost.layers[0].format
        for percentile in (100.0, 99.0)
    )
    assert (whole, most) == ("ufixed<8,7>", "ufixed<8,1>")


def test_single_layers_have_formats_of_their_own(tmp_path) -> None:
    (tmp_path / "plan.json").write_text(
        '{"weights": "fixed<8,2>", "activations": "fixed<10,4>", '
        '"layers": {"smooth": {"weights": "fixed<3,1>", "activations": "fixed<6,1>"}}}'
    )
    done = quantize(tagger(), parse_plan(str(tmp_path / "plan.json")))
    assert done.cost is None
    graph = model_of(done.model).convert("net", Format(True, 8, 3)).graph
    kernels = {node.name: node.operation.kernel_format for node in graph.nodes if hasattr(node.operation, "kernel")}
    assert kernels == {"a": Format(True, 8, 2), "smooth": Format(True, 3, 1), "scores": Format(True, 8, 2)}
    assert graph.formats["smooth_function_quantized"] == Format(True, 6, 1)


def test_words_have_rounded_vectors() -> None:
    model = drawn(keras.Sequential([keras.Input((4,)), layers.Embedding(5, 2, name="words"), layers.Dense(2)]))
    done = quantize(model, parse_plan("weights=fixed<8,2>,activations=fixed<8,2>,inputs=fixed<4,1>"))
    assert "layer words: 3 vectors of zeros added, for the codes behind its last word" in done.notes
    graph = model_of(done.model).convert("net", Format(False, 3, 3)).graph
    vectors = np.concatenate([np.rint(model.layers[0].get_weights()[0] * 64), np.zeros((3, 2))])
    codes = np.arange(8).reshape(2, 4)
    assert np.array_equal(graph.trace(codes)["words"], vectors[codes])
    body = model_of(done.model).body(graph)
    assert np.array_equal(body.run(codes), graph.run(codes))


def test_what_is_quantized_already_stays(tmp_path) -> None:
    bits = import_qkeras().quantized_bits(4, 0, alpha=1)
    dense = import_qkeras().QDense(3, kernel_quantizer=bits, use_bias=False, name="done")
    cut = import_qkeras().QActivation("quantized_relu(5,2)", name="cut")
    end = [layers.BatchNormalization(name="normal"), layers.Activation("softmax")]
    model = drawn(keras.Sequential([keras.Input((4,)), dense, cut, *end]))
    done = quantize(model, parse_plan("weights=fixed<10,3>,activations=fixed<6,1>"))
    assert [layer.name for layer in done.model.layers[1:]] == ["done", "cut", "normal"]
    assert np.array_equal(done.model.get_layer("done").get_weights(), dense.get_weights())
    graph = model_of(done.model).convert("net", Format(True, 6, 2)).graph
    codes = np.random.default_rng(0).integers(-32, 32, (100, 4))
    assert np.array_equal(model_of(done.model).body(graph).run(codes), graph.run(codes))
    real = model.layers[-2].output
    floats = keras.Model(model.inputs, real).predict(codes / 16, verbose=0)
    assert 0 < np.abs(graph.predict(codes / 16) - floats).max() < 0.1


def test_what_cannot_be_quantized_is_said() -> None:
    plan = parse_plan("weights=8,activations=fixed<8,2>")
    recurrent = keras.Sequential([keras.Input((4, 2, 1)), layers.ConvLSTM1D(3, 2, name="memory"), layers.Dense(1)])
    with pytest.raises(Refused, match="layer memory: ConvLSTM1D has weights, and no quantization here"):
        quantize(recurrent, plan)
    with pytest.raises(QcompressError, match="has no layer of weights to quantize"):
        quantize(keras.Sequential([keras.Input((4, 2)), layers.Flatten()]), plan)
    with pytest.raises(Refused, match="layer first: QDense is quantized already: leave --quantize out"):
        quantize(keras.Sequential([keras.Input((4,)), import_qkeras().QDense(2, name="first")]), plan)
    with pytest.raises(QcompressError, match=r"values of shape \(3, 5\); input input takes rows of shape \(16,\)"):
        quantize(tagger(), plan, np.zeros((3, 5)))
    with pytest.raises(QcompressError, match="some are not finite"):
        quantize(tagger(), plan, np.full((3, 16), np.nan))
    with pytest.raises(QcompressError, match="inputs event, hits: give values of each by its name"):
        quantize(pair(), plan, np.zeros((3, 6, 2)))
    with pytest.raises(QcompressError, match="need values to find it: give --calibrate"):
        quantize(tagger(), parse_plan("weights=8,activations=8"))
