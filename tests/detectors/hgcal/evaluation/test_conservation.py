"""What algorithms conserve: sums by hand, closure of codecs that lose nothing, faults that are seen."""

import numpy as np
import pytest

from qcompress.detectors import TEST, Evaluation, Firmware
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.evaluation import results as evaluation
from qcompress.detectors.hgcal.evaluation import scoring, totals
from qcompress.detectors.hgcal.evaluation.algorithms import CHIP, Codec
from qcompress.detectors.hgcal.evaluation.conservation import (
    SUMS,
    WEIGHTED,
    ZERO_SUPPRESSIONS,
    conserved,
    errors,
    means,
    places,
)
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation, modules
from qcompress.detectors.hgcal.module import geometry, layers
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize
from qcompress.metrics.profiles import histogram_median, histogram_profile, profile
from qcompress.progress import silent

UNTOUCHED = CHIP["uncompressed"]


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("conservation") / "events.h5"
    fast_simulation.simulate("electron-0pu", 6, 4, path)
    return path


@pytest.fixture(scope="module")
def rows(sample_file):
    return samples.read(sample_file).columns


def of(codec, rows, event=None):
    given = modules(rows)
    counts = codec.decode(given)
    number = np.unique(rows["event"], return_inverse=True)[1] if event is None else event
    return conserved(counts, codec.transverse(given), given, places(given), number)


def plainly(rows, threshold):
    """The table's means, event by event and cell by cell, with formulas of their own."""
    given = modules(rows)
    charge = given.counts / given.cosh_eta
    found = []
    for event in np.unique(rows["event"]):
        own = np.flatnonzero(rows["event"] == event)
        mip = charge[own] / 35.1
        keep = (mip > 0) & (mip >= threshold)
        weight = layers.trigger_weight_mev(rows["layer"][own]) / layers.thickness_correction(rows["layer"][own])
        pt = (mip * weight[:, None] * 1e-3)[keep]
        eta = np.arccosh(given.cosh_eta[own])[keep]
        signed = (np.arccosh(given.cosh_eta[own]) * rows["zside"][own][:, None])[keep]
        energy = pt * np.cosh(eta)
        found.append(
            {
                "cells": keep.sum(),
                "energy": energy.sum(),
                "simulated": (energy * rows["tc_signal"][own][keep]).sum(),
                "eta_mean": eta.mean(),
                "eta_std": eta.std(),
                "signed_eta_mean": signed.mean(),
                "pt_mean": pt.mean(),
                "mip_pt_mean": mip[keep].mean(),
                "weighted_eta_mean": np.average(eta, weights=energy),
                "weighted_signed_eta_mean": np.average(signed, weights=energy),
            }
        )
    return {key: np.mean([event[key] for event in found]) for key in found[0]}


@pytest.mark.parametrize("place", [0, 1])
def test_sums_are_those_of_a_plain_count(rows, place):
    expected = plainly(rows, ZERO_SUPPRESSIONS[place])
    found = means(of(UNTOUCHED, rows).events[place])
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, rel=1e-6), key
    assert abs(found["phi_mean"]) < np.pi


def test_phi_is_mirrored_at_negative_z(rows):
    at, side = places(modules(rows)), rows["zside"]
    for sign in (1, -1):
        inside = np.abs(np.angle(np.exp(1j * (at.phi.mean(axis=1) - rows["phi"]))))
        near = np.abs(rows["eta"]) < 2
        assert np.median(inside[(side == sign) & near]) < 0.1


def test_what_loses_nothing_conserves_everything(rows):
    found = of(UNTOUCHED, rows)
    by_kind = dict(zip(("modules", "adc_in", "adc_out", "pt_in", "pt_out"), found.modules.T[:5], strict=True))
    assert (by_kind["adc_in"] == by_kind["adc_out"]).all()
    assert (by_kind["pt_in"] == by_kind["pt_out"]).all()
    assert not found.modules[:, 6:].any()
    assert (by_kind["modules"] > 0).all()
    assert np.flatnonzero(found.ratios).tolist() == [40]


def test_fractions_and_charge_outside_are_counted_where_they_are(rows):
    def spoilt(given):
        counts = given.counts.astype(float)
        counts[~given.exists] = 2.0
        counts[:, 0] = 0.5
        return counts

    given = modules(rows)
    found = of(Codec("spoilt", spoilt, False), rows)
    assert found.modules[:, 6].sum() == len(given)
    outside = np.where(~given.exists, 2.0, 0.0)
    outside[:, 0] = np.where(given.exists[:, 0], 0, 0.5)
    assert found.modules[:, 7].sum() == pytest.approx((outside / given.cosh_eta).sum())
    assert found.modules[0, 7] == 0


def test_events_that_are_summed_apart_give_the_same_bits(rows):
    whole = of(CHIP["repeater"], rows)
    number = np.unique(rows["event"], return_inverse=True)[1]
    for event in range(number.max() + 1):
        own = {name: column[number == event] for name, column in rows.items()}
        assert (of(CHIP["repeater"], own).events[:, 0] == whole.events[:, event]).all()


