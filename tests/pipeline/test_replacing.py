"""What is finished stays unless it is asked for: candidates, compiled models, samples."""

import json

import keras
import pytest
import qkeras
from helpers.paths import PLUG

from qcompress.candidate import Candidate
from qcompress.config import load_config
from qcompress.errors import QcompressError
from qcompress.pipeline.replacing import refuse_to_replace, replaced

CONFIG = """\
name: dummy_sum
detector: dummy
sample: {simulate: uniform, events: 300}
network: {weight_bits: 4}
training: {epochs: 2, batch_size: 50}
targets: {hls: null, rtl: null}
verification: {test_rows: 20, random_rows: 20}
"""
STEPS = ["sample", "train", "compile", "verify", "evaluate", "report"]


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    """The detector of the tests is installed in this process too."""
    monkeypatch.syspath_prepend(str(PLUG))


@pytest.fixture(scope="module")
def finished(tmp_path_factory, qcompress):
    """A folder with a config and its candidate c, made by the command."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "c.yaml").write_text(CONFIG)
    done = qcompress("run", folder / "c.yaml", "--out", folder / "c")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("epochs: 2", "epochs: 2", []),
        ("events: 300", "events: 301", STEPS[:-1]),
        ("epochs: 2", "epochs: 1", STEPS[1:-1]),
        ("weight_bits: 4", "weight_bits: 5", STEPS[1:-1]),
        ("hls: null", "hls: vitis", ["compile", "verify", "evaluate"]),
        ("random_rows: 20", "random_rows: 30", ["verify"]),
        ("name: dummy_sum", "name: other", []),
    ],
)
def test_steps_of_another_config_and_those_behind_them_are_lost(old, new, lost, finished, tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG.replace(old, new))
    config = load_config(tmp_path / "c.yaml")
    assert replaced(config, Candidate.open(finished / "c"), {}) == lost
    if not lost:
        refuse_to_replace(config, finished / "c", {})
        return
    with pytest.raises(QcompressError, match=f"{lost[0]}.* finished, for another config.* or say --replace"):
        refuse_to_replace(config, finished / "c", {})


def test_a_quick_run_leaves_the_finished_candidate_alone(finished, qcompress):
    manifest = finished / "c" / "manifest.json"
    before = manifest.read_bytes()
    done = qcompress("run", finished / "c.yaml", "--quick", "--out", finished / "c")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "steps train, compile, verify, evaluate are finished" in done.stderr
    assert manifest.read_bytes() == before
    assert load_config(finished / "c.yaml").folder(quick=True).name == "dummy_sum_quick"
    (finished / "short.yaml").write_text(CONFIG.replace("epochs: 2", "epochs: 1"))
    sampled = qcompress("run", finished / "short.yaml", "--until", "sample", "--out", finished / "c")
    assert (sampled.returncode, "steps train, compile, verify, evaluate are" in sampled.stderr) == (2, True)
    assert manifest.read_bytes() == before
    trained = qcompress("train", finished / "c.yaml", "--out", finished / "c")
    assert (trained.returncode, trained.stdout.count("up to date")) == (0, 2)


@pytest.mark.campaign
def test_another_model_or_fewer_targets_are_compiled_elsewhere(finished, qcompress, tmp_path):
    folder = tmp_path / "m"
    model = next((finished / "c" / "model").glob("sum.*"))
    for given, said in (
        (("--targets", "cpp,onnx"), None),
        (("--targets", "cpp,onnx"), None),
        (("--targets", "cpp"), "holds targets that would not be built again: onnx; choose another folder"),
    ):
        done = qcompress("compile", model, *given, "--out", folder)
        assert (done.returncode, said is None or said in done.stderr) == (0 if said is None else 2, True), done.stderr
    weights = qkeras.quantized_bits(4, 0, alpha=1)
    other = keras.Sequential(
        [
            keras.Input((4,)),
            qkeras.QActivation(qkeras.quantized_bits(6, 2, alpha=1)),
            qkeras.QDense(1, kernel_quantizer=weights, bias_quantizer=weights, name="sum"),
        ]
    )
    other.save(tmp_path / "sum.keras")
    before = (folder / "manifest.json").read_bytes()
    done = qcompress("compile", tmp_path / "sum.keras", "--targets", "cpp,onnx", "--out", folder)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "holds a compiled sum that is another model" in done.stderr
    assert (folder / "manifest.json").read_bytes() == before
    done = qcompress("compile", tmp_path / "sum.keras", "--targets", "cpp", "--out", folder, "--replace")
    assert done.returncode == 0, done.stderr
    assert list(json.loads((folder / "manifest.json").read_text())["targets"]) == ["cpp"]


def test_samples_are_not_overwritten_unasked(qcompress, tmp_path):
    out = tmp_path / "s.npz"
    wanted = ("simulate", "dummy", "--sample", "uniform", "--events", 30, "-o", out)
    assert qcompress(*wanted).returncode == 0
    before = out.read_bytes()
    done = qcompress(*wanted, "--seed", 2)
    assert (done.returncode, done.stderr) == (2, f"error: {out}: is there already; give another file, or --replace\n")
    assert out.read_bytes() == before
    assert qcompress(*wanted, "--seed", 2, "--replace").returncode == 0
    assert out.read_bytes() != before
    (tmp_path / "cuts.yaml").write_text("rows: 3\n")
    for command in (("import", out), ("select", out, tmp_path / "cuts.yaml")):
        done = qcompress("data", *command, "-o", out)
        assert (done.returncode, "is there already" in done.stderr) == (2, True), done.stderr
