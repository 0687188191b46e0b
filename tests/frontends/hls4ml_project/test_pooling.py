"""Pooling, over windows whose means are not whole."""

import numpy as np
import pytest
from helpers.hls4ml_texts import graph_of

from qcompress.errors import Refused

STRUCT = """struct config2 : nnet::pooling1d_config {{
    static const unsigned n_in = 7;
    static const unsigned n_out = {out};
    static const unsigned n_filt = 2;
    static const unsigned pool_width = {size};
    static const unsigned stride_width = {stride};
    static const unsigned pad_left = {left};
    static const unsigned pad_right = {right};
    static const bool count_pad = {count};
    static const nnet::Pool_Op pool_op = nnet::{kind};
    typedef accum_t accum_t;
}};
"""


def pool(kind, size, stride, pad=(0, 0), count="false", given="ap_fixed<8,4>", accumulator="ap_fixed<14,6>"):
    out = (7 + sum(pad) - size) // stride + 1
    structs = STRUCT.format(out=out, size=size, stride=stride, left=pad[0], right=pad[1], count=count, kind=kind)
    return graph_of(
        ["nnet::pooling1d_cl<input_t, result_t, config2>(x, y); // pool"],
        {"input_t": given, "result_t": "ap_fixed<14,6>", "accum_t": accumulator},
        structs,
        inputs={"x": ("input_t", "7*2")},
        outputs={"y": ("result_t", f"{out}*2")},
    )


def wrapped(codes, bits):
    return (codes + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def windows(codes, size, stride, pad):
    """The codes of every window, without padding; (positions, channels) lists for every row."""
    for start in range(0, codes.shape[1] + sum(pad) - size + 1, stride):
        yield codes[:, max(start - pad[0], 0) : min(start - pad[0] + size, codes.shape[1])]


@pytest.mark.parametrize(
    ("size", "stride", "pad"), [(2, 2, (0, 0)), (3, 2, (0, 0)), (3, 1, (1, 1)), (5, 5, (2, 1)), (7, 1, (0, 0))]
)
@pytest.mark.parametrize("count", ["false", "true"])
def test_means_are_rounded_towards_zero_in_the_last_bit_of_the_accumulator(size, stride, pad, count):
    graph = pool("Average", size, stride, pad, count)
    codes = np.random.default_rng(0).integers(-128, 128, (300, 7, 2))
    expected = []
    for part in windows(codes, size, stride, pad):
        total = wrapped(part.sum(axis=1) << 4, 14)  # eight bits behind the point instead of four
        divisor = size if count == "true" else part.shape[1]
        expected.append(np.sign(total) * (np.abs(total) // divisor))
    assert graph.run(codes).tolist() == np.stack(expected, axis=1).tolist()


def test_an_accumulator_that_is_too_narrow_wraps():
    graph = pool("Average", 7, 1, accumulator="ap_fixed<8,4>")
    codes = np.random.default_rng(1).integers(-128, 128, (300, 7, 2))
    total = wrapped(codes.sum(axis=1), 8)
    assert graph.run(codes)[:, 0].tolist() == ((np.sign(total) * (np.abs(total) // 7)) << 4).tolist()


@pytest.mark.parametrize(("size", "stride", "pad"), [(2, 2, (0, 0)), (3, 1, (1, 1))])
def test_the_largest(size, stride, pad):
    graph = pool("Max", size, stride, pad)
    codes = np.random.default_rng(2).integers(-128, 128, (100, 7, 2))
    expected = np.stack([part.max(axis=1) for part in windows(codes, size, stride, pad)], axis=1)
    assert graph.run(codes).tolist() == (expected << 4).tolist()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Max", 3, 1, (1, 1), "false", "ap_ufixed<8,4>"), "begins with 128 for numbers without a sign"),
        (("Average", 3, 1, (0, 0), "false", "ap_fixed<8,4>", "ap_fixed<6,4,AP_RND>"), "rounds every element"),
        (
            ("Average", 7, 1, (0, 0), "false", "ap_fixed<8,4>", "ap_fixed<8,4,AP_TRN,AP_SAT>"),
            "may saturate within a sum",
        ),
        (("L2Norm", 2, 2), "pooling L2Norm is not supported"),
    ],
)
def test_what_is_refused(arguments, said):
    with pytest.raises(Refused, match=rf"^layer pool: .*{said}"):
        pool(*arguments)


def test_one_window_over_all():
    structs = "struct config2 : nnet::pooling2d_config {\n static const unsigned in_height = 3;\n"
    structs += " static const unsigned in_width = 2;\n static const unsigned n_filt = 2;\n"
    structs += " static const nnet::Pool_Op pool_op = nnet::Average;\n typedef accum_t accum_t;\n};\n"
    graph = graph_of(
        ["nnet::global_pooling2d_cl<input_t, result_t, config2>(x, y); // pool"],
        {"input_t": "ap_fixed<8,4>", "result_t": "ap_fixed<14,6>", "accum_t": "ap_fixed<14,6>"},
        structs,
        inputs={"x": ("input_t", "3*2*2")},
        outputs={"y": ("result_t", "2")},
    )
    codes = np.random.default_rng(3).integers(-128, 128, (200, 3, 2, 2))
    total = wrapped(codes.sum(axis=(1, 2)) << 4, 14)
    assert graph.run(codes).tolist() == (np.sign(total) * (np.abs(total) // 6)).tolist()
