"""The chip's encoder in Verilog gives the reference vectors, with the chip's own register blocks, reloaded at will."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qcompress.detectors.hgcal.econt import autoencoder
from qcompress.detectors.hgcal.econt.registers import read_registers, registers_from_weights, weights_from_registers
from qcompress.detectors.hgcal.econt.rtl import ChipBody, build_chip, chip_layout, chip_verilog
from qcompress.detectors.hgcal.econt.weights import BLOCKS, COUNT, EncoderWeights
from qcompress.detectors.hgcal.econt.word_files import OUTPUT_HEX, find_layout, read_rows
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.errors import QcompressError

CASE = "econt/mcDataset/AE_8x8_c8_S2_ele_qkeras"


@pytest.fixture(scope="module")
def folded(data_file: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> ChipBody:
    """The chip of the published registers, folded 16 times: the quickest to compile."""
    registers = read_registers(data_file(f"{CASE}/init.yaml")).with_links(2)
    return build_chip(registers, tmp_path_factory.mktemp("chip"), reuse=16)


def test_all_rows_of_the_reference_vectors(folded: ChipBody, data_file: Callable[[str], Path]) -> None:
    registers = read_registers(data_file(f"{CASE}/init.yaml")).with_links(2)
    (words,) = read_words(data_file("econt/mcDataset/testInput.csv"), "lsb", 4000)
    path = data_file(f"{CASE}/testOutput.csv")
    layout, skip = find_layout(path, OUTPUT_HEX)
    (expected,) = read_rows(path, layout, skip, 4000)
    blocks = weights_from_registers(registers).to_blocks()
    (found,) = folded.run([(blocks, registers.front_end.charges(words.codes), words.bx)])
    assert found.shape == (3564, 2)
    assert np.count_nonzero(found != expected[:, :2]) == 0


def test_reloading_between_events_and_extreme_charges(folded: ChipBody, data_file: Callable[[str], Path]) -> None:
    """A few events for each of several weight sets, empty modules and the largest charges among them."""
    registers = read_registers(data_file(f"{CASE}/init.yaml")).with_links(2)
    rng = np.random.default_rng(2)
    parts, expected = [], []
    for turn in range(12):
        weights = EncoderWeights.from_list(rng.integers(-32, 32, COUNT))
        calq = (rng.integers(0, 1 << 22, (1 + turn % 4, 48)) >> rng.integers(0, 22, (1 + turn % 4, 48))).astype(
            np.int64
        )
        calq[rng.random(calq.shape) < 0.5] = 0
        if turn % 4 == 3:
            calq[:3] = [[0] * 48, [2**22 - 1] * 48, [1] + [0] * 47]
        bx = rng.choice([0, 1, 16, 31, 3563], len(calq))
        own = registers_from_weights(weights, registers.front_end, 2)
        own = dataclasses.replace(own, keep_mask=registers.keep_mask)
        parts.append((weights.to_blocks(), calq, bx))
        expected.append(autoencoder.pack(autoencoder.compute(calq, bx, own), own)[:, :2])
    for found, wanted in zip(folded.run(parts), expected, strict=True):
        assert np.array_equal(found, wanted)


def test_the_layout_is_the_chips() -> None:
    weights = EncoderWeights.from_list(np.random.default_rng(0).integers(-32, 32, COUNT))
    from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph

    layout = chip_layout()
    assert (layout.blocks, layout.block_bits, layout.bits) == (12, 1072, 12864)
    assert layout.to_blocks(chip_graph(weights)) == weights.to_blocks()


def test_wrong_blocks_are_refused(folded: ChipBody) -> None:
    with pytest.raises(QcompressError, match="11 register blocks, the chip has 12"):
        folded.run([([0] * (BLOCKS - 1), np.zeros((1, 48), np.int64), np.zeros(1, np.int64))])


def test_every_number_of_links_gives_whole_words(data_file: Callable[[str], Path]) -> None:
    registers = read_registers(data_file(f"{CASE}/init.yaml"))
    for links in (1, 2, 5, 13):
        design = chip_verilog(registers.with_links(links))
        assert f"output [{32 * links - 1}:0] output_codes" in design.files["econt_encoder.v"]
        assert (design.latency, design.interval) == (16, 1)
