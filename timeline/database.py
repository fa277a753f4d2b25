"""Connections that keep the record's promises on SQLite and PostgreSQL, and what their errors mean to a person.

Two engines for one database: one writes, the other cannot. On SQLite a single connection does every commit and
every checkpoint (SQLite before 3.51.3 can corrupt its write-ahead log otherwise), and each transaction begins in
words, because the driver of Python 3.11 begins them too late and loses updates.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, NullPool, PoolProxiedConnection, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from timeline.core.errors import TimelineError

FORGOTTEN_SECONDS = 60
"""A writing transaction on PostgreSQL that does nothing for so long is ended: it holds up every other writer."""

RESTED_SECONDS = 1.0
"""A connection to PostgreSQL that nobody used for so long is asked whether it still stands."""

FEW = 100
"""So many rows PostgreSQL is sent one by one; more are copied in, which is faster by the row."""

PIPELINED = 16_384
"""So many characters may be sent to PostgreSQL in one pipeline. What the system does not take from the driver at once
it never sends there, and both sides wait for ever (psycopg 3.3)."""

_SQLITE_PAGES_KIB = 65_536


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


def writing_engine(url: URL, patience: float) -> Engine:
    """An engine whose transactions may write; on SQLite they wait for each other up to `patience` seconds."""
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, patience, writes=True)
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
        return _sqlite(url, patience, writes=False)
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


def _sqlite(url: URL, patience: float, *, writes: bool) -> Engine:
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
            _on_the_same_files(connection)

    return engine


def _on_the_same_files(connection: Connection) -> None:
    """Do nothing when the files that this connection has open are those that the next program would open.

    SQLite goes on writing to a file that was removed, or takes an index of its log for whole that another has grown
    beyond; what is recorded there is lost.

    Raises:
        TimelineError: `storage_failed`.
    """
    if "path" not in connection.info:
        connection.info["path"] = connection.exec_driver_sql("PRAGMA database_list").all()[0][2]
    there = {end: _identity(connection.info["path"] + end) for end in ("", "-shm", "-wal")}
    opened = connection.info.setdefault("files", there)
    if opened != there:
        connection.exec_driver_sql("ROLLBACK")
        if opened | {"-wal": there["-wal"]} == there:  # what only the removed log has can still be brought home
            connection.exec_driver_sql("PRAGMA wal_checkpoint")
        raise TimelineError(
            "storage_failed",
            "The database file, or the -wal or -shm beside it, was removed or replaced while this program had it "
            "open; nothing of this was recorded.",
            "Copy the files that are there elsewhere. Then stop this program, see what timeline verify says, and "
            "start it again.",
        )


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _patiently(work: Callable[[], object], patience: float) -> None:
    """Do `work`, again and again while SQLite says that it is busy, for at most `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        try:
            work()
            return
        except (sqlite3.Error, DBAPIError) as error:
            if _sqlite_code(_cause(error)) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
        # Short and uneven waits are fair: nobody falls into another's step.
        time.sleep(random.uniform(0.0005, 0.0015))


class Turns:
    """Lets the threads of this process write one after the other, in the order in which they came.

    The pool would give its one connection back to the thread that has just returned it, again and again, while
    the others wait until they give up.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block that one thread at a time is in.

        Raises:
            TimelineError: `database_busy` when the turn does not come in time.
        """
        self._wait()
        try:
            yield
        finally:
            with self._guard:
                if self._waiting:
                    self._waiting.popleft().release()
                else:
                    self._taken = False

    def _wait(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=self._patience):
            return
        with self._guard:
            # The turn may have come between giving up and getting here; then it is ours.
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise _busy()


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

    def __call__(self) -> Any:
        """The first column of the only row."""
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._engine.raw_connection()
                    self._connection.detach()
                cursor = self._connection.cursor()
                cursor.execute(self._question)
                (found,) = cursor.fetchall()
                cursor.close()
            except BaseException:
                self._drop()
                raise
        return found[0]

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def plainly() -> Iterator[None]:
    """A block in which trouble with the database is raised as a `TimelineError` with what to do about it.

    Raises:
        TimelineError: `database_busy`, `storage_failed`, `connection_lost` or `integrity_failure`. An error that is
            none of these, such as a statement that is wrong, passes unchanged: it is a bug.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


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


def broken_constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that PostgreSQL says was broken; None on SQLite, which does not tell."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return None if name is None else str(name)


def broken_table(error: DBAPIError) -> str | None:
    """The name of the table whose constraint was broken, where the database tells it."""
    told = getattr(getattr(error.orig, "diag", None), "table_name", None)
    return str(told or str(error.orig).partition("constraint failed: ")[2].partition(".")[0]) or None


def missing_file(url: URL) -> Path | None:
    """The SQLite file that `url` names, if there is none yet."""
    if url.get_backend_name() != "sqlite" or url.database is None or url.database.startswith("file:"):
        return None
    path = Path(url.database)
    return None if path.exists() else path


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


def _refusal(error: Exception) -> TimelineError | None:
    cause = _cause(error)
    code, sqlstate = _sqlite_code(cause), getattr(cause, "sqlstate", None)
    if isinstance(error, PoolTimeout) or code in _SQLITE_BUSY or sqlstate in _POSTGRESQL_BUSY:
        return _busy()
    if getattr(error, "connection_invalidated", False) or sqlstate in _POSTGRESQL_ENDED:
        return TimelineError(
            "connection_lost",
            f"The connection to the database was lost in the middle: {str(cause).strip()}.",
            "Do the same again: what was recorded before it was lost is not recorded twice.",
        )
    if code == sqlite3.SQLITE_FULL or sqlstate == "53100":
        return TimelineError(
            "storage_failed",
            "The disk or the database is full; nothing of this was recorded.",
            "Free some space where the database lies, then do the same again.",
        )
    if code == sqlite3.SQLITE_READONLY or sqlstate == "25006":
        return TimelineError(
            "storage_failed",
            "The database may only be read; nothing of this was recorded.",
            "Give this program the right to write the database file and its folder, or name the primary server.",
        )
    if sqlstate == "42501":
        return TimelineError(
            "storage_failed",
            f"The database does not let you: {_first_line(cause)}.",
            "Upgrade as the owner of the tables: start `timeline serve` once with its log-in in TIMELINE_DATABASE_URL."
            " For anything else, grant what docs/operations.md lists.",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return TimelineError(
            "integrity_failure",
            f"The database file is damaged: {cause}.",
            "Keep the file as it is, and restore the last backup beside it.",
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR) or _unreachable(cause, sqlstate):
        return TimelineError(
            "storage_failed",
            f"The database cannot be reached: {str(cause).strip()}.",
            "Check that the database URL is right, that its folder or server is there, and that you may use it.",
        )
    return None


def _busy() -> TimelineError:
    return TimelineError(
        "database_busy",
        "Others are writing to the database; it stayed locked for as long as was allowed.",
        "Try again. If it stays so, look for a program that holds the database open.",
    )


_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# lock not available, deadlock, serialization failure, query cancelled, too many connections
_POSTGRESQL_BUSY = ("55P03", "40P01", "40001", "57014", "53300")
# by an administrator, by a crash: the server's last word on a connection that the driver still takes for open
_POSTGRESQL_ENDED = ("57P01", "57P02")


def _unreachable(cause: object, sqlstate: str | None) -> bool:
    """Whether PostgreSQL could not be spoken to: connection trouble, shutting down, log-in refused, no database.

    A connection that never came to be has no code at all; the driver's class is then all there is.
    """
    if sqlstate is not None:
        return sqlstate[:2] in ("08", "28", "57", "58", "3D") or sqlstate == "25P03"
    return type(cause).__module__.startswith("psycopg") and type(cause).__name__ == "OperationalError"


def _first_line(cause: object) -> str:
    return str(cause).strip().partition("\n")[0]


def _cause(error: Exception) -> object:
    return getattr(error, "orig", error)


def _sqlite_code(cause: object) -> int | None:
    """The primary result code of SQLite, without its extension; None when there is none."""
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
