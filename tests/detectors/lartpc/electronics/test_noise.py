"""Noise: rms, autocorrelation and crossings as decoded from the detector's spectra, boards, seeds."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.electronics import noise
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.errors import QcompressError

SP, HD = PRESETS["protodune-sp"], PRESETS["dune-hd"]


def drawn(preset, name, seed=1, wires=120, ticks=6000):
    return noise.plane_noise(np.random.default_rng(seed), preset, preset.plane(name), ticks, wires)


@pytest.mark.parametrize(("preset", "name", "rms"), [(SP, "U", 4.3), (SP, "W", 3.7), (HD, "V", 13.7), (HD, "W", 10.8)])
def test_the_rms_is_that_of_the_plane(preset, name, rms):
    found = drawn(preset, name)
    assert found.std() == pytest.approx(rms, rel=0.01)
    assert noise.rms(preset, preset.plane(name)) == pytest.approx(found.std(), rel=5e-3)
    assert abs(found.mean()) < 0.02 * rms


def test_the_autocorrelation_is_that_of_the_decoded_spectrum():
    found = drawn(SP, "W")
    lags = [float((found[:, :-k] * found[:, k:]).mean() / found.var()) for k in range(1, 7)]
    np.testing.assert_allclose(lags, [0.69, 0.45, 0.19, -0.02, -0.12, -0.15], atol=0.02)


@pytest.mark.parametrize(("preset", "rate"), [(SP, 0.25), (HD, 0.18)])
def test_upward_crossings_have_the_rate_and_fall_as_a_gaussian(preset, rate):
    """f0 exp(-u^2 / 2), less what passes between two samples."""
    found = drawn(preset, "W")
    for u in (0.0, 1.0, 2.0):
        level = u * found.std()
        crossed = ((found[:, :-1] < level) & (found[:, 1:] >= level)).mean() / preset.tick_us
        assert crossed == pytest.approx(rate * np.exp(-(u**2) / 2), rel=0.08)


def test_the_same_seed_gives_the_same_bits_and_wires_are_independent():
    one, again = drawn(SP, "U", wires=3, ticks=501), drawn(SP, "U", wires=3, ticks=501)
    assert (one == again).all()
    assert one.shape == (3, 501)
    assert one.dtype == np.float32
    assert abs(np.corrcoef(drawn(SP, "U", wires=2, ticks=20_000))[0, 1]) < 0.03


def test_wires_of_a_board_share_its_waves():
    rng = np.random.default_rng(2)
    waves = noise.board_waves(rng, SP, 2, 400)
    assert waves.std(axis=1) == pytest.approx(3.1, abs=0.6)
    plane = SP.plane("W")
    alone = noise.plane_noise(np.random.default_rng(3), SP, plane, 400, 100)
    with_waves = noise.plane_noise(np.random.default_rng(3), SP, plane, 400, 100, waves)
    np.testing.assert_array_equal(with_waves[:48], alone[:48] + waves[0])
    np.testing.assert_array_equal(with_waves[48:96], alone[48:96] + waves[1])
    np.testing.assert_array_equal(with_waves[96:], alone[96:])
    with pytest.raises(QcompressError, match=r"\(boards, 400\), not of shape \(2, 300\)"):
        noise.plane_noise(rng, SP, plane, 400, 100, waves[:, :300])
