"""A candidate of each network on wires from outside: every step, what it writes, and bad input."""

import re

import pytest

CONFIG = """\
name: toy
detector: lartpc
sample: {{file: {sample}}}
network: {network}
training: {{epochs: 2, batch_size: {batch}, learning_rate: 0.01}}
targets: {{cpp: {{optimization: "1"}}, hls: null, rtl: null}}
verification: {{test_rows: 100, random_rows: 50}}
synthesis: {{flow: null}}
evaluation: {{rows: 3000}}
"""
NETWORKS = {
    "roi": ("{windows: 40, weight_bits: 6, filters: [8, 16, 32]}", "Windows", "event,wire,start,stop"),
    "codec": ("{codec: {latents: 4, windows: 100}}", "over the made code", "event,wire,start,latent_0,latent_1"),
}


@pytest.fixture(scope="module")
def sample(qcompress, tmp_path_factory):
    path = tmp_path_factory.mktemp("lartpc") / "a.h5"
    done = qcompress("simulate", "lartpc", "--sample", "muon-sp", "--events", 4, "--seed", 2, "-o", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("name", NETWORKS)
def test_a_candidate_is_trained_verified_scored_and_emulates(name, sample, qcompress, tmp_path):
    network, words, header = NETWORKS[name]
    (tmp_path / "toy.yaml").write_text(CONFIG.format(sample=sample, network=network, batch=50))
    done = qcompress("run", tmp_path / "toy.yaml", "--out", tmp_path / "toy")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r"0 of [\d,]+ codes differ from the reference interpreter: Keras, cpp, cpp, all stages", said), (
        said
    )
    assert words in (tmp_path / "toy" / "report.html").read_text()
    done = qcompress("emulate", tmp_path / "toy", sample, tmp_path / "out.csv")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0].startswith(header)
    assert len(lines) > 1
    done = qcompress("emulate", tmp_path / "toy", tmp_path / "toy.yaml", tmp_path / "none.csv")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "none.csv").exists()


@pytest.mark.parametrize(("network", "said"), [
    ("{codec: {ticks: 4}}", "network.codec.ticks"),
    ("{codec: {latents: 40}}", "latents 40: not fewer than the 32 ticks"),
    ("{codec: {}, plane: U}", "plane: describes the network on wires"),
    ("{plane: Y}", "plane: protodune-sp has U, V, W"),
])  # fmt: skip
def test_a_wrong_config_is_one_line(network, said, sample, qcompress, tmp_path):
    (tmp_path / "toy.yaml").write_text(CONFIG.format(sample=sample, network=network, batch=50))
    done = qcompress("run", tmp_path / "toy.yaml", "--out", tmp_path / "toy")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "toy").exists()


def test_a_sample_of_another_chamber_is_one_line(qcompress, sample, tmp_path):
    network = "{codec: {preset: dune-hd}}"
    (tmp_path / "toy.yaml").write_text(CONFIG.format(sample=sample, network=network, batch=50))
    done = qcompress("run", tmp_path / "toy.yaml", "--out", tmp_path / "toy")
    assert done.returncode == 2
    assert "a sample of protodune-sp, the network is for dune-hd" in done.stderr


IMAGES = """{images: {view: patch, filters: 1, levels: 1, normalization: batch, residual: true, augmentation: rotations,
  dropout: 0.1, upward: repeated, loss: weighted, class_weights: [0.01, 0.4, 0.59]}}"""


def test_a_u_net_is_trained_on_images_turned_around(qcompress, tmp_path):
    sample = tmp_path / "a.h5"
    done = qcompress("simulate", "lartpc", "--sample", "mix-hd-hits", "--events", 12, "--seed", 3, "-o", sample)
    assert done.returncode == 0, done.stderr
    fast = CONFIG.replace("test_rows: 100, random_rows: 50", "test_rows: 2, random_rows: 1")
    given = fast.replace('optimization: "1"', 'optimization: "1", machine: native').format
    (tmp_path / "toy.yaml").write_text(given(sample=sample, network=IMAGES, batch=4))
    done = qcompress("run", tmp_path / "toy.yaml", "--out", tmp_path / "toy")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert re.search(r"0 of [\d,]+ codes differ from the reference interpreter: Keras, cpp", said), said
    assert "straight lines within" in (tmp_path / "toy" / "report.html").read_text()
    (tmp_path / "toy.yaml").write_text(
        given(sample=sample, network=IMAGES.replace("view: patch", "view: module"), batch=4)
    )
    done = qcompress("run", tmp_path / "toy.yaml", "--out", tmp_path / "other")
    assert done.returncode == 2
    assert "augmentation rotations: 512 x 208 cells of view module are no square" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
