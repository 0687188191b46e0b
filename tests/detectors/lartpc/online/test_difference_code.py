"""The code made for its noise: lossless for all codes and tables, near the entropy, faults."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.lartpc.electronics import digitisation, noise
from qcompress.detectors.lartpc.online.difference_code import DifferenceCode
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.errors import QcompressError

ROWS = st.integers(1, 3).flatmap(
    lambda n: st.lists(st.lists(st.integers(0, 2**15 - 1), min_size=n, max_size=n), min_size=1, max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.lists(st.integers(0, 40), min_size=2, max_size=30), st.integers(0, 20))
def test_any_codes_come_back_through_any_table(rows, teachers, reach):
    code = DifferenceCode.of([teachers], reach)
    data, bits = code.encode(rows)
    assert code.decode(data, bits, len(rows[0])).tolist() == rows
    assert len(data) == (-(-bits // 8)).sum()


def noise_codes(preset):
    chamber = PRESETS[preset]
    plane = chamber.planes[-1]
    waves = noise.plane_noise(np.random.default_rng(1), chamber, plane, 6000, 20)
    return digitisation.digitise(waves, chamber, plane)


@pytest.mark.parametrize(("preset", "bits", "ratio"), [("protodune-sp", 12, 3.3), ("dune-hd", 14, 3.0)])
def test_noise_is_coded_near_its_entropy(preset, bits, ratio):
    """The entropies of differences that the facts give: 12 / 3.6, 14 / 4.7."""
    codes = noise_codes(preset)
    code = DifferenceCode.of(codes[:10])
    data, sent = code.encode(codes[10:])
    assert (code.decode(data, sent, 6000) == codes[10:]).all()
    counts = np.unique(np.diff(codes[10:].astype(int), axis=1), return_counts=True)[1]
    share = counts / counts.sum()
    entropy = -(share * np.log2(share)).sum()
    assert entropy < sent.sum() / codes[10:].size < entropy + 0.06
    assert bits * codes[10:].size / sent.sum() == pytest.approx(ratio, rel=0.03)


def test_words_are_a_prefix_code():
    code = DifferenceCode.of(noise_codes("protodune-sp"), 20)
    words = [f"{int(word):0{length}b}" for word, length in zip(code.words, code.lengths, strict=True)]
    ordered = sorted(words)
    assert not any(later.startswith(word) for word, later in pairwise(ordered))
    assert sum(2.0 ** -len(word) for word in words) == 1


def test_rare_differences_do_not_make_words_too_long():
    steps = np.repeat(np.arange(50), 2 ** np.minimum(np.arange(50), 16))
    assert DifferenceCode.of([np.cumsum(steps) % 30_000], 49).lengths.max() <= 32


def test_damaged_data_and_tables_are_refused():
    code = DifferenceCode.of([[1, 2, 3, 3, 3]], 3)
    data, bits = code.encode([[1, 2, 3], [9, 9, 900]])
    for given_data, given_bits, ticks, said in (
        (data[:-1], bits, 3, "bytes, but channels of"),
        (data, bits, 4, "channel 0: its .* bits do not hold 4 codes"),
        (data, bits, 2, "channel 0: its .* bits do not hold 2 codes"),
    ):
        with pytest.raises(QcompressError, match=said):
            code.decode(given_data, given_bits, ticks)
    for lengths, said in (([1, 1, 1, 1], "no prefix code"), ([2, 2, 2], "an even number"), ([0, 2], "from 1 to 32")):
        with pytest.raises(QcompressError, match=said):
            DifferenceCode(np.array(lengths, np.uint8))
    with pytest.raises(QcompressError, match="reach 2000"):
        DifferenceCode.of([[1, 2]], 2000)
