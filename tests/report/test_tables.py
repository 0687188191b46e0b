"""One unit for a quantity: shares are in per cent wherever people read them, and the head of the column says so."""

import re
from dataclasses import replace

import numpy as np
import pytest
from helpers.scored_frames import scored_frames
from helpers.track_frames import straight_tracks

from qcompress.candidate import Candidate
from qcompress.candidate.figures import (
    EvaluationFigures,
    GraphFigures,
    LandscapeFigures,
    QuantizationFigures,
)
from qcompress.detectors import load_detector
from qcompress.detectors.hgcal.evaluation.conservation import OF_MODULES
from qcompress.detectors.hgcal.evaluation.totals import Totals, module_table, verdicts
from qcompress.detectors.lartpc import samples
from qcompress.detectors.lartpc.evaluation import hit_results
from qcompress.detectors.lartpc.roi import results as roi
from qcompress.detectors.tpc.evaluation import ceiling, resolution, results, tracks
from qcompress.frontends.post_training.figures import Cost, LayerCost, OutputCost
from qcompress.report.comparison import comparison_table
from qcompress.report.implementations import Row
from qcompress.report.pareto import axis_label
from qcompress.report.tables import candidate_tables, landscape_tables, quantization_tables
from qcompress.report.verdict import Line, verdict

SHARE = re.compile(
    r"efficien|fake|clone|looper|purity|accuracy|\biou\b|balanced|saved|fractional|outside/in|saturated|zeros|convex|"
    r"variance|relative|share|rejected|fewer|lost|\bloss\b(?= allowed)|changed|differing$|wrong|^shower|^track(?!s)|"
    r"charge (?:bias|shift|rms)",
    re.I,
)
"""Words of columns that are parts of a whole."""
NO_SHARES = ("differing", "clusters of a track")
"""Columns of counts with such a word."""


def candidate_of(tmp_path, detector):
    about = {"name": "net", "detector": detector, "config": None, "seed": 0, "front_end": {}, "versions": {}}
    return Candidate.create(tmp_path / "net", {**about, "hardware": {}})


def made_up_totals():
    """One algorithm: of 50 charges a fifth are fractions, a 40th of the charge lies where there is no cell."""
    of = {"modules": 10, "adc_in": 400, "adc_out": 398, "pt_in": 8, "pt_out": 8, "cells": 50, "fractional": 10}
    modules = np.array([[{**of, "outside": 10}[name] for name in OF_MODULES], [0] * len(OF_MODULES)], float)
    empty = np.zeros(0)
    return Totals(*[empty] * 7, events=[], modules=[modules], ratios=[])


def hgcal_tables():
    totals = made_up_totals()
    return [module_table(totals, ["a"]), verdicts(totals, ["a"], 0.05)]


def tpc_tables():
    frames = scored_frames(4, 400, 1)
    counts = np.array([[100.0, 18, 7, 5, 80, 10, 5, 3, 60, 50, 47]] * 2)
    return [
        results.threshold_table(frames, 0.05),
        results.saving_table(frames),
        tracks.tracks_table(straight_tracks(frames=2, tracks=4, noise=100, seed=3)),
        ceiling.shares_table("made up", counts),
        ceiling.savings_table("made up", counts),
    ]


