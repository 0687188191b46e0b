"""What a history says is valid, and whether it is whole."""

from dataclasses import replace

import pytest

from qcompress.errors import QcompressError
from qcompress.registry.entries import Action, Entry, at, check_chain, valid
from qcompress.registry.validity import Interval, Kind


def history(*acts: tuple[Action, str, str, str]) -> list[Entry]:
    """Entries of (action, name, version, runs)."""
    made: list[Entry] = []
    for number, (action, name, version, runs) in enumerate(acts, 1):
        entry = Entry(number, action, name, version, Interval.of_runs(runs), version * 3, {}, "", "me", "now")
        made.append(entry.sealed(made[-1].digest if made else ""))
    return made


ACTS = [
    (Action.ADD, "a", "1", "100-"),
    (Action.ADD, "b", "1", "5"),
    (Action.RETIRE, "a", "1", "300-"),
    (Action.ADD, "a", "2", "300-399"),
    (Action.ADD, "a", "3", "400-"),
    (Action.RETIRE, "a", "3", "400-"),
]


def test_what_is_valid_after_additions_and_retirements() -> None:
    found = [(each.entry.name, each.entry.version, str(each.interval)) for each in valid(history(*ACTS))]
    assert found == [("a", "1", "runs 100 to 299"), ("a", "2", "runs 300 to 399"), ("b", "1", "run 5")]
    assert [each.entry.name for each in valid(history(*ACTS), "b")] == ["b"]


def test_a_run_has_one_payload_or_the_fault_says_what_there_is() -> None:
    standing = valid(history(*ACTS))
    assert [at(standing, "a", Kind.RUNS, run).entry.version for run in (100, 299, 300, 399)] == ["1", "1", "2", "2"]
    with pytest.raises(QcompressError, match=r"a has no payload for run 400 .*version 2: runs 300 to 399"):
        at(standing, "a", Kind.RUNS, 400)
    with pytest.raises(QcompressError, match="holds no valid 'c': it has a, b"):
        at(standing, "c", Kind.RUNS, 1)
    with pytest.raises(QcompressError, match="a is valid by runs: give --run"):
        at(standing, "a", Kind.TIMES, 1)


def test_a_changed_or_missing_entry_is_found() -> None:
    whole = history(*ACTS)
    check_chain(whole)
    for place, entry in enumerate(whole):
        for changed in (replace(entry, payload="x"), replace(entry, comment="x"), replace(entry, author="x")):
            with pytest.raises(QcompressError, match=f"entry {place + 1} was changed"):
                check_chain([*whole[:place], changed, *whole[place + 1 :]])
    with pytest.raises(QcompressError, match="entry 2 is missing"):
        check_chain([whole[0], *whole[2:]])
