"""The C simulation of projects, built here from hls4ml's own kernels."""

import numpy as np
import pytest
from helpers.hls4ml_texts import ACTIVATION, DENSE, folder_with_kernels, project

from qcompress.errors import QcompressError, Refused
from qcompress.frontends.hls4ml_project import FRONT_END
from qcompress.frontends.hls4ml_project.body import CSimulation, driver_of
from qcompress.frontends.hls4ml_project.files import Project, load_project

TYPES = {
    **{"input_t": "ap_fixed<9,4>", "weight_t": "ap_fixed<7,2>", "bias_t": "ap_fixed<7,2>", "table_t": "ap_fixed<18,8>"},
    **{"accum_t": "ap_fixed<10,5>", "sum_t": "ap_fixed<12,5,AP_RND,AP_SAT>", "result_t": "ap_fixed<9,2>"},
}
CALLS = [
    "sum_t z[3];",
    "sum_t r[3];",
    "nnet::dense<input_t, sum_t, config2>(x, z, w2, b2); // fc",
    "nnet::leaky_relu<sum_t, weight_t, sum_t, config3>(z, 0.3, r); // leaky",
    "nnet::sigmoid<sum_t, result_t, config3>(r, y); // out",
]


def made():
    rng = np.random.default_rng(0)
    weights = {"w2": rng.integers(-60, 60, 12) / 32, "b2": rng.integers(-60, 60, 3) / 32}
    structs = DENSE.format(n_in=4, n_out=3) + ACTIVATION.format(name="config3", n_in=3, table_size=1024)
    return project(CALLS, TYPES, structs, weights, outputs={"y": ("result_t", "3")})


def test_the_graph_is_what_the_simulation_computes(tmp_path):
    whole = load_project(folder_with_kernels(made(), tmp_path / "net", (4, 3)))
    found = FRONT_END.convert(whole, "net", None)
    assert (found.has_body, found.notes) == (True, ())
    codes = np.random.default_rng(1).integers(-256, 256, (5000, 4))
    codes[:16] = np.stack(np.meshgrid(*[[-256, 255]] * 4), axis=-1).reshape(16, 4)
    body = FRONT_END.body(whole, found.graph)
    simulated = body.run(codes)
    assert len(np.unique(simulated)) > 50
    assert (simulated == found.graph.run(codes)).all()
    assert body.run(codes[:0]).shape == (0, 3)


def test_a_project_that_cannot_be_simulated_says_what_it_lacks():
    found = FRONT_END.convert(made(), "net", None)
    assert not found.has_body
    assert any("comes without net_bridge.cpp: it is not compared with its C simulation" in note for note in found.notes)
    with pytest.raises(QcompressError, match=r"^folder: net_bridge.cpp is missing"):
        FRONT_END.body(made(), found.graph).run(np.zeros((1, 4), int))


def test_what_does_not_compile_is_one_line():
    files = {**made().files, "net_bridge.cpp": 'extern "C" void net_double(double *x, double *y) { undeclared(); }\n'}
    files["firmware/net.cpp"] = files["firmware/net.cpp"].replace("x[4]", "x[SIZE_THAT_DEFINES_H_HAS]")
    files["firmware/ap_types/ap_fixed.h"] = "#pragma once\n"
    broken = Project("folder", files)
    graph = FRONT_END.convert(made(), "net", None).graph
    with pytest.raises(QcompressError, match=r"^folder: its C simulation cannot be built: [^\n]*error[^\n]*$"):
        CSimulation(broken, graph).program()


@pytest.mark.parametrize(
    ("bridge", "passed"),
    [
        ("void net_double(double x[4], double y[3]) {}", "given.data() + 0, found.data() + 0"),
        (
            "void net_double(double y[3], double *x, unsigned short &const_size_in_1) {}",
            "found.data() + 0, given.data() + 0, size",
        ),
    ],
)
def test_the_driver_passes_what_the_bridge_takes(bridge, passed):
    given = Project("p", {"net_bridge.cpp": bridge})
    graph = FRONT_END.convert(made(), "net", None).graph
    assert f"net_double({passed});" in driver_of(given, "net", graph)


@pytest.mark.parametrize(
    ("bridge", "said"),
    [("void net_float(float *x) {}", "has no function net_double"), ("void net_double(double *z) {}", "parameter z")],
)
def test_a_bridge_to_another_network_is_one_line(bridge, said):
    graph = FRONT_END.convert(made(), "net", None).graph
    with pytest.raises(QcompressError, match=rf"^p: [^\n]*{said}"):
        driver_of(Project("p", {"net_bridge.cpp": bridge}), "net", graph)


def test_ports_beyond_doubles_are_refused():
    calls = ["nnet::linear<input_t, result_t, config2>(x, y);"]
    wide = project(calls, {"input_t": "ap_fixed<60,30>", "result_t": "ap_fixed<60,30>"})
    graph = FRONT_END.convert(wide, "net", None).graph
    with pytest.raises(Refused, match=r"port x has over 53 bits"):
        FRONT_END.body(wide, graph)
