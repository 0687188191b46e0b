"""Every option of the chip's file functions reaches its place, over more than one chunk of rows, with exact words."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from qcompress.detectors.hgcal.econt import chip
from qcompress.detectors.hgcal.econt.chip import decode_chip, decode_file, run_chip, run_file
from qcompress.detectors.hgcal.econt.frames import BadFrame, cells_of_addresses
from qcompress.detectors.hgcal.econt.frontend import FrontEnd, cells_to_image, normalised_cells
from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.econt.onchip_encoder import chip_graph, overflow_report
from qcompress.detectors.hgcal.econt.registers import (
    Algorithm,
    Registers,
    read_registers,
    registers_from_weights,
    write_registers,
)
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.word_files import INPUT_HEX, OUTPUT_HEX, find_layout, format_hex, read_rows
from qcompress.detectors.hgcal.econt.words import Words, count_bx, pack_words, read_words
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Overflow

FRONT = FrontEnd(Density.HD, 3, (2048,) * 48, tuple(range(48)), "lsb")
ROWS = chip.CHUNK_ROWS + 40
WEIGHTS = EncoderWeights.from_list(np.random.default_rng(5).integers(-4, 32, 2144))


def codes(rows: int = ROWS) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 128, (rows, 48))


def input_lines(rows: int = ROWS, order: str = "lsb") -> list[str]:
    words = pack_words(codes(rows), np.arange(rows) % 3564, order)
    return [",".join(f"{word:08x}" for word in row) for row in words.tolist()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in.csv").write_text("\n".join([INPUT_HEX.header, *input_lines(), ""]))
    (tmp_path / "bare.csv").write_text("\n".join([*input_lines(), ""]))
    write_registers(registers_from_weights(WEIGHTS, FRONT, 5), tmp_path / "ae.yaml")
    return tmp_path


def latents(path: Path) -> np.ndarray:
    registers = read_registers(path.with_name("ae.yaml"))
    rows = read_rows(path, *find_layout(path, OUTPUT_HEX), chip.CHUNK_ROWS)
    return np.concatenate([part.fields.latent for part in decode_chip(registers, rows)])


def test_rows_are_counted_over_chunks_and_overflow_reaches_the_encoder(folder: Path) -> None:
    expected = {}
    for mode in (Overflow.WRAP, Overflow.SAT):
        assert run_file(folder / "ae.yaml", folder / "in.csv", folder / "out.csv", overflow=mode) == ROWS
        expected[mode] = latents(folder / "out.csv")
        images = chip_graph(WEIGHTS, mode)
        cells = normalised_cells(FRONT.charges(codes()))
        assert (images.run(cells_to_image(cells)) == expected[mode]).all()
    assert (expected[Overflow.WRAP] != expected[Overflow.SAT]).any()
    assert run_file(folder / "ae.yaml", folder / "bare.csv", folder / "out.csv", number_format="hex") == ROWS


def test_overflow_report_says_what_it_saw() -> None:
    cells = normalised_cells(FRONT.charges(codes(300)))
    whole = overflow_report(WEIGHTS, [cells])
    parts = overflow_report(WEIGHTS, [cells[:100], cells[100:100], cells[100:]])
    assert whole == parts
    trace = chip_graph(WEIGHTS).trace(cells_to_image(cells))
    for name, limit, rows, largest in (
        ("conv_relu", 255, whole.activation_rows, whole.largest_activation),
        ("dense_relu", 511, whole.latent_rows, whole.largest_latent),
    ):
        flat = trace[name].reshape(300, -1)
        assert (rows, largest) == ((flat > limit).any(axis=1).sum(), flat.max())
    assert len(whole.largest_sums) == 16
    assert whole.latents == tuple(k for k, largest in enumerate(whole.largest_sums) if largest > 511)
    assert whole.largest_latent <= max(whole.largest_sums)
    nothing = overflow_report(WEIGHTS)
    assert (nothing.rows, nothing.activation_rows, nothing.latent_rows) == (0, 0, 0)
    assert (nothing.largest_activation, nothing.largest_latent) == (0, 0)


def test_links_of_the_caller_reach_the_decoder(tmp_path: Path) -> None:
    registers = Registers(Algorithm.BEST_CHOICE, FRONT, links=1)
    write_registers(registers, tmp_path / "bc.yaml")
    (links,) = run_chip(registers, [Words(np.arange(20), codes(20))], etx=5)
    (tmp_path / "out.csv").write_bytes(OUTPUT_HEX.header.encode() + b"\n" + format_hex(links))
    assert decode_file(tmp_path / "bc.yaml", tmp_path / "out.csv", tmp_path / "f.csv", etx=5) == 20
    header, *rows = [line.split(",") for line in (tmp_path / "f.csv").read_text().splitlines()]
    kept = [place for place, name in enumerate(header) if name.startswith("kept_")]
    assert all(sum(row[place] == "1" for place in kept) == 14 for row in rows)


def test_the_frame_that_is_wrong_is_numbered_over_chunks() -> None:
    registers = Registers(Algorithm.BEST_CHOICE, FRONT, links=1)
    good = np.zeros((30, 13), np.uint32)
    bad = good.copy()
    bad[7, 0] = 63 << 14  # address 63 of 48 cells
    with pytest.raises(QcompressError, match=r"^frame 68 of the best choice: "):
        list(decode_chip(registers, [good, good, bad]))


def test_messages_are_whole(folder: Path) -> None:
    assert str(BadFrame(4, "too short")) == "frame 5: too short"
    with pytest.raises(BadFrame, match=r"^frame 2: "):
        cells_of_addresses(np.array([[1, 2], [3, 60], [1, 1]]))
    with pytest.raises(BadFrame, match=r"^frame 3: "):
        cells_of_addresses(np.array([[1, 2], [3, 4], [1, 1]]))
    (folder / "mixed.csv").write_text("\n".join([INPUT_HEX.header, ",".join(["90000000"] * 11 + ["a0000000"]), ""]))
    with pytest.raises(QcompressError, match=r"has header a, all 12 must have 9 \(orbit start\) or all a$"):
        list(read_words(folder / "mixed.csv"))
    with pytest.raises(QcompressError, match=r"chunk_rows 0 must be positive and first_bx 0 in 0\.\.3563$"):
        list(read_words(folder / "in.csv", chunk_rows=0))
    run_file(folder / "ae.yaml", folder / "in.csv", folder / "out.csv")
    with pytest.raises(QcompressError, match=r"^the autoencoder's charges come from its decoder network, not from its"):
        decode_file(folder / "ae.yaml", folder / "out.csv", charges_csv=folder / "c.csv")
    (folder / "strange.csv").write_text("x" * 60 + ",b\n1,2\n")
    with pytest.raises(QcompressError) as fault:
        list(read_words(folder / "strange.csv"))
    known = "RX_DATA_0..11 or ePortRxDataGroup_0..11 or TX_DATA_0..12"
    assert str(fault.value) == f"{folder / 'strange.csv'}: header line begins {'x' * 40!r}, expected {known}"


@pytest.mark.parametrize("links", [1, 2, 5, 13])
def test_registers_from_weights_carry_links_and_the_file_keeps_its_order(tmp_path: Path, links: int) -> None:
    registers = registers_from_weights(WEIGHTS, FRONT, links)
    assert registers.links == links
    write_registers(registers, tmp_path / "init.yaml")
    content = yaml.safe_load((tmp_path / "init.yaml").read_text())
    assert list(content) == ["AlgoDroplsb", "Algorithm", "Cal", "Mux", "FormatterBuffer", "Encoder"]
    assert list(content["Encoder"][0])[:2] == ["weights_byte0", "weights_byte16"]


def test_header_lines_end_in_either_way_and_stay_ascii(tmp_path: Path) -> None:
    lines = input_lines(5)
    (tmp_path / "dos.csv").write_bytes("\r\n".join([INPUT_HEX.header, *lines, ""]).encode())
    (part,) = read_words(tmp_path / "dos.csv", "lsb")
    assert (part.codes == codes(5)).all()
    (tmp_path / "bytes.csv").write_bytes(b"\xff\xfe" + INPUT_HEX.header.encode() + b"\n")
    with pytest.raises(QcompressError, match="header line begins"):
        list(read_words(tmp_path / "bytes.csv"))
    (tmp_path / "upper.csv").write_text("\n".join([line.upper() for line in lines] + [""]))
    (part,) = read_words(tmp_path / "upper.csv", "lsb", number_format="hex")
    assert (part.codes == codes(5)).all()


def test_words_are_32_bits_whatever_the_codes_are() -> None:
    packed = pack_words(codes(3), np.array([0, 1, 2]))
    assert packed.dtype == np.uint32
    assert (packed >> 28).tolist() == [[9] * 12, [10] * 12, [10] * 12]
    assert (pack_words(codes(3), np.array([0, 1, 2]), "msb") == packed).all()
    assert (pack_words(codes(3), np.array([0, 1, 2]), "lsb") != packed).any()


def test_bx_before_the_first_orbit_start_counts_from_the_callers() -> None:
    starts = np.array([False, False, True, False])
    assert count_bx(starts, 3563).tolist() == [3563, 0, 0, 1]
    assert chip_graph(WEIGHTS).name == "econt_encoder"
