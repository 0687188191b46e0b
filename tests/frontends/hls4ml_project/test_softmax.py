"""Softmax, beside the kernel's steps in Python."""

import math

import numpy as np
import pytest
from helpers.hls4ml_texts import graph_of

from qcompress.errors import Refused
from qcompress.frontends.hls4ml_project import functions

STRUCT = """struct config2 : nnet::activ_config {{
    static const unsigned n_in = 4;
    static const unsigned n_slice = {size};
    static const unsigned n_outer = {outer};
    static const unsigned n_inner = 1;
    static const unsigned exp_table_size = 256;
    static const unsigned inv_table_size = 512;
    static const nnet::softmax_implementation implementation = nnet::softmax_implementation::{kind};
    static constexpr float exp_scale = 1.0;
    typedef exp_t exp_table_t;
    typedef inv_t inv_table_t;
    typedef accum_t accum_t;
    typedef inner_t inv_inp_t;
    typedef ap_ufixed<12, 6> inp_norm_t;
}};
"""
SATURATED = "ap_fixed<18,8,AP_RND,AP_SAT,0>"


def softmax(kind, size=4, **types):
    given = {"input_t": "ap_fixed<10,5>", "result_t": "ap_fixed<16,6>"}
    given |= {name: types.get(name, SATURATED) for name in ("exp_t", "inv_t", "accum_t", "inner_t")}
    structs = STRUCT.format(size=size, outer=4 // size, kind=kind)
    return graph_of(["nnet::softmax_multidim<input_t, result_t, config2>(x, y); // act"], given, structs)


def saturated(value):
    """The code of ap_fixed<18,8,AP_RND,AP_SAT>."""
    return 2**17 - 1 if math.isinf(value) else max(-(2**17), min(math.floor(value * 1024 + 0.5), 2**17 - 1))


def steps(codes, stable):
    """The kernel's result for codes of ap_fixed<10,5>, as codes of ap_fixed<16,6>."""
    exps = []
    for code in codes:
        if stable:  # twelve bits, six of them behind the point, of which the upper eight count
            distance = ((max(codes) - code) * 2) % (1 << 12)
            exps.append(saturated(functions.exp(-((distance >> 4) * 16 / 64))))
        else:
            exps.append(saturated(functions.exp((code >> 2) * 4 / 32)))
    total = min(sum(exps), 2**17 - 1)
    inverse = saturated(functions.inverse((total >> 9) * 512 / 1024))
    return [((each * inverse >> 10) + 2**15) % 2**16 - 2**15 for each in exps]


@pytest.mark.parametrize("kind", ["stable", "latency"])
@pytest.mark.parametrize("size", [4, 2])
def test_the_steps_of_the_kernel(kind, size):
    graph = softmax(kind, size)
    codes = np.random.default_rng(0).integers(-512, 512, (500, 4))
    codes[0], codes[1], codes[2] = 511, -512, [511, -512, 0, -1]
    expected = [[steps(part, kind == "stable") for part in row.tolist()] for row in codes.reshape(-1, 4 // size, size)]
    assert graph.run(codes).tolist() == np.reshape(expected, (-1, 4)).tolist()


def test_the_largest_is_one_the_first_of_equal_ones():
    graph = softmax("argmax")
    codes = np.array([[1, 2, 2, 0], [5, -1, 3, 5], [0, 0, 0, 0]])
    assert graph.output_values(graph.run(codes)).tolist() == [[0, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("kind", "types", "said"),
    [
        ("legacy", {}, "'legacy' is not supported"),
        ("other", {}, "implementation other is not supported"),
        ("latency", {"exp_t": "ap_fixed<18,8>", "accum_t": "ap_fixed<12,6,AP_TRN,AP_SAT>"}, "may saturate on its way"),
        ("stable", {"inner_t": "ap_fixed<8,4>"}, "a table of 512 entries for numbers of 8 bits"),
    ],
)
def test_what_is_refused(kind, types, said):
    with pytest.raises(Refused, match=rf"^layer act: .*{said}"):
        softmax(kind, **types)
