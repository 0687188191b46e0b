"""Turn-on curves, thresholds and rates of made-up clusters whose answers are known."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.clustering import trigger
from qcompress.detectors.hgcal.clustering.clusters import EMPTY, Clusters
from qcompress.detectors.hgcal.clustering.matching import CUTS, Matched
from qcompress.errors import QcompressError


def smeared(count, response, spread, seed=1):
    rng = np.random.default_rng(seed)
    gen_pt = rng.uniform(5, 60, count)
    return trigger.Particles(gen_pt, gen_pt * rng.normal(response, spread, count))


def test_a_perfect_response_turns_on_at_once():
    gen_pt = np.linspace(10.02, 30.02, 401)
    found = trigger.turn_on(trigger.Particles(gen_pt, gen_pt), 20.0, np.array([10.0, 20.0, 30.1]))
    assert found.value.tolist() == [0.0, 1.0]
    assert found.high[0] < 0.02
    assert found.low[1] > 0.98


@pytest.mark.parametrize(("response", "spread"), [(1.0, 0.05), (0.9, 0.1)])
def test_the_line_is_exceeded_by_95_percent_and_is_that_of_the_smearing(response, spread):
    particles = smeared(4000, response, spread)
    line = trigger.offline_line(particles)
    above = particles.pt > line.intercept + line.slope * particles.gen_pt
    assert abs(above.mean() - 0.95) < 0.001
    assert line.slope == pytest.approx(response - 1.6449 * spread, abs=0.03)
    assert line.online([0.0, 10.0]).tolist() == pytest.approx([line.intercept, line.intercept + 10 * line.slope])


def test_few_particles_determine_nothing():
    with pytest.raises(QcompressError, match="3 particles: a threshold at 95% efficiency needs 200"):
        trigger.offline_line(smeared(3, 1.0, 0.1))


def test_particles_without_a_cluster_count_as_missed():
    event, side = np.array([1, 1, 2, 3]), np.array([1, -1, 1, 1])
    entry = np.array([2.0, -2.0, 2.0, 3.2])
    generated = {
        "event": event,
        "zside": side,
        "pt": np.array([20.0, 30, 40, 50]),
        "entry_eta": entry,
        "entry_phi": event,
    }
    none = np.zeros(2)
    matched = Matched(np.array([1, 2]), np.array([-1, 1], np.int8), none, none, none, none, none, np.zeros((2, 14)))
    found = trigger.Particles.of(generated, matched, np.array([28.0, 39.0]), CUTS)
    assert found.gen_pt.tolist() == [20, 30, 40]  # the last one enters beyond 2.9
    assert found.pt.tolist() == [0, 28, 39]


def test_rates_are_those_of_the_highest_cluster_of_each_event():
    pt = np.array([5.0, 25.0, 12.0, 80.0])
    eta = np.array([2.0, 2.0, -2.5, 3.1])
    event = np.array([4, 4, 9, 9])
    clusters = Clusters(event, np.sign(eta).astype(np.int8), pt, eta, np.zeros(4), np.zeros((4, 36)))
    highest = trigger.leading(clusters, pt, np.array([4, 7, 9]), (1.6, 2.9))
    assert highest.tolist() == [25, 0, 12]
    found = trigger.rates(highest, np.array([0.0, 10, 20, 30]))
    assert found.value == pytest.approx(np.array([2, 2, 1, 0]) / 3 * 2760 * 11245)
    assert (found.low <= found.value).all()
    assert trigger.leading(EMPTY, EMPTY.pt, np.array([1]), (1.6, 2.9)).tolist() == [0]
