"""Sums of products, beside the same sums in Python, product by product."""

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from helpers.hls4ml_texts import DENSE, graph_of, project

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.graph import Dense

CALL = "nnet::dense<input_t, result_t, config2>(x, y, w2, b2); // fc"
WEIGHTS = {"w2": [0.5, -0.25, 1.125, 0.375, -1.5, 0.625, 0.125, -0.875], "b2": [0.3125, -1.0625]}


def types(accumulator, result="ap_fixed<12,5>"):
    wide = {"input_t": "ap_fixed<6,2>", "weight_t": "ap_fixed<8,3>", "bias_t": "ap_fixed<8,3>"}
    return wide | {"accum_t": accumulator, "result_t": result}


def dense(accumulator, result="ap_fixed<12,5>", structs=None):
    given = structs or DENSE.format(n_in=4, n_out=2)
    return graph_of([CALL], types(accumulator, result), given, WEIGHTS, outputs={"y": ("result_t", "2")})


def cut(value, width, integer):
    """value truncated and wrapped to ap_fixed<width, integer>, as a whole number of its last bits."""
    code = floor(Fraction(value) * 2 ** (width - integer)) % (1 << width)
    return code - (1 << width) if code >= 1 << (width - 1) else code


@pytest.mark.parametrize(("width", "integer"), [(30, 10), (12, 6), (8, 5), (6, 3), (7, 2)])
def test_products_are_truncated_and_wrapped_one_by_one(width, integer):
    graph = dense(f"ap_fixed<{width},{integer}>")
    codes = np.random.default_rng(0).integers(-32, 32, (200, 4))
    kernel = np.array(WEIGHTS["w2"]).reshape(4, 2)
    expected = []
    for row in codes.tolist():
        for output in range(2):
            total = cut(WEIGHTS["b2"][output], width, integer)
            for code, weight in zip(row, kernel[:, output].tolist(), strict=True):
                total += cut(Fraction(code, 16) * Fraction(weight), width, integer)
            expected.append(
                cut(
                    Fraction(cut(Fraction(total, 2 ** (width - integer)), width, integer), 2 ** (width - integer)),
                    12,
                    5,
                )
            )
    assert graph.run(codes).ravel().tolist() == expected


def test_a_wide_accumulator_is_the_exact_sum_whatever_its_modes():
    known = dense("ap_fixed<30,10>")
    for modes in ("AP_RND,AP_SAT", "AP_RND_CONV", "AP_TRN,AP_SAT_SYM"):
        assert dense(f"ap_fixed<30,10,{modes}>").content_hash() == known.content_hash()
    operation = next(node.operation for node in known.nodes if isinstance(node.operation, Dense))
    assert operation.accumulator.width < 30


@pytest.mark.parametrize("modes", ["AP_TRN,AP_SAT", "AP_RND", "AP_RND_CONV,AP_SAT_SYM"])
def test_an_accumulator_that_may_round_or_saturate_is_refused(modes):
    with pytest.raises(Refused, match=r"^layer fc: its accumulator fixed<7,3,.*may round or saturate within a sum"):
        dense(f"ap_fixed<7,3,{modes}>")


def test_results_are_rounded_and_saturated_as_their_type_says():
    rounded = dense("ap_fixed<30,10>", "ap_fixed<5,2,AP_RND,AP_SAT>")
    codes = np.random.default_rng(1).integers(-32, 32, (300, 4))
    kernel = np.array(WEIGHTS["w2"]).reshape(4, 2)
    sums = codes / 16 @ kernel + np.array(WEIGHTS["b2"])
    assert rounded.run(codes).tolist() == np.clip(np.floor(sums * 8 + 0.5), -16, 15).tolist()


def test_weights_of_reused_multipliers_are_stored_output_by_output():
    straight = dense("ap_fixed<30,10>")
    turned = DENSE.format(n_in=4, n_out=2).replace("nnet::latency", "nnet::resource")
    weights = {"w2": np.array(WEIGHTS["w2"]).reshape(4, 2).T.ravel(), "b2": WEIGHTS["b2"]}
    again = graph_of([CALL], types("ap_fixed<30,10>"), turned, weights, outputs={"y": ("result_t", "2")})
    assert again.content_hash() == straight.content_hash()


@pytest.mark.parametrize("strategy", ["resource_unrolled", "distributed_arithmetic"])
def test_other_strategies_are_refused(strategy):
    with pytest.raises(Refused, match=rf"^layer fc: strategy {strategy} is not supported"):
        dense("ap_fixed<30,10>", structs=DENSE.format(n_in=4, n_out=2).replace("nnet::latency", f"nnet::{strategy}"))


