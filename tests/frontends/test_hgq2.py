"""The front end of HGQ2: public networks, every layer's place, what is refused."""

import warnings

import numpy as np
import pytest
from helpers.random_hgq2 import hgq, keras

from qcompress.errors import Refused
from qcompress.fixedpoint import Format, Overflow, Rounding
from qcompress.frontends import load_model
from qcompress.frontends.hgq2 import FRONT_END, convert
from qcompress.frontends.hgq2_files import import_hgq
from qcompress.graph import Quantize, QuantizeEach, TableEach
from qcompress.targets.cpp.emulator import Cpp
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.logic import trace_graph

layers = hgq.layers
PUBLIC = ["hgq2_openml_2", "hgq2_own_conv", "hgq2_lut_openml_2"]
TAGGERS = ["jsc_openml_733", "jsc_openml_758", "jsc_openml_771"]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_networks_give_what_their_framework_gave(data_file, name):
    model = load_model(data_file(f"models/public/{name}.keras"))
    assert model.front_end.name == "hgq2"
    found = model.convert(name)
    with np.load(data_file(f"models/public/{name}.npz")) as file:
        stored = dict(file)
    assert found.notes == ()
    assert (found.graph.predict(stored["x"]) == stored["y"]).all()
    codes = found.graph.input_codes(stored["x"][:100])
    traced = found.graph.trace(codes)
    seen = model.body(found.graph).trace(codes)
    assert list(seen)[-1] == found.graph.nodes[-1].name
    for node, got in seen.items():
        assert (got == traced[node]).all(), node


@pytest.mark.parametrize("name", [*(pytest.param(name, marks=pytest.mark.campaign) for name in PUBLIC[:2]), PUBLIC[2]])
def test_public_networks_in_the_emulator(data_file, tmp_path, name):
    graph = load_model(data_file(f"models/public/{name}.keras")).convert(name).graph
    with np.load(data_file(f"models/public/{name}.npz")) as file:
        stored = dict(file)
    emulator = Cpp(optimization="0").build(graph, tmp_path)
    assert (emulator.predict(stored["x"]) == stored["y"]).all()


@pytest.mark.parametrize("name", [*TAGGERS[:2], pytest.param(TAGGERS[2], marks=pytest.mark.campaign)])
def test_logic_of_the_taggers_is_exact_and_costs_no_more_than_alkaids_own(data_file, name):
    from alkaid.converter import trace_model
    from alkaid.trace import trace

    model = load_model(data_file(f"models/hgq/{name}.keras"))
    graph = model.convert(name).graph
    Rtl().refuse(graph)
    logic, constants = trace_graph(graph)
    rng = np.random.default_rng(1)
    codes = rng.integers(graph.input_format.min_code, graph.input_format.max_code, (300, 16), endpoint=True)
    varying = [n for n in range(graph.output_shape[0]) if n not in constants]
    got = logic.predict(graph.input_format.to_values(codes))
    assert (graph.output_format.to_codes(got) == graph.run(codes)[:, varying]).all()
    inputs, outputs = trace_model(model.content)
    assert logic.cost <= 1.03 * trace(inputs, outputs).cost


@pytest.mark.campaign
def test_linear_attention_is_exact_in_every_layer(data_file):
    model = load_model(data_file("models/hgq/jedi_lin8part.keras"))
    graph = model.convert("jedi").graph
    codes = graph.input_codes(np.random.default_rng(2).normal(0, 1, (40, *graph.input_shape)))
    traced = graph.trace(codes)
    for node, got in model.body(graph).trace(codes).items():
        assert (got == traced[node]).all(), node


def small(*behind, shape=(3,)):
    """A model of these layers."""
    return keras.Sequential([keras.Input(shape), *behind])


def config(place="datalane", **settings):
    return hgq.config.QuantizerConfig("kif", place, **settings)


def test_an_input_has_the_cast_that_all_its_quantizers_forgive():
    model = small(layers.QDense(2, iq_conf=config(round_mode="TRN", heterogeneous_axis=()), name="one"))
    model.layers[-1].iq.quantizer._k.assign([[1]])
    graph = convert(model, "g").graph
    cast = graph.inputs[0].quantizer
    assert cast is not None
    assert (cast.rounding, cast.overflow) == (Rounding.TRN, Overflow.WRAP)
    assert "one_iq" not in graph.formats, "it is the input's own cast"
    told = convert(model, "g", Format(True, 20, 10)).graph
    assert told.inputs[0].quantizer is None
    assert told.nodes[0].operation.cast == cast


