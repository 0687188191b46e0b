"""train, lr-find and landscape from outside, on the detector of sixty lines: figures, a kill, bad input in one line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from helpers.paths import PLUG, ROOT

from qcompress.candidate import Candidate
from qcompress.frontends.qkeras import load_model

CONFIG = """\
name: dummy_sum
detector: dummy
seed: 3
sample: {simulate: uniform, events: 900}
network: {weight_bits: 4}
training: {epochs: 400, batch_size: 30, patience: 400, schedule: one_cycle, weight_decay: 0.001}
"""
QUICK = CONFIG.replace("epochs: 400", "epochs: 2")


@pytest.fixture(scope="module")
def trained(tmp_path_factory, qcompress):
    """A candidate of two epochs, and its config."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "quick.yaml").write_text(QUICK)
    done = qcompress("train", folder / "quick.yaml", "--out", folder / "c")
    assert done.returncode == 0, done.stderr
    assert "best_validation" in done.stdout
    return folder / "c"


def kept(folder):
    return {path.relative_to(folder): path.read_bytes() for path in (folder / "model").rglob("*") if path.is_file()}


def test_train_leaves_three_checkpoints_and_the_history(trained):
    steps = json.loads((trained / "manifest.json").read_text())["steps"]
    assert sorted(steps) == ["sample", "train"]
    names = {f"model/checkpoints/{name}/sum.keras" for name in ("best_validation", "best_training", "last")}
    names |= {"model/sum.keras", "model/sum_history.csv", "model/tensorboard/sum/events.out.tfevents.0.qcompress"}
    assert set(steps["train"]["files"]) == names
    figures = steps["train"]["figures"]["sum"]
    assert (figures["kept"], figures["epochs"], figures["overtrained_since"]) == ("best_validation", 2, None)
    assert not (trained / ".train.resume").exists()


def test_half_of_the_weights_are_pruned_while_rates_fall_twice(qcompress, tmp_path):
    pruned = QUICK.replace(
        "epochs: 2,", "epochs: 2, keep: last, pruned: 0.5, pruning_rise: 1.0, layer_rates: {s*m: 0.5},"
    )
    pruned = pruned.replace("one_cycle", "restarts, cycles: 2")
    (tmp_path / "pruned.yaml").write_text(pruned)
    done = qcompress("train", tmp_path / "pruned.yaml", "--out", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    kernel = load_model(tmp_path / "c" / "model" / "sum.keras").get_layer("sum").kernel.numpy()
    assert np.count_nonzero(kernel == 0) == kernel.size // 2
    rates = np.genfromtxt(tmp_path / "c" / "model" / "sum_history.csv", delimiter=",", names=True)["learning_rate"]
    assert 1e-5 < rates[0] < 1e-4  # ten steps of one cosine are not quite its end
    assert rates[1] == pytest.approx(1e-5)


@pytest.mark.parametrize(("keys", "said"), [
    ("pruned: 0.5", "pruned and keep best_validation: the last epoch has the fewest weights; give keep: last"),
    ("pruned: 0.5, keep: last, pruned_as: outputs", "has none of a layer before the last; leave it out"),
    ("pruned: 0.5, keep: last, pruning_rise: 0", "training.pruning_rise: Input should be greater than 0"),
])  # fmt: skip
def test_what_cannot_be_pruned_is_one_line(qcompress, tmp_path, keys, said):
    (tmp_path / "pruned.yaml").write_text(QUICK.replace("epochs: 2,", f"epochs: 2, {keys},"))
    done = qcompress("train", tmp_path / "pruned.yaml", "--out", tmp_path / "c")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr


@pytest.mark.campaign
def test_a_training_killed_on_its_way_ends_in_the_undisturbed_model(qcompress, tmp_path):
    (tmp_path / "long.yaml").write_text(CONFIG)
    arguments = ["train", str(tmp_path / "long.yaml"), "--out"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = qcompress(*arguments, whole)
    assert done.returncode == 0, done.stderr
    command = [sys.executable, "-m", "qcompress.cli", *arguments, str(killed)]
    process = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(PLUG)}, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(killed.glob(".train.resume/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert "train" not in json.loads((killed / "manifest.json").read_text())["steps"]
    (state,) = killed.glob(".train.resume/*.npz")
    with np.load(state) as file:
        epochs = len(json.loads(str(file["state"]))["history"])
    assert 0 < epochs < 400
    done = qcompress(*arguments, killed)
    assert done.returncode == 0, done.stderr
    assert kept(killed) == kept(whole)


def test_a_training_may_begin_with_a_checkpoint(trained, qcompress, tmp_path):
    started = tmp_path / "started.yaml"
    start = os.path.relpath(trained / "model" / "checkpoints" / "last", tmp_path)
    started.write_text(QUICK.replace("epochs: 2", f"learning_rate: 1.0e-9, epochs: 1, start: {start}"))
    done = qcompress("train", started, "--out", tmp_path / "c")
    assert done.returncode == 0, done.stderr
    rows = [(folder / "model" / "sum_history.csv").read_text().splitlines() for folder in (trained, tmp_path / "c")]
    last, first = (float(row.split(",")[2]) for row in (rows[0][-1], rows[1][1]))
    assert first == pytest.approx(last, rel=1e-4)


def test_lr_find_and_landscape_write_figures_and_tables(trained, qcompress):
    config = trained.parent / "quick.yaml"
    done = qcompress("lr-find", config, "--out", trained, "--steps", "60", "--weight-decay", "0.01")
    assert done.returncode == 0, done.stderr
    assert "suggested maximum" in done.stdout
    lines = (trained / "lr_find" / "sum.csv").read_text().splitlines()
    assert lines[0] == "weight_decay,learning_rate,loss,smoothed"
    assert 20 < len(lines) <= 61
    assert lines[1].startswith("0.01,1e-05,")
    done = qcompress("landscape", trained, "--grid", "5")
    assert done.returncode == 0, done.stderr
    assert "Loss around the data" in done.stdout
    lines = (trained / "landscape" / "sum_loss.csv").read_text().splitlines()
    assert lines[0] == "a,b,loss"
    places = [[float(number) for number in line.split(",")[:2]] for line in lines[1:]]
    assert places == [[a, b] for a in np.linspace(-3, 3, 5) for b in np.linspace(-3, 3, 5)]
    assert all(float(line.split(",")[2]) >= 0 for line in lines[1:])
    for figure in ("lr_find/sum", "landscape/sum_loss", "landscape/sum_weights", "landscape/sum_activations"):
        assert (trained / f"{figure}.png").read_bytes().startswith(b"\x89PNG"), figure
    assert "up to date" in qcompress("train", config, "--out", trained).stdout


def test_a_candidate_of_an_older_schema_is_read_and_finished(trained, qcompress, tmp_path):
    config, folder = trained.parent / "quick.yaml", tmp_path / "older"
    shutil.copytree(trained, folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["targets"], manifest["hardware"]
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema": 2}))
    assert Candidate.open(folder).figures("train")["sum"]["kept"] == "best_validation"
    for name in ("kept", "overtrained_since"):
        del manifest["steps"]["train"]["figures"]["sum"][name]
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema": 1}))
    assert Candidate.open(folder).figures("train")["sum"]["kept"] is None
    done = qcompress("train", config, "--out", folder)
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "manifest.json").read_text())["schema"] == 4
    (folder / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}))
    before = (folder / "manifest.json").read_bytes()
    for arguments in (("train", config, "--out", folder), ("run", config, "--out", folder), ("landscape", folder)):
        done = qcompress(*arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), (arguments, done.stderr)
        assert "manifest schema 99, this version reads 1 to 4" in done.stderr
    assert (folder / "manifest.json").read_bytes() == before


