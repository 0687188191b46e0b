import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.frontend import IMAGE_FORMAT, FrontEnd, normalise
from qcompress.detectors.hgcal.econt.numbers import Density, decode
from qcompress.detectors.hgcal.econt.words import read_words
from qcompress.errors import QcompressError

REVERSED = tuple(range(47, -1, -1))


def some() -> FrontEnd:
    return FrontEnd(Density.LD, 1, tuple(range(48)), REVERSED, "lsb")


def test_charges_follow_mux_and_calibration() -> None:
    """Calibration is indexed after the mux."""
    codes = np.arange(96).reshape(2, 48)
    charges = some().charges(codes)
    for position in range(48):
        expected = decode(codes[:, 47 - position], 1) * position // 2048
        assert charges[:, position].tolist() == expected.tolist()


def test_default_of_the_autoencoder() -> None:
    front = FrontEnd.autoencoder(REVERSED)
    assert front == FrontEnd(Density.HD, 3, (2048,) * 48, REVERSED, "msb")
    assert front.charges(np.full((1, 48), 9)).tolist() == [[76] * 48]


def test_json_round_trip() -> None:
    text = some().to_json()
    assert FrontEnd.from_json(text) == some()
    assert json.loads(text)["density"] == "LD"
    assert FrontEnd.from_json(text).density is Density.LD


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"density": 2}, "density 2 is neither HD"),
        ({"drop": 5}, r"drop is 5, allowed is 0\.\.4"),
        ({"drop": -1}, r"drop is -1, allowed is 0\.\.4"),
        ({"drop": True}, "drop is True"),
        ({"drop": 1.0}, r"drop is 1\.0"),
        ({"calibration": (2048,) * 47}, "calibration has 47 entries, the chip has 48"),
        ({"calibration": (0, 4096) + (1,) * 46}, r"calibration\[1\] is 4096, allowed is 0\.\.4095"),
        ({"mux": (0,) * 47 + (48,)}, r"mux\[47\] is 48, allowed is 0\.\.47"),
        ({"tc_order": "middle"}, "tc_order 'middle' is neither msb nor lsb"),
    ],
)
def test_wrong_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(QcompressError, match=message):
        replace(some(), **change)


def test_extreme_values_are_allowed() -> None:
    for drop in (0, 4):
        assert replace(some(), drop=drop).drop == drop
    assert replace(some(), calibration=(4095,) * 48, mux=(0,) * 24 + (47,) * 24)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no JSON"),
        ("[]", "needs exactly the keys"),
        ("{}", "needs exactly the keys calibration, density, drop, mux, tc_order"),
        (some().to_json().replace('"LD"', '"MD"'), "density 'MD' is neither HD nor LD"),
        (some().to_json().replace(str(list(REVERSED)), "3"), "mux is no list of 48 integers"),
    ],
)
def test_wrong_json_is_one_line(text: str, message: str) -> None:
    with pytest.raises(QcompressError, match=message) as fault:
        FrontEnd.from_json(text)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.zeros((3, 47), int), r"must come as \(n, 48\), got \(3, 47\)"),
        (np.zeros(48, int), r"must come as \(n, 48\)"),
        (np.full((1, 48), 128), r"48 trigger-cell codes are outside 0\.\.127"),
        (np.array([[0] * 47 + [-1]]), "1 trigger-cell codes are outside"),
    ],
)
def test_wrong_codes(codes: np.ndarray, message: str) -> None:
    with pytest.raises(QcompressError, match=message):
        some().charges(codes)


def plain_normalise(calq: list[int]) -> list[int]:
    total = sum(calq)
    if total == 0:
        return [0] * 48
    power = total.bit_length() - 1
    return [v * 128 // 2**power for v in calq]


def layout(image: np.ndarray) -> list[int]:
    rows = image[:, :, 0].tolist()
    assert [row[4:] for row in rows[4:]] == [[0] * 4] * 4
    return [v for row in rows[:4] for v in row] + [v for row in rows[4:] for v in row[:4]]


@pytest.mark.parametrize(
    "calq",
    [
        [0] * 48,
        [1] + [0] * 47,
        [127] + [0] * 47,  # left shift
        [128] + [0] * 47,
        [64, 63] + [0] * 46,
        [64, 64] + [0] * 46,  # sum exactly a power of two
        [64, 65] + [0] * 46,
        list(range(48)),
        [2**22 - 1] * 48,
        [0] * 47 + [3_999_999],
        [255, 1] + [0] * 46,
    ],
)
def test_normalise(calq: list[int]) -> None:
    image = normalise(np.array([calq]))
    assert image.shape == (1, 8, 8, 1)
    assert layout(image[0]) == plain_normalise(calq)
    assert IMAGE_FORMAT.contains(image).all()


def test_normalise_handles_each_row_by_itself() -> None:
    calq = np.random.default_rng(1).integers(0, 2**20, (50, 48)) >> np.arange(50)[:, None] // 2
    assert [layout(image) for image in normalise(calq)] == [plain_normalise(row) for row in calq.tolist()]


def test_normalise_refuses_another_shape() -> None:
    with pytest.raises(QcompressError, match=r"must come as \(n, 48\), got \(48,\)"):
        normalise(np.zeros(48, int))


def test_charges_of_reference_words(data_file: Callable[[str], Path]) -> None:
    """Against a plain sum over the words of the file."""
    path = data_file("econt/mcDataset/testInput.csv")
    total = 0
    for line in path.read_text().splitlines()[1:11]:
        for word in line.split(","):
            for shift in (21, 14, 7, 0):
                code = int(word, 16) >> shift & 127
                e, m = code >> 3, code & 7
                v = (m if e == 0 else (m << e - 1) + (1 << e + 2)) << 3
                total += v + (1 << max(e - 1, 0) + 2)
    words = next(read_words(path, chunk_rows=10))
    assert FrontEnd.autoencoder(range(48)).charges(words.codes[:10]).sum() == total
