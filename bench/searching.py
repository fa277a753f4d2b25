"""A record of announcements with texts to search, and the same texts in a bare full-text table of either database."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path

import psycopg

from bench.feeds import new_event
from tests.servers import PostgreSQL
from timeline import search
from timeline.core.terms import BUILTIN
from timeline.log import Log

WORDS = 250
"""Of a text, drawn from a vocabulary of twenty thousand as unevenly as in a language."""
_VOCABULARY = [f"word{number}" for number in range(20_000)]
_WEIGHTS = list(accumulate(1 / (number + 10) for number in range(20_000)))
QUERY = "word700 word40"
"""One word in a hundred texts and one in ten."""
_NOW = datetime(2026, 11, 24, tzinfo=UTC)


def texts(size: int) -> Iterator[str]:
    """So many texts, the same ones each time."""
    chance = random.Random(1)
    for _ in range(size):
        yield " ".join(chance.choices(_VOCABULARY, cum_weights=_WEIGHTS, k=WORDS))


def fill(log: Log, size: int) -> None:
    """Record an announcement for each text, a hundred a partnership."""
    made = enumerate(texts(size))
    while batch := list(islice(made, 1000)):
        with log.writing() as writer:
            events = []
            for number, text in batch:
                name, version = f"p{number // 100}", number % 100 + 1
                if version == 1:
                    opening = {"partnership": name, "name": name, "parties": {"acme": "Acme", "bolt": "Bolt"}}
                    events.append(new_event(0, opening))
                said = {
                    "partnership": name,
                    "title": " ".join(text.split()[:5]),
                    "announced": (date(1990, 1, 1) + timedelta(days=number)).isoformat(),
                    "sources": [{"tier": "party", "text_sha256": writer.store_text(text.encode(), "text/plain")}],
                    "statements": [],
                }
                events.append(new_event(version, said))
            writer.append_many(events)


def ours(log: Log) -> Callable[[], object]:
    """A search of ours, with the passages that it shows."""
    wanted = search.read({"q": QUERY}, BUILTIN, _NOW)
    return lambda: search.find(log, wanted)


def bare_sqlite(path: Path, size: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """Filling an FTS5 table as it comes, and a query to it in its own order."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE VIRTUAL TABLE bare USING fts5(words)")

    def filling() -> None:
        connection.executemany("INSERT INTO bare VALUES (?)", ((text,) for text in texts(size)))
        connection.commit()

    asked = "SELECT rowid FROM bare WHERE bare MATCH ? ORDER BY rank LIMIT 20"
    return filling, lambda: connection.execute(asked, (QUERY,)).fetchall()


def bare_postgresql(server: PostgreSQL, name: str, size: int) -> tuple[Callable[[], object], Callable[[], object]]:
    """As `bare_sqlite`, with a generated tsvector and a GIN index."""
    connection = psycopg.connect(f"host={server.folder} user=postgres dbname={name}", autocommit=True)
    connection.execute(
        "CREATE TABLE bare (words text, lexemes tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED)"
    )
    connection.execute("CREATE INDEX ON bare USING gin (lexemes)")

    def filling() -> None:
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO bare VALUES (%s)", [(text,) for text in texts(size)])
        connection.execute("ANALYZE bare")

    asked = (
        "SELECT words FROM bare, plainto_tsquery('simple', %s) AS query WHERE lexemes @@ query"
        " ORDER BY ts_rank(lexemes, query) DESC LIMIT 20"
    )
    return filling, lambda: connection.execute(asked, (QUERY,)).fetchall()
