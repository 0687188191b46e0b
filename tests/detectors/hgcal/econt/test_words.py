from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.word_files import (
    DECIMAL_LIMIT,
    INPUT_HEX,
    OUTPUT_HEX,
    _decode_decimal,
    _decode_hex,
    _LineReader,
    find_layout,
    format_hex,
    read_rows,
)
from qcompress.detectors.hgcal.econt.words import Words, count_bx, pack_words, read_words, unpack_codes
from qcompress.errors import QcompressError

HEX_HEADER = INPUT_HEX.header + "\n"
DECIMAL_HEADER = ", ".join(f"ePortRxDataGroup_{k}" for k in range(12)) + "\n"


def everything(chunks: object) -> Words:
    parts = list(chunks)  # type: ignore[call-overload]
    return Words(np.concatenate([p.bx for p in parts]), np.concatenate([p.codes for p in parts]))


def hex_rows(count: int, seed: int = 0, start_every: int = 3564) -> list[str]:
    rng = np.random.default_rng(seed)
    words = rng.integers(0, 1 << 28, (count, 12)) | np.where(np.arange(count) % start_every == 0, 9, 10)[:, None] << 28
    return [",".join(f"{w:08x}" for w in row) for row in words.tolist()]


def plain_codes(line: str, order: str, base: int = 16) -> list[int]:
    places = (21, 14, 7, 0) if order == "msb" else (0, 7, 14, 21)
    return [int(word, base) >> place & 127 for word in line.split(",") for place in places]


@pytest.mark.parametrize("order", ["msb", "lsb"])
@pytest.mark.parametrize("chunk_rows", [1, 7, 1000])
def test_hex_words(tmp_path: Path, order: str, chunk_rows: int) -> None:
    lines = hex_rows(20, start_every=6)
    path = tmp_path / "in.csv"
    path.write_text(HEX_HEADER + "\n".join(lines) + "\n")
    chunks = list(read_words(path, order, chunk_rows))
    words = everything(chunks)
    assert words.codes.tolist() == [plain_codes(line, order) for line in lines]
    assert words.bx.tolist() == [k % 6 for k in range(20)]
    assert words.codes.dtype == words.bx.dtype == np.int64
    assert max(len(c.bx) for c in chunks) <= chunk_rows + 1


def test_spaces_crlf_upper_case_and_no_last_newline(tmp_path: Path) -> None:
    lines = hex_rows(9)
    path = tmp_path / "in.csv"
    written = [lines[0], lines[1].upper(), " " + lines[2].replace(",", " , "), lines[3] + "\r", *lines[4:]]
    path.write_bytes((HEX_HEADER + "\n".join(written)).encode())
    for chunk_rows in (1, 2, 100):
        words = everything(read_words(path, "msb", chunk_rows))
        assert words.codes.tolist() == [plain_codes(line, "msb") for line in lines]
        assert words.bx.tolist() == list(range(9))


def test_ordinary_files_do_not_go_line_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "in.csv"
    path.write_text(HEX_HEADER + "\n".join(hex_rows(30)) + "\n")
    monkeypatch.setattr(_LineReader, "_line", lambda self, line: pytest.fail("read line by line"))
    assert len(everything(read_words(path, chunk_rows=7)).bx) == 30
    path.write_text(DECIMAL_HEADER + "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12\n" * 30)
    assert len(everything(read_words(path, chunk_rows=7)).bx) == 30


def test_a_carriage_return_within_a_line_is_a_fault(tmp_path: Path) -> None:
    lines = hex_rows(3)
    path = tmp_path / "in.csv"
    path.write_bytes((HEX_HEADER + lines[0] + "\n" + lines[1][:8] + "\r" + lines[1][8:] + "\n" + lines[2]).encode())
    assert len(everything(read_words(path)).bx) == 3  # around a word it is white space
    path.write_bytes((HEX_HEADER + lines[0] + "\n" + lines[1][:4] + "\r" + lines[1][4:] + "\n" + lines[2]).encode())
    with pytest.raises(QcompressError, match="row 2: word 0"):
        everything(read_words(path))


