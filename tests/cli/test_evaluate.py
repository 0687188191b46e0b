"""`qcompress evaluate` from outside: other samples, algorithms, partitions, the check; what is wrong is one line."""

import csv
import json
import re

import h5py
import pytest


@pytest.fixture(scope="module")
def other_sample(qcompress, tmp_path_factory):
    path = tmp_path_factory.mktemp("other") / "other.h5"
    done = qcompress("simulate", "hgcal", "--sample", "electron-200pu-axis", "--events", 60, "--seed", 77, "-o", path)
    assert done.returncode == 0, done.stderr
    return path


@pytest.mark.parametrize("partitions", [1, pytest.param(2, marks=pytest.mark.campaign)])
def test_another_sample_with_some_algorithms(partitions, qcompress, econt_candidate, other_sample, tmp_path):
    out = tmp_path / "scores"
    before = (econt_candidate / "manifest.json").read_bytes()
    wanted = ("evaluate", econt_candidate, "--data", other_sample, "--algorithms", "repeater,threshold", "--out", out)
    done = qcompress(*wanted, "--partitions", partitions, "--rows", 100, "--tolerance", 0.5, "--check")
    assert done.returncode == 0, done.stderr
    assert "Conservation, tolerance 50 %" in done.stdout
    assert (econt_candidate / "manifest.json").read_bytes() == before
    table = list(csv.reader((out / "emd_on_test_events.csv").read_text().splitlines()))
    assert [row[0] for row in table] == ["codec", "encoder", "all trigger cells (repeater)", "Threshold 1.35 mipT"]
    found = json.loads((out / "results.json").read_text())
    assert found["failures"] == []
    trained = json.loads(before)["steps"]["sample"]["figures"]
    assert found["sample"]["origin"] == "other.h5"
    assert found["sample"]["content_hash"] != trained["content_hash"]
    assert not (out / ".parts").exists()
    page = (out / "report.html").read_text()
    assert "Codes that differ from the reference interpreter" in page
    assert "Threshold 1.35 mipT" in page
    assert "http" not in re.sub(r"base64,[^\"]*", "", page)
    for told in (
        found["sample"]["content_hash"],
        trained["content_hash"],
        "scored sample rows",
        "trained on: sample rows",
    ):
        assert told in page
    refused = qcompress(*wanted, "--rows", 50)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert f"{out}: is an evaluation already" in refused.stderr
    assert json.loads((out / "results.json").read_text()) == found
    again = qcompress(*wanted, "--rows", 100, "--tolerance", 0, "--check", "--replace")
    assert again.returncode == 1
    assert again.stderr.startswith("check failed: conservation within 0 %: encoder fails: ")
    assert again.stderr.count("\n") == 1


def test_what_is_wrong_is_one_line(qcompress, econt_candidate, other_sample, tmp_path):
    own = econt_candidate / "sample" / "sample.h5"

    def changed(name, change):
        path = tmp_path / f"{name}.h5"
        path.write_bytes(other_sample.read_bytes())
        with h5py.File(path, "r+") as file:
            change(file)
        return path

    def elsewhere(file):
        file.attrs["origin"] = file.attrs["origin"].replace('"V11"', '"V16"')

    def empty(file):
        for column in ("charge", "codes"):
            file[column][...] = 0

    far = changed("far", lambda file: file["u"].__setitem__(0, 99))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("")
    cases = (
        (("--data", own), f"{own}: is the sample that trained the candidate"),
        (("--data", tmp_path / "none.h5"), "none.h5: no such sample file"),
        (("--data", far), "far.h5: row 0: geometry V11 has no module at layer 1, u 99"),
        (("--data", changed("elsewhere", elsewhere)), "elsewhere.h5: is of geometry V16; give a sample of V11"),
        (("--data", changed("empty", empty)), "empty.h5: no module of its test events holds any charge"),
        (("--out", own), "sample.h5: is a file; choose a folder with --out"),
        (("--algorithms", "published:none", "--out", tmp_path / "none"), "none/encoder.hdf5: no such file"),
        (("--tolerance", "nan"), "qcompress evaluate: Invalid value for '--tolerance'"),
        (("--partitions", "0"), "qcompress evaluate: Invalid value for '--partitions'"),
        (("--algorithms", "zip", "--out", tmp_path / "zip"), "no algorithm 'zip'; there are encoder, "),
        (("--data", other_sample, "--out", tmp_path / "mine"), "mine: a folder with other files in it"),
    )
    for options, message in cases:
        done = qcompress("evaluate", econt_candidate, *options)
        assert done.returncode == 2, done.stderr
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
    assert sorted(entry.name for entry in (tmp_path / "mine").iterdir()) == ["thesis.tex"]


@pytest.mark.campaign
def test_a_detector_without_algorithms_says_so(qcompress, tmp_path):
    config = tmp_path / "dummy.yaml"
    config.write_text(
        "name: dummy\ndetector: dummy\nsample: {simulate: uniform, events: 300}\n"
        "training: {epochs: 1, batch_size: 50}\ntargets: {hls: null, rtl: null}\n"
    )
    made = qcompress("run", config, "--out", tmp_path / "dummy", "--until", "evaluate")
    assert made.returncode == 0, made.stderr
    done = qcompress("evaluate", tmp_path / "dummy", "--algorithms", "repeater")
    assert done.returncode == 2
    assert "detector dummy has no other algorithms" in done.stderr


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("evaluation: {tolerance: 2}", "evaluation.tolerance"),
        ("evaluation: {rows: 0}", "evaluation.rows"),
        ("evaluation: {algorithm: [bc]}", "did you mean algorithms?"),
    ],
)
def test_configs_say_what_is_scored(qcompress, tmp_path, line, message):
    config = tmp_path / "bad.yaml"
    config.write_text(f"name: dummy\ndetector: dummy\nsample: {{simulate: uniform}}\n{line}\n")
    done = qcompress("run", config, "--out", tmp_path / "bad")
    assert done.returncode == 2
    assert message in done.stderr


def test_all_events_and_encoders_that_others_made(qcompress, data_file, econt_candidate, other_sample, tmp_path):
    folder = data_file("hgcal/cmssw/encoder_2eLinks_PUdriven.pb").parent
    names = f"bc-equal,cmssw:2:pu:{folder}"
    wanted = ("evaluate", econt_candidate, "--data", other_sample, "--rows", 50, "--split", "all", "--algorithms")
    done = qcompress(*wanted, names, "--out", tmp_path / "all")
    assert done.returncode == 0, done.stderr
    (table,) = (tmp_path / "all").glob("emd_on_*events.csv")
    rows = list(csv.reader(table.read_text().splitlines()))
    titles = ["encoder", "best choice, rest spread equally, 2 links", "CMSSW encoder, 2 links, trained on pile-up"]
    assert [row[0] for row in rows[1:]] == titles
    for other, said in (("bc-linear", "no algorithm 'bc-linear'"), ("cmssw:7:pu", "give cmssw:LINKS:TRAINING")):
        done = qcompress(*wanted, other, "--out", tmp_path / "none")
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert said in done.stderr