def test_elements_that_meet_no_weight_have_no_bits():
    dense = layers.QDense(2, name="one", iq_conf=config(round_mode="TRN", homogeneous_axis=(0,)))
    model = small(dense)
    dense._kernel.assign([[1.0, 0.5], [0, 0], [0.5, 0]])
    (node, *_) = convert(model, "g", Format(True, 12, 6)).graph.nodes
    assert isinstance(node.operation, QuantizeEach)
    assert (node.operation.width > 0).tolist() == [True, False, True]


def test_tables_hold_function_and_quantizer():
    unary = layers.QUnaryFunctionLUT("tanh", iq_conf=config(homogeneous_axis=(0,), round_mode="TRN"), name="tanh")
    model = small(unary)
    unary.iq.quantizer._f.assign([[1, 2, 3]])
    graph = convert(model, "g").graph
    assert [type(node.operation) for node in graph.nodes] == [QuantizeEach, TableEach]
    codes = np.arange(graph.input_format.min_code, graph.input_format.max_code + 1)[:, None] * np.ones(3, np.int64)
    values = graph.input_format.to_values(codes)
    assert (graph.output_values(graph.run(codes)) == model.predict(values, verbose=0)).all()


def test_a_final_softmax_of_keras_is_left_out_and_said():
    model = small(layers.QDense(2, activation="softmax", name="end"))
    found = convert(model, "g", Format(True, 8, 4))
    assert found.notes == ("layer end: the final softmax is left out; the graph ends at the logits",)
    codes = np.arange(-12, 12).reshape(-1, 3)
    assert (FRONT_END.body(model, found.graph).run(codes) == found.graph.run(codes)).all()


def test_a_softmax_of_tables_at_the_end_stays():
    graph = convert(small(layers.QDense(3), layers.QSoftmax(name="end")), "g", Format(True, 6, 3)).graph
    assert graph.nodes[-1].name == "end"


REFUSED = {
    "layer c: HGQ2 itself cannot compute it, for it pads before it quantizes step by step; give its input quantizer "
    "one format for all steps": lambda: small(
        layers.QConv1D(3, 2, padding="causal", name="c", iq_conf=config(round_mode="TRN", homogeneous_axis=(0,))),
        shape=(7, 2),
    ),
    "layer d: activation tanh without a quantizer behind; use QUnaryFunctionLUT('tanh')": lambda: small(
        layers.QDense(2, activation="tanh", name="d"), layers.QDense(1)
    ),
    "layer p: a mean of 3 elements is on no grid; use a power of two, or put a quantizer directly behind it": lambda: (
        small(layers.QAveragePooling1D(3, name="p"), shape=(6, 2))
    ),
    "layer g: QGRU is not supported; use dense or convolutional layers over the steps": lambda: small(
        layers.QGRU(2, name="g"), shape=(4, 2)
    ),
    "layer d: a quantizer with scaler or affine; use none": lambda: small(
        layers.QDense(2, iq_conf=config(scaler=3.0), name="d")
    ),
}


@pytest.mark.parametrize("said", REFUSED)
def test_what_is_not_exact_is_refused_by_name(said):
    with warnings.catch_warnings(action="ignore"):
        model = REFUSED[said]()
    with pytest.raises(Refused) as refusal:
        convert(model, "m", Format(True, 8, 4))
    assert str(refusal.value) == said


def test_masked_attention_is_refused():
    given = keras.Input((4, 3))
    model = keras.Model(given, layers.QMultiHeadAttention(1, 2, name="a")(given, use_causal_mask=True))
    with pytest.raises(Refused, match=r"layer a: attention with use_causal_mask; leave it out"):
        convert(model, "m", Format(True, 8, 4))


def test_an_input_that_nothing_can_stand_before_asks_for_its_format():
    model = small(layers.QDense(2, iq_conf=config(round_mode="RND_CONV", homogeneous_axis=(0,)), name="d"))
    model.layers[-1].iq.quantizer._f.assign([[1, 2, 3]])
    with pytest.raises(Refused) as refusal:
        convert(model, "m")
    assert 'give its number format, for example --input-format "fixed<16,6>"' in str(refusal.value)
    (node, *_) = convert(model, "m", Format(True, 12, 6)).graph.nodes
    assert not isinstance(node.operation, Quantize)


def test_models_are_recognised_as_objects():
    assert import_hgq() is hgq
    assert FRONT_END.recognises(small(layers.QDense(1)))
    assert not FRONT_END.recognises(small(keras.layers.Dense(1)))
