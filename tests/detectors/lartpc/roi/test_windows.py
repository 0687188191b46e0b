"""Windows cover a waveform; a mask is what they cover."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.roi import windows
from qcompress.errors import QcompressError


@pytest.mark.parametrize(("ticks", "expected"), [(200, [0]), (201, [0, 1]), (350, [0, 150]), (499, [0, 150, 299])])
def test_windows_begin_every_150_ticks_and_the_last_one_ends_with_the_waveform(ticks, expected):
    assert windows.starts(ticks).tolist() == expected


def test_every_tick_lies_in_a_window():
    first = windows.starts(4608)
    assert windows.mask(first, np.ones((1, len(first)), bool), 4608).all()
    with pytest.raises(QcompressError, match="199 ticks is shorter than a window of 200"):
        windows.starts(199)


def test_windows_and_masks_are_of_their_ticks():
    samples = np.arange(1000).reshape(2, 500)
    found = windows.windows(samples, [1, 0], [10, 300])
    assert (found == [np.arange(510, 710), np.arange(300, 500)]).all()
    kept = np.zeros((2, 3), bool)
    kept[1, :2] = True
    mask = windows.mask(np.array([0, 150, 300]), kept, 500)
    assert (mask[1] == (np.arange(500) < 350)).all()
    assert not mask[0].any()
