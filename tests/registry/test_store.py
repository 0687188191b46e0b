"""A registry on an SQLite file: added to, never changed; writers that meet lose nothing."""

import getpass
import os
import sqlite3
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from qcompress.errors import QcompressError
from qcompress.registry import Interval, Place, Registry
from qcompress.registry.entries import ended
from qcompress.registry.validity import Kind

RUNS = Interval.of_runs
run = partial(Place, Kind.RUNS)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(str(tmp_path / "deep" / "r.sqlite"))


def told(registry: Registry) -> list[tuple[str, str, str]]:
    return [(each.entry.name, each.entry.version, str(each.interval)) for each in registry.valid()]


def test_versions_and_intervals(registry, make) -> None:
    small, large = make(3), make(4)
    first = registry.add("encoder", small, RUNS("100-199"), comment="commissioning")
    assert registry.add("encoder", small, RUNS("300-")).version == "1"
    assert registry.add("encoder", large, RUNS("200-299")).version == "2"
    assert registry.add("encoder", large, RUNS("50"), version="spare").payload != first.payload
    with pytest.raises(QcompressError, match="encoder version 1 is another candidate"):
        registry.add("encoder", large, RUNS("1"), version="1")
    with pytest.raises(QcompressError, match="runs 150 to 160 of encoder are not free: version 1 is"):
        registry.add("encoder", large, RUNS("150-160"))
    with pytest.raises(QcompressError, match="encoder is valid by runs, not by times"):
        registry.add("encoder", large, Interval.of_times("2026-03-01T00:00:00Z/"))
    retirement = registry.retire("encoder", "1", run(180))
    assert told(registry) == [
        ("encoder", "spare", "run 50"),
        ("encoder", "1", "runs 100 to 179"),
        ("encoder", "2", "runs 200 to 299"),
    ]
    assert ended(registry.history(), retirement) == [(RUNS("100-199"), RUNS("100-179")), (RUNS("300-"), None)]
    with pytest.raises(QcompressError, match="encoder version 2 ends before run 400 anyway"):
        registry.retire("encoder", "2", run(400))
    with pytest.raises(
        QcompressError, match=r"encoder is valid by runs: time 1970-01-01T00:00:00\.000180Z is none of them"
    ):
        registry.retire("encoder", "2", Place(Kind.TIMES, 180))
    with pytest.raises(QcompressError, match="nothing of 'encoder' version '9' is valid"):
        registry.retire("encoder", "9")
    assert registry.version("encoder", "spare").version == "spare"
    assert [(entry.number, str(entry.action)) for entry in registry.history()] == [
        *((number, "add") for number in range(1, 5)),
        (5, "retire"),
    ]


def test_what_comes_out_is_what_went_in(registry, make, tmp_path: Path) -> None:
    candidate = make()
    entry = registry.add("a", candidate, RUNS("1-"))
    out = tmp_path / "out"
    registry.restore(entry.payload, out)
    files = {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert set(files) == {Path(name) for name, _ in registry.listed(entry.payload)}
    assert {Path("manifest.json"), Path("graph/noise.bin"), Path("graph/library.so")} <= set(files)
    assert all((candidate.folder / name).read_bytes() == data for name, data in files.items())
    with pytest.raises(QcompressError, match="is there already"):
        registry.restore(entry.payload, out)
    assert registry.check() == (1, 1, entry.digest)
    assert entry.provenance["graphs"]["relu"] == candidate.graphs()["relu"].content_hash()


def test_what_is_not_exact_or_not_whole_is_not_taken(registry, make) -> None:
    with pytest.raises(QcompressError, match="is not verified"):
        registry.add("a", make(verified=False), RUNS("1"))
    with pytest.raises(QcompressError, match="cpp differs from the graph"):
        registry.add("a", make(mismatches=1), RUNS("1"))
    changed = make(5)
    (changed.folder / "graph" / "noise.bin").write_bytes(b"other")
    with pytest.raises(QcompressError, match="files of step compile are missing or changed"):
        registry.add("a", changed, RUNS("1"))
    with pytest.raises(QcompressError, match=r"'\.\./a' is no name"):
        registry.add("../a", make(), RUNS("1"))
    with pytest.raises(QcompressError, match="is not there; the first qcompress registry add makes it"):
        registry.history()


def edit(registry: Registry, statement: str, *values: object) -> None:
    """Change the file behind the registry's back, without its triggers."""
    with sqlite3.connect(str(registry).removeprefix("sqlite:///")) as connection:
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement, values)


def test_the_database_refuses_changes(registry, make) -> None:
    registry.add("a", make(), RUNS("1-"))
    verbs = (
        "DELETE FROM qcompress_{}",
        "UPDATE qcompress_{} SET rowid = 9",
        "INSERT OR REPLACE INTO qcompress_{0} SELECT * FROM qcompress_{0}",
    )
    others = (
        "INSERT OR REPLACE INTO qcompress_payloads (rowid, hash, files) VALUES (1, 'other', '[]')",
        "INSERT OR REPLACE INTO qcompress_entries SELECT 1, action, 'b', version, kind, first, \"end\", payload, "
        "provenance, comment, author, created, digest FROM qcompress_entries",
    )
    tables = ("entries", "payloads", "blobs", "chunks")
    with sqlite3.connect(str(registry).removeprefix("sqlite:///")) as connection:
        for statement in (*(verb.format(table) for table in tables for verb in verbs), *others):
            with pytest.raises(sqlite3.IntegrityError, match="a registry is only added to"):
                connection.execute(statement)
    assert registry.check().entries == 1


