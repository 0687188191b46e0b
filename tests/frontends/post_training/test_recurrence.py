"""Recurrent layers of floats, quantized: exact, near to what they were, and the same behind a file."""

import numpy as np
import pytest
from helpers.comparison import assert_equal_in_every_layer, boundary_and_random_codes
from helpers.random_models import keras, layers

from qcompress.errors import Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.post_training.plan import parse_plan
from qcompress.frontends.post_training.quantizing import quantize
from qcompress.frontends.qkeras import convert, load_model
from qcompress.graph import Table


def network(layer):
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((3, 3)), layer, layers.Dense(2, name="last")])


@pytest.mark.parametrize(
    "kind", [*(pytest.param(each, marks=pytest.mark.campaign) for each in ("GRU", "LSTM")), "SimpleRNN"]
)
def test_a_recurrent_layer_is_quantized_and_exact(kind, tmp_path):
    sequences = kind == "GRU"
    model = network(getattr(layers, kind)(4, name="memory", return_sequences=sequences, go_backwards=sequences))
    values = np.random.default_rng(0).normal(0, 1, (40, 3, 3))
    done = quantize(model, parse_plan("weights=9,activations=9"), values)
    assert done.cost.outputs[0].largest < 0.05
    assert any(note.startswith("layer memory: states fixed<9,") for note in done.notes)
    graph = convert(done.model, "net", Format.parse("fixed<10,4>")).graph
    codes = boundary_and_random_codes(graph, np.random.default_rng(1), 100)
    assert "memory" in assert_equal_in_every_layer(done.model, graph, codes)
    tables = [graph.formats[node.source].width for node in graph.nodes if isinstance(node.operation, Table)]
    assert tables
    assert max(tables) <= 12
    done.model.save(tmp_path / "done.keras")
    again = convert(load_model(tmp_path / "done.keras"), "net", Format.parse("fixed<10,4>")).graph
    assert again.content_hash() == graph.content_hash()


def test_formats_need_no_values_where_the_plan_has_them():
    model = network(layers.SimpleRNN(4, activation="relu", name="memory"))
    done = quantize(model, parse_plan("weights=fixed<6,1>,activations=fixed<8,3>,biases=fixed<7,1>"))
    layer = done.model.get_layer("memory")
    assert str(layer.state_quantizer_internal) == str(done.model.get_layer("memory_quantized").activation)
    assert layer.bias_quantizer_internal.bits == 7
    assert convert(done.model, "net", Format.parse("fixed<6,3>")).graph.formats["memory_quantized"].width == 8


def test_functions_without_a_quantizer_are_refused():
    model = network(layers.LSTM(4, recurrent_activation="hard_sigmoid", name="memory"))
    with pytest.raises(Refused, match="layer memory: its function hard_sigmoid has no quantizer; use tanh, sigmoid"):
        quantize(model, parse_plan("weights=fixed<6,1>,activations=fixed<8,3>"))
