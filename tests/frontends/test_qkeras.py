"""The door to Keras: what it takes is exact, what it cannot prove it refuses by name."""

import numpy as np
import pytest

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.frontends.qkeras import KerasBody, from_keras, import_keras, load_model, save_model
from qcompress.graph import Quantize

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
    for layer in model.layers:
        if "normalization" not in type(layer).__name__.lower():
            layer.set_weights([rng.normal(0, 0.4, weight.shape) for weight in layer.get_weights()])
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


def chance_normalization():
    """gamma / sqrt(variance) is 1, but 1 / sqrt(variance) is 2 / 3."""
    constants = {"gamma": 1.5, "moving_variance": 2.25, "beta": 0.0, "moving_mean": 0.0}
    given = {f"{what}_initializer": keras.initializers.Constant(value) for what, value in constants.items()}
    return keras.layers.BatchNormalization(epsilon=0.0, name="norm", **given)


def relu(x):
    """A function with the name of Keras' own."""
    return x * x


class Flatten(keras.layers.Layer):
    """A layer with the name of Keras' own."""

    def call(self, inputs):
        return inputs


REFUSED = {
    "scale from data": (lambda: [quantizer(), dense(kernel_quantizer=bits(6, alpha="auto"))], "layer dense: .*alpha="),
    "float layer": (
        lambda: [quantizer(), keras.layers.Dense(2, name="plain")],
        "layer plain: its kernel has no quantizer; use QDense with kernel_quantizer=",
    ),
    "float activation": (
        lambda: [quantizer(), dense(activation="tanh")],
        "layer dense: tanh is on no grid: put a quantizer before it and one behind",
    ),
    "another axis": (
        lambda: [quantizer(), keras.layers.Reshape((2, 2)), keras.layers.BatchNormalization(axis=1, name="norm")],
        "layer norm: normalizes axis 1; use the last one",
    ),
    "no bias quantizer": (lambda: [quantizer(), dense(bias_quantizer=None)], "layer dense: its bias has no quantizer"),
    "stochastic": (
        lambda: [quantizer(), dense(), quantizer(qkeras.binary(alpha=1, use_stochastic_rounding=True), "q")],
        "layer q: .*stochastic",
    ),
    "noise": (lambda: [quantizer(), dense(), quantizer(bits(4, qnoise_factor=0.5), "q")], "layer q: .*qnoise_factor"),
    "scale of the batch": (
        lambda: [quantizer(), dense(), quantizer(bits(4, alpha="auto_po2"), "q")],
        "layer q: .*values of each batch; give alpha=1",
    ),
    "scales of channels": (
        lambda: [quantizer(), dense(), quantizer(bits(4, alpha=np.array([1.0, 2.0, 4.0])), "q")],
        "layer q: quantized_bits with 3 scales; give a single alpha",
    ),
    "a layer as an activation": (
        lambda: [
            quantizer(),
            dense(),
            keras.layers.Activation(keras.layers.Softmax(), name="act"),
            quantizer(name="q"),
        ],
        "layer act: activation Softmax is not supported",
    ),
    "random": (lambda: [quantizer(), dense(), quantizer("bernoulli()", "q")], "layer q: .*random numbers at inference"),
    "table of a wide sum": (
        lambda: [quantizer("quantized_relu(16,1)"), dense(), quantizer("quantized_tanh(20,use_real_tanh=1)", "q")],
        "layer q: quantized_tanh of .*put a quantizer of 16 bits or fewer before",
    ),
    "values on no grid": (
        lambda: [quantizer(), quantizer("quantized_ulaw(4)", "q"), dense()],
        "layer q: the results of quantized_ulaw are on no grid",
    ),
    "float slope": (
        lambda: [quantizer(), dense(), keras.layers.LeakyReLU(0.3, name="leaky")],
        "layer leaky: negative_slope 0.3 .*power of two",
    ),
    "float normalization": (
        lambda: [quantizer(), dense(), keras.layers.BatchNormalization(name="norm")],
        "layer norm: scale or shift is not exact .*inverse_quantizer",
    ),
    "normalization exact by chance": (
        lambda: [quantizer(), dense(1), chance_normalization()],
        "layer norm: scale or shift is not exact",
    ),
    "default epsilon": (
        lambda: [quantizer(), dense(), qkeras.QBatchNormalization(name="norm")],
        "layer norm: scale or shift is not exact .*epsilon=0",
    ),
    "softmax inside": (
        lambda: [quantizer(), dense(), keras.layers.Softmax(name="soft"), quantizer(name="q")],
        "layer soft: Softmax is not supported; use it only at the end",
    ),
    "softmax inline inside": (
        lambda: [quantizer(), dense(activation="softmax"), quantizer(name="q")],
        "layer dense: activation softmax is not supported",
    ),
    "real sigmoid without 0 of a wide sum": (
        lambda: [
            *(quantizer("quantized_relu(16,1)"), dense()),
            quantizer("quantized_sigmoid(20,symmetric=1,use_real_sigmoid=1)", "q"),
        ],
        "layer q: quantized_sigmoid of .*put a quantizer of 16 bits or fewer before",
    ),
    "a function of one's own": (
        lambda: [quantizer(), dense(), keras.layers.Activation(relu, name="own")],
        r"layer own: activation \S+\.relu is not supported",
    ),
    "half precision": (
        lambda: [quantizer(), dense(dtype="mixed_float16")],
        "layer dense: computes in float16; use float32",
    ),
    "recurrent": (
        lambda: [quantizer(), keras.layers.Reshape((2, 2, 1)), keras.layers.ConvLSTM1D(2, 1, name="lstm")],
        "layer lstm: ConvLSTM1D is not supported; use QDense",
    ),
    "lambda": (
        lambda: [quantizer(), keras.layers.Lambda(lambda x: 2 * x, output_shape=(4,), name="code")],
        "layer code: Lambda is not supported",
    ),
    "nothing": (lambda: [quantizer()], "nothing is left to compute"),
    "only softmax": (lambda: [keras.layers.Softmax(name="soft")], "layer soft: softmax is all there is"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_exact_is_refused_with_the_layer_named(what):
    layers, message = REFUSED[what]
    with pytest.raises(Refused, match=message):
        from_keras(sequential((4,), *layers()), "model")


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: keras.layers.Flatten(data_format="channels_first", name="flat"), "layer flat: .*channels first"),
        (lambda: Flatten(name="own"), r"layer own: \S+\.Flatten is not supported"),
        (
            lambda: keras.layers.AveragePooling2D(3, name="pool"),
            "layer pool: a mean of 9 elements .*or put a quantizer",
        ),
        (
            lambda: qkeras.QAveragePooling2D(3, average_quantizer=bits(8, alpha=0.3), name="pool"),
            "layer pool: average_quantizer gives no grid .*use quantized_bits",
        ),
        (lambda: keras.layers.AveragePooling2D(4, padding="same", name="pool"), "layer pool: windows at the edge"),
        (lambda: keras.layers.UpSampling2D(2, interpolation="bilinear", name="up"), "layer up: .*use 'nearest'"),
        (
            lambda: qkeras.QConv2DTranspose(2, 3, dilation_rate=2, kernel_quantizer=bits(4), name="wide"),
            "layer wide: .*dilation or output_padding; use neither",
        ),
        (lambda: keras.layers.Conv2D(2, 3, name="plain"), "layer plain: its kernel has no quantizer; use QConv2D"),
        (
            lambda: qkeras.QConv2DBatchnorm(2, 3, bias_quantizer=bits(4), name="fold"),
            "layer fold: its kernel has no quantizer; give kernel_quantizer",
        ),
    ],
)
def test_image_layers_that_are_not_exact_are_refused(layer, message):
    with pytest.raises(Refused, match=message):
        from_keras(sequential((6, 6, 2), quantizer(), layer()), "model")


