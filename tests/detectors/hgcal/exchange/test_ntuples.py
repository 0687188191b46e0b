"""Trees of trigger cells: what is written reads back the same; what is missing or wrong is one line."""

import awkward
import numpy as np
import pytest
import uproot

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange import ntuples
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("root") / "sample.h5"
    fast_simulation.simulate("electron-0pu", 3, 3, path)
    return path


@pytest.fixture(scope="module")
def tree(sample, tmp_path_factory):
    path = tmp_path_factory.mktemp("root") / "ntuple.root"
    assert ntuples.export_root(sample, path) == 3
    return path


def sorted_rows(found):
    names = ("event", "zside", "subdet", "layer", "u", "v")
    return np.lexsort([found[name] for name in reversed(names)])


def test_a_sample_comes_back_from_a_tree(sample, tree, tmp_path, monkeypatch):
    monkeypatch.setattr(ntuples, "EVENTS", 2)
    rows = ntuples.import_root(tree, tmp_path / "again.h5")
    before, after = samples.read(sample), samples.read(tmp_path / "again.h5")
    charged = before["charge"].any(axis=1)
    assert rows == charged.sum()
    keep = sorted_rows(before)
    keep = keep[charged[keep]]
    for name in ("event", "zside", "subdet", "layer", "u", "v", "high_density", "module_type", "charge", "codes"):
        assert (after[name] == before[name][keep]).all(), name
    for name, column in before.particles.items():
        assert (after.particles[name] == column).all(), name
    assert "eta" in after.missing


def test_a_tree_in_a_folder_without_the_optional_branches(tree, tmp_path):
    with uproot.open(tree) as file:
        arrays = file["HGCalTriggerNtuple"].arrays()
    fewer = {name: arrays[name] for name in (*ntuples.PLACE, *ntuples.CELL)}
    fewer["tc_data"] = arrays["tc_uncompressedCharge"]
    written(tmp_path / "few.root", "ntuplizer/HGCalTriggerNtuple", fewer)
    assert ntuples.import_root(tmp_path / "few.root", tmp_path / "few.h5") > 0
    found = samples.read(tmp_path / "few.h5")
    assert np.unique(found["event"]).tolist() == [0, 1, 2]
    assert found.particles == {}


def written(path, name, branches):
    with uproot.recreate(path) as file:
        file.mktree(name, {key: awkward.Array(values).type for key, values in branches.items()})
        file[name].extend(branches)


def test_events_whose_numbers_repeat_stay_apart(tree, tmp_path):
    broken(tree, tmp_path / "twice.root", event=lambda a: a * 0 + 7)
    rows = ntuples.import_root(tmp_path / "twice.root", tmp_path / "twice.h5")
    assert rows == ntuples.import_root(tree, tmp_path / "once.h5")
    twice, once = samples.read(tmp_path / "twice.h5"), samples.read(tmp_path / "once.h5")
    assert (twice["charge"] == once["charge"]).all()
    assert (twice["event"] == once["event"]).all()
    assert twice.origin["events"].startswith("numbers of the entries")


def test_events_without_modules_keep_their_particles(sample, tmp_path):
    whole = samples.read(sample)
    keep = whole["event"] == 0
    fewer = samples.Sample({name: column[keep] for name, column in whole.columns.items()}, whole.particles)
    samples.write(fewer, tmp_path / "fewer.h5")
    assert ntuples.export_root(tmp_path / "fewer.h5", tmp_path / "fewer.root") == 3
    ntuples.import_root(tmp_path / "fewer.root", tmp_path / "again.h5")
    again = samples.read(tmp_path / "again.h5")
    for name, column in whole.particles.items():
        assert (again.particles[name] == column).all(), name


def broken(tree, path, **changes):
    with uproot.open(tree) as file:
        arrays = file["HGCalTriggerNtuple"].arrays()
    branches = {name: arrays[name] for name in arrays.fields if not name.startswith("n")}
    for name, change in changes.items():
        if change is None:
            del branches[name]
        else:
            branches[name] = change(branches[name])
    written(path, "HGCalTriggerNtuple", branches)


BAD = {
    "no layer": ({"tc_layer": None}, "branch tc_layer is missing"),
    "no charge": ({"tc_uncompressedCharge": None}, "branch tc_data is missing"),
    "cell": ({"tc_cellu": lambda a: a + 9}, r"\d+ trigger cells have a \(u, v\) that no module has"),
    "negative": (
        {"tc_uncompressedCharge": lambda a: awkward.values_astype(a, np.int64) * -1},
        r"\d+ trigger cells have a charge that is negative or no number",
    ),
    "scintillators": ({"tc_subdet": lambda a: a * 0 + 10}, "no trigger cell of a silicon module in it"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_wrong_is_one_line_and_nothing_is_written(tree, tmp_path, fault):
    changes, said = BAD[fault]
    broken(tree, tmp_path / "bad.root", **changes)
    with pytest.raises(QcompressError, match=said):
        ntuples.import_root(tmp_path / "bad.root", tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", None])
def test_damaged_files_are_one_line(tree, tmp_path, content):
    whole = tree.read_bytes()
    (tmp_path / "bad.root").write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(QcompressError) as fault:
        ntuples.import_root(tmp_path / "bad.root", tmp_path / "out.h5")
    assert "\n" not in str(fault.value)
    assert not (tmp_path / "out.h5").exists()


def test_the_commands_export_and_import(sample, tree, tmp_path, qcompress):
    for name, said in (("a.root", "3 events in"), ("a.csv", "rows in")):
        done = qcompress("data", "export", sample, tmp_path / name)
        assert (done.returncode, said in done.stdout) == (0, True), done.stderr
    bad = qcompress("data", "export", sample, tmp_path / "a.xls")
    assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "a.root"]
    done = qcompress("data", "import", tree, "-o", tmp_path / "out.h5")
    assert (done.returncode, "rows in" in done.stdout) == (0, True), done.stderr
