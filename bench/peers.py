"""What we are measured against: the raw drivers, and the package `eventsourcing` as its documentation uses it.

All are equally durable: on SQLite each commit flushes the write-ahead log (`journal_mode=WAL`, `synchronous=FULL`; the
package sets the one and leaves the other as SQLite was built, which is checked), on PostgreSQL they share a server that
flushes its own (`fsync`, `synchronous_commit` on). And all keep the same bytes of an announcement: the body that our
log keeps. Its text, its rectangles, its place in the chain and the receipt are ours alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Self
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event
from eventsourcing.utils import clear_topic_cache

from bench.acts import announcement, submission
from tests.servers import PostgreSQL

BODY = submission(announcement("p", 0)).body
"""What the log keeps of an announcement of three statements."""


_FULL = 2


class Partnership(Aggregate):
    """An aggregate whose events carry a body of our size."""

    @event("Opened")
    def __init__(self, name: str) -> None:
        self.name = name
        self.said = 0

    @event("Announced")
    def announce(self, number: int, body: str) -> None:
        """One announcement."""
        self.said = number + len(body)

    @staticmethod
    def create_id(name: str) -> UUID:
        """The id of the partnership of that name."""
        return uuid5(NAMESPACE_URL, name)


class Peer:
    """An `eventsourcing` application on one database."""

    def __init__(self, environment: dict[str, str]) -> None:
        clear_topic_cache()
        self.app: Application[UUID] = Application(environment)

    @classmethod
    def on_sqlite(cls, path: Path) -> Self:
        """On a new SQLite file, as it is by default.

        Raises:
            RuntimeError: Where that is not as durable as ours, so that nothing could be compared.
        """
        peer = cls({"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)})
        recorder: Any = peer.app.recorder
        modes = []
        with recorder.datastore.transaction(commit=False) as cursor:
            for name in ("journal_mode", "synchronous"):
                cursor.execute(f"PRAGMA {name}")
                modes.append(cursor.fetchone()[0])
        if modes != ["wal", _FULL]:
            raise RuntimeError(f"The peer's journal mode and synchronous are {modes}.")
        return peer

    @classmethod
    def on_postgresql(cls, server: PostgreSQL, database: str) -> Self:
        """On an empty PostgreSQL database."""
        return cls(
            {
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": database,
                "POSTGRES_HOST": str(server.folder),
                "POSTGRES_PORT": "5432",
                "POSTGRES_USER": "postgres",
                "POSTGRES_PASSWORD": "none",
            }
        )

    def save(self, count: int, *, batch: int = 1, name: str = "p") -> None:
        """Save so many events of one aggregate, `batch` in each transaction."""
        partnership = Partnership(name)
        self.app.save(partnership)
        for start in range(0, count, batch):
            for number in range(start, start + batch):
                partnership.announce(number, BODY)
            self.app.save(partnership)

    def replay(self, name: str) -> int:
        """The state of an aggregate, from its events."""
        found: Partnership = self.app.repository.get(Partnership.create_id(name))
        return found.said

    def bodies(self) -> Iterator[Any]:
        """Every event of the log, decoded, in order."""
        start = 1
        while page := self.app.recorder.select_notifications(start, 1000):
            for notification in page:
                yield self.app.mapper.to_domain_event(notification)
            start = page[-1].id + 1

    def close(self) -> None:
        """Let the database go."""
        self.app.close()


def raw_sqlite(path: Path, bodies: Iterable[str]) -> None:
    """Insert a row and commit, durably, for each body, by the driver alone."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE IF NOT EXISTS raw (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        for body in bodies:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO raw (body) VALUES (?)", (body,))
            connection.execute("COMMIT")


def raw_postgresql(server: PostgreSQL, database: str, bodies: Iterable[str]) -> None:
    """The same on PostgreSQL."""
    with psycopg.connect(f"host={server.folder} user=postgres dbname={database}") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS raw (id bigserial PRIMARY KEY, body text NOT NULL)")
        connection.commit()
        for body in bodies:
            connection.execute("INSERT INTO raw (body) VALUES (%s)", (body,))
            connection.commit()