def test_weights_of_one_and_two_bits_stand_for_signs():
    for kind, values in (("weight_binary", [1, 0, 0, 1, 1, 0, 1, 1]), ("weight_ternary", [1, 0, -1, 1, 0, 0, -1, 1])):
        structs = DENSE.format(n_in=4, n_out=2).replace("product::mult", f"product::{kind}")
        own = types("ap_fixed<30,10>") | {"weight_t": "ap_uint<1>" if kind == "weight_binary" else "ap_int<2>"}
        graph = graph_of([CALL], own, structs, {"w2": values, "b2": [0, 0]}, outputs={"y": ("result_t", "2")})
        signs = np.array(values).reshape(4, 2)
        signs = 2 * signs - 1 if kind == "weight_binary" else signs
        codes = np.random.default_rng(2).integers(-32, 32, (50, 4))
        assert graph.output_values(graph.run(codes)).tolist() == (codes / 16 @ signs).tolist()


def test_other_products_and_wrong_numbers_of_weights_are_refused():
    structs = DENSE.format(n_in=4, n_out=2)
    with pytest.raises(Refused, match=r"^layer fc: products of kind weight_exponential"):
        dense("ap_fixed<30,10>", structs=structs.replace("product::mult", "product::weight_exponential"))
    made = project([CALL], types("ap_fixed<30,10>"), structs, WEIGHTS | {"b2": [1]}, outputs={"y": ("result_t", "2")})
    with pytest.raises(QcompressError, match="layer fc: 1 weights b2, 2 are needed"):
        FRONT_END.convert(made, "n", None)


CONVOLUTION = """struct config2 : nnet::conv2d_config {{
    static const unsigned pad_top = 1; static const unsigned pad_bottom = 0;
    static const unsigned pad_left = 0; static const unsigned pad_right = 1;
    static const unsigned in_height = 3; static const unsigned in_width = 4; static const unsigned n_chan = 2;
    static const unsigned filt_height = 2; static const unsigned filt_width = 2;
    static const unsigned n_filt = {filters};
    static const unsigned stride_height = 1; static const unsigned stride_width = 2;
    static const unsigned out_height = 3; static const unsigned out_width = {width};
    static const unsigned strategy = nnet::latency;
    typedef accum_t accum_t; typedef bias_t bias_t; typedef weight_t weight_t;
}};
"""


@pytest.mark.parametrize("function", ["conv_2d_cl", "depthwise_conv_2d_cl"])
def test_windows_slide_with_strides_and_padding(function):
    rng, deep = np.random.default_rng(3), function.startswith("depthwise")
    filters = 2 if deep else 3
    kernel = rng.integers(-8, 8, (2, 2, 2) if deep else (2, 2, 2, 3)) / 8
    bias = rng.integers(-8, 8, filters) / 8
    graph = graph_of(
        [f"nnet::{function}<input_t, result_t, config2>(x, y, w2, b2); // conv"],
        types("ap_fixed<30,10>", "ap_fixed<20,8>"),
        CONVOLUTION.format(filters=filters, width=2),
        {"w2": kernel.ravel(), "b2": bias},
        inputs={"x": ("input_t", "3*4*2")},
        outputs={"y": ("result_t", f"3*2*{filters}")},
    )
    codes = rng.integers(-32, 32, (20, 3, 4, 2))
    padded = np.pad(codes / 16, ((0, 0), (1, 0), (0, 1), (0, 0)))
    expected = np.zeros((20, 3, 2, filters)) + bias
    for row, column in np.ndindex(2, 2):
        part = padded[:, row : row + 3, column : column + 3 : 2]
        expected += part * kernel[row, column] if deep else part @ kernel[row, column]
    assert graph.output_values(graph.run(codes)).tolist() == expected.tolist()


def test_windows_that_do_not_fit_are_refused():
    with pytest.raises(Refused, match=r"^layer conv: gives \(3, 7\) positions where its window makes \(3, 2\)"):
        graph_of(
            ["nnet::conv_2d_cl<input_t, result_t, config2>(x, y, w2, b2); // conv"],
            types("ap_fixed<30,10>"),
            CONVOLUTION.format(filters=3, width=7),
            {"w2": [0] * 24, "b2": [0] * 3},
            inputs={"x": ("input_t", "3*4*2")},
            outputs={"y": ("result_t", "3*2*3")},
        )


def test_normalization_is_one_product_and_one_sum_in_full_precision():
    structs = "struct config2 : nnet::batchnorm_config {\n static const unsigned n_in = 6;\n"
    structs += " static const unsigned n_filt = 3;\n"
    structs += " static const unsigned n_scale_bias = (n_filt == -1) ? n_in : n_filt;\n"
    structs += " typedef bias_t bias_t;\n typedef weight_t scale_t;\n};\n"
    graph = graph_of(
        ["nnet::normalize<input_t, result_t, config2>(x, y, s2, b2); // bn"],
        types("ap_fixed<8,4>", "ap_fixed<9,4,AP_RND,AP_SAT>"),
        structs,
        {"s2": [0.5, -1.25, 2.125], "b2": [0.125, -0.25, 1]},
        inputs={"x": ("input_t", "2*3")},
        outputs={"y": ("result_t", "2*3")},
    )
    codes = np.random.default_rng(4).integers(-32, 32, (100, 2, 3))
    exact = codes / 16 * [0.5, -1.25, 2.125] + [0.125, -0.25, 1]
    assert graph.run(codes).tolist() == np.clip(np.floor(exact * 32 + 0.5), -256, 255).tolist()
