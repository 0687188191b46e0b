"""Model files as they are found in the field: every kind, both eras of Keras, damaged and dangerous ones."""

import json

import h5py
import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import draw_weights, keras, layers, qkeras

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.keras2 import modernized
from qcompress.frontends.qkeras import convert, load_model

INPUT = Format.parse("fixed<16,6>")


def bits(width=6):
    return qkeras.quantized_bits(width, 0, alpha=1)


def weighted(width=6):
    return {"kernel_quantizer": bits(width), "bias_quantizer": bits(width)}


def jet_tagger():
    """16-64-32-32-5 with weights of 6 bits, no quantizer on the input, softmax at the end."""
    chain = [keras.Input((16,))]
    for count, units in enumerate((64, 32, 32), 1):
        chain += [qkeras.QDense(units, name=f"fc{count}", **weighted())]
        chain += [qkeras.QActivation(qkeras.quantized_relu(6), name=f"relu{count}")]
    chain += [qkeras.QDense(5, name="output", **weighted()), layers.Activation("softmax", name="softmax")]
    return keras.Sequential(chain)


def image_classifier():
    """A small convolutional network with pooling on 28 x 28 pixels."""
    chain = [keras.Input((28, 28, 1)), qkeras.QActivation("quantized_bits(8,0,alpha=1)", name="pixels")]
    for count, filters in enumerate((4, 6), 1):
        chain += [qkeras.QConv2D(filters, 3, name=f"conv{count}", **weighted(4))]
        chain += [qkeras.QActivation("quantized_relu(5,2)", name=f"relu{count}")]
        chain += [layers.MaxPooling2D(2, name=f"pool{count}")]
    chain += [layers.Flatten(name="flat"), layers.Dropout(0.5), qkeras.QDense(10, name="digits", **weighted(4))]
    return keras.Sequential([*chain, layers.Softmax(name="softmax")])


def pulse_cleaner():
    """A chain over time steps: padding, convolution, pooling, up-sampling, a quantized sigmoid."""
    given = keras.Input((20, 1))
    x = qkeras.QActivation("quantized_bits(10,2,alpha=1)", name="digits")(given)
    x = layers.ZeroPadding1D(2, name="pad")(x)
    x = qkeras.QConv1D(4, 5, name="encode", activation="quantized_relu(6,2)", **weighted())(x)
    x = layers.AveragePooling1D(2, name="pool")(x)
    x = layers.UpSampling1D(2, name="up")(x)
    x = qkeras.QConv1D(1, 3, padding="same", name="decode", **weighted())(x)
    x = qkeras.QActivation("quantized_bits(9,2,alpha=1)", name="narrow")(x)
    return keras.Model(given, qkeras.QActivation("quantized_sigmoid(7)", name="keep")(x))


def shifts_alone():
    """Weights that are powers of two."""
    po2 = {"kernel_quantizer": qkeras.quantized_po2(4, 1), "bias_quantizer": qkeras.quantized_po2(4, 1)}
    chain = [qkeras.QDense(12, name="a", activation="quantized_relu(4,1)", **po2), qkeras.QDense(3, name="b", **po2)]
    return keras.Sequential([keras.Input((8,)), qkeras.QActivation("quantized_relu(6,1)", name="first"), *chain])


MODELS = {model.__name__: model for model in (jet_tagger, image_classifier, pulse_cleaner, shifts_alone)}


def drawn(name):
    model = MODELS[name]()
    draw_weights(np.random.default_rng(4), model)
    return model


def compiled(model):
    return convert(model, "model", INPUT)


@pytest.mark.parametrize("name", MODELS)
def test_models_of_the_field_equal_keras_and_survive_every_kind_of_file(name, tmp_path):
    model = drawn(name)
    found = compiled(model)
    codes = boundary_and_random_codes(found.graph, np.random.default_rng(0), 100)
    assert_equal_in_every_layer(model, found.graph, codes)
    told = " ".join(found.notes)
    assert ("left out" in told) == (name in {"jet_tagger", "image_classifier"})
    assert (f"input format {INPUT} was not used" in told) == (found.graph.input_format != INPUT)
    model.save(tmp_path / "whole.keras")
    model.save(tmp_path / "whole.h5")
    (tmp_path / "split.json").write_text(model.to_json())
    model.save_weights(tmp_path / "split.weights.h5")
    for file in ("whole.keras", "whole.h5", "split.json"):
        again = compiled(load_model(tmp_path / file))
        assert again.graph.content_hash() == found.graph.content_hash(), file


def old_quantizer(kind, **config):
    return {"class_name": kind, "config": config}


def old_bits(width):
    options = {"bits": width, "integer": 0, "symmetric": 0, "alpha": 1, "keep_negative": True}
    return old_quantizer("quantized_bits", **options, use_stochastic_rounding=False, qnoise_factor=1.0)


