"""The same sample in every format and back: identical, but for what a format cannot carry; faults are one line."""

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.exchange import files, hdf5_tables, parquet, word_samples
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError
from qcompress.progress import silent


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("exchange") / "sample.h5"
    fast_simulation.simulate("electron-200pu-axis", 40, 3, path)
    return path


PLACE = ("event", "zside", "layer", "u", "v", "split")
MODULE = (*PLACE, "subdet", "high_density", "module_type", "charge", "codes")
ENERGIES = ("sim_energy_total", "event_sim_energy", "sim_energy_fraction")
FORMATS = {
    "study.csv": ({}, (*MODULE, *ENERGIES), False),
    "geometry.csv": (
        {"layout": "geometry"},
        (*PLACE, "subdet", "high_density", "charge", "codes", "eta", "phi", "sim_energy_total"),
        False,
    ),
    "study.hdf5": ({}, (*MODULE, *ENERGIES), False),
    "modules.parquet": ({}, tuple(name for name in samples.COLUMNS if name != "masked"), True),
    "tree.root": ({}, MODULE, True),
}
"""What each format carries, and whether it has the generated particles."""


def in_order(found, names):
    order = np.lexsort([found[name] for name in ("v", "u", "layer", "zside", "event")])
    return {name: found[name][order] for name in names}


@pytest.mark.parametrize("name", FORMATS)
def test_a_sample_comes_back_identical(sample, tmp_path, name):
    settings, carried, with_particles = FORMATS[name]
    files.export_file(sample, tmp_path / name, settings)
    found = files.import_file(tmp_path / name, tmp_path / "again.h5", False, {}, silent)
    before, after = samples.read(sample), samples.read(tmp_path / "again.h5")
    assert found.rows == len(after)
    charged = before["charge"].any(axis=1) if name == "tree.root" else np.ones(len(before), bool)
    assert len(after) == charged.sum()
    kept = {column: values[charged] for column, values in before.columns.items()}
    one, other = in_order(kept, carried), in_order(after.columns, carried)
    for column in carried:
        assert one[column].dtype == other[column].dtype
        assert (one[column] == other[column]).all(), column
    assert bool(after.particles) == with_particles
    for column, values in after.particles.items():
        assert (values == before.particles[column]).all(), column
    if name == "modules.parquet":
        with samples.Handle(sample) as a, samples.Handle(tmp_path / "again.h5") as b:
            assert (a.content_hash(), a.origin) == (b.content_hash(), b.origin)


def test_words_carry_the_codes_of_every_row(sample, tmp_path):
    done = files.export_file(sample, tmp_path / "words.csv", {"layout": "words"})
    before = samples.read(sample)
    assert done.startswith(f"{len(before)} rows")
    files.import_file(tmp_path / "words.csv", tmp_path / "again.h5", False, {}, silent)
    after = samples.read(tmp_path / "again.h5")
    assert (after["codes"] == before["codes"]).all()
    high = before["high_density"] == 1
    assert high.any()
    assert (
        np.abs(after["charge"][high].astype(float) - before["charge"][high]) <= before["charge"][high] / 16 + 4
    ).all()
    assert (after["charge"] > 0).sum() == (before["codes"] > 0).sum()


def test_the_stream_of_one_module_is_a_row_for_each_event(sample, tmp_path):
    before = samples.read(sample)
    one = tuple(int(before[name][3]) for name in ("zside", "layer", "u", "v"))
    text = ",".join(map(str, one))
    settings = {"layout": "words", "module": text, "tc_order": "lsb"}
    assert files.export_file(sample, tmp_path / "words.csv", settings).startswith("40 rows")
    settings = {"module": text, "tc_order": "lsb", "density": "HD" if before["high_density"][3] else "LD"}
    files.import_file(tmp_path / "words.csv", tmp_path / "again.h5", False, settings, silent)
    after = samples.read(tmp_path / "again.h5")
    own = np.all([before[name] == value for name, value in zip(("zside", "layer", "u", "v"), one, strict=True)], axis=0)
    assert own.sum() > 0
    assert (after["codes"][before["event"][own]] == before["codes"][own]).all()
    assert not np.delete(after["codes"], before["event"][own], axis=0).any()
    for name in ("zside", "layer", "u", "v", "subdet", "module_type", "high_density"):
        assert (after[name] == before[name][3]).all(), name
    assert after["eta"] == pytest.approx(before["eta"][3])
    assert after["phi"] == pytest.approx(before["phi"][3])


@pytest.mark.parametrize("side", [1, -1])
def test_a_modules_place_is_that_of_the_simulation(tmp_path, side):
    fast_simulation.simulate("electron-0pu", 1, 5, tmp_path / "one.h5")
    found = samples.read(tmp_path / "one.h5")
    row = int(np.flatnonzero(found["zside"] == side)[7])
    own = word_samples.Module(*(int(found[name][row]) for name in ("zside", "layer", "u", "v"))).columns(1)
    for name in ("eta", "phi"):
        assert own[name] == pytest.approx(found[name][row], abs=1e-5), name


