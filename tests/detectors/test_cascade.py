"""A detector of images with a cascade and without a simulation: from a foreign file to an evaluated candidate."""

import json
import shutil

import numpy as np
import pytest
from helpers.paths import PLUG

from qcompress.candidate import Candidate

CONFIG = """
name: images
detector: dummy_images
sample: {file: sample.h5}
network: {}
training: {epochs: 1, batch_size: 16}
targets: {cpp: {optimization: "1"}, hls: null, rtl: null}
verification: {test_rows: 4, random_rows: 2}
synthesis: {flow: null}
"""


@pytest.fixture(scope="module")
def shape():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUG))
        import dummy_images

    return dummy_images.SHAPE


@pytest.fixture(scope="module")
def folder(tmp_path_factory, qcompress, shape):
    """Images, a sample of them, a candidate trained for an epoch."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(1)
    marked = (rng.random((64, *shape)) < 3 / np.prod(shape)) & (rng.random(64) < 0.5)[:, None, None]
    images = rng.integers(0, 40, marked.shape) + 200 * marked
    np.savez(folder / "images.npz", images=images, marked=marked)
    (folder / "config.yaml").write_text(CONFIG)
    done = qcompress("data", "import", folder / "images.npz", "-o", folder / "sample.h5")
    assert (done.returncode, "64 images in" in done.stdout) == (0, True), done.stderr
    done = qcompress("run", folder / "config.yaml", "--out", folder / "candidate")
    assert done.returncode == 0, done.stderr
    return folder


def test_the_second_network_is_verified_behind_the_first(folder):
    candidate = Candidate.open(folder / "candidate")
    assert list(candidate.graphs()) == ["marks", "judge"]
    assert list(candidate.figures("train")) == ["marks", "judge"]
    figures = candidate.figures("verify")
    assert set(figures) == {"marks", "judge"}
    for entries in figures.values():
        assert {entry["body"] for entry in entries} == {"Keras", "cpp", "cpp, all stages"}
        assert {entry["mismatches"] for entry in entries} == {0}
        assert {entry["rows"] for entry in entries if entry["inputs"] == "test events"} == {4}


def test_the_chain_of_a_cascade_holds_both_graphs_and_gives_scores_and_verdicts(folder, monkeypatch):
    monkeypatch.syspath_prepend(str(PLUG))
    candidate = Candidate.open(folder / "candidate")
    chain, graphs = candidate.chain("judge"), candidate.graphs()
    assert [stage.name for stage in chain.stages] == ["channel", "pixels", "marks", "largest", "judge", "verdict"]
    assert chain.outputs == ("judge", "verdict")
    images = np.load(folder / "images.npz")["images"][:20]
    first = candidate.chain("marks").trace(images)
    marks = graphs["marks"].run(first["pixels"])
    blocks = marks.reshape(20, 8, -1, 2, marks.shape[2] // 2).max(axis=(2, 4)).reshape(20, -1)
    made = candidate.firmware().chains["judge"].run(images)
    assert (made["judge"] == graphs["judge"].run(blocks)).all()
    assert (made["verdict"] == (made["judge"] > 16)).all()
    assert (candidate.firmware().chains["marks"].run(images)["marks"] == marks).all()


def test_what_runs_is_the_emulator_that_was_verified_and_without_it_the_same_codes(folder, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(PLUG))
    whole = Candidate.open(folder / "candidate").firmware().chains["judge"]
    assert whole.compute.__self__.name == "cpp, all stages"
    bare = tmp_path / "bare"
    shutil.copytree(folder / "candidate", bare, ignore=shutil.ignore_patterns("emulator", "cpp"))
    images = np.load(folder / "images.npz")["images"][:3]
    alone = Candidate.open(bare).firmware().chains["judge"].run(images)
    made = whole.run(images)
    assert list(alone) == list(made) == ["judge", "verdict"]
    assert all((alone[name] == made[name]).all() for name in made)


def test_the_second_network_was_trained_on_the_firsts_integers(folder, monkeypatch):
    """What training feeds it is what the compiled first network and the stages around it give."""
    monkeypatch.syspath_prepend(str(PLUG))
    from qcompress.config import parse_config
    from qcompress.pipeline.job import Job
    from qcompress.pipeline.training import Feed

    candidate = Candidate.open(folder / "candidate")
    job = Job(parse_config(candidate.manifest["config"], folder), candidate, candidate.detector)
    rows = job.detector.rows(job.sample, job.front_end, "judge")
    graphs = candidate.graphs()
    network = job.detector.networks(job.config.network, {})[1]
    feed = Feed(job, network, rows, {"marks": graphs["marks"]})
    inputs, targets = feed.values(feed.numbers(0)[:7][::-1])
    images = np.load(folder / "images.npz")["images"][rows.of_split(0)[:7][::-1]]
    wanted = candidate.front("judge", graphs).run(images)
    assert (inputs == wanted / 16).all()
    assert targets.shape == (7, 1)


def test_emulation_takes_the_detectors_own_option(folder, qcompress):
    done = qcompress("emulate", folder / "candidate", folder / "images.npz", folder / "out.csv", "--first", 12)
    assert done.returncode == 0, done.stderr
    assert len((folder / "out.csv").read_text().splitlines()) == 13
    for arguments, said in (
        (("--first", "few"), "emulate: --first few: Input should be a valid integer"),
        (("--tc-order", "lsb"), "emulate: --tc-order is an option of hgcal, not of dummy_images"),
    ):
        bad = qcompress("emulate", folder / "candidate", folder / "images.npz", folder / "no.csv", *arguments)
        assert (bad.returncode, bad.stderr.count("\n")) == (2, 1), bad.stderr
        assert said in bad.stderr


def test_what_was_evaluated_is_what_was_verified(folder):
    results = json.loads((folder / "candidate" / "evaluation" / "results.json").read_text())
    assert results["tables"][0]["rows"][0][0] == 16
    assert 0 <= results["summary"]["wrong"] <= 100


def test_a_detector_without_a_simulation_says_so(qcompress, tmp_path):
    done = qcompress("simulate", "dummy_images", "--sample", "any", "--events", 1, "-o", tmp_path / "a.h5")
    assert done.returncode == 2
    assert (
        done.stderr == "error: simulate: detector dummy_images has no simulation; its samples are files: sample.file\n"
    )
    config = tmp_path / "c.yaml"
    config.write_text(CONFIG.replace("{file: sample.h5}", "{simulate: any}"))
    done = qcompress("run", config, "--out", tmp_path / "c")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "c.yaml:4: sample.simulate: detector dummy_images has no simulation; give sample.file" in done.stderr
