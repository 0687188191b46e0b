"""Payloads: which files, under which names, and where they are written."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.registry import Interval, Registry
from qcompress.registry.payload import files_of
from qcompress.registry.tables import PAYLOADS

RUNS = Interval.of_runs


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(str(tmp_path / "r.sqlite"))


def test_a_folder_whose_path_has_two_points_is_written(registry, make, tmp_path: Path) -> None:
    entry = registry.add("a", make(), RUNS("1-"))
    (tmp_path / "here").mkdir()
    registry.restore(entry.payload, tmp_path / "here" / ".." / "out")
    assert (tmp_path / "out" / "graph" / "noise.bin").is_file()


@pytest.mark.parametrize(
    ("names", "words"),
    [
        *((name, "which is none in its folder") for name in (["../a"], ["/a"], ["a/../../b"], [""], ["a/./b"], ["."])),
        (["a\0b"], "which is none in its folder"),
        (["a", "a/b"], "file 'a' that is a folder, too"),
        (["a", "a"], "a file twice"),
        ([3, 4, 5], "has no list of files"),
    ],
)
def test_names_that_leave_the_folder_are_refused(names, words, registry, make, tmp_path: Path) -> None:
    entry = registry.add("a", make(), RUNS("1-"))
    digest = dict(registry.listed(entry.payload))["manifest.json"]
    text = json.dumps([[name, digest] if isinstance(name, str) else name for name in names])
    payload = hashlib.sha256(text.encode()).hexdigest()
    registry._database.write(lambda connection: connection.execute(PAYLOADS.insert(), {"hash": payload, "files": text}))
    with pytest.raises(QcompressError, match=words):
        registry.restore(payload, tmp_path / "out")
    assert not list(tmp_path.glob("*out*"))


def test_what_is_not_ours_beside_the_folder_stays(registry, make, tmp_path: Path) -> None:
    entry = registry.add("a", make(), RUNS("1-"))
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "mine").touch()
    registry.restore(entry.payload, tmp_path / "out")
    assert (tmp_path / ".out.partial" / "mine").exists()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(QcompressError, match="link: is there already"):
        registry.restore(entry.payload, tmp_path / "link")


def test_a_folder_that_appears_meanwhile_is_a_fault(registry, make, tmp_path: Path, monkeypatch) -> None:
    entry = registry.add("a", make(), RUNS("1-"))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    monkeypatch.setattr(os.path, "lexists", lambda path: False)
    with pytest.raises(QcompressError, match=r"out: cannot be written \(Directory not empty\)"):
        registry.restore(entry.payload, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_folder_that_cannot_be_made_is_a_fault(registry, make, tmp_path: Path) -> None:
    entry = registry.add("a", make(), RUNS("1-"))
    with pytest.raises(QcompressError, match="out: cannot be written"):
        registry.restore(entry.payload, tmp_path / "r.sqlite" / "out")


def recorded(candidate, step, figures, after=()):
    """The candidate with other figures of a step that wrote nothing new."""
    with candidate.staged(step) as stage:
        for name in candidate.steps[step]["files"]:
            (stage / name).parent.mkdir(parents=True, exist_ok=True)
            (candidate.folder / name).rename(stage / name)
        candidate.record(step, "x", stage, figures, after)
    return candidate


def test_what_was_compiled_again_is_verified_again(make) -> None:
    candidate = make()
    figures = candidate.figures("compile")
    assert files_of(recorded(candidate, "compile", figures))
    recorded(candidate, "compile", {"relu": figures["relu"] | {"notes": ["other"]}})
    with pytest.raises(QcompressError, match="was compiled again after it was verified"):
        files_of(candidate)
    recorded(candidate, "verify", candidate.figures("verify"), ("compile",))
    assert files_of(candidate)


@pytest.mark.parametrize(
    ("figures", "found", "words"),
    [
        ({"graph": "other"}, None, "graph relu is not the one that was compiled"),
        ({"keras_is_body": True}, None, "no target of graph relu was compared"),
        ({}, {}, "no target of graph relu was compared"),
        ({}, {"relu": []}, "no target of graph relu was compared"),
    ],
)
def test_every_graph_has_a_body_that_was_compared(figures, found, words, make) -> None:
    candidate = make()
    told = candidate.figures("verify") if found is None else found
    recorded(candidate, "compile", {"relu": candidate.figures("compile")["relu"] | figures})
    with pytest.raises(QcompressError, match=words):
        files_of(recorded(candidate, "verify", told, ("compile",)))


def test_libraries_are_those_that_are_recorded(make, tmp_path: Path) -> None:
    candidate = make()
    folder = candidate.folder / "graph"
    (folder / "stray.so").touch()
    assert [name for name, _ in files_of(candidate) if name.endswith(".so")] == ["graph/library.so"]
    (folder / "library.so").rename(tmp_path / "library.so")
    (folder / "library.so").symlink_to(tmp_path / "library.so")
    assert [name for name, _ in files_of(candidate) if name.endswith(".so")] == []
