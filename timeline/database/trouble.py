"""What the errors of both databases mean to a person."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from timeline.core.errors import TimelineError


@contextmanager
def plainly() -> Iterator[None]:
    """A block in which trouble with the database is raised as a `TimelineError` with what to do about it.

    Raises:
        TimelineError: `database_busy`, `storage_failed`, `connection_lost`, `schema_mismatch` or `integrity_failure`.
            An error that is none of these, such as a statement that is wrong, passes unchanged: it is a bug.
    """
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error) as error:
        refusal = _refusal(error)
        if refusal is None:
            raise
        raise refusal from error


def broken_constraint(error: DBAPIError) -> str | None:
    """The name of the constraint that PostgreSQL says was broken; None on SQLite, which does not tell."""
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    return None if name is None else str(name)


def broken_table(error: DBAPIError) -> str | None:
    """The name of the table whose constraint was broken, where the database tells it."""
    told = getattr(getattr(error.orig, "diag", None), "table_name", None)
    return str(told or str(error.orig).partition("constraint failed: ")[2].partition(".")[0]) or None


def _refusal(error: Exception) -> TimelineError | None:
    cause = cause_of(error)
    code, sqlstate = sqlite_code(cause), getattr(cause, "sqlstate", None)
    if isinstance(error, PoolTimeout) or code in _SQLITE_BUSY or sqlstate in _POSTGRESQL_BUSY:
        return busy()
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
    if sqlstate in _POSTGRESQL_OTHER_TABLES or (code == sqlite3.SQLITE_ERROR and _OTHER_TABLES.search(str(cause))):
        return TimelineError(
            "schema_mismatch",
            f"The tables are not those that this program made: {_first_line(cause)}.",
            "Keep the database as it is. What timeline dump still writes of it loads into an empty database; else "
            "restore the last backup beside it. To begin a new record, name an empty database.",
        )
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB) or _is_damage(cause):
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


def _is_damage(cause: object) -> bool:
    """Whether SQLite, or its driver, cannot read what is there; neither has a code of its own for it."""
    return isinstance(cause, sqlite3.OperationalError) and str(cause).startswith(_UNREADABLE)


def busy() -> TimelineError:
    """The refusal of who waited for others as long as was allowed."""
    return TimelineError(
        "database_busy",
        "Others are writing to the database; it stayed locked for as long as was allowed.",
        "Try again. If it stays so, look for a program that holds the database open.",
    )


_SQLITE_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
# lock not available, deadlock, serialization failure, query cancelled, too many connections
_POSTGRESQL_BUSY = ("55P03", "40P01", "40001", "57014", "53300")
# no such table, no such column, a table there already: somebody else's hand, for each revision is made whole
_POSTGRESQL_OTHER_TABLES = ("42P01", "42703", "42P07")
_UNREADABLE = ("unsupported file format", "Could not decode to UTF-8")
_OTHER_TABLES = re.compile(r"^no such (table|column)|has no column named|^table \S+ already exists")
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


def cause_of(error: Exception) -> object:
    """What the driver raised, behind what SQLAlchemy made of it."""
    return getattr(error, "orig", error)


def sqlite_code(cause: object) -> int | None:
    """The primary result code of SQLite, without its extension; None when there is none."""
    code = getattr(cause, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF
