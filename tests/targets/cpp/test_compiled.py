"""Libraries for other machines: which is taken, that all compute the same, and what happens where none fits."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.operation_cases import CASES, cases, uniform
from helpers.random_dags import random_dag

from qcompress.errors import ToolMissing
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Dense, Graph, Node, Quantize
from qcompress.targets.cpp import machine
from qcompress.targets.cpp.compiled import MACHINE
from qcompress.targets.cpp.emulator import Cpp, CppBody

PORTABLE = Cpp(optimization="1", machine="portable")
pytestmark = pytest.mark.skipif(not machine.is_x86(), reason="portable libraries are those of x86-64")


def graph() -> Graph:
    """A layer whose sums are formed in pairs, and a cast."""
    rng, narrow = np.random.default_rng(1), Format(True, 6, 2)
    dense = Dense(rng.integers(-31, 32, (20, 9)), narrow, np.zeros(9, np.int64), narrow, Format(True, 20, 8))
    cast = Quantize(Cast.parse("fixed<8,4,RND_CONV,SAT>"))
    return Graph("net", (20,), narrow, (Node("dense", dense, "input"), Node("cast", cast, "dense")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("portable") / "cpp"
    body = PORTABLE.build(graph(), folder)
    assert not body.library.stem.endswith(machine.MADE)
    return folder


def codes() -> np.ndarray:
    return uniform(np.random.default_rng(2), graph().input_format, (300, 20))


def elsewhere(
    folder: Path, levels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, compiler: bool = False
) -> CppBody:
    """The body on a machine of these levels."""
    monkeypatch.setattr(machine, "levels", lambda: levels)
    monkeypatch.setattr(machine, "processor", lambda: "another")
    if not compiler:
        monkeypatch.setenv("PATH", "/nowhere")
    return PORTABLE.open(graph(), folder)


HERE = machine.levels()


@pytest.mark.parametrize("level", [level for level in machine.MADE if level in HERE])
def test_an_older_machine_without_a_compiler_takes_the_best_that_it_runs(
    level: str, built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(built.iterdir())
    body = elsewhere(built, HERE[HERE.index(level) :], monkeypatch)
    assert body.library.stem.endswith(f"-{level}")
    assert (body.run(codes()) == graph().run(codes())).all()
    values = graph().input_format.to_values(codes())
    assert (body.predict(values) == graph().predict(values)).all()
    assert sorted(built.iterdir()) == before  # nothing is written: the folder may be another's


def test_a_machine_that_runs_none_compiles_or_says_that_it_cannot(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built, folder)
    with monkeypatch.context() as there, pytest.raises(ToolMissing, match=r"g\+\+ is not installed"):
        elsewhere(folder, (), there)
    with monkeypatch.context() as there:
        body = elsewhere(folder, (), there, compiler=True)
        assert (body.run(codes()) == graph().run(codes())).all()
    kept = json.loads((folder / MACHINE).read_text())
    assert (kept["library"], len(kept["portable"])) == (body.library.name, len(machine.MADE))


def test_a_damaged_library_is_passed_over_and_made_again(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(built, folder)
    (best,) = folder.glob(f"*-{next(level for level in HERE if level in machine.MADE)}.so")
    best.write_bytes(best.read_bytes()[:-100])
    with monkeypatch.context() as there:
        if best.stem.endswith("x86-64"):
            pytest.skip("this machine runs one library alone")
        assert elsewhere(folder, HERE, there).library != best
    whole = best.stat().st_size
    PORTABLE.build(graph(), folder)
    assert best.stat().st_size > whole


def test_one_that_the_system_cannot_load_is_passed_over(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if it had been linked with a newer system's libraries."""
    folder = tmp_path / "copy"
    shutil.copytree(built, folder)
    kept = json.loads((folder / MACHINE).read_text())
    for path in folder.glob("*-x86-64*.so"):
        path.write_bytes(b"no library")
        kept["portable"][path.name] = hashlib.sha256(b"no library").hexdigest()
    (folder / MACHINE).write_text(json.dumps(kept))
    with pytest.raises(ToolMissing):
        elsewhere(folder, HERE, monkeypatch)


TWO = """
import ctypes, os, pathlib, sys
import numpy as np
from qcompress.graph import Graph
from qcompress.targets.cpp.emulator import CppBody
graph, first, second = Graph.load(pathlib.Path(sys.argv[1])), *map(pathlib.Path, sys.argv[2:])
ctypes.CDLL(str(first))
body = CppBody(graph, second, 1)
body.run(np.zeros((0, *graph.input_shape), np.int64))  # loads it
first.write_bytes(b"")  # in place: what a process has mapped from it is gone
given = np.ones((3, *graph.input_shape), np.int64)
assert (body.run(given) == graph.run(given)).all()
os._exit(0)  # what is left of the first cannot be ended
"""


def test_a_copy_of_a_library_has_weights_of_its_own(tmp_path: Path) -> None:
    library = Cpp(optimization="0").build(graph(), tmp_path / "built").library
    paths = [shutil.copyfile(library, tmp_path / name) for name in ("first.so", "second.so")]
    graph().save(tmp_path / "graph")
    script = [sys.executable, "-c", TWO, tmp_path / "graph", *paths]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2))
def test_every_level_computes_the_same(seed: int, tmp_path: Path) -> None:
    graphs = [random_dag(np.random.default_rng([seed, number]), 30) for number in range(2)]
    graphs += [next(iter(cases(name, 1, seed))) for name in [*CASES][seed::6]]
    for number, one in enumerate(graphs):
        given = uniform(np.random.default_rng(0), one.input_format, (70, *one.input_shape))
        expected = one.run(given)
        for level in HERE:
            body = Cpp(optimization="2", machine=level).build(one, tmp_path / f"{number}{level}")
            assert (body.run(given) == expected).all(), (one.name, level)


def test_a_portable_build_costs_more() -> None:
    assert PORTABLE.cost(graph())[0] > 3 * Cpp().cost(graph())[0]