def test_events_of_which_nothing_arrives_have_no_mean(rows):
    nothing = Codec("nothing", lambda given: np.zeros(given.calq.shape))
    found = means(of(nothing, rows).events[0])
    assert found["cells"] == 0
    assert found["eta_mean"] is None
    assert len(SUMS) + len(WEIGHTED) == of(nothing, rows).events.shape[2]


def test_errors_are_those_of_a_mean_of_events(rows):
    events = of(UNTOUCHED, rows).events[1]  # no zero suppression
    number = np.unique(rows["event"], return_inverse=True)[1]
    cells = np.bincount(number, (modules(rows).counts > 0).sum(axis=1))
    found = errors(events)
    assert found["cells"] == pytest.approx(np.sqrt(((cells - cells.mean()) ** 2).sum() / (len(cells) - 1) / len(cells)))
    assert means(events)["cells"] == pytest.approx(cells.mean())
    assert set(found) == set(means(events))
    assert errors(events[:1])["cells"] is None


def test_threshold_keeps_less_than_all_and_mixed_keeps_sums_of_groups(rows):
    compared = ("threshold", "threshold0", "repeater", "uncompressed", "bc", "bc-stc")
    energy = {name: means(of(CHIP[name], rows).events[1])["energy"] for name in compared}
    assert energy["threshold"] < energy["threshold0"]
    assert energy["threshold0"] == energy["repeater"] == pytest.approx(energy["uncompressed"], rel=0.05)
    assert energy["bc"] < energy["bc-stc"]


def test_blocks_are_whole_events_and_rows_bound_them(sample_file, monkeypatch):
    columns = samples.read(sample_file).columns
    test = columns["split"] == TEST
    monkeypatch.setattr(scoring, "BLOCK_ROWS", 100)
    blocks = scoring.blocks(sample_file, None)
    assert sorted(event for block in blocks for event in block.events) == np.unique(columns["event"][test]).tolist()
    assert len(scoring.blocks(sample_file, 1)) == 1
    with samples.Handle(sample_file) as handle:
        read = [scoring.read_block(handle, block) for block in blocks]
    assert sum(len(part["event"]) for part in read) == test.sum()


IMAGE = Format(False, 8, 1)
HANDED_ON = Graph("handed_on", (8, 8, 1), IMAGE, (Node("as_it_is", Quantize(Cast(IMAGE)), "input"),))


def evaluated(path, decode=lambda values: values, **wanted):
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).to_mapping()
    chain = Chain("whole", (DETECTOR.preprocess(front_end, "encoder", {}), HANDED_ON))
    firmware = Firmware.of_chains(front_end, {"encoder": chain})
    return evaluation.evaluate(firmware, path, {"decoder": decode}, Evaluation(None, **wanted), silent)


@pytest.fixture(scope="module")
def results(sample_file):
    return evaluated(sample_file, algorithms=("threshold", "uncompressed"), tolerance=0.06)


def test_identity_has_no_distance(results):
    straight = {row[0]: row for row in results.tables[0].rows}
    assert straight["charge before any code"][3:] == (0.0, 0.0, pytest.approx(0, abs=2e-3))


def test_a_check_names_what_is_not_conserved(results, sample_file):
    verdicts = {row[0]: row[-1] for table in results.tables if "tolerance 6 %" in table.title for row in table.rows}
    assert verdicts["charge before any code"] == "holds"
    assert verdicts["Threshold 1.35 mipT"] == "drops, as it is made to: ADC, pT"
    strict = evaluated(sample_file, algorithms=(), tolerance=0.0)
    assert strict.failures
    assert strict.failures[0].startswith("conservation within 0 %: encoder fails: ADC, pT")


def test_samples_without_places_are_scored_without_conservation(sample_file, tmp_path):
    sample = samples.read(sample_file)
    kept = {name: sample.columns[name] for name in ("event", "codes", "charge", "split", "eta")}
    samples.write(samples.Sample(kept, {}, {}), tmp_path / "bare.h5")
    results = evaluated(tmp_path / "bare.h5", algorithms=("repeater",))
    why = "bare.h5: the sample does not say where its modules are: layer, u, v, zside"
    assert results.tables[-1].rows == (("conservation", why), ("clusters", why))
    assert evaluation.failures


def test_histograms_give_the_quantiles_of_what_they_count():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 3, 5000), rng.gamma(2, 1, 5000)
    edges, fine = np.arange(4.0), np.linspace(0, 30, 6001)
    index = np.minimum(np.searchsorted(edges, x, side="right") - 1, 2)
    counts = np.stack([np.histogram(y[index == k], fine)[0] for k in range(3)])
    binned, exact = histogram_profile(counts, edges, fine), profile(x, y, edges)
    for name in ("median", "low", "high"):
        np.testing.assert_allclose(getattr(binned, name), getattr(exact, name), atol=0.01)
    assert (binned.entries == exact.entries).all()
    assert histogram_median(counts.sum(axis=0), fine) == pytest.approx(np.median(y), abs=0.01)
    assert np.isnan(histogram_median(np.zeros(3, int), np.arange(4)))


def test_link_allocations_reach_the_tables(sample_file):
    assert evaluation._title(CHIP["bc"], LinkAllocation(5)) == "best choice, 5 links"
    assert evaluation._title(CHIP["repeater"], LinkAllocation(5)) == "all trigger cells (repeater)"
    assert totals.emd_edges()[-1] == geometry.emd_cost().max()
