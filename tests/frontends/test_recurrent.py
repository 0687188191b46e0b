"""Recurrent layers, unrolled: Keras' codes in every step, in float32 and in float64; what is refused, and how."""

import numpy as np
import pytest
from helpers.comparison import boundary_and_random_codes
from helpers.cpp_batch import wrong
from helpers.hls_blocks import mismatches_on
from helpers.random_models import draw_weights, keras, layers, qkeras

from qcompress.errors import Refused
from qcompress.frontends.qkeras import KerasBody, from_keras, load_model
from qcompress.targets.hls.project import Hls
from qcompress.targets.rtl.constant import Rtl


def bits(width, integer=0, **options):
    return qkeras.quantized_bits(width, integer, **{"alpha": 1, **options})


def given(**own):
    """Quantizers of a recurrent layer, with one's own in their place."""
    return {
        **{"kernel_quantizer": bits(6), "recurrent_quantizer": bits(5), "bias_quantizer": bits(6)},
        **{"state_quantizer": bits(7, 1), **own},
    }


def gates(**own):
    return given(recurrent_activation="quantized_sigmoid(5)", activation="quantized_tanh(6)", **own)


def simple(**own):
    return qkeras.QSimpleRNN(4, **given(**own))


def lstm(**own):
    return qkeras.QLSTM(3, **gates(**own))


def gru(**own):
    return qkeras.QGRU(3, **gates(**own))


def plain(kind, **own):
    """A layer of Keras itself with quantizers as functions."""
    functions = {"activation": qkeras.quantized_tanh(5), "recurrent_activation": qkeras.quantized_sigmoid(4)}
    return getattr(layers, kind)(2, **functions, **own)


CASES = {
    "simple": simple,
    "simple, plain relu": lambda: simple(activation="relu", return_sequences=True),
    "simple, no function": lambda: simple(activation=None, return_sequences=True, go_backwards=True),
    "simple, nothing but weights": lambda: simple(state_quantizer=None, use_bias=False),
    "simple, a real tanh of wide sums": lambda: simple(
        activation="quantized_tanh(5,use_real_tanh=True)", kernel_quantizer=bits(12), return_sequences=True
    ),
    "simple, weights of powers of two": lambda: simple(
        kernel_quantizer=bits(4, alpha="auto_po2"), recurrent_quantizer="ternary(alpha=1)"
    ),
    "simple, a state that does not begin with zeros": lambda: simple(state_quantizer="binary(alpha=1)"),
    "lstm": lstm,
    "lstm, as it is by itself": lambda: qkeras.QLSTM(3, return_sequences=True, **given()),
    "lstm, backwards, no bias": lambda: lstm(go_backwards=True, use_bias=False, return_sequences=True),
    "lstm, fused": lambda: lstm(implementation=2, state_quantizer=bits(4, 2, symmetric=1)),
    "lstm, a state that does not begin with zeros": lambda: lstm(state_quantizer="binary(alpha=1)"),
    "gru": lambda: gru(return_sequences=True),
    "gru, as it is by itself": lambda: qkeras.QGRU(3, **given()),
    "gru, reset behind": lambda: gru(reset_after=True, return_sequences=True, go_backwards=True),
    "gru, reset behind, no bias": lambda: gru(reset_after=True, use_bias=False, implementation=2),
    "gru, smooth lines": lambda: qkeras.QGRU(2, recurrent_activation="smooth_sigmoid", **given(activation="hard_tanh")),
    "cell": lambda: layers.RNN(qkeras.QLSTMCell(2, **gates())),
    "both ways": lambda: qkeras.QBidirectional(gru(return_sequences=True)),
    "both ways, averaged": lambda: qkeras.QBidirectional(simple(), merge_mode="ave"),
    "both ways, multiplied": lambda: layers.Bidirectional(simple(return_sequences=True), merge_mode="mul"),
    "both ways, added": lambda: layers.Bidirectional(simple(), merge_mode="sum"),
    "plain simple": lambda: layers.SimpleRNN(3, activation="relu"),
    "plain lstm": lambda: plain("LSTM"),
    "plain gru": lambda: plain("GRU", return_sequences=True),
}


