"""Labels: peaks of clean windows, equal numbers of both kinds, counts of 12 bits."""

import numpy as np

from qcompress.detectors.lartpc.roi import labels, windows


def clean(bits=12):
    signal = np.zeros((40, 1000), np.float32)
    signal[::4, 500], signal[1::4, 100] = -3.5, 2.9
    return signal * (1 << (bits - 12))


def test_peaks_are_the_largest_samples_of_either_sign_in_counts_of_12_bits():
    found = labels.peaks(clean(14), np.array([0, 350, 400, 501]), 14)
    assert found[0].tolist() == [0, 3.5, 3.5, 0]
    assert found[1].tolist() == [np.float32(2.9), 0, 0, 0]


def test_as_many_windows_of_noise_as_of_signal_are_chosen():
    signal = clean()
    chosen = labels.choose(signal, 12, 100, np.random.default_rng(1))
    assert chosen.signal.sum() == (~chosen.signal).sum() > 10
    found = np.abs(windows.windows(signal, chosen.channel, chosen.start)).max(axis=1)
    assert (found == chosen.peak).all()
    assert (chosen.signal == (found >= 3)).all()
    assert len(labels.choose(signal, 12, 5, np.random.default_rng(1)).start) == 10
    assert not len(labels.choose(np.zeros((2, 400), np.float32), 12, 5, np.random.default_rng(1)).start)
