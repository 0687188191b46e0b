"""Samples: whole, identified, split by event; damaged ones are one line."""

import h5py
import numpy as np
import pytest

from qcompress.detectors.hgcal import samples, simulation
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample():
    return simulation.simulate("electron-200pu", 60, 5)


def test_written_and_read_samples_are_the_same_and_so_are_the_bytes(sample, tmp_path):
    for name in ("a.h5", "b.h5"):
        samples.write(sample, tmp_path / name)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    again = samples.read(tmp_path / "a.h5")
    for name, column in sample.columns().items():
        assert (getattr(again, name) == column).all()
        assert getattr(again, name).dtype == column.dtype
    assert samples.content_hash(again) == samples.content_hash(sample)
    assert again.origin == sample.origin
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5"]


def test_the_split_is_by_event_and_depends_on_nothing_else():
    events = np.arange(50_000)
    split = samples.split_events(events, 1)
    assert (samples.split_events(events[::-1], 1)[::-1] == split).all()
    assert (samples.split_events(events[1000:], 1) == split[1000:]).all()
    assert (samples.split_events(events, 2) != split).mean() > 0.4
    shares = np.bincount(split, minlength=4) / len(events)
    np.testing.assert_allclose(shares, [0.6, 0.15, 0.2, 0.05], atol=0.01)


def test_all_modules_of_an_event_are_in_one_part(sample):
    for event in np.unique(sample.event):
        assert len(np.unique(sample.split[sample.event == event])) == 1


def test_the_hashes_see_content_and_split(sample):
    columns = sample.columns()
    moved = samples.Sample(**{**columns, "split": (columns["split"] + 1) % 4})
    assert samples.split_hash(moved) != samples.split_hash(sample)
    order = np.arange(len(sample.event))[::-1]
    turned = samples.Sample(**{name: column[order] for name, column in columns.items()})
    assert samples.split_hash(turned) == samples.split_hash(sample)
    assert samples.content_hash(turned) != samples.content_hash(sample)


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

    broken(lambda file: file.__delitem__("eta"), "column eta is missing")
    broken(lambda file: file.attrs.__setitem__("schema", 9), "no file of qcompress HGCAL modules, schema 1")
    broken(replace("eta", np.zeros(len(sample.eta))), "column eta is float64")
    broken(replace("codes", sample.codes[:, :47]), "column codes is uint8 of shape")
    broken(replace("codes", sample.codes | 0x80), "codes are above 127")
    broken(replace("split", np.full(len(sample.eta), 4, "u1")), "belong to no part")
    broken(replace("split", (np.arange(len(sample.eta)) % 3).astype("u1")), "belongs to two parts")
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
