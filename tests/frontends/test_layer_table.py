"""Every layer by itself: the graph gives Keras' codes, on random and on extreme input codes."""

import re
from functools import lru_cache

import numpy as np
import pytest
from helpers.comparison import boundary_and_random_codes
from helpers.paths import ROOT
from helpers.random_models import draw_weights, keras, layers, qkeras

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.qkeras import KerasBody, convert, from_keras, load_model
from qcompress.graph import Conv1D, Conv2D

SIGNED = "quantized_bits(6,1,alpha=1)"


def weight(width=6, **options):
    return qkeras.quantized_bits(width, 0, **{"alpha": 1, **options})


def kernel_and_bias(**options):
    return {"kernel_quantizer": weight(), "bias_quantizer": weight(), **options}


def depthwise_and_bias(**options):
    return {"depthwise_quantizer": weight(), "bias_quantizer": weight(), **options}


def averaged(**options):
    return {"average_quantizer": weight(8), **options}


def masked():
    mask = np.array([[1, 0, 1], [0, 1, 0], [1, 1, 0]], np.float32)
    return qkeras.QConv2D(3, 3, mask=mask, **kernel_and_bias())


def exact_normalization():
    return layers.BatchNormalization(epsilon=0.0)


def inverse_normalization(**options):
    return qkeras.QBatchNormalization(
        gamma_quantizer=None,
        variance_quantizer=None,
        inverse_quantizer=weight(8),
        mean_quantizer=weight(5),
        beta_quantizer=weight(5),
        **options,
    )


ROW, STEPS, IMAGE = (6,), (9, 3), (7, 6, 2)

