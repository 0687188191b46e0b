"""Tables of modules in CSV: both layouts, with and without header; what is wrong is named by file, row and column."""

import numpy as np
import pytest

from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.exchange import csv_tables
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("csv") / "sample.h5"
    fast_simulation.simulate("electron-200pu-axis", 20, 3, path)
    return path


SAME = {
    "study": ("sim_energy_total", "event_sim_energy", "sim_energy_fraction", "subdet", "module_type"),
    "geometry": ("zside", "eta", "phi", "sim_energy_total"),
}


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("layout", ["study", "geometry"])
def test_a_sample_comes_back_from_csv(sample, tmp_path, layout, header):
    assert csv_tables.export_csv(sample, tmp_path / "modules.csv", layout, header) == 280
    found = csv_tables.import_csv(tmp_path / "modules.csv", tmp_path / "again.h5")
    assert found == (280, 0, "")
    before, after = samples.read(sample), samples.read(tmp_path / "again.h5")
    for name in ("event", "layer", "u", "v", "high_density", "charge", "codes", *SAME[layout]):
        assert (after[name] == before[name]).all(), name
    assert (after["split"] == (before["split"] if header else split_events(before["event"], 1))).all()
    assert "tc_signal" in after.missing


def test_a_folder_of_files_keeps_their_events_apart(sample, tmp_path):
    (tmp_path / "parts").mkdir()
    for name in ("a", "b"):
        csv_tables.export_csv(sample, tmp_path / "parts" / f"{name}.csv")
    assert csv_tables.import_csv(tmp_path / "parts", tmp_path / "both.h5").rows == 560
    event = samples.read(tmp_path / "both.h5")["event"]
    assert len(np.unique(event)) == 40


def changed(text, row, column, value):
    lines = [line.split(",") for line in text.splitlines()]
    lines[row][lines[0].index(column)] = value
    return "\n".join(",".join(line) for line in lines) + "\n"


BAD = {
    "negative": (lambda t: changed(t, 7, "CALQ_5", "-1"), r"modules.csv:8: CALQ_5 is negative in 1 of 280 rows"),
    "word": (lambda t: changed(t, 9, "CALQ_5", "many"), r"modules.csv:10: CALQ_5 is no number in 1 of 280 rows"),
    "nan": (lambda t: changed(t, 3, "SimEnergyTotal", "nan"), r"modules.csv:4: SimEnergyTotal is no number"),
    "layer": (lambda t: changed(t, 3, "layer", "51"), r"modules.csv:4: layer is not 1 to 50"),
    "density": (lambda t: changed(t, 3, "HD_LD", "MD"), r"modules.csv:4: HD_LD is neither HD nor LD"),
    "fraction": (lambda t: changed(t, 3, "CALQ_7", "7.9"), r"modules.csv:4: CALQ_7 is no whole number"),
    "wafer": (lambda t: changed(t, 3, "waferu", "70000"), r"modules.csv:4: waferu is beyond 13"),
    "subdet": (lambda t: changed(t, 3, "subdet", "999"), r"modules.csv:4: subdet is neither 1 nor 2"),
    "short row": (lambda t: changed(t, 3, "ModType", "").replace(",\n", "\n"), r"modules.csv:4: ModType is missing"),
    "module": (lambda t: changed(t, 3, "ModType", "ZZ"), r"modules.csv:4: ModType is none of "),
    "first row": (lambda t: t.replace("\n", "\n0,", 1), r"modules.csv:2: 61 fields under a header of 60"),
    "huge": (lambda t: changed(t, 3, "CALQ_0", "1e12"), r"modules.csv:4: CALQ_0 is above 4294967295"),
    "long row": (lambda t: t + t.splitlines()[-1] + ",1\n", "Expected 60 fields in line 282, saw 61"),
    "missing": (lambda t: t.replace("waferu", "wafer", 1), "column waferu is missing for layout study"),
    "no table": (lambda t: "1,2,3\n", r"modules.csv:1: 3 fields without a header; a table of modules has 58"),
    "empty": (lambda t: t.splitlines()[0] + "\n", "no row to take"),
}


@pytest.mark.parametrize("fault", BAD)
def test_what_is_wrong_is_one_line_and_nothing_is_written(sample, tmp_path, fault):
    csv_tables.export_csv(sample, tmp_path / "modules.csv")
    change, said = BAD[fault]
    (tmp_path / "modules.csv").write_text(change((tmp_path / "modules.csv").read_text()))
    with pytest.raises(QcompressError, match=said) as raised:
        csv_tables.import_csv(tmp_path / "modules.csv", tmp_path / "out.h5")
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out.h5").exists()


def test_a_fault_behind_many_good_rows_is_found_where_it_is(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_tables, "ROWS", 50)
    csv_tables.export_csv(sample, tmp_path / "modules.csv")
    text = changed((tmp_path / "modules.csv").read_text(), 207, "CALQ_5", "many")
    (tmp_path / "modules.csv").write_text(text)
    with pytest.raises(QcompressError, match=r"modules.csv:208: CALQ_5 is no number"):
        csv_tables.import_csv(tmp_path / "modules.csv", tmp_path / "out.h5")


def test_bad_rows_can_be_left_out_and_are_counted(sample, tmp_path):
    csv_tables.export_csv(sample, tmp_path / "modules.csv")
    text = changed(changed((tmp_path / "modules.csv").read_text(), 7, "CALQ_5", "-1"), 9, "layer", "x")
    (tmp_path / "modules.csv").write_text(text + "1,2," * 40 + "\n")
    found = csv_tables.import_csv(tmp_path / "modules.csv", tmp_path / "out.h5", skip_bad_rows=True)
    assert (found.rows, found.dropped) == (278, 3)
    assert found.first_fault == "CALQ_5 is negative in 1 of 280 rows"
    before, after = samples.read(sample), samples.read(tmp_path / "out.h5")
    assert (after["charge"] == np.delete(before["charge"], [6, 8], axis=0)).all()


def test_a_missing_file_and_a_lacking_sample_are_said(sample, tmp_path):
    with pytest.raises(QcompressError, match="no such CSV file, nor a folder with one"):
        csv_tables.import_csv(tmp_path / "none.csv", tmp_path / "out.h5")
    few = samples.read(sample)
    columns = {name: few[name] for name in ("event", "codes", "split", "charge", "layer", "u", "v", "high_density")}
    samples.write(samples.Sample(columns, {}), tmp_path / "few.h5")
    with pytest.raises(
        QcompressError, match="column zside, eta, phi, sim_energy_total is missing, which layout geometry"
    ):
        csv_tables.export_csv(tmp_path / "few.h5", tmp_path / "few.csv", "geometry")


def test_the_command_imports(sample, tmp_path, qcompress):
    csv_tables.export_csv(sample, tmp_path / "modules.csv")
    done = qcompress("data", "import", tmp_path / "modules.csv", "-o", tmp_path / "out.h5")
    assert (done.returncode, "280 rows in" in done.stdout) == (0, True)
    bad = qcompress("data", "import", tmp_path / "none.csv", "-o", tmp_path / "none.h5")
    assert bad.returncode == 2
    assert bad.stderr.startswith("error: ")
    assert bad.stderr.count("\n") == 1
