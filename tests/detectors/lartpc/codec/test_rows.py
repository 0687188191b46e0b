"""Windows that train a codec: as many of signal as of noise, whose samples come back or nothing."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.codec.rows import chosen
from qcompress.detectors.lartpc.roi.rows import Waves


@pytest.mark.parametrize("dropped", [True, False])
def test_windows_come_back_but_those_of_noise_where_it_is_dropped(dropped):
    rng = np.random.default_rng(1)
    samples = rng.integers(-9, 9, (6, 128)).astype(np.int16)
    clean = np.zeros((6, 128), np.float32)
    clean[1, 40], clean[2, 100], clean[3, 7] = 12.0, -8.0, 11.6
    found, targets = chosen(Waves(3, 0, samples, clean, samples.astype(np.uint16)), 32, 14, 10, dropped)
    assert targets.shape == found.shape == (2, 32)  # 11.6 counts of 14 bits are less than 3 of 12
    assert (found[0] == samples[1, 32:64]).all()
    assert (targets[0] == found[0] / np.float32(64)).all()
    assert (targets[1] == (0 if dropped else found[1] / np.float32(64))).all()
    cut = samples.reshape(-1, 32)
    assert all((cut == window).all(axis=1).any() for window in found)