def test_the_public_words_become_a_sample_and_the_same_words(data_file, tmp_path):
    source = data_file("econt/mcDataset/testInput.csv")
    assert files.import_file(source, tmp_path / "mc.h5", False, {}, silent).rows == 3564
    files.export_file(tmp_path / "mc.h5", tmp_path / "mc.csv", {"layout": "words"})
    assert (tmp_path / "mc.csv").read_bytes().split() == source.read_bytes().split()
    decimal = data_file("hgcal/Example_ePortRX_Data.csv")
    assert files.import_file(decimal, tmp_path / "example.h5", False, {}, silent).rows == 10000
    found = samples.read(tmp_path / "example.h5")["codes"]
    assert (found == np.concatenate([part.codes for part in read_words(decimal)])).all()


def table(sample, tmp_path, name):
    hdf5_tables.export_hdf5(sample, tmp_path / "flat.h5")
    with h5py.File(tmp_path / "flat.h5") as file:
        columns = {key: file[key][...] for key in file}
    columns |= {f"CALQ_{n}": columns["CALQ"][:, n].astype(float) for n in range(48)}
    del columns["CALQ"]
    return {key: values.astype(str) if values.dtype.kind == "S" else values for key, values in columns.items()}


def test_tables_written_by_pandas_are_read(sample, tmp_path):
    pd.DataFrame(table(sample, tmp_path, "flat")).to_parquet(tmp_path / "flat.parquet")
    parquet.import_parquet(tmp_path / "flat.parquet", tmp_path / "again.h5")
    before, after = samples.read(sample), samples.read(tmp_path / "again.h5")
    for name in (*MODULE, *ENERGIES):
        assert (after[name] == before[name]).all(), name


def test_codes_density_and_split_are_made_where_a_file_lacks_them(sample, tmp_path):
    before = samples.read(sample)
    with h5py.File(tmp_path / "own.hdf5", "w") as file:
        for name in ("event", "layer", "u", "v", "charge"):
            file[f"modules/{name}"] = before[name].astype(np.int64)
    hdf5_tables.import_hdf5(tmp_path / "own.hdf5", tmp_path / "own.h5")
    after = samples.read(tmp_path / "own.h5")
    assert (after["codes"] == before["codes"]).all()
    assert (after["high_density"] == before["high_density"]).all()


def put(name, row, value):
    def change(columns):
        columns[name] = np.array(columns[name], float)
        columns[name].reshape(-1)[row] = value

    return change


def drop(*names):
    def change(columns):
        for name in names:
            del columns[name]

    return change


def words_instead(columns):
    columns["layer"] = np.array(["one"] * len(columns["layer"]))


def two_parts(columns):
    columns["split"] = np.arange(len(columns["split"])) % 2


BAD = {
    "missing": (drop("event"), "column event is missing"),
    "neither": (drop("codes", "charge"), r"column codes \(or charge\) is missing"),
    "no density": (drop("codes", "high_density", "layer"), "column codes is missing, and high_density"),
    "text": (words_instead, "column layer is of type .*, not of numbers"),
    "negative": (put("charge", [48 * 7, 48 * 9 + 3], -3), r"row 8: charge is negative in 2 of 560 rows \(8, 10\)"),
    "nan": (put("charge", 48 * 4, np.nan), "row 5: charge is no number in 1 of 560 rows"),
    "layer": (put("layer", 3, 51), "row 4: layer is above 50 in 1 of 560 rows"),
    "zside": (put("zside", 3, 0), "row 4: zside is neither 1 nor -1"),
    "code": (put("codes", 3, 128), "row 1: codes is above 127"),
    "part": (put("split", 3, 4), "row 4: split is above 3"),
    "half": (put("u", 3, 0.5), "row 4: u is no whole number"),
    "two parts": (two_parts, "an event belongs to two parts of the split"),
}


def write_hdf5(path, columns):
    with h5py.File(path, "w") as file:
        for name, column in columns.items():
            file[name] = column.astype("S") if column.dtype.kind == "U" else column


def write_parquet(path, columns):
    arrays = {name: pa.array(list(values) if values.ndim == 2 else values) for name, values in columns.items()}
    pq.write_table(pa.table(arrays), path)


WRITERS = {".hdf5": write_hdf5, ".parquet": write_parquet}


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("fault", BAD)
def test_what_is_wrong_is_one_line_and_nothing_is_written(sample, tmp_path, fault, ending):
    columns = {name: values for name, values in samples.read(sample).columns.items() if name != "tc_signal"}
    change, said = BAD[fault]
    change(columns)
    WRITERS[ending](tmp_path / f"bad{ending}", columns)
    with pytest.raises(QcompressError, match=said) as raised:
        files.import_file(tmp_path / f"bad{ending}", tmp_path / "out.h5", False, {}, silent)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == [f"bad{ending}"]


