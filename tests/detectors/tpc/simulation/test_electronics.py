"""The read-out of version 2: what it adds, and what its corrections take away again."""

from itertools import pairwise

import numpy as np
import pytest

from qcompress.detectors.tpc.geometry import SECTOR_PADS
from qcompress.detectors.tpc.simulation import electronics
from qcompress.detectors.tpc.simulation.electronics import STACKS, Pads
from qcompress.detectors.tpc.simulation.parameters import PARAMETERS, REALISTIC

BINS = 64


def sector(seed=1):
    return Pads._make(column[3] for column in electronics.pads(seed, 2))


def signals(share=0.02):
    """Charge on some cells of a sector, exponential."""
    rng = np.random.default_rng(5)
    return (rng.exponential(40, (SECTOR_PADS, BINS)) * (rng.random((SECTOR_PADS, BINS)) < share)).astype(np.float32)


def test_the_tail_has_its_charge_and_its_inverse_takes_it_away():
    from qcompress.detectors.tpc.simulation import electronics_kernels as kernels

    pulse = np.zeros((2, 4000))
    pulse[:, 1000] = 100.0, 1200.0
    tailed = pulse.copy()
    amplitude, over = np.array([0.1276, 0.1]), np.array([950.0, 950.0])
    kernels.add_tails(tailed, amplitude, 0.0515, over, (0.02, 0.1))
    added = tailed - pulse
    before = pulse.mean(axis=1) / (np.exp(0.0515) - 1) * amplitude
    assert added.sum(axis=1) - before == pytest.approx(
        [12.76 * np.exp(-0.0515), 120 * np.exp(-0.0515) + 5 * np.exp(-0.1)], rel=1e-3
    )
    assert added[0, 1010] / added[0, 1009] == pytest.approx(np.exp(-0.0515), rel=0.02)
    kernels.remove_tails(tailed, amplitude, 0.0515)
    assert np.abs(tailed[0, 1001:1100]).max() < 0.02
    assert tailed[0, 1000] == pytest.approx(100, abs=0.1)


def test_the_common_mode_pulls_a_stack_down_and_is_found_from_empty_pads():
    from qcompress.detectors.tpc.simulation import electronics_kernels as kernels

    charge = signals().astype(float)
    pulled, share = charge.copy(), np.full(SECTOR_PADS, 0.5)
    kernels.pull_down(pulled, STACKS, share)
    for first, last in pairwise(STACKS):
        down = (charge - pulled)[first:last]
        assert down == pytest.approx(np.broadcast_to(0.5 * charge[first:last].mean(axis=0), down.shape))
    kernels.lift(pulled, STACKS, 3.0)
    empty = charge == 0
    assert np.abs(pulled[empty]).max() < 0.1 < 0.5 * charge.mean()


def test_without_noise_the_corrections_give_the_charge_back():
    own = sector()
    exact = own._replace(known=own.tail, pulled=np.full(SECTOR_PADS, 0.5, np.float32))
    charge = signals()
    found, raw = electronics.corrected(REALISTIC, charge, np.zeros_like(charge), exact)
    wrong = (found - charge)[charge < 900]
    assert np.abs(wrong).mean() < 0.4  # the ADC rounds to a count
    assert raw.max() <= REALISTIC.adc_most


def test_a_tail_that_is_not_corrected_stays():
    own = sector()
    charge = np.zeros((SECTOR_PADS, BINS), np.float32)
    charge[5000, 10] = 800
    exact = own._replace(known=own.tail)
    sums = []
    for pads in (exact, own, own._replace(known=0 * own.tail)):
        found, _ = electronics.corrected(REALISTIC, charge, np.zeros_like(charge), pads)
        sums.append(abs(float(found[5000, 11:50].sum())))
    assert sums[0] < 15
    assert sums[2] > 0.6 * own.tail[5000] * 800
    assert sums[1] < 0.5 * sums[2]


def test_noise_has_its_size_its_memory_and_what_a_chip_shares():
    from dataclasses import replace

    own, quiet = sector(), replace(REALISTIC, bursts=0.0)
    noise = electronics.noise_of(quiet, own, 256, np.random.default_rng(1))
    assert noise.std() == pytest.approx(REALISTIC.noise_excess * np.sqrt((own.noise**2).mean()), rel=0.02)
    memory = (noise[:, 1:] * noise[:, :-1]).mean() / noise.var()
    apart = 1 - (REALISTIC.coherent_noise / REALISTIC.noise_excess) ** 2
    assert memory == pytest.approx(apart * 0.35 / (1 + 0.35**2), abs=0.02)
    chip = electronics.chip_of(REALISTIC)
    shared = np.mean([np.cov(noise[chip == c])[np.triu_indices((chip == c).sum(), 1)].mean() for c in range(60)])
    assert shared == pytest.approx(REALISTIC.coherent_noise**2, abs=0.02)
    assert np.bincount(chip).max() == 32


def test_bursts_are_many_pulses_on_one_chip():
    from dataclasses import replace

    chip = electronics.chip_of(REALISTIC)
    seed = next(s for s in range(20) if np.random.default_rng(s).poisson(1.0) == 1)  # one burst is drawn
    one = electronics.bursts(replace(REALISTIC, bursts=1.0, burst_pulses=30.0), chip, 256, np.random.default_rng(seed))
    struck = np.unique(chip[(one > 0.5).any(axis=1)])
    assert 1 <= len(struck) <= 4  # and the pads next to its own
    bins = np.flatnonzero((one > 0.5).any(axis=0))
    assert np.ptp(bins) < REALISTIC.burst_bins + REALISTIC.pulse_samples
    many = electronics.bursts(REALISTIC, chip, 128, np.random.default_rng(4))
    per_pulse = 1.25 * REALISTIC.burst_height * 1.033  # its neighbour sees a quarter on average
    inside = REALISTIC.bursts * REALISTIC.burst_pulses
    assert many.sum() == pytest.approx(per_pulse * inside, rel=0.15)


def test_version_1_is_white_noise_alone():
    own = Pads._make(column[0] for column in electronics.pads(1, 1))
    assert not own.tail.any()
    assert not own.pulled.any()
    noise = electronics.noise_of(PARAMETERS, own, 128, np.random.default_rng(1))
    assert abs((noise[:, 1:] * noise[:, :-1]).mean()) < 0.01
