"""What SQLite needs so that it keeps what it was given: its settings, its waiting, its files."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError

from timeline.database.files import check_files, leave_files
from timeline.database.trouble import cause_of, sqlite_code

_SQLITE_PAGES_KIB = 65_536


def sqlite_engine(url: URL, patience: float, *, writes: bool) -> Engine:
    """An engine on a file; the one that writes has a single connection, the other cannot write."""
    engine = create_engine(
        url,
        # The writer waits by itself: the busy handler of SQLite starves all but one of several processes.
        connect_args={"isolation_level": None, "timeout": 0 if writes else patience},
        pool_size=1 if writes else 10,
        max_overflow=0 if writes else 30,
        pool_timeout=patience,
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
    settings = ["foreign_keys=ON", f"cache_size=-{_SQLITE_PAGES_KIB}"]
    settings += ["journal_mode=WAL", "synchronous=FULL"] if writes else ["query_only=ON", "wal_autocheckpoint=0"]

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for setting in settings:
            _patiently(partial(connection.execute, f"PRAGMA {setting}"), patience)

    @event.listens_for(engine, "begin")
    def start(connection: Connection) -> None:
        _patiently(partial(connection.exec_driver_sql, begin), patience)
        if writes:
            check_files(connection)

    if writes:

        @event.listens_for(engine, "checkin")
        def leave(_connection: object, record: Any) -> None:
            leave_files(record.info)

    return engine


def _patiently(work: Callable[[], object], patience: float) -> None:
    """Do `work`, again and again while SQLite says that it is busy, for at most `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            work()
            return
        except (sqlite3.Error, DBAPIError) as error:
            if sqlite_code(cause_of(error)) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        # Short and uneven waits are fair: nobody falls into another's step.
        time.sleep(random.uniform(0.0005, 0.0015))


def copy_of_sqlite(connection: Connection, path: Path) -> None:
    """Copy the whole database that `connection` reads into a new, closed file; others go on writing meanwhile."""
    source: Any = connection.connection.driver_connection
    target = sqlite3.connect(path)
    try:
        source.backup(target)
        # The copy is one file: whoever opens it next makes a write-ahead log of its own.
        target.execute("PRAGMA journal_mode=DELETE")
    finally:
        target.close()