def old_dense(name, units, first=None):
    """QDense as QKeras 0.9 wrote it with Keras 2."""
    clip = {"class_name": "Clip", "config": {"min_value": -1.0, "max_value": 1.0}}
    shape = {"batch_input_shape": [None, first]} if first else {}
    return {
        "class_name": "QDense",
        "config": {
            "name": name,
            "trainable": True,
            **shape,
            "dtype": "float32",
            "units": units,
            "activation": "linear",
            "use_bias": True,
            "kernel_initializer": {"class_name": "VarianceScaling", "config": {"scale": 1.0, "mode": "fan_in"}},
            "bias_initializer": {"class_name": "Zeros", "config": {}},
            "kernel_regularizer": {"class_name": "L1L2", "config": {"l1": 1e-4, "l2": 0.0}},
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": clip,
            "bias_constraint": clip,
            "kernel_quantizer": old_bits(6),
            "bias_quantizer": old_bits(6),
            "kernel_range": None,
            "bias_range": None,
        },
    }


def old_activation(name, text):
    return {"class_name": "QActivation", "config": {"name": name, "trainable": True, "activation": text}}


def old_sequential(with_input):
    given = {"batch_input_shape": [None, 16], "dtype": "float32", "sparse": False, "ragged": False, "name": "fc1_input"}
    chain = [
        old_dense("fc1", 8, None if with_input else 16),
        old_activation("relu1", "quantized_relu(6)"),
        old_dense("output", 5),
        {"class_name": "Activation", "config": {"name": "softmax", "trainable": True, "activation": "softmax"}},
    ]
    if with_input:
        chain.insert(0, {"class_name": "InputLayer", "config": given})
    return {"class_name": "Sequential", "config": {"name": "old", "layers": chain}}


def old_functional():
    """The same network as a Keras 2 functional model, with its lists of inbound nodes."""
    architecture = old_sequential(with_input=True)
    before = None
    for layer in architecture["config"]["layers"]:
        layer["name"] = layer["config"]["name"]
        layer["inbound_nodes"] = [[[before, 0, 0, {}]]] if before else []
        before = layer["name"]
    ends = {"input_layers": [["fc1_input", 0, 0]], "output_layers": [[before, 0, 0]]}
    return {"class_name": "Model", "config": architecture["config"] | ends}


OLD = {
    "sequential": lambda: old_sequential(with_input=True),
    "sequential without an input layer": lambda: old_sequential(with_input=False),
    "functional": old_functional,
}


def write_old_weights(group, weights, names):
    """Weights in the layout of Keras 2: a group for each layer, names with ":0"."""
    group.attrs["layer_names"] = [name.encode() for name in names]
    group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", b"2.4.0"
    for name in names:
        own = group.create_group(name)
        stored = {f"{name}/{what}:0": values for what, values in weights.get(name, {}).items()}
        own.attrs["weight_names"] = [key.encode() for key in stored]
        for key, values in stored.items():
            own[key] = np.asarray(values, np.float32)


@pytest.mark.parametrize("name", OLD)
@pytest.mark.parametrize("kind", ["json", "h5"])
def test_files_of_the_keras_2_era_load(name, kind, tmp_path):
    rng = np.random.default_rng(0)
    weights = {
        "fc1": {"kernel": rng.normal(0, 0.5, (16, 8)), "bias": rng.normal(0, 0.5, 8)},
        "output": {"kernel": rng.normal(0, 0.5, (8, 5)), "bias": rng.normal(0, 0.5, 5)},
    }
    architecture = OLD[name]() | {"keras_version": "2.4.0", "backend": "tensorflow"}
    path = tmp_path / f"model.{kind}"
    with h5py.File(tmp_path / ("model.h5" if kind == "h5" else "model_weights.h5"), "w") as file:
        if kind == "h5":
            file.attrs["model_config"] = json.dumps(architecture)
            file.attrs["keras_version"] = "2.4.0"
        group = file.create_group("model_weights") if kind == "h5" else file
        write_old_weights(group, weights, ["fc1", "relu1", "output", "softmax"])
    if kind == "json":
        path.write_text(json.dumps(architecture))
    graph = compiled(load_model(path)).graph
    assert [node.name for node in graph.nodes] == ["fc1", "relu1", "output"]
    bits6 = Format.parse("fixed<6,1>")
    expected = np.clip(np.rint(weights["fc1"]["kernel"].astype("f4") * 32), bits6.min_code, bits6.max_code)
    assert (graph.nodes[0].operation.kernel == expected).all()


def old_layer(kind, name, **config):
    return {"class_name": kind, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}


OLD_WINDOWS = {
    "strides": [1, 1],
    "padding": "same",
    "data_format": "channels_last",
    "dilation_rate": [1, 1],
    "groups": 1,
}
OLD_RELU = {"bits": 6, "integer": 1, "use_sigmoid": 0, "negative_slope": 0.0, "use_stochastic_rounding": False}


