"""Layers of a user's own: found by entry point, verified against their Keras class, refused in one line."""

import warnings

import numpy as np
import pytest
from helpers.paths import PLUG

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import layer, load_model, model_of, user_layers
from qcompress.frontends.runtime import import_keras
from qcompress.graph import Relu

keras = import_keras()


@keras.saving.register_keras_serializable("own")
class Doubled(keras.layers.Layer):
    """Twice its input, cut at 0."""

    def call(self, given):
        return keras.ops.relu(given) * 2


def doubled_as(function):
    """A model of one such layer, said to be what function appends."""
    layer("Doubled", lambda: Doubled)(function)
    return model_of(keras.Sequential([keras.Input((3,)), Doubled(name="own")]))


def test_the_published_interaction_network_is_exact(data_file, monkeypatch):
    monkeypatch.syspath_prepend(PLUG)
    import projection  # noqa: F401 - which registers its layer

    with warnings.catch_warnings(record=True, action="always") as said:
        model = load_model(data_file("models/public/jedi_int_8.h5"))
    assert any("the pruning around prune_low_magnitude_conv1D_e1, " in str(one.message) for one in said)
    graph = model.convert("jedi", Format(True, 12, 4)).graph
    with np.load(data_file("models/public/jedi_int_8.npz")) as file:
        kept = dict(file)
    assert np.array_equal(graph.predict(kept["x"]), kept["y"])
    codes = np.random.default_rng(0).integers(-2048, 2048, (50, 8, 3))
    body = model.body(graph)
    assert np.array_equal(body.run(codes), graph.run(codes))
    assert {"proj_1", "proj_3"} <= set(body.trace(codes[:2]))


def test_a_function_that_lies_is_found(monkeypatch):
    model = doubled_as(lambda builder, call, source: builder.add(call.name, Relu(), source))
    graph = model.convert("net", Format(True, 8, 8)).graph
    codes = np.array([[1, -2, 3]])
    assert (graph.run(codes) == [1, 0, 3]).all()
    with pytest.raises(QcompressError):
        model.body(graph).run(np.array([[100, 0, 0]]))  # 200 is no code of its format
    assert (model.body(graph).run(codes) == [2, 0, 6]).all()


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda builder, call, source: source, "gives 'input'; end with the node own"),
        (lambda builder, call, source: None, "gives None; end with the node own"),
        (lambda builder, call, source: call.name, "has not added it; end with the node own"),
    ],
)
def test_a_function_must_end_with_the_node_of_its_layer(function, said):
    with pytest.raises(Refused, match=f"layer own: its function in qcompress.frontends.layer {said}"):
        doubled_as(function).convert("net", Format(True, 8, 8))


def test_keras_own_layers_stay_what_they_are(monkeypatch):
    monkeypatch.setattr(user_layers, "_REGISTERED", {})
    layer("Flatten", lambda: Doubled)(lambda builder, call, source: builder.add(call.name, Relu(), source))
    model = model_of(keras.Sequential([keras.Input((3, 2)), keras.layers.Flatten(), keras.layers.ReLU()]))
    assert [type(node.operation).__name__ for node in model.convert("net", Format(True, 8, 8)).graph.nodes] == [
        "Flatten",
        "Relu",
    ]


def test_an_unknown_class_is_named_with_the_way_out(tmp_path):
    class Strange(keras.layers.Layer):
        def call(self, given):
            return given

    inner = keras.Sequential([keras.Input((3,)), Strange(name="odd")], name="inner")
    keras.Sequential([keras.Input((3,)), inner]).save(tmp_path / "strange.keras")
    with pytest.raises(
        QcompressError, match=r"layer odd: no class Strange is known; if it is of your own, say what it"
    ):
        load_model(tmp_path / "strange.keras")
