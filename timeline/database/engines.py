"""Addresses of databases, and the engines that read and write there."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, NullPool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError, NoSuchModuleError

from timeline.core.errors import TimelineError
from timeline.database.sqlite import sqlite_engine

FORGOTTEN_SECONDS = 60
"""A writing transaction on PostgreSQL that does nothing for so long is ended: it holds up every other writer."""

RESTED_SECONDS = 1.0
"""A connection to PostgreSQL that nobody used for so long is asked whether it still stands."""


def database_url(text: str) -> URL:
    """The address of a database that can hold a record.

    Raises:
        TimelineError: `invalid_configuration` for another kind of database, or one in memory.
    """
    try:
        url = make_url(text)
        kind = url.get_backend_name()
    except ArgumentError:
        url, kind = None, None
    if url is None or kind not in ("sqlite", "postgresql"):
        raise TimelineError(
            "invalid_configuration",
            "The database URL names neither an SQLite file nor a PostgreSQL database.",
            "Write it as sqlite:///timeline.db or postgresql://user@host/name.",
        )
    if kind == "sqlite" and url.database in (None, "", ":memory:"):
        raise TimelineError(
            "invalid_configuration",
            "A record in memory would be another one for each connection, and gone at the end.",
            "Name a file, as in sqlite:///timeline.db.",
        )
    return url


def missing_file(url: URL) -> Path | None:
    """The SQLite file that `url` names, if there is none yet."""
    if url.get_backend_name() != "sqlite" or url.database is None or url.database.startswith("file:"):
        return None
    path = Path(url.database)
    return None if path.exists() else path


def writing_engine(url: URL, patience: float) -> Engine:
    """An engine whose transactions may write; on SQLite they wait for each other up to `patience` seconds."""
    if url.get_backend_name() == "sqlite":
        return sqlite_engine(url, patience, writes=True)
    engine = _postgresql(url, "READ COMMITTED", pool_pre_ping=False)

    @event.listens_for(engine, "connect")
    def bound_waiting(connection: Any, _record: object) -> None:
        connection.execute(
            "SELECT set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false)",
            (f"{round(patience * 1000)}ms", f"{FORGOTTEN_SECONDS}s"),
        )
        connection.commit()

    @event.listens_for(engine, "checkin")
    def rested(_connection: object, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def awake(connection: Any, record: Any, _proxy: object) -> None:
        # To ask each time is a round trip of every append; one that has just worked has hardly died.
        if time.monotonic() - record.info.get("since", time.monotonic()) > RESTED_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool makes another one

    return engine


def reading_engine(url: URL, patience: float) -> Engine:
    """An engine whose transactions see one snapshot each and cannot write."""
    if url.get_backend_name() == "sqlite":
        return sqlite_engine(url, patience, writes=False)
    engine = _postgresql(url, "REPEATABLE READ", pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def only_read(connection: Any, _record: object) -> None:
        connection.read_only = True

    return engine


def session_engine(url: URL, name: str) -> Engine:
    """An engine whose connections are PostgreSQL sessions for long use: out of any pool, and in no transaction.

    When the machine or the network at the other end is gone, each side notices within 20 seconds, and the server
    gives up the session's locks; left to itself it would wait for two hours.

    Args:
        name: What `pg_stat_activity` calls the session.
    """
    here = {"keepalives_idle": 5, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 20_000}
    engine = create_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"application_name": name, "connect_timeout": 10, **here},
    )

    @event.listens_for(engine, "connect")
    def notice_a_dead_client(connection: Any, _record: object) -> None:
        connection.execute(
            "SELECT set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '5', false),"
            " set_config('tcp_keepalives_count', '3', false), set_config('tcp_user_timeout', '20s', false)"
        )

    return engine


def _postgresql(url: URL, isolation_level: str, *, pool_pre_ping: bool) -> Engine:
    try:
        # As many connections as the web server has threads (40), so that none waits for another.
        return create_engine(
            url, isolation_level=isolation_level, pool_size=10, max_overflow=30, pool_pre_ping=pool_pre_ping
        )
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise TimelineError(
            "invalid_configuration",
            "The driver for PostgreSQL is not installed.",
            "Install the extra `postgres` of this package, and write the URL as postgresql://user@host/name.",
        ) from error
