"""Layers in the graph's arithmetic: the same codes as their graph, compiled or not, in files, with gradients."""

import numpy as np
import pytest
from helpers.comparison import boundary_and_random_codes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.frontends.qkeras import KerasBody, from_keras, import_keras, load_model, save_model
from qcompress.training.arithmetic import cast_values
from qcompress.training.exact_layers import CastActivation, CastConv1D, CastConv2D, CastDense, CastDepthwiseConv2D

keras = import_keras()
CHIP = {"kernel_cast": "fixed<6,1,TRN,SAT>"}
FEW = settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    phases=[Phase.generate],
)


def chip_encoder():
    """The encoder as the chip computes it, in Keras."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            CastActivation("ufixed<8,1,TRN,SAT>", name="quantizer"),
            CastConv2D(8, 3, "fixed<16,9>", strides=2, padding="same", activation="relu", name="conv", **CHIP),
            CastActivation("ufixed<8,1,TRN,WRAP>", name="activation"),
            keras.layers.Flatten(name="flatten"),
            CastDense(16, "fixed<18,10>", activation="relu", name="dense", **CHIP),
            CastActivation("ufixed<9,1,TRN,WRAP>", name="latent"),
        ]
    )


def spread_weights(model, rng, scale=1.2):
    """Weights all over their grid and somewhat beyond."""
    model.set_weights([rng.uniform(-scale, scale, w.shape) for w in model.get_weights()])


def results(model, graph, codes):
    """What Keras computes, plainly and compiled by XLA, as codes."""
    import tensorflow as tf

    values = tf.constant(graph.input_format.to_values(codes), tf.float32)
    compiled = tf.function(model, jit_compile=True)
    return [graph.output_format.to_codes(np.asarray(run(values))) for run in (model, compiled)]


def test_the_chips_encoder_in_keras_is_the_chips_graph():
    rng = np.random.default_rng(0)
    model = chip_encoder()
    spread_weights(model, rng)
    graph = from_keras(model, "econt_encoder")
    codes = np.concatenate([boundary_and_random_codes(graph, rng), rng.integers(0, 60, (1500, 8, 8, 1))])
    chip = chip_graph(EncoderWeights.from_floats(*model.get_weights()))
    expected = chip.run(codes)
    assert (graph.run(codes) == expected).all()
    assert len(np.unique(expected)) > 100
    for found in results(model, graph, codes):
        assert (found == expected).all()
    assert KerasBody(model, graph).dtype == "float32"
    assert (KerasBody(model, graph).run(codes) == expected).all()
    layers = KerasBody(model, graph).trace(codes)
    traced = graph.trace(codes)
    assert all((codes == traced[name]).all() for name, codes in layers.items())
    accumulators = {n.name: str(n.operation.accumulator) for n in graph.nodes if hasattr(n.operation, "accumulator")}
    assert accumulators == {"conv": "fixed<16,9>", "dense": "fixed<18,10>"}


formats = st.builds(Format, st.booleans(), st.integers(2, 7), st.integers(-1, 3))
casts = st.builds(Cast, formats, st.sampled_from(["TRN", "RND_CONV"]), st.sampled_from(["WRAP", "SAT"])).map(str)
accumulators = st.builds(Format, st.just(True), st.integers(3, 16), st.integers(-1, 9)).map(str)


ARGUMENTS = st.fixed_dictionaries(
    {
        "accumulator": accumulators,
        "kernel_cast": casts,
        "bias_cast": casts,
        "use_bias": st.booleans(),
        "activation": st.sampled_from([None, "relu"]),
    }
)
WINDOWS = st.fixed_dictionaries({"padding": st.sampled_from(["same", "valid"]), "strides": st.integers(1, 2)})
KINDS = {
    "dense": (lambda size, window, **formats: CastDense(size[0], **formats), (5,)),
    "dense_rows": (lambda size, window, **formats: CastDense(size[0], **formats), (2, 3)),
    "conv1d": (lambda size, window, **formats: CastConv1D(3, size[0], **window, **formats), (7, 2)),
    "conv2d": (lambda size, window, **formats: CastConv2D(3, size, **window, **formats), (5, 6, 2)),
    "depthwise": (
        lambda size, window, **formats: CastDepthwiseConv2D(size, depth_multiplier=2, **window, **formats),
        (5, 6, 2),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@FEW
@given(ARGUMENTS, WINDOWS, st.tuples(st.integers(1, 3), st.integers(1, 3)), formats, casts, st.integers(0, 999))
def test_a_layer_is_its_graph_compiled_or_not(kind, arguments, window, size, input_format, cast, seed):
    build, shape = KINDS[kind]
    model = keras.Sequential([keras.Input(shape), build(size, window, **arguments), CastActivation(cast, name="cast")])
    rng = np.random.default_rng(seed)
    spread_weights(model, rng, 4.0)
    graph = from_keras(model, "layer", input_format)
    codes = boundary_and_random_codes(graph, rng, 40)
    for found in results(model, graph, codes):
        assert (found == graph.run(codes)).all()


@FEW
@given(casts, st.integers(0, 2**32 - 1))
def test_a_cast_of_floats_is_the_cast_of_codes(text, seed):
    cast = Cast.parse(text)
    values = np.random.default_rng(seed).integers(-4000, 4000, 500) / 256
    found = np.asarray(cast_values(values.astype("f4"), cast))
    assert (found == cast.format.to_values(cast.values(values))).all()


def gradients(layer, other, shape):
    """Gradients of the same loss through a layer and through its plain Keras counterpart, at the same weights."""
    import tensorflow as tf

    rng = np.random.default_rng(1)
    x = tf.constant(rng.integers(0, 16, (3, *shape)) / 8, tf.float32)
    for each in (layer, other):
        each.build(x.shape)
    weights = [rng.integers(-31, 31, w.shape) / 32 for w in other.get_weights()]
    upstream = tf.constant(rng.normal(size=layer(x).shape), tf.float32)
    found = []
    for each in (layer, other):
        each.set_weights(weights)
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(each(x) * upstream)
        found.append(tape.gradient(loss, [x, *(w.value for w in each.trainable_variables)]))
    return found


@pytest.mark.parametrize(
    ("layer", "other", "shape"),
    [
        (CastDense(4, "fixed<9,4>", **CHIP), keras.layers.Dense(4), (6,)),
        (CastDense(4, "fixed<9,4>", use_bias=False, **CHIP), keras.layers.Dense(4, use_bias=False), (2, 6)),
        (CastConv1D(3, 2, "fixed<9,4>", **CHIP), keras.layers.Conv1D(3, 2), (5, 2)),
        (
            CastConv2D(3, 3, "fixed<9,4>", strides=2, padding="same", **CHIP),
            keras.layers.Conv2D(3, 3, strides=2, padding="same"),
            (6, 6, 2),
        ),
        (
            CastDepthwiseConv2D(2, "fixed<9,4>", depth_multiplier=2, **CHIP),
            keras.layers.DepthwiseConv2D(2, depth_multiplier=2),
            (4, 4, 2),
        ),
    ],
    ids=lambda given: type(given).__name__,
)
def test_gradients_are_those_of_the_exact_sum(layer, other, shape):
    ours, plain = gradients(layer, other, shape)
    for found, expected in zip(ours, plain, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_what_saturates_can_come_back_and_does_not_run_away():
    import tensorflow as tf

    x = tf.constant([-2.0, 0.5, 3.0, -2.0, 0.5, 3.0])
    push = tf.constant([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    for overflow, expected in (("SAT", [0, 1, 1, -1, -1, 0]), ("WRAP", [1, 1, 1, -1, -1, -1])):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(cast_values(x, Cast.parse(f"fixed<6,1,TRN,{overflow}>")) * push)
        assert tape.gradient(loss, x).numpy().tolist() == expected


def test_overflow_costs_what_lies_outside():
    layer = CastActivation("ufixed<4,1,TRN,WRAP>", overflow_penalty=0.5)
    layer(np.array([[2.0, 2.25], [1.875, 0.0], [-1.0, 1.9]], "f4"))
    assert [float(loss) for loss in layer.losses] == [pytest.approx(0.5 * (0.125 + 0.375 + 1.0) / 3)]
    silent = CastActivation("ufixed<4,1,TRN,WRAP>")
    silent(np.full((1, 1), 9.0, "f4"))
    assert silent.losses == []


def test_layers_survive_a_file(tmp_path):
    rng = np.random.default_rng(5)
    model = chip_encoder()
    spread_weights(model, rng)
    save_model(model, tmp_path / "encoder.keras")
    again = load_model(tmp_path / "encoder.keras")
    assert from_keras(again, "e").content_hash() == from_keras(model, "e").content_hash()
    (tmp_path / "encoder.json").write_text(model.to_json())
    model.save_weights(tmp_path / "encoder.weights.h5")
    assert (
        from_keras(load_model(tmp_path / "encoder.json"), "e").content_hash() == from_keras(model, "e").content_hash()
    )


def test_what_cannot_be_exact_is_refused():
    with pytest.raises(
        Refused, match=r"cast fixed<6,1,RND,SAT>: layers can train with TRN or RND_CONV and WRAP or SAT"
    ):
        CastActivation("fixed<6,1,RND,SAT>")
    with pytest.raises(QcompressError, match="is no number format"):
        CastDense(3, "float", "fixed<6,1>")
    with pytest.raises(QcompressError, match="layer c: no dilation, groups or channels first in a cast convolution"):
        CastConv2D(3, 3, "fixed<9,4>", "fixed<6,1>", dilation_rate=2, name="c")
    with pytest.raises(QcompressError, match="layer c: padding 'causal'; use same or valid"):
        CastConv1D(3, 3, "fixed<9,4>", "fixed<6,1>", padding="causal", name="c")
