"""The candidate on the public input words: emulate = Keras = hls4ml's C simulation = RTL, every latent of every row."""

import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from qcompress.candidate import Candidate
from qcompress.detectors.hgcal.detector import DETECTOR
from qcompress.detectors.hgcal.econt.frontend import FrontEnd, normalise
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.detectors.hgcal.encoder import models
from qcompress.detectors.hgcal.encoder.options import EncoderOptions
from qcompress.frontends.qkeras import KerasBody, load_model
from qcompress.targets import TARGETS
from qcompress.targets.rtl.constant import Rtl
from qcompress.training.fit import make_deterministic

REAL_INPUT = "econt/mcDataset/testInput.csv"
LATENTS = [f"LATENT_{k}" for k in range(16)]


@pytest.fixture(scope="module")
def emulated(econt_candidate, data_file, qcompress, tmp_path_factory):
    target = tmp_path_factory.mktemp("emulated") / "out.csv"
    done = qcompress("emulate", econt_candidate, data_file(REAL_INPUT), target)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(target, dtype={"WORD": str})


@pytest.fixture(scope="module")
def input_codes(econt_candidate, data_file):
    front_end = FrontEnd.from_mapping(Candidate.open(econt_candidate).manifest["front_end"])
    return np.concatenate([normalise(front_end.charges(w.codes)) for w in read_words(data_file(REAL_INPUT))])


def test_emulate_writes_every_bunch_crossing(emulated):
    assert len(emulated) == 3564
    assert (emulated["BX"] == np.arange(3564)).all()
    words = [int(word, 16) for word in emulated["WORD"]]
    assert emulated["WORD"].str.len().eq(12).all()
    for k, name in enumerate(LATENTS):
        assert [(word >> 3 * k) & 7 for word in words] == emulated[name].tolist()
    assert emulated[LATENTS].to_numpy().any()


def test_the_first_row_by_hand(emulated, data_file):
    """Charge sum of the first bunch crossing from its hexadecimal words, in plain integers."""
    words = data_file(REAL_INPUT).read_text().splitlines()[1].split(",")
    total = 0
    for word in words:
        for shift in (21, 14, 7, 0):
            code = int(word, 16) >> shift & 0x7F
            exponent, mantissa = code >> 3, code & 7
            value = mantissa if exponent == 0 else (mantissa << exponent - 1) + (1 << exponent + 2)
            total += (value << 3) + (1 << max(exponent - 1, 0) + 2)
    assert emulated["CALQ_SUM"][0] == total


def test_no_latent_differs_in_the_hls_project(econt_candidate, emulated, input_codes):
    graph = Candidate.open(econt_candidate).graphs()["encoder"]
    got = TARGETS["hls"].open(graph, econt_candidate / "hls" / "encoder").run(input_codes)
    assert got.size == 57_024
    assert np.count_nonzero(got != emulated[LATENTS].to_numpy()) == 0


@pytest.mark.campaign
def test_no_latent_differs_in_the_verilog_of_an_encoder_of_two_filters(input_codes, tmp_path):
    """A quarter of the candidate's, whose Verilog takes minutes to compile and is verified by the demo."""
    make_deterministic(1)
    options = EncoderOptions(filters=2, latent_bits=5)
    encoder, rng = models.build(options).quantized, np.random.default_rng(7)
    for layer in ("convolution", "dense"):
        kernel = encoder.get_layer(layer).kernel
        kernel.assign(rng.uniform(-0.3, 0.5, kernel.shape))
    graph = DETECTOR.graph("encoder", encoder, options)
    got = Rtl(optimization="0").build(graph, tmp_path / "rtl").run(input_codes)
    assert got.size == 57_024
    assert len(np.unique(got)) > 2
    assert np.count_nonzero(got != graph.run(input_codes)) == 0


def test_no_latent_differs_in_keras(econt_candidate, emulated, input_codes):
    candidate = Candidate.open(econt_candidate)
    body = KerasBody(load_model(candidate.model("encoder")), candidate.graphs()["encoder"])
    assert np.count_nonzero(body.run(input_codes) != emulated[LATENTS].to_numpy()) == 0


def test_the_order_of_trigger_cells_can_be_replaced(econt_candidate, data_file, qcompress, tmp_path, emulated):
    done = qcompress("emulate", econt_candidate, data_file(REAL_INPUT), tmp_path / "lsb.csv", "--tc-order", "lsb")
    assert done.returncode == 0, done.stderr
    lsb = pd.read_csv(tmp_path / "lsb.csv", dtype={"WORD": str})
    assert (lsb["CALQ_SUM"] == emulated["CALQ_SUM"]).all()
    assert (lsb[LATENTS] != emulated[LATENTS]).any(axis=None)


def test_a_copied_candidate_emulates_without_tensorflow(
    econt_candidate, fresh_qcompress, tmp_path, data_file, emulated
):
    copy = tmp_path / "copy"
    shutil.copytree(econt_candidate, copy, ignore=shutil.ignore_patterns("hls", "rtl", "model", "sample"))
    block = tmp_path / "site"
    block.mkdir()
    for name in ("tensorflow", "keras", "ot", "alkaid", "hls4ml"):
        (block / f"{name}.py").write_text("raise SystemError('a heavy library was imported')\n")
    path = f"{block}:{':'.join(p for p in sys.path if p)}"
    done = fresh_qcompress("emulate", copy, data_file(REAL_INPUT), tmp_path / "out.csv", PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv", dtype={"WORD": str}), emulated)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a" * 8 + "," + "xyzxyzxy," + ",".join(["a0000000"] * 10), "row 2"),
        (",".join(["a0000000"] * 11), "row 2"),
        (",".join(["a0000000"] * 11 + ["a000"]), "row 2"),
        (",".join(["30000000"] * 12), "row 2"),
    ],
)
def test_malformed_words_are_one_line_and_leave_no_file(econt_candidate, qcompress, tmp_path, line, message):
    good = ",".join(["90000000"] * 12)
    path = tmp_path / "words.csv"
    path.write_text(",".join(f"RX_DATA_{k}" for k in range(12)) + f"\n{good}\n{line}\n{good}\n")
    done = qcompress("emulate", econt_candidate, path, tmp_path / "out.csv")
    assert done.returncode == 2
    assert message in done.stderr
    assert "words.csv" in done.stderr
    assert done.stderr.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["words.csv"]


def test_wrong_order_missing_input_and_unwritable_output_are_one_line(econt_candidate, qcompress, tmp_path):
    (tmp_path / "words.csv").write_text(
        ",".join(f"RX_DATA_{k}" for k in range(12)) + "\n" + ",".join(["90000000"] * 12) + "\n"
    )
    for arguments, message in [
        ((tmp_path / "words.csv", tmp_path / "out.csv", "--tc-order", "middle"), "neither msb nor lsb"),
        ((tmp_path / "none.csv", tmp_path / "out.csv"), "no such input file"),
        ((tmp_path / "words.csv", tmp_path / "nowhere" / "out.csv"), "cannot be written"),
    ]:
        done = qcompress("emulate", econt_candidate, *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert message in done.stderr


def test_the_manifest_carries_the_front_end(econt_candidate):
    front_end = json.loads((econt_candidate / "manifest.json").read_text())["front_end"]
    assert front_end["density"] == "HD"
    assert front_end["drop"] == 3
    assert front_end["calibration"] == [2048] * 48
    assert sorted(front_end["mux"]) == list(range(48))
    assert front_end["tc_order"] == "msb"
