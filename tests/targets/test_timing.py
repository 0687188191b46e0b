"""The timer warms up, repeats, and says percentiles."""

import time

import pytest

from qcompress.errors import QcompressError
from qcompress.targets.timing import time_batch


def test_every_repeat_counts_and_no_warm_up() -> None:
    naps = iter([0.05, 0.05] + [0.001] * 19 + [0.03])
    calls = []

    def run() -> None:
        calls.append(1)
        time.sleep(next(naps))

    found = time_batch(run, 100, 2, 20)
    assert len(calls) == 22
    assert found.repeats == 20
    assert 0.001 <= found.median <= found.percentile_95 <= found.percentile_99 < 0.05
    assert found.percentile_99 > 0.02
    assert found.rate == 100 / found.median


@pytest.mark.parametrize(("warm_up", "repeats"), [(0, 0), (-1, 3)])
def test_nothing_to_time_is_a_fault(warm_up: int, repeats: int) -> None:
    with pytest.raises(QcompressError, match="give 1 repeat or more"):
        time_batch(lambda: None, 1, warm_up, repeats)
