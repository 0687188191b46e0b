"""Sector frames on disk: what is written comes back, and what is wrong is one line."""

import h5py
import numpy as np
import pytest
from helpers.frames import DIGITS, frame, written

from qcompress.detectors.tpc import geometry, samples
from qcompress.detectors.tpc.samples import writer
from qcompress.errors import QcompressError


def test_frames_come_back_empty_ones_too(tmp_path):
    gain = np.full((geometry.SECTORS, geometry.SECTOR_PADS), 1.25, np.float32)
    with samples.writing(tmp_path / "a.h5", {"kind": "made up"}) as writer:
        writer.gains(gain)
        for event, digits in enumerate((DIGITS, [], DIGITS[1:3])):
            writer.append(frame(event, digits, event % 2))
    with samples.Handle(tmp_path / "a.h5") as sample:
        assert (len(sample), sample.origin["kind"]) == (3, "made up")
        frames = list(sample.frames())
        assert [len(one.digits["row"]) for one in frames] == [5, 0, 2]
        assert frames[0].digits["charge"].tolist() == [10.0, 4.5, 1.0, 950.0, 3.25]
        assert [one.event for one in sample.frames(1)] == [1]
        assert (sample.correction(5) == np.float32(0.8)).all()
    with samples.Handle(written(tmp_path / "b.h5", frame())) as plain:
        assert (plain.correction(3) == 1).all()


def test_hashes_are_those_of_content_and_split_whatever_the_chunks(tmp_path, monkeypatch):
    one = written(tmp_path / "a.h5", *(frame(event) for event in range(5)))
    monkeypatch.setattr(writer, "CHUNK_ROWS", 4)
    again = written(tmp_path / "b.h5", *(frame(event) for event in range(5)))
    other = written(tmp_path / "c.h5", *(frame(event, split=event % 2) for event in range(5)))
    more = written(tmp_path / "d.h5", *(frame(event, DIGITS[: 5 - event]) for event in range(5)))
    hashes = []
    for path in (one, again, other, more):
        with samples.Handle(path) as sample:
            hashes.append((sample.content_hash(), sample.split_hash()))
    assert hashes[0] == hashes[1]
    assert hashes[0][1] == hashes[3][1]
    assert len({content for content, _ in hashes}) == 3
    assert hashes[2][1] != hashes[0][1]


def test_samples_of_earlier_versions_keep_their_hashes(tmp_path):
    path = written(tmp_path / "a.h5", *(frame(event, DIGITS[: 5 - event], event % 3) for event in range(5)))
    with samples.Handle(path) as sample:
        assert sample.content_hash() == "4cd974f84d70b7b3fa220f989d7624e243e410f404b3c4b192ae462b18e088c3"
        assert sample.split_hash() == "31ea36d791e5cf4c27f456af79618b9b0adca98f8143a1ba6062fcc61b8cc460"


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ([(0, 66, 7, 10.0)], r"event 4, digit 0 \(row 0, pad 66, time 7, charge 10\) lies outside the detector"),
        ([(152, 3, 7, 10.0)], "row 152, pad 3, time 7, charge 10. lies outside the detector"),
        ([(0, 3, 100, 10.0)], "lies outside the detector or the frame of 100 time bins; 1 such"),
        ([(0, 3, 7, 10.0), (0, 3, 7, 1.0)], r"digit 1 \(.*stands twice; a cell is read once; 1 such digits"),
        ([(0, 3, 7, 10.0), (0, 2, 7, 1.0)], r"digit 1 \(.*is out of order; sort digits by row, pad, time"),
        ([(0, 3, 7, -1.0)], "has a charge that is not 0 to 1023 ADC counts"),
        ([(0, 3, 7, np.nan)], "has a charge that is not 0 to 1023 ADC counts"),
    ],
)
def test_bad_digits_are_named(digits, said, tmp_path):
    with samples.Handle(written(tmp_path / "a.h5", frame(4, digits))) as sample:
        with pytest.raises(QcompressError, match=said) as raised:
            sample.frame(0)
        assert "\n" not in str(raised.value)


def changed(path, change):
    with h5py.File(path, "a") as file:
        change(file)
    return path


CHANGES = {
    "is missing": lambda file: file.__delitem__("digits/pad"),
    "differ in length": lambda file: file["digits/pad"].resize(2, axis=0),
    "events count other digits than there are": lambda file: file["events/digits"].write_direct(np.array([9, 9])),
    "schema 1, but schema 7": lambda file: file.attrs.__setitem__("schema", 7),
    "but something else": lambda file: file.attrs.__setitem__("format", "x"),
    "event 1: split 9 is not 0..3": lambda file: file["events/split"].write_direct(np.array([0, 9], "u1")),
    "event 0: sector 36 is not 0..35": lambda file: file["events/sector"].write_direct(np.array([36, 0], "u1")),
    "an event number stands twice": lambda file: file["events/event"].write_direct(np.array([1, 1])),
}


@pytest.mark.parametrize("said", CHANGES)
def test_files_that_are_no_samples_are_refused(said, tmp_path):
    path = changed(written(tmp_path / "a.h5", frame(0), frame(1)), CHANGES[said])
    with pytest.raises(QcompressError, match=said) as raised:
        samples.Handle(path)
    assert str(path) in str(raised.value)


def test_gains_of_nothing_are_refused(tmp_path):
    with samples.writing(tmp_path / "a.h5", {}) as writer:
        writer.gains(np.zeros((geometry.SECTORS, geometry.SECTOR_PADS), np.float32))
        writer.append(frame())
    with samples.Handle(tmp_path / "a.h5") as sample, pytest.raises(QcompressError, match="not 14560 positive numbers"):
        sample.correction(5)


def test_missing_empty_and_damaged_files_are_refused(tmp_path):
    with pytest.raises(QcompressError, match="no such sample file"):
        samples.Handle(tmp_path / "none.h5")
    with pytest.raises(QcompressError, match="a sample without events"):
        samples.Handle(written(tmp_path / "empty.h5"))
    whole = written(tmp_path / "a.h5", frame()).read_bytes()
    (tmp_path / "cut.h5").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(QcompressError, match="damaged sample file"):
        samples.Handle(tmp_path / "cut.h5")
    for told in (5, "5", "[1]"):
        with h5py.File(tmp_path / "a.h5", "r+") as file:
            file.attrs["origin"] = told
        with pytest.raises(QcompressError, match="damaged sample file"):
            samples.Handle(tmp_path / "a.h5")
