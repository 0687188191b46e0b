"""Layers that move numbers."""

import numpy as np
import pytest
from helpers.hls4ml_texts import graph_of

from qcompress.errors import Refused

CODES = np.random.default_rng(0).integers(-128, 128, (20, 3, 4, 2))


def moved(function, constants, size, lists="", behind=""):
    told = "".join(f" static const unsigned {name} = {value};\n" for name, value in constants.items())
    graph = graph_of(
        [f"nnet::{function}(x, y); // move"],
        {"input_t": "ap_fixed<8,4>", "result_t": "ap_fixed<8,4>"},
        f"struct config2 {{\n{told}{lists}}};\n{behind}",
        inputs={"x": ("input_t", "3*4*2")},
        outputs={"y": ("result_t", str(size))},
    )
    return graph.run(CODES)


IMAGE = {"in_height": 3, "in_width": 4, "n_chan": 2}
TYPES = "<input_t, result_t, config2>"


def test_padding_and_cropping():
    sides = {"top": 1, "bottom": 0, "left": 0, "right": 2}
    padded = moved(f"zeropad2d_cl{TYPES}", IMAGE | {f"pad_{side}": n for side, n in sides.items()}, 4 * 6 * 2)
    assert padded.tolist() == np.pad(CODES, ((0, 0), (1, 0), (0, 2), (0, 0))).reshape(20, -1).tolist()
    cut = moved(f"cropping2d_cl{TYPES}", IMAGE | {f"crop_{side}": n for side, n in sides.items()}, 2 * 2 * 2)
    assert cut.tolist() == CODES[:, 1:, :2].reshape(20, -1).tolist()


def test_resizing_repeats():
    sizes = {"height": 3, "width": 4, "n_chan": 2, "new_height": 6, "new_width": 4}
    found = moved("resize_nearest<input_t, config2>", sizes, 48)
    assert found.tolist() == CODES.repeat(2, axis=1).reshape(20, -1).tolist()
    with pytest.raises(Refused, match=r"^layer move: \(3, 4\) to \(7, 4\) is no repetition"):
        moved("resize_nearest<input_t, config2>", sizes | {"new_height": 7}, 56)


def test_transposition_by_order_and_by_strides():
    expected = CODES.transpose(0, 3, 1, 2).reshape(20, -1).tolist()
    perm = " static constexpr unsigned perm[3] = {2,0,1};\n"
    assert moved(f"transpose_3d{TYPES}", {"depth": 3, "height": 4, "width": 2}, 24, perm).tolist() == expected
    names = " static const unsigned* const from_shape;\n static const unsigned* const perm_strides;\n"
    lists = "unsigned config2_from_shape[3] = {3, 4, 2};\nunsigned config2_to_shape[3] = {2, 3, 4};\n"
    lists += "unsigned config2_perm_strides[3] = {1, 8, 2};\n"
    assert moved(f"transpose{TYPES}", {"N": 24}, 24, names, lists).tolist() == expected


def test_streams_are_cloned_and_packed_anew():
    graph = graph_of(
        [
            "nnet::clone_stream<input_t, narrow_t, 4>(x, a_cpy1, a_cpy2); // clone",
            "nnet::repack_stream<narrow_t, result_t, 4>(a_cpy1, b);",
            "nnet::add<result_t, narrow_t, result_t, config2>(b, a_cpy2, y); // add",
        ],
        {"input_t": "ap_fixed<8,4>", "narrow_t": "ap_fixed<6,4>", "result_t": "ap_fixed<9,6>"},
        "struct config2 : nnet::merge_config {\n static const unsigned n_elem = 4;\n};\n",
    )
    codes = np.arange(-128, 128).reshape(-1, 4)
    assert graph.output_values(graph.run(codes)).tolist() == (2 * np.floor(codes / 4) / 4).tolist()