@pytest.mark.parametrize("text", ["quantized_bits(4,1,alpha=1)", "quantized_relu(4,2)"])
def test_a_quantizer_alone_is_an_operation_behind_a_format_of_the_input(text):
    model = sequential((3,), qkeras.QActivation(text, name="alone"), keras.layers.Softmax())
    given = Format(True, 8, 4)
    graph = from_keras(model, "model", given)
    assert graph.input_format == given
    assert [type(node.operation) for node in graph.nodes] == [Quantize]
    codes = np.arange(-128, 127).reshape(-1, 3)
    assert np.array_equal(KerasBody(model, graph).run(codes), graph.run(codes))


@pytest.mark.parametrize("kind", ["quantized_bits(4,1,alpha=1", "quantized_relu(4,1", "quantized_relu_po2(4,2"])
def test_stochastic_rounding_is_to_nearest_at_inference(kind):
    text = f"{kind},use_stochastic_rounding=True)"
    kernel = qkeras.quantized_po2(4, 1, use_stochastic_rounding=True)
    model = sequential((4,), quantizer(), dense(kernel_quantizer=kernel), qkeras.QActivation(text, name="last"))
    graph = from_keras(model, "model")
    codes = np.random.default_rng(0).integers(0, 256, (200, 4))
    assert np.array_equal(KerasBody(model, graph).run(codes), graph.run(codes))


