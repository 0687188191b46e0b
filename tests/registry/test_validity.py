"""Intervals of runs and of times: what is read, what meets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.errors import QcompressError
from qcompress.registry.validity import Interval, Kind, time_in, told


@pytest.mark.parametrize(
    ("text", "first", "end", "words"),
    [
        ("100-200", 100, 201, "runs 100 to 200"),
        ("7", 7, 8, "run 7"),
        ("0-0", 0, 1, "run 0"),
        ("300-", 300, None, "runs from 300 on"),
    ],
)
def test_runs(text: str, first: int, end: int | None, words: str) -> None:
    interval = Interval.of_runs(text)
    assert (interval.first, interval.end, str(interval)) == (first, end, words)


def test_times() -> None:
    interval = Interval.of_times("2026-03-01T01:00:00+01:00/2026-04-01T00:00:00Z")
    assert str(interval) == "times from 2026-03-01T00:00:00Z until 2026-04-01T00:00:00Z"
    assert time_in("2026-03-01T00:00:00Z", "--time") in interval
    assert time_in("2026-04-01T00:00:00Z", "--time") not in interval
    assert str(Interval.of_times("2026-03-01T00:00:00Z/")) == "times from 2026-03-01T00:00:00Z on"
    assert told(Kind.TIMES, -1) == "1969-12-31T23:59:59.999999Z"


@pytest.mark.parametrize("text", ["", "a", "5-3", "-5", "1-2-3", "1" * 20, "١-٢"])
def test_runs_that_are_none_are_faults(text: str) -> None:
    with pytest.raises(QcompressError, match="--runs"):
        Interval.of_runs(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-03-01", "give FROM/UNTIL"),
        ("2026-03-01T00:00:00/", "has no time zone"),
        ("soon/", "is no time"),
        ("2026-03-02T00:00:00Z/2026-03-01T00:00:00Z", "ends before it begins"),
    ],
)
def test_times_that_are_none_are_faults(text: str, words: str) -> None:
    with pytest.raises(QcompressError, match=words):
        Interval.of_times(text)


INTERVALS = st.builds(
    lambda first, length: Interval(Kind.RUNS, first, None if length is None else first + length),
    st.integers(0, 12),
    st.none() | st.integers(1, 6),
)


@given(INTERVALS, INTERVALS)
def test_two_intervals_overlap_where_a_run_is_in_both(one: Interval, other: Interval) -> None:
    both = any(run in one and run in other for run in range(40))
    assert one.overlaps(other) == other.overlaps(one) == both


@given(INTERVALS, st.integers(0, 20))
def test_what_is_left_before_an_end(one: Interval, end: int) -> None:
    left = one.until(end)
    wanted = [run for run in range(40) if run in one and run < end]
    assert [run for run in range(40) if left is not None and run in left] == wanted
