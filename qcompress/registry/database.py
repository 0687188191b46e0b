"""The database of a registry: connections, transactions of writers that may meet, faults in one line."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, OperationalError, SQLAlchemyError

from qcompress.errors import QcompressError
from qcompress.registry.tables import ENTRIES, METADATA

Made = TypeVar("Made")
BUSY_SECONDS = 60
"""How long a reader of an SQLite file waits for a writer, and a writer for all others together."""
PAUSE = 0.02
"""Seconds between two attempts of a writer, at most."""


class Database:
    """Tables in a database; url: SQLAlchemy's, or the path of an SQLite file.

    Everything raises QcompressError where it cannot be reached, is none, or its password is wrong.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = _parsed(url)
            self._is_sqlite = self.url.get_backend_name() == "sqlite"
            self._engine = create_engine(self.url)
        except (ArgumentError, NoSuchModuleError, ValueError) as fault:
            why = f" ({fault})" if isinstance(fault, NoSuchModuleError) else ""
            raise QcompressError(f"registry {_public(url)!r}: is no database URL{why}") from None
        except ModuleNotFoundError as fault:
            raise QcompressError(f"registry {self}: its driver {fault.name} is not installed") from None
        if self._is_sqlite:  # its driver begins transactions of its own, too late for what is read first
            event.listen(self._engine, "connect", _leave_transactions)
            event.listen(self._engine, "begin", _begin)
        self._are_there = False

    def __str__(self) -> str:
        return str(self.url.set(query={}).render_as_string(hide_password=True))

    @property
    def file(self) -> Path | None:
        """The SQLite file, where it is one."""
        path = self.url.database if self._is_sqlite else None
        return Path(path) if path and path != ":memory:" and not path.startswith("file:") else None

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One view of all tables; raises QcompressError if nobody has made them yet. Nothing is written or locked."""
        if self.file is not None and not self.file.exists():
            raise QcompressError(f"registry {self}: is not there; the first qcompress registry add makes it")
        try:
            with self._engine.begin() as connection:
                self._are_there = self._are_there or self._has_tables(connection)
                if not self._are_there:
                    raise QcompressError(f"registry {self}: is empty; the first qcompress registry add begins it")
                yield connection
        except SQLAlchemyError as fault:
            raise self._fault(fault) from None

    def write(self, work: Callable[[Connection], Made], makes: bool = False) -> Made:
        """What `work` gives of a transaction that is kept whole or not at all; makes: tables that are not there.

        Where another writer was quicker, which a table's key or the database says, it is called again.
        """
        if makes:
            self._make_tables()
        else:
            with self.reading():
                pass
        deadline = time.monotonic() + BUSY_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                with self._writing(left) as connection:
                    return work(connection)
            except SQLAlchemyError as fault:
                if not self._is_meeting(fault):
                    raise self._fault(fault) from None
            time.sleep(random.uniform(0, PAUSE))  # noqa: S311 - no secret
        raise QcompressError(f"registry {self}: others write all the time; try again")

    @contextmanager
    def _writing(self, seconds: float) -> Iterator[Connection]:
        """A transaction that waits so long for another one."""
        with self._engine.connect() as plain:
            connection = plain.execution_options(qcompress_seconds=seconds)
            with connection.begin():
                if self.url.get_backend_name() == "postgresql":
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_milliseconds(seconds)}")
                yield connection

    def _make_tables(self) -> None:
        """All tables; another process may make them at this moment."""
        if self._are_there:
            return
        if self.file is not None:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
            except OSError as fault:
                raise QcompressError(f"registry {self}: its folder cannot be made ({fault.strerror})") from None
        try:
            with self._engine.begin() as connection:
                self._are_there = self._has_tables(connection)
            if not self._are_there:
                with self._writing(BUSY_SECONDS) as connection:
                    if not self._has_tables(connection):
                        METADATA.create_all(connection)
        except SQLAlchemyError as fault:
            if not self._holds_tables():
                raise self._fault(fault) from None
        self._are_there = True

    def _has_tables(self, connection: Connection) -> bool:
        return bool(self._engine.dialect.has_table(connection, ENTRIES.name))

    def _holds_tables(self) -> bool:
        try:
            with self._engine.begin() as connection:
                return self._has_tables(connection)
        except SQLAlchemyError:
            return False

    def _is_meeting(self, fault: SQLAlchemyError) -> bool:
        """Whether two writers met; of SQLite's, one waits before it reads anything, so that their keys never do."""
        if isinstance(fault, IntegrityError):
            return not self._is_sqlite
        return isinstance(fault, OperationalError) and any(word in str(fault.orig) for word in ("locked", "deadlock"))

    def _fault(self, fault: SQLAlchemyError) -> QcompressError:
        lines = str(getattr(fault, "orig", None) or fault).strip().splitlines()
        return QcompressError(f"registry {self}: {lines[0] if lines else type(fault).__name__}")


def _parsed(url: str) -> URL:
    """SQLAlchemy's URL, or that of an SQLite file at a path; raises ArgumentError or ValueError."""
    if "://" in url:
        return make_url(url)
    try:
        path = str(Path(url).expanduser().resolve())
        path.encode()
        return URL.create("sqlite", database=path)
    except (OSError, RuntimeError, ValueError) as fault:
        raise QcompressError(f"registry {url!r}: is no path of a file ({fault})") from None


def _public(url: str) -> str:
    """What of a URL that cannot be read may be shown: nothing that may be its password."""
    scheme, colon, rest = url.partition("://")
    if not colon:
        return url
    _, at, place = rest.rpartition("@")
    return f"{scheme}://...{at}{place.partition('?')[0] if at else ''}"


def _leave_transactions(connection: Any, record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    seconds = connection.get_execution_options().get("qcompress_seconds")
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {_milliseconds(BUSY_SECONDS if seconds is None else seconds)}")
    connection.exec_driver_sql("BEGIN" if seconds is None else "BEGIN IMMEDIATE")


def _milliseconds(seconds: float) -> int:
    return max(1, int(1000 * seconds))
