"""Part, clock, strategy and reuse factor of each layer: the project's own files say them, its simulation is exact."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qcompress.errors import Refused
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Conv1D, Dense, Flatten, Graph, Node, Quantize
from qcompress.pipeline.building import build_targets
from qcompress.progress import silent
from qcompress.targets import OfNetworks, choose
from qcompress.targets.hls.layer_settings import Layer, nearest, valid_reuse_factors, window_reuse_factors
from qcompress.targets.hls.project import Hls

WEIGHTS, SUMS = Format(True, 5, 2), Format(True, 14, 8)
FOR_ALL = 2
"""The reuse factor of layers that are not told another."""


def network() -> Graph:
    rng, cut = np.random.default_rng(0), Quantize(Cast.parse("ufixed<6,4,RND,SAT>"))

    def weights(*shape: int) -> tuple[Any, ...]:
        codes = rng.integers(-15, 16, shape)
        return codes, WEIGHTS, rng.integers(-15, 16, shape[-1:]), WEIGHTS, SUMS

    convolution = Conv1D(*weights(3, 2, 4), strides=(1,), padding=((0, 0),), dilation=(1,))
    layers = (
        Node("conv", convolution, "input"),
        Node("cut_0", cut, "conv"),
        Node("flat", Flatten(), "cut_0"),
        Node("dense_1", Dense(*weights(24, 8)), "flat"),
        Node("cut_1", cut, "dense_1"),
        Node("dense_2", Dense(*weights(8, 4)), "cut_1"),
    )
    return Graph("net", (8, 2), Format(True, 6, 2), layers)


GRAPH = network()
PARTS = {
    "Vitis": ("xczu7ev-ffvc1156-2-e", "xcvu13p-flga2577-2-e", "xcku115-flvb2104-2-i"),
    "Vivado": ("xc7k325tffg900-2", "xczu7ev-ffvc1156-2-e", "xcku115-flvb2104-2-i"),
    "Catapult": ("xcku115-flvb2104-2-i", "xcvu13p-flga2577-2-e", "xc7k325tffg900-2"),
    "Quartus": ("10AX115S2F45I2SG", "1SG280HU1F50E2VG", "Arria10"),
    "oneAPI": ("AGFB014R24A2E2V", "Agilex7", "1SG280HU1F50E2VG"),
}
CLOCKS_MHZ = (125, 240, 400)
SCRIPTS = {
    "Vitis": ("project.tcl", 'set part "{part}"', "set clock_period {period}"),
    "Vivado": ("project.tcl", 'set part "{part}"', "set clock_period {period}"),
    "Catapult": ("build_prj.tcl", "setup_xilinx_part {{{part}}}", "set hls_clock_period {period}"),
    "Quartus": ("Makefile", "DEVICE   := {part}", None),
    "oneAPI": ("CMakeLists.txt", 'set(FPGA_DEVICE "{part}")', "-Xsclock={period}ns"),
}
"""Where the project says its part and its clock."""


def check(backend: str, strategy: str, part: str, clock_mhz: float, folder: Path, io_type: str = "io_parallel") -> None:
    """Build the network for a part and a clock, look into the project's files, and simulate it."""
    other = "Resource" if strategy == "Latency" else "Latency"
    layers = {
        "dense_*": {"reuse_factor": 8},
        "dense_2": {"reuse_factor": 4, "strategy": other.lower()},
        "conv": {"reuse_factor": 3},
    }
    told = {"backend": backend, "part": part, "clock_mhz": clock_mhz, "strategy": strategy, "io_type": io_type}
    target = choose("hls", {**told, "reuse_factor": FOR_ALL, "layers": layers}).target
    body = target.build(GRAPH, folder)
    project = folder / "project"
    script, named, clocked = SCRIPTS[backend]
    text, period = (project / script).read_text(), 1000 / clock_mhz
    assert named.format(part=part) in text
    if clocked is None:
        assert f"fmax_mhz({clock_mhz:g})" in (project / "firmware" / "qcompress_hls.h").read_text()
    else:
        assert clocked.format(period=period) in text
    configuration = (project / "hls4ml_config.yml").read_text()
    assert f"Part: {part}\n" in configuration
    assert f"ClockPeriod: {period}\n" in configuration
    (parameters,) = [path for path in project.rglob("parameters.h") if "nnet_utils" not in path.parts]
    found = {
        name: (reuse, how)
        for name, reuse, how in _layers(parameters.read_text())
        if not name.startswith(("relu", "linear"))
    }
    reuses = {int(reuse) for reuse, _ in found.values()}
    assert {3, 8, 4} <= reuses <= {3, 8, 4, FOR_ALL}
    if backend in ("Vitis", "Vivado", "Catapult"):
        strategies = {int(reuse): how for reuse, how in found.values() if how}
        assert (strategies[8], strategies[4]) == (strategy.lower(), other.lower())
    if target.simulated:
        codes = np.random.default_rng(1).integers(-32, 32, (300, 8, 2))
        assert np.count_nonzero(body.run(codes) != GRAPH.run(codes)) == 0


