"""The fixed Huffman code: lossless for all codes, equal to a plain twin's words, its compression on noise, faults."""

import numpy as np
import pytest
from helpers import lartpc_twin
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.lartpc.electronics import digitisation, noise
from qcompress.detectors.lartpc.online import huffman
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.errors import QcompressError

QUIET = st.lists(st.integers(-4, 4), min_size=1, max_size=60).map(lambda steps: np.cumsum([300, *steps]).tolist())
ANY = st.lists(st.integers(0, 2**15 - 1), min_size=1, max_size=60)


@settings(max_examples=200, deadline=None)
@given(st.one_of(QUIET, ANY))
def test_words_are_those_of_the_twin_and_give_the_codes_back(codes):
    (words,) = huffman.encode([codes])
    assert words.tolist() == lartpc_twin.huffman_words(codes)
    assert huffman.decode(words, len(codes)).tolist() == codes


def test_words_are_those_of_the_page():
    """900; five zeros, +1, -1, +2: 1 01 001 0001 00001; then 20 more as it is."""
    codes = [900, 900, 900, 900, 900, 900, 901, 900, 902, 922]
    (words,) = huffman.encode([codes])
    assert [f"{word:016b}" for word in words[1:]] == ["1101001000100001", f"{922:016b}"]


@pytest.mark.parametrize(
    ("preset", "bits", "ratio"), [("protodune-sp", 12, 1.3), ("dune-hd", 14, 1.0), ("microboone", 12, 3.0)]
)
def test_compression_of_noise_is_the_expected_one(preset, bits, ratio):
    """x1.3, x1.0 and x3.0 over packed raw codes, for the decoded noise spectra."""
    chamber = PRESETS[preset]
    plane = chamber.planes[-1]
    waves = noise.plane_noise(np.random.default_rng(1), chamber, plane, 6000, 20)
    codes = digitisation.digitise(waves, chamber, plane)
    words = sum(len(row) for row in huffman.encode(codes))
    assert codes.size * bits / (16 * words) == pytest.approx(ratio, rel=0.04)


def test_words_that_do_not_hold_the_codes_are_refused():
    (words,) = huffman.encode([[5, 5, 6, 900]])
    for wrong, ticks, said in (
        (words[1:], 4, "these words begin with differences"),
        (words[:-1], 4, "hold 3 codes or more, not 4"),
        (words, 3, "hold 4 codes or more, not 3"),
        (words[:0], 2, "0 words hold 0 codes"),
    ):
        with pytest.raises(QcompressError, match=said):
            huffman.decode(wrong, ticks)
    with pytest.raises(QcompressError, match="outside of 15 bits"):
        huffman.encode([[5, 1 << 15]])