LAYERS = {
    "dense": (ROW, lambda: qkeras.QDense(4, **kernel_and_bias())),
    "dense on steps": (STEPS, lambda: qkeras.QDense(4, **kernel_and_bias())),
    "dense on an image": (IMAGE, lambda: qkeras.QDense(4, **kernel_and_bias())),
    "dense without bias": (ROW, lambda: qkeras.QDense(4, kernel_quantizer=weight(), use_bias=False)),
    "dense, inline relu": (ROW, lambda: qkeras.QDense(4, activation="quantized_relu(5,1)", **kernel_and_bias())),
    "dense, inline plain relu": (ROW, lambda: qkeras.QDense(4, activation="relu", **kernel_and_bias())),
    "dense, inline tanh": (ROW, lambda: qkeras.QDense(4, activation="quantized_tanh(5)", **kernel_and_bias())),
    "conv 1d same": (STEPS, lambda: qkeras.QConv1D(4, 4, padding="same", strides=2, **kernel_and_bias())),
    "conv 1d dilated": (STEPS, lambda: qkeras.QConv1D(4, 3, dilation_rate=2, **kernel_and_bias())),
    "conv 2d same": (IMAGE, lambda: qkeras.QConv2D(4, (3, 2), padding="same", strides=2, **kernel_and_bias())),
    "conv 2d valid": (IMAGE, lambda: qkeras.QConv2D(4, 3, strides=(2, 1), **kernel_and_bias())),
    "conv 2d dilated": (IMAGE, lambda: qkeras.QConv2D(4, 2, dilation_rate=2, padding="same", **kernel_and_bias())),
    "conv 2d groups": (IMAGE, lambda: qkeras.QConv2D(4, 3, groups=2, **kernel_and_bias())),
    "conv 2d mask": (IMAGE, masked),
    "depthwise": (IMAGE, lambda: qkeras.QDepthwiseConv2D(3, **depthwise_and_bias())),
    "depthwise multiplied": (
        IMAGE,
        lambda: qkeras.QDepthwiseConv2D(3, padding="same", strides=2, depth_multiplier=2, **depthwise_and_bias()),
    ),
    "depthwise without bias": (
        IMAGE,
        lambda: qkeras.QDepthwiseConv2D(2, depth_multiplier=2, depthwise_quantizer=weight(), use_bias=False),
    ),
    "separable 1d": (
        STEPS,
        lambda: qkeras.QSeparableConv1D(4, 3, pointwise_quantizer=weight(4), **depthwise_and_bias()),
    ),
    "separable 2d": (
        IMAGE,
        lambda: qkeras.QSeparableConv2D(4, 3, padding="same", pointwise_quantizer=weight(4), **depthwise_and_bias()),
    ),
    "transposed same": (IMAGE, lambda: qkeras.QConv2DTranspose(3, 3, strides=2, padding="same", **kernel_and_bias())),
    "transposed valid": (IMAGE, lambda: qkeras.QConv2DTranspose(3, (2, 4), strides=3, **kernel_and_bias())),
    "transposed small": (IMAGE, lambda: qkeras.QConv2DTranspose(3, 1, strides=2, padding="same", **kernel_and_bias())),
    "plain dense": (ROW, lambda: layers.Dense(4, activation="relu")),
    "plain conv 1d causal": (STEPS, lambda: layers.Conv1D(2, 3, padding="causal", dilation_rate=2)),
    "plain conv 2d": (IMAGE, lambda: layers.Conv2D(3, 3, padding="same")),
    "plain depthwise 1d": (STEPS, lambda: layers.DepthwiseConv1D(3, depth_multiplier=2, use_bias=False)),
    "plain depthwise 2d": (IMAGE, lambda: layers.DepthwiseConv2D(3)),
    "plain separable": (IMAGE, lambda: layers.SeparableConv2D(3, 2)),
    "plain transposed": (IMAGE, lambda: layers.Conv2DTranspose(3, 2, strides=2)),
    "normalization": (ROW, exact_normalization),
    "normalization of an image": (IMAGE, exact_normalization),
    "quantized normalization": (ROW, inverse_normalization),
    "quantized normalization of an image": (IMAGE, inverse_normalization),
    "quantized normalization without scale": (ROW, lambda: inverse_normalization(scale=False)),
    "quantized normalization without shift": (ROW, lambda: inverse_normalization(center=False)),
    "default normalization without epsilon": (STEPS, lambda: qkeras.QBatchNormalization(epsilon=0.0)),
    "flatten": (IMAGE, layers.Flatten),
    "reshape": (IMAGE, lambda: layers.Reshape((-1, 7))),
    "reshape to one axis": (IMAGE, lambda: layers.Reshape((-1,))),
    "permute": (IMAGE, lambda: layers.Permute((3, 1, 2))),
    "padding 1d": (STEPS, lambda: layers.ZeroPadding1D((1, 2))),
    "padding 2d": (IMAGE, lambda: layers.ZeroPadding2D(((1, 2), (0, 3)))),
    "cropping 1d": (STEPS, lambda: layers.Cropping1D((1, 2))),
    "cropping 2d": (IMAGE, lambda: layers.Cropping2D(((1, 2), (0, 3)))),
    "up-sampling 1d": (STEPS, lambda: layers.UpSampling1D(3)),
    "up-sampling 2d": (IMAGE, lambda: layers.UpSampling2D((2, 3))),
    "max pooling 1d": (STEPS, lambda: layers.MaxPooling1D(3, strides=2, padding="same")),
    "max pooling 2d": (IMAGE, lambda: layers.MaxPooling2D((2, 3), strides=1, padding="same")),
    "max pooling 2d valid": (IMAGE, lambda: layers.MaxPooling2D(3)),
    "average pooling 1d": (STEPS, lambda: layers.AveragePooling1D(4, strides=3)),
    "average pooling 2d": (IMAGE, lambda: layers.AveragePooling2D((2, 4), strides=1)),
    "quantized average pooling": (IMAGE, lambda: qkeras.QAveragePooling2D((2, 4), **averaged())),
    "quantized average of three": (
        IMAGE,
        lambda: qkeras.QAveragePooling2D(3, activation="quantized_bits(6,1,alpha=1)", **averaged()),
    ),
    "global maximum 1d": (STEPS, layers.GlobalMaxPooling1D),
    "global maximum 2d": (IMAGE, lambda: layers.GlobalMaxPooling2D(keepdims=True)),
    "global average": ((4, 8, 2), layers.GlobalAveragePooling2D),
    "global average 1d": ((8, 2), lambda: layers.GlobalAveragePooling1D(keepdims=True)),
    "quantized global average": (IMAGE, lambda: qkeras.QGlobalAveragePooling2D(**averaged())),
    "relu": (ROW, layers.ReLU),
    "relu up to six": (ROW, lambda: layers.ReLU(max_value=1.5)),
    "leaky relu": (ROW, lambda: layers.LeakyReLU(negative_slope=0.25)),
    "relu with a slope": (ROW, lambda: layers.ReLU(negative_slope=0.5)),
    "activation": (ROW, lambda: layers.Activation("relu")),
    "relu as QActivation": (ROW, lambda: qkeras.QActivation("relu")),
    "hard tanh": (ROW, lambda: qkeras.QActivation("hard_tanh")),
    "quantizer in Activation": (ROW, lambda: layers.Activation(qkeras.quantized_relu(3, 1))),
}