def _layers(text: str) -> list[tuple[str, str, str]]:
    """Name, reuse factor and strategy ("" where it is not said) of each structure in parameters.h."""
    found = []
    for name, content in re.findall(r"struct (\w+) : nnet::\w+ \{(.*?)\n\};", text, re.DOTALL):
        reuse = re.search(r"reuse_factor = (\d+);", content)
        how = re.search(r"strategy = nnet::(\w+);", content)
        if reuse:
            found.append((name, reuse[1], how[1] if how else ""))
    return found


def test_the_files_of_a_project_say_part_clock_and_reuse_and_it_is_exact(tmp_path: Path) -> None:
    check("Vitis", "Latency", PARTS["Vitis"][0], 320, tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("strategy", ["Latency", "Resource"])
@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("backend", PARTS)
def test_three_parts_and_clocks_of_every_backend(backend: str, place: int, strategy: str, tmp_path: Path) -> None:
    check(backend, strategy, PARTS[backend][place], CLOCKS_MHZ[place], tmp_path)


@pytest.mark.campaign
@pytest.mark.parametrize("strategy", ["Latency", "Resource"])
@pytest.mark.parametrize("backend", PARTS)
def test_streams_of_every_backend(backend: str, strategy: str, tmp_path: Path) -> None:
    check(backend, strategy, PARTS[backend][0], CLOCKS_MHZ[0], tmp_path, "io_stream")


@pytest.mark.campaign
@pytest.mark.parametrize(("inputs", "outputs"), [(1, 1), (7, 3), (24, 8), (16, 64), (12, 5)])
def test_valid_reuse_factors_are_those_of_hls4ml(inputs: int, outputs: int) -> None:
    from hls4ml.backends import get_backend

    assert valid_reuse_factors(inputs, outputs) == get_backend("Vivado").get_valid_reuse_factors(inputs, outputs)


def test_valid_reuse_factors_share_the_products_evenly() -> None:
    assert valid_reuse_factors(6, 4) == [1, 2, 3, 6, 12, 24]
    assert window_reuse_factors(12) == [1, 2, 3, 4, 6, 12]
    assert nearest([1, 2, 3, 6, 12, 24], 5) == "2, 3, 6"
    assert nearest([1], 5) == "1"


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ({"dense_3": {"reuse_factor": 2}}, "hls: layer dense_3 is no node of the graph; .*did you mean dense_[12]?"),
        ({"zz": {"reuse_factor": 2}}, "layer zz is no node of the graph; .*they are conv, dense_1, dense_2"),
        ({"flat": {"strategy": "Resource"}}, "layer flat multiplies nothing; .*they are conv"),
        ({"dense_1": {"reuse_factor": 5}}, "node dense_1: reuse factor 5 does not share .*: use 3, 4, 6"),
        ({"dense_2": {"reuse_factor": 3}}, "node dense_2: reuse factor 3 does not share .*: use 1, 2, 4"),
        ({"conv": {"reuse_factor": 4}}, "node conv: reuse factor 4 does not share .* evenly: use 2, 3, 6"),
    ],
)
def test_what_fits_no_layer_is_refused_with_the_nearest(layers: dict[str, Any], said: str) -> None:
    with pytest.raises(Refused, match=said):
        choose("hls", {"layers": layers}).target.refuse(GRAPH)


def test_a_network_before_a_slash_means_its_nodes_alone() -> None:
    named = {"net/dense_1": {"reuse_factor": 8}, "other/dense_9": {"reuse_factor": 5}}
    target = choose("hls", {"layers": named}).target
    assert isinstance(target, Hls)
    target.refuse(GRAPH)
    assert isinstance(target, OfNetworks)
    target.refuse_networks(["net", "other"])
    with pytest.raises(Refused, match=r"layer other/dense_9: no network is called other; did you mean others\?"):
        target.refuse_networks(["net", "others"])
    with pytest.raises(Refused, match=r"layer net/dense_9 is no node of the graph; .* did you mean dense_[12]\?"):
        choose("hls", {"layers": {"net/dense_9": {"reuse_factor": 5}}}).target.refuse(GRAPH)
    assert [Layer("net/d*").fits(*each) for each in (("net", "dense"), ("a", "dense"), ("net", "cut"))] == [1, 0, 0]
    assert Layer("dense[1]").fits("net", "dense[1]")  # a name, though a pattern too


def test_a_network_that_is_none_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    target = choose("hls", {"layers": {"nett/dense_1": {"reuse_factor": 8}}}).target
    with pytest.raises(Refused, match=r"no network is called nett; did you mean net\?"):
        build_targets({"net": GRAPH}, [target], False, tmp_path, silent)
    assert list(tmp_path.iterdir()) == []


def test_the_last_pattern_that_fits_counts() -> None:
    settings = {"dense_*": {"reuse_factor": 5}, "dense_?": {"reuse_factor": 8}}
    target = choose("hls", {"layers": settings}).target
    assert isinstance(target, Hls)
    target.refuse(GRAPH)
    assert [layer.reuse_factor for layer in target.layers] == [5, 8]
