"""The hls4ml project computes what the graph computes, bit for bit, or is refused by name."""

import os
import shutil
import warnings
import zlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.hls_blocks import mismatches_of, mismatches_on
from helpers.random_graphs import (
    OPERATIONS,
    cast_chain,
    random_branches,
    random_cast,
    random_codes,
    random_format,
    random_network,
    random_operation,
)

from qcompress.errors import QcompressError, QcompressWarning, Refused, ToolMissing
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import (
    Add,
    Affine,
    ArgMax,
    Conv2D,
    Dense,
    Flatten,
    Graph,
    MaxPool,
    Node,
    Operation,
    Permute,
    Relu,
    Table,
    Thresholds,
    TransposedConv,
    ZeroPad,
)
from qcompress.targets import TARGETS, Body, Target
from qcompress.targets.hls.build import _forget_paths
from qcompress.targets.hls.lowering import lower
from qcompress.targets.hls.project import VARIANTS, Hls, Project
from qcompress.targets.hls.proven import IO_TYPES, SIMULATED

HLS = Hls()
MODES = [(rounding, overflow) for rounding in Rounding for overflow in Overflow]


def campaign(seeds: Sequence[object]) -> list[object]:
    return [pytest.param(seed, marks=pytest.mark.campaign) for seed in seeds]


def mismatches(graph: Graph, folder: Path, codes: Codes) -> int:
    """Wrong codes of the C simulation built in `folder`."""
    return int(np.count_nonzero(HLS.build(graph, folder).run(codes) != graph.run(codes)))


def accepted_network(rng: np.random.Generator) -> Graph:
    """The first random network that the target does not refuse."""
    while True:
        graph = random_network(rng)
        try:
            HLS.refuse(graph)
        except Refused:
            continue
        return graph


@pytest.mark.parametrize("seed", campaign(range(60)))
def test_networks_equal_the_graph(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    graph = accepted_network(rng)
    assert mismatches(graph, tmp_path, random_codes(rng, graph.input_format, (2000, *graph.input_shape))) == 0


SETTINGS = [
    (Hls(), list(OPERATIONS)),
    pytest.param(Hls("Vivado", strategy="Resource", reuse_factor=2), list(OPERATIONS)[::3], marks=pytest.mark.campaign),
    (Hls("Quartus", strategy="Resource"), list(OPERATIONS)[::2]),
    (Hls("Catapult"), list(OPERATIONS)[1::2]),
    (Hls("Vitis", "io_stream"), list(OPERATIONS)[::4]),
]
"""What every run of the tests simulates, and of which operations; the campaign simulates all combinations."""

ALL_SETTINGS = [
    Hls(backend, io_type, strategy, reuse_factor)
    for backend in SIMULATED
    for io_type in IO_TYPES
    for strategy, reuse_factor in (("Latency", 1), ("Resource", 1), ("Resource", 4))
]


def accepted_operations(settings: Hls, names: Sequence[str], seed: object) -> list[Graph]:
    """A graph of every operation that is not refused in each of a few random forms."""
    graphs = []
    for name in names:
        rng = np.random.default_rng([zlib.crc32(f"{name} {seed}".encode())])
        for _ in range(10):
            graph = random_operation(rng, name)
            try:
                settings.refuse(graph)
            except Refused:
                continue
            graphs.append(graph)
            break
    return graphs


def wrong_operations(settings: Hls, graphs: Sequence[Graph], folder: Path) -> list[str]:
    wrong = mismatches_of(settings, graphs, folder)
    return [graph.name for graph, bad in zip(graphs, wrong, strict=True) if bad]


@pytest.mark.parametrize(("settings", "names"), SETTINGS, ids=lambda value: getattr(value, "name", ""))
def test_every_operation_equals_the_graph(settings: Hls, names: list[str], tmp_path: Path) -> None:
    graphs = accepted_operations(settings, names, 0)
    assert len(graphs) >= 0.9 * len(names)
    assert wrong_operations(settings, graphs, tmp_path) == []


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1, 35))
@pytest.mark.parametrize("settings", ALL_SETTINGS, ids=lambda settings: f"{settings.name}-{settings.reuse_factor}")
def test_every_operation_equals_the_graph_everywhere(settings: Hls, seed: int, tmp_path: Path) -> None:
    assert wrong_operations(settings, accepted_operations(settings, list(OPERATIONS), seed), tmp_path) == []


