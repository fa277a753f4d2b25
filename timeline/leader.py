"""Who publishes: one process among many on the same database, and another one within seconds when it dies."""

from __future__ import annotations

from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import NullPool

from timeline.database import database_url

# "leader" in ASCII; another number than the log's and the publisher's own locks.
_KEY = 119178133726578
_LOCK = text(f"SELECT NOT pg_is_in_recovery() AND pg_try_advisory_lock({_KEY})")
_KEEPALIVES = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "connect_timeout": 5}


class Leadership(Protocol):
    """A claim that at most one process holds."""

    def held(self) -> bool:
        """Whether this process leads now; claims it when it is free."""

    def release(self) -> None:
        """Give it up; another process may lead from now on."""


class FileLeadership:
    """By a lock on a file beside the SQLite database; the system lets go of it when the process dies."""

    def __init__(self, path: str) -> None:
        self._lock = FileLock(f"{path}.leader.lock")

    def held(self) -> bool:
        """Whether this process leads now; claims it when it is free."""
        if not self._lock.is_locked:
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                return False
        return True

    def release(self) -> None:
        """Give it up."""
        self._lock.release(force=True)


class SessionLeadership:
    """By an advisory lock of a PostgreSQL session of its own; the server lets go of it when the session ends.

    On a standby such a lock would be granted to everybody, so a standby never leads.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._session: Connection | None = None

    def held(self) -> bool:
        """Whether this process leads now; claims it when it is free. A lost session is given up and tried anew."""
        try:
            if self._session is not None:
                self._session.execute(text("SELECT 1"))
                return True
            session = self._engine.connect()
            if session.scalar(_LOCK):
                self._session = session
                return True
            session.close()
        except (OperationalError, DBAPIError):
            self.release()
        return False

    def release(self) -> None:
        """Give it up."""
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()
            session.close()


def leadership(url: str) -> Leadership:
    """The claim to publish from that database."""
    parsed = database_url(url)
    if parsed.get_backend_name() == "sqlite":
        return FileLeadership(str(parsed.database))
    engine = create_engine(parsed, isolation_level="AUTOCOMMIT", poolclass=NullPool, connect_args=_KEEPALIVES)
    return SessionLeadership(engine)