def test_bad_input_is_one_line(trained, qcompress, tmp_path):
    def config(name, text):
        (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path / f"{name}.yaml"

    schedule = config("schedule", QUICK.replace("one_cycle", "steps"))
    large = config("large", QUICK.replace("batch_size: 30", "batch_size: 301"))
    missing = config("missing", QUICK.replace("epochs: 2", f"epochs: 2, start: {tmp_path}"))
    other = tmp_path / "other"
    other.mkdir()
    keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]).save(other / "sum.keras")
    shapes = config("shapes", QUICK.replace("epochs: 2", f"epochs: 2, start: {other}"))
    out, quick = ("--out", tmp_path / "c"), trained.parent / "quick.yaml"
    cycles = config("cycles", QUICK.replace("one_cycle", "restarts, cycles: 21"))
    rates = config("rates", QUICK.replace("epochs: 2", "epochs: 2, layer_rates: {up*: 0.1}"))
    cases = [
        (("train", schedule, *out), "training.schedule: Input should be 'constant', 'linear'"),
        (("train", large, *out), "batch_size 301: the sample has only 300 training rows"),
        (("lr-find", large, *out), "batch_size 301: the sample has only 300 training rows"),
        (("train", missing, *out), f"{tmp_path}/sum.keras: no such model file"),
        (("train", shapes, *out), "of another architecture than this sum: weights of shapes 4x2 2, not 4x1 1"),
        (("train", cycles, *out), "the training has only 20 steps, the first cycle would have none; give fewer"),
        (("train", rates, *out), "training.layer_rates: 'up*' fits no layer with weights; there are "),
        (("lr-find", quick, *out, "--lowest", "1"), "rates from 1 to 1; give --lowest above 0 and below --highest"),
        (("lr-find", quick, *out, "--weight-decay", "-1"), "weight decay -1; give 0 or more"),
        (("landscape", trained, "--grid", "6"), "--grid 6: give an odd number"),
        (("landscape", tmp_path / "none"), "no firmware candidate"),
    ]
    for arguments, message in cases:
        done = qcompress(*arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), (arguments, done.stderr)
        assert message in done.stderr
