"""Words of latents: every one comes back, by the format's own words; what is cut is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcompress.detectors.lartpc.codec import words
from qcompress.errors import QcompressError


def written(latent, order):
    """A latent's word from the definition, as text."""
    u = 2 * latent - 1 if latent > 0 else -2 * latent
    binary = format(u + 2**order, "b")
    return "0" * (len(binary) - order - 1) + binary


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_every_latent_comes_back(order, count, seed):
    rng = np.random.default_rng(seed)
    size = rng.integers(0, 16, (4, 5, count))
    latents = rng.integers(-(2**15), 2**15, (4, 5, count)) >> size
    latents[rng.random((4, 5)) < 0.5] = 0
    latents[0, 0], latents[0, 1] = -(2**15), 2**15 - 1
    pedestals = rng.integers(0, 2**16, 4)
    data, bits = words.encode(latents, pedestals, order)
    found, starts = words.decode(data, bits, order, 5, count)
    assert (found == latents).all()
    assert (starts == pedestals).all()


@pytest.mark.parametrize("order", [0, 1, 3])
def test_the_bits_are_those_of_the_definition(order):
    latents = np.array([[[0, 0, 0], [1, 0, -7], [300, -1, 2]]])
    text = format(900, "016b") + "0" + "".join("1" + "".join(written(int(z), order) for z in w) for w in latents[0, 1:])
    data, bits = words.encode(latents, np.array([900]), order)
    assert bits == [len(text)]
    assert "".join(format(byte, "08b") for byte in data) == text.ljust(8 * len(data), "0")


def test_what_is_cut_or_of_others_is_one_line():
    latents = np.arange(24).reshape(2, 4, 3)
    data, bits = words.encode(latents, np.array([5, 6]), 1)
    with pytest.raises(QcompressError, match=r"bytes, but wires of"):
        words.decode(data[:-1], bits, 1, 4, 3)
    with pytest.raises(QcompressError, match=r"wire 0: its \d+ bits do not hold 5 windows of 3 latents"):
        words.decode(data, bits, 1, 5, 3)
    with pytest.raises(QcompressError, match=r"wire 0: its \d+ bits do not hold 3 windows"):
        words.decode(data, bits, 1, 3, 3)
    with pytest.raises(QcompressError, match="wire 0: its 8 bits"):
        words.decode(data[:1], np.array([8]), 1, 4, 3)