def one_layer(shape, layer):
    """Quantizer, the layer, and a dense layer that needs its exact shape and grid."""
    return beside_each_other(shape, {"last": layer})


def beside_each_other(shape, tested):
    """One quantizer, and behind it each of the layers that are `tested`, with a dense layer of that name behind it."""
    keras.utils.set_random_seed(1)
    given = keras.Input(shape)
    first = qkeras.QActivation(SIGNED, name="first")(given)
    ends = [qkeras.QDense(2, name=name, **kernel_and_bias())(layer(first)) for name, layer in tested.items()]
    model = keras.Model(given, ends if len(ends) > 1 else ends[0])
    draw_weights(np.random.default_rng(1), model)
    for layer in tested.values():
        if not hasattr(layer, "get_quantizers"):  # a plain layer: weights on a grid as they are
            layer.set_weights([np.round(8 * weight) / 8 for weight in layer.get_weights()])
    return model


def needs_float64(name):
    return name.startswith("quantized average")


@lru_cache
def compared(shape, wide):
    """Layers of a shape in one model, which Keras sums in float64 or not: what Keras and what the graph give."""
    own = [name for name in LAYERS if LAYERS[name][0] == shape and needs_float64(name) == wide]
    tested = [LAYERS[name][1]() for name in own]
    for place, layer in enumerate(tested):
        layer.name = f"tested{place}"
    model = beside_each_other(shape, {f"last{place}": layer for place, layer in enumerate(tested)})
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    body = KerasBody(model, graph)
    assert body.dtype == ("float64" if wide else "float32")
    seen = body.trace(codes)
    nodes = {}
    for place, name in enumerate(own):
        (node,) = [node for node in seen if node.split("_")[0] == f"tested{place}"]  # with an inline activation, its
        nodes[name] = (node, f"last{place}")
    return nodes, seen, graph.trace(codes)


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_equals_keras(name):
    nodes, seen, traced = compared(LAYERS[name][0], needs_float64(name))
    for node in nodes[name]:
        assert (seen[node] == traced[node]).all(), node
    assert len(np.unique(traced[nodes[name][1]])) > 10


@pytest.mark.parametrize(("name", "kind"), [("conv 1d same", Conv1D), ("conv 2d same", Conv2D)])
def test_a_convolution_has_the_axes_of_its_layer(name, kind):
    shape, layer = LAYERS[name]
    graph = from_keras(one_layer(shape, layer()), "model")
    assert [type(node.operation) for node in graph.nodes if isinstance(node.operation, Conv1D | Conv2D)] == [kind]


@pytest.mark.campaign
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_survives_every_kind_of_file(name, tmp_path):
    shape, layer = LAYERS[name]
    model = one_layer(shape, layer())
    model.save(tmp_path / "whole.keras")
    model.save(tmp_path / "whole.h5")
    (tmp_path / "split.json").write_text(model.to_json())
    model.save_weights(tmp_path / "split.weights.h5")
    expected = from_keras(model, "model").content_hash()
    for file in ("whole.keras", "whole.h5", "split.json"):
        assert from_keras(load_model(tmp_path / file), "model").content_hash() == expected, file


