"""What a registry's history says: what was added and retired, and what is valid after it."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from qcompress.errors import QcompressError
from qcompress.files import JsonObject
from qcompress.registry.validity import Interval, Kind, told


class Action(StrEnum):
    """What an entry does."""

    ADD = "add"
    RETIRE = "retire"


@dataclass(frozen=True)
class Entry:
    """One act in the history of a registry.

    number: from 1 on; interval: of an addition the interval of validity, of a retirement from where on it is not valid
    any more; payload: its hash; provenance: what the candidate's manifest tells; created: UTC; digest: SHA-256 over
    all of that and the digest of the entry before.
    """

    number: int
    action: Action
    name: str
    version: str
    interval: Interval
    payload: str
    provenance: JsonObject
    comment: str
    author: str
    created: str
    digest: str = ""

    def sealed(self, before: str) -> "Entry":
        """The same with its digest; before: the digest of the entry before, empty for the first."""
        told = json.dumps([before, asdict(replace(self, digest=""))], sort_keys=True)
        return replace(self, digest=hashlib.sha256(told.encode()).hexdigest())


@dataclass(frozen=True)
class Valid:
    """A version of a name, and an interval in which it is valid; entry: that added it."""

    entry: Entry
    interval: Interval

    @property
    def label(self) -> str:
        return f"{self.entry.name} version {self.entry.version}"


def valid(history: Iterable[Entry], name: str | None = None) -> list[Valid]:
    """What is valid after the history, in order of name and interval; of one name or of all."""
    standing: list[Valid] = []
    for entry in history:
        if name is not None and entry.name != name:
            continue
        if entry.action is Action.ADD:
            standing.append(Valid(entry, entry.interval))
        else:
            standing = [left for each in standing if (left := _after(each, entry)) is not None]
    return sorted(standing, key=lambda each: (each.entry.name, each.interval.first))


def _after(each: Valid, retirement: Entry) -> Valid | None:
    """What a retirement leaves of an interval."""
    if each.entry.version != retirement.version:
        return each
    left = each.interval.until(retirement.interval.first)
    return None if left is None else Valid(each.entry, left)


def ended(history: Sequence[Entry], retirement: Entry) -> list[tuple[Interval, Interval | None]]:
    """Intervals that a retirement in the history has shortened, and what it has left of each."""
    own = valid(history[: retirement.number - 1], retirement.name)
    left = [(each.interval, after.interval if (after := _after(each, retirement)) else None) for each in own]
    return [(before, after) for before, after in left if before != after]


def at(standing: Iterable[Valid], name: str, kind: Kind, place: int) -> Valid:
    """What of a name is valid for a run or at a time.

    Raises QcompressError, naming what there is, for a name without validity there, and for one of the other kind.
    """
    own = [each for each in standing if each.entry.name == name]
    if not own:
        names = sorted({each.entry.name for each in standing})
        raise QcompressError(f"registry: holds no valid {name!r}" + (f": it has {', '.join(names)}" if names else ""))
    if own[0].interval.kind is not kind:
        other = "--run" if own[0].interval.kind is Kind.RUNS else "--time"
        raise QcompressError(f"registry: {name} is valid by {own[0].interval.kind}: give {other}")
    for each in own:
        if place in each.interval:
            return each
    near = sorted(own, key=lambda each: abs(each.interval.first - place))[:3]
    where = "; ".join(f"version {each.entry.version}: {each.interval}" for each in near)
    what = "run" if kind is Kind.RUNS else "time"
    raise QcompressError(f"registry: {name} has no payload for {what} {told(kind, place)} ({where})")


def check_chain(history: Iterable[Entry]) -> None:
    """Raises QcompressError at the first entry that is missing or not what was written."""
    before = ""
    for number, entry in enumerate(history, 1):
        if entry.number != number:
            raise QcompressError(f"registry: entry {number} is missing")
        if entry.sealed(before).digest != entry.digest:
            raise QcompressError(f"registry: entry {number} was changed after it was written")
        before = entry.digest