def network(layer, steps=3):
    """A quantizer, the layer, and a dense layer that needs its exact shape and grid."""
    model = keras.Sequential(
        [
            keras.Input((steps, 3)),
            qkeras.QActivation("quantized_bits(6,1,alpha=1)"),
            layer,
            qkeras.QDense(2, kernel_quantizer=bits(4), bias_quantizer=bits(4), name="last"),
        ]
    )
    draw(model, layer)
    return model


def draw(model, layer):
    """Random weights, on a grid where the layer has no quantizers."""
    draw_weights(np.random.default_rng(1), model)
    if not hasattr(layer, "get_quantizers") and not hasattr(getattr(layer, "cell", layer), "quantizers"):
        layer.set_weights([np.round(8 * weight) / 8 for weight in layer.get_weights()])


RARE = {
    *("simple", "simple, plain relu", "simple, weights of powers of two", "lstm", "gru", "gru, as it is by itself"),
    *("lstm, a state that does not begin with zeros", "both ways, averaged", "both ways, multiplied", "plain simple"),
    *("both ways, added", "plain gru", "gru, reset behind, no bias", "simple, no function", "cell"),
    *("lstm, as it is by itself", "lstm, fused"),
}
"""Of what others hold too."""
MARKED = [pytest.param(name, marks=pytest.mark.campaign if name in RARE else ()) for name in CASES]


@pytest.mark.parametrize("name", MARKED)
def test_a_recurrent_layer_equals_keras(name):
    model = network(CASES[name]())
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 60)
    traced, body = graph.trace(codes), KerasBody(model, graph)
    if body.dtype == "float32":
        assert (body.run(codes) == traced["last"]).all()
    body.dtype = "float64"
    seen = KerasBody.trace(body, codes)
    assert list(seen) == [layer.name for layer in model.layers[1:]]
    assert all((got == traced[node]).all() for node, got in seen.items())
    assert len(np.unique(traced["last"])) > 10


REFUSED = {
    "its function tanh is on no grid; give quantizers as activation": lambda: qkeras.QLSTM(
        2, **given(activation="tanh")
    ),
    "its function sigmoid is on no grid; .*or --quantize": lambda: layers.LSTM(2),
    r"bits grow with every step, at step 3 too far .*; give state_quantizer=quantized_bits": lambda: qkeras.QLSTM(
        2, **given(state_quantizer=None)
    ),
    "bits grow .*, at step 3 .*sums of fixed<5.,4> do not fit float64.*; give state_quantizer": lambda: qkeras.QGRU(
        2,
        recurrent_activation="quantized_sigmoid(13)",
        **given(activation="quantized_tanh(12)", state_quantizer=None),
    ),
    "its bias has no quantizer; give bias_quantizer": lambda: lstm(bias_quantizer=None),
    "its recurrent_kernel is on no grid after quantized_bits; give alpha=1": lambda: lstm(
        recurrent_quantizer=bits(4, alpha="auto")
    ),
    "alpha='auto' scales by the values of each batch": lambda: lstm(state_quantizer=bits(4, alpha="auto")),
    "gives 3 tensors; use layers that give one": lambda: lstm(return_state=True),
    "StackedRNNCells is not supported; use QSimpleRNNCell": lambda: layers.RNN([layers.LSTMCell(2), layers.GRUCell(2)]),
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_is_not_exact_is_refused_with_the_layer_named(message):
    source = keras.Input((4, 3))
    layer = REFUSED[message]()
    result = layer(qkeras.QActivation("quantized_bits(6,1,alpha=1)")(source))
    model = keras.Model(source, result[0] if isinstance(result, list | tuple) else result)
    draw(model, layer)
    with pytest.raises(Refused, match=f"layer {layer.name}: .*{message}"):
        from_keras(model, "model")


def test_states_that_do_not_come_from_the_layer_are_refused():
    source = keras.Input((4, 3))
    quantized = qkeras.QActivation("quantized_bits(6,1,alpha=1)")(source)
    start = qkeras.QDense(4, kernel_quantizer=bits(4), bias_quantizer=bits(4))(layers.Flatten()(quantized))
    layer = simple()
    model = keras.Model(source, layer(quantized, initial_state=start))
    with pytest.raises(Refused, match=f"layer {layer.name}: begins with states of other layers"):
        from_keras(model, "model")
    kept = simple(stateful=True)
    model = keras.Sequential([keras.Input((4, 3), batch_size=2), qkeras.QActivation("quantized_relu(4)"), kept])
    with pytest.raises(Refused, match=f"layer {kept.name}: keeps its state between rows; give stateful=False"):
        from_keras(model, "model")


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_files_keep_layers_and_their_names(ending, tmp_path):
    simple()  # so that a new layer would have another name
    model = network(lstm())
    model.save(tmp_path / f"model.{ending}")
    simple()
    read = load_model(tmp_path / f"model.{ending}")
    assert [layer.name for layer in read.layers] == [layer.name for layer in model.layers]
    assert from_keras(read, "model").content_hash() == from_keras(model, "model").content_hash()


def test_one_step_is_no_loop():
    model = network(qkeras.QSimpleRNN(4, **given(activation=None)), steps=1)
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 60)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()
    assert len(graph.nodes) == 4


