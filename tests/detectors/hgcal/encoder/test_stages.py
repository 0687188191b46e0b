"""The stages around the encoder, and all of them in C++."""

import numpy as np
import pytest

from qcompress.detectors.hgcal.econt.frontend import FrontEnd
from qcompress.detectors.hgcal.econt.numbers import Density
from qcompress.detectors.hgcal.encoder.emulation import in_hexadecimal
from qcompress.detectors.hgcal.encoder.stages import LatentWords, Normaliser
from qcompress.fixedpoint import Format
from qcompress.graph import Chain
from qcompress.targets.cpp.emulator import Cpp

RNG = np.random.default_rng(8)
QUICK = Cpp(optimization="1")


def modules(rows=3000):
    """Uniform codes, sparse ones, empty and full modules, one trigger cell alone."""
    codes = RNG.integers(0, 128, (rows, 48))
    codes[::2] *= RNG.random(codes[::2].shape) < 0.2
    codes[0], codes[1] = 0, 127
    codes[2:50] = np.eye(48, dtype=int) * RNG.integers(1, 128, (48, 1))
    return codes


FRONT_ENDS = [
    FrontEnd.autoencoder(range(48)),
    FrontEnd(Density.LD, 1, tuple(RNG.integers(0, 4096, 48).tolist()), tuple(RNG.permutation(48).tolist())),
    FrontEnd(Density.HD, 0, (4095,) * 48, tuple(RNG.integers(0, 48, 48).tolist())),
]


@pytest.mark.parametrize("front_end", FRONT_ENDS)
def test_the_normaliser_in_c_plus_plus_equals_the_chip(front_end, tmp_path):
    stage = Normaliser(front_end)
    codes = modules()
    assert (QUICK.build(Chain("normaliser_alone", (stage,)), tmp_path).run(codes) == stage.run(codes)).all()


@pytest.mark.parametrize("bits", [1, 3, 5, 9])
def test_words_hold_the_latents_last_first(bits, tmp_path):
    stage = LatentWords((16,), Format(False, bits, 1))
    latents = RNG.integers(0, 1 << bits, (500, 16))
    words = stage.run(latents)
    assert words.shape == (500, -(-16 * bits // 32))
    text = ["".join(f"{word:08x}" for word in row) for row in words.tolist()]
    weights = [1 << bits * k for k in range(16)]
    values = [sum(code * weight for code, weight in zip(row, weights, strict=True)) for row in latents.tolist()]
    assert [int(word, 16) for word in text] == values
    assert in_hexadecimal(words, 16 * bits) == [f"{value:0{4 * bits}x}" for value in values]
    assert (QUICK.build(Chain("words_alone", (stage,)), tmp_path).run(latents) == words).all()


def test_other_registers_are_another_stage():
    hashes = {Normaliser(front_end).content_hash() for front_end in FRONT_ENDS}
    hashes |= {LatentWords((16,), Format(False, bits, 1)).content_hash() for bits in (3, 5)}
    assert len(hashes) == 5
