"""Samples as trees and back: the same content; trees of other programs; what is missing or wrong is one line."""

import h5py
import numpy as np
import pytest
import uproot
from helpers.wire_events import SMALL, event, small, written

from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.exchange import root_trees
from qcompress.errors import QcompressError

HITS = {"event": [8, 8, 5], "plane": [0, 0, 1], "wire": [3, 4, 5], "start": [10, 20, 30], "end": [12, 21, 34],
        "charge": [3000.0, 2000.0, 1000.0]}  # fmt: skip

WIRES = {"event": [5] * 47 + [8, 5] + [8] * 47, "plane": [0] * 96, "wire": [0] * 96, "codes": np.zeros((96, 64), "u2")}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    small(monkeypatch)
    monkeypatch.setattr(root_trees, "CHAMBERS", {SMALL.name: SMALL})


def made(path, **trees):
    """A file of trees of another program; trees: columns by name, by name of the tree."""
    with uproot.recreate(path) as file:
        for tree, columns in trees.items():
            file[tree] = {name: np.asarray(column) for name, column in columns.items()}
    return path


@pytest.mark.parametrize("waveforms", [True, False])
def test_a_sample_comes_back(waveforms, tmp_path):
    given = written(tmp_path / "a.h5", event(8), event(4, hits=False), event(5, split=2), waveforms=waveforms)
    assert root_trees.export_root(given, tmp_path / "a.root", True) == f"3 events in {tmp_path / 'a.root'}"
    said = root_trees.import_root(tmp_path / "a.root", tmp_path / "b.h5", None)
    assert said == f"3 events of protodune-sp in {tmp_path / 'b.h5'}"
    with samples.Handle(given) as one, samples.Handle(tmp_path / "b.h5") as other:
        assert one.content_hash() == other.content_hash()
        assert one.planes == other.planes


def test_codes_may_be_left_out_and_are_plain_branches(tmp_path):
    given = written(tmp_path / "a.h5", event(8))
    root_trees.export_root(given, tmp_path / "a.root", False)
    root_trees.export_root(given, tmp_path / "b.root", True)
    with uproot.open(tmp_path / "a.root") as bare, uproot.open(tmp_path / "b.root") as whole:
        assert "wires" not in bare
        codes = whole["wires"].arrays(library="np")
        assert codes["codes"].shape == (48, 64)
        own = (codes["plane"] == 1) & (codes["wire"] == 7)
        assert (codes["codes"][own][0] == event(8).waveforms["V"][7]).all()


def test_hits_of_another_program_are_spread_over_their_ticks(tmp_path):
    source = made(tmp_path / "a.root", events={"event": [5, 8]}, hits=HITS)
    said = root_trees.import_root(source, tmp_path / "b.h5", "protodune-sp")
    assert "hits were spread evenly over their ticks" in said
    with samples.Handle(tmp_path / "b.h5") as found:
        assert found.events["event"].tolist() == [5, 8]
        first, second = found.event(0), found.event(1)
        assert first.pixels["tick"].tolist() == [30, 31, 32, 33]
        assert first.pixels["charge"].tolist() == [250.0] * 4
        assert second.hits["wire"].tolist() == [3, 4]
        pixels = zip(second.pixels["wire"].tolist(), second.pixels["tick"].tolist(), strict=True)
        assert list(pixels) == [(3, 10), (3, 11), (4, 20)]
        assert set(second.hits["kind"]) == {samples.NOTHING}


@pytest.mark.parametrize(("trees", "chamber", "said"), [
    ({"hits": HITS}, "protodune-sp", "has no tree events; there are hits"),
    ({"events": {"event": [5, 8]}}, None, "does not say its chamber; say one with --set chamber=NAME"),
    ({"events": {"event": [5, 8]}}, "dune-vd", "is of 'dune-vd'; say one"),
    ({"events": {"number": [5, 8]}}, "protodune-sp", "tree events: has no branch event"),
    ({"events": {"event": [5]}, "hits": HITS}, "protodune-sp", "tree hits: event 8 is not in tree events"),
    ({"events": {"event": [5, 8]}, "hits": HITS | {"wire": [3, 16, 5]}}, "protodune-sp",
     "event 8, hits row 1 .plane 0, wire 16. lies on a wire that its plane does not have"),
    ({"events": {"event": [5, 8]}, "hits": HITS | {"wire": [3, -1, 5]}}, "protodune-sp",
     "tree hits, branch wire, row 1: -1 is no whole number from 0 to 65535"),
    ({"events": {"event": [5, 5]}}, "protodune-sp", "an event number stands twice"),
    ({"events": {"event": [5]}, "wires": {"event": [5], "plane": [0], "wire": [0], "codes": np.zeros((1, 64), "u2")}},
     "protodune-sp", "tree wires: 1 rows of event 5, not 48"),
    ({"events": {"event": [5, 8]}, "wires": WIRES}, "protodune-sp",
     r"tree wires: rows of other events stand between those of event 5 .rows 0 to 48.; sort the tree by event"),
    ({"events": {"event": [5, 8]}, "hits": HITS | {"end": [12, 20, 34]}}, "protodune-sp",
     "tree hits, row 1: end 20 is not behind its start"),
    ({"events": {"event": [5, 8]}, "hits": HITS | {"charge": [1, 1, np.inf]}}, "protodune-sp",
     "tree hits, row 2: charge inf is no finite number above 0"),
    ({"events": {"event": [5, 8]}, "hits": HITS | {"kind": [1, 6, 2]}}, "protodune-sp",
     "tree hits, row 1: kind 6 is not 0 to 5"),
    ({"events": {"event": [5]}, "particles": {"event": [5], "particle": [0], "pdg": [13], "kind": [250]}},
     "protodune-sp", "tree particles, row 0: kind 250 is not 0 to 5"),
])  # fmt: skip
def test_what_is_missing_or_wrong_is_said(trees, chamber, said, tmp_path):
    source = made(tmp_path / "a.root", **trees)
    with pytest.raises(QcompressError, match=rf"a\.root.*{said}"):
        root_trees.import_root(source, tmp_path / "b.h5", chamber)
    assert [path.name for path in tmp_path.iterdir()] == ["a.root"]


def test_a_file_that_is_none_is_refused(tmp_path):
    with h5py.File(tmp_path / "a.root", "w"):
        pass
    with pytest.raises(QcompressError, match=r"a\.root: not a readable ROOT file"):
        root_trees.import_root(tmp_path / "a.root", tmp_path / "b.h5", None)
    with pytest.raises(QcompressError, match="no such file"):
        root_trees.import_root(tmp_path / "none.root", tmp_path / "b.h5", None)
