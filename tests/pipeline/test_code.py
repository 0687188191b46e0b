"""Which sources a step depends on: those that it uses, however far away, and no others; comments do not count."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PLUG, ROOT

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


@pytest.mark.parametrize("detector", ["hgcal", "tpc"])
def test_rooms_that_a_step_does_not_use_do_not_decide_it(detector):
    simulated = sources(methods(detector, "simulate", "card"))
    own = f"qcompress.detectors.{detector}."
    assert f"{own}simulation" in simulated
    assert all(name.startswith((own, "qcompress.detectors.", "qcompress.fixedpoint")) for name in simulated)
    trained = sources(methods(detector, "rows", "preprocess", "networks"))
    assert f"{own}models" in trained
    assert not [name for name in (*simulated, *trained) if name.startswith(("qcompress.plots", "qcompress.metrics"))]
    scored = sources(methods(detector, "evaluate"))
    assert {name.split(".")[1] for name in scored} >= {"plots", "metrics", "detectors"}
    assert f"{own}simulation" not in scored


def test_a_method_counts_as_a_whole_and_its_module_does_not():
    one, other = methods("hgcal", "simulate"), methods("hgcal", "inspect")
    assert code_hash(one) != code_hash(other)
    assert code_hash(one) == code_hash(one)


def test_nothing_is_imported_to_find_a_source():
    code = (
        "import sys; from qcompress.pipeline.code import code_hash; import qcompress.detectors.hgcal as h;"
        "code_hash([h.Hgcal.networks, h.Hgcal.evaluate]); print('tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture(scope="module")
def copied(tmp_path_factory) -> Path:
    """The package, to be changed, and a config of the dummy detector."""
    folder = tmp_path_factory.mktemp("copied")
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
