"""What goes past SQLAlchemy to the driver, because every append or every request asks it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, PoolProxiedConnection
from sqlalchemy.exc import DBAPIError

FEW = 100
"""So many rows PostgreSQL is sent one by one; more are copied in, which is faster by the row."""

PIPELINED = 16_384
"""So many characters may be sent to PostgreSQL in one pipeline. What the system does not take from the driver at once
it never sends there, and both sides wait for ever (psycopg 3.3)."""

# Of a pipeline that the database refused it warns on standard error, beside the refusal that is raised.
logging.getLogger("psycopg").setLevel(logging.ERROR)


@contextmanager
def directly(connection: Connection) -> Iterator[Any]:
    """The driver's own connection, for what every append asks and writes; its errors are raised as SQLAlchemy's.

    To run a statement by SQLAlchemy takes ten times as long as SQLite needs for it (decisions/0031).
    """
    driver = connection.connection.driver_connection
    dbapi: Any = connection.dialect.loaded_dbapi
    try:
        yield driver
    except dbapi.Error as error:
        lost = bool(getattr(driver, "closed", False))
        if lost:
            connection.invalidate(error)
        raise DBAPIError.instance(None, None, error, dbapi.Error, connection_invalidated=lost) from error


def insert_rows(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Insert rows in the quickest way for so many; on PostgreSQL more than `FEW` cannot be part of a pipeline."""
    names = ", ".join(columns)
    with directly(connection) as driver, closing(driver.cursor()) as cursor:
        if connection.dialect.name == "postgresql" and len(rows) > FEW:
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            mark = "?" if connection.dialect.name == "sqlite" else "%s"
            marks = ", ".join([mark] * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608  # our own names


class Glance:
    """One short question that is asked with every request, on an SQLite connection of its own.

    Going through the pool costs five times what SQLite needs to answer. The connection is in no transaction, so each
    answer is of that moment.
    """

    def __init__(self, engine: Engine, question: str) -> None:
        self._engine = engine
        self._question = question
        self._lock = threading.Lock()
        self._connection: PoolProxiedConnection | None = None

    def __call__(self) -> Sequence[Any] | None:
        """The only row; None where there is none."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._engine.raw_connection()
                    self._connection.detach()
                cursor = self._connection.cursor()
                cursor.execute(self._question)
                found = cursor.fetchall()
                cursor.close()
            except BaseException:
                self._drop()
                raise
        row: Sequence[Any] | None = found[0] if found else None
        return row

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
