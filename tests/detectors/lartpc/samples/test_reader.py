"""Liquid-argon events on disk: what is written comes back, and what is wrong is one line."""

import h5py
import numpy as np
import pytest
from helpers.wire_events import event, small, written

from qcompress.detectors.lartpc import samples
from qcompress.errors import QcompressError


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small(monkeypatch)


def test_events_come_back(tmp_path):
    given = [event(3), event(4, hits=False), event(9, split=2)]
    with samples.Handle(written(tmp_path / "a.h5", *given)) as sample:
        assert len(sample) == 3
        assert sample.planes == ("U", "V", "W")
        assert list(sample.places(2)) == [2]
        for place, one in enumerate(given):
            back = sample.event(place)
            assert (back.event, back.split, back.vertex) == (one.event, one.split, one.vertex)
            for part in samples.PARTS:
                for name, column in getattr(back, part).items():
                    assert (column == getattr(one, part)[name]).all()
            for name, codes in back.waveforms.items():
                assert (codes == one.waveforms[name]).all()


def test_waveforms_are_plain_hdf5(tmp_path):
    """Chunks are packed by hand: HDF5's own filters must read them."""
    with h5py.File(written(tmp_path / "a.h5", event(1))) as file:
        assert (file["waveforms/V"][0] == event(1).waveforms["V"]).all()
        assert file["waveforms/V"].compression == "gzip"


def test_the_hash_depends_on_every_code(tmp_path):
    one, other = event(1), event(1)
    other.waveforms["W"][3, 17] += 1
    with samples.Handle(written(tmp_path / "a.h5", one)) as a, samples.Handle(written(tmp_path / "b.h5", other)) as b:
        assert a.content_hash() != b.content_hash()
        assert a.split_hash() == b.split_hash()


def test_a_sample_of_hits_alone_has_no_waveforms(tmp_path):
    with samples.Handle(written(tmp_path / "a.h5", event(1), waveforms=False)) as sample:
        assert sample.planes == ()
        assert len(sample.columns("hits", 0)["wire"]) == 2
        with pytest.raises(QcompressError, match="no waveforms of plane 'W'"):
            sample.waveforms(0, "W")


def changed(path, change):
    with h5py.File(path, "a") as file:
        change(file)
    return path


CHANGES = {
    "is missing": lambda file: file.__delitem__("hits/rms"),
    "differ in length": lambda file: file["pixels/tick"].resize(1, axis=0),
    "events count other hits than there are": lambda file: file["events/hits"].write_direct(np.array([9, 9])),
    "schema 1, but schema 7": lambda file: file.attrs.__setitem__("schema", 7),
    "but something else": lambda file: file.attrs.__setitem__("format", "x"),
    "event 1: split 9 is not 0..3": lambda file: file["events/split"].write_direct(np.array([0, 9], "u1")),
    "event 0: interaction 77 is not 0..5": lambda file: file["events/interaction"].write_direct(
        np.array([77, 0], "u1")
    ),
    "an event number stands twice": lambda file: file["events/event"].write_direct(np.array([1, 1])),
    "its chamber is 'x', none of": lambda file: file.attrs.__setitem__("origin", '{"preset": "x"}'),
    r"waveforms of U, V alone": lambda file: file.__delitem__("waveforms/W"),
    r"waveforms of W are uint16 \(2, 16, 60\), not uint16": lambda file: file["waveforms/W"].resize(60, axis=2),
}


@pytest.mark.parametrize("said", CHANGES)
def test_files_that_are_no_samples_are_refused(said, tmp_path):
    path = changed(written(tmp_path / "a.h5", event(0), event(1)), CHANGES[said])
    with pytest.raises(QcompressError, match=said) as raised:
        samples.Handle(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("column", "value", "said"), [
    ("hits/wire", 16, "hits row 1 .plane 0, wire 16. lies on a wire that its plane does not have"),
    ("hits/plane", 3, "is of a plane that protodune-sp does not have"),
    ("hits/end", 0, "lies outside of the 64 ticks"),
    ("pixels/tick", 64, "pixels row 1 .* lies outside of the 64 ticks"),
    ("pixels/kind", 6, "is of no class"),
    ("pixels/charge", np.nan, "has no charge"),
    ("hits/charge", np.inf, "has no charge"),
    ("hits/end", 20, "hits row 1 .* ends before it begins"),
])  # fmt: skip
def test_impossible_rows_are_named(column, value, said, tmp_path):
    def change(file):
        file[column][1] = value

    with samples.Handle(changed(written(tmp_path / "a.h5", event(5)), change)) as sample:
        with pytest.raises(QcompressError, match=f"event 5, .*{said}") as raised:
            sample.event(0)
        assert "\n" not in str(raised.value)


def test_missing_empty_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(QcompressError, match="no such sample file"):
        samples.Handle(tmp_path / "none.h5")
    with pytest.raises(QcompressError, match="a sample without events"):
        samples.Handle(written(tmp_path / "empty.h5"))
    whole = written(tmp_path / "a.h5", event()).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(QcompressError, match="damaged sample file"):
        samples.Handle(tmp_path / "cut.h5")
