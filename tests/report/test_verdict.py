"""The verdict on top of a page: bits, budgets, checks, costs, each with what it is worth."""

import numpy as np
import pytest

from qcompress.candidate import Candidate
from qcompress.candidate.figures import EvaluationFigures
from qcompress.fixedpoint import Format
from qcompress.graph import Dense, Graph, Node
from qcompress.report.verdict import BAD, GOOD, OPEN, Line, verdict
from qcompress.verification import Comparison


@pytest.fixture
def candidate(tmp_path) -> Candidate:
    """A compiled network with a budget that its estimate misses; nothing is verified or built."""
    weights = Format(True, 4, 1)
    dense = Dense(np.eye(2, dtype=int), weights, np.zeros(2, int), weights, accumulator=Format(True, 16, 8))
    about = {"name": "net", "detector": None, "config": None, "seed": 0, "front_end": {}, "versions": {}}
    made = Candidate.create(tmp_path / "net", {**about, "hardware": {"lut": 1}})
    with made.staged("compile") as stage:
        Graph("net", (2,), Format(True, 8, 4), (Node("dense", dense, "input"),)).save(stage / "graph" / "net")
        made.record("compile", "", stage, {"net": {"weights": 6}})
    return made


def verified(candidate: Candidate, *comparisons: Comparison) -> list[Line]:
    with candidate.staged("verify") as stage:
        candidate.record("verify", "", stage, {"net": [one.to_json() for one in comparisons]})
    return verdict(candidate)


def test_what_has_not_run_is_open_and_a_budget_that_is_missed_fails(candidate):
    lines = verdict(candidate)
    assert lines[0] == Line("bits", "not verified yet", OPEN)
    assert lines[1].state == BAD
    assert lines[1].what == "LUT, rtl"
    assert lines[1].words.endswith("estimated; 1 asked for")
    assert lines[2] == Line("physics", "not evaluated", OPEN)
    assert lines[3].what == "if built as rtl"
    assert "LUT (estimated)" in lines[3].words


def test_bits_are_added_up_over_bodies_and_the_first_that_differs_is_named(candidate):
    good = Comparison("cpp", "random", 5, 1000, 0, None)
    assert verified(candidate, good, Comparison("hls", "random", 5, 234, 0, None))[0] == Line(
        "bits", "0 of 1,234 codes differ from the reference interpreter: cpp, hls", GOOD
    )
    bad = Comparison("rtl", "ends", 5, 1000, 7, "row 3, dense, element 1")
    assert verified(candidate, good, bad)[0] == Line(
        "bits", "7 of 2,000 codes differ; the first in rtl at row 3, dense, element 1", BAD
    )


def test_checks_of_the_detector_come_before_its_figures(candidate):
    holds = verdict(candidate, EvaluationFigures({"emd_mean": 0.89256}, ()))
    assert holds[2:4] == [Line("checks", "all checks of the detector hold", GOOD), Line("emd mean", "0.8926", OPEN)]
    fails = verdict(candidate, EvaluationFigures({}, (), ("pT is lost",)))
    assert fails[2] == Line("checks", "pT is lost", BAD)
