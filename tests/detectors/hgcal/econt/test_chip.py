"""The chip on files: words in, words out, fields and charges, and nothing half-written."""

import csv
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import econt_twin as twin

from qcompress.detectors.hgcal.econt import chip
from qcompress.detectors.hgcal.econt.chip import decode_chip, decode_file, run_chip, run_file
from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density, decode
from qcompress.detectors.hgcal.econt.registers import Algorithm, Registers, read_registers, write_registers
from qcompress.detectors.hgcal.econt.threshold_sum import OutputBuffer
from qcompress.detectors.hgcal.econt.weights import EncoderWeights
from qcompress.detectors.hgcal.econt.word_files import INPUT_HEX, OUTPUT_HEX, find_layout, read_rows
from qcompress.detectors.hgcal.econt.words import Words, pack_words, read_words
from qcompress.errors import QcompressError
from qcompress.files import written_aside

FRONT = FrontEnd(Density.HD, 3, (2048,) * 48, tuple(range(48)), "lsb")
ROWS = 50


def write_words(path: Path, codes: np.ndarray, order: str = "lsb") -> None:
    words = pack_words(codes, np.arange(len(codes)), order)
    lines = [",".join(f"{word:08x}" for word in row) for row in words.tolist()]
    path.write_text("\n".join([INPUT_HEX.header, *lines, ""]))


@pytest.fixture
def codes() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 128, (ROWS, 48))


@pytest.fixture
def folder(tmp_path: Path, codes: np.ndarray) -> Path:
    write_words(tmp_path / "in.csv", codes)
    return tmp_path


def registers_of(algorithm: Algorithm, **more: Any) -> Registers:
    return Registers(algorithm, FRONT, **more)


def hex_rows(path: Path) -> list[list[int]]:
    lines = path.read_text().splitlines()
    assert lines[0] == OUTPUT_HEX.header
    return [[int(word, 16) for word in line.split(",")] for line in lines[1:]]


def table(path: Path) -> dict[str, list[str]]:
    with path.open() as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


def test_run_file(folder: Path, codes: np.ndarray) -> None:
    write_registers(registers_of(Algorithm.BEST_CHOICE, links=5), folder / "init.yaml")
    assert run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv") == ROWS
    registers = {"select": 2, "mux": range(48)}
    assert hex_rows(folder / "out.csv") == twin.run(registers, codes.tolist(), list(range(ROWS)), 5)
    assert run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv", etx=2) == ROWS
    assert hex_rows(folder / "out.csv") == twin.run(registers, codes.tolist(), list(range(ROWS)), 2)


def test_tc_order_of_the_caller_goes_first(folder: Path, codes: np.ndarray) -> None:
    write_registers(registers_of(Algorithm.REPEATER), folder / "init.yaml")
    write_words(folder / "msb.csv", codes, "msb")
    run_file(folder / "init.yaml", folder / "msb.csv", folder / "a.csv", "msb")
    run_file(folder / "init.yaml", folder / "in.csv", folder / "b.csv")
    assert (folder / "a.csv").read_text() == (folder / "b.csv").read_text()
    run_file(folder / "init.yaml", folder / "in.csv", folder / "c.csv", "msb")
    assert (folder / "c.csv").read_text() != (folder / "b.csv").read_text()
    with pytest.raises(QcompressError, match="tc_order 'usb' is neither msb nor lsb"):
        run_file(folder / "init.yaml", folder / "in.csv", folder / "c.csv", "usb")


def test_files_without_header_line_and_decimal_ones(folder: Path, codes: np.ndarray) -> None:
    write_registers(registers_of(Algorithm.REPEATER), folder / "init.yaml")
    run_file(folder / "init.yaml", folder / "in.csv", folder / "a.csv")
    bare = (folder / "in.csv").read_text().split("\n", 1)[1]
    (folder / "bare.csv").write_text(bare)
    run_file(folder / "init.yaml", folder / "bare.csv", folder / "b.csv", number_format="hex")
    assert (folder / "a.csv").read_text() == (folder / "b.csv").read_text()
    decimal = pack_words(codes, np.arange(ROWS), "lsb") & 0x0FFFFFFF
    header = ", ".join(f"ePortRxDataGroup_{k}" for k in range(12))
    (folder / "d.csv").write_text("\n".join([header, *(", ".join(map(str, row)) for row in decimal.tolist()), ""]))
    run_file(folder / "init.yaml", folder / "d.csv", folder / "c.csv")
    assert (folder / "a.csv").read_text() == (folder / "c.csv").read_text()