@pytest.mark.parametrize("ending", WRITERS)
def test_bad_rows_are_left_out_and_counted(sample, tmp_path, ending):
    before = samples.read(sample)
    columns = {name: values for name, values in before.columns.items() if name != "tc_signal"}
    put("charge", [48 * 7, 48 * 9 + 3], -3)(columns)
    WRITERS[ending](tmp_path / f"bad{ending}", columns)
    found = files.import_file(tmp_path / f"bad{ending}", tmp_path / "out.h5", True, {}, silent)
    assert found == (558, 2, "charge is negative in 2 of 560 rows (8, 10)")
    assert (samples.read(tmp_path / "out.h5")["charge"] == np.delete(before["charge"], [7, 9], axis=0)).all()


@pytest.mark.parametrize("ending", [*WRITERS, ".root"])
@pytest.mark.parametrize("keep", [0.0, 0.5, 0.97])
def test_files_cut_off_are_one_line(sample, tmp_path, ending, keep):
    files.export_file(sample, tmp_path / f"whole{ending}", {})
    whole = (tmp_path / f"whole{ending}").read_bytes()
    (tmp_path / f"cut{ending}").write_bytes(whole[: int(len(whole) * keep)])
    with pytest.raises(QcompressError) as raised:
        files.import_file(tmp_path / f"cut{ending}", tmp_path / "out.h5", False, {}, silent)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("origin", [b"\x9a", b'{"kind": ', b"[3]"])
def test_a_damaged_origin_of_a_parquet_file_is_one_line(sample, tmp_path, origin):
    files.export_file(sample, tmp_path / "a.parquet", {})
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(table.replace_schema_metadata({parquet.ORIGIN: origin}), tmp_path / "a.parquet")
    with pytest.raises(QcompressError, match=r"a\.parquet: damaged metadata \(") as fault:
        files.import_file(tmp_path / "a.parquet", tmp_path / "b.h5", False, {}, silent)
    assert "\n" not in str(fault.value)
    assert not (tmp_path / "b.h5").exists()


def test_other_faults_of_files_are_named(sample, tmp_path):
    write_hdf5(tmp_path / "a.hdf5", {"event": np.arange(3), "codes": np.zeros((4, 48))})
    write_hdf5(tmp_path / "b.hdf5", {"event": np.arange(3), "codes": np.zeros((3, 47))})
    write_parquet(tmp_path / "c.parquet", {"event": np.arange(0), "codes": np.zeros((0, 48))})
    lists = pa.table({"event": [1, 2], "codes": [[1] * 48, [1] * 47]})
    pq.write_table(lists, tmp_path / "d.parquet")
    pq.write_table(pa.table({"event": [1, None], "codes": [[1] * 48] * 2}), tmp_path / "e.parquet")
    for name, said in {
        "a.hdf5": "columns of several lengths: column event has 3 rows, column codes 4",
        "b.hdf5": r"column codes is of shape \(3, 47\), not \(3, 48\)",
        "c.parquet": "no row to take",
        "d.parquet": "column codes has lists of several lengths",
        "e.parquet": "column event has 1 empty fields, the first 1 rows on",
    }.items():
        with pytest.raises(QcompressError, match=said):
            files.import_file(tmp_path / name, tmp_path / "out.h5", False, {}, silent)
    with pytest.raises(QcompressError, match="is a sample already"):
        files.import_file(sample, tmp_path / "out.h5", False, {}, silent)


@pytest.mark.parametrize(
    ("text", "said"),
    [("1,9", "give zside,layer,u,v"), ("1,9,x,2", "give zside"), ("2,9,3,2", "zside is 1 or -1"),
     ("1,9,0,0", "there is none"), ("1,51,3,2", "layers are 1 to 50"), ("1,9,99,2", "are 13 at most")],
)  # fmt: skip
def test_a_place_without_a_module_is_refused(text, said):
    with pytest.raises(QcompressError, match=said):
        word_samples.Module.parse(text)


def test_the_commands_take_settings_and_refuse_wrong_ones(sample, tmp_path, qcompress):
    def run(*arguments):
        done = qcompress("data", *arguments)
        assert "Traceback" not in done.stderr
        return done

    assert run("export", sample, tmp_path / "w.csv", "--set", "layout=words").returncode == 0
    done = run("import", tmp_path / "w.csv", "-o", tmp_path / "w.h5", "--set", "density=LD")
    assert (done.returncode, "560 rows in" in done.stdout) == (0, True)
    for arguments, said in (
        (("export", sample, tmp_path / "x.csv", "--set", "layout=best"), "--set layout: input should be"),
        (("export", sample, tmp_path / "x.parquet", "--set", "layout=words"), "words are written as .csv"),
        (("export", sample, tmp_path / "x.csv", "--set", "layout"), "give KEY=VALUE"),
        (("export", sample, tmp_path / "x.csv", "--set", "module=1,9,3,2"), "are for --set layout=words"),
        (("import", tmp_path / "w.csv", "-o", tmp_path / "x.h5", "--set", "colour=red"), "--set colour: extra inputs"),
        (("import", tmp_path / "w.csv", "-o", tmp_path / "x.h5", "--skip-bad-rows"), "has no rows to leave out"),
    ):
        bad = run(*arguments)
        assert (bad.returncode, bad.stderr.count("\n")) == (2, 1)
        assert said in bad.stderr
    assert not list(tmp_path.glob("x*"))