def functional(*layers_, shape=(6,)):
    given = keras.Input(shape)
    x = given
    for layer in layers_:
        x = layer(x)
    return given, x


@pytest.mark.parametrize("joint", [layers.Add, layers.Multiply, layers.Concatenate])
def test_three_branches_of_different_formats_are_merged(joint):
    given, x = functional(qkeras.QActivation(SIGNED))
    ways = [qkeras.QActivation(text)(x) for text in ("quantized_relu(3,1)", "quantized_bits(4,0,alpha=1)")]
    model = keras.Model(given, joint()([x, *ways]))
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


def test_subtraction_keeps_the_order():
    given, x = functional(qkeras.QActivation(SIGNED))
    model = keras.Model(given, layers.Subtract()([qkeras.QActivation("quantized_relu(3,1)")(x), x]))
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


def test_concatenation_along_a_spatial_axis():
    given, x = functional(qkeras.QActivation(SIGNED), shape=(4, 3))
    model = keras.Model(given, layers.Concatenate(axis=1)([x, layers.ReLU()(x)]))
    graph = from_keras(model, "model")
    assert graph.output_shape == (8, 3)
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


def test_two_quantizers_of_one_input_need_its_format():
    given = keras.Input((3,))
    ways = [qkeras.QActivation(text)(given) for text in ("quantized_relu(3,1)", "quantized_bits(4,0,alpha=1)")]
    model = keras.Model(given, layers.Add()(ways))
    with pytest.raises(Refused, match="does not begin with a quantizer"):
        from_keras(model, "model")
    graph = from_keras(model, "model", Format.parse("fixed<8,3>"))
    codes = np.arange(-128, 128)[:, None].repeat(3, axis=1)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


def test_a_group_normalization_is_refused_with_what_to_use():
    chain = [qkeras.QActivation(SIGNED), layers.GroupNormalization(2, name="it"), qkeras.QActivation(SIGNED)]
    with pytest.raises(Refused, match="layer it: GroupNormalization is not supported; use BatchNormalization: a dev"):
        from_keras(keras.Model(*functional(*chain, shape=IMAGE)), "model")


def test_linear_activations_are_no_layers_wherever_they_stand():
    lines = [layers.Activation("linear"), qkeras.QActivation("linear")]
    chain = [*lines, qkeras.QActivation(SIGNED), *lines, qkeras.QDense(2, name="last", **kernel_and_bias()), lines[0]]
    graph = from_keras(keras.Model(*functional(*chain)), "model")
    assert str(graph.input_quantizer) == "fixed<6,2,RND_CONV,SAT>"
    assert [node.name for node in graph.nodes] == ["last"]


def test_layers_in_float64_are_taken():
    chain = [qkeras.QActivation(SIGNED), layers.ReLU(dtype="float64"), qkeras.QDense(2, **kernel_and_bias())]
    model = keras.Model(*functional(*chain))
    draw_weights(np.random.default_rng(0), model)
    graph = from_keras(model, "model")
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 50)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


def test_a_layer_used_twice_is_two_nodes():
    between = qkeras.QActivation(SIGNED, name="q")
    twice = qkeras.QDense(6, name="twice", **kernel_and_bias())
    given, x = functional(between, twice, between, twice)
    model = keras.Model(given, x)
    draw_weights(np.random.default_rng(0), model)
    graph = from_keras(model, "model")
    assert [node.name for node in graph.nodes] == ["twice", "q_2", "twice_2"]
    again = functional(between, twice, between, twice, between, twice)
    thrice = from_keras(keras.Model(*again), "model")
    assert [node.name for node in thrice.nodes] == ["twice", "q_2", "twice_2", "q_3", "twice_3"]
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    assert {k: v.tolist() for k, v in KerasBody(model, graph).trace(codes).items()} == {
        k: v.tolist() for k, v in graph.trace(codes).items()
    }