def old_image_network():
    """Convolution, normalization and depthwise convolution with the keys that only Keras 2 wrote."""
    po2 = {"max_value": None, "use_stochastic_rounding": False, "quadratic_approximation": False}
    chain = [
        old_layer(
            "QConv2D",
            "conv",
            batch_input_shape=[None, 6, 6, 1],
            filters=2,
            kernel_size=[3, 3],
            **OLD_WINDOWS,
            activation=old_quantizer("quantized_relu", **OLD_RELU, relu_upper_bound=None),
            use_bias=True,
            kernel_initializer=old_quantizer(
                "QInitializer",
                initializer={"class_name": "HeNormal", "config": {"seed": None}},
                use_scale=True,
                quantizer=old_bits(6),
            ),
            kernel_quantizer=old_bits(6),
            bias_quantizer=old_bits(6),
        ),
        old_layer(
            "QBatchNormalization",
            "norm",
            axis=[3],
            epsilon=0.0,
            beta_quantizer=old_quantizer("quantized_po2", bits=5, **po2),
            gamma_quantizer=old_quantizer("quantized_relu_po2", bits=6, negative_slope=0, **po2),
            mean_quantizer=None,
            variance_quantizer=None,
            beta_range=None,
            gamma_range=None,
        ),
        old_layer(
            "QDepthwiseConv2D",
            "depthwise",
            kernel_size=[3, 3],
            **OLD_WINDOWS,
            activation="linear",
            use_bias=False,
            depth_multiplier=1,
            depthwise_initializer={"class_name": "HeNormal", "config": {"seed": None}},
            depthwise_quantizer=old_bits(6),
            bias_quantizer=None,
        ),
        old_layer("MaxPooling2D", "pool", pool_size=[2, 2], strides=[2, 2], padding="valid"),
        old_layer("QActivation", "last", activation=old_bits(5)),
    ]
    return {"class_name": "Sequential", "config": {"name": "old", "layers": chain}}


def test_an_image_network_of_the_keras_2_era_loads(tmp_path):
    rng = np.random.default_rng(0)
    stored = {
        "conv": {"kernel": rng.normal(0, 0.5, (3, 3, 1, 2)), "bias": rng.normal(0, 0.5, 2)},
        "norm": {"gamma": [2, 1], "beta": [0.5, 1], "moving_mean": [0.5, 0.25], "moving_variance": [4, 0.25]},
        "depthwise": {"depthwise_kernel": rng.normal(0, 0.5, (3, 3, 2, 1))},
    }
    with h5py.File(tmp_path / "model.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(old_image_network())
        write_old_weights(file.create_group("model_weights"), stored, ["conv", "norm", "depthwise", "pool", "last"])
    model = load_model(tmp_path / "model.h5")
    graph = compiled(model).graph
    assert [node.name for node in graph.nodes] == ["conv", "conv_activation", "norm", "depthwise", "pool", "last"]
    assert graph.nodes[2].operation.kernel.tolist() == [1, 2]
    assert_equal_in_every_layer(model, graph, boundary_and_random_codes(graph, rng, 100))


@pytest.fixture
def split(tmp_path):
    model = drawn("shifts_alone")
    (tmp_path / "net.json").write_text(model.to_json())
    return model, tmp_path


def test_weights_are_found_beside_the_architecture_or_given(split):
    model, folder = split
    model.save_weights(folder / "elsewhere.weights.h5")
    with pytest.raises(QcompressError, match=r"no weights beside it; put net\.weights\.h5 there"):
        load_model(folder / "net.json")
    with pytest.raises(QcompressError, match=r"absent\.h5: no such file of weights"):
        load_model(folder / "net.json", folder / "absent.h5")
    given = load_model(folder / "net.json", folder / "elsewhere.weights.h5")
    (folder / "elsewhere.weights.h5").rename(folder / "net.weights.h5")
    found = load_model(folder / "net.json")
    assert compiled(found).graph.content_hash() == compiled(given).graph.content_hash()


def written(folder, name, content):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


DAMAGED = {
    "empty.keras": b"",
    "empty.h5": b"",
    "empty.json": b"",
    "text.keras": b"nothing of the kind",
    "text.h5": b"nothing of the kind",
    "text.json": b"nothing of the kind",
    "list.json": [1, 2],
    "no_config.json": {"class_name": "Sequential"},
    "unknown_layer.json": {"class_name": "Sequential", "config": [{"class_name": "Nonsense", "config": {}}]},
    "model.pb": b"nothing of the kind",
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_files_are_one_line(name, tmp_path):
    with pytest.raises(QcompressError) as fault:
        load_model(written(tmp_path, name, DAMAGED[name]))
    assert name in str(fault.value)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_truncated_files_are_one_line(suffix, keep, tmp_path):
    path = tmp_path / f"model.{suffix}"
    drawn("shifts_alone").save(path)
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    with pytest.raises(QcompressError) as fault:
        load_model(path)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("suffix", ["keras", "h5", "json"])
def test_lambda_layers_are_named_and_not_run(suffix, tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x * 2, name="secret")])
    path = tmp_path / f"model.{suffix}"
    if suffix == "json":
        path.write_text(model.to_json())
    else:
        model.save(path)
    with pytest.raises(QcompressError, match=r"layer secret: Lambda holds code, which is not run; replace it"):
        load_model(path)


