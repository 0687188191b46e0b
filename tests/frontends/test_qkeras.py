"""The door to Keras: what it takes is exact, what it cannot prove it refuses by name."""

import numpy as np
import pytest

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.frontends.qkeras import KerasBody, from_keras, import_keras, load_model, save_model

keras = import_keras()
import qkeras  # noqa: E402


def bits(width, integer=0, **options):
    return qkeras.quantized_bits(width, integer, **{"alpha": 1, **options})


def dense(units=3, name="dense", **options):
    return qkeras.QDense(units, **{"kernel_quantizer": bits(6), "bias_quantizer": bits(6), "name": name, **options})


def conv(name="conv", **options):
    given = {"strides": 2, "padding": "same", "kernel_quantizer": bits(6), "bias_quantizer": bits(6), **options}
    return qkeras.QConv2D(4, 3, name=name, **given)


def quantizer(text="quantized_relu(8,1)", name="quantizer"):
    return qkeras.QActivation(text, name=name)


def sequential(shape, *layers, seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input(shape), *layers])
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.4, weight.shape) for weight in model.get_weights()])
    return model


MODELS = {
    "encoder": lambda: sequential(
        (8, 8, 1),
        quantizer(name="first"),
        conv(),
        quantizer(name="act"),
        keras.layers.Flatten(name="flat"),
        dense(16),
        quantizer("quantized_relu(3,1)", "latent"),
    ),
    "inline activations, no bias": lambda: sequential(
        (7,), quantizer(bits(7, 2)), dense(5, "a", activation="quantized_relu(5,2)", use_bias=False), dense(2, "b")
    ),
    "symmetric and unsigned bits": lambda: sequential(
        (6,),
        quantizer(bits(5, 1, symmetric=1)),
        dense(4, "a"),
        quantizer(bits(6, 1, keep_negative=False), "u"),
        dense(2),
    ),
    "odd size, other strides, valid": lambda: sequential(
        (9, 8, 2), quantizer(), conv(strides=(1, 2)), quantizer(name="q"), conv("c2", padding="valid", strides=1)
    ),
    "ties of the rounding": lambda: sequential(
        (4,), quantizer("quantized_relu(6,2)"), dense(8), quantizer(bits(3, 1), "q")
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_graph_and_keras_give_the_same_codes_in_every_layer(name):
    model = MODELS[name]()
    graph = from_keras(model, "model")
    codes = np.random.default_rng(3).integers(
        graph.input_format.min_code, graph.input_format.max_code, (3000, *graph.input_shape), endpoint=True
    )
    body, traced = KerasBody(model, graph), graph.trace(codes)
    assert (body.run(codes) == graph.run(codes)).all()
    seen = body.trace(codes)
    assert len(seen) >= len(model.layers) - 1
    for layer, got in seen.items():
        assert (got == traced[layer]).all(), layer
    assert len(np.unique(graph.run(codes))) > 2


@pytest.mark.parametrize(
    ("quantizer_", "expected"),
    [
        (bits(6, 0), "fixed<6,1,RND_CONV,SAT>"),
        (bits(6, 0, symmetric=1), "fixed<6,1,RND_CONV,SAT_SYM>"),
        (bits(8, 3, keep_negative=False), "ufixed<8,3,RND_CONV,SAT>"),
        ("quantized_relu(8,1)", "ufixed<8,1,RND_CONV,SAT>"),
        ("quantized_relu(4,6)", "ufixed<4,6,RND_CONV,SAT>"),
        (bits(4, 6), "fixed<4,7,RND_CONV,SAT>"),
    ],
)
def test_quantizers_mean_what_qkeras_computes(quantizer_, expected):
    model = sequential((1,), quantizer(quantizer_), dense(1))
    cast = from_keras(model, "model").input_quantizer
    assert cast == Cast.parse(expected)
    scale = 2.0 ** -(cast.format.fraction + 3)
    values = np.arange(-3000, 3000)[:, None] * scale
    got = np.asarray(model.layers[0](values.astype("f4")), np.float64)
    assert (cast.format.to_codes(got) == cast.values(values)).all()


def test_a_model_without_quantized_input_needs_a_format_and_takes_it():
    model = sequential((3,), dense())
    with pytest.raises(Refused, match="does not begin with a quantizer"):
        from_keras(model, "model")
    graph = from_keras(model, "model", Format.parse("fixed<8,3>"))
    assert graph.input_format == Format.parse("fixed<8,3>")
    assert graph.input_quantizer is None


REFUSED = {
    "alpha": (lambda: [quantizer(), dense(kernel_quantizer=qkeras.quantized_bits(6, 0))], "layer dense: .*alpha"),
    "float layer": (lambda: [quantizer(), keras.layers.Dense(2, name="plain")], "layer plain: Dense is not supported"),
    "float activation": (lambda: [quantizer(), dense(activation="relu")], "layer dense: activation relu"),
    "no bias quantizer": (lambda: [quantizer(), dense(bias_quantizer=None)], "layer dense: its bias has no quantizer"),
    "stochastic": (
        lambda: [quantizer(), dense(), quantizer(bits(4, use_stochastic_rounding=True), "q")],
        "layer q: .*stochastic",
    ),
    "noise": (lambda: [quantizer(), dense(), quantizer(bits(4, qnoise_factor=0.5), "q")], "layer q: .*qnoise_factor"),
    "one bit": (lambda: [quantizer(), dense(kernel_quantizer=bits(1))], "layer dense: .*1 bit"),
    "other quantizer": (
        lambda: [quantizer(), dense(), quantizer("quantized_tanh(4)", "q")],
        "layer q: .*quantized_tanh",
    ),
    "slope": (
        lambda: [quantizer(), dense(), quantizer("quantized_relu(4,1,negative_slope=0.25)", "q")],
        "layer q: .*negative_slope",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_exact_is_refused_with_the_layer_named(what):
    layers, message = REFUSED[what]
    with pytest.raises(Refused, match=message):
        from_keras(sequential((4,), *layers()), "model")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: conv(dilation_rate=2, strides=1), "dilation"),
        (dense, "layer dense: QDense on shape"),
        (lambda: keras.layers.Flatten(data_format="channels_first", name="flat"), "channels first"),
    ],
)
def test_image_layers_that_are_not_exact_are_refused(layer, message):
    with pytest.raises(Refused, match=message):
        from_keras(sequential((6, 6, 1), quantizer(), layer()), "model")


def test_branches_are_refused():
    given = keras.Input((4,))
    first = quantizer()(given)
    total = keras.layers.Add(name="add")([dense(name="a")(first), dense(name="b")(first)])
    with pytest.raises(Refused, match="use a chain of layers"):
        from_keras(keras.Model(given, total), "model")


def test_a_functional_chain_is_a_chain():
    given = keras.Input((4,))
    model = keras.Model(given, dense()(quantizer()(given)))
    assert [node.name for node in from_keras(model, "model").nodes] == ["dense"]


def test_saved_models_depend_on_nothing_but_the_model(tmp_path):
    for name in ("a", "b"):
        keras.backend.clear_session()
        save_model(MODELS["encoder"](), tmp_path / f"{name}.keras")
    assert (tmp_path / "a.keras").read_bytes() == (tmp_path / "b.keras").read_bytes()
    again = from_keras(load_model(tmp_path / "a.keras"), "model")
    assert again.content_hash() == from_keras(MODELS["encoder"](), "model").content_hash()


def test_h5_files_load(tmp_path):
    model = MODELS["encoder"]()
    model.save(tmp_path / "model.h5")
    again = from_keras(load_model(tmp_path / "model.h5"), "model")
    assert again.content_hash() == from_keras(model, "model").content_hash()


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_damaged_and_dangerous_files_are_one_line(tmp_path, suffix):
    path = tmp_path / f"model.{suffix}"
    with pytest.raises(QcompressError, match="no such model file"):
        load_model(path)
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(QcompressError, match=r"model\.\w+: not a readable Keras model"):
        load_model(path)
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x * 2)])
    model.save(path)
    with pytest.raises(QcompressError) as fault:
        load_model(path)
    assert "\n" not in str(fault.value)
