"""A candidate in the chip's arithmetic: registers, chip model, graph and C simulation give the same latents."""

import numpy as np
import pandas as pd
import pytest
from helpers.paths import ROOT

from qcompress.candidate import Candidate
from qcompress.detectors.hgcal.econt.autoencoder import sent_bits
from qcompress.detectors.hgcal.econt.chip import decode_chip, run_chip
from qcompress.detectors.hgcal.econt.frontend import normalise
from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph
from qcompress.detectors.hgcal.econt.registers import read_registers, weights_from_registers
from qcompress.detectors.hgcal.econt.word_files import OUTPUT_HEX, find_layout, read_rows
from qcompress.detectors.hgcal.econt.words import Words, read_words
from qcompress.targets import TARGETS

REAL_INPUT = "econt/mcDataset/testInput.csv"
SMALLER = {
    **{
        "rtl: verilog": "rtl: null",
        "events: 4000": "events: 250",
        "epochs: 100": "epochs: 6",
        "xla: true": "xla: false",
    },
    **{"rows: 2000": "rows: 200", "rows: 4000": "rows: 50", "machine: portable": "machine: native"},
}
"""What makes the chip's candidate smaller: fewer events, and no RTL, which is as large as the exact one's."""


@pytest.fixture(scope="module")
def chip_candidate(qcompress, tmp_path_factory):
    """The chip's candidate, trained for a few epochs."""
    folder = tmp_path_factory.mktemp("chip")
    config = folder / "config.yaml"
    text = (ROOT / "firmware_configs" / "econt_48bit_chip.yaml").read_text()
    for line, smaller in SMALLER.items():
        assert line in text
        text = text.replace(line, smaller)
    config.write_text(text)
    done = qcompress("run", config, "--out", folder / "c")
    assert done.returncode == 0, done.stderr
    return folder / "c"


@pytest.fixture(scope="module")
def init_yaml(chip_candidate, qcompress, tmp_path_factory, data_file):
    path = tmp_path_factory.mktemp("registers") / "init.yaml"
    done = qcompress("econt", "registers", chip_candidate, path, "--words", data_file(REAL_INPUT))
    assert done.returncode == 0, done.stderr
    assert "2144 weights, 2 links, 48 of 144 latent bits sent" in done.stdout
    assert "of 128 activations and" in done.stdout
    assert "of 3564 rows" in done.stdout
    return path


def random_words(rows):
    """Codes as a busy, an ordinary and an almost empty module have them."""
    rng = np.random.default_rng(11)
    codes = rng.integers(0, 128, (rows, 48)) * (rng.random((rows, 48)) < rng.choice([0.05, 0.4, 1.0], (rows, 1)))
    return Words(np.arange(rows) % 3564, codes)


@pytest.mark.parametrize("rows", ["real", "random"])
def test_registers_loaded_into_the_chip_give_the_candidates_latents(rows, chip_candidate, init_yaml, data_file):
    registers = read_registers(init_yaml)
    words = list(read_words(data_file(REAL_INPUT))) if rows == "real" else [random_words(20_000)]
    links = run_chip(registers, words)
    received = np.concatenate([part.fields.latent for part in decode_chip(registers, links)]) >> 6
    images = np.concatenate([normalise(registers.front_end.charges(part.codes)) for part in words])
    graph = Candidate.open(chip_candidate).graphs()["encoder"]
    expected = graph.run(images)
    assert len(np.unique(expected)) > 2
    assert np.count_nonzero(received != expected) == 0
    simulated = TARGETS["hls"].open(graph, chip_candidate / "hls" / "encoder").run(images)
    assert np.count_nonzero(simulated != expected) == 0


def test_emulate_gives_the_latents_that_the_chip_sends(chip_candidate, init_yaml, qcompress, data_file, tmp_path):
    source = data_file(REAL_INPUT)
    assert qcompress("emulate", chip_candidate, source, tmp_path / "latents.csv").returncode == 0
    assert qcompress("econt", "run", init_yaml, source, tmp_path / "links.csv").returncode == 0
    fields = tmp_path / "fields.csv"
    decoded = qcompress("econt", "decode", init_yaml, tmp_path / "links.csv", "--fields", fields)
    assert (decoded.returncode, decoded.stdout) == (0, "3564 frames decoded\n"), decoded.stderr
    emulated, sent = pd.read_csv(tmp_path / "latents.csv"), pd.read_csv(fields)
    for k in range(16):
        assert (emulated[f"LATENT_{k}"] == sent[f"latent_{k}"] // 64).all()


@pytest.mark.campaign
def test_the_published_latents_in_hls_c_simulation(data_file, tmp_path):
    """The chip's graph of the published registers through hls4ml: the reference vectors' 57,024 latents."""
    folder = data_file("econt/mcDataset/AE_8x8_c8_S2_ele_qkeras")
    registers = read_registers(folder / "init.yaml").with_links(2)
    links = read_rows(folder / "testOutput.csv", *find_layout(folder / "testOutput.csv", OUTPUT_HEX), 3564)
    sent = np.concatenate([part.fields.latent for part in decode_chip(registers, links)])
    words = read_words(data_file(REAL_INPUT), tc_order=registers.front_end.tc_order)
    images = np.concatenate([normalise(registers.front_end.charges(part.codes)) for part in words])
    graph = chip_graph(weights_from_registers(registers))
    TARGETS["hls"].build(graph, tmp_path / "hls")
    latents = TARGETS["hls"].open(graph, tmp_path / "hls").run(images)
    assert latents.size == 57_024
    assert np.count_nonzero(graph.run(images) != latents) == 0
    every = np.array([sum(((1 << w) - 1) << s for la, s, w in sent_bits(registers) if la == k) for k in range(16)])
    assert every.any()
    assert np.count_nonzero((latents & every) != sent) == 0


def test_an_exact_candidate_is_refused_saying_why(econt_candidate, qcompress, tmp_path):
    done = qcompress("econt", "registers", econt_candidate, tmp_path / "init.yaml")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "the chip floors every product" in done.stderr
    assert not (tmp_path / "init.yaml").exists()


def test_too_few_links_and_unwritable_files_are_one_line(chip_candidate, qcompress, tmp_path):
    for arguments, message in [
        ((chip_candidate, tmp_path / "i.yaml", "--etx", "1"), "--etx 1: 16 latents of 3 bits need 2 links"),
        ((chip_candidate, tmp_path / "no" / "i.yaml"), "cannot be written"),
        ((chip_candidate, tmp_path / "i.yaml", "--words", tmp_path / "none.csv"), "none.csv"),
        ((tmp_path, tmp_path / "i.yaml"), "no firmware candidate"),
    ]:
        done = qcompress("econt", "registers", *arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert message in done.stderr
    assert not list(tmp_path.iterdir())
