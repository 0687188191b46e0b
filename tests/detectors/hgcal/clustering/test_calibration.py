"""Calibration: known weights and lines come back, bounds hold, files that are damaged are refused."""

import json

import numpy as np
import pytest

from qcompress.detectors.hgcal.clustering.calibration import Calibration, fit_eta_correction, fit_layer_weights
from qcompress.detectors.hgcal.clustering.matching import Matched
from qcompress.errors import QcompressError

TRUE_WEIGHTS = np.linspace(0.3, 1.9, 13)


def sample(count=400, seed=1, weights=TRUE_WEIGHTS, slope=0.0, offset=0.0):
    """Clusters whose particles are their weighted layers and a line in |eta|."""
    rng = np.random.default_rng(seed)
    layers = rng.gamma(2.0, 2.0, (count, 14))
    eta = rng.uniform(1.6, 2.9, count) * rng.choice([-1, 1], count)
    gen_pt = layers[:, 1:] @ weights + slope * np.abs(eta) + offset
    event, side = np.arange(count), np.sign(eta).astype(np.int8)
    return Matched(event, side, gen_pt, eta, layers.sum(axis=1), eta, np.zeros(count), layers)


def test_known_weights_come_back_and_the_first_layer_does_not_count():
    matched = sample()
    got = fit_layer_weights(matched, {"sample": "x"})
    assert got.layer_weights == pytest.approx(TRUE_WEIGHTS, abs=1e-9)
    assert got.weights_from == {"sample": "x", "particles": 400}
    first = matched.em_layer_pt.copy()
    first[:, 0] *= 100
    assert fit_layer_weights(matched._replace(em_layer_pt=first), {}).layer_weights == got.layer_weights
    assert got.layer_calibrated(matched) == pytest.approx(matched.gen_pt, rel=1e-9)


def test_weights_stay_within_their_bounds():
    wide = np.r_[-1.0, 3.0, np.ones(11)]
    got = fit_layer_weights(sample(weights=wide), {}).layer_weights
    assert min(got) == 0.0
    assert max(got) == 2.0


def test_the_line_in_eta_is_added_and_symmetric():
    matched = sample(slope=-4.0, offset=11.0)
    weights = Calibration(tuple(TRUE_WEIGHTS.tolist()), weights_from={"sample": "a"})
    got = fit_eta_correction(weights, matched, {"sample": "b"})
    assert (got.eta_slope, got.eta_offset) == pytest.approx((-4.0, 11.0), abs=1e-8)
    assert got.corrected(matched) == pytest.approx(matched.gen_pt, rel=1e-9)
    assert (got.weights_from["sample"], got.eta_from["sample"]) == ("a", "b")
    assert got.layer_weights == weights.layer_weights


def test_too_few_particles_are_refused():
    with pytest.raises(QcompressError, match=r"layer weights: 59 matched particles .sample x.; 60 are needed"):
        fit_layer_weights(sample(59), {"sample": "x"})
    with pytest.raises(QcompressError, match="eta correction: 0 matched"):
        fit_eta_correction(Calibration((1.0,) * 13), sample(0), {})


def test_a_saved_calibration_is_the_same(tmp_path):
    got = fit_eta_correction(fit_layer_weights(sample(), {"sample": "x"}), sample(seed=2), {"sample": "y"})
    got.save(tmp_path / "c.json")
    assert Calibration.load(tmp_path / "c.json") == got


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "no file of qcompress HGCAL cluster calibration"),
        ({"schema": 9}, "schema 1"),
        ({"layer_weights": [1.0] * 12}, "13 finite weights"),
        ({"layer_weights": None}, "damaged calibration"),
        ({"eta_slope": float("nan")}, "finite"),
        ({"eta_slope": "steep"}, "damaged calibration"),
        ({"eta_from": 3}, "damaged calibration"),
    ],
)
def test_damaged_calibrations_are_refused(tmp_path, change, words):
    path = tmp_path / "c.json"
    Calibration((1.0,) * 13).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(QcompressError, match=words):
        Calibration.load(path)


def test_what_is_no_calibration_is_refused(tmp_path):
    with pytest.raises(QcompressError, match="no calibration"):
        Calibration.load(tmp_path / "none.json")
    (tmp_path / "c.json").write_text("[1, 2")
    with pytest.raises(QcompressError, match="no calibration"):
        Calibration.load(tmp_path / "c.json")
    (tmp_path / "c.json").write_text("[1, 2]")
    with pytest.raises(QcompressError, match="no file of"):
        Calibration.load(tmp_path / "c.json")
