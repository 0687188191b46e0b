"""What a target says of itself: record, flows, cost before it is built; and what a config may set."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from qcompress.fixedpoint import Format
from qcompress.graph import Conv2D, Dense, Graph, Node, Table
from qcompress.synthesis.flows import FLOWS, OPEN, VENDOR
from qcompress.targets import TARGETS, of_flow
from qcompress.targets.hls import project
from qcompress.targets.hls.layer_settings import Layer
from qcompress.targets.hls.project import Hls
from qcompress.targets.hls.proven import BACKENDS
from qcompress.targets.rtl import built, constant, loadable
from qcompress.targets.rtl.constant import Rtl
from qcompress.targets.rtl.loadable import RtlLoadable

EVERY: list[Any] = [*project.VARIANTS.values(), Rtl(), RtlLoadable(), RtlLoadable(reuse=16)]
NARROW, WIDE = Format(True, 6, 1), Format(True, 20, 10)


def dense(*sizes: int) -> Graph:
    rng, nodes = np.random.default_rng(0), []
    for place, (inputs, outputs) in enumerate(pairwise(sizes)):
        weights = rng.integers(-31, 32, (inputs, outputs))
        layer = Dense(weights, NARROW, np.zeros(outputs, np.int64), NARROW, WIDE)
        nodes.append(Node(f"n{place}", layer, f"n{place - 1}" if place else "input"))
    return Graph("dense", (sizes[0],), NARROW, tuple(nodes))


def image(side: int) -> Graph:
    layer = Conv2D(np.ones((3, 3, 4, 4), np.int64), NARROW, np.zeros(4, np.int64), NARROW, WIDE)
    return Graph("image", (side, side, 4), NARROW, (Node("n", layer, "input"),))


def test_flows_are_those_that_there_are() -> None:
    assert tuple(OPEN) == built.FLOWS
    for target in EVERY:
        assert set(target.flows) <= set(FLOWS)
    some = [TARGETS[name] for name in ("hls-vivado-stream", "rtl", "cpp", "hls", "rtl_loadable-4")]
    assert [[target.name for target in of_flow(some, flow)] for flow in FLOWS] == [
        *[["rtl", "rtl_loadable-4"]] * len(OPEN),
        *([["hls"], ["hls-vivado-stream"], [], []]),
    ]
    assert tuple(name for backend in BACKENDS for name in Hls(backend).flows) == VENDOR


def test_all_but_oneapi_are_simulated_and_every_record_has_a_name() -> None:
    assert [target.name for target in EVERY if not target.simulated] == [
        name for name in TARGETS if name.startswith("hls-oneapi")
    ]
    assert {target.record for target in EVERY} == {"hls.json", "rtl.json", "rtl_loadable.json"}


def test_costs_are_near_what_builds_took() -> None:
    """Of the table in `build_cost`, within its factor of two."""
    jet, larger = dense(16, 64, 32, 32, 5), dense(64, 96, 32, 8)
    for target, graph, seconds, megabytes in (
        (Hls(), dense(4, 8, 3), 2.1, 255),
        (Hls(), larger, 2.4, 262),
        (Hls(io_type="io_stream"), larger, 3.1, 299),
        (Hls("Quartus"), larger, 3.6, 363),
        (Hls("Catapult"), larger, 2.4, 243),
        (Rtl(), jet, 87, 890),
        (RtlLoadable(), jet, 35, 804),
        (RtlLoadable(reuse=16), jet, 30, 1096),
    ):
        found = target.cost(graph)
        assert np.all(np.abs(np.log2(np.divide(found, (seconds, megabytes)))) < 1), (target.name, found)


def test_the_cost_knows_what_makes_builds_long() -> None:
    assert Hls().cost(image(64))[0] > 10 * Hls().cost(image(32))[0] > 100 * Hls(io_type="io_stream").cost(image(8))[0]
    assert Hls().cost(dense(45, 128, 64, 24, 5))[0] < 5  # whose weights are read when the simulation begins
    look_up = Graph("t", (16,), Format(True, 12, 2), (Node("t", Table(np.zeros(4096), NARROW), "input"),))
    assert Rtl().cost(look_up)[0] > 10
    assert RtlLoadable().cost(dense(100, 100))[0] > 2 * RtlLoadable().cost(dense(40, 40))[0]


@pytest.mark.parametrize(
    ("module", "given", "made"),
    [
        (project, {}, Hls()),
        (project, {"backend": "Catapult", "io_type": "io_stream", "strategy": "Resource", "reuse_factor": 4}, None),
        (project, {"part": "xcku115", "clock_period_ns": 3}, Hls(part="xcku115", clock_period_ns=3.0)),
        (project, {"clock_mhz": 320}, Hls(clock_period_ns=3.125)),
        (project, {"layers": {"d*": {"strategy": "resource"}}}, Hls(layers=(Layer("d*", "Resource", None),))),
        (constant, {}, Rtl()),
        (constant, {"latency_cutoff": 2}, Rtl(latency_cutoff=2.0)),
        (loadable, {"reuse": 16}, RtlLoadable(reuse=16)),
        (
            loadable,
            {"reuse": 16, "device": "ecp5-85k", "clock_mhz": 100, "banks": 2, "storage": "ram"},
            RtlLoadable(reuse=16, device="ecp5-85k", clock_mhz=100.0, banks=2, storage="ram"),
        ),
        (loadable, {"choices": 4, "products": 2, "adders": 1}, RtlLoadable(choices=4, products=2, adders=1)),
        (loadable, {"reuse": 16, "share": True}, RtlLoadable(reuse=16, share=True)),
    ],
)
def test_a_config_makes_a_target(module: Any, given: dict[str, Any], made: Any) -> None:
    target = module.target(module.Settings(**given))
    assert target == (made or Hls("Catapult", "io_stream", "Resource", 4))
    assert type(target).__module__ == module.__name__


@pytest.mark.parametrize(
    ("module", "given", "said"),
    [
        (project, {"backend": "Libero"}, "should be 'Vitis', 'Vivado', 'Catapult', 'Quartus' or 'oneAPI'"),
        (project, {"io_type": "io_serial"}, "should be 'io_parallel' or 'io_stream'"),
        (project, {"strategy": "Unrolled"}, "should be 'Latency' or 'Resource'"),
        (project, {"reuse_factor": 0}, "greater than or equal to 1"),
        (project, {"reuse_factor": True}, "valid integer"),
        (project, {"clock_period_ns": 0}, "greater than 0"),
        (project, {"clock": 5}, "Extra inputs are not permitted"),
        (project, {"clock_mhz": 200, "clock_period_ns": 5}, "give clock_mhz or clock_period_ns, not both"),
        (project, {"layers": {"d": {"reuse": 2}}}, "Extra inputs are not permitted"),
        (project, {"layers": {"d": {"reuse_factor": 0}}}, "greater than or equal to 1"),
        (constant, {"latency_cutoff": -1}, "greater than 0"),
        (constant, {"optimization": "3"}, "Extra inputs are not permitted"),
        (loadable, {"reuse": 0}, "greater than or equal to 1"),
        (loadable, {"reuse": 1025}, "less than or equal to 1024"),
        (loadable, {"reuse": True}, "give a reuse factor: 1 to 1024"),
        (loadable, {"choices": 3}, "should be 0, 2, 4, 8 or 16"),
        (loadable, {"clock_mhz": 0}, "greater than 0"),
        (loadable, {"storage": "rom"}, "should be 'registers' or 'ram'"),
        (loadable, {"share": "yes"}, "valid boolean"),
        (loadable, {"share": 1}, "valid boolean"),
    ],
)
def test_a_wrong_setting_is_said_with_what_is_allowed(module: Any, given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        module.Settings(**given)


def test_settings_name_what_the_tables_know() -> None:
    assert project.Settings.model_json_schema()["properties"]["backend"]["enum"] == list(BACKENDS)


@pytest.mark.parametrize(
    ("name", "cache"),
    [
        ("cpp", "cache"),
        pytest.param("rtl", "/proc/none", marks=pytest.mark.campaign),
        *(pytest.param(name, "cache", marks=pytest.mark.campaign) for name in ("hls", "rtl", "rtl_loadable")),
    ],
)
def test_a_folder_may_be_named_from_where_one_is(
    name: str, cache: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where what is compiled in every build alike cannot be kept, or is kept in such a folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QCOMPRESS_CACHE", cache)
    graph = dense(3, 2)
    body = TARGETS[name].build(graph, Path("built", name))
    codes = np.arange(-3, 3).reshape(2, 3)
    np.testing.assert_array_equal(body.run(codes), graph.run(codes))
