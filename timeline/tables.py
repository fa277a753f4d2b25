"""The tables of the record, as the migrations leave them; `alembic check` holds the two together.

Instants are integers: microseconds since 1970-01-01T00:00Z. They sort, compare and hash alike on both
databases, where a column of SQLite would drop the offset of a datetime without a word.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint

metadata = MetaData()

# A STRICT table of SQLite knows no BIGINT; its INTEGER has 64 bits anyway.
WIDE = BigInteger().with_variant(Integer, "sqlite")

event = Table(
    "event",
    metadata,
    Column("seq", WIDE, primary_key=True, autoincrement=False),
    Column("partnership", Text, nullable=False),
    Column("version", WIDE, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text),
    Column("idempotency_key", Text),
    Column("content_hash", Text, nullable=False),
    Column("recorded_at", WIDE, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("partnership", "version", name="event_version_once"),
    UniqueConstraint("key", name="event_key_once"),
    UniqueConstraint("idempotency_key", name="event_idempotency_key_once"),
    UniqueConstraint("recorded_at", name="event_recorded_at_once"),
    Index("event_by_content", "partnership", "content_hash"),
    sqlite_strict=True,
)

stored_text = Table(
    "stored_text",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_strict=True,
)

token = Table(
    "token",
    metadata,
    Column("name", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", WIDE, nullable=False),
    Column("last_used_at", WIDE),
    Column("revoked_at", WIDE),
    UniqueConstraint("sha256", name="token_once"),
    sqlite_strict=True,
)

session = Table(
    "session",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("expires_at", WIDE, nullable=False),
    sqlite_strict=True,
)