def test_a_fault_leaves_no_file_and_keeps_the_old_one(folder: Path) -> None:
    write_registers(registers_of(Algorithm.REPEATER), folder / "init.yaml")
    with (folder / "in.csv").open("a") as file:
        file.write("a0000000,nonsense\n")
    before = sorted(p.name for p in folder.iterdir())
    with pytest.raises(QcompressError, match="row 51: 2 words, expected 12"):
        run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv")
    assert sorted(p.name for p in folder.iterdir()) == before
    (folder / "out.csv").write_text("old")
    with pytest.raises(QcompressError, match="row 51"):
        run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv")
    assert (folder / "out.csv").read_text() == "old"
    with pytest.raises(QcompressError, match=r"out\.csv: cannot be written \(No such file"):
        run_file(folder / "init.yaml", folder / "in.csv", folder / "nowhere" / "out.csv")


def test_written_files_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with written_aside(tmp_path / "file") as file:
        file.write(b"content")
        assert not (tmp_path / "file").exists()
    assert (tmp_path / "file").read_bytes() == b"content"
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(QcompressError, match="folder: is a folder; give a file to write"),
        written_aside(tmp_path / "folder") as file,
    ):
        file.write(b"x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder", "plain"]


def test_input_is_taken_as_it_is_needed() -> None:
    """Bounded memory: the chip reads at most a few chunks ahead of who takes its words."""
    taken = []

    def endless() -> Any:
        while True:
            taken.append(1)
            yield Words(np.arange(3), np.zeros((3, 48), np.int64))

    for algorithm, more in (
        (Algorithm.REPEATER, {}),
        (Algorithm.THRESHOLD_SUM, {"thresholds": (1,) * 48, "buffer": (100, 100, 0), "links": 2}),
    ):
        taken.clear()
        words = run_chip(registers_of(algorithm, **more), endless())
        for _ in range(5):
            assert next(words).shape == (3, 13)
        assert len(taken) < 12
        words.close()  # type: ignore[attr-defined]


def test_buffer_of_the_threshold_sum_goes_on_over_chunks(codes: np.ndarray) -> None:
    registers = registers_of(Algorithm.THRESHOLD_SUM, thresholds=(5000,) * 48, buffer=(60, 30, 9), links=3)
    whole = np.concatenate(list(run_chip(registers, [Words(np.arange(ROWS), codes)])))
    for size in (1, 7):
        cuts = [*range(0, ROWS, size), ROWS]
        parts = [Words(np.arange(a, b), codes[a:b]) for a, b in pairwise(cuts)]
        assert np.concatenate(list(run_chip(registers, parts))).tolist() == whole.tolist()


def test_buffer_by_hand() -> None:
    """Frames of 5 words, 1 link: 2 words leave at a time."""
    registers = registers_of(Algorithm.THRESHOLD_SUM, buffer=(9, 5, 4), links=1, link_reset_pattern=290)
    buffer = OutputBuffer(registers)
    frames = np.arange(26, dtype=np.uint16) + 0x100 * np.arange(1, 8, dtype=np.uint16)[:, None]
    lengths = np.array([5, 5, 5, 4, 1, 1, 1])
    sums = np.arange(0x10, 0x17)
    bx = np.arange(7)
    # n + f: 0 + 5 -> whole, 5 - 2 = 3; 3 + 5 -> 8 - 2 = 6; 6 + 5 > 9 -> cut by T1, 7 - 2 = 5;
    # 5 + 4 = 9 fits T1, n = 5 is not > 5 -> whole, 9 - 2 = 7; 7 > 5 and 1 <= 4 -> cut with bit 8, 8 - 2 = 6; again 5
    words = buffer.push(frames, lengths, sums, bx)
    queue = [*frames[0, :5], *frames[1, :5], 2 << 11 | 0x600 | 0x12, *frames[3, :4]]
    queue += [4 << 11 | 0x700 | 0x14, 5 << 11 | 0x700 | 0x15, frames[6, 0]]
    assert [word >> shift & 0xFFFF for word in words[:, 0].tolist() for shift in (16, 0)] == [*map(int, queue[:14])]
    assert buffer.waiting.tolist() == [*map(int, queue[14:])]
    # what waits leaves, then idle words with the BX of the day
    none = np.zeros((4, 26), np.uint16)
    later = buffer.push(none, np.zeros(4, np.int64), np.zeros(4, np.int64), np.array([0, 1, 17, 3]))
    halves = [word >> shift & 0xFFFF for word in later[:, 0].tolist() for shift in (16, 0)]
    idle = [header << 11 | 290 for header in (31, 31, 1, 1, 1, 1, 3, 3)]
    expected = [*map(int, queue[14:]), *idle[len(queue) - 14 :]]
    assert halves == expected
    assert not words[:, 1:].any()


