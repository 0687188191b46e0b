"""The front of one training from outside: candidates of its checkpoints, and candidates that have none."""

import numpy as np
import pytest
from helpers.toy_frames import write_sample

from qcompress.candidate import Candidate
from qcompress.frontends import load_model, model_of
from qcompress.training.learned_widths import bit_operations

CONFIG = """\
name: toy
detector: tpc
sample: {file: toy.h5}
network: {window: 3x3x3, layers: 1, neurons: 6, bits: learned}
training: {epochs: 8, batch_size: 100, learning_rate: 0.02, keep: last, TRAINING}
targets: {cpp: header, hls: null, rtl: null}
verification: {test_rows: 200, random_rows: 100}
synthesis: {flow: null}
evaluation: {rows: 3000}
"""
RISING = "penalty: 3.0e-4, first_penalty: 1.0e-6, bit_operations: [3000, 1500, 4]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory, qcompress):
    folder = tmp_path_factory.mktemp("front")
    write_sample(folder / "toy.h5", 3, 12, range(58, 70))
    (folder / "rising.yaml").write_text(CONFIG.replace("TRAINING", RISING))
    done = qcompress("train", "rising.yaml", "--out", "toy", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "training.bit_operations 4: no epoch had so few" in done.stderr
    return folder


@pytest.mark.campaign
def test_every_checkpoint_is_a_candidate_of_its_own(folder, qcompress):
    done = qcompress("front", "toy", "--until", "compile", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Front of one training" in done.stdout
    whole, sizes = Candidate.open(folder / "toy"), []
    for most in (3000, 1500):
        made = Candidate.open(folder / f"toy_at_{most}")
        kept = folder / "toy" / "model" / "checkpoints" / f"at_{most}" / "classifier.keras"
        given, own = (load_model(path).content for path in (kept, made.folder / "model" / "classifier.keras"))
        assert all((a.numpy() == b.numpy()).all() for a, b in zip(given.weights, own.weights, strict=True))
        assert made.manifest["config"]["sample"]["file"] == str(folder / "toy.h5")
        assert made.figures("sample")["split_hash"] == whole.figures("sample")["split_hash"]
        assert made.figures("train")["classifier"]["epochs"] == 0
        (graph,) = made.graphs().values()
        codes = np.random.default_rng(most).integers(-100, 500, (300, *graph.input_shape))
        assert (model_of(own).body(graph).run(codes) == graph.run(codes)).all()
        assert graph.run(codes).std() > 0
        assert bit_operations(own) <= most
        sizes.append(made.figures("compile")["classifier"]["weight_bits"])
        assert str(made.figures("train")["classifier"]["validation_loss"])[:6] in done.stdout
    assert sizes[0] > sizes[1]
    assert not (folder / "toy_at_4").exists()
    refused = qcompress("front", "toy_at_3000", cwd=folder)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
    assert "toy_at_3000: its training kept no front; give training.bit_operations" in refused.stderr
