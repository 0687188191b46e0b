"""The hls4ml project computes what the graph computes, bit for bit, or is refused by name."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from random_graphs import cast_chain, random_cast, random_codes, random_format, random_network

from qcompress.errors import QcompressError, Refused, ToolMissing
from qcompress.fixedpoint import Cast, Codes, Format, Overflow, Rounding
from qcompress.graph import Conv2D, Dense, Flatten, Graph, Node
from qcompress.targets import TARGETS, Body, Target
from qcompress.targets.hls import VARIANTS, Hls

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


@pytest.mark.parametrize("seed", [*range(3), *campaign(range(3, 60))])
def test_every_operation_equals_the_graph(seed: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(seed)
    graph = accepted_network(rng)
    assert mismatches(graph, tmp_path, random_codes(rng, graph.input_format, (2000, *graph.input_shape))) == 0


@pytest.mark.parametrize("mode", [MODES[27], *campaign(MODES[:27])])
@pytest.mark.parametrize("signed", [True, *campaign([False])])
def test_every_rounding_and_overflow_of_every_code(
    mode: tuple[Rounding, Overflow], signed: bool, tmp_path: Path
) -> None:
    graph = cast_chain(Format(True, 10, 4), [Cast(Format(signed, 5, 2), *mode)])
    assert mismatches(graph, tmp_path, np.arange(-512, 512).reshape(-1, 4)) == 0


@pytest.mark.parametrize("seed", [0, *campaign(range(1, 40))])
def test_chains_of_wide_casts(seed: int, tmp_path: Path) -> None:
    """Formats up to 62 bits, wider than a double holds; a cast that repeats its predecessor, which hls4ml drops."""
    rng = np.random.default_rng(seed)
    given = random_format(rng, width=(50, 63), integer=(-10, 70))
    wide = replace(
        random_cast(rng, given),
        format=random_format(rng, width=(30, 63), integer=(given.integer - 9, given.integer + 2)),
    )
    casts = [wide, wide, random_cast(rng, wide.format)]
    graph = cast_chain(given, casts)
    assert mismatches(graph, tmp_path, random_codes(rng, given, (2000, 4))) == 0


def small_graph() -> Graph:
    """Two inputs, one output."""
    format_ = Format(True, 4, 2)
    dense = Dense(np.array([[3], [-5]]), format_, np.array([1]), format_, Format(True, 9, 5))
    return Graph("small", (2,), format_, (Node("dense", dense, "input"),))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_build_is_reproducible_movable_and_names_no_path_of_this_machine(tmp_path: Path) -> None:
    graph = small_graph()
    HLS.build(graph, tmp_path / "first")
    HLS.build(graph, tmp_path / "second")
    shutil.move(tmp_path / "second", tmp_path / "moved" / "second")
    first = files(tmp_path / "first")
    assert first == files(tmp_path / "moved" / "second")
    here = [str(tmp_path), str(Path.home()), str(Path.cwd())]
    assert not [name for name, content in first.items() for path in here if path.encode() in content]
    codes = random_codes(np.random.default_rng(0), graph.input_format, (50, 2))
    shutil.rmtree(tmp_path / "first")
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

    narrow, wide = Format(True, 4, 2), Format(True, 54, 2)
    kernel = np.ones((1, 1, 1, 1), np.int64)
    unknown = Shifted(kernel, narrow, np.zeros(1, np.int64), narrow, narrow)
    with pytest.raises(Refused, match="node odd: Shifted is not exact on Vitis io_parallel Latency"):
        HLS.refuse(Graph("g", (1, 1, 1), narrow, (Node("odd", unknown, "input"),)))
    heavy = Dense(np.ones((1, 1), np.int64), wide, np.zeros(1, np.int64), narrow, narrow)
    with pytest.raises(Refused, match="node heavy: kernel of fixed<54,2>"):
        HLS.refuse(Graph("g", (1,), narrow, (Node("heavy", heavy, "input"),)))
    with pytest.raises(Refused, match="node cast0: ap_fixed saturates"):
        HLS.refuse(cast_chain(narrow, [Cast.parse("fixed<1,1,TRN,SAT_SYM>")]))
    with pytest.raises(Refused, match="node cast0: ap_fixed cannot round fixed<4,2>"):
        HLS.refuse(cast_chain(narrow, [Cast.parse("fixed<1,4,RND>")]))
    with pytest.raises(Refused, match="computes nothing"):
        HLS.refuse(Graph("g", (2, 2), narrow, (Node("flat", Flatten(), "input"),)))
    with pytest.raises(Refused, match="computes nothing"):
        HLS.refuse(cast_chain(narrow, [Cast(narrow)]))


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


def test_another_graph_and_foreign_codes_are_not_accepted(tmp_path: Path) -> None:
    graph = small_graph()
    body = HLS.build(graph, tmp_path)
    assert isinstance(body, Body)
    assert isinstance(HLS, Target)
    assert TARGETS["hls"] == HLS
    other = cast_chain(graph.input_format, [Cast(Format(True, 3, 2))], size=2)
    with pytest.raises(QcompressError, match="built from another graph"):
        HLS.open(other, tmp_path)
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
    with pytest.raises(QcompressError, match="no target 'vhdl': choose from hls, rtl"):
        TARGETS["vhdl"]
