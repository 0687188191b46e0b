"""The C++ emulator computes what the graph computes, bit for bit, in blocks, row by row, in threads and plug-ins."""

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from helpers.cpp_batch import run_all, wrong
from helpers.operation_cases import CASES, cases, codes_for
from helpers.random_dags import random_dag

from qcompress.errors import QcompressError, Refused, ToolMissing
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Add, Conv2D, Dense, Flatten, Graph, LeakyRelu, Node, Quantize, Relu
from qcompress.targets import TARGETS, Body, Target
from qcompress.targets.cpp.compiled import RECORD
from qcompress.targets.cpp.emit import header, namespace
from qcompress.targets.cpp.emulator import Cpp, native_dtype

CPP = Cpp()
QUICK = Cpp(optimization="0")


def refused(graph: Graph) -> bool:
    """Sums beyond 64 bits."""
    try:
        CPP.refuse(graph)
    except Refused as fault:
        return "C++ integers have 64" in str(fault)
    return False


@pytest.fixture(scope="module")
def wrong_of_five(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Names of graphs of which a code is wrong, by operation: five of each, all compiled in one go."""
    chosen = {name: [graph for graph in cases(name, 5) if not refused(graph)] for name in CASES}
    assert all(len(graphs) >= 4 for graphs in chosen.values())
    spaces = {namespace(graph): name for name, graphs in chosen.items() for graph in graphs}
    assert len(spaces) == sum(map(len, chosen.values()))
    found = wrong([graph for graphs in chosen.values() for graph in graphs], tmp_path_factory.mktemp("operations"))
    return {name: [space for space in found if spaces[space] == name] for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_every_operation_equals_the_graph(name: str, wrong_of_five: dict[str, list[str]]) -> None:
    assert wrong_of_five[name] == []


@pytest.mark.campaign
@pytest.mark.parametrize("name", CASES)
def test_four_hundred_graphs_of_an_operation_equal_the_emulator(name: str, tmp_path: Path) -> None:
    graphs = [graph for graph in cases(name, 400, 1) if not refused(graph)]
    assert len(graphs) >= 360
    assert wrong(graphs, tmp_path) == []


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.campaign) for seed in range(1, 15))])
def test_graphs_that_branch_and_join_equal_the_interpreter(seed: int, tmp_path: Path) -> None:
    assert wrong([random_dag(np.random.default_rng([seed, number])) for number in range(15)], tmp_path) == []


def test_nothing_is_undefined_and_narrow_machines_compute_the_same(tmp_path: Path) -> None:
    """Every operation under the sanitizers, ended at the first fault; and without AVX, lanes and all."""
    graphs = [graph for name in CASES for graph in cases(name, 2, 5)]
    flags = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-march=x86-64")
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]; import numpy as np; from pathlib import Path;"
        "from helpers.cpp_batch import wrong; from helpers.operation_cases import CASES, cases;"
        f"assert wrong([g for n in CASES for g in cases(n, 2, 5)], Path(sys.argv[1]), {flags!r}) == []"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), *sys.path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert len(graphs) == 2 * len(CASES)


def small_graph(name: str = "small", weight: int = 3) -> Graph:
    """A residual connection and a cast, on two inputs."""
    narrow = Format(True, 6, 2)
    dense = Dense(np.array([[weight, 1], [-5, 2]]), narrow, np.array([1, 0]), narrow, Format(True, 14, 6))
    nodes = (
        Node("dense", dense, "input"),
        Node("relu", Relu(), "dense"),
        Node("sum", Add(), "relu", "input"),
        Node("out", Quantize(Cast.parse("fixed<5,3,RND_CONV,SAT>")), "sum"),
    )
    return Graph(name, (2,), narrow, nodes)


def every_code(graph: Graph) -> np.ndarray:
    """All pairs of codes of the small graph's input."""
    return np.indices((64, 64)).reshape(2, -1).T + graph.input_format.min_code


def paired_sums() -> list[Graph]:
    """Sums of 16-bit numbers whose codes reach both ends of 16 bits, and beyond them: odd and even terms."""
    rng, given, weights = np.random.default_rng(4), Format.parse("fixed<10,3>"), Format.parse("fixed<8,1>")
    wide, ends, graphs = Format.parse("fixed<30,16>"), Cast.parse("fixed<16,8,RND_CONV,SAT>"), []
    for terms, filters in ((75, 9), (8, 4), (9, 3), (2, 1)):
        kernel = rng.integers(-128, 128, (terms, filters))
        sums = Dense(kernel, weights, rng.integers(-128, 128, filters), weights, wide)
        nodes = (Node("sums", sums, "input"), Node("saturated", Quantize(ends), "sums"))
        graphs += [Graph(f"to16_{terms}", (terms,), given, nodes), Graph(f"to32_{terms}", (terms,), given, nodes[:1])]
    return graphs


@pytest.mark.parametrize(
    "flags",
    [
        ("-march=native",),
        pytest.param(("-march=native", "-DQCOMPRESS_ZIP_BYTES=0"), id="no zip"),
        pytest.param(("-march=haswell",), marks=pytest.mark.campaign),
        pytest.param(("-march=x86-64",), marks=pytest.mark.campaign),
    ],
)
def test_products_two_at_once_equal_the_graph_at_the_ends_of_16_bits(flags: tuple[str, ...], tmp_path: Path) -> None:
    """Random rows, and for each output the rows that make it smallest and largest; whole and broken blocks of rows."""
    graphs = paired_sums()
    inputs = []
    for graph in graphs:
        kernel = graph.nodes[0].operation.kernel  # type: ignore[attr-defined]
        ends = np.where(kernel.T > 0, graph.input_format.max_code, graph.input_format.min_code)
        other = np.where(kernel.T > 0, graph.input_format.min_code, graph.input_format.max_code)
        inputs.append(np.concatenate([codes_for(np.random.default_rng(1), graph, 141), ends, other]))
    assert all("bool paired = 1LL" in header(graph) for graph in graphs)
    reached = graphs[0].run(inputs[0])
    assert (reached.min(), reached.max()) == (-(1 << 15), (1 << 15) - 1)
    for graph, codes, found in zip(graphs, inputs, run_all(graphs, inputs, tmp_path, ("-O1", *flags)), strict=True):
        assert all((each == graph.run(codes)).all() for each in found), graph.name


def test_a_body_runs_codes_and_values_in_any_number_of_threads(tmp_path: Path) -> None:
    graph = small_graph()
    body = CPP.build(graph, tmp_path)
    assert isinstance(body, Body)
    assert isinstance(CPP, Target)
    assert TARGETS["cpp"] == CPP
    codes = np.tile(every_code(graph), (9, 1))[: 9 * 4096 - 5]
    expected = graph.run(codes)
    for threads in (0, 1, 2, 3, 7):
        threaded = type(body)(graph, body.library, threads)
        assert (threaded.run(codes) == expected).all()
        assert (threaded.run_native(codes.astype(np.int8)) == expected).all()
    assert body.run(codes).dtype == np.int64
    assert body.run_native(codes.astype(np.int8)).dtype == native_dtype(graph.output_format) == np.int8
    assert (body.predict(codes / 16) == graph.predict(codes / 16)).all()
    assert (graph.build("cpp", tmp_path).predict(codes / 16) == graph.predict(codes / 16)).all()
    for rows in (0, 1, 63, 64, 65):
        assert (body.run(codes[:rows]) == expected[:rows]).all()
    assert (body.run(codes[::3]) == expected[::3]).all()
    with pytest.raises(QcompressError, match="no target 'vhdl': choose from cpp"):
        graph.build("vhdl", tmp_path)


def test_codes_that_do_not_fit_are_faults(tmp_path: Path) -> None:
    graph = small_graph()
    body = QUICK.build(graph, tmp_path)
    with pytest.raises(QcompressError, match=r"2 input codes are outside fixed<6,2>"):
        body.run(np.array([[32, 0], [0, -33]]))
    with pytest.raises(QcompressError, match=r"1 input codes are outside fixed<6,2>"):
        body.run_native(np.array([[32, 0]], np.int8))
    with pytest.raises(QcompressError, match=r"codes of type int16, the emulator takes int8"):
        body.run_native(np.zeros((1, 2), np.int16))
    with pytest.raises(QcompressError, match=r"rows of shape \(2,\), got \(3,\)"):
        body.run(np.zeros((1, 3), np.int64))
    with pytest.raises(QcompressError, match="1 of 2 values are not on the grid"):
        body.predict([[0.01, 0.5]])


def test_an_unchanged_build_is_not_made_again_and_a_changed_one_is(tmp_path: Path) -> None:
    graph, other = small_graph(), small_graph(weight=4)
    codes = every_code(graph)
    body = QUICK.build(graph, tmp_path)
    first = body.library.stat().st_mtime_ns
    assert (body.run(codes) == graph.run(codes)).all()
    assert QUICK.build(graph, tmp_path).library.stat().st_mtime_ns == first
    changed = QUICK.build(other, tmp_path)
    assert (changed.run(codes) == other.run(codes)).all()  # though the process has the first one loaded
    assert (body.run(codes) == graph.run(codes)).all()
    assert len(list(tmp_path.glob("*.so"))) == 1
    with pytest.raises(QcompressError, match="built from another graph than small"):
        QUICK.open(graph, tmp_path)
    for damage in (changed.library.unlink, lambda: changed.library.write_bytes(b"nothing of the kind")):
        damage()
        assert QUICK.open(other, tmp_path).library.stat().st_size > 5000  # compiled again
    with pytest.raises(QcompressError, match=r"nothing\.so cannot be loaded"):
        type(body)(graph, tmp_path / "nothing.so").run(codes)
    assert (QUICK.build(other, tmp_path).run(codes) == other.run(codes)).all()


def test_a_build_of_an_older_version_is_read_and_made_again(tmp_path: Path) -> None:
    """Its record is of the header alone, and another of its files has changed since."""
    graph, quick = small_graph(), Cpp(optimization="0")
    quick.build(graph, tmp_path)
    record = json.loads((tmp_path / RECORD).read_text())
    text = (tmp_path / "library.cpp").read_text()
    assert set(record["sources"]) == {
        *("small.h", "library.cpp", "plugin.cpp", "selftest.cpp", "Makefile", "small.spec", "small.xml")
    }
    del record["sources"]
    (tmp_path / RECORD).write_text(json.dumps(record))
    (tmp_path / "library.cpp").write_text(text.replace("extern", "/* older */ extern"))
    codes = every_code(graph)
    assert (quick.open(graph, tmp_path).run(codes) == graph.run(codes)).all()
    assert "/* older */" in (tmp_path / "library.cpp").read_text()
    quick.build(graph, tmp_path)
    assert (tmp_path / "library.cpp").read_text() == text


def test_builds_are_reproducible_movable_and_name_no_path_of_this_machine(tmp_path: Path) -> None:
    graph = small_graph()
    for name in ("a", "b"):
        QUICK.build(graph, tmp_path / name)
    shutil.move(tmp_path / "b", tmp_path / "moved")
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    for name in files:
        content = (tmp_path / "a" / name).read_bytes()
        assert content == (tmp_path / "moved" / name).read_bytes(), name
        assert str(tmp_path).encode() not in content
        assert str(Path.home()).encode() not in content
    codes = every_code(graph)
    assert (QUICK.open(graph, tmp_path / "moved").run(codes) == graph.run(codes)).all()


def test_another_processor_compiles_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = small_graph()
    library = QUICK.build(graph, tmp_path).library
    first = library.stat().st_mtime_ns
    assert QUICK.open(graph, tmp_path).library.stat().st_mtime_ns == first
    monkeypatch.setattr("qcompress.targets.cpp.machine.processor", lambda: "another")
    again = QUICK.open(graph, tmp_path).library
    assert again.name != library.name
    assert QUICK.open(graph, tmp_path).library.stat().st_mtime_ns == again.stat().st_mtime_ns
    monkeypatch.setenv("PATH", str(tmp_path))
    again.unlink()
    with pytest.raises(ToolMissing):
        QUICK.open(graph, tmp_path)


def test_a_machine_without_a_list_of_processors_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = Path.read_text

    def unlisted(path: Path, *arguments: str, **options: str) -> str:
        if path == Path("/proc/cpuinfo"):
            raise OSError
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", unlisted)
    graph = small_graph()
    codes = every_code(graph)
    assert (QUICK.build(graph, tmp_path).run(codes) == graph.run(codes)).all()


def test_the_self_test_passes_and_fails_where_it_should(tmp_path: Path) -> None:
    QUICK.build(small_graph(), tmp_path)
    compile_ = [
        "g++",
        "-std=c++17",
        "-O1",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-Wno-psabi",
        "selftest.cpp",
        "-o",
        "selftest",
    ]
    subprocess.run(compile_, cwd=tmp_path, check=True)
    done = subprocess.run([str(tmp_path / "selftest")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "64 rows, 0 wrong codes\n")
    text = (tmp_path / "small.h").read_text()
    changed = re.sub(r"(bias\[2\] = \{\s*)16,", r"\g<1>216,", text)
    assert changed != text
    (tmp_path / "small.h").write_text(changed)
    subprocess.run(compile_, cwd=tmp_path, check=True)
    done = subprocess.run([str(tmp_path / "selftest")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "0 wrong" not in done.stdout


def test_two_threads_of_python_share_a_body(tmp_path: Path) -> None:
    graph = small_graph()
    body, codes = QUICK.build(graph, tmp_path), every_code(graph)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda start: body.run(codes[start:]), range(12)))
    for start, result in enumerate(results):
        assert (result == graph.run(codes[start:])).all()


def test_what_64_bits_cannot_hold_is_refused_by_node(tmp_path: Path) -> None:
    class Shifted(Conv2D):
        """An operation that the target has never heard of, though it resembles one it knows."""

    wide, one, zero = Format(True, 30, 30), np.ones((900, 1), np.int64), np.zeros(1, np.int64)
    heavy = Dense(one * ((1 << 29) - 1), wide, zero, wide, Format(True, 62, 62))
    narrow = Format(True, 4, 2)
    unknown = Shifted(np.ones((1, 1, 1, 1), np.int64), narrow, zero, narrow, narrow)
    leaky = (Node("leaky", LeakyRelu(40), "input"), Node("sum", Add(), "leaky", "leaky"))
    CPP.refuse(Graph("g", (2,), Format(True, 21, 2), leaky))
    for graph, said in (
        (Graph("g", (900,), Format(True, 31, 31), (Node("heavy", heavy, "input"),)), "node heavy needs 7. bits"),
        (
            Graph("g", (1 << 31,), narrow, (Node("huge", Relu(), "input"),)),
            "g needs 4294967296 bytes for a row, 2147483648 are allowed",
        ),
        (Graph("g", (1, 1, 1), narrow, (Node("odd", unknown, "input"),)), "node odd: Shifted has no C"),
    ):
        with pytest.raises(Refused, match=said):
            CPP.refuse(graph)
        with pytest.raises(Refused, match=said):
            CPP.build(graph, tmp_path / "refused")
    assert not (tmp_path / "refused").exists()


def test_names_cannot_break_the_source(tmp_path: Path) -> None:
    nodes = (
        Node('*/ "quoted" \\', Flatten(), "input"),
        Node("line\nbreak // #define x", Relu(), '*/ "quoted" \\'),
        Node("int", Quantize(Cast.parse("fixed<3,1,RND,SAT>")), "line\nbreak // #define x"),
    )
    graph = Graph('odd/../name "x"', (2, 2), Format(True, 5, 2), nodes)
    body = QUICK.build(graph, tmp_path)
    codes = codes_for(np.random.default_rng(0), graph, 100)
    assert (body.run(codes) == graph.run(codes)).all()
    assert "\\" not in header(graph)


def test_missing_and_failing_compilers_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"g\+\+ is not installed: apt install g\+\+"):
        CPP.build(small_graph(), tmp_path / "cpp")
    assert not (tmp_path / "cpp").exists()
    broken = tmp_path / "g++"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(QcompressError, match=r"cpp: compiling small failed \(exit status 1\): see .*build\.log"):
        CPP.build(small_graph(), tmp_path / "cpp")
    with pytest.raises(QcompressError, match="no finished build"):
        CPP.open(small_graph(), tmp_path / "cpp")
