"""The evaluation: closure first, references computed, nothing that trained is scored."""

import json

import numpy as np
import pytest

from qcompress.detectors import TEST, Firmware
from qcompress.detectors.hgcal import baselines, evaluation, geometry, samples, simulation
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.fixedpoint import Cast, Format
from qcompress.graph import Graph, Node, Quantize
from qcompress.progress import silent

IMAGE = Format(False, 8, 1)
LOSSLESS = Graph("lossless", (8, 8, 1), IMAGE, (Node("as_it_is", Quantize(Cast(IMAGE)), "input"),))
"""An encoder that hands on its image."""
AS_DECODED = {"decoding": dict.fromkeys(("preserve_sum", "integer_adc", "existing_cells"), False)}


@pytest.fixture(scope="module")
def sample_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "sample.h5"
    simulation.simulate("electron-200pu-axis", 120, 9, path)
    return path


def lossless_firmware():
    front_end = FrontEnd.autoencoder(geometry.AE_CHANNEL.tolist()).to_mapping()
    return Firmware(front_end, {"encoder": LOSSLESS}, {"encoder": LOSSLESS.run}, AS_DECODED)


def table(path, decode, rows=200):
    results = evaluation.evaluate(lossless_firmware(), path, {"decoder": decode}, rows, silent)
    return {row[0]: row for row in results.tables[0].rows}, results


def test_a_codec_that_loses_nothing_scores_what_the_normaliser_leaves(sample_file):
    rows, results = table(sample_file, lambda values: values)
    assert rows["encoder"][2:] == rows["all trigger cells, normalised to 8 bits"][2:]
    assert rows["all trigger cells, 4E3M"][3] < rows["encoder"][3] < 0.5 < rows["mean image"][3]
    assert results.summary["emd_mean"] == rows["encoder"][3]


def test_a_mirrored_decoder_is_caught(sample_file):
    straight, _ = table(sample_file, lambda values: values)
    mirrored, _ = table(sample_file, lambda values: values[:, :, ::-1])
    assert mirrored["encoder"][3] > 5 * straight["encoder"][3]


def test_only_test_events_are_scored(sample_file):
    sample = samples.read(sample_file)
    rows, _ = table(sample_file, lambda values: values, rows=10**6)
    assert rows["encoder"][1] == (sample["split"] == TEST).sum()


def test_baselines_by_hand():
    training = np.array([[1.0, 3.0], [0.0, 0.0], [3.0, 1.0], [2.0, 2.0]])
    assert baselines.mean_image(training, 2).tolist() == [[0.5, 0.5], [0.5, 0.5]]
    assert baselines.uniform_image(1, 4).tolist() == [[0.25] * 4]
    cut = 1.35 * 35.1
    assert baselines.threshold(np.array([[cut, cut - 0.01, 100.0]])).tolist() == [[cut, 0.0, 100.0]]


def test_the_candidates_tables_and_figure_are_there(econt_candidate):
    figures = json.loads((econt_candidate / "manifest.json").read_text())["steps"]["evaluate"]["figures"]
    names = [row[0] for row in figures["tables"][0]["rows"]]
    assert names == [
        "encoder",
        "weights of the encoder in the chip's arithmetic",
        "STC4/16, sum at the largest, 2 links",
        "STC4/16, sum shared equally, 2 links",
        "best choice, 2 links",
        "threshold 1.35 mipT, no link limit",
        "mean image",
        "uniform image",
        "all trigger cells, 4E3M",
        "all trigger cells, normalised to 8 bits",
    ]
    assert (econt_candidate / "evaluation" / "emd_occupancy.png").stat().st_size > 10_000
    page = (econt_candidate / "report.html").read_text()
    assert "Codes that differ from the reference interpreter" in page
    assert "data:image/png;base64," in page
    assert "http" not in page.replace("http-equiv", "")