@pytest.mark.parametrize("settings", campaign([Hls(), *ALL_SETTINGS]), ids=lambda settings: settings.name)
def test_branches_equal_the_graph(settings: Hls, tmp_path: Path) -> None:
    """Also streams that feed several nodes, which hls4ml must copy."""
    graphs = [random_branches(np.random.default_rng(seed)) for seed in range(2)]
    assert wrong_operations(settings, graphs, tmp_path) == []


@pytest.mark.parametrize(
    "settings",
    campaign([Hls("Quartus", "io_stream"), Hls("Catapult", "io_stream")]),
    ids=lambda settings: settings.name,
)
def test_a_built_stream_equals_the_graph(settings: Hls, tmp_path: Path) -> None:
    graph = random_branches(np.random.default_rng(7))
    codes = random_codes(np.random.default_rng(7), graph.input_format, (300, *graph.input_shape))
    settings.build(graph, tmp_path)
    assert np.array_equal(TARGETS[settings.name].open(graph, tmp_path).run(codes), graph.run(codes))


NUMBERS = [*campaign([Hls(), Hls("Vivado"), Hls("Catapult"), Hls("Quartus"), Hls("Catapult", "io_stream")])]
"""Settings with number types of their own."""


@pytest.mark.parametrize("settings", NUMBERS, ids=lambda settings: settings.name)
def test_every_rounding_and_overflow_of_every_code(settings: Hls, tmp_path: Path) -> None:
    casts = [Cast(Format(signed, 5, 2), *mode) for signed in (True, False) for mode in MODES]
    graphs = [cast_chain(Format(True, 10, 4), [cast]) for cast in casts]
    every = np.arange(-512, 512).reshape(-1, 4)
    assert mismatches_on(settings, graphs, [every] * len(graphs), tmp_path) == [0] * 56


@pytest.mark.parametrize("settings", NUMBERS, ids=lambda settings: settings.name)
def test_chains_of_wide_casts(settings: Hls, tmp_path: Path) -> None:
    """Formats up to 62 bits, wider than a double holds; a cast that repeats its predecessor, which hls4ml drops."""
    rng = np.random.default_rng(0)
    graphs: list[Graph] = []
    while len(graphs) < 20:
        given = random_format(rng, width=(50, 63), integer=(-10, 70))
        wide = replace(
            random_cast(rng, given),
            format=random_format(rng, width=(30, 63), integer=(given.integer - 9, given.integer + 2)),
        )
        graph = cast_chain(given, [wide, wide, random_cast(rng, wide.format)])
        try:
            settings.refuse(graph)
        except Refused:
            continue
        graphs.append(graph)
    assert mismatches_of(settings, graphs, tmp_path, rows=1000) == [0] * 20


def small_graph() -> Graph:
    """Two inputs, one output."""
    format_ = Format(True, 4, 2)
    dense = Dense(np.array([[3], [-5]]), format_, np.array([1]), format_, Format(True, 9, 5))
    return Graph("small", (2,), format_, (Node("dense", dense, "input"),))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def small_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the small graph's build, which no test changes."""
    folder = tmp_path_factory.mktemp("small") / "first"
    HLS.build(small_graph(), folder)
    return folder


def test_a_build_is_reproducible_movable_and_names_no_path_of_this_machine(small_build: Path, tmp_path: Path) -> None:
    graph = small_graph()
    HLS.build(graph, tmp_path / "second")
    shutil.move(tmp_path / "second", tmp_path / "moved" / "second")
    first = files(small_build)
    assert first == files(tmp_path / "moved" / "second")
    here = [str(small_build), str(tmp_path), str(Path.home()), str(Path.cwd())]
    assert not [name for name, content in first.items() for path in here if path.encode() in content]
    codes = random_codes(np.random.default_rng(0), graph.input_format, (50, 2))
    assert np.array_equal(HLS.open(graph, tmp_path / "moved" / "second").run(codes), graph.run(codes))


