"""Operating points of windows: rows, counts of windows as they are scanned, cuts as probabilities."""

import numpy as np
import pytest

from qcompress.detectors.lartpc.roi.points import points_table


def test_rows_count_what_is_kept():
    """40 of signal that stand for 2 windows each, 60 of noise for 10, 20 of small signals for 10; logits of +-1, 0."""
    peak = np.repeat([5.0, 0.0, 2.0], [40, 60, 20])
    logit = np.repeat([1.0, -1.0, -1.0, 0.0], [40, 55, 5, 20])
    logit[:4] = -1
    table = points_table(logit, peak, np.repeat([2.0, 10.0, 10.0], [40, 60, 20]), 0.0)
    rows = {row[0]: row[1:] for row in table.rows}
    assert list(rows) == ["all windows", "the candidate's threshold", "best s/sqrt(b)", "best s/sqrt(s+b)"]
    assert rows["all windows"] == (0, 80, 800, 600, 200, 100, pytest.approx(100 * 80 / 880))
    assert rows["the candidate's threshold"] == (0.5, 72, 200, 0, 200, 90, pytest.approx(100 * 72 / 272))
    assert rows["best s/sqrt(b)"] == rows["the candidate's threshold"]
    assert rows["best s/sqrt(s+b)"] == (pytest.approx(0.7311), 72, 0, 0, 0, 90, 100)


def test_without_background_there_is_no_table():
    assert points_table(np.zeros(20), np.full(20, 5.0), np.ones(20), 0.0) is None
    assert points_table(np.zeros(20), np.zeros(20), np.ones(20), 0.0) is None
