"""Activations from tables, beside the kernels' own index arithmetic in Python."""

import math
from fractions import Fraction

import numpy as np
import pytest
from helpers.hls4ml_texts import ACTIVATION, graph_of

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.hls4ml_project import functions
from qcompress.frontends.hls4ml_project.files import Project
from qcompress.frontends.hls4ml_project.tables import entries

CODES = np.concatenate([np.arange(-(2**15), 2**15, 37), [-(2**15), 2**15 - 1, 0, -1]]).reshape(-1, 4)
FRACTION = 10
"""Of ap_fixed<16,6>."""
AROUND = {
    "sigmoid": (functions.sigmoid, 8),
    "tanh": (functions.tanh, 4),
    "softplus": (functions.softplus, 8),
    "softsign": (functions.softsign, 8),
}


def computed(call, table_size=1024, table="ap_fixed<18,8>", given="ap_fixed<16,6>", result="ap_fixed<16,6>"):
    types = {"input_t": given, "result_t": result, "table_t": table, "slope_t": "ap_ufixed<8,1>"}
    structs = ACTIVATION.format(name="config2", n_in=4, table_size=table_size)
    return graph_of([f"nnet::{call}; // act"], types, structs)


def towards_zero(number):
    return math.floor(number) if number >= 0 else math.ceil(number)


@pytest.mark.parametrize("name", AROUND)
@pytest.mark.parametrize("size", [64, 1024])
def test_tables_around_zero(name, size):
    function, reach = AROUND[name]
    graph = computed(f"{name}<input_t, result_t, config2>(x, y)", size)
    table = [float(np.float32(2 * reach * (place - size / 2) / size)) for place in range(size)]
    expected = []
    for code in CODES.ravel().tolist():
        place = towards_zero(Fraction(code, 2**FRACTION) * size / (2 * reach)) + size // 2
        entry = function(table[max(0, min(place, size - 1))])
        expected.append(math.floor(entry * 1024))
    assert graph.run(CODES).ravel().tolist() == expected


@pytest.mark.parametrize("name", AROUND)
def test_an_input_of_few_bits_is_looked_up_at_once(name):
    narrow = computed(f"{name}<input_t, result_t, config2>(x, y)", given="ap_fixed<8,4>")
    wide = computed(f"{name}<input_t, result_t, config2>(x, y)", given="ap_fixed<24,12>")
    codes = np.arange(-128, 128).reshape(-1, 4)
    assert [type(node.operation).__name__ for node in narrow.nodes][:1] == ["Table"]
    assert narrow.output_values(narrow.run(codes)).tolist() == wide.output_values(wide.run(codes << 8)).tolist()


@pytest.mark.parametrize(
    ("call", "factor"),
    [
        ("elu<input_t, slope_t, result_t, config2>(x, 1.0, y)", 1.0),
        ("elu<input_t, slope_t, result_t, config2>(x, 0.3, y)", 38 / 128),
        ("elu<input_t, result_t, config2>(x, 0.3, y)", 307 / 1024),
        ("elu<input_t, result_t, config2>(x, y)", 1.0),
    ],
)
def test_elu(call, factor):
    expected = []
    for code in CODES.ravel().tolist():
        if code >= 0:
            expected.append(code)
            continue
        place = min(towards_zero(Fraction(-code, 2**FRACTION) * 1024 / 8), 1023)
        entry = math.floor(functions.elu(float(np.float32(-8.0 * place / 1024))) * 1024)
        expected.append(math.floor(entry * factor))
    assert computed(call).run(CODES).ravel().tolist() == expected


def test_selu_has_a_factor_in_a_type_of_its_own():
    expected = []
    factor = math.floor(1.0507009873554805 * 2**15)
    for code in CODES.ravel().tolist():
        place = min(towards_zero(Fraction(-code, 2**FRACTION) * 1024 / 8), 1023)
        below = math.floor(functions.selu(float(np.float32(-8.0 * place / 1024))) * 1024) if code < 0 else 0
        above = (code * factor) >> 15
        expected.append((above + 2**15) % 2**16 - 2**15 if code >= 0 else below)
    assert computed("selu<input_t, result_t, config2>(x, y)").run(CODES).ravel().tolist() == expected


@pytest.mark.parametrize(("size", "said"), [(1000, "a table of 1000 entries"), (1 << 17, "a table of 131072 entries")])
def test_tables_of_other_sizes_are_refused(size, said):
    with pytest.raises(Refused, match=rf"^layer act: {said}"):
        computed("sigmoid<input_t, result_t, config2>(x, y)", size)


def test_an_input_that_overflows_the_index_is_refused():
    with pytest.raises(Refused, match=r"^layer act: its input may be too large for the index of its table"):
        computed("sigmoid<input_t, result_t, config2>(x, y)", given="ap_fixed<40,30>")


def test_tables_of_intel_are_those_of_its_files():
    graph_of(
        ["nnet::linear<input_t, result_t, config2>(x, y);"], {"input_t": "ap_fixed<8,3>", "result_t": "ap_fixed<8,3>"}
    )
    path = "firmware/nnet_utils/activation_tables/elu_table.tb"

    class Reader:
        backend = "Quartus"
        project = Project("p", {path: "static const typename CONFIG_T::table_t elu_table[3] = {0.0, -0.5, -1e0, };"})

    class Call:
        name = "act"

    assert entries(Reader, Call, "elu_table", 3, ()) == [0, -0.5, -1]
    for size, text in ((4, Reader.project.files[path]), (1, "elu_table[1] = {zero};"), (1, "elu_table[1] = {0.0")):
        Reader.project = Project("p", {path: text})
        with pytest.raises(QcompressError, match=r"^p: [^\n]*elu_table\.tb[^\n]*$"):
            entries(Reader, Call, "elu_table", size, ())