def test_output_padding_is_refused():
    layer = keras.layers.Conv2DTranspose(2, 3, 2, output_padding=1, kernel_initializer="ones", name="odd")
    with pytest.raises(Refused, match=r"layer odd: .*dilation or output_padding; use neither"):
        from_keras(keras.Sequential([keras.Input((6, 6, 2)), quantizer(), layer]), "model")


def test_functions_between_layers_are_refused_by_their_name():
    given = keras.Input((4,))
    with pytest.raises(Refused, match=r"operation \S+: Sin is not a layer; use a layer of keras\.layers"):
        from_keras(keras.Model(given, keras.ops.sin(quantizer()(given))), "model")


def test_causal_padding_is_refused_since_qkeras_cannot_compute_it():
    layer = qkeras.QConv1D(2, 3, padding="causal", kernel_quantizer=bits(4), use_bias=False, name="conv")
    with pytest.raises(Refused, match=r"layer conv: padding 'causal'.*ZeroPadding1D"):
        from_keras(sequential((6, 2), quantizer(), layer), "model")


def test_models_that_are_no_graph_of_layers_are_refused():
    with pytest.raises(Refused, match="use Sequential with an Input"):
        from_keras(keras.Sequential([dense()]), "model")


def test_weights_that_need_too_many_bits_are_refused():
    model = sequential((2,), quantizer(), dense(1, kernel_quantizer="quantized_po2(8)", use_bias=False))
    model.set_weights([np.array([[1e-6], [100.0]])])
    with pytest.raises(Refused, match=r"layer dense: its kernel is on no grid after quantized_po2; give fewer bits"):
        from_keras(model, "model")


def test_a_layer_may_not_have_the_name_of_anothers_inline_activation():
    inline = dense(name="a", activation="quantized_relu(5,1)")
    with pytest.raises(Refused, match="layer a_activation: another node already has this name; rename"):
        from_keras(sequential((4,), quantizer(), inline, quantizer(name="a_activation")), "model")
    model = sequential((4,), quantizer(), dense(name="a"), quantizer(bits(5), "q"), quantizer(bits(4), "q_activation"))
    graph = from_keras(model, "model")
    codes = np.random.default_rng(0).integers(0, 256, (100, 4))
    assert {
        name: (got == graph.trace(codes)[name]).all() for name, got in KerasBody(model, graph).trace(codes).items()
    } == {
        "a": True,
        "q": True,
        "q_activation": True,
    }


def test_a_functional_chain_is_a_chain():
    given = keras.Input((4,))
    model = keras.Model(given, dense()(quantizer()(given)))
    graph = from_keras(model, "chosen")
    assert graph.name == "chosen"
    assert [node.name for node in graph.nodes] == ["dense"]


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
