"""What a trial may be judged by: every figure of an evaluation is declared, sums and times of several networks."""

import pytest

from qcompress.candidate import Candidate
from qcompress.candidate.figures import EVALUATION
from qcompress.detectors import load_detector
from qcompress.search.figures import estimated, known_figures, needed
from qcompress.synthesis import Origin, SynthesisReport


def test_every_figure_of_an_evaluation_can_be_asked_for(econt_candidate):
    found = Candidate.open(econt_candidate).figures_of(EVALUATION).summary
    known = known_figures(load_detector("hgcal"))
    assert {name for name, step in known.items() if step == "evaluate"} == set(found)


def test_only_the_steps_that_are_needed_are_run():
    detector = load_detector("hgcal")
    assert needed(["validation_loss"], detector) == ["train"]
    assert needed(["lut", "validation_loss"], detector) == ["train", "compile"]
    assert needed(["emd_mean", "synthesis.lut"], detector) == ["synthesize", "evaluate"]


def test_areas_are_added_up_and_times_are_the_slowest():
    reports = [
        SynthesisReport("estimate", Origin.ESTIMATED, lut=10, ff=1, gate_equivalents=5.0, latency_cycles=3, interval=1),
        SynthesisReport("estimate", Origin.ESTIMATED, lut=20, ff=2, gate_equivalents=6.0, latency_cycles=7, interval=4),
    ]
    found = estimated(reports, 100.0)
    assert found == {
        "lut": 30,
        "ff": 3,
        "gate_equivalents": 11.0,
        "latency_cycles": 7,
        "interval": 4,
        "latency_ns": pytest.approx(70.0),
        "throughput_mhz": 25.0,
    }
    assert "latency_ns" not in estimated(reports, None)
    assert estimated([], 100.0) == {}