@pytest.mark.campaign
@pytest.mark.parametrize("name", ["simple", "lstm", "gru", "both ways"])
def test_every_target_repeats_it(name, tmp_path):
    graph = from_keras(network(CASES[name](), steps=3), "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    assert wrong([graph], tmp_path) == []
    assert mismatches_on(Hls("Vitis"), [graph], [codes], tmp_path / "hls") == [0]
    assert np.array_equal(Rtl(optimization="0").build(graph, tmp_path / "rtl").run(codes), graph.run(codes))


def test_the_emulator_repeats_an_lstm(tmp_path):
    assert wrong([from_keras(network(lstm(), steps=2), "model")], tmp_path) == []


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(100))
def test_random_recurrent_networks_equal_keras(seed):
    rng = np.random.default_rng(seed)
    model = random_network(rng)
    try:
        graph = from_keras(model, "model")
    except Refused as refusal:
        assert "bits grow with every step" in str(refusal) or "next to a threshold" in str(refusal)  # noqa: PT017
        return
    codes = boundary_and_random_codes(graph, rng, 200)
    body, traced = KerasBody(model, graph), graph.trace(codes)
    assert all((got == traced[node]).all() for node, got in body.trace(codes).items())


def random_network(rng):
    """One or two recurrent layers with any options, behind a quantizer."""

    def drawn(*options):
        return options[int(rng.integers(len(options)))]

    def layer(sequences):
        kind = drawn("QSimpleRNN", "QLSTM", "QGRU")
        width, real = int(rng.integers(3, 9)), bool(rng.integers(2))
        own = {
            "kernel_quantizer": drawn(bits(width), "ternary(alpha=1)", bits(4, alpha="auto_po2")),
            "recurrent_quantizer": drawn(bits(4), bits(6, 1), "binary(alpha=1)"),
            "bias_quantizer": bits(5),
            "state_quantizer": drawn(bits(6, 1), bits(5, 2, symmetric=1), "quantized_tanh(5)", "binary(alpha=1)", None),
            "activation": drawn("quantized_tanh(6)", f"quantized_tanh(5,use_real_tanh={real})", "quantized_relu(5,1)"),
            "use_bias": drawn(True, False),
            "go_backwards": drawn(True, False),
            "return_sequences": sequences,
        }
        if kind != "QSimpleRNN":
            sigmoid = f"quantized_sigmoid(5,use_real_sigmoid={real})"
            own["recurrent_activation"] = drawn("hard_sigmoid", "quantized_sigmoid(4)", sigmoid)
            own["implementation"] = drawn(1, 2) if kind == "QLSTM" else 1
        if kind == "QGRU":
            own["reset_after"] = drawn(True, False)
        made = getattr(qkeras, kind)(int(rng.integers(1, 5)), **own)
        both = rng.random() < 0.2 and not made.go_backwards
        return qkeras.QBidirectional(made, merge_mode=drawn("concat", "sum")) if both else made

    count = int(rng.integers(1, 3))
    chain = [layer(number < count - 1 or drawn(True, False)) for number in range(count)]
    between = [qkeras.QActivation("quantized_bits(6,2,alpha=1)") for _ in chain]
    shape = (int(rng.integers(1, 7)), int(rng.integers(1, 5)))
    model = keras.Sequential(
        [keras.Input(shape), *(each for pair in zip(between, chain, strict=True) for each in pair)]
    )
    draw_weights(rng, model)
    return model
