"""What the database alone takes for the rows that our log keeps: nothing judged, folded, hashed or said.

The rows of a record are read, and written again into an empty log of the same kind, with its indexes and triggers, by
the bare driver and with as few statements and round trips as we know how. No append that keeps them can be faster.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import PostgreSQL
from timeline.log import Log
from timeline.rows import OPEN
from timeline.tables import event, rectangle, stored_text
from timeline.writer import LOCK

Rows = list[tuple[Any, ...]]
_TEXT = re.compile(r'"text_sha256":"([0-9a-f]{64})"')
_BODY, _KEY, _KNOWN_TO = 8, slice(0, 6), 7


@dataclass(slots=True)
class Written:
    """What was written in one transaction."""

    stored_text: Rows = field(default_factory=list)
    event: Rows = field(default_factory=list)
    rectangle: Rows = field(default_factory=list)
    closed: Rows = field(default_factory=list)
    """The new `known_to` of rectangles that were there, and their keys."""


def written(log: Log, together: int) -> list[Written]:
    """What the acts of a record write, so many in each transaction."""
    with log.reading() as reader:
        texts = {row[0]: row for row in reader.plain("SELECT * FROM stored_text", {})}
        events = reader.plain("SELECT * FROM event ORDER BY seq", {})
        rectangles = reader.plain("SELECT * FROM rectangle", {})
    found = [Written() for _ in range(0, len(events), together)]
    for row in events:
        act = found[(row[0] - 1) // together]
        act.event.append(row)
        act.stored_text += [texts.pop(sha) for sha in _TEXT.findall(row[_BODY]) if sha in texts]
    for row in rectangles:
        known_from, known_to = row[5], row[_KNOWN_TO]
        opens = (known_from - 1) // together
        if known_to == OPEN or (known_to - 1) // together == opens:
            found[opens].rectangle.append(row)
        else:
            found[opens].rectangle.append((*row[:_KNOWN_TO], OPEN, *row[_KNOWN_TO + 1 :]))
            found[(known_to - 1) // together].closed.append((known_to, *row[_KEY]))
    return found


def sqlite(path: Path, transactions: Iterable[Written]) -> None:
    """Write them into an empty log on SQLite."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        for each in transactions:
            connection.execute("BEGIN IMMEDIATE")
            for table in (stored_text, event, rectangle):
                if rows := getattr(each, table.name):
                    connection.executemany(f"INSERT INTO {table.name} VALUES ({_marks(rows, '?')})", rows)  # noqa: S608  # our own names
            connection.executemany(_CLOSE.replace("%s", "?"), each.closed)
            connection.execute("COMMIT")


def postgresql(server: PostgreSQL, database: str, transactions: Iterable[Written]) -> None:
    """Write them into an empty log on PostgreSQL: few rows in one pipeline, many copied."""
    with psycopg.connect(f"host={server.folder} user=postgres dbname={database}", autocommit=True) as connection:
        for each in transactions:
            few = len(each.event) == 1
            with connection.pipeline() if few else connection.transaction(), connection.cursor() as cursor:
                if few:
                    cursor.execute("BEGIN")
                cursor.execute(LOCK)
                for table in (stored_text, event, rectangle):
                    rows = getattr(each, table.name)
                    if few and rows:
                        cursor.executemany(f"INSERT INTO {table.name} VALUES ({_marks(rows, '%s')})", rows)  # noqa: S608  # our own names
                    elif rows:
                        with cursor.copy(f"COPY {table.name} FROM STDIN") as copy:
                            for row in rows:
                                copy.write_row(row)
                cursor.executemany(_CLOSE, each.closed)
                if few:
                    cursor.execute("COMMIT")


def _marks(rows: Rows, mark: str) -> str:
    return ", ".join([mark] * len(rows[0]))


_CLOSE = (
    "UPDATE rectangle SET known_to = %s WHERE generation = %s AND partnership = %s AND lane = %s AND term = %s "
    "AND valid_from = %s AND known_from = %s"
)
