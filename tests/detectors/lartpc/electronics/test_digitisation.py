"""Converters: rounding, both ends, codes that stick."""

import numpy as np

from qcompress.detectors.lartpc.electronics import digitisation
from qcompress.detectors.lartpc.presets import PRESETS

SP = PRESETS["protodune-sp"]


def test_codes_are_rounded_on_the_baseline_and_clipped():
    signal = [-901.0, -900.4, 0.4, 0.6, 3195.0, 3196.0, 1e6]
    codes = digitisation.digitise(signal, SP, SP.plane("W"))
    assert codes.tolist() == [0, 0, 900, 901, 4095, 4095, 4095]
    assert codes.dtype == np.uint16
    assert digitisation.digitise([0.0], PRESETS["dune-hd"], PRESETS["dune-hd"].plane("U")).tolist() == [9400]


def test_codes_that_stick_are_the_nearest_of_those_that_they_stick_to():
    codes = np.array([0, 30, 40, 62, 63, 64, 65, 66, 127], np.uint16)
    stuck = digitisation.stick(codes, np.random.default_rng(0), 1.0)
    assert stuck.tolist() == [0, 1, 63, 63, 63, 64, 65, 65, 127]
    assert (digitisation.stick(codes, np.random.default_rng(0), 0.0) == codes).all()
    many = np.random.default_rng(1).integers(0, 4096, 20_000).astype(np.uint16)
    moved = digitisation.stick(many, np.random.default_rng(2), 0.1)
    assert 0.08 < (moved != many).mean() < 0.11
    assert set(moved[moved != many] % 64) <= {0, 1, 63}
