"""`qcompress tpc` from outside: every reference cluster through the command, bad input in one line."""

import pandas as pd
import pytest
from helpers.frames import DIGITS, frame, written

from qcompress.detectors.tpc.finder import digit_files
from qcompress.errors import QcompressError

HEADER = "map,pad,time,charge\n"


def test_the_reference_clusters_come_out_in_every_column(data_file, qcompress, tmp_path):
    done = qcompress("tpc", "clusters", data_file("tpc_cf/digits.csv"), tmp_path / "c.csv", "--npads", "30")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2823 clusters of 36317 digits in 48 maps written to")
    got, expected = (tmp_path / "c.csv").read_text().splitlines(), data_file("tpc_cf/clusters.csv").read_text()
    assert len(got) == 2824
    assert got == expected.splitlines()


def test_order_of_digits_does_not_matter_and_saturated_ones_are_counted(data_file, qcompress, tmp_path):
    digits = pd.read_csv(data_file("tpc_cf/digits.csv"))
    digits = digits[digits["map"] < 3]
    digits.loc[digits["charge"].idxmax(), "charge"] = 2000.0
    digits.to_csv(tmp_path / "sorted.csv", index=False)
    digits.sample(frac=1, random_state=1)[["charge", "time", "map", "pad"]].to_csv(tmp_path / "mixed.csv", index=False)
    written = []
    for name in ("sorted", "mixed"):
        done = qcompress("tpc", "clusters", tmp_path / f"{name}.csv", tmp_path / f"{name}_out.csv", "--npads", 30)
        assert "1 saturated digits" in done.stdout
        written.append((tmp_path / f"{name}_out.csv").read_bytes())
    assert written[0] == written[1]
    assert b",1023," in written[0]


def test_the_veto_and_the_frame_are_options(qcompress, tmp_path):
    quiet = "".join(f"0,4,{t},{10 + 40 * (t == 30)}\n" for t in range(60))
    (tmp_path / "in.csv").write_text(HEADER + quiet)
    clusters = []
    for options in ([], ["--noisy-pads"], ["--noisy-pads", "--time-bins", "200"]):
        done = qcompress(
            "tpc", "clusters", tmp_path / "in.csv", tmp_path / "out.csv", "--npads", 30, "--replace", *options
        )
        assert done.returncode == 0, done.stderr
        clusters.append(len((tmp_path / "out.csv").read_text().splitlines()) - 1)
    assert clusters == [2, 0, 2]  # the spike and the end of the plateau


