"""`registry:NAME` in place of a folder: the cache, and what is wrong."""

import os
import tempfile
from pathlib import Path

import pytest

from qcompress.candidate import Candidate
from qcompress.errors import QcompressError
from qcompress.files import file_hash, write_json
from qcompress.registry import Interval, Registry, finding, folder_of
from qcompress.registry.finding import url_of


@pytest.fixture
def url(make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("QCOMPRESS_CACHE", str(tmp_path / "cache"))
    url = str(tmp_path / "r.sqlite")
    Registry(url).add("a", make(3), Interval.of_runs("1-9"))
    Registry(url).add("b", make(4), Interval.of_times("2026-03-01T00:00:00Z/"))
    return url


def test_a_path_is_itself(url: str) -> None:
    assert folder_of("some/where") == Path("some/where")
    with pytest.raises(QcompressError, match="--run, --time and --registry go with registry:NAME"):
        folder_of("some/where", run=3)


def test_the_payload_of_a_run_or_a_time_is_written_once_and_mended(url: str) -> None:
    folder = folder_of("registry:a", run=5, url=url)
    assert Candidate.open(folder).graphs()["relu"].input_shape == (3,)
    assert Candidate.open(folder_of("registry:b", time="2026-03-02T00:00:00Z", url=url)).graphs()[
        "relu"
    ].input_shape == (4,)
    kept = (folder / "manifest.json").stat().st_ino
    (folder / "graph" / "library2.so").write_bytes(b"compiled for another processor")
    record = {"library": "library2.so", "sha256": file_hash(folder / "graph" / "library2.so")}
    write_json(folder / "graph" / "emulator.machine", record)
    assert folder_of("registry:a", run=1, url=url) == folder
    assert (folder / "manifest.json").stat().st_ino == kept
    assert (folder / "graph" / "library2.so").exists()
    for name in ("noise.bin", "library.so", "emulator.machine"):
        (folder / "graph" / name).write_bytes(b"changed")
        assert folder_of("registry:a", run=1, url=url) == folder
        assert file_hash(folder / "graph" / name) == dict(Registry(url).listed(folder.name))[f"graph/{name}"]
    assert not list(folder.parent.glob(".*"))


def test_without_a_cache_a_folder_of_the_process_takes_it(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("QCOMPRESS_CACHE", url)  # a file
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / f"qcompress-{os.getuid()}").symlink_to(tmp_path / "of another user")
    finding._passing_folder.cache_clear()
    folder = folder_of("registry:a", run=5, url=url)
    assert folder.parent.stat().st_mode & 0o777 == 0o700
    assert folder.parent.parent == tmp_path
    assert folder_of("registry:a", run=6, url=url) == folder
    finding._passing_folder.cache_clear()


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        ("registry:a", {}, "give the run it is for with --run, or the time with --time"),
        ("registry:a", {"run": 1, "time": "2026-03-02T00:00:00Z"}, "give the run"),
        ("registry:a", {"run": 10}, "a has no payload for run 10"),
        ("registry:b", {"time": "2026-02-01T00:00:00Z"}, "b has no payload for time 2026-02-01T00:00:00Z"),
        ("registry:b", {"time": "2026-02-01T00:00:00"}, "has no time zone"),
        ("registry:c", {"run": 1}, "holds no valid 'c'"),
    ],
)
def test_what_is_not_there_is_a_fault(text: str, given: dict[str, str], words: str, url: str) -> None:
    with pytest.raises(QcompressError, match=words):
        folder_of(text, url=url, **given)


def test_which_registry_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QCOMPRESS_REGISTRY", "told.sqlite")
    assert (url_of("given"), url_of(None)) == ("given", "told.sqlite")
    monkeypatch.delenv("QCOMPRESS_REGISTRY")
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert url_of(None) == "/data/qcompress/registry.sqlite"
