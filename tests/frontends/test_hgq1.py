"""Proxy models of HGQ 1: files as HGQ 0.2 writes them, against its definitions in NumPy."""

import json

import h5py
import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import keras, layers

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.hgq1 import is_of_proxies, keras_classes
from qcompress.frontends.qkeras import KerasBody, convert, load_model
from qcompress.graph import Quantize, QuantizeEach

ROUNDINGS = {
    "TRN": np.floor,
    "TRN_ZERO": np.trunc,
    "RND": lambda x: np.floor(x + 0.5),
    "RND_ZERO": lambda x: -np.floor(-np.abs(x) + 0.5) * np.sign(x),
    "RND_MIN_INF": lambda x: -np.floor(-x + 0.5),
    "RND_INF": lambda x: np.floor(np.abs(x) + 0.5) * np.sign(x),
    "RND_CONV": np.rint,
}
OVERFLOWS = {
    "SAT": lambda x, k, b: np.clip(x, -(2.0 ** (b - k)) * k, 2.0 ** (b - k) - 1),
    "SAT_SYM": lambda x, k, b: np.clip(x, -(2.0 ** (b - k) - 1) * k, 2.0 ** (b - k) - 1),
    "WRAP": lambda x, k, b: np.mod(x + 2.0 ** (b - k) * k, 2.0**b) - 2.0 ** (b - k) * k,
}


def reference(values, state, rounding, overflow):
    """What HGQ 0.2 makes of values: state (keep_negative, bits, integers)."""
    k, b, i = (np.asarray(part, np.float64) for part in state)
    scale = 2.0 ** (b - i)
    codes = OVERFLOWS[overflow](ROUNDINGS[rounding](values * scale), k, b)
    return np.where(b != 0, codes / scale, 0)


def quantizer(name, shape, rounding="TRN", overflow="WRAP"):
    return keras_classes()["FixedPointQuantizer"](RND=rounding, SAT=overflow, shape=shape, name=name)


def draw_state(rng, layer, signed=None):
    """Formats for a quantizer, some of no bits."""
    keep = rng.integers(0, 2, layer.shape) if signed is None else np.full(layer.shape, signed)
    bits = rng.integers(0, 7, layer.shape) if np.prod(layer.shape) > 1 else np.full(layer.shape, 6)
    bits = np.where(keep * (bits == 1), 2, bits)
    layer.set_weights([np.where(bits, keep, 0), bits, np.where(bits, rng.integers(0, 4, layer.shape), 0)])


def test_a_quantizer_is_what_hgq_says():
    rng = np.random.default_rng(3)
    given = keras.Input((3, 8))
    modes = [(rounding, overflow) for rounding in ROUNDINGS for overflow in OVERFLOWS]
    every = [quantizer("_".join(mode), (1, 1, 8), *mode) for mode in modes]
    model = keras.Model(given, [each(given) for each in every])
    for each in every:
        draw_state(rng, each)
    graph = convert(model, "model", Format.parse("fixed<11,5>")).graph
    codes = boundary_and_random_codes(graph, rng, 500)
    found, body = graph.run(codes), KerasBody(model, graph).run(codes)
    for port, each, mode in zip(graph.output_ports, every, modes, strict=True):
        wanted = reference(graph.input_format.to_values(codes), each.get_weights(), *mode)
        assert np.array_equal(port.format.to_values(found[port.name]), wanted), mode
        assert np.array_equal(body[port.name], found[port.name]), mode
        assert len(np.unique(wanted)) > 10


def network():
    """Quantizers of one and of many formats, a table, and weights on grids."""
    rng = np.random.default_rng(5)
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            quantizer("first", (1, 1, 3)),
            layers.Conv1D(5, 2, name="conv"),
            quantizer("sum", (1,), "RND", "SAT"),
            layers.Activation("relu", name="relu"),
            quantizer("positive", (1, 1, 5), "RND_CONV"),
            layers.Flatten(name="flat"),
            layers.Dense(6, name="dense"),
            quantizer("fine", (1, 1)),
            keras_classes()["UnaryLUT"]((1, 2, 3), (1, 0, 5), name="table"),
            layers.Dense(2, name="last"),
            quantizer("end", (1, 2), "TRN", "SAT_SYM"),
        ]
    )
    for layer in model.layers:
        if not is_of_proxies(layer):
            layer.set_weights([rng.integers(-16, 16, each.shape) / 8 for each in layer.get_weights()])
        elif layer.name == "table":
            layer.set_weights([rng.integers(-32, 32, 64) / 32])
        else:
            draw_state(rng, layer, {"first": 1, "sum": 1, "positive": 0, "fine": 1, "end": 1}[layer.name])
    model.get_layer("fine").set_weights([np.full((1, 1), part) for part in (1, 6, 3)])
    return model


def stored(model, path):
    """The file of a model with the names that HGQ 0.2 gives its layers."""
    model.save(path)
    with h5py.File(path, "r+") as file:
        content = json.loads(file.attrs["model_config"])
        for each in content["config"]["layers"]:
            if each["class_name"] in ("FixedPointQuantizer", "UnaryLUT"):
                each |= {"module": "HGQ.proxy", "registered_name": f"HGQ>{each['class_name']}"}
                each["config"] |= {"fusible": False, "overrides": {"layers": {}}} if "RND" in each["config"] else {}
        file.attrs["model_config"] = json.dumps(content)
    return path


