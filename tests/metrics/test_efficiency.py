"""Binomial intervals against their definition, and the errors of wrong counts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from qcompress.errors import QcompressError
from qcompress.metrics.efficiency import efficiency


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_each_end_is_where_what_was_seen_becomes_a_tail(counts: tuple[int, int]) -> None:
    passed, total = counts
    found = efficiency(passed, total, 0.9)
    assert found.value == passed / total
    assert found.low <= found.value <= found.high
    assert passed == 0 or binom.sf(passed - 1, total, found.low) == pytest.approx(0.05)
    assert passed == total or binom.cdf(passed, total, found.high) == pytest.approx(0.05)


def test_without_trials_nothing_is_known() -> None:
    found = efficiency([0, 3], [0, 4])
    assert np.isnan(found.value[0])
    assert (found.low[0], found.high[0]) == (0, 1)
    assert found.value[1] == 0.75


def test_more_passed_than_there_were_is_a_fault() -> None:
    with pytest.raises(QcompressError, match="0 <= passed <= total"):
        efficiency(3, 2)
