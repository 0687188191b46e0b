"""Which sources a step depends on: those that it uses, however far away, and no others; comments do not count."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.paths import PLUG, ROOT

from qcompress.detectors import load_detector
from qcompress.pipeline.code import code_hash, sources

CONFIG = """\
name: dummy_sum
detector: dummy
seed: 3
sample: {simulate: uniform, events: 300}
network: {weight_bits: 4}
training: {epochs: 1, batch_size: 50}
targets: {hls: null, rtl: null}
verification: {test_rows: 20, random_rows: 20}
"""


def methods(detector: str, *names: str) -> list[object]:
    """Methods of a detector's class and of those it is derived from."""
    kinds = type(load_detector(detector)).__mro__
    return [vars(kind)[name] for name in names for kind in kinds if name in vars(kind)]


@pytest.mark.parametrize("detector", ["hgcal", "lartpc", "tpc"])
def test_rooms_that_a_step_does_not_use_do_not_decide_it(detector):
    simulated = sources(methods(detector, "simulate", "card"))
    own = f"qcompress.detectors.{detector}."
    assert f"{own}simulation.fast_simulation" in simulated
    beneath = ("fixedpoint", "hdf5_heaps", "threads")
    allowed = (own, "qcompress.detectors.", *(f"qcompress.{room}" for room in beneath))
    assert all(name.startswith(allowed) for name in simulated)
    trained = sources(methods(detector, "rows", "preprocess", "networks"))
    assert any(
        name.startswith((f"{own}encoder.models", f"{own}networks.models", f"{own}roi.models")) for name in trained
    )
    assert not [name for name in (*simulated, *trained) if name.startswith(("qcompress.plots", "qcompress.metrics"))]
    scored = sources(methods(detector, "evaluate"))
    assert {name.split(".")[1] for name in scored} >= {"plots", "metrics", "detectors"}
    assert f"{own}simulation.fast_simulation" not in scored


def test_a_method_counts_as_a_whole_and_its_module_does_not():
    one, other = methods("hgcal", "simulate"), methods("hgcal", "inspect")
    assert code_hash(one) != code_hash(other)
    assert code_hash(one) == code_hash(one)


def written(place: Path) -> Path:
    """A package outside qcompress whose function uses a class, a constant, a method and relative imports."""
    folder = place / "plugged"
    (folder / "inner").mkdir(parents=True)
    files = {
        "__init__.py": "",
        "far.py": "VALUE = 1\n",
        "near.py": "from .far import VALUE\n",
        "inner/__init__.py": "from ..near import VALUE\n",
        "used.py": """\
from .inner import VALUE
LIMIT = 3
UNUSED = 4
class Reader:
    def read(self): return 1
class Other:
    def read(self): return 1
class Plug:
    def step(self): return self._own() + LIMIT + Reader().read() + VALUE
    def _own(self): return 1
    def other(self): return 2
""",
    }
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def package(tmp_path) -> Path:
    return written(tmp_path)


HASH = "import plugged.used as u; from qcompress.pipeline.code import code_hash; print(code_hash([u.Plug.step]))"


def digest(package: Path) -> str:
    """The hash of a method of the package, in an interpreter of its own."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", HASH],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(package.parent), str(ROOT)])},
        cwd=package.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory) -> str:
    """The hash of the package as it is written, which does not depend on where."""
    return digest(written(tmp_path_factory.mktemp("unchanged")))


@pytest.mark.parametrize(
    ("file", "old", "new", "counts"),
    [
        ("used.py", "LIMIT = 3", "LIMIT = 5", True),
        ("used.py", "UNUSED = 4", "UNUSED = 5", False),
        ("used.py", "class Reader:\n    def read(self): return 1", "class Reader:\n    def read(self): return 2", True),
        ("used.py", "class Other:\n    def read(self): return 1", "class Other:\n    def read(self): return 2", False),
        ("used.py", "_own(self): return 1", "_own(self): return 2", True),
        ("used.py", "other(self): return 2", "other(self): return 3", False),
        ("far.py", "1", "2", True),
        ("far.py", "1", "1  # a comment", False),
    ],
)
def test_what_a_method_uses_counts_however_it_is_reached(package, unchanged, file, old, new, counts):
    change(package / file, old, new)
    assert (digest(package) != unchanged) is counts


def test_what_makes_training_inputs_and_runs_chains_counts():
    from qcompress.candidate import Candidate
    from qcompress.pipeline.code import _pieces
    from qcompress.pipeline.training import train

    trained = set(_pieces([train]))
    assert {"qcompress.pipeline.training.Feed", "qcompress.pipeline.job.split_numbers"} <= trained
    run = set(_pieces([Candidate.firmware]))
    own = ("firmware.Candidate._running", "firmware._stage_by_stage", "contents.Contents.chain")
    assert {f"qcompress.candidate.{name}" for name in own} <= run


def test_nothing_is_imported_to_find_a_source():
    code = (
        "import sys; from qcompress.pipeline.code import code_hash; import qcompress.detectors.hgcal.detector as h;"
        "code_hash([h.Hgcal.networks, h.Hgcal.evaluate]); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def copied(tmp_path) -> Path:
    """The package, to be changed, and a config of the dummy detector."""
    folder = tmp_path / "copied"
    shutil.copytree(ROOT / "qcompress", folder / "qcompress", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "dummy.yaml").write_text(CONFIG)
    return folder


def steps_of(folder: Path) -> dict[str, str]:
    """Run the candidate with the package in `folder`: step -> what was said of it."""
    done = subprocess.run(
        [sys.executable, "-m", "qcompress.cli", "run", "dummy.yaml", "--out", "c"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{PLUG}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.partition(": ") for line in done.stdout.splitlines()]
    return {name: said for name, _, said in lines if said == "up to date" or said.startswith("done in")}


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.mark.campaign
def test_a_comment_in_a_plot_makes_the_report_alone_and_a_line_of_the_graph_what_follows(copied):
    first = steps_of(copied)
    assert all(said.startswith("done") for said in first.values())
    assert {name for name, said in steps_of(copied).items() if said != "up to date"} == set()

    change(copied / "qcompress" / "plots" / "style.py", "\nCOLOURS = ", "\n# a comment\nCOLOURS = ")
    again = {name for name, said in steps_of(copied).items() if said != "up to date"}
    assert again == {"report"}

    change(copied / "qcompress" / "graph" / "linear.py", "CHUNK = 4_000_000", "CHUNK = 4_000_001")
    again = {name for name, said in steps_of(copied).items() if said != "up to date"}
    assert {"compile", "verify"} <= again
    assert "sample" not in again


def test_what_was_hashed_once_is_not_parsed_again(monkeypatch):
    """A run hashes the code of all steps before two run at a time, so that none parses beside one that traces."""
    seeds = methods("lartpc", "rows", "evaluate")
    before = code_hash(seeds)

    def parse(*given, **told):
        raise AssertionError("parsed again")

    monkeypatch.setattr("ast.parse", parse)
    assert code_hash(seeds) == before