def lartpc_tables():
    rng = np.random.default_rng(1)
    signal = np.arange(400) % 2 == 1
    scored = roi.Scored(
        np.arange(400) // 40, 10.0 * signal, rng.normal(0, 1, 400) + 2 * signal, rng.random(400), np.ones(400)
    )
    kinds = rng.choice([samples.SHOWER, samples.TRACK], 100).astype("u1")
    hits = hit_results.Hits(np.arange(100) // 10, kinds, kinds.astype(int), np.ones(100))
    scores = hit_results._scores_table("made up", hits, {"network": hits.decided}, 3)
    points = roi.points_table(scored.logit, scored.peak, scored.weight, 0.0)
    return [roi.operating_table(scored, 0.5), points, roi.peak_table(scored), scores]


def networks_tables():
    """The landscape's and the quantization's, of shares that are known."""
    change = QuantizationFigures(0.25, 0.0, 0.1)
    landscape = LandscapeFigures(10, 0.5, 0.4, (0.0, 0.1), 2.0, (0.5, 0.25), 0.75, {"weights": {"dense": change}})
    cost = Cost(10, (OutputCost("out", 0.1, 0.01, 0.125),), (LayerCost("dense", "fixed<8,1>", 0.03125, 0.0625, 0),))
    graph = GraphFigures(quantization=cost)
    return [*landscape_tables({"net": landscape}), *quantization_tables({"net": graph})]


@pytest.mark.parametrize("tables", [hgcal_tables, tpc_tables, lartpc_tables, networks_tables])
def test_every_column_of_a_share_is_in_per_cent_and_says_so(tables):
    found = [column for table in tables() for column in table.columns]
    shares = [column for column in found if SHARE.search(column) and column not in NO_SHARES]
    assert shares
    assert [column for column in shares if not column.endswith("[%]")] == []


def test_errors_of_a_figure_in_per_cent_are_in_per_cent():
    for table in [*tpc_tables(), *lartpc_tables()]:
        for before, column in zip(table.columns, table.columns[1:], strict=False):
            assert column != "error" or "[%]" not in before, table.title


def test_the_candidate_of_the_readme_shows_every_share_in_per_cent(econt_candidate):
    columns = [column for table in candidate_tables(Candidate.open(econt_candidate)) for column in table.columns]
    shares = {column for column in columns if SHARE.search(column) and column not in NO_SHARES}
    assert {"fractional [%]", "outside/in [%]"} <= shares
    assert all(column.endswith("[%]") for column in shares)


def test_cells_are_the_shares_times_a_hundred():
    modules, conserved = hgcal_tables()
    assert modules.rows[0][modules.columns.index("fractional [%]")] == 20
    assert conserved.rows[0][1:5] == (0.995, 1, 20, 2.5)
    loss, layers, outputs, costs = networks_tables()
    assert loss.rows[0][-2:] == (75, 75)
    assert layers.rows[0][3] == 25
    assert outputs.rows[0][-1] == 12.5
    assert costs.rows[0][3:5] == (3.125, 6.25)
    first = tpc_tables()[1]
    assert [row[0] for row in first.rows] == [1, 5]


def test_the_residual_of_the_charge_is_in_per_cent_as_its_row_says():
    scored = scored_frames(4, 400, 1)
    chosen = resolution.known(scored) & (scored.label == 1)
    (row,) = [row for row in resolution.resolution_table(scored).rows
              if row[:3] == ("one cluster", "charge [%]", "classical")]  # fmt: skip
    assert row[5] == pytest.approx(100 * resolution.residuals(scored, "charge", chosen)["classical"].std())


@pytest.mark.parametrize("detector", ["tpc", "lartpc"])
def test_scores_that_are_shares_are_in_per_cent_in_comparison_verdict_and_figure(detector, tmp_path):
    own = load_detector(detector)
    scores = dict.fromkeys([*own.score_labels, *own.more_scores], 0.5)
    row = Row("a", "rtl", {"lut": 1}, {"lut": "mapped"}, scores, own.score_labels, own.shares)
    table = comparison_table([row, replace(row, scores={})])
    for name in scores:
        words, value = name.replace("_", " "), 50 if name in own.shares else 0.5
        title = f"{words} [%]" if name in own.shares else words
        assert table.rows[0][table.columns.index(title)] == value
        assert axis_label([row], name).endswith(" [%]") == (name in own.shares)
        assert bool(SHARE.search(words)) == (name in own.shares), name
    lines = verdict(candidate_of(tmp_path, detector), EvaluationFigures(scores, ()))
    assert Line(own.score_labels["auc"], "0.5", "open") in lines
    assert sum(line.words == "50 %" for line in lines) == len(own.shares)
