"""Intervals of validity: of runs by number, or of times."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from qcompress.errors import QcompressError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LARGEST = (1 << 63) - 1
"""What a column of 64 bits holds."""
EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""Times that can be told in any zone."""


class Kind(StrEnum):
    """What an interval is of."""

    RUNS = "runs"
    TIMES = "times"


class Place(NamedTuple):
    """A run by number, or a time in microseconds since 1970 (UTC)."""

    kind: Kind
    number: int

    @classmethod
    def parse(cls, text: str, option: str) -> "Place":
        """A number is a run, all else a time with its zone; raises QcompressError, naming the option, for neither."""
        if not re.fullmatch(r"\d+", text, re.ASCII):
            return cls(Kind.TIMES, time_in(text, option))
        if len(text) > 18:
            raise QcompressError(f"{option} {text[:18]}...: is no run number; give 18 digits at most")
        return cls(Kind.RUNS, int(text))

    def __str__(self) -> str:
        return f"run {self.number}" if self.kind is Kind.RUNS else f"time {told(*self)}"


@dataclass(frozen=True)
class Interval:
    """Runs by number, or times in microseconds since 1970 (UTC): from `first` on, up to but not including `end`.

    end: None where it is open.
    """

    kind: Kind
    first: int
    end: int | None

    @classmethod
    def of_runs(cls, text: str) -> "Interval":
        """ "100-200", both ends included; "100-", open; "100", one run. Raises QcompressError for anything else."""
        match = re.fullmatch(r"(\d{1,18})(-(\d{1,18})?)?", text.strip(), re.ASCII)
        if match is None:
            raise QcompressError(f"--runs {text!r}: give FIRST-LAST, FIRST- or one run number")
        first = int(match[1])
        end = first + 1 if match[2] is None else None if match[3] is None else int(match[3]) + 1
        if end is not None and end <= first:
            raise QcompressError(f"--runs {text!r}: the last run is before the first")
        return cls(Kind.RUNS, first, end)

    @classmethod
    def of_times(cls, text: str) -> "Interval":
        """ "FROM/UNTIL" of two times, "FROM/" where it is open; raises QcompressError for anything else."""
        parts = text.split("/")
        if len(parts) != 2:
            raise QcompressError(f"--times {text!r}: give FROM/UNTIL or FROM/, as 2026-03-01T00:00:00Z/")
        first, end = time_in(parts[0], "--times"), time_in(parts[1], "--times") if parts[1].strip() else None
        if end is not None and end <= first:
            raise QcompressError(f"--times {text!r}: ends before it begins")
        return cls(Kind.TIMES, first, end)

    def __contains__(self, place: int) -> bool:
        return self.first <= place and (self.end is None or place < self.end)

    def __str__(self) -> str:
        if self.kind is Kind.TIMES:
            begin = f"times from {told(self.kind, self.first)}"
            return f"{begin} on" if self.end is None else f"{begin} until {told(self.kind, self.end)}"
        if self.end is None:
            return f"runs from {self.first} on"
        return f"run {self.first}" if self.end == self.first + 1 else f"runs {self.first} to {self.end - 1}"

    def overlaps(self, other: "Interval") -> bool:
        """Whether some run or time is in both."""
        ends = (LARGEST if each.end is None else each.end for each in (self, other))
        return self.kind == other.kind and max(self.first, other.first) < min(ends)

    def until(self, end: int) -> "Interval | None":
        """What of it lies before `end`; None if nothing does."""
        if end <= self.first:
            return None
        return self if self.end is not None and self.end <= end else Interval(self.kind, self.first, end)


def time_in(text: str, option: str) -> int:
    """A time with its zone -> microseconds since 1970; raises QcompressError, naming the option, for anything else."""
    try:
        given = datetime.fromisoformat(text.strip())
    except ValueError:
        raise QcompressError(f"{option} {text!r}: is no time; write it as 2026-03-01T12:00:00Z") from None
    if given.tzinfo is None:
        raise QcompressError(f"{option} {text!r}: has no time zone; write Z behind it for UTC")
    if not EARLIEST <= given <= LATEST:
        raise QcompressError(f"{option} {text!r}: is outside of the years 1 to 9999")
    return (given - EPOCH) // MICROSECOND


def told(kind: Kind, place: int) -> str:
    """A run number or a time as people read it."""
    if kind is Kind.RUNS:
        return str(place)
    try:
        return (EPOCH + place * MICROSECOND).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return f"{place} microseconds after 1970"
