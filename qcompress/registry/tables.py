"""The tables of a registry. Rows are added, none is changed or removed: the database itself refuses it."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
)

METADATA = MetaData()
HASH = String(64)

ENTRIES = Table(
    "qcompress_entries",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("action", String(8), nullable=False),
    Column("name", String(200), nullable=False, index=True),
    Column("version", String(100), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("end", BigInteger),
    Column("payload", HASH, nullable=False),
    Column("provenance", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("author", String(200), nullable=False),
    Column("created", String(40), nullable=False),
    Column("digest", HASH, nullable=False),
)
"""What was done, in order; digest: over the row and the digest of the row before."""
PAYLOADS = Table(
    "qcompress_payloads",
    METADATA,
    Column("hash", HASH, primary_key=True),
    Column("files", Text, nullable=False),
)
"""Files of a candidate, JSON: [[path, SHA-256], ...]; hash: over that text."""
BLOBS = Table(
    "qcompress_blobs",
    METADATA,
    Column("hash", HASH, primary_key=True),
    Column("size", BigInteger, nullable=False),
)
"""Contents of files; hash: SHA-256."""
CHUNKS = Table(
    "qcompress_chunks",
    METADATA,
    Column("hash", HASH, ForeignKey("qcompress_blobs.hash"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("data", LargeBinary, nullable=False),
)
"""A content in pieces, compressed by zlib."""


WORDS = "a registry is only added to"
SQLITE = """\
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, '{words}'); END"""
SQLITE_REPLACE = """\
CREATE TRIGGER {table}_no_REPLACE BEFORE INSERT ON {table}
WHEN EXISTS (SELECT 1 FROM {table} WHERE rowid = NEW.rowid OR ({same})) BEGIN SELECT RAISE(ABORT, '{words}'); END"""
"""INSERT OR REPLACE removes a row without the trigger of DELETE."""
POSTGRESQL = """\
CREATE OR REPLACE FUNCTION qcompress_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{words}'; END $$;
CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION qcompress_append_only()"""


def _append_only(table: Table, connection: Connection, **_: Any) -> None:
    """Have the database, where we know how, refuse changes of a table's rows."""
    if connection.dialect.name == "sqlite":
        same = " AND ".join(f"{column.name} = NEW.{column.name}" for column in table.primary_key.columns)
        texts = {"UPDATE": SQLITE, "DELETE": SQLITE, "REPLACE": SQLITE_REPLACE.replace("{same}", same)}
    elif connection.dialect.name == "postgresql":
        texts = dict.fromkeys(("UPDATE", "DELETE", "TRUNCATE"), POSTGRESQL)
    else:
        return
    for verb, text in texts.items():
        connection.exec_driver_sql(text.format(table=table.name, verb=verb, words=WORDS))


for _table in METADATA.tables.values():
    event.listen(_table, "after_create", _append_only)
