"""Activations of straight lines, over every code of their input."""

import numpy as np
import pytest
from helpers.hls4ml_texts import ACTIVATION, graph_of

from qcompress.errors import Refused

CODES = np.arange(-128, 128).reshape(-1, 4)
VALUES = CODES / 8
"""Of ap_fixed<8,5>."""


def curve(call, result="ap_fixed<16,8>", structs="", backend="", **more):
    types = {"input_t": "ap_fixed<8,5>", "result_t": result, "table_t": "ap_fixed<18,8>"} | more
    structs = structs or ACTIVATION.format(name="config2", n_in=4, table_size=1024)
    graph = graph_of([f"nnet::{call}; // act"], types, structs + backend)
    return graph.output_values(graph.run(CODES))


def cut(values, fraction, low, high):
    """Truncated and wrapped."""
    codes = np.floor(np.asarray(values) * 2.0**fraction)
    return ((codes - low) % (high - low + 1) + low) / 2.0**fraction


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("linear<input_t, result_t, config2>(x, y)", VALUES),
        ("relu<input_t, result_t, config2>(x, y)", np.maximum(VALUES, 0)),
        ("relu1<input_t, result_t, config2>(x, y)", np.clip(VALUES, 0, 1)),
        ("relu6<input_t, result_t, config2>(x, y)", np.clip(VALUES, 0, 6)),
        ("leaky_relu<input_t, slope_t, result_t, config2>(x, 0.3, y)", np.where(VALUES > 0, VALUES, VALUES * 76 / 256)),
        ("leaky_relu<input_t, result_t, config2>(x, 0.3, y)", np.where(VALUES > 0, VALUES, VALUES * 2 / 8)),
        ("thresholded_relu<input_t, slope_t, result_t, config2>(x, 0.3, y)", np.where(VALUES > 76 / 256, VALUES, 0)),
        ("thresholded_relu<input_t, input_t, result_t, config2>(x, -1.5, y)", np.where(VALUES > -1.5, VALUES, 0)),
        ("thresholded_relu<input_t, slope_t, result_t, config2>(x, 0.0, y)", np.maximum(VALUES, 0)),
        ("binary_tanh<input_t, result_t, config2>(x, y)", np.where(VALUES >= 0, 1, -1)),
    ],
)
def test_values(call, expected):
    assert curve(call, slope_t="ap_ufixed<8,0>").tolist() == cut(expected, 8, -(2**15), 2**15 - 1).tolist()


def test_slopes_of_every_element():
    types = {"input_t": "ap_fixed<8,5>", "result_t": "ap_fixed<20,8>", "weight_t": "ap_fixed<8,2>"}
    call = ["nnet::prelu<input_t, weight_t, result_t, config2>(x, a2, y); // act"]
    graph = graph_of(call, types, ACTIVATION.format(name="config2", n_in=4, table_size=8), {"a2": [0.5, -0.25, 1.5, 0]})
    expected = np.where(VALUES > 0, VALUES, VALUES * [0.5, -0.25, 1.5, 0])
    assert graph.output_values(graph.run(CODES)).tolist() == expected.tolist()


HARD = """struct config2 {
    static const unsigned n_in = 4;
    static const slope_t slope;
    static const slope_t shift;
};
const slope_t config2::slope = 0.2;
const slope_t config2::shift = 0.5;
"""


@pytest.mark.parametrize("function", ["hard_sigmoid", "hard_tanh"])
def test_hard_sigmoid_and_tanh(function):
    found = curve(f"{function}<input_t, result_t, config2>(x, y)", structs=HARD, slope_t="ap_fixed<10,1>")
    line = np.clip(VALUES * np.floor(0.2 * 512) / 512 + 0.5, 0, 1)
    line = 2 * line - 1 if function == "hard_tanh" else line
    assert found.tolist() == cut(line, 8, -(2**15), 2**15 - 1).tolist()


def test_results_wrap_and_saturate_as_their_type_says():
    wrapped = curve("relu<input_t, result_t, config2>(x, y)", "ap_ufixed<5,3>")
    assert wrapped.tolist() == cut(np.maximum(VALUES, 0), 2, 0, 31).tolist()
    saturated = curve("relu<input_t, result_t, config2>(x, y)", "ap_ufixed<5,3,AP_RND,AP_SAT>")
    assert saturated.tolist() == np.clip(np.floor(np.maximum(VALUES, 0) * 4 + 0.5) / 4, 0, 7.75).tolist()


def test_signs_in_one_bit_are_refused():
    with pytest.raises(Refused, match=r"^layer act: its result of one bit stands for a sign"):
        curve("binary_tanh<input_t, result_t, config2>(x, y)", "ap_uint<1>")
