"""Keras models of several inputs and outputs: names, formats, ends, and the same codes in every body."""

import keras
import numpy as np
import pytest
import qkeras

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends import load_model, model_of
from qcompress.frontends.qkeras import KerasBody, convert, from_keras, save_model
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.hls.project import Hls
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable
from qcompress.verification import standard_inputs, verify


def bits(width: int, integer: int = 0) -> qkeras.quantized_bits:
    return qkeras.quantized_bits(width, integer, alpha=1)


def dense(units: int, name: str) -> qkeras.QDense:
    return qkeras.QDense(units, kernel_quantizer=bits(4), bias_quantizer=bits(4), name=name)


def two_in_three_out(*, named: bool = False) -> keras.Model:
    """Inputs of (4,) and (3,): a quantized inner layer that is an output and goes on, a sum, a softmax."""
    keras.utils.set_random_seed(5)
    charges, angles = keras.Input((4,), name="charges"), keras.Input((3,), name="angles")
    first = qkeras.QActivation(qkeras.quantized_relu(6, 2), name="first_codes")(charges)
    shared = dense(5, "shared")
    left, right = shared(first), shared(dense(4, "turn")(qkeras.QActivation(bits(5, 1), name="second_codes")(angles)))
    hidden = qkeras.QActivation(qkeras.quantized_relu(4, 1), name="hidden")(left)
    total = keras.layers.Add(name="total")([hidden, qkeras.QActivation(qkeras.quantized_relu(4, 1))(right)])
    kind = keras.layers.Activation("softmax", name="kind")(dense(3, "logits")(total))
    if named:
        return keras.Model({"q": charges, "phi": angles}, {"seen": hidden, "class": kind, "energy": total})
    return keras.Model([charges, angles], [hidden, total, kind])


def test_names_are_those_of_layers_or_of_dictionaries():
    graph, notes = (found := convert(two_in_three_out(), "m")).graph, found.notes
    assert [port.name for port in graph.input_ports] == ["charges", "angles"]
    assert list(graph.outputs.items()) == [("hidden", "hidden"), ("total", "total"), ("kind", "logits")]
    assert [str(each.quantizer) for each in graph.inputs] == ["ufixed<6,2,RND_CONV,SAT>", "fixed<5,2,RND_CONV,SAT>"]
    assert notes == ("layer kind: the final softmax is left out; output kind ends at the logits",)
    named = from_keras(two_in_three_out(named=True), "m")
    assert [port.name for port in named.input_ports] == ["phi", "q"]
    assert named.outputs == {"class": "logits", "energy": "total", "seen": "hidden"}


@pytest.mark.parametrize("named", [True, pytest.param(False, marks=pytest.mark.campaign)])
def test_keras_gives_the_codes_of_every_output_and_every_layer(named, tmp_path):
    model = two_in_three_out(named=named)
    save_model(model, tmp_path / "m.keras")
    loaded = load_model(tmp_path / "m.keras")
    graph = loaded.convert("m").graph
    assert graph.content_hash() == from_keras(model, "m").content_hash()
    body = loaded.body(graph)
    results = verify(graph, [body], standard_inputs(graph, 300, 1))
    assert sum(each.mismatches for each in results) == 0
    assert sum(each.codes for each in results) > 900 * 13
    codes = standard_inputs(graph, 50, 2)["random"].all()
    traced = graph.trace(codes)
    assert {"shared", "shared_2", "hidden", "total", "logits"} <= set(traced)
    assert all((found == traced[name]).all() for name, found in body.trace(codes).items())


def test_values_of_every_input_are_quantized_as_keras_does():
    model = two_in_three_out()
    graph = from_keras(model, "m")
    rng = np.random.default_rng(3)
    values = {"charges": rng.normal(1, 2, (200, 4)), "angles": rng.normal(0, 1, (200, 3))}
    found = graph.predict(values)
    hidden, total, _ = model.predict([values["charges"], values["angles"]], verbose=0)
    assert (found["hidden"] == hidden).all()
    assert (found["total"] == total).all()


def test_inputs_without_a_quantizer_need_a_format_each():
    first, second = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    model = keras.Model([first, second], dense(2, "d")(keras.layers.Add(name="sum")([first, second])))
    with pytest.raises(Refused, match=r'format of input a, for example --input-format "a=fixed<16,6>"'):
        from_keras(model, "m")
    with pytest.raises(Refused, match="format of input b"):
        from_keras(model, "m", {"a": Format(True, 8, 8)})
    graph = from_keras(model, "m", {"a": Format(True, 8, 8), "b": Format(False, 4, 2)})
    assert graph.formats["sum"] == Format(True, 11, 9)
    codes = standard_inputs(graph, 100, 1)["random"].all()
    assert (KerasBody(model, graph).run(codes) == graph.run(codes)).all()
    assert from_keras(model, "m", Format(True, 8, 4)).formats["b"] == Format(True, 8, 4)


def test_an_output_that_is_an_input_is_refused():
    given = keras.Input((4,), name="a")
    coded = qkeras.QActivation(bits(4), name="coded")(given)
    with pytest.raises(Refused, match="output coded is input input itself; leave it out of the model"):
        from_keras(keras.Model(given, [dense(2, "d")(coded), coded]), "m")


def test_a_nested_model_of_two_inputs_and_outputs_is_unrolled():
    a, b = keras.Input((3,)), keras.Input((3,))
    inner = keras.Model(
        [a, b], [keras.layers.Add(name="up")([a, b]), keras.layers.Subtract(name="down")([a, b])], name="n"
    )
    x, y = keras.Input((3,), name="x"), keras.Input((3,), name="y")
    up, down = inner([qkeras.QActivation(bits(4), name="qx")(x), qkeras.QActivation(bits(5), name="qy")(y)])
    model = keras.Model([x, y], [down, dense(2, "d")(up)])
    graph = from_keras(model, "m")
    assert {"n_up", "n_down", "d"} == {node.name for node in graph.nodes}
    codes = standard_inputs(graph, 100, 1)["random"].all()
    found = KerasBody(model, graph).run(codes)
    assert all((found[name] == expected).all() for name, expected in graph.run(codes).items())


@pytest.mark.parametrize(
    "target",
    [
        Cpp(optimization="0"),
        *(
            pytest.param(target, marks=pytest.mark.campaign)
            for target in (Hls(), Rtl(optimization="0"), RtlLoadable(optimization="0"))
        ),
    ],
    ids=lambda target: target.name,
)
def test_two_inputs_and_three_outputs_are_the_same_in_every_body(target, tmp_path):
    model = model_of(two_in_three_out())
    graph = model.convert("m").graph
    body = target.build(graph, tmp_path)
    results = verify(graph, [model.body(graph), body], standard_inputs(graph, 200, 1))
    assert {each.body for each in results} == {"Keras", target.name}
    assert sum(each.mismatches for each in results) == 0
