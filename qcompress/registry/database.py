"""The database of a registry: connections, transactions of writers that may meet, faults in one line."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, NoSuchModuleError, OperationalError, SQLAlchemyError

from qcompress.errors import QcompressError
from qcompress.registry.tables import ENTRIES, METADATA

Made = TypeVar("Made")
BUSY_SECONDS = 60
"""How long a writer waits for another one of an SQLite file."""
ATTEMPTS = 200
"""How often a writer tries again after another one was quicker."""


class Database:
    """Tables in a database; url: SQLAlchemy's, or the path of an SQLite file, which is made.

    Everything raises QcompressError where it cannot be reached, is none, or its password is wrong.
    """

    def __init__(self, url: str) -> None:
        try:
            self.url = make_url(url if "://" in url else f"sqlite:///{Path(url).expanduser().resolve()}")
            self._is_sqlite = self.url.get_backend_name() == "sqlite"
            if self._is_sqlite and self.url.database:
                Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
            self._engine = create_engine(self.url, connect_args={"timeout": BUSY_SECONDS} if self._is_sqlite else {})
        except (ArgumentError, NoSuchModuleError, ValueError) as fault:
            raise QcompressError(f"registry {url!r}: is no database URL ({fault})") from None
        except ModuleNotFoundError as fault:
            raise QcompressError(f"registry {self}: its driver {fault.name} is not installed") from None
        if self._is_sqlite:  # its driver begins transactions of its own, too late for what is read first
            event.listen(self._engine, "connect", _leave_transactions)
            event.listen(self._engine, "begin", _begin)
        self._are_there = False

    def __str__(self) -> str:
        return str(self.url.render_as_string(hide_password=True))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One view of all tables, which are made if they are not there."""
        self._make_tables()
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as fault:
            raise self._fault(fault) from None

    def write(self, work: Callable[[Connection], Made]) -> Made:
        """What `work` gives of a transaction that is kept whole or not at all.

        Where another writer was quicker, which a table's key or the database says, it is called again.
        """
        self._make_tables()
        for _ in range(ATTEMPTS):
            try:
                with self._engine.connect().execution_options(qcompress_writes=True) as connection, connection.begin():
                    return work(connection)
            except SQLAlchemyError as fault:
                if not _is_meeting(fault):
                    raise self._fault(fault) from None
        raise QcompressError(f"registry {self}: others write all the time; try again")

    def _make_tables(self) -> None:
        """All tables; another process may make them at this moment."""
        if self._are_there:
            return
        try:
            with self._engine.connect().execution_options(qcompress_writes=True) as connection, connection.begin():
                if not self._engine.dialect.has_table(connection, ENTRIES.name):
                    METADATA.create_all(connection)
        except SQLAlchemyError as fault:
            if not self._holds_tables():
                raise self._fault(fault) from None
        self._are_there = True

    def _holds_tables(self) -> bool:
        try:
            with self._engine.connect() as connection:
                return bool(self._engine.dialect.has_table(connection, ENTRIES.name))
        except SQLAlchemyError:
            return False

    def _fault(self, fault: SQLAlchemyError) -> QcompressError:
        why = str(getattr(fault, "orig", None) or fault).strip().splitlines()[0]
        return QcompressError(f"registry {self}: {why}")


def _is_meeting(fault: SQLAlchemyError) -> bool:
    """Whether two writers met."""
    if isinstance(fault, IntegrityError):
        return True
    return isinstance(fault, OperationalError) and any(word in str(fault.orig) for word in ("locked", "deadlock"))


def _leave_transactions(connection: Any, record: object) -> None:
    connection.isolation_level = None


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("qcompress_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