def test_a_file_is_read_and_exact(tmp_path):
    model = load_model(stored(network(), tmp_path / "proxy.h5"))
    graph = convert(model, "model").graph
    assert graph.input_quantizer is not None
    kinds = {node.name: type(node.operation) for node in graph.nodes}
    assert (kinds["first"], kinds["sum"], kinds["positive"]) == (QuantizeEach, Quantize, QuantizeEach)
    codes = boundary_and_random_codes(graph, np.random.default_rng(1), 200)
    assert_equal_in_every_layer(model, graph, codes)
    values = graph.input_format.to_values(codes)
    state = {layer.name: layer.get_weights() for layer in model.layers}
    x = reference(values, state["first"], "TRN", "WRAP")
    x = x[:, :-1] @ state["conv"][0][0] + x[:, 1:] @ state["conv"][0][1] + state["conv"][1]
    x = reference(np.maximum(reference(x, state["sum"], "RND", "SAT"), 0), state["positive"], "RND_CONV", "WRAP")
    x = reference(x.reshape(len(x), -1) @ state["dense"][0] + state["dense"][1], state["fine"], "TRN", "WRAP")
    x = state["table"][0][(x * 8).astype(int) % 64] @ state["last"][0] + state["last"][1]
    assert np.array_equal(graph.predict(values), reference(x, state["end"], "TRN", "SAT_SYM"))
    assert len(np.unique(x)) > 50


def test_it_is_exact_in_float64_too():
    model = network()
    graph = convert(model, "model").graph
    body = KerasBody(model, graph)
    body.dtype = "float64"
    codes = boundary_and_random_codes(graph, np.random.default_rng(1), 100)
    assert np.array_equal(body.run(codes), graph.run(codes))


def test_inputs_that_no_cast_can_stand_before_need_a_format():
    model = keras.Sequential([keras.Input((2,)), quantizer("q", (1, 2), "RND_CONV")])
    model.layers[0].set_weights([np.array([[1, 1]]), np.array([[4, 5]]), np.array([[2, 2]])])
    with pytest.raises(Refused, match="give the number format of its input"):
        convert(model, "model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda layer: setattr(layer, "SAT", "WRAP_SM"), "layer q: rounding TRN with overflow WRAP_SM; use WRAP, SAT"),
        (lambda layer: layer.set_weights([np.full((1, 2), n) for n in (1, 70, 2)]), "its formats are none: .*62 bits"),
        (lambda layer: layer.set_weights([np.full((1, 2), n) for n in (2, 7, 2)]), "its formats are none: give signs"),
    ],
)
def test_what_is_no_cast_is_refused(change, message):
    model = keras.Sequential([keras.Input((2,)), quantizer("q", (1, 2))])
    change(model.layers[0])
    with pytest.raises(Refused, match=message):
        convert(model, "model", Format.parse("fixed<8,3>"))


def test_tables_that_are_too_large_or_on_no_grid_are_refused():
    table = keras_classes()["UnaryLUT"]((1, 2, 3), (1, 0, 5), name="table")
    model = keras.Sequential([keras.Input((2,)), table])
    table.set_weights([np.full(64, 1 / 3)])
    with pytest.raises(Refused, match=r"layer table: a table of 17 bits; put a quantizer of 16 before"):
        convert(model, "model", Format.parse("fixed<17,4>"))
    with pytest.raises(Refused, match=r"layer table: its table is on no grid \(.*\); quantize what it gives"):
        convert(model, "model", Format.parse("fixed<8,4>"))


def test_a_damaged_file_is_one_line(tmp_path):
    path = stored(network(), tmp_path / "proxy.h5")
    with h5py.File(path, "r+") as file:
        del file["model_weights/sum"]
    with pytest.raises(QcompressError, match=r"proxy\.h5: not a readable Keras model"):
        load_model(path)


@pytest.mark.parametrize("ending", ["h5", "keras"])
def test_quantizers_without_formats_are_refused_saying_what_is_read(tmp_path, ending, qcompress):
    """A model of HGQ that is no proxy model: its own class of that name, which Keras alone cannot read."""

    @keras.saving.register_keras_serializable("HGQ")
    class FixedPointQuantizer(keras.layers.Layer):
        def call(self, inputs):
            return keras.ops.round(inputs * 16) / 16

    path = tmp_path / f"model.{ending}"
    keras.Sequential([keras.Input((4,)), FixedPointQuantizer(name="q"), layers.Dense(2)]).save(path)
    done = qcompress("compile", path, "--targets", "cpp", "--out", tmp_path / "made")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert (
        f"{path}: layer q: FixedPointQuantizer of HGQ without its formats (RND, SAT); of HGQ 1 the proxy" in done.stderr
    )
    assert "save what HGQ's to_proxy_model gives, or train with HGQ2" in done.stderr
