"""Samples: whole, identified, split by event; damaged ones are one line."""

import json
from pathlib import Path

import h5py
import numpy as np
import pytest

from qcompress.detectors import VALIDATION
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.samples import writer
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.h5"
    fast_simulation.simulate("electron-200pu-axis", 60, 5, path)
    return samples.read(path)


def content_hash(path):
    with samples.Handle(path) as handle:
        return handle.content_hash()


def split_hash(path):
    with samples.Handle(path) as handle:
        return handle.split_hash()


def test_written_and_read_samples_are_the_same_and_so_are_the_bytes(sample, tmp_path):
    for name in ("a.h5", "b.h5"):
        samples.write(sample, tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    again = samples.read(tmp_path / "a.h5")
    assert [*again.columns, *samples.OPTIONAL] == list(samples.COLUMNS)
    assert again.missing == []
    for name, column in sample.columns.items():
        assert (again[name] == column).all()
        assert (again[name].dtype, again[name].shape[1:]) == samples.COLUMNS[name]
    for name, column in sample.particles.items():
        assert (again.particles[name] == column).all()
    assert again.origin == sample.origin
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.card.json", "a.h5", "b.card.json", "b.h5"]


def test_samples_of_earlier_versions_keep_their_hashes(tmp_path):
    known = {name: place for name, place in samples.COLUMNS.items() if name not in samples.OPTIONAL}
    columns = {
        name: (np.arange(6 * int(np.prod(shape, dtype=int))) % 7).reshape(6, *shape).astype(dtype)
        for name, (dtype, shape) in known.items()
    }
    event = np.arange(6) // 2
    samples.write(
        samples.Sample(columns | {"event": event, "split": event % 3, "zside": np.full(6, -1)}, {}), tmp_path / "a.h5"
    )
    assert content_hash(tmp_path / "a.h5") == "bc8d530b0478a040bcf415d08b2c1fb53072f2b47556a4dd25deb9423e5d2444"
    assert split_hash(tmp_path / "a.h5") == "b8d04b8e4644977df092c27fedde0c770d5fb5f0ef931471306a21f8d18c3aea"


@pytest.mark.parametrize("size", [1, 97, 840])
def test_rows_appended_piece_by_piece_give_the_same_bytes(sample, tmp_path, size, monkeypatch):
    monkeypatch.setattr(writer, "CHUNK_ROWS", 256)
    samples.write(sample, tmp_path / "whole.h5")
    with samples.writing(tmp_path / "pieces.h5", sample.origin) as file:
        for first in range(0, len(sample), size):
            rows = slice(first, first + size)
            file.append({name: column[rows] for name, column in sample.columns.items()})
            assert file.waiting < 256
        file.append({name: column[:0] for name, column in sample.columns.items()}, sample.particles)
    assert (tmp_path / "pieces.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_nothing_is_left_of_a_sample_that_was_not_finished(sample, tmp_path):
    def interrupted():
        with samples.writing(tmp_path / "never.h5", {}) as file:
            file.append(sample.columns)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


def test_a_card_in_place_before_the_sample_says_whether_it_is_its_own(sample, tmp_path, monkeypatch):
    path, card = tmp_path / "a.h5", tmp_path / "a.card.json"
    renamed = []
    real = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, target: (renamed.append(Path(target).name), real(self, target)))
    samples.write(sample, path)
    assert renamed == ["a.card.json", "a.h5"]

    def said():
        with samples.Handle(path) as handle:
            return handle.card()

    assert said() == "agrees"
    told = json.loads(card.read_text())
    assert (told["rows"], told["origin"]) == (len(sample), json.loads(json.dumps(sample.origin)))
    card.write_text(json.dumps(told | {"content_hash": "another"}))
    assert said() == "of another sample"
    card.write_text("[")
    assert said() == "not readable"
    card.unlink()
    assert said() == "none"


def test_an_event_in_two_parts_is_not_written(sample, tmp_path):
    split = np.array(sample["split"])
    split[0] = (split[0] + 1) % 4
    with pytest.raises(QcompressError, match="an event belongs to two parts of the split"):
        samples.write(samples.Sample({**sample.columns, "split": split}, {}), tmp_path / "two.h5")
    assert not list(tmp_path.iterdir())


def test_chunks_and_columns_can_be_read_by_themselves(sample, tmp_path):
    samples.write(sample, tmp_path / "a.h5")
    with samples.Handle(tmp_path / "a.h5") as handle:
        parts = list(handle.chunks(100, ["event", "codes"]))
        assert handle.rows == len(sample)
        assert handle.particles()["pt"].shape == (60,)
    assert [len(part["event"]) for part in parts] == [100] * 8 + [40]
    assert (np.concatenate([part["codes"] for part in parts]) == sample["codes"]).all()


def test_a_sample_may_lack_what_its_file_could_not_give(sample, tmp_path):
    few = samples.Sample({name: sample[name] for name in samples.NEEDED}, {}, {"file": "words.csv"})
    samples.write(few, tmp_path / "few.h5")
    again = samples.read(tmp_path / "few.h5")
    assert again.missing == [name for name in samples.COLUMNS if name not in (*samples.NEEDED, *samples.OPTIONAL)]
    assert again.particles == {}
    with pytest.raises(QcompressError, match="the sample has no column charge; it has event, codes, split"):
        again["charge"]


def test_the_split_is_by_event_and_depends_on_nothing_else():
    events = np.arange(50_000)
    split = split_events(events, 1)
    assert (split_events(events[::-1], 1)[::-1] == split).all()
    assert (split_events(events[1000:], 1) == split[1000:]).all()
    assert (split_events(events, 2) != split).mean() > 0.4
    shares = np.bincount(split, minlength=4) / len(events)
    np.testing.assert_allclose(shares, [0.6, 0.15, 0.2, 0.05], atol=0.01)


def test_all_modules_of_an_event_are_in_one_part(sample):
    for event in np.unique(sample["event"]):
        assert len(np.unique(sample["split"][sample["event"] == event])) == 1


def test_the_hashes_see_content_and_split(sample, tmp_path, monkeypatch):
    order = np.arange(len(sample))[::-1]
    changed = {
        "same": sample.columns,
        "moved": {**sample.columns, "split": (sample["split"] + 1) % 4},
        "turned": {name: column[order] for name, column in sample.columns.items()},
    }
    for name, columns in changed.items():
        samples.write(samples.Sample(columns, sample.particles), tmp_path / name)
    same, moved, turned = (tmp_path / name for name in changed)
    assert split_hash(moved) != split_hash(same) == split_hash(turned)
    assert content_hash(turned) != content_hash(same) != content_hash(moved)
    monkeypatch.setattr(writer, "CHUNK_ROWS", 77)
    samples.write(samples.Sample(sample.columns, sample.particles), tmp_path / "fine")
    assert content_hash(tmp_path / "fine") == content_hash(same)
    assert (tmp_path / "fine").read_bytes() != same.read_bytes()
    assert json.loads((tmp_path / "fine.card.json").read_text())["content_hash"] == content_hash(same)


def test_faults_in_a_file_are_one_line(sample, tmp_path):
    path = tmp_path / "sample.h5"

    def broken(change, message):
        samples.write(sample, path)
        with h5py.File(path, "r+") as file:
            change(file)
        with pytest.raises(QcompressError, match=message) as fault:
            samples.read(path)
        assert "\n" not in str(fault.value)

    def replace(name, values):
        def change(file):
            del file[name]
            file[name] = values

        return change

    n = len(sample)
    broken(lambda file: file.__delitem__("codes"), "column codes is missing")
    broken(
        lambda file: file.attrs.__setitem__("schema", 1), "no file of qcompress HGCAL modules, schema 2, but schema 1"
    )
    broken(lambda file: file.attrs.__setitem__("format", "else"), "schema 2, but something else")
    broken(lambda file: file.attrs.__setitem__("origin", "{"), "damaged sample file")
    broken(replace("eta", np.zeros(n)), "column eta is float64")
    broken(replace("codes", sample["codes"][:, :47]), "column codes is uint8 of shape")
    broken(replace("codes", sample["codes"] | 0x80), "codes are above 127")
    broken(replace("split", np.full(n, 4, "u1")), "belong to no part")
    broken(replace("split", (np.arange(n) % 3).astype("u1")), "belongs to two parts")
    broken(replace("zside", np.zeros(n, "i1")), f"zside of {n} rows is neither 1 nor -1")
    broken(replace("eta", np.full(n, np.nan, "f4")), f"eta of {n} rows is no number")
    for told in (5, "5", "[1]"):
        broken(lambda file, told=told: file.attrs.__setitem__("origin", told), "damaged sample file")
    broken(lambda file: (file.__delitem__("eta"), file.create_group("eta")), "column eta is a group")
    broken(replace("particles", np.zeros(3)), "damaged sample file")
    broken(replace("particles/pt", sample.particles["pt"][:-1]), "column particles/pt is float32 of shape")
    broken(replace("particles/pt", np.float32(3)), "column particles/pt is float32 of shape")
    samples.write(sample, path)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(QcompressError, match="damaged sample file"):
        samples.read(path)
    path.write_bytes(b"nothing")
    with pytest.raises(QcompressError, match="damaged sample file"):
        samples.read(path)
    with pytest.raises(QcompressError, match="no such sample file"):
        samples.read(tmp_path / "none.h5")
    with pytest.raises(QcompressError, match="cannot be written"):
        samples.write(sample, tmp_path / "no" / "where.h5")


def test_a_sample_with_damaged_bytes_is_one_line_or_reads(sample, tmp_path):
    """Half of the accidents hit the headers, which HDF5 reads when a file, or a column of it, is opened."""
    samples.write(sample, tmp_path / "a.h5")
    data, rng = (tmp_path / "a.h5").read_bytes(), np.random.default_rng(7)
    told = []
    for case in range(60):
        place = int(rng.integers(3000 if case % 2 else len(data)))
        (tmp_path / "b.h5").write_bytes(data[:place] + rng.bytes(16) + data[place + 16 :])
        try:
            samples.read(tmp_path / "b.h5")
        except QcompressError as fault:
            told.append(str(fault))
    assert len(told) > 10
    assert not any("\n" in line for line in told)


def test_first_rows_of_a_part_are_as_many_as_are_wanted_and_there_are(sample, tmp_path, monkeypatch):
    from qcompress.detectors.hgcal.samples import reader

    samples.write(sample, tmp_path / "a.h5")
    own = np.flatnonzero(sample["split"] == VALIDATION)
    chunks = samples.Handle.chunks
    monkeypatch.setattr(reader.Handle, "chunks", lambda self: chunks(self, 100))
    with samples.Handle(tmp_path / "a.h5") as handle:
        for rows, wanted in ((1, own[:1]), (len(own) - 1, own[:-1]), (10**9, own), (0, own[:0])):
            found = handle.first(VALIDATION, rows)
            assert [*found] == [*sample.columns]
            for name, column in sample.columns.items():
                assert found[name].dtype == column.dtype
                assert (found[name] == column[wanted]).all()