def test_fields_and_charges_in_files(folder: Path, codes: np.ndarray) -> None:
    write_registers(registers_of(Algorithm.REPEATER), folder / "init.yaml")
    run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv")
    frames = decode_file(folder / "init.yaml", folder / "out.csv", folder / "f.csv", charges_csv=folder / "q.csv")
    assert frames == ROWS
    fields, charges = table(folder / "f.csv"), table(folder / "q.csv")
    assert list(fields) == ["header", *(f"charge_{k}" for k in range(48))]
    assert list(charges) == [f"CALQ_{k}" for k in range(48)]
    assert fields["header"] == ["31", *(str(bx % 16) for bx in range(1, ROWS))]
    for cell in range(48):
        assert fields[f"charge_{cell}"] == [str(c) for c in codes[:, cell]]
        assert charges[f"CALQ_{cell}"] == [str(v) for v in decode(codes[:, cell], 3)]


def test_every_algorithm_has_fields(folder: Path) -> None:
    weights = EncoderWeights.from_list(np.random.default_rng(1).integers(-32, 32, 2144))
    cells = range(48)
    for algorithm, more, names in (
        (Algorithm.BEST_CHOICE, {}, ["header", "sum", *(f"{n}_{k}" for n in ("kept", "charge") for k in cells)]),
        (
            Algorithm.SUPER_TRIGGER_CELL,
            {"stc_type": 0},
            ["header", *(f"{n}_{k}" for n in ("address", "energy") for k in range(11))],
        ),
        (Algorithm.SUPER_TRIGGER_CELL, {"stc_type": 2}, ["header", *(f"energy_{k}" for k in range(12))]),
        (Algorithm.AUTOENCODER, {"weights": weights}, ["header", "sum", *(f"latent_{k}" for k in range(16))]),
        (
            Algorithm.THRESHOLD_SUM,
            {"thresholds": (9000,) * 48, "buffer": (400, 400, 0)},
            ["header", "type", "sum", *(f"{n}_{k}" for n in ("kept", "charge") for k in cells)],
        ),
    ):
        registers = registers_of(algorithm, links=4, **more)
        write_registers(registers, folder / "init.yaml")
        run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv")
        count = decode_file(folder / "init.yaml", folder / "out.csv", folder / "f.csv")
        found = table(folder / "f.csv")
        assert list(found) == names
        words = np.concatenate(list(run_chip(registers, read_words(folder / "in.csv", "lsb"))))
        (part,) = decode_chip(registers, [words])
        assert len(found["header"]) == count == len(part.fields.header)
        for name in names:
            field, _, place = name.partition("_")
            array = getattr(part.fields, field)
            assert found[name] == [str(int(v)) for v in (array[:, int(place)] if place else array)]


def test_shares_that_are_no_integers(folder: Path) -> None:
    write_words(folder / "in.csv", np.full((2, 48), 1))  # 4 x 12 = 48: sent as 48..49, decoded 49
    write_registers(registers_of(Algorithm.SUPER_TRIGGER_CELL, stc_type=0, links=5), folder / "init.yaml")
    run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv")
    arguments = folder / "init.yaml", folder / "out.csv"
    decode_file(*arguments, charges_csv=folder / "q.csv", decoding="shared")
    assert table(folder / "q.csv")["CALQ_47"] == ["12.25", "12.25"]
    decode_file(*arguments, charges_csv=folder / "q.csv")
    assert [table(folder / "q.csv")[f"CALQ_{k}"] for k in range(4)] == [["0", "0"]] * 3 + [["49", "49"]]
    with pytest.raises(QcompressError, match="decoding 'middle' is none of largest, shared"):
        decode_file(*arguments, charges_csv=folder / "p.csv", decoding="middle")
    assert not (folder / "p.csv").exists()
    assert decode_file(*arguments) == 2


def test_the_autoencoder_has_no_charges(folder: Path) -> None:
    weights = EncoderWeights.from_list(np.zeros(2144, int))
    write_registers(registers_of(Algorithm.AUTOENCODER, weights=weights, links=2), folder / "init.yaml")
    run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv")
    with pytest.raises(QcompressError, match="charges come from its decoder network"):
        decode_file(folder / "init.yaml", folder / "out.csv", charges_csv=folder / "q.csv")


def test_wrong_files_to_decode(folder: Path) -> None:
    write_registers(registers_of(Algorithm.REPEATER), folder / "init.yaml")
    with pytest.raises(QcompressError, match="these are input words of the chip, not its output"):
        decode_file(folder / "init.yaml", folder / "in.csv")
    with pytest.raises(QcompressError, match="cannot be read"):
        decode_file(folder / "init.yaml", folder / "no.csv")
    run_file(folder / "init.yaml", folder / "in.csv", folder / "out.csv")
    bare = (folder / "out.csv").read_text().split("\n", 1)[1]
    (folder / "bare.csv").write_text(bare)
    assert decode_file(folder / "init.yaml", folder / "bare.csv") == ROWS


