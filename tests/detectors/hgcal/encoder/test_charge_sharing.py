"""Decoded charges: the link's sum kept exactly, whole counts, nothing outside the module; each rule by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import decode
from qcompress.detectors.hgcal.encoder import charge_sharing
from qcompress.detectors.hgcal.encoder.charge_sharing import (
    DecodingOptions,
    charges,
    link_sums,
    module_cells,
    sums_of_links,
)
from qcompress.detectors.hgcal.evaluation import events
from qcompress.detectors.hgcal.module import geometry, wafers
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressError

ALL = DecodingOptions()
NONE = DecodingOptions(preserve_sum=False, integer_adc=False, existing_cells=False)


def only(name):
    return NONE.model_copy(update={name: True})


def modules(seed, rows=40):
    rng = np.random.default_rng(seed)
    shares = rng.gamma(0.2, 0.1, (rows, 48)).astype(np.float32)
    return shares, rng.integers(0, 512, rows), rng.random((rows, 48)) < 0.6


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_all_rules_hold_together(seed):
    shares, sums, cells = modules(seed)
    found = charges(shares, sums, cells, ALL)
    assert (found == np.rint(found)).all()
    assert (found >= 0).all()
    assert (found.sum(axis=1) == sums_of_links(sums)).all()
    assert not found[~cells].any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 35))
def test_shared_out_counts_stay_within_one_of_their_due(seed, bits):
    rng = np.random.default_rng(seed)
    weights = rng.gamma(0.3, 1.0, (20, 48))
    totals = rng.integers(0, 1 << bits, 20)
    found = charge_sharing.shared_out(weights, totals)
    assert (found.sum(axis=1) == totals).all()
    due = totals[:, None] * weights / weights.sum(axis=1, keepdims=True)
    assert (np.abs(found - due) < 1 + totals[:, None] * 2.0**-23).all()


def test_largest_remainders_by_hand():
    assert charge_sharing.shared_out(np.array([[1.0, 1.0, 1.0]]), np.array([5])).tolist() == [[2, 2, 1]]
    assert charge_sharing.shared_out(np.array([[0.6, 0.25, 0.15]]), np.array([4])).tolist() == [[2, 1, 1]]
    assert charge_sharing.shared_out(np.zeros((1, 3)), np.array([4])).tolist() == [[0, 0, 0]]


def test_each_rule_alone():
    shares, sums, cells = modules(3)
    sums[sums < 16] = 200
    raw = charges(shares, sums, cells, NONE)
    scale = 2.0 ** np.floor(np.log2(sums_of_links(sums)))
    np.testing.assert_allclose(raw, shares * scale[:, None], rtol=1e-6)
    assert (raw != np.rint(raw)).any()
    assert raw[~cells].any()
    assert (raw.sum(axis=1) != sums_of_links(sums)).all()

    summed = charges(shares, sums, cells, only("preserve_sum"))
    np.testing.assert_allclose(summed.sum(axis=1), sums_of_links(sums), rtol=1e-12)
    np.testing.assert_allclose(summed / summed.sum(axis=1, keepdims=True), raw / raw.sum(axis=1, keepdims=True))

    whole = charges(shares, sums, cells, only("integer_adc"))
    assert (whole == np.rint(whole)).all()
    assert (whole.sum(axis=1) == np.rint(raw.sum(axis=1))).all()

    existing = charges(shares, sums, cells, only("existing_cells"))
    np.testing.assert_array_equal(existing, np.where(cells, existing, 0))
    np.testing.assert_allclose(existing[cells], raw[cells])


def test_a_module_of_which_nothing_is_left_is_spread_equally():
    cells = np.zeros((1, 48), bool)
    cells[0, :4] = True
    shares = np.where(cells, 0.0, 1.0)
    assert charges(shares, np.array([10]), cells, ALL)[0, :4].tolist() == [3, 3, 2, 2]
    assert not charges(shares, np.array([0]), cells, ALL).any()


def test_shares_that_are_no_numbers_are_refused():
    shares = np.full((3, 48), 0.1)
    shares[1, 5] = np.nan
    with pytest.raises(QcompressError, match="no numbers in 1 modules"):
        charges(shares, np.full(3, 99), np.ones((3, 48), bool), ALL)


def test_the_links_sum_is_cut_to_five_bits():
    calq = np.random.default_rng(1).integers(0, 5000, (200, 48))
    error = sums_of_links(link_sums(calq)) / calq.sum(axis=1) - 1
    assert np.abs(error).max() < 1 / 32


def test_cells_of_partial_modules():
    known = wafers.modules()
    columns = {"layer": known.layer, "u": known.u, "v": known.v, "event": known.layer}
    cells = module_cells(columns)
    assert (cells.sum(axis=1) == known.cells.sum(axis=1)).all()
    assert (cells.sum(axis=1) < 48).any()
    np.testing.assert_array_equal(cells[:, np.argsort(geometry.CHANNEL_OF_TRAIN)], known.cells)
    assert module_cells({"event": np.arange(3)}).all()
    elsewhere = {"event": np.arange(1), "layer": np.array([1]), "u": np.array([40]), "v": np.array([0])}
    assert module_cells(elsewhere).all()


def test_modules_of_low_density_are_calibrated_with_their_own_unit():
    codes = np.random.default_rng(2).integers(0, 128, (4, 48))
    front_end = FrontEnd.autoencoder(range(48))
    found = charge_sharing.module_calq(front_end, {"codes": codes, "high_density": np.array([1, 0, 1, 0])})
    assert (found[::2] == decode(codes[::2], 3)).all()
    assert (found[1::2] == decode(codes[1::2], 1)).all()
    assert (charge_sharing.module_calq(front_end, {"codes": codes}) == decode(codes, 3)).all()


def test_transverse_charges_are_those_of_the_chips_other_algorithms():
    columns, _ = fast_simulation.simulate_event("photon-0pu", 3, 5)
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist())
    for calibrated in (False, True):
        found = charge_sharing.transverse_calq(front_end, columns, calibrated)
        assert (found == events.modules(columns, calibrated=calibrated).calq[:, geometry.AE_CHANNEL]).all()
    without_place = {name: column for name, column in columns.items() if name not in ("u", "v")}
    found = charge_sharing.transverse_calq(front_end, without_place)
    assert (found == events.modules(without_place).calq[:, geometry.AE_CHANNEL]).all()
    nothing = {name: column for name, column in columns.items() if name in ("codes", "eta")}
    assert (charge_sharing.transverse_calq(front_end, nothing) >= found).all()  # all of high density
