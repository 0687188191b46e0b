"""The evaluation: closure first, references computed, nothing that trained is scored."""

import json
import re

import numpy as np
import pytest

from qcompress.detectors import TEST, TRAIN, Evaluation, Firmware
from qcompress.detectors.hgcal import samples
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.evaluation import results as evaluation
from qcompress.detectors.hgcal.evaluation.algorithms import decoded
from qcompress.detectors.hgcal.evaluation.events import LinkAllocation
from qcompress.detectors.hgcal.evaluation.learned import learn
from qcompress.detectors.hgcal.module import geometry
from qcompress.detectors.hgcal.simulation import fast_simulation
from qcompress.errors import QcompressWarning
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Chain, Graph, Node, Quantize
from qcompress.progress import silent

IMAGE = Format(False, 8, 1)
LOSSLESS = Graph("lossless", (8, 8, 1), IMAGE, (Node("as_it_is", Quantize(Cast(IMAGE)), "input"),))
"""An encoder that hands on its image."""
AS_DECODED = {"decoding": dict.fromkeys(("preserve_sum", "integer_adc", "existing_cells"), False)}


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.h5"
    fast_simulation.simulate("electron-200pu-axis", 120, 9, path)
    return path


def lossless_firmware():
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).to_mapping()
    chain = Chain("whole", (DETECTOR.preprocess(front_end, "encoder", {}), LOSSLESS))
    return Firmware.of_chains(front_end, {"encoder": chain}, **AS_DECODED)


def table(path, decode, rows=200):
    results = evaluation.evaluate(lossless_firmware(), path, {"decoder": decode}, Evaluation(rows), silent)
    return {row[0]: row for row in results.tables[0].rows}, results


@pytest.fixture(scope="module")
def straight(sample_file):
    """What an encoder and a decoder score that hand on what they are given."""
    return table(sample_file, lambda values: values)


def test_a_codec_that_loses_nothing_scores_what_the_normaliser_leaves(straight):
    rows, results = straight
    assert rows["encoder"][2:] == rows["all trigger cells, normalised to 8 bits"][2:]
    assert rows["all trigger cells (repeater)"][3] < rows["encoder"][3] < 0.5 < rows["mean image"][3]
    assert results.summary["emd_mean"] == rows["encoder"][3]


def test_what_comes_back_as_it_was_has_a_distance_of_0(straight):
    rows, _ = straight
    assert rows["charge before any code"][2:] == (0, 0.0, 0.0, 0.0)


def test_a_mirrored_decoder_is_caught(sample_file, straight):
    mirrored, _ = table(sample_file, lambda values: values[:, :, ::-1])
    assert mirrored["encoder"][3] > 5 * straight[0]["encoder"][3]


def test_clusters_are_refused_where_they_would_mislead(sample_file, straight, tmp_path):
    def why(path):
        with samples.Handle(path) as handle:
            return evaluation.why_no_clusters(handle)

    _, results = straight
    reason = "the sample holds the modules along an axis, not whole events"
    left_out = [row for found in results.tables if found.title == "Left out" for row in found.rows]
    assert (left_out, why(sample_file)) == ([("clusters", f"sample.h5: {reason}")], reason)
    whole = tmp_path / "whole.h5"
    fast_simulation.simulate("photon-0pu", 4, 5, whole)
    sample = samples.read(whole)
    assert why(whole) is None
    without = tmp_path / "without.h5"
    samples.write(samples.Sample(sample.columns, {}, sample.origin), without)
    assert why(without).startswith("the sample has no generated particles (event, ")
    selected = tmp_path / "selected.h5"
    samples.write(samples.Sample(sample.columns, sample.particles, {**sample.origin, "selections": [{}]}), selected)
    assert why(selected) == "the sample is a selection of modules, not whole events"


def test_only_test_events_are_scored(sample_file):
    sample = samples.read(sample_file)
    rows, _ = table(sample_file, lambda values: values, rows=10**6)
    assert rows["encoder"][1] == (sample["split"] == TEST).sum()