def decode_words(registers: Registers, *rows: str) -> list[Any]:
    """Link words given as strings of bits."""
    words = np.array([twin.words_of(row) for row in rows], np.uint32)
    return list(decode_chip(registers, [words[:1], words[1:]]))


GOOD_BC = "0001" + "00000000" + "1" * 14 + "0" * 34 + "0000001" * 14


@pytest.mark.parametrize(
    ("registers", "rows", "message"),
    [
        (
            registers_of(Algorithm.BEST_CHOICE, links=5),
            (GOOD_BC, GOOD_BC, GOOD_BC.replace("1" * 14, "1" * 15, 1)),
            "frame 3 of the best choice: its map names 15 trigger cells, the links have room for 14",
        ),
        (
            registers_of(Algorithm.BEST_CHOICE, links=2),
            ("0" * 12 + "000001" * 4,),
            r"frame 1 of the best choice: addresses \[1, 1, 1, 1\] are not different trigger cells",
        ),
        (
            registers_of(Algorithm.BEST_CHOICE, links=1),
            ("0" * 12 + "101111", "0" * 12 + "110000"),
            r"frame 2 of the best choice: addresses \[48\] are not",
        ),
        (
            registers_of(Algorithm.THRESHOLD_SUM, links=2, thresholds=(0,) * 48, buffer=(0, 0, 0)),
            ("00001" + "000" + "0" * 8 + "00001" + "001" + "0" * 8,),
            "frame 2 of the threshold sum: before it comes 0900, neither a frame nor an idle word",
        ),
        (
            registers_of(Algorithm.THRESHOLD_SUM, links=2, thresholds=(0,) * 48, buffer=(0, 0, 0)),
            ("00001" + "000" + "0" * 8 + "00001" + "010" + "0" * 8 + "000",),
            "frame 2 of the threshold sum: type 010 with 0 trigger cells",
        ),
        (
            registers_of(Algorithm.THRESHOLD_SUM, links=2, thresholds=(0,) * 48, buffer=(0, 0, 0)),
            (("00001" + "100" + "0" * 8 + "0" * 41 + "1" * 7).ljust(128, "0")[:64],) * 2,
            "type 100 with",
        ),
        (
            registers_of(Algorithm.THRESHOLD_SUM, links=2, thresholds=(0,) * 48, buffer=(0, 0, 0)),
            ("00001" + "010" + "0" * 8 + "001" + "110000" + "0" * 7 + "00001" + "000" + "0" * 8,),
            r"frame 1 of the threshold sum: addresses \[48\] are not",
        ),
    ],
)
def test_frames_that_the_chip_does_not_send(registers: Registers, rows: tuple[str, ...], message: str) -> None:
    with pytest.raises(QcompressError, match=message):
        decode_words(registers, *rows)


def test_output_of_the_reference_decodes(data_file: Callable[[str], Path]) -> None:
    """Every reference output, through fields, back into the same words."""
    for case in ("BC_1eTx", "BC_5eTx", "BC_10eTx", "RPT_13eTx", "STC_type0_eTx2", "STC_type1_eTx1", "STC_type3_eTx3"):
        path = data_file(f"econt/mcDataset/{case}/testOutput.csv")
        registers = read_registers(path.with_name("init.yaml")).with_links(None)
        layout, skip = find_layout(path, None)
        words = np.concatenate(list(read_rows(path, layout, skip, 1000)))
        (part,) = decode_chip(registers, [words])
        module = {
            Algorithm.BEST_CHOICE: chip.best_choice,
            Algorithm.REPEATER: chip.repeater,
            Algorithm.SUPER_TRIGGER_CELL: chip.super_trigger_cell,
        }[registers.algorithm]
        assert np.array_equal(module.pack(part.fields, registers), words)
    for case, etx in (("TS_Thr47_13eTx", 13), ("TS_Thr47_5eTx_MRL", 5), ("TS_Thr47_2eTx_MRL", 2)):
        path = data_file(f"econt/mcDataset/{case}/testOutput.csv")
        layout, skip = find_layout(path, None)
        registers = read_registers(path.with_name("init.yaml"))
        parts = list(decode_chip(registers, read_rows(path, layout, skip, 1000), etx))
        headers = np.concatenate([part.fields.header for part in parts])
        assert 3564 - 48 <= len(headers) <= 3564  # what waits in the buffer at the end has not been sent
        assert headers.tolist() == [31 if bx == 0 else bx % 16 for bx in range(len(headers))]
