"""The command emulate from outside: files of columns, and where it cannot be told what is asked for."""

import numpy as np
import pytest
from helpers.column_files import read, write_hdf5, write_npz, write_parquet, write_root

import qcompress as package


@pytest.fixture(scope="module")
def modules(econt_candidate, tmp_path_factory):
    """Columns of the candidate's sample in Parquet: codes of trigger cells one by one, events."""
    import h5py

    path = tmp_path_factory.mktemp("modules") / "modules.parquet"
    with h5py.File(econt_candidate / "sample" / "sample.h5") as file:
        codes, event = file["codes"][:], file["event"][:]
    write_parquet(path, {f"tc_{k}": codes[:, k] for k in range(48)} | {"event": event, "codes": codes})
    return path, codes, event


def test_all_stages_run_on_columns_of_any_file(qcompress, econt_candidate, modules, tmp_path):
    source, codes, event = modules
    wanted = package.emulate(econt_candidate, codes)
    for told, output in (("tc_0..tc_47", "a.root"), ("codes", "b.h5")):
        given = ("--stages", "--codes", "--input", told, "--keep", "event", "--output-columns", "encoder=latent,words")
        done = qcompress("emulate", econt_candidate, source, tmp_path / output, *given)
        assert done.returncode == 0, done.stderr
        assert f"{len(codes)} rows of 1 file" in done.stdout
        assert "about" in done.stdout or len(codes) < 131072
        found = read(tmp_path / output)
        assert list(found) == ["event", "latent", "words"]
        assert (found["event"] == event).all()
        assert (found["latent"] == wanted["encoder"]).all()
        assert (found["words"] == wanted["words"]).all()


def test_a_sample_of_a_detector_is_read_as_columns_only_if_it_is_said(qcompress, econt_candidate, modules, tmp_path):
    sample = econt_candidate / "sample" / "sample.h5"
    done = qcompress("emulate", econt_candidate, sample, tmp_path / "a.npz", "--codes", "--stages")
    assert done.returncode == 2
    assert (
        "a sample of hgcal; name the output .csv for the detector's own emulation, or say with --input" in done.stderr
    )
    done = qcompress("emulate", econt_candidate, sample, tmp_path / "a.npz", "--codes", "--stages", "--input", "codes")
    assert done.returncode == 0, done.stderr
    assert (read(tmp_path / "a.npz")["encoder"] == package.emulate(econt_candidate, modules[1])["encoder"]).all()


@pytest.mark.parametrize(
    ("source", "output", "given", "line"),
    [
        ("modules", "a.csv", ["--codes"], "--codes is for files of columns; name the output .parquet or .npy"),
        ("modules", "a.csv", [], "of columns, name the output .parquet or "),
        ("words.csv", "a.parquet", [], "what a detector reads out gives CSV: name the output .csv"),
        ("none.parquet", "a.parquet", [], "none.parquet: no such input file"),
        (".", "a.parquet", ["--codes"], "no file of columns in it"),
        ("modules", "a.parquet", ["--tc-order", "msb"], "--tc-order is for a detector's own read-out, not for columns"),
        ("modules", "a.parquet", ["--input", "tc_0"], "a row of column tc_0 is of shape ()"),
        ("modules", "a.parquet", ["--network", "b", "--input", "tc_0"], "give one of its networks: encoder"),
        ("modules", "a.parquet", ["--input", "code"], "modules.parquet: no column code; nearest are codes"),
        (
            "modules",
            "a.parquet",
            ["--input", "codes", "--keep", "evnt", "--stages"],
            "no column evnt; nearest are event",
        ),
        ("modules", "a.npz", ["--input", "codes", "--keep", "event=a,event=b"], "column event is given twice"),
        ("modules", "a.npz", ["--input", "tc_0..tc_999999999"], "elements (8, 8, 1), got 1000000000 columns"),
        ("modules", "a.npy", ["--input", "codes", "--keep", "event", "--stages", "--codes"], "name it .npz"),
    ],
)
def test_what_cannot_be_done_is_one_line(qcompress, econt_candidate, modules, tmp_path, source, output, given, line):
    source = modules[0] if source == "modules" else tmp_path / source
    done = qcompress("emulate", econt_candidate, source, tmp_path / output, *given)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("error: ")
    assert line in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("write", [write_parquet, write_npz, write_hdf5, write_root])
def test_the_first_bad_row_is_named(qcompress, econt_candidate, modules, tmp_path, write):
    codes = modules[1].copy()
    codes[77, 3] = 200
    ending = {"write_parquet": "parquet", "write_npz": "npz", "write_hdf5": "h5", "write_root": "root"}[write.__name__]
    source = tmp_path / f"in.{ending}"
    write(source, {"codes": codes, "event": np.arange(len(codes))})
    given = ("--stages", "--codes", "--input", "codes")
    done = qcompress("emulate", econt_candidate, source, tmp_path / "out.npz", *given)
    assert done.returncode == 2
    assert f"{source}: column codes, row 77 (from 0): 200, element 3, is outside ufixed<7,7>" in done.stderr
    assert list(tmp_path.iterdir()) == [source]
