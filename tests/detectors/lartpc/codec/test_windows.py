"""Waveforms in windows and back."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.codec.windows import cut, joined


@pytest.mark.parametrize("ticks", [64, 70, 1])
def test_windows_hold_the_waveform_and_zeros_behind_it(ticks):
    waves = np.random.default_rng(1).integers(-50, 50, (3, ticks)).astype(np.int16)
    found = cut(waves, 32)
    assert found.shape == (3, -(-ticks // 32), 32)
    assert (joined(found, ticks) == waves).all()
    assert not found.reshape(3, -1)[:, ticks:].any()
    assert found.dtype == np.int16
