"""Events that trained what scores them are found, and refused by the campaigns that would score them."""

import subprocess
import sys

import numpy as np
import pytest
from helpers.paths import ROOT

from qcompress.detectors import TEST, TRAIN
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.evaluation import scoring
from qcompress.detectors.hgcal.evaluation.apart import check_apart, common_events
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("apart") / "sample.h5"
    fast_simulation.simulate("electron-200pu-axis", 40, 9, path)
    return path


def test_events_that_trained_are_found_whatever_their_numbers(sample_file, tmp_path):
    sample = samples.read(sample_file)
    trained = sample["split"] == TRAIN
    columns = {name: column[trained] for name, column in sample.columns.items()}
    columns["event"] = columns["event"] + 100_000
    columns["split"] = np.full(trained.sum(), TEST, np.uint8)
    samples.write(samples.Sample(columns, {}, {}), tmp_path / "again.h5")
    events = len(np.unique(columns["event"]))
    with pytest.raises(QcompressError, match=rf"again\.h5: {events} of its test events trained the candidate; give a"):
        check_apart(tmp_path / "again.h5", sample_file)
    columns["split"] = np.full(trained.sum(), TRAIN, np.uint8)
    samples.write(samples.Sample(columns, {}, {}), tmp_path / "training.h5")
    check_apart(tmp_path / "training.h5", sample_file)
    with pytest.raises(QcompressError, match=rf"training\.h5: {events} of its events trained the candidate"):
        check_apart(tmp_path / "training.h5", sample_file, every=True)
    with pytest.raises(QcompressError, match="has no test events; evaluate --data with --split all scores all but"):
        scoring.blocks(tmp_path / "training.h5", None)
    whole = scoring.blocks(tmp_path / "training.h5", None, every=True)
    assert sum(len(block.events) for block in whole) == events
    assert all(block.part == TEST for block in whole)
    fast_simulation.simulate("electron-200pu-axis", 10, 10, tmp_path / "others.h5")
    check_apart(tmp_path / "others.h5", sample_file)


def test_modules_in_another_order_are_the_same_event_and_cells_in_other_modules_are_not(sample_file, tmp_path):
    sample = samples.read(sample_file)
    own = np.flatnonzero(sample["event"] == sample["event"][sample["split"] == TRAIN][0])
    columns = {name: column[own[::-1]] for name, column in sample.columns.items()}
    samples.write(samples.Sample(columns, {}, {}), tmp_path / "reversed.h5")
    with pytest.raises(QcompressError, match="1 of its events"):
        check_apart(tmp_path / "reversed.h5", sample_file, every=True)
    codes = columns["codes"].copy()
    busy = np.argsort(-np.count_nonzero(codes, axis=1))[:2]
    codes[busy, :24] = codes[busy[::-1], :24]
    assert (codes.sum(axis=0) == columns["codes"].sum(axis=0)).all()
    assert (codes != columns["codes"]).any()
    samples.write(samples.Sample(columns | {"codes": codes}, {}, {}), tmp_path / "mixed.h5")
    check_apart(tmp_path / "mixed.h5", sample_file, every=True)


def test_only_events_that_are_scored_count(sample_file, tmp_path):
    """The first event did not train; with so few rows none but it is scored."""
    sample = samples.read(sample_file)
    trained = sample["split"] == TRAIN
    first = sample["event"] == sample["event"][~trained][0]
    order = np.r_[np.flatnonzero(first), np.flatnonzero(trained)]
    columns = {name: column[order] for name, column in sample.columns.items()}
    columns["split"] = np.full(len(order), TEST, np.uint8)
    samples.write(samples.Sample(columns, {}, {}), tmp_path / "again.h5")
    for rows, wanted in ((1, 0), (int(first.sum()) + 14, 1), (None, len(np.unique(columns["event"])) - 1)):
        found = common_events(tmp_path / "again.h5", [sample_file, tmp_path / "again.h5"], rows=rows)
        assert found == {sample_file: wanted, tmp_path / "again.h5": 0}, rows


@pytest.mark.campaign
def test_campaigns_refuse_what_the_events_that_they_score_have_taught(tmp_path):
    for kind in ("photon-0pu", "electron-200pu", "electron-0pu"):
        fast_simulation.simulate(kind, 3, 1, tmp_path / f"{kind}.h5")
    fast_simulation.simulate("photon-0pu", 3, 2, tmp_path / "other.h5")
    command = [sys.executable, ROOT / "campaigns" / "conservation.py", tmp_path, "--rows", "10", "--algorithms", "bc"]

    def run(*more):
        return subprocess.run([*command, *more], check=False, capture_output=True, text=True)

    done = run("--learned", f"learned:{tmp_path / 'other.h5'}:bc-linear")
    assert done.returncode == 0, done.stderr
    for algorithm, said in (
        (f"learned:{tmp_path / 'photon-0pu.h5'}:bc-linear", "photon-0pu.h5: 1 of its events trained learned:"),
        (f"learned:{tmp_path / 'other.h5'}:bc", "give learned:SAMPLE:NAME, NAME one of threshold-linear, bc-linear"),
        (f"learned:{tmp_path / 'none.h5'}:bc-linear", "none.h5"),
    ):
        done = run("--learned", algorithm)
        assert done.returncode == 2
        assert len(done.stderr.splitlines()) == 1
        assert said in done.stderr
