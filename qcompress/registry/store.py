"""A registry: what was added and retired, in order, and the payloads that belong to it."""

import getpass
import json
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection, insert, select

from qcompress.candidate import Candidate
from qcompress.errors import QcompressError
from qcompress.registry import payload as payloads
from qcompress.registry.database import Database
from qcompress.registry.entries import Action, Entry, Valid, check_chain, valid
from qcompress.registry.tables import ENTRIES
from qcompress.registry.validity import Interval, Kind, Place

WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)


class Checked(NamedTuple):
    """How much a registry holds, and the digest of its last entry, empty without any."""

    entries: int
    payloads: int
    digest: str


class Registry:
    """Candidates by name, version and validity; url: SQLAlchemy's, or the path of an SQLite file.

    Only `add` makes what is not there. Everything raises QcompressError where the database cannot be reached, is none,
    or its password is wrong.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url)

    def __str__(self) -> str:
        return str(self._database)

    def history(self) -> list[Entry]:
        """Everything that was done, in order; raises QcompressError if something of it was changed."""
        with self._database.reading() as connection:
            return _history(connection)

    def valid(self, name: str | None = None) -> list[Valid]:
        """What is valid now; of one name or of all."""
        return valid(self.history(), name)

    def version(self, name: str, version: str) -> Entry:
        """The last addition of a version, valid or not; raises QcompressError if there is none."""
        own = [each for each in self.history() if each.name == name and each.action is Action.ADD]
        if found := [each for each in own if each.version == version]:
            return found[-1]
        known = ", ".join(dict.fromkeys(each.version for each in own)) or "none"
        raise QcompressError(f"registry: no version {version!r} of {name!r}; versions: {known}")

    def add(
        self, name: str, candidate: Candidate, interval: Interval, version: str | None = None, comment: str = ""
    ) -> Entry:
        """Enter a verified candidate as valid in an interval.

        version: the next number unless given; of a version that there is, the candidate must be the same. Raises
        QcompressError for an interval that meets another one of the name, and what `payload.files_of` refuses.
        """
        for word in (name, version):
            if word is not None and not WORD.fullmatch(word):
                raise QcompressError(f"registry: {word!r} is no name: letters, digits, point, dash and underscore")
        files, provenance = payloads.files_of(candidate), payloads.provenance(candidate)
        payload = payloads.payload_hash(files)

        def work(connection: Connection) -> Entry:
            history = _history(connection)
            added = {each.version: each.payload for each in history if each.name == name and each.action is Action.ADD}
            chosen = version or next((v for v, kept in added.items() if kept == payload), None) or _next(name, added)
            if added.get(chosen, payload) != payload:
                raise QcompressError(f"registry: {name} version {chosen} is another candidate; give another version")
            _check_apart(valid(history, name), name, interval)
            payloads.keep(connection, candidate.folder, files)
            return _append(connection, history, Action.ADD, name, chosen, interval, payload, provenance, comment)

        return self._database.write(work, makes=True)

    def retire(self, name: str, version: str, start: Place | None = None, comment: str = "") -> Entry:
        """End the validity of a version of a name; `entries.ended` tells what is left of which intervals.

        start: first run, or time, that it is not valid for; all of them unless given. Raises QcompressError if nothing
        of it is valid from there on, and for a run where the name is valid by times, or the reverse.
        """

        def work(connection: Connection) -> Entry:
            history = _history(connection)
            own = [each for each in valid(history, name) if each.entry.version == version]
            if not own:
                raise QcompressError(f"registry: nothing of {name!r} version {version!r} is valid; see registry list")
            first = start or Place(own[0].interval.kind, own[0].interval.first)
            if first.kind is not own[0].interval.kind:
                raise QcompressError(f"registry: {name} is valid by {own[0].interval.kind}: {first} is none of them")
            if all(each.interval.until(first.number) == each.interval for each in own):
                raise QcompressError(f"registry: {name} version {version} ends before {first} anyway")
            gone, payload = Interval(first.kind, first.number, None), own[0].entry.payload
            return _append(connection, history, Action.RETIRE, name, version, gone, payload, {}, comment)

        return self._database.write(work)

    def restore(self, payload: str, folder: Path) -> None:
        """Write the files of a payload into a folder that is not there, whole or not at all.

        Raises QcompressError for a folder that is there, and where a hash differs.
        """
        if os.path.lexists(folder):
            raise QcompressError(f"{folder}: is there already; give another folder")
        with self._database.reading() as connection:
            payloads.restore(connection, payload, folder)

    def listed(self, payload: str) -> payloads.Files:
        """Paths and hashes of a payload's files."""
        with self._database.reading() as connection:
            return payloads.listed(connection, payload)

    def check(self, expected: str | None = None) -> Checked:
        """Read everything; expected: a digest that an earlier check gave, which the history must still hold.

        Raises QcompressError at the first hash that differs, and where the history does not lead over that digest.
        """
        with self._database.reading() as connection:
            history = _history(connection)
            if expected is not None and expected not in {entry.digest for entry in history}:
                raise QcompressError(f"registry: no entry has the digest {expected}: later ones were removed, or all")
            kept = list(dict.fromkeys(entry.payload for entry in history))
            contents = {digest: name for payload in kept for name, digest in payloads.listed(connection, payload)}
            for digest, name in contents.items():
                for _ in payloads.content(connection, name, digest):
                    pass
        return Checked(len(history), len(kept), history[-1].digest if history else "")


