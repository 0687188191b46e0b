"""Trigger primitives: equal to their plain twins on noise with signals, by frames as in one piece, masks."""

import numpy as np
import pytest
from helpers import lartpc_twin

from qcompress.detectors.lartpc.electronics import digitisation, noise, signals
from qcompress.detectors.lartpc.online import primitives
from qcompress.detectors.lartpc.online.primitives import Settings, State
from qcompress.detectors.lartpc.presets import PRESETS
from qcompress.errors import QcompressError

FINDERS = ("threshold", "fir", "running-sum")


def waveforms(preset, plane, seed, channels=8, ticks=3000):
    """Codes of noise and of some charges."""
    rng = np.random.default_rng(seed)
    charge = np.where(rng.random((channels, ticks)) < 0.003, rng.exponential(20_000, (channels, ticks)), 0)
    signal = signals.plane_signal(charge, preset, plane)
    return digitisation.digitise(signal + noise.plane_noise(rng, preset, plane, ticks, channels), preset, plane)


def expected(codes, settings, spread=0):
    """(channel, ...) lines of the twin: those that ended, those that are open."""
    done, left = [], []
    for channel, row in enumerate(codes):
        ended, cut = lartpc_twin.primitives(row, settings.finder, settings.threshold, spread)
        done += [(channel, *line) for line in ended]
        left += [(channel, *cut)] if cut else []
    return done, left


def lines(found):
    return list(zip(*(column.tolist() for column in found), strict=True))


@pytest.mark.parametrize("finder", FINDERS)
@pytest.mark.parametrize(("preset", "plane"), [("dune-hd", "U"), ("dune-hd", "W"), ("protodune-sp", "V")])
def test_primitives_are_those_of_the_twin(finder, preset, plane):
    chamber = PRESETS[preset]
    codes = waveforms(chamber, chamber.plane(plane), 5)
    settings = Settings.of(finder, chamber, chamber.plane(plane))
    found, state = primitives.find(codes, settings, State.fresh(codes, 9))
    done, left = expected(codes, settings, 9)
    assert lines(found) == done
    assert lines(state.open()) == left
    assert len(done) > 12


@pytest.mark.parametrize("finder", FINDERS)
def test_extreme_codes_give_what_the_twin_gives(finder):
    rng = np.random.default_rng(2)
    codes = rng.choice([0, 1, 16383, 32767, 20_000], (4, 800)).astype(np.uint16)
    codes[1] = np.where(np.arange(800) % 100 < 50, 0, 32767)
    codes[2], codes[3] = 0, np.arange(800) * 40
    settings = Settings(finder, 60)
    found, state = primitives.find(codes, settings)
    done, left = expected(codes, settings)
    assert (lines(found), lines(state.open())) == (done, left)


@pytest.mark.parametrize("finder", FINDERS)
def test_frames_of_any_length_give_what_the_whole_gives(finder):
    chamber = PRESETS["dune-hd"]
    codes = waveforms(chamber, chamber.plane("W"), 7, 5, 1000)
    settings = Settings(finder, 40)
    whole, last = primitives.find(codes, settings)
    state, pieces = State.fresh(codes), []
    for first, end in zip((0, 64, 65, 70, 500), (64, 65, 70, 500, 1000), strict=True):
        found, state = primitives.find(codes[:, first:end], settings, state)
        pieces += lines(found)
    assert sorted(pieces) == sorted(lines(whole))
    assert (state.numbers == last.numbers).all()


def test_more_primitives_than_there_was_room_for_are_all_found():
    codes = np.full((2, 6000), 100, np.uint16)
    codes[:, 1::2] = 300
    found, _ = primitives.find(codes, Settings("threshold", 40))
    assert len(found.channel) == sum(len(lartpc_twin.primitives(row, "threshold", 40)[0]) for row in codes) > 2048


def test_masked_channels_are_passed_over():
    chamber = PRESETS["dune-hd"]
    codes = waveforms(chamber, chamber.plane("W"), 9, 6, 1500)
    settings = Settings("threshold", 40)
    masked = np.arange(6) % 3 == 1
    whole, (some, state) = primitives.find(codes, settings).primitives, primitives.find(codes, settings, masked=masked)
    assert lines(some) == [line for line in lines(whole) if not masked[line[0]]]
    assert (state.numbers[masked] == State.fresh(codes).numbers[masked]).all()


def test_thresholds_follow_the_bits():
    hd, sp = PRESETS["dune-hd"], PRESETS["protodune-sp"]
    assert [Settings.of("threshold", hd, plane).threshold for plane in hd.planes] == [70, 70, 60]
    assert [Settings.of("running-sum", sp, plane).threshold for plane in sp.planes] == [20, 20, 16]
    with pytest.raises(QcompressError, match="finder fast: there are threshold, fir, running-sum"):
        Settings.of("fast", hd, hd.planes[0])
    with pytest.raises(QcompressError, match="threshold -1, quartiles 5: 0 to 32767, 0 to 1000"):
        Settings("threshold", -1)


def test_a_state_or_mask_of_other_channels_is_refused():
    codes = np.zeros((3, 10), np.uint16)
    for wrong in ({"state": State.fresh(codes[:2])}, {"masked": np.zeros(4, bool)}):
        with pytest.raises(QcompressError, match="3 channels, but a state of"):
            primitives.find(codes, Settings(), **wrong)


@pytest.mark.campaign
@pytest.mark.parametrize("finder", FINDERS)
def test_ten_million_samples(finder):
    chamber = PRESETS["dune-hd"]
    for plane in chamber.planes:
        for seed in range(35):
            codes = waveforms(chamber, plane, 1000 + seed, 16, 6000)
            settings = Settings.of(finder, chamber, plane)
            found, state = primitives.find(codes, settings, State.fresh(codes, 9))
            assert (lines(found), lines(state.open())) == expected(codes, settings, 9)
