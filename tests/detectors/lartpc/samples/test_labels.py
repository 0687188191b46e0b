"""Labels become the truth of a new sample: hits and their pixels, nothing else; what does not fit is one line."""

import json

import numpy as np
import pytest
from helpers.wire_events import event, small, written

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.samples.labels import relabelled
from qcompress.errors import QcompressError
from qcompress.progress import silent


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small(monkeypatch)


@pytest.fixture
def sample(tmp_path):
    return written(tmp_path / "a.h5", event(3), event(7))


def labels_of(path, *labels, **other):
    """A file of labels beside a sample; labels: event, plane, wire, start, class; other: keys given otherwise."""
    with samples.Handle(path) as handle:
        own = handle.content_hash()
    names = ("event", "plane", "wire", "start", "class")
    given = [dict(zip(names, label, strict=True)) for label in labels]
    told = {"format": "qcompress liquid-argon labels", "schema": 1, "sample": own, "labels": given, **other}
    written_to = path.with_name("labels.json")
    written_to.write_text(json.dumps(told))
    return written_to


def test_labelled_hits_and_their_pixels_change_and_nothing_else(sample, tmp_path):
    given = labels_of(sample, (3, "U", 3, 10, "shower"), (3, "U", 4, 20, "shower"), (7, "U", 4, 20, "null"))
    said = relabelled(sample, given, tmp_path / "b.h5", silent)
    assert said.startswith("3 labelled hits in 2 events, 2 of them of another class before")
    with samples.Handle(sample) as before, samples.Handle(tmp_path / "b.h5") as after:
        assert after.origin["labels_of"] == before.content_hash() != after.content_hash()
        assert after.split_hash() == before.split_hash()
        for place, kinds in enumerate(([samples.SHOWER, samples.SHOWER], [samples.TRACK, samples.NOTHING])):
            one, other = before.event(place), after.event(place)
            assert other.hits["kind"].tolist() == other.pixels["kind"].tolist() == kinds
            for part in samples.PARTS:
                for name in set(samples.LAYOUT[part]) - ({"kind"} if part != "particles" else set()):
                    assert (getattr(one, part)[name] == getattr(other, part)[name]).all()
            assert all((one.waveforms[name] == other.waveforms[name]).all() for name in one.waveforms)


def test_all_pixels_of_a_hit_change_and_those_beside_it_do_not(tmp_path):
    one = event(1)
    names = ("plane", "wire", "tick", "kind", "charge")
    rows = [(0, 3, 10, 2, 5.0), (0, 3, 12, 2, 5.0), (0, 3, 13, 2, 5.0), (0, 5, 11, 2, 5.0), (1, 3, 11, 2, 5.0)]
    for name, column in zip(names, np.array(rows).T, strict=True):
        one.pixels[name] = column.astype(samples.LAYOUT["pixels"][name])
    for name in set(samples.LAYOUT["pixels"]) - set(names):
        one.pixels[name] = np.ones(len(rows), samples.LAYOUT["pixels"][name])
    one.hits["end"][0] = 13
    sample = written(tmp_path / "a.h5", one)
    relabelled(sample, labels_of(sample, (1, "U", 3, 10, "shower")), tmp_path / "b.h5", silent)
    with samples.Handle(tmp_path / "b.h5") as after:
        assert after.columns("pixels", 0)["kind"].tolist() == [1, 1, 2, 2, 2]


@pytest.mark.parametrize(("label", "other", "said"), [
    ((4, "U", 3, 10, "track"), {}, "label 0: the sample has no event 4"),
    ((3, "Y", 3, 10, "track"), {}, "label 0: the sample has no plane Y"),
    ((3, "U", 3, 11, "track"), {}, "event 3 has no hit that begins at tick 11 on wire 3"),
    ((3, "U", 3, 10, "muon"), {}, r"labels\.0\.class: Input should be 'null', 'shower' or 'track'"),
    ((3, "U", "3", 10, "track"), {}, r"labels\.0\.wire: Input should be a valid integer"),
    ((3, "U", 3, 10, "track"), {"schema": 2}, "schema: Input should be 1"),
    ((3, "U", 3, 10, "track"), {"sample": "0" * 64}, "labels of a sample 000000000000"),
    ((3, "U", 3, 10, "track"), {"labels": []}, "at least 1 item"),
    ((3, "U", 3, 10, "track"), {"who": "me"}, "who: Extra inputs are not permitted"),
])  # fmt: skip
def test_labels_that_do_not_fit_are_refused(label, other, said, sample, tmp_path):
    with pytest.raises(QcompressError, match=said):
        relabelled(sample, labels_of(sample, label, **other), tmp_path / "b.h5", silent)
    assert not (tmp_path / "b.h5").exists()


def test_a_hit_has_one_label_and_inputs_are_not_written_over(sample, tmp_path):
    twice = labels_of(sample, (3, "U", 3, 10, "track"), (3, "U", 3, 10, "null"))
    with pytest.raises(QcompressError, match="label 1: event 3, plane U, wire 3, tick 10 has a label already"):
        relabelled(sample, twice, tmp_path / "b.h5", silent)
    with pytest.raises(QcompressError, match="is an input of this command"):
        relabelled(sample, twice, sample, silent)
    twice.write_text("{")
    with pytest.raises(QcompressError, match="no labels: Invalid JSON"):
        relabelled(sample, twice, tmp_path / "b.h5", silent)