def test_a_frame_without_digits_has_no_clusters(qcompress, tmp_path):
    (tmp_path / "in.csv").write_text(HEADER)
    done = qcompress("tpc", "clusters", tmp_path / "in.csv", tmp_path / "out.csv", "--npads", 30)
    assert (done.returncode, done.stdout[:27]) == (0, "0 clusters of 0 digits in 0")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ("0,3,4,10\n0,30,4,10\n", {}, "in.csv:3: map 0, pad 30, time 4, charge 10: pad is outside the row of 30 pads"),
        ("0,-1,4,10\n", {}, "in.csv:2: map 0, pad -1, time 4, charge 10: pad is outside"),
        ("0,1,-4,10\n", {}, "time is outside the frame of 262144 time bins"),
        ("0,1,100,10\n", {"time_bins": 100}, "time is outside the frame of 100 time bins"),
        ("0,1,4,10\n0,2,4,10\n0,1,4,3\n", {}, "in.csv:4: map 0, pad 1, time 4, charge 3: the cell stands twice"),
        ("0,1,4,-0.5\n", {}, "charge is negative or no number"),
        ("0,1,4,nan\n", {}, "charge is negative or no number"),
        ("0,1,4,inf\n", {}, "charge is negative or no number"),
        ("0,1,4,10\n0,1.5,4,10\n", {}, "in.csv:3: pad is '1.5', not a whole number"),
        ("0,1,4,many\n", {}, "in.csv:2: charge is 'many', not a number"),
        ("0,1\n", {}, "in.csv:2: 2 cells under a header of 4"),
        ("0,1,4,10,7\n", {}, "in.csv:2: 5 cells under a header of 4"),
        ("0,99999999999999999999,4,10\n", {}, "in.csv:2: pad is"),
        ("0,1,4,10\n", {"npads": 0}, "a row of 0 pads: clusters hold pads of rows of 1 to 1023"),
    ],
)
def test_bad_digits_are_one_line_and_nothing_is_written(rows, options, message, tmp_path):
    (tmp_path / "in.csv").write_text(HEADER + rows)
    with pytest.raises(QcompressError) as raised:
        digit_files.find_file(tmp_path / "in.csv", tmp_path / "out.csv", **{"npads": 30, **options})
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.csv", "out.csv"], "none.csv: cannot be read"),
        (["twice.csv", "out.csv"], "twice.csv:3: map 0, pad 1, time 4, charge 3: the cell stands twice"),
        (["in.csv", "in.csv"], "in.csv: is an input of this command"),
        (["in.csv", "no/out.csv"], "no/out.csv: cannot be written"),
        (["other.csv", "out.csv"], "other.csv:1: column map, charge is missing; the header is map,pad,time,charge"),
    ],
)
def test_files_that_cannot_be_used_are_named(arguments, message, qcompress, tmp_path):
    (tmp_path / "in.csv").write_text(HEADER + "0,1,4,10\n")
    (tmp_path / "twice.csv").write_text(HEADER + "0,1,4,10\n0,1,4,3\n")
    (tmp_path / "other.csv").write_text("pad,time\n1,2\n")
    done = qcompress("tpc", "clusters", *arguments, "--npads", "30", cwd=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert (tmp_path / "in.csv").read_text() == HEADER + "0,1,4,10\n"


@pytest.mark.parametrize("command", [("clusters", "in.csv", "out.csv"), ("infer", "none.onnx", "in.csv", "out.csv")])
def test_nothing_that_is_there_is_replaced_unasked(command, qcompress, tmp_path):
    (tmp_path / "in.csv").write_text(HEADER + "0,1,4,10\n")
    (tmp_path / "out.csv").write_text("mine")
    pads = ("--npads", "30") if command[0] == "clusters" else ()
    done = qcompress("tpc", *command, *pads, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: out.csv: is there already; give another file, or --replace\n")
    assert (tmp_path / "out.csv").read_text() == "mine"
    if command[0] == "clusters":
        assert qcompress("tpc", *command, *pads, "--replace", cwd=tmp_path).returncode == 0
        written = (tmp_path / "out.csv").read_text()
        assert written != "mine"
        (tmp_path / "out.csv").write_text(written.splitlines()[0] + "\n")
        assert qcompress("tpc", *command, *pads, cwd=tmp_path).returncode == 0  # an earlier table of its own
        assert (tmp_path / "out.csv").read_text() == written


def test_help_is_there(qcompress):
    assert " tpc " in qcompress("--help").stdout
    done = qcompress("tpc", "--help")
    assert (done.returncode, " clusters " in done.stdout) == (0, True)


def test_simulate_takes_an_occupancy_or_a_sample(qcompress, tmp_path):
    done = qcompress("simulate", "tpc", "--occupancy", "0.05", "--events", "1", "-o", tmp_path / "a.h5")
    assert done.returncode == 0, done.stderr
    same = qcompress("simulate", "tpc", "--sample", "sector-5pc", "--events", "1", "-o", tmp_path / "b.h5")
    assert (same.returncode, same.stdout.count(" digits of 1 events in")) == (0, 1)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_inspect_counts_frames_digits_and_what_is_wrong(qcompress, tmp_path):
    path = written(tmp_path / "a.h5", frame(0), frame(1, []), frame(2, DIGITS[1:3], 1))
    done = qcompress("data", "inspect", path, "--page", tmp_path / "a.html")
    assert done.returncode == 0, done.stderr
    told = {line.strip("│ ").split("│")[0].strip(): line for line in done.stdout.splitlines() if "│" in line}
    for what, count in (("frames", 3), ("frames without a digit", 1), ("digits", 7), ("saturated digits", 3)):
        assert told[what].split("│")[2].strip() == str(count), told[what]
    assert (tmp_path / "a.html").read_text().count("<img") == 2
    bad = written(tmp_path / "bad.h5", frame(4, [(0, 66, 7, 10.0)]))
    done = qcompress("data", "inspect", bad, "--detector", "tpc")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "event 4, digit 0 (row 0, pad 66, time 7, charge 10) lies outside the detector" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tpc", "--occupancy", "0.5"], "occupancy 0.5: give 0.05 to 0.4"),
        (["tpc", "--sample", "sector-2pc", "--occupancy", "0.2"], "simulate: give --sample, or --occupancy"),
        (["tpc", "--occupancy", "half"], "simulate: --occupancy half: Input should be a valid number"),
        (["tpc"], "simulate: give --sample, or --occupancy"),
        (["hgcal"], "simulate: give --sample\n"),
        (["tpc", "--sample", "electron-0pu"], "sample 'electron-0pu' is not known; simulate one of sector-5pc"),
        (["hgcal", "--occupancy", "0.2"], "simulate: --occupancy is an option of tpc, not of hgcal"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(arguments, message, qcompress, tmp_path):
    done = qcompress("simulate", *arguments, "--events", "1", "-o", tmp_path / "a.h5")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert message in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_ceiling_of_a_sample_and_of_what_is_none(qcompress, tmp_path):
    written(tmp_path / "s.h5", frame(0), frame(1))
    done = qcompress("tpc", "ceiling", tmp_path / "s.h5")
    assert done.returncode == 0, done.stderr
    assert "s.h5: the ceiling" in done.stdout
    (tmp_path / "none.h5").write_text("no sample")
    done = qcompress("tpc", "ceiling", tmp_path / "none.h5")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "none.h5" in done.stderr
