"""Where registries are: URLs, files that are not there, writers that wait."""

import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from qcompress.errors import QcompressError
from qcompress.registry import Interval, Registry, database

RUNS = Interval.of_runs


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nothing://x", r"'nothing://\.\.\.': is no database URL .*nothing"),
        ("nothing://user:secret@host/x", r"'nothing://\.\.\.@host/x': is no database URL"),
        ("postgresql://user:secret@host:port/x?a=secret", r"'postgresql://\.\.\.@host:port/x': is no database URL"),
        ("postgresql://user:secret", r"'postgresql://\.\.\.': is no database URL"),
        ("://user:secret@host", "is no database URL"),
        (
            "postgresql+psycopg2://user:secret@localhost/x?password=secret",
            r"user:\*\*\*@localhost/x: its driver psycopg2",
        ),
        ("~nobody-of-this-name/r.sqlite", "is no path of a file"),
        ("a\0b", "is no path of a file"),
        ("a\udcff", "is no path of a file"),
    ],
)
def test_urls_that_are_none_are_faults_without_passwords(url: str, words: str) -> None:
    with pytest.raises(QcompressError, match=words) as fault:
        Registry(url).history()
    assert "secret" not in str(fault.value)
    assert "\n" not in str(fault.value)


def test_a_file_that_is_no_database_is_a_fault(tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("no database at all, and long enough to be read as one" * 40)
    with pytest.raises(QcompressError, match="file is not a database"):
        Registry(str(tmp_path / "bad")).history()


def test_only_an_addition_makes_a_registry(make, tmp_path: Path) -> None:
    registry = Registry(str(tmp_path / "deep" / "r.sqlite"))
    for act in (registry.history, registry.valid, registry.check, lambda: registry.retire("a", "1")):
        with pytest.raises(QcompressError, match="is not there; the first qcompress registry add makes it"):
            act()
    assert not (tmp_path / "deep").exists()
    (tmp_path / "empty").touch()
    with pytest.raises(QcompressError, match="is empty; the first qcompress registry add begins it"):
        Registry(str(tmp_path / "empty")).history()
    assert (tmp_path / "empty").stat().st_size == 0
    registry.add("a", make(), RUNS("1-"))
    assert len(registry.history()) == 1
    (tmp_path / "file").touch()
    with pytest.raises(QcompressError, match="its folder cannot be made"):
        Registry(str(tmp_path / "file" / "r.sqlite")).add("a", make(), RUNS("1-"))


def test_a_path_is_no_url(make, tmp_path: Path) -> None:
    path = tmp_path / "what?timeout=3%20.sqlite"
    Registry(str(path)).add("a", make(), RUNS("1-"))
    assert [each.name for each in tmp_path.glob("*.sqlite")] == [path.name]


def test_readers_do_not_wait_for_a_writer_and_writers_have_one_deadline(make, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "r.sqlite"
    Registry(str(path)).add("a", make(), RUNS("1"))
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.3)
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert len(Registry(str(path)).history()) == 1
        started = time.monotonic()
        with pytest.raises(QcompressError, match="others write all the time"):
            Registry(str(path)).add("a", make(), RUNS("2"))
        assert 0.2 < time.monotonic() - started < 10
        other.execute("ROLLBACK")
    assert Registry(str(path)).add("a", make(), RUNS("2")).number == 2


def test_what_the_database_refuses_is_not_tried_again(make, tmp_path: Path) -> None:
    registry, calls = Registry(str(tmp_path / "r.sqlite")), []
    registry.add("a", make(), RUNS("1"))

    def work(connection: database.Connection) -> None:
        calls.append(connection.execute(text("DELETE FROM qcompress_entries")))

    with pytest.raises(QcompressError, match="a registry is only added to"):
        registry._database.write(work)
    assert calls == []
