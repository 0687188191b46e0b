"""The candidate folder: whole files, recorded steps, damaged manifests."""

import json
import os
from pathlib import Path

import pytest

from qcompress.candidate import SCHEMA, Candidate
from qcompress.errors import QcompressError
from qcompress.files import file_hash, write_whole

DESCRIPTION = {
    **{"name": "a", "detector": None, "config": None, "seed": 0, "versions": {}, "front_end": {}, "targets": {}},
    "hardware": None,
}


def made(folder, text="one", inputs="x", name="part"):
    candidate = Candidate.create(folder, DESCRIPTION)
    with candidate.staged("step") as stage:
        (stage / name).mkdir()
        (stage / name / "file.txt").write_text(text)
        (stage / name / "run.log").write_text(os.urandom(4).hex())
        candidate.record("step", inputs, stage, {"figure": 1})
    return candidate


def test_a_step_is_current_until_its_inputs_or_its_files_change(tmp_path):
    folder = tmp_path / "c"
    candidate = made(folder)
    assert candidate.is_current("step", "x")
    assert not candidate.is_current("step", "y")
    assert not candidate.is_current("other", "x")
    again = Candidate.open(folder)
    assert again.figures("step") == {"figure": 1}
    assert again.is_current("step", "x")
    (folder / "part" / "run.log").write_text("another run")
    assert again.is_current("step", "x")
    (folder / "part" / "file.txt").write_text("two")
    assert not again.is_current("step", "x")


def test_a_step_made_again_replaces_its_files_and_leaves_none_behind(tmp_path):
    made(tmp_path / "c")
    made(tmp_path / "c", name="renamed")
    assert sorted(p.name for p in (tmp_path / "c").iterdir()) == ["manifest.json", "renamed"]


def test_a_step_that_fails_leaves_the_candidate_as_it_was_and_keeps_its_log(tmp_path):
    candidate = made(tmp_path / "c")
    before = (tmp_path / "c" / "manifest.json").read_bytes()

    def fail() -> None:
        with candidate.staged("step") as stage:
            (stage / "part").mkdir()
            (stage / "part" / "run.log").write_text("why")
            raise QcompressError(f"it failed: see {stage / 'part' / 'run.log'}")

    with pytest.raises(QcompressError, match=r"it failed: see .*/c/logs/part-run\.log"):
        fail()
    assert (tmp_path / "c" / "manifest.json").read_bytes() == before
    assert (tmp_path / "c" / "part" / "file.txt").read_text() == "one"
    assert (tmp_path / "c" / "logs" / "part-run.log").read_text() == "why"
    assert not list((tmp_path / "c").glob(".*partial"))


def test_write_whole_replaces_or_keeps(tmp_path):
    path = tmp_path / "file"
    write_whole(path, b"one")
    digest = file_hash(path)
    write_whole(path, b"two")
    assert file_hash(path) != digest
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    with pytest.raises(QcompressError, match="is a device"):
        write_whole(Path("/dev/null"), b"")
    with pytest.raises(TypeError):
        write_whole(path, "text")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_step_follows_another_one_until_that_finds_something_else(tmp_path):
    candidate = made(tmp_path / "c")
    with candidate.staged("next") as stage:
        candidate.record("next", "x", stage, {}, ("step", "none"))
    assert made(tmp_path / "c", inputs="y").follows("next", "step")
    assert not made(tmp_path / "c", text="two").follows("next", "step")
    assert Candidate.open(tmp_path / "c").follows("next", "another")


def test_other_peoples_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(QcompressError, match="other files in it"):
        Candidate.create(tmp_path, DESCRIPTION)
    with pytest.raises(QcompressError, match="no firmware candidate"):
        Candidate.open(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "damaged manifest"),
        ("[]", "damaged manifest"),
        ('{"steps": {}}', "damaged manifest"),
        (json.dumps({"schema": SCHEMA}), "damaged manifest"),
        ('{"schema": 1}', "damaged manifest"),
        (json.dumps({"schema": 99, "steps": {}, **DESCRIPTION}), f"schema 99, this version reads 1 to {SCHEMA}"),
        (json.dumps({"schema": SCHEMA, "steps": {}}), "damaged manifest .*name"),
        (json.dumps({"schema": SCHEMA, **DESCRIPTION, "steps": {"a": 5}}), r"damaged manifest .*steps\.a\.inputs"),
        (json.dumps({"schema": SCHEMA, **DESCRIPTION, "detector": 5, "steps": {}}), "damaged manifest .*detector"),
        (json.dumps({"schema": SCHEMA, **DESCRIPTION, "hardware": 5, "steps": {}}), "damaged manifest .*hardware"),
    ],
)
def test_damaged_manifests_are_one_line(tmp_path, text, message):
    made(tmp_path / "c")
    (tmp_path / "c" / "manifest.json").write_text(text)
    with pytest.raises(QcompressError, match=message):
        Candidate.open(tmp_path / "c")


def test_one_process_at_a_time(tmp_path):
    candidate = made(tmp_path / "c")
    with (
        candidate.locked(),
        pytest.raises(QcompressError, match="another qcompress works on this candidate"),
        Candidate.open(tmp_path / "c").locked(),
    ):
        pass


def test_an_unfinished_candidate_says_what_is_missing(tmp_path):
    candidate = made(tmp_path / "c")
    for call in (candidate.graphs, lambda: candidate.figures("train"), lambda: candidate.model("encoder")):
        with pytest.raises(QcompressError, match="finish it with qcompress run"):
            call()
    with pytest.raises(QcompressError, match="has no detector"):
        _ = candidate.detector