def test_settings_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    for settings, said in (
        (Hls(backend="Libero"), "no backend Libero: use one of Vitis, Vivado"),
        (Hls(io_type="io_serial"), "no io_type io_serial"),
        (Hls(strategy="Unrolled"), "no strategy Unrolled"),
        (Hls(reuse_factor=0), "reuse factor and clock period must be positive"),
    ):
        with pytest.raises(Refused, match=said):
            settings.build(small_graph(), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_graphs_that_cannot_be_exact_are_refused_by_node() -> None:
    class Shifted(Conv2D):
        """An operation that the target has never heard of, though it resembles one it knows."""

    narrow, wide = NARROW, WIDE
    kernel = np.ones((1, 1, 1, 1), np.int64)
    unknown = Shifted(kernel, narrow, np.zeros(1, np.int64), narrow, narrow)
    with pytest.raises(Refused, match="node odd: Shifted is not exact on Vitis io_parallel Latency"):
        HLS.refuse(Graph("g", (1, 1, 1), narrow, (Node("odd", unknown, "input"),)))
    heavy = Dense(np.ones((1, 1), np.int64), wide, np.zeros(1, np.int64), narrow, narrow)
    with pytest.raises(Refused, match="node heavy: kernel of fixed<54,2>"):
        HLS.refuse(Graph("g", (1,), narrow, (Node("heavy", heavy, "input"),)))
    heavy = Dense(np.ones((1, 1), np.int64), narrow, np.zeros(1, np.int64), wide, narrow)
    with pytest.raises(Refused, match="node heavy: bias of fixed<54,2>"):
        HLS.refuse(Graph("g", (1,), narrow, (Node("heavy", heavy, "input"),)))
    with pytest.raises(Refused, match="node cast0: ap_fixed saturates"):
        HLS.refuse(cast_chain(narrow, [Cast.parse("fixed<1,1,TRN,SAT_SYM>")]))
    with pytest.raises(Refused, match="node cast0: ap_fixed cannot round fixed<4,2>"):
        HLS.refuse(cast_chain(narrow, [Cast.parse("fixed<1,4,RND>")]))
    with pytest.raises(Refused, match="computes nothing"):
        HLS.refuse(Graph("g", (2, 2), narrow, (Node("flat", Flatten(), "input"),)))
    with pytest.raises(Refused, match="computes nothing"):
        HLS.refuse(cast_chain(narrow, [Cast(narrow)]))


NARROW = Format(True, 4, 2)


def one(operation: Operation, shape: tuple[int, ...], given: Format = NARROW) -> Graph:
    return Graph("g", shape, given, (Node("it", operation, "input"),))


WIDE = Format(True, 54, 2)


def scaled(kernel: Format, accumulator: Format) -> Graph:
    return one(Affine(np.ones(2), kernel, np.zeros(2), NARROW, accumulator), (3, 2))


TRANSPOSED = TransposedConv(np.ones((2, 1, 1)), NARROW, np.zeros(1), NARROW, NARROW, stuffing=(2,))

REFUSED = [
    (Hls(), one(ArgMax(3), (3,)), "ArgMax is not exact on Vitis io_parallel Latency: use the outputs themselves"),
    (Hls("Quartus"), one(Table(np.arange(16), Format(False, 4, 4)), (2,)), "Table is not exact on Quartus.* use Vitis"),
    (Hls("Catapult"), one(Table(np.arange(16), Format(False, 4, 4)), (2,)), "Table is not exact on Catapult"),
    (Hls(), one(Table(np.arange(16), Format(False, 54, 4)), (2,)), "table of ufixed<54,4>"),
    (
        Hls(),
        one(Thresholds(np.arange(16)[None], np.zeros((1, 17)), Format(False, 4, 4)), (2,)),
        "16 thresholds, as hls4ml layers 15 are allowed",
    ),
    (Hls(), scaled(WIDE, NARROW), "kernel of fixed<54,2>"),
    (Hls(), scaled(NARROW, WIDE), "accumulator of fixed<54,2>"),
    (Hls(), one(TRANSPOSED, (3, 1)), "no transposed convolution with strides: use up-sampling"),
    (Hls("Catapult", "io_stream"), one(Permute((1, 0)), (2, 3)), "Permute is not exact on Catapult io_stream"),
    (Hls("Quartus"), one(Permute((3, 2, 1, 0)), (2, 3, 2, 3)), "Quartus io_parallel Latency permutes 3 axes at most"),
    (Hls("Quartus", "io_stream"), one(Permute((2, 1, 0)), (2, 3, 2)), "permutes 2 axes at most"),
    (Hls("Vitis", "io_stream"), one(MaxPool((2,), (2,), ((1, 1),)), (4, 1)), "ends the process in io_stream"),
    (Hls("Vitis", "io_stream"), one(MaxPool((2,), (1,)), (4, 1)), "side by side in io_stream"),
    (Hls("Quartus"), cast_chain(NARROW, [Cast.parse("ufixed<1,1>")]), "makes ufixed<1,1> two bits wide on Quartus"),
    (Hls("Catapult"), one(Relu(), (2,), Format(True, 1, 1)), "makes fixed<1,1> two bits wide on Catapult"),
    (Hls(), one(ZeroPad(((1, 1), (0, 0), (1, 1), (0, 0))), (2, 2, 2, 2)), "use several nodes"),
    (Hls("oneAPI"), one(ArgMax(3), (3,)), "ArgMax is not exact on oneAPI"),
]


@pytest.mark.parametrize(("settings", "graph", "said"), REFUSED, ids=[said for *_, said in REFUSED])
def test_what_hls4ml_does_not_do_exactly_is_refused(settings: Hls, graph: Graph, said: str) -> None:
    with pytest.raises(Refused, match=f"hls: node .*{said}"):
        settings.refuse(graph)


def test_layers_are_named_after_nodes_and_reuse_divides_a_windows_products() -> None:
    def convolution(window: int) -> Conv2D:
        return Conv2D(np.ones((window, window, 1, 2)), NARROW, np.zeros(2), NARROW, Format(True, 12, 6))

    nodes = (Node("a/b 2", convolution(2), "input"), Node("c", Conv2D(**vars(convolution(3)) | THREE), "a/b 2"))
    graph = Graph("g", (6, 6, 1), NARROW, nodes)
    found = lower([graph], Hls("Vivado", strategy="Resource", reuse_factor=4))
    assert [layer["name"] for layer in found.dictionaries] == ["codes0", "n1_a_b_2", "n2_c"]
    reuse = {name: entry.get("ReuseFactor") for name, entry in found.configuration().items()}
    assert reuse == {"codes0": None, "n1_a_b_2": 4, "n2_c": 3}


THREE = {"kernel": np.ones((3, 3, 2, 1)), "bias": np.zeros(1)}


def test_a_stream_feeds_seven_nodes_at_most() -> None:
    copies = [Node(f"n{number}", Relu(), "input") for number in range(8)]
    graph = Graph("g", (2,), NARROW, (*copies, Node("sum", Add(), *(node.name for node in copies))))
    Hls().refuse(graph)
    with pytest.raises(Refused, match="node input: hls4ml copies a stream 7 times"):
        Hls(io_type="io_stream").refuse(graph)


def test_oneapi_projects_are_written_and_not_run(tmp_path: Path) -> None:
    graph, folder = small_graph(), tmp_path / "not" / "yet" / "there"
    settings = Hls("oneAPI")
    project = settings.build(graph, folder)
    assert project == settings.open(graph, folder) == Project("hls-oneapi", folder / "project")
    assert (project.folder / "src" / "firmware" / "qcompress_hls.cpp").is_file()
    assert not settings.simulated
    assert not hasattr(project, "run")
    assert not [name for name, content in files(tmp_path).items() if str(tmp_path).encode() in content]


@pytest.mark.parametrize("backend", ["Quartus", *campaign(["Vivado", "Catapult"])])
def test_other_backends_builds_are_reproducible_and_movable(backend: str, tmp_path: Path) -> None:
    graph = small_graph()
    for name in ("first", "second"):
        Hls(backend).build(graph, tmp_path / name)
    first = files(tmp_path / "first")
    assert first == files(tmp_path / "second")
    here = [str(tmp_path), str(Path.home()), str(Path.cwd())]
    assert not [name for name, content in first.items() for path in here if path.encode() in content]
    shutil.move(tmp_path / "second", tmp_path / "moved" / "second")
    shutil.rmtree(tmp_path / "first")
    codes = random_codes(np.random.default_rng(0), graph.input_format, (50, 2))
    assert np.array_equal(Hls(backend).open(graph, tmp_path / "moved" / "second").run(codes), graph.run(codes))


def test_paths_of_this_machine_become_relative(tmp_path: Path) -> None:
    script, other = tmp_path / "src" / "build.tcl", tmp_path / "firmware.cpp"
    script.parent.mkdir()
    script.write_bytes(b"set root " + os.fsencode(tmp_path.resolve()) + b"/src \xff\n")
    other.write_bytes(b"int x; // \xff\n")
    _forget_paths(tmp_path)
    assert script.read_bytes() == b"set root ./src \xff\n"
    assert other.read_bytes() == b"int x; // \xff\n"


def test_more_products_than_vivado_unrolls_are_warned_of() -> None:
    wide = Dense(np.ones((65, 64)), NARROW, np.zeros(64), NARROW, Format(True, 20, 12))
    with pytest.warns(QcompressWarning, match="node it: 4160 products.*Vivado HLS unrolls 4096: use Resource"):
        Hls("Vivado").advise(one(wide, (65,)))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Hls("Vivado", strategy="Resource").advise(one(wide, (65,)))
        Hls("Vivado", reuse_factor=2).advise(one(wide, (65,)))
        Hls().advise(one(wide, (65,)))


def test_missing_compiler_is_said_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"g\+\+ is not installed: apt install g\+\+"):
        HLS.build(small_graph(), tmp_path / "hls")
    assert not (tmp_path / "hls").exists()


