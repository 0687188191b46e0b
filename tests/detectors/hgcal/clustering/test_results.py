"""From matched clusters to tables and figures: with a calibration, and without where there are too few events."""

import numpy as np

from qcompress.detectors.hgcal.clustering.matching import Matched
from qcompress.detectors.hgcal.clustering.results import calibrated, figures, tables


def sample(count, seed, scale=0.8):
    """Clusters of all layers alike, of a part of their particles' pT."""
    rng = np.random.default_rng(seed)
    gen_pt, eta = rng.uniform(5, 200, count), rng.uniform(1.6, 2.9, count) * rng.choice([-1, 1], count)
    layers = rng.dirichlet(np.full(14, 20.0), count) * (scale * gen_pt)[:, None]
    side = np.sign(eta).astype(np.int8)
    return Matched(np.arange(count), side, gen_pt, eta, layers.sum(axis=1), eta, np.zeros(count), layers)


def test_calibrated_on_some_events_and_scored_on_others():
    calibrations, said = calibrated({"a": sample(80, 1), "b": sample(90, 2)}, "s")
    assert set(calibrations) == {"a", "b"}
    assert said == "Calibrated on 80 particles of calibration events or more."
    test = {"a": sample(400, 3), "b": sample(400, 4)}
    response, by_pt, by_eta = tables(test, calibrations, "s", said)
    assert [row[:4] for row in response.rows[:3]] == [
        ("a", "raw", None, None),
        ("a", "layer calibrated", "s", None),
        ("a", "eta corrected", "s", "s"),
    ]
    means = [row[5] for row in response.rows[:3]]
    assert means[0] == 0.8
    assert abs(means[2] - 1) < 0.02
    assert "eta corrected" in by_pt.title
    assert len(by_pt.rows) == 2 * 39
    assert len(by_eta.rows) == 2 * 13
    drawn = figures(test, calibrations, "test")
    assert list(drawn) == ["response_pt", "response_eta", "response"]
    assert "eta corrected" in drawn["response"].axes[0].get_title(loc="left")


def test_too_few_calibration_events_leave_the_raw_response_and_say_so():
    calibrations, said = calibrated({"a": sample(10, 1)}, "s")
    assert calibrations == {}
    assert said.startswith("Not calibrated: layer weights: 10 matched particles")
    response, by_pt, _ = tables({"a": sample(50, 2)}, calibrations, "s", said)
    assert [row[1] for row in response.rows] == ["raw"]
    assert response.note == said
    assert by_pt.title.endswith("raw")
    assert figures({"a": sample(50, 2)}, calibrations, "test")["response_pt"].axes