def test_crlf_files(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    lines = hex_rows(30)
    path.write_bytes((HEX_HEADER + "\n".join(lines) + "\n").replace("\n", "\r\n").encode())
    for chunk_rows in (1, 4, 100):
        words = everything(read_words(path, "lsb", chunk_rows))
        assert words.codes.tolist() == [plain_codes(line, "lsb") for line in lines]
    path.write_bytes((DECIMAL_HEADER + "1,2,3,4,5,6,7,8,9,10,11,12\n" * 3).replace("\n", "\r\n").encode())
    assert everything(read_words(path)).codes[:, 3::4].tolist() == [list(range(1, 13))] * 3


def test_empty_lines_may_end_a_file(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(HEX_HEADER + "\n".join(hex_rows(3)) + "\n\n  \n")
    assert len(everything(read_words(path)).bx) == 3
    assert len(everything(read_words(path, chunk_rows=1)).bx) == 3
    path.write_text(HEX_HEADER + "\n".join(hex_rows(3)) + "\n\n" + "\n".join(hex_rows(3)) + "\n")
    for chunk_rows in (1, 100):
        with pytest.raises(QcompressError, match="row 4: follows an empty line"):
            everything(read_words(path, chunk_rows=chunk_rows))


def test_bx_counts_rows_since_the_orbit_start() -> None:
    starts = np.zeros(3564 * 2 + 5, bool)
    assert count_bx(starts, 0).tolist() == [k % 3564 for k in range(len(starts))]
    assert count_bx(starts[:4], 3562).tolist() == [3562, 3563, 0, 1]
    starts[[2, 3, 10]] = True
    bx = count_bx(starts, 7).tolist()
    assert bx[:12] == [7, 8, 0, 0, 1, 2, 3, 4, 5, 6, 0, 1]
    assert bx[10 + 3563 : 10 + 3566] == [3563, 0, 1]


@pytest.mark.parametrize("chunk_rows", [1, 3, 50])
def test_bx_goes_on_over_chunks_and_from_first_bx(tmp_path: Path, chunk_rows: int) -> None:
    path = tmp_path / "in.csv"
    lines = [line.replace("9", "a", 1) if line[0] == "9" else line for line in hex_rows(10)]
    lines = [",".join("a" + w[1:] for w in line.split(",")) for line in lines]
    lines[6] = ",".join("9" + w[1:] for w in lines[6].split(","))
    path.write_text("\n".join([HEX_HEADER.strip(), *lines, ""]))
    assert everything(read_words(path, "msb", chunk_rows)).bx.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    late = everything(read_words(path, "msb", chunk_rows, first_bx=3561))
    assert late.bx.tolist() == [3561, 3562, 3563, 0, 1, 2, 0, 1, 2, 3]


def test_decimal_words(tmp_path: Path) -> None:
    rows = np.random.default_rng(3).integers(0, 1 << 28, (40, 12))
    rows[3] = 0
    rows[4] = DECIMAL_LIMIT - 1
    rows[5] = 10 ** (np.arange(12) % 9)
    path = tmp_path / "in.csv"
    for comma in (",", ", ", " ,"):
        path.write_text(DECIMAL_HEADER + "".join(comma.join(map(str, row)) + "\n" for row in rows.tolist()))
        words = everything(read_words(path, "msb", 5))
        assert words.codes.tolist() == [plain_codes(",".join(map(str, row)), "msb", 10) for row in rows.tolist()]
        assert words.bx.tolist() == list(range(40))


def test_files_without_header_line(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    lines = hex_rows(4)
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(QcompressError, match=r"no header line; say whether the words are hex or decimal"):
        read_words(path)
    assert everything(read_words(path, number_format="hex")).codes.tolist() == [plain_codes(x, "msb") for x in lines]
    path.write_text("1,2,3,4,5,6,7,8,9,10,11,12\n")
    assert everything(read_words(path, number_format="decimal")).codes[0, ::4].tolist() == [0] * 12
    assert everything(read_words(path, number_format="decimal")).codes[0, 3::4].tolist() == list(range(1, 13))


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (lambda x: x[:-1], "row 5: word 11 is '.{7}', expected 8 hex digits"),
        (lambda x: x + "0", "row 5: word 11 is '.{9}', expected 8 hex digits"),
        (lambda x: x[9:], "row 5: 11 words, expected 12"),
        (lambda x: x + ",a0000000", "row 5: 13 words, expected 12"),
        (lambda x: "g" + x[1:], "row 5: word 0 is 'g.{7}', expected 8 hex digits"),
        (lambda x: "8" + x[1:], "row 5: word 0 has header 8"),
        (lambda x: "9" + x[1:], "row 5: word 1 has header a"),
        (lambda x: x[:9] + "9" + x[10:], "row 5: word 1 has header 9"),
        (lambda x: x.replace(",", ";"), "row 5: 1 words"),
        (lambda x: "\u00e9" + x[1:], "row 5: word 0"),
        (lambda x: x[:5] + "\n" + x[5:], "row 5: 1 words"),
        (lambda x: "x" * 10000, "row 5: (1 words|its line does not end)"),
    ],
)
@pytest.mark.parametrize("chunk_rows", [1, 4, 100])
def test_malformed_hex_rows_are_named(tmp_path: Path, row: Callable[[str], str], message: str, chunk_rows: int) -> None:
    lines = hex_rows(8)
    lines[4] = row(lines[4])
    path = tmp_path / "in.csv"
    path.write_text(HEX_HEADER + "\n".join(lines) + "\n")
    with pytest.raises(QcompressError, match=message) as fault:
        everything(read_words(path, chunk_rows=chunk_rows))
    assert str(path) in str(fault.value)
    assert "\n" not in str(fault.value)


def test_truncated_last_line(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text((HEX_HEADER + "\n".join(hex_rows(3)))[:-3])
    with pytest.raises(QcompressError, match="row 3: word 11"):
        everything(read_words(path))
    path.write_text(DECIMAL_HEADER + "1,2,3,4,5,6,7,8,9,10,11,12\n1,2,3,4,5,6,7,8,9,10,11,1")
    with pytest.raises(QcompressError, match="row 2: its line does not end: the file looks cut off"):
        everything(read_words(path))


def test_a_line_without_end_is_not_read_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text(HEX_HEADER + "a" * 100_000)
    with pytest.raises(QcompressError, match="row 1"):
        everything(read_words(path, chunk_rows=2))


@pytest.mark.parametrize(
    "word", ["", "-1", "+1", "1.5", str(DECIMAL_LIMIT), "1234567890", "0x1", "1_0", "1 2", "\u0663", "abc", '"5"']
)
@pytest.mark.parametrize("chunk_rows", [1, 100])
def test_malformed_decimal_words_are_named(tmp_path: Path, word: str, chunk_rows: int) -> None:
    path = tmp_path / "in.csv"
    good = ",".join(["7"] * 12)
    path.write_text(DECIMAL_HEADER + good + "\n" + ",".join(["7"] * 6 + [word] + ["7"] * 5) + "\n" + good + "\n")
    with pytest.raises(QcompressError, match=r"row 2: word 6 is .*, expected a decimal number below 2\^28"):
        everything(read_words(path, chunk_rows=chunk_rows))


def test_wrong_files(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    with pytest.raises(QcompressError, match=r"cannot be read \(No such file"):
        read_words(path)
    with pytest.raises(QcompressError, match="cannot be read"):
        read_words(tmp_path)
    path.write_text("")
    with pytest.raises(QcompressError, match="header line begins '', expected RX_DATA_0"):
        read_words(path)
    path.write_text(HEX_HEADER)
    with pytest.raises(QcompressError, match="holds no rows"):
        everything(read_words(path))
    path.write_text("time,charge\n")
    with pytest.raises(QcompressError, match="header line begins 'time', expected RX_DATA_0"):
        read_words(path)
    path.write_text(OUTPUT_HEX.header + "\n")
    with pytest.raises(QcompressError, match="output words of the chip"):
        read_words(path)
    path.write_text(DECIMAL_HEADER)
    with pytest.raises(QcompressError, match="contradicts number_format hex"):
        read_words(path, number_format="hex")


def test_wrong_arguments(tmp_path: Path) -> None:
    for arguments, message in (
        ({"tc_order": "usb"}, "tc_order 'usb'"),
        ({"number_format": "octal"}, "'octal' is neither hex nor decimal"),
        ({"chunk_rows": 0}, "chunk_rows 0"),
        ({"first_bx": 3564}, "first_bx 3564"),
        ({"first_bx": -1}, "first_bx -1"),
    ):
        with pytest.raises(QcompressError, match=message):
            read_words(tmp_path / "in.csv", **arguments)  # type: ignore[arg-type]


def test_the_fast_path_takes_hex_digits_and_nothing_else() -> None:
    """Every byte value at every place of a word."""
    for place in range(8):
        for byte in range(256):
            word = bytearray(b"90abCDef,12345678\n")
            word[place] = byte
            text = bytes(word[:8])
            taken = _decode_hex(np.frombuffer(bytes(word), np.uint8), 2)
            if all(chr(c) in "0123456789abcdefABCDEF" for c in text):
                assert taken is not None
                assert taken.tolist() == [[int(text, 16), 0x12345678]]
            else:
                assert taken is None


def test_the_fast_decimal_path_takes_digits_and_nothing_else() -> None:
    for byte in range(256):
        taken = _decode_decimal(np.frombuffer(b"12,3" + bytes([byte]) + b"5\n", np.uint8), 2)
        if chr(byte) in "0123456789":
            assert taken is not None
            assert taken.tolist() == [[12, int(f"3{chr(byte)}5")]]
        else:
            assert taken is None


@pytest.mark.parametrize(
    "text", [b"1,2\n3\n", b"1\n2,3\n", b"1,2,3\n", b"1,2\n3,4", b",1\n", b"1,\n", b"1 ,2\n", b"\n"]
)
def test_the_fast_decimal_path_leaves_odd_lines_to_the_slow_one(text: bytes) -> None:
    assert _decode_decimal(np.frombuffer(text, np.uint8), 2) is None


def test_output_words_round_trip(tmp_path: Path) -> None:
    words = np.random.default_rng(4).integers(0, 1 << 32, (300, 13)).astype(np.uint32)
    words[0], words[1] = 0, 0xFFFFFFFF
    path = tmp_path / "out.csv"
    path.write_bytes(OUTPUT_HEX.header.encode() + b"\n" + format_hex(words))
    assert path.read_text().splitlines()[4] == ",".join(f"{w:08x}" for w in words[3].tolist())
    layout, skip = find_layout(path, None)
    assert layout == OUTPUT_HEX
    assert np.concatenate(list(read_rows(path, layout, skip, 64))).tolist() == words.tolist()


@pytest.mark.parametrize("order", ["msb", "lsb"])
def test_pack_words_undoes_unpack(order: str) -> None:
    codes = np.random.default_rng(5).integers(0, 128, (30, 48))
    words = pack_words(codes, np.arange(30) % 4, order)
    assert unpack_codes(words, order).tolist() == codes.tolist()
    assert (words >> 28).tolist() == [[9 if k % 4 == 0 else 10] * 12 for k in range(30)]


def test_reference_files(data_file: Callable[[str], Path]) -> None:
    for dataset in ("mcDataset", "randomPatternExpInTC", "counterPatternInTC"):
        path = data_file(f"econt/{dataset}/testInput.csv")
        words = everything(read_words(path, "lsb", chunk_rows=1000))
        lines = path.read_text().splitlines()[1:]
        assert words.codes.tolist() == [plain_codes(line, "lsb") for line in lines]
        assert words.bx.tolist() == list(range(3564))
    path = data_file("hgcal/Example_ePortRX_Data.csv")
    words = everything(read_words(path))
    lines = path.read_text().splitlines()[1:]
    assert words.codes.tolist() == [plain_codes(line, "msb", 10) for line in lines]
    assert words.bx.tolist() == [k % 3564 for k in range(10_000)]