@pytest.mark.parametrize("between", [SIGNED, "quantized_relu(5,1)", "quantized_tanh(4,use_real_tanh=True)"])
def test_a_model_inside_a_model_is_unrolled(between):
    chain = [qkeras.QDense(5, name="a", **kernel_and_bias()), qkeras.QActivation(between, name="q")]
    inner = keras.Sequential([keras.Input((6,)), *chain], name="inner")
    given, x = functional(qkeras.QActivation(SIGNED), inner, qkeras.QDense(2, name="last", **kernel_and_bias()))
    model = keras.Model(given, x)
    draw_weights(np.random.default_rng(0), inner)
    graph = from_keras(model, "model")
    assert [node.name for node in graph.nodes] == ["inner_a", "inner_q", "last"]
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    seen, traced = KerasBody(model, graph).trace(codes), graph.trace(codes)
    assert list(seen) == list(traced)
    assert all((seen[node] == traced[node]).all() for node in seen)


ENDS = {
    "Softmax": lambda: layers.Softmax(name="end"),
    "Activation": lambda: layers.Activation("softmax", name="end"),
    "QActivation": lambda: qkeras.QActivation("softmax", name="end"),
    "sigmoid": lambda: layers.Activation("sigmoid", name="end"),
}


@pytest.mark.parametrize("kind", [*ENDS, "inline"])
def test_a_final_softmax_is_left_out_and_said(kind):
    activation = "softmax" if kind == "inline" else None
    head = qkeras.QDense(4, name="logits", activation=activation, **kernel_and_bias())
    given, x = functional(qkeras.QActivation(SIGNED), head, *([] if kind == "inline" else [ENDS[kind]()]))
    model = keras.Model(given, x)
    draw_weights(np.random.default_rng(0), model)
    graph, notes = (found := convert(model, "model")).graph, found.notes
    assert [node.name for node in graph.nodes] == ["logits"]
    assert len(notes) == 1
    assert "the graph ends at the logits" in notes[0]
    assert convert(model, "model", graph.input_format).notes == notes
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    body = KerasBody(model, graph)
    assert (body.run(codes) == graph.run(codes)).all()
    assert (body.trace(codes)["logits"] == graph.run(codes)).all()


def test_an_inline_softmax_behind_several_layers_is_cut_alone():
    inner = [qkeras.QActivation(SIGNED), qkeras.QDense(5, name="a", activation=SIGNED, **kernel_and_bias())]
    head = qkeras.QDense(3, name="logits", activation="softmax", **kernel_and_bias())
    model = keras.Model(*functional(*inner, qkeras.QActivation(SIGNED, name="q"), head))
    draw_weights(np.random.default_rng(0), model)
    graph = from_keras(model, "model")
    assert [node.name for node in graph.nodes][-1] == "logits"
    assert len(graph.nodes) == 4
    codes = boundary_and_random_codes(graph, np.random.default_rng(2), 200)
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()


ROW = re.compile(r"^\| (?P<names>`[^|]+`) \| (?P<said>exact|refused)", re.MULTILINE)
NOT_LAYERS = {"Clip", "QInitializer"}
"""Of training, without a call in the model."""


def test_every_layer_and_quantizer_of_qkeras_has_a_row_that_says_what_is_so():
    from qkeras.utils import _add_supported_quantized_objects

    from qcompress.frontends.cells import CELLS
    from qcompress.frontends.layer_table import LAYERS
    from qcompress.frontends.quantizers import QUANTIZERS, STOCHASTIC

    known = {}
    _add_supported_quantized_objects(known)
    page = (ROOT / "docs" / "compiler" / "qkeras.md").read_text()
    rows = {name: row["said"] == "exact" for row in ROW.finditer(page) for name in re.findall(r"`(\w+)`", row["names"])}
    assert set(known) <= set(rows)
    all_taken = {*LAYERS, *QUANTIZERS, *(f"Q{cell}" for cell in CELLS)} - STOCHASTIC
    taken = {name: name in all_taken for name in rows if name not in NOT_LAYERS}
    assert taken == {name: rows[name] or name == "quantized_ulaw" for name in taken}  # refused by its values alone
