"""Samples of the liquid-argon chamber from outside."""

import pytest

from qcompress.detectors import load_detector


@pytest.fixture(scope="module")
def sample(qcompress, tmp_path_factory):
    path = tmp_path_factory.mktemp("lartpc") / "a.h5"
    done = qcompress("simulate", "lartpc", "--sample", "neutrino-sp", "--events", 2, "-o", path)
    assert done.returncode == 0, done.stderr
    assert "of 2 events" in done.stdout
    return path


def test_a_sample_is_simulated_and_inspected(qcompress, sample, tmp_path):
    done = qcompress("data", "inspect", sample, "--page", tmp_path / "page.html")
    assert done.returncode == 0, done.stderr
    for said in ("protodune-sp", "neutrino-sp", "Truth", "delta ray", "U 800, V 800, W 480"):
        assert said in done.stdout
    assert "data:image" in (tmp_path / "page.html").read_text()
    card = load_detector("lartpc").card(sample)
    assert card.events == 2
    assert f"split {card.split_hash[:12]}" not in done.stderr
    assert card.content_hash in done.stdout


@pytest.mark.parametrize(("arguments", "said"), [
    (["--sample", "neutrino"], "sample 'neutrino' is not known; simulate one of neutrino, mix, muon"),
    ([], "simulate"),
])  # fmt: skip
def test_what_cannot_be_simulated_is_one_line(arguments, said, qcompress, tmp_path):
    done = qcompress("simulate", "lartpc", *arguments, "--events", 1, "-o", tmp_path / "a.h5")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "a.h5").exists()


def test_a_cut_file_is_one_line(qcompress, sample, tmp_path):
    (tmp_path / "cut.h5").write_bytes(sample.read_bytes()[:100_000])
    done = qcompress("data", "inspect", tmp_path / "cut.h5", "--detector", "lartpc")
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
