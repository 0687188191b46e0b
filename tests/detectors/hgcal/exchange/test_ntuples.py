"""Trees of trigger cells: what is written reads back the same; what is missing or wrong is one line."""

import awkward
import numpy as np
import pytest
import uproot

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange import ntuples
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError, QcompressWarning


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


def one_cell(events, **more):
    """Branches of so many events with one trigger cell each."""
    cell = dict.fromkeys(ntuples.PLACE, 1) | {
        "tc_layer": 9,
        "tc_waferu": 3,
        "tc_waferv": 2,
        "tc_cellu": 2,
        "tc_cellv": 3,
    }
    cell |= {"tc_uncompressedCharge": 100} | more
    return {"event": np.arange(events) + 10} | {name: awkward.Array([[value]] * events) for name, value in cell.items()}


def put(file, name, branches):
    file.mktree(name, {key: getattr(values, "type", None) or values.dtype for key, values in branches.items()})
    file[name].extend(branches)


def test_the_newest_cycle_is_read_and_that_is_said(tmp_path):
    with uproot.recreate(tmp_path / "n.root") as file:
        for events in (3, 9):
            put(file, f"ntuplizer/{ntuples.TREE}", one_cell(events))
    with pytest.warns(QcompressWarning, match="stands in cycles 1, 2; 2, the newest, is read"):
        assert ntuples.import_root(tmp_path / "n.root", tmp_path / "s.h5") == 9


def test_of_several_trees_one_is_chosen_by_its_path(tmp_path, qcompress):
    with uproot.recreate(tmp_path / "n.root") as file:
        for number, folder in enumerate(("all", "best"), 1):
            put(file, f"{folder}/{ntuples.TREE}", one_cell(number))
        put(file, "other", one_cell(5))
    done = qcompress("data", "import", tmp_path / "n.root", "-o", tmp_path / "s.h5")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert (
        f"2 trees {ntuples.TREE}: all/{ntuples.TREE}, best/{ntuples.TREE}; choose with --set tree=PATH" in done.stderr
    )
    for path, rows in ((f"best/{ntuples.TREE}", 2), ("other", 5)):
        done = qcompress(
            *("data", "import", tmp_path / "n.root", "-o", tmp_path / f"{rows}.h5", "--set", f"tree={path}"),
        )
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{rows} rows in {tmp_path / f'{rows}.h5'}")
    with pytest.raises(QcompressError, match=r"no tree third in it; of trees it has all/.*, best/.*, other"):
        ntuples.import_root(tmp_path / "n.root", tmp_path / "s.h5", tree="third")


def test_an_rntuple_gives_what_a_tree_gives(tmp_path):
    with uproot.recreate(tmp_path / "tree.root") as file:
        put(file, ntuples.TREE, one_cell(7, tc_wafertype=1))
    with uproot.recreate(tmp_path / "new.root") as file:
        file.mkrntuple(ntuples.TREE, one_cell(7, tc_wafertype=1))
    found = []
    for name in ("tree", "new"):
        assert ntuples.import_root(tmp_path / f"{name}.root", tmp_path / f"{name}.h5") == 7
        found.append(samples.read(tmp_path / f"{name}.h5").columns)
    assert set(found[0]) == set(found[1])
    assert all((found[0][name] == found[1][name]).all() for name in found[0])


@pytest.mark.parametrize(("kind", "high"), [(0, True), (1, False), (2, False), (3, True)])
def test_wafer_types_say_the_density(kind, high, tmp_path):
    with uproot.recreate(tmp_path / "n.root") as file:
        put(file, ntuples.TREE, one_cell(2, tc_wafertype=kind))
    ntuples.import_root(tmp_path / "n.root", tmp_path / "s.h5")
    assert samples.read(tmp_path / "s.h5")["high_density"].tolist() == [high, high]


def test_a_wafer_type_that_is_none_is_refused(tmp_path):
    with uproot.recreate(tmp_path / "n.root") as file:
        put(file, ntuples.TREE, one_cell(2, tc_wafertype=4))
    with pytest.raises(QcompressError, match="tc_wafertype 4 of 2 trigger cells is none of 0, 1, 2, 3"):
        ntuples.import_root(tmp_path / "n.root", tmp_path / "s.h5")


def test_charges_beyond_the_codes_are_said(tmp_path):
    with uproot.recreate(tmp_path / "n.root") as file:
        put(file, ntuples.TREE, one_cell(2, tc_wafertype=0, tc_uncompressedCharge=1 << 21))
    with pytest.warns(QcompressWarning, match="2 charges are beyond the largest code of a trigger cell"):
        ntuples.import_root(tmp_path / "n.root", tmp_path / "s.h5")
    assert samples.read(tmp_path / "s.h5")["codes"].max() == 127