def test_a_failed_build_names_its_log_and_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bin").mkdir()
    broken = tmp_path / "bin" / "g++"
    broken.write_text("#!/bin/sh\necho no space left on device\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    with pytest.raises(QcompressError, match=r"compiling small failed \(exit status 1\): see .*build\.log"):
        HLS.build(small_graph(), tmp_path / "hls")
    assert "no space left" in (tmp_path / "hls" / "build.log").read_text()
    with pytest.raises(QcompressError, match="no finished build"):
        HLS.open(small_graph(), tmp_path / "hls")


def test_another_graph_and_foreign_codes_are_not_accepted(small_build: Path) -> None:
    graph = small_graph()
    body = HLS.open(graph, small_build)
    assert isinstance(body, Body)
    assert isinstance(HLS, Target)
    assert TARGETS["hls"] == HLS
    other = cast_chain(graph.input_format, [Cast(Format(True, 3, 2))], size=2)
    with pytest.raises(QcompressError, match="built from another graph"):
        HLS.open(other, small_build)
    with pytest.raises(QcompressError, match="1 input codes are outside"):
        body.run(np.array([[8, 0]]))
    with pytest.raises(QcompressError, match="rows of shape"):
        body.run(np.zeros((1, 3), np.int64))
    assert body.run(np.zeros((0, 2), np.int64)).shape == (0, 1)


def test_targets_are_found_by_name() -> None:
    assert {name for name in TARGETS if name.startswith("hls")} == set(VARIANTS)
    for name in TARGETS:
        assert TARGETS[name].name == name
    assert TARGETS["hls-catapult-stream-resource"] == Hls("Catapult", "io_stream", "Resource")
    with pytest.raises(QcompressError, match="no target 'vhdl': choose from cpp, hls, hls-vitis"):
        TARGETS["vhdl"]