def test_the_mean_image_is_that_of_the_training_events(sample_file):
    sample = samples.read(sample_file)
    own = sample["split"] == TRAIN
    charge = decoded("uncompressed", {name: column[own] for name, column in sample.columns.items()})
    charge = charge[charge.sum(axis=1) > 0]
    shares = (charge / charge.sum(axis=1, keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(
        geometry.channels_to_train(shares[None])[0], learn(sample_file, LinkAllocation()).mean_image
    )


def test_the_candidates_tables_and_figure_are_there(econt_candidate):
    figures = json.loads((econt_candidate / "manifest.json").read_text())["steps"]["evaluate"]["figures"]
    names = [row[0] for row in figures["tables"][0]["rows"]]
    assert names == [
        "encoder",
        "weights of the encoder in the chip's arithmetic",
        "charge before any code",
        "all trigger cells (repeater)",
        "Threshold 1.35 mipT",
        "Threshold 1.35 mipT, rest spread equally",
        "Threshold 1.35 mipT, rest spread if a cell is sent",
        "Threshold 0",
        "best choice, 2 links",
        "best choice, rest spread equally, 2 links",
        "STC4/16, sum at the largest, 2 links",
        "STC4/16, sum shared equally, 2 links",
        "mixed BC+STC, 2 links",
        "mixed BC+STC, sum shared equally, 2 links",
        "mixed BC+STC, rest and sum spread equally, 2 links",
        "mixed BC+STC, rest spread if a cell is sent, sum at the largest, 2 links",
        "Threshold 1.35 mipT, rest by regression",
        "best choice, rest by regression, 2 links",
        "STC4/16, sum by regression, 2 links",
        "mixed BC+STC, rest and sum by regression, 2 links",
        "all trigger cells, normalised to 8 bits",
        "mean image",
        "uniform image",
    ]
    for name in ("emd_occupancy", "emd_max_charge", "conservation", "wafers"):
        assert (econt_candidate / "evaluation" / f"{name}.png").stat().st_size > 10_000
    written = json.loads((econt_candidate / "evaluation" / "results.json").read_text())
    assert written == figures
    page = (econt_candidate / "report.html").read_text()
    assert "Codes that differ from the reference interpreter" in page
    assert "data:image/png;base64," in page
    assert "http" not in re.sub(r"base64,[^\"]*", "", page).replace("http-equiv", "")


def test_calibrated_charges_are_drawn_as_they_are_scored(sample_file, tmp_path, monkeypatch):
    """CALQ of a file is transverse already: nothing divides it by cosh eta again."""
    sample = samples.read(sample_file)
    origins = {"simulated": sample.origin, "modules.csv": {"kind": "csv", "files": ["modules.csv"], "charge": "CALQ"}}
    drawn, headings = {}, {}

    def figures(firmware, known, shown, titles):
        drawn[name] = shown
        return {}

    def profile_figure(profiles, x, y, heading):
        headings[name] = heading

    monkeypatch.setattr(evaluation.module_maps, "figures", figures)
    monkeypatch.setattr(evaluation, "profile_figure", profile_figure)
    for name, origin in origins.items():
        samples.write(samples.Sample(sample.columns, {}, origin), tmp_path / f"{name}.h5")
        table(tmp_path / f"{name}.h5", lambda values: values, rows=20)
    counts = drawn["simulated"].counts
    assert np.array_equal(drawn["modules.csv"].charge, counts)
    assert (drawn["simulated"].charge[counts > 0] < counts[counts > 0]).all()
    assert headings == {
        "simulated": "qcompress HGCAL fast simulation, electron-200pu-axis, test events",
        "modules.csv": "modules.csv (csv), test events",
    }


def test_a_module_that_stands_twice_in_an_event_is_said(sample_file, tmp_path):
    assert evaluation.repeated(sample_file) == []
    sample = samples.read(sample_file)
    twice = np.concatenate([np.arange(len(sample)), [3, 5]])
    order = np.argsort(sample["event"][twice], kind="stable")
    columns = {name: column[twice][order] for name, column in sample.columns.items()}
    samples.write(samples.Sample(columns, {}, sample.origin), tmp_path / "twice.h5")
    with pytest.warns(QcompressWarning, match="2 rows are of modules that stand in an event that has them already"):
        (found,) = evaluation.repeated(tmp_path / "twice.h5")
    assert found.rows[0][0] == 2