def _next(name: str, added: Iterable[str]) -> str:
    """The version after those that there are: the lowest number above all of them that are numbers."""
    made = str(max((int(each) for each in added if each.isdecimal()), default=0) + 1)
    if not WORD.fullmatch(made):
        raise QcompressError(f"registry: {name} has a version of {len(made) - 1} digits; give the next with --version")
    return made


def _check_apart(standing: list[Valid], name: str, interval: Interval) -> None:
    """Raises QcompressError if an interval meets one that is valid, or is of another kind."""
    for each in standing:
        if each.interval.kind is not interval.kind:
            raise QcompressError(f"registry: {name} is valid by {each.interval.kind}, not by {interval.kind}")
        if each.interval.overlaps(interval):
            raise QcompressError(
                f"registry: {interval} of {name} are not free: version {each.entry.version} is valid for "
                f"{each.interval}; retire it first, or from there on"
            )


def _history(connection: Connection) -> list[Entry]:
    """All entries; raises QcompressError if one was changed or is missing."""
    entries = [_entry(row) for row in connection.execute(select(ENTRIES).order_by(ENTRIES.c.number))]
    check_chain(entries)
    return entries


def _entry(row: Any) -> Entry:
    """An entry of its row."""
    try:
        interval = Interval(Kind(row.kind), row.first, row.end)
        words = (row.payload, json.loads(row.provenance), row.comment, row.author, row.created, row.digest)
        return Entry(row.number, Action(row.action), row.name, row.version, interval, *words)
    except ValueError as fault:
        raise QcompressError(f"registry: entry {row.number} was changed after it was written ({fault})") from None


def _append(connection: Connection, history: list[Entry], *what: Any) -> Entry:
    """Write the next entry of the history. Its number is the table's key: two writers cannot write the same."""
    action, name, version, interval, payload, provenance, comment = what
    if not _is_text(comment):
        raise QcompressError("registry: the comment holds bytes that are no text; write it as UTF-8")
    created = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    words = (payload, provenance, comment, _author(), created)
    made = Entry(len(history) + 1, action, name, version, interval, *words)
    made = made.sealed(history[-1].digest if history else "")
    row = {
        **{key: getattr(made, key) for key in ("number", "name", "version", "payload", "comment", "author", "created")},
        **{"action": str(action), "kind": str(interval.kind), "first": interval.first, "end": interval.end},
        **{"provenance": json.dumps(provenance, sort_keys=True), "digest": made.digest},
    }
    connection.execute(insert(ENTRIES), row)
    return made


def _is_text(words: str) -> bool:
    """Whether every database can keep it."""
    return "\0" not in words and words.encode(errors="replace").decode() == words


def _author() -> str:
    """Name of the user, or the number of one without."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
    return name if _is_text(name) else str(os.getuid())