def test_operation_layers_of_keras_2_are_not_run(tmp_path):
    config = {"name": "tf.system", "function": "io.write_file"}
    content = {"class_name": "Functional", "config": {"layers": [{"class_name": "TFOpLambda", "config": config}]}}
    with pytest.raises(QcompressError, match=r"layer tf\.system: TFOpLambda holds code"):
        load_model(written(tmp_path, "model.json", content))


@pytest.mark.parametrize("config", [{}, [], None])
def test_code_in_a_layer_without_a_name_is_not_run(config, tmp_path):
    content = {"class_name": "Sequential", "config": [{"class_name": "Lambda", "config": config}]}
    with pytest.raises(QcompressError, match="layer without a name: Lambda holds code"):
        load_model(written(tmp_path, "model.json", content))


def test_weights_alone_are_no_model(tmp_path):
    drawn("shifts_alone").save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(QcompressError, match=r"holds weights alone; give the \.json"):
        load_model(tmp_path / "model.weights.h5")


def test_weights_of_another_model_are_refused(split):
    _, folder = split
    other = drawn("jet_tagger")
    other.save_weights(folder / "net.weights.h5")
    with pytest.raises(QcompressError, match=r"net\.weights\.h5: not the weights of net\.json \(A total of"):
        load_model(folder / "net.json")


def test_an_unknown_quantizer_is_named(split):
    model, folder = split
    model.save_weights(folder / "net.weights.h5")
    text = drawn("pulse_cleaner").to_json().replace("quantized_sigmoid", "quantized_nonsense")
    (folder / "net.json").write_text(text)
    with pytest.raises(QcompressError, match=r"net\.json: not a readable Keras model \(.*quantized_nonsense"):
        load_model(folder / "net.json")


def test_without_an_input_quantizer_the_format_is_asked_for():
    with pytest.raises(Refused, match=r'--input-format "fixed<16,6>"'):
        convert(drawn("jet_tagger"), "model")


@pytest.mark.parametrize(("named", "name"), [({"name": "wide"}, "wide_input"), ({}, "first_input")])
def test_a_sequential_model_of_keras_2_gets_its_input_layer(named, name):
    first = {"class_name": "Dense", "config": {"batch_input_shape": [None, 4], "units": 2, **named}}
    found = modernized({"class_name": "Sequential", "config": [first]})["config"]["layers"]
    assert found[0] == {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": name}}
    assert found[1:] == [{"class_name": "Dense", "config": {"units": 2, **named}}]


def test_a_sequential_model_of_keras_2_2_is_a_list_of_layers(tmp_path):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="only")])
    model.save_weights(tmp_path / "net.weights.h5")
    only = {"name": "only", "units": 2, "batch_input_shape": [None, 4]}
    again = load_model(
        written(tmp_path, "net.json", {"class_name": "Sequential", "config": [{"class_name": "Dense", "config": only}]})
    )
    assert again.input_shape == (None, 4)
    assert np.array_equal(again.layers[0].get_weights()[0], model.layers[0].get_weights()[0])


def test_a_functional_architecture_and_its_weights_make_the_same_model(tmp_path):
    given = keras.Input((4,))
    found = qkeras.QDense(3, kernel_quantizer="quantized_bits(4,0,alpha=1)", use_bias=False)(given)
    model = keras.Model(given, layers.Add()([found, found]))
    draw_weights(np.random.default_rng(0), model)
    (tmp_path / "net.json").write_text(model.to_json())
    model.save_weights(tmp_path / "net.weights.h5")
    again = load_model(tmp_path / "net.json")
    assert type(again) is keras.Model or type(again).__name__ == "Functional"
    wanted, got = (convert(one, "net", Format(True, 6, 3)).graph.content_hash() for one in (model, again))
    assert wanted == got


def test_the_reason_of_keras_stands_without_its_surroundings(tmp_path):
    content = {"class_name": "Sequential", "config": [{"class_name": "Nonsense", "config": {}}]}
    written(tmp_path, "model.weights.h5", b"")
    with pytest.raises(QcompressError) as fault:
        load_model(written(tmp_path, "model.json", content))
    assert "Nonsense" in str(fault.value)
    assert "Exception encountered" not in str(fault.value)
