"""Layers of two tensors."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers.hls4ml_texts import graph_of, project

from qcompress.errors import Refused
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.frontends.hls4ml_project.files import Project
from qcompress.frontends.hls4ml_project.merging import concatenate

RNG = np.random.default_rng(0)
FIRST = RNG.integers(-128, 128, (100, 2, 3))
SECOND = RNG.integers(-128, 128, (100, 2, 3))


def merged(function, result="ap_fixed<20,10>", shapes=("2*3", "2*3"), structs=None, size=6, **types):
    given = {"first_t": "ap_fixed<8,4>", "second_t": "ap_fixed<8,5>", "result_t": result} | types
    default = f"struct config2 : nnet::merge_config {{\n static const unsigned n_elem = {size};\n}};\n"
    return graph_of(
        [f"nnet::{function}<first_t, second_t, result_t, config2>(a, b, y); // merge"],
        given,
        structs or default,
        inputs={"a": ("first_t", shapes[0]), "b": ("second_t", shapes[1])},
        outputs={"y": ("result_t", str(size))},
    )


def values(graph, first=FIRST, second=SECOND):
    return graph.output_values(graph.run({"a": first, "b": second}))


@pytest.mark.parametrize(
    ("function", "compute"),
    [
        ("add", np.add),
        ("subtract", np.subtract),
        ("multiply", np.multiply),
        ("average", lambda a, b: (a + b) / 2),
        ("maximum", np.maximum),
        ("minimum", np.minimum),
    ],
)
def test_element_by_element_in_full_precision(function, compute):
    expected = compute(FIRST / 16, SECOND / 8).reshape(100, 6)
    assert values(merged(function)).tolist() == expected.tolist()
    rounded = values(merged(function, "ap_fixed<7,5,AP_RND,AP_SAT>"))
    assert rounded.tolist() == np.clip(np.floor(expected * 4 + 0.5) / 4, -16, 15.75).tolist()


def test_catapults_average_of_arrays_which_is_always_0_is_refused():
    """ac_fixed<1, -1, false>(0.5), its factor, is 0."""
    types = {"first_t": "ap_fixed<8,4>", "second_t": "ap_fixed<8,5>", "result_t": "ap_fixed<20,10>"}
    given = project(
        ["nnet::average<first_t, second_t, result_t, config2>(a, b, y); // merge"],
        types,
        "struct config2 : nnet::merge_config {\n static const unsigned n_elem = 6;\n};\n",
        inputs={"a": ("first_t", "6"), "b": ("second_t", "6")},
        outputs={"y": ("result_t", "6")},
    )
    defines = given.files["firmware/defines.h"].replace("ap_fixed.h", "ac_fixed.h")
    files = dict(given.files) | {"firmware/defines.h": defines.replace("ap_fixed<", "ac_fixed<").replace(">", ",true>")}
    with pytest.raises(Refused, match="layer merge: Catapult's kernel gives 0 for every average; use io_stream"):
        FRONT_END.convert(Project("folder", files), "net", None)


def test_the_shorter_one_is_repeated():
    found = values(merged("add", shapes=("2*3", "3")), second=SECOND[:, 0])
    assert found.tolist() == (FIRST / 16 + SECOND[:, :1] / 8).reshape(100, 6).tolist()


@pytest.mark.parametrize(("axis", "place"), [(1, 1), (2, 2), (-1, 2)])
def test_concatenation(axis, place):
    names = [(f"n_elem{one}_{axis}", size) for one in (1, 2) for axis, size in enumerate((2, 3))]
    sizes = "".join(f" static const unsigned {name} = {size};\n" for name, size in names)
    structs = f"struct config2 : nnet::concat_config {{\n{sizes} static const int axis = {axis};\n}};\n"
    found = values(merged("concatenate2d", structs=structs, size=12))
    assert found.tolist() == np.concatenate([FIRST / 16, SECOND / 8], axis=place).reshape(100, 12).tolist()


def test_catapults_concatenation_of_streams_which_reads_behind_its_parts_is_refused():
    converter, call = SimpleNamespace(backend="Catapult", streams=True), SimpleNamespace(name="join")
    with pytest.raises(Refused, match="layer join: Catapult's kernel of streams reads behind its parts; use io_par"):
        concatenate(1)(converter, call)


def dot(accumulator):
    structs = "struct config2 : nnet::dot_config {\n static const unsigned n_in = 6;\n typedef accum_t accum_t;\n};\n"
    return merged("dot1d", "ap_fixed<30,14>", ("6", "6"), structs, 1, accum_t=accumulator)


def test_scalar_products_wrap_in_their_accumulator():
    exact = (FIRST / 16 * SECOND / 8).reshape(100, 6).sum(axis=1, keepdims=True)
    first, second = FIRST.reshape(100, 6), SECOND.reshape(100, 6)
    assert values(dot("ap_fixed<30,16>"), first, second).tolist() == exact.tolist()
    assert values(dot("ap_fixed<15,8>"), first, second).tolist() == ((exact + 128) % 256 - 128).tolist()


@pytest.mark.parametrize(
    ("accumulator", "said"), [("ap_fixed<10,8>", "rounds products"), ("ap_fixed<15,8,AP_TRN,AP_SAT>", "may saturate")]
)
def test_accumulators_that_lose_are_refused(accumulator, said):
    with pytest.raises(Refused, match=rf"^layer merge: its accumulator .*{said}"):
        dot(accumulator)
