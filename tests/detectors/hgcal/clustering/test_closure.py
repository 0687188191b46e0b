"""Closure: what sends everything gives the clusters of all trigger cells; a mirrored decoder does not."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.clustering.closure import SHIFT, STEP, closure
from qcompress.detectors.hgcal.clustering.matching import matched_clusters
from qcompress.detectors.hgcal.clustering.settings import BackEnd
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP
from qcompress.detectors.hgcal.evaluation.events import modules
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation

BACK_ENDS = [BackEnd(), BackEnd("x-y"), BackEnd(distance=None)]


def joined(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@pytest.fixture(scope="module")
def events():
    """Modules and particles of ten photon events."""
    made = [fast_simulation.simulate_event("photon-0pu", 7, number) for number in range(10)]
    return joined([m for m, _ in made]), joined([p for _, p in made])


@pytest.fixture(scope="module")
def charges(events):
    """Transverse charges before any code, and as the repeater delivers them."""
    on_chip = modules(events[0])
    return CHIP["uncompressed"].transverse(on_chip), CHIP["repeater"].transverse(on_chip)


def mirrored(charges):
    """Each charge in the trigger cell nearest to its place reflected in the module's vertical axis."""
    x, y = geometry.tc_xy_channels().T
    distance = np.hypot(x[:, None] + x, y[:, None] - y)
    return charges[:, distance.argmin(axis=1)]


@pytest.mark.parametrize("back_end", BACK_ENDS, ids=lambda b: b.name)
def test_the_repeater_gives_the_clusters_of_all_trigger_cells_within_its_step(events, charges, back_end):
    columns, particles = events
    everything, repeated = (matched_clusters(columns, c, particles, back_end) for c in charges)
    got = closure(everything, repeated)
    assert got.passed, got
    assert got.clusters == len(everything.pt) >= 12
    assert 0 < got.pt_change <= STEP  # it is a code: something changes
    assert got.shift < SHIFT / 2
    assert repeated.pt.mean() == pytest.approx(everything.pt.mean(), rel=0.01)


def test_the_same_charges_give_the_same_bits(events, charges):
    columns, particles = events
    one, other = (matched_clusters(columns, charges[1], particles, BackEnd()) for _ in range(2))
    assert closure(one, other)[1:] == (0, 0.0, 0.0)


def test_charges_below_the_zero_suppression_count_where_it_is_off(events, charges):
    columns, particles = events
    spread = charges[1] + 3.0  # 0.085 mipT in every trigger cell
    suppressed, every = (
        matched_clusters(columns, spread * (spread > 3.0), particles, BackEnd("x-y")),
        matched_clusters(columns, spread, particles, BackEnd("x-y", zero_suppression_mipt=0.0)),
    )
    same = matched_clusters(columns, spread, particles, BackEnd("x-y"))
    assert closure(suppressed, same)[1:] == (0, 0.0, 0.0)
    assert (every.pt > same.pt).all()
    assert BackEnd("x-y", zero_suppression_mipt=0.0).name == "x-y, dr 0.015, zero suppression 0"


def test_a_mirrored_decoder_is_caught_by_its_places_alone(events, charges):
    columns, particles = events
    wrong = mirrored(charges[1])
    assert wrong.sum() == pytest.approx(charges[1].sum(), rel=1e-12)  # no sum tells
    everything, found = (matched_clusters(columns, c, particles, BackEnd()) for c in (charges[0], wrong))
    got = closure(everything, found)
    assert not got.passed
    assert got.shift > SHIFT or got.missing > 0


def test_a_rotated_decoder_is_caught(events, charges):
    columns, particles = events
    thirds = geometry.CHANNEL_OF_TRAIN.reshape(3, 16)
    turned = np.empty_like(charges[1])
    turned[:, thirds.ravel()] = charges[1][:, np.roll(thirds, 1, axis=0).ravel()]
    everything, found = (matched_clusters(columns, c, particles, BackEnd()) for c in (charges[0], turned))
    assert not closure(everything, found).passed


def test_lost_charge_is_caught_and_nothing_in_common_is_no_closure(events, charges):
    columns, particles = events
    everything, weak = (matched_clusters(columns, c, particles, BackEnd()) for c in (charges[0], 0.9 * charges[0]))
    got = closure(everything, weak)
    assert got.pt_change == pytest.approx(0.1, abs=0.02)
    assert not got.passed
    none = everything.chosen(np.zeros(len(everything.pt), bool))
    assert closure(none, none).passed is False
    assert closure(everything, none).missing == len(everything.pt)
