"""The structs of parameters.h."""

import pytest

from qcompress.errors import QcompressError
from qcompress.fixedpoint import Rounding
from qcompress.frontends.hls4ml_project.configs import parse_configs, parse_typedefs
from qcompress.frontends.hls4ml_project.number_types import NumberType

TEXT = """
struct config2_mult : nnet::dense_config {
    static const unsigned n_in = 27;
};
struct config2 : nnet::conv1d_config {
    static const unsigned n_in = N_INPUT_1_1;
    static const unsigned reuse_factor = 4;
    static const unsigned limit = DIV_ROUNDUP(n_in * 3, reuse_factor) - 1;
    static const unsigned n_filt = -1;
    static const unsigned n_scale = (n_filt == -1) ? n_in : n_filt;
    static const bool count_pad = false;
    static const unsigned strategy = nnet::resource;
    static const ap_uint<3> pixels[4];
    static constexpr unsigned perm[3] = {1,0,2};
    typedef small_t accum_t;
    typedef config2_mult mult_config;
    typedef ap_fixed<9,3,AP_RND> own_t;
    template<class x_T, class y_T>
    using product = nnet::product::weight_binary<x_T, y_T>;
};
const ap_uint<3> config2::pixels[] = {1,2,4};
const small_t config2::slope = 0.2;
"""


@pytest.fixture
def config():
    return parse_configs(TEXT, {"N_INPUT_1_1": "10"}, parse_typedefs("typedef ap_fixed<8,3> small_t;"))["config2"]


def test_constants(config):
    assert (config.integer("n_in"), config.integer("limit"), config.integer("n_scale")) == (10, 7, 10)
    assert (config.integer("count_pad"), config.integer("missing", 5)) == (0, 5)
    assert (config.word("strategy"), config.word("missing", "none")) == ("resource", "none")
    assert config.value("slope") == 0.2


def test_lists_types_and_templates(config):
    assert config.numbers("perm") == [1, 0, 2]
    assert config.type("accum_t") == NumberType(True, 8, 3)
    assert config.type("own_t") == NumberType(True, 9, 3, Rounding.RND)
    assert config.types["mult_config"] == "config2_mult"
    assert config.templates["product"] == "product::weight_binary"


@pytest.mark.parametrize("ask", ["integer", "numbers", "type"])
def test_what_is_missing_is_one_line(config, ask):
    with pytest.raises(QcompressError, match=r"^config2 of parameters.h: (type )?missing is missing"):
        getattr(config, ask)("missing")


def test_a_cut_file_is_one_line():
    with pytest.raises(QcompressError, match="is cut off"):
        parse_configs(TEXT[: TEXT.index("typedef")], {}, {})
