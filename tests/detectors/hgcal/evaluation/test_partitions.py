"""Partitions: any number of them gives the same bits; lost workers and killed evaluations are made good."""

import os
import signal
import sys
from functools import partial

import cloudpickle
import pytest

from qcompress.detectors import Evaluation, Firmware, partitions
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.evaluation import results as evaluation
from qcompress.detectors.hgcal.evaluation import scoring
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize
from qcompress.progress import silent

IMAGE = Format(False, 8, 1)
ALGORITHMS = ("repeater", "bc-stc")
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def as_it_is(values):
    return values


def opened(fatal=None):
    """Firmware and decoder; with `fatal`, the first process that asks is killed, and leaves a file of that name."""
    if fatal is not None and not fatal.exists():
        fatal.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    graph = Graph("handed_on", (8, 8, 1), IMAGE, (Node("as_it_is", Quantize(Cast(IMAGE)), "input"),))
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).to_mapping()
    chain = Chain("whole", (DETECTOR.preprocess(front_end, "encoder", {}), graph))
    return Firmware.of_chains(front_end, {"encoder": chain}), {"decoder": as_it_is}


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("partitions") / "sample.h5"
    fast_simulation.simulate("electron-200pu-axis", 150, 9, path)
    return path


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(scoring, "BLOCK_ROWS", 40)


def evaluated(path, fatal=None, **wanted):
    asked = Evaluation(None, ALGORITHMS, reopen=partial(opened, fatal), **wanted)
    firmware, decode = opened()
    results = evaluation.evaluate(firmware, path, decode, asked, silent)
    return results.tables, results.summary


def test_one_partition_seven_and_a_lost_worker_give_the_same_bits(sample_file, small_blocks, tmp_path):
    assert len(scoring.blocks(sample_file, None)) >= 7
    one = evaluated(sample_file)
    fatal = tmp_path / "killed"
    assert evaluated(sample_file, fatal, partitions=7) == one
    assert fatal.exists()


@pytest.mark.campaign
def test_clusters_too_are_the_same_in_one_partition_and_in_seven(tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "BLOCK_ROWS", 600)
    whole_events = tmp_path / "photons.h5"
    fast_simulation.simulate("photon-0pu", 60, 3, whole_events)
    assert len(scoring.blocks(whole_events, None)) + len(scoring.calibration_blocks(whole_events, 0)) >= 7
    one = evaluated(whole_events)
    fatal = tmp_path / "killed"
    assert evaluated(whole_events, fatal, partitions=7) == one
    assert fatal.exists()
    response = next(table for table in one[0] if table.title == "Response of clusters")
    assert [row[:2] for row in response.rows] == [
        (title, "raw") for title in ("encoder", "all trigger cells (repeater)", "mixed BC+STC, 13 links")
    ]
    assert response.rows[1][4] >= 10
    assert 0.7 < response.rows[1][5] < 1


@pytest.mark.campaign
def test_a_killed_evaluation_goes_on_where_it_was(sample_file, small_blocks, tmp_path, monkeypatch):
    whole = evaluated(sample_file)
    calls = []
    score = scoring.score

    def interrupted(handle, block, task, table):
        calls.append(block.number)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return score(handle, block, task, table)

    monkeypatch.setattr(scoring, "score", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluated(sample_file, parts=tmp_path, identity="one")
    assert evaluated(sample_file, parts=tmp_path, identity="one") == whole
    assert calls == [0, 1, 2, *range(2, len(scoring.blocks(sample_file, None)))]
    damaged = sorted(tmp_path.iterdir())[1]
    damaged.write_bytes(damaged.read_bytes()[:200])
    calls.clear()
    calls += [0, 0, 0]
    assert evaluated(sample_file, parts=tmp_path, identity="one") == whole
    assert calls[3:] == [1]
    calls[3:] = []
    evaluated(sample_file, parts=tmp_path, identity="another candidate")
    assert len(calls) > 6


def test_partitions_are_runs_of_blocks():
    blocks = [scoring.Block(k, k, k + 1, (k,)) for k in range(10)]
    for count in (1, 3, 7, 10, 50):
        parts = partitions.split(blocks, count)
        assert [block for part in parts for block in part] == blocks
        assert len(parts) == min(count, 10)
        assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_what_cannot_be_shared_out_is_said(sample_file, tmp_path, monkeypatch):
    monkeypatch.setattr(partitions, "ANSWER_S", 1)
    with pytest.raises(QcompressError, match="no dask scheduler answers"):
        evaluated(sample_file, scheduler="tcp://127.0.0.1:9")
    firmware, decode = opened()
    for wanted, message in (
        (Evaluation(None, ALGORITHMS, partitions=2), "that other processes can open"),
        (Evaluation(None, ("zip",)), "no algorithm 'zip'"),
    ):
        with pytest.raises(QcompressError, match=message):
            evaluation.evaluate(firmware, sample_file, decode, wanted, silent)


def test_fewer_rows_do_not_take_the_blocks_of_more(sample_file, tmp_path):
    """The last block of fewer rows has the number of one of more rows, and other events."""
    whole, fewer = (scoring.blocks(sample_file, rows)[0] for rows in (None, 1))
    assert whole.number == fewer.number
    assert len(whole.events) > len(fewer.events) == 1
    assert scoring.block_path(tmp_path, "key", whole) != scoring.block_path(tmp_path, "key", fewer)