def test_removed_last_entries_are_seen_against_a_digest_that_was_noted(registry, make) -> None:
    first = registry.add("a", make(), RUNS("1"))
    second = registry.add("a", make(), RUNS("2"))
    assert registry.check(first.digest).digest == registry.check(second.digest).digest == second.digest
    edit(registry, "DELETE FROM qcompress_entries WHERE number = 2")
    assert registry.check(first.digest).digest == first.digest
    with pytest.raises(QcompressError, match=f"no entry has the digest {second.digest}"):
        registry.check(second.digest)


def test_comments_and_authors_are_text(registry, make, monkeypatch: pytest.MonkeyPatch) -> None:
    for comment in ("\udcff", "a\0b"):
        with pytest.raises(QcompressError, match="the comment holds bytes that are no text"):
            registry.add("a", make(), RUNS("1"), comment=comment)

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert registry.add("a", make(), RUNS("1"), comment="für [bold]").author == str(os.getuid())
    assert registry.history()[0].comment == "für [bold]"


def test_the_next_version_has_room(registry, make) -> None:
    registry.add("a", make(3), RUNS("1"), version="9" * 100)
    with pytest.raises(QcompressError, match="a has a version of 100 digits; give the next with --version"):
        registry.add("a", make(4), RUNS("2"))
    assert registry.add("a", make(4), RUNS("2"), version="b").version == "b"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE qcompress_entries SET comment = 'x'", "entry 1 was changed after it was written"),
        ("UPDATE qcompress_entries SET provenance = '{'", "entry 1 was changed after it was written"),
        ("UPDATE qcompress_payloads SET files = '[]'", "the files of payload [0-9a-f]{12} are not those"),
        ("DELETE FROM qcompress_payloads", "payload [0-9a-f]{12} is missing"),
        ("DELETE FROM qcompress_chunks", "differs from its hash"),
        ("UPDATE qcompress_chunks SET data = x'00'", "differs from its hash"),
        ("UPDATE qcompress_chunks SET data = 'text'", "differs from its hash"),
        ("UPDATE qcompress_chunks SET data = 7", "differs from its hash"),
    ],
)
def test_a_payload_whose_hash_differs_is_refused(statement, words, registry, make, tmp_path: Path) -> None:
    entry = registry.add("a", make(), RUNS("1-"))
    edit(registry, statement)
    with pytest.raises(QcompressError, match=words):
        registry.check()
    reads = registry.history if "entries" in statement else partial(registry.restore, entry.payload, tmp_path / "out")
    with pytest.raises(QcompressError, match=words):
        reads()
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE qcompress_chunks SET data = x'00'", "differs from its hash"),
        ("UPDATE qcompress_payloads SET files = '[]'", "the files of payload [0-9a-f]{12} are not those"),
    ],
)
def test_what_is_damaged_is_not_added_again(statement, words, registry, make) -> None:
    registry.add("a", make(), RUNS("1"))
    edit(registry, statement)
    with pytest.raises(QcompressError, match=words):
        registry.add("a", make(), RUNS("2"))
    assert len(registry.history()) == 1


WRITER = """
import sys
from pathlib import Path
from qcompress.candidate import Candidate
from qcompress.registry import Interval, Registry
url, folder, first = sys.argv[1:]
for run in range(int(first), int(first) + 8):
    Registry(url).add("a", Candidate.open(Path(folder)), Interval.of_runs(str(run)))
    print(run, flush=True)
"""


def test_two_writers_at_once_lose_nothing(registry, make) -> None:
    url = str(registry)
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, url, str(make(size).folder), str(100 * size)])
        for size in (3, 4)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0]
    assert [entry.number for entry in registry.history()] == list(range(1, 17))
    runs = sorted(each.interval.first for each in registry.valid("a"))
    assert runs == [*range(300, 308), *range(400, 408)]
    assert {each.entry.version for each in registry.valid()} == {"1", "2"}
    assert registry.check()[:2] == (16, 2)


def test_a_killed_writer_leaves_whole_entries(registry, make) -> None:
    command = [sys.executable, "-c", WRITER, str(registry), str(make().folder), "0"]
    for pause in (0.0, 0.003, 0.007):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(pause)
            writer.kill()
        assert writer.returncode in {0, -9}
        entries, payloads, _ = registry.check()
        assert (entries >= 1, payloads) == (True, 1)
        for each in registry.valid():  # what is there is free again for the next one
            registry.retire("a", each.entry.version, run(each.interval.first))
            break
    assert registry.add("a", make(), RUNS("1000-")).number == len(registry.history())
