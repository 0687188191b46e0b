"""Intervals of runs and of times: what is read, what meets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qcompress.errors import QcompressError
from qcompress.registry.validity import LARGEST, Interval, Kind, Place, time_in, told


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
        ("0001-01-01T00:00:00+01:00/", "is outside of the years 1 to 9999"),
        ("2026-03-02T00:00:00Z/9999-12-31T23:59:59-01:00", "is outside of the years 1 to 9999"),
        ("2026-03-02T00:00:00Z/2026-03-01T00:00:00Z", "ends before it begins"),
    ],
)
def test_times_that_are_none_are_faults(text: str, words: str) -> None:
    with pytest.raises(QcompressError, match=words):
        Interval.of_times(text)


def test_what_no_calendar_has_is_told_as_a_number() -> None:
    assert told(Kind.TIMES, LARGEST) == f"{LARGEST} microseconds after 1970"
    assert told(Kind.TIMES, -LARGEST) == f"-{LARGEST} microseconds after 1970"


def test_a_place_is_a_run_or_a_time() -> None:
    assert Place.parse("20260301", "--from") == Place(Kind.RUNS, 20260301)
    assert str(Place.parse("2026-03-01T01:00:00+01:00", "--from")) == "time 2026-03-01T00:00:00Z"
    assert Place.parse("9" * 18, "--from").number < LARGEST
    for text, words in (
        ("9" * 5000, "18 digits at most"),
        ("١٢", "is no time"),
        ("-3", "is no time"),
        ("", "is no time"),
    ):
        with pytest.raises(QcompressError, match=words):
            Place.parse(text, "--from")


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
