"""Samples without events for a step: refused before anything is simulated or read."""

import numpy as np
import pytest
from rich.console import Console

from qcompress import pipeline
from qcompress.config import parse_config
from qcompress.detectors import TEST, TRAIN, VALIDATION, load_detector
from qcompress.detectors.splits import split_events
from qcompress.errors import QcompressError
from qcompress.pipeline.splitting import check_events, check_split
from qcompress.progress import Reporter


def config(detector: str, kind: str, events: int, **more: object):
    sample = {"simulate": kind, "events": events, **more}
    return parse_config({"name": "few", "detector": detector, "sample": sample, "network": {}}, ".")


def simulated(self, kind, events, seed, path, report):
    raise AssertionError(kind)


@pytest.mark.parametrize(("detector", "kind"), [("tpc", "sector-20pc"), ("hgcal", "electron-0pu")])
def test_too_few_events_are_refused_before_they_are_simulated(detector, kind, tmp_path, monkeypatch):
    plug = load_detector(detector)
    monkeypatch.setattr(type(plug), "simulate", simulated)
    few = config(detector, kind, 3)
    said = r"sample\.events 3: none of 3 events is for (validation|test|training); events are split by number and seed"
    with pytest.raises(QcompressError, match=said):
        pipeline.run(few, tmp_path / "few", None, Reporter(Console(quiet=True)))
    assert not (tmp_path / "few").exists()
    assert plug.simulated_split(40, 5).tolist() == split_events(np.arange(40), 5).tolist()


def test_only_what_runs_needs_events():
    plug = load_detector("hgcal")
    one = config("hgcal", "electron-0pu", 1)
    check_events(one, plug, ["sample"])
    check_events(config("hgcal", "electron-0pu", 1, select={"layers": [1, 28]}), plug, ["sample", "train"])
    for step in ("train", "verify", "evaluate"):
        with pytest.raises(QcompressError, match=r"none of 1 events is for (test|validation|training)"):
            check_events(one, plug, ["sample", "train", step])


def test_the_first_part_that_is_missing_is_named():
    parts = {TRAIN: "training", VALIDATION: "validation", TEST: "test"}
    for part, words in parts.items():
        with pytest.raises(QcompressError, match=rf"^x\.csv: none of 3 events is for {words}; .*: give more$"):
            check_split(np.array([other for other in range(4) if other != part]), "x.csv", parts)
    check_split(np.arange(3), "x.csv", parts)  # calibrations are not needed
