"""The stages around the network: counts of any converter become the same codes; decisions by their logit."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.roi.stages import INPUT_FORMAT, Decision, clip
from qcompress.errors import QcompressError
from qcompress.fixedpoint import Format


@pytest.mark.parametrize("bits", [12, 14])
def test_samples_become_counts_of_12_bits_halves_up_saturating(bits):
    step = 1 << (bits - 12)
    samples = np.zeros((1, 200, 1), np.int64)
    samples[0, :6, 0] = [0, 7 * step, -7 * step, 3 * step // 2, 511 * step + step, -600 * step]
    codes = clip(bits).run(samples)[0, :6, 0]
    assert codes.tolist() == [0, 7, -7, 1 if bits == 12 else 2, 511, -512]
    assert clip(bits).output_format == INPUT_FORMAT


def test_a_window_is_kept_above_the_threshold_of_its_logit():
    logit = Format(True, 10, 5)
    for threshold in (0.1, 0.5, 0.9):
        decision = Decision(logit, threshold)
        codes = np.arange(-512, 512)[:, None]
        expected = 1 / (1 + np.exp(-codes / 32)) > threshold
        assert (decision.run(codes) == expected).all()
    assert Decision(logit, 0).run(np.array([[-512]])).all()
    assert not Decision(logit, 1).run(np.array([[511]])).any()


def test_other_converters_and_thresholds_are_refused():
    with pytest.raises(QcompressError, match="converters of 10 bits: networks see those of 12 to 15"):
        clip(10)
    with pytest.raises(QcompressError, match=r"threshold 1.5: give a probability"):
        Decision(Format(True, 10, 5), 1.5)
