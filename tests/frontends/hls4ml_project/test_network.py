"""Whole projects: their ports, what they are refused for, and projects that hls4ml writes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.hls4ml_texts import DENSE, graph_of, project

from qcompress.errors import QcompressError, Refused
from qcompress.fixedpoint import Format
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.frontends.hls4ml_project.files import Project, load_project

LINEAR = "nnet::linear<input_t, result_t, config2>(x, y); // act"
TYPES = {"input_t": "ap_fixed<8,3>", "result_t": "ap_fixed<6,3,AP_RND,AP_SAT>"}


def test_ports_have_names_shapes_and_formats():
    graph = graph_of([LINEAR], TYPES, inputs={"x": ("input_t", "2*3")}, outputs={"y": ("result_t", "3*2")})
    (given,), (found,) = graph.input_ports, graph.output_ports
    assert (given.name, given.shape, given.format) == ("x", (2, 3), Format(True, 8, 3))
    assert (found.name, found.shape, found.format) == ("y", (3, 2), Format(True, 6, 3))
    assert str(graph.input_quantizer) == "fixed<8,3,TRN,WRAP>"


def test_results_that_need_fewer_bits_have_the_format_of_their_port():
    graph = graph_of([LINEAR], TYPES | {"result_t": "ap_fixed<20,10>"})
    assert graph.output_format == Format(True, 20, 10)
    codes = np.arange(-128, 128).reshape(-1, 4)
    assert (graph.run(codes) == codes << 5).all()


def test_several_inputs_and_outputs():
    calls = [
        "nnet::linear<input_t, result_t, config2>(a, y); // one",
        "nnet::add<input_t, result_t, sum_t, config3>(b, y, z); // two",
    ]
    graph = graph_of(
        calls,
        TYPES | {"sum_t": "ap_fixed<9,4>"},
        "struct config3 : nnet::merge_config {\n static const unsigned n_elem = 4;\n};\n",
        inputs={"a": ("input_t", "4"), "b": ("input_t", "4")},
        outputs={"y": ("result_t", "4"), "z": ("sum_t", "4")},
    )
    found = graph.run({"a": [[4, -8, 127, 0]], "b": [[1, 2, 3, 4]]})
    assert found["y"].tolist() == [[1, -2, 31, 0]]
    assert found["z"].tolist() == [[1 + 4, 2 - 8, 3 + 124, 4]]


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        (
            ["nnet::lstm_stack<input_t, result_t, config2>(x, y); // rnn"],
            "layer rnn: nnet::lstm_stack is not supported",
        ),
        ([LINEAR.replace("(x", "(z")], "layer act: takes z, which nothing before gives"),
        ([LINEAR.replace("<input_t, result_t, config2>", "<input_t>")], "layer act: nnet::linear has 1 types"),
        (["nnet::relu6<input_t, other_t, config2>(x, y); // act"], "type other_t: is not in defines.h"),
        (["nnet::sigmoid<input_t, result_t, config9>(x, y); // act"], "layer act: parameters.h has no struct config9"),
        (["nnet::linear<input_t, result_t, config2>(x, z);"], "nothing gives|gives no output|has no input"),
    ],
)
def test_what_cannot_be_read_is_one_line(calls, said):
    with pytest.raises(QcompressError, match=rf"^[^\n]*({said})[^\n]*$"):
        FRONT_END.convert(project(calls, TYPES), "n", None)


def test_a_project_of_oneapi_and_formats_of_inputs_are_refused():
    made = project([LINEAR], TYPES)
    with pytest.raises(Refused, match="leave --input-format out"):
        FRONT_END.convert(made, "n", Format(True, 8, 3))
    text = made.files["firmware/defines.h"].replace("ap_fixed.h", "sycl/sycl.hpp")
    with pytest.raises(Refused, match="a project of oneAPI; write it for Vitis"):
        FRONT_END.convert(Project("p", {**made.files, "firmware/defines.h": text}), "n", None)


def test_wide_ports_are_refused_but_wide_types_in_between_are_not_if_they_are_not_needed():
    with pytest.raises(Refused, match=r"output y: fixed<70,30,TRN,WRAP> has more than 62 bits"):
        graph_of([LINEAR], TYPES | {"result_t": "ap_fixed<70,30>"})
    calls = [
        "nnet::linear<input_t, wide_t, config2>(x, z); // one",
        LINEAR.replace("(x", "(z").replace("input_t", "wide_t"),
    ]
    wide = graph_of(calls, TYPES | {"wide_t": "ap_fixed<70,30>"})
    assert [node.name for node in wide.nodes] == ["act"]


WRITER = """
import sys
sys.modules["keras"] = sys.modules["tensorflow"] = None
import numpy as np
from hls4ml.backends import get_backend
from hls4ml.model.graph import ModelGraph
for backend in sys.argv[2:]:
    rng = np.random.default_rng(0)
    layers = [{"class_name": "InputLayer", "name": "x", "input_shape": [6]}]
    for place, (inputs, outputs) in enumerate([(6, 4), (4, 3)]):
        layers += [
            {
                "class_name": "Dense", "name": f"fc{place}", "n_in": inputs, "n_out": outputs,
                "weight_data": rng.integers(-8, 8, (inputs, outputs)) / 8,
                "bias_data": rng.integers(-8, 8, outputs) / 8,
            },
            {"class_name": "Activation", "name": f"act{place}", "activation": "relu", "n_in": outputs},
        ]
    config = get_backend(backend).create_initial_config() | {
        "Backend": backend, "ProjectName": "net", "OutputDir": f"{sys.argv[1]}/{backend}",
        "HLSConfig": {"Model": {"Precision": {"default": "fixed<16,6>"}, "ReuseFactor": 1, "Strategy": "Latency"}},
    }
    ModelGraph.from_layer_list(config, layers).write()
"""


def test_projects_that_hls4ml_writes_for_four_backends_are_the_same_network(tmp_path):
    backends = ("Vitis", "Vivado", "Catapult", "Quartus")
    done = subprocess.run(
        [sys.executable, "-c", WRITER, str(tmp_path), *backends], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rng = np.random.default_rng(0)
    codes = rng.integers(-(2**15), 2**15, (500, 6))
    results = []
    for backend in backends:
        found = FRONT_END.convert(load_project(Path(tmp_path, backend)), "net", None)
        assert found.has_body
        assert found.notes == ()
        results.append(found.graph.run(codes))
    assert all((result == results[0]).all() for result in results)
    weights = np.random.default_rng(0)
    values = codes / 1024
    for inputs, outputs in ((6, 4), (4, 3)):
        kernel, bias = weights.integers(-8, 8, (inputs, outputs)) / 8, weights.integers(-8, 8, outputs) / 8
        products = np.floor(values[:, :, None] * kernel * 1024)  # each is truncated to the accumulator's last bit
        total = (products.sum(axis=1) + bias * 1024 + 2**15) % 2**16 - 2**15
        values = np.maximum(total, 0) / 1024
    assert (results[0] == values * 1024).all()


def test_dense_layers_keep_their_names():
    weights = {"w2": [1, 0.5, -1, 2], "b2": [0]}
    types = TYPES | {"accum_t": "ap_fixed<20,10>", "weight_t": "ap_fixed<8,3>", "bias_t": "ap_fixed<8,3>"}
    call = "nnet::dense<input_t, result_t, config2>(x, y, w2, b2); // fc1"
    graph = graph_of([call], types, DENSE.format(n_in=4, n_out=1), weights, outputs={"y": ("result_t", "1")})
    assert [node.name for node in graph.nodes] == ["fc1_sum", "fc1"]
