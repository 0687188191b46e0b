"""Lines, tables and profiles of the response, on clusters whose answers are known."""

import subprocess
import sys

import numpy as np
import pytest
from helpers.paths import ROOT

from qcompress.detectors.hgcal.clustering.calibration import Calibration
from qcompress.detectors.hgcal.clustering.matching import Matched
from qcompress.detectors.hgcal.clustering.scores import (
    CALIBRATED,
    CORRECTED,
    RAW,
    against_eta,
    against_pt,
    final,
    lines,
    profile_table,
    response_table,
    responses,
)

WEIGHTS = Calibration((0.5,) * 13, -2.0, 6.0)


def matched(gen_pt, pt, eta):
    """Each cluster's pT lies in layer 3."""
    gen_pt, pt, eta = (np.array(c, float) for c in (gen_pt, pt, eta))
    layers = np.zeros((len(pt), 14))
    layers[:, 1] = pt
    n = len(pt)
    return Matched(np.arange(n), np.ones(n, np.int8), gen_pt, eta, pt, eta, np.zeros(n), layers)


def test_stages_by_hand():
    got = responses(matched([20, 40], [18, 36], [2.0, -2.5]), WEIGHTS)
    assert got[RAW].tolist() == [0.9, 0.9]
    assert got[CALIBRATED].tolist() == [0.45, 0.45]
    assert got[CORRECTED].tolist() == [(9 - 4 + 6) / 20, (18 - 5 + 6) / 40]
    assert list(responses(matched([20], [18], [2.0]))) == [RAW]


def test_lines_count_particles_above_ten_gev():
    found = lines(
        "x", matched([20, 40, 10, 9], [18, 40, 1, 1], [2, 2, 2, 2]), {("a", "b"): WEIGHTS, ("a", "c"): WEIGHTS}
    )
    assert [(line.stage, line.weights, line.eta) for line in found] == [
        (RAW, "", ""),
        (CALIBRATED, "a", ""),
        (CORRECTED, "a", "b"),
        (CORRECTED, "a", "c"),
    ]
    assert {line.found.entries for line in found} == {2}
    assert found[0].found.value.mean == pytest.approx(0.95, rel=1e-12)
    assert found[2].found == found[3].found


def test_tables_leave_open_what_nothing_determines():
    table = response_table("t", lines("x", matched([20], [18], [2.0]), {}))
    row = dict(zip(table.columns, table.rows[0], strict=False))
    assert (row["particles"], row["mean"], row["rms"], row["weights of"]) == (1, 0.9, None, None)
    empty = response_table("t", lines("x", matched([], [], []), {}))
    assert empty.rows[0][4:] == (0, *[None] * 8)


def test_profiles_have_their_bins_and_empty_ones_are_empty():
    some = matched([12, 13, 17, 31], [12, 13, 17, 31], [1.65, 1.75, -1.75, 2.85])
    values = responses(some)[RAW]
    by_pt = against_pt(some, values)
    assert by_pt.edges[:4].tolist() == [5, 10, 15, 20]
    assert [one.entries for one in by_pt.bins[:6]] == [0, 2, 1, 0, 0, 1]
    by_eta = against_eta(some, values)
    assert by_eta.edges.tolist() == pytest.approx([1.6 + 0.1 * k for k in range(14)])
    assert [one.entries for one in by_eta.bins] == [1, 2, *[0] * 10, 1]
    table = profile_table("t", "|eta|", {"x": by_eta})
    assert table.rows[2] == ("x", 1.8, 1.9, 0, *[None] * 8)
    assert table.rows[1][3:6] == (2, 1.0, 0.0)


def test_final_figures_are_strict_in_generated_pt():
    assert final(matched([10, 10.5], [1, 1], [2, 2])).gen_pt.tolist() == [10.5]


@pytest.mark.campaign
def test_a_campaign_prints_the_response_of_all_three_samples_and_refuses_what_they_taught(tmp_path):
    command = [sys.executable, ROOT / "campaigns" / "response.py", tmp_path, "--calibration-events", "45", "--workers"]
    command += ["1", "--photons", "50", "--electrons", "48", "--electrons-alone", "7", "--back-ends", "x-y, dr 0.015"]

    def run(*algorithms):
        return subprocess.run([*command, *algorithms], check=False, capture_output=True, text=True)

    done = run("--algorithms", "repeater", "threshold", "bc-stc-if-sent")
    assert done.returncode == 0, done.stderr
    said = done.stdout.split("## ")
    (alone,) = (part for part in said if part.startswith("Electrons without pile-up"))
    assert "7 test events with" in alone
    assert alone.count("\n| ") == 2 + 3
    against = [part for part in said if part.startswith("Against the threshold")]
    assert ["electrons 0 PU" in part.splitlines()[4] for part in against] == [False, True]
    for kind in ("photon-0pu", "electron-200pu", "electron-0pu"):
        assert (tmp_path / f"response_{kind}_x-y_dr_0.015.csv").is_file()
        assert len([*(tmp_path / "blocks" / kind).iterdir()]) == 3
    for name, why in (
        (f"learned:{tmp_path / 'electron-0pu.h5'}:bc-linear", "electron-0pu.h5: 4 of its events trained learned:"),
        ("learned:bc-linear", "give learned:SAMPLE:NAME"),
    ):
        done = run("--algorithms", "threshold", "--learned", name)
        assert done.returncode == 2
        assert why in done.stderr.splitlines()[-1]
