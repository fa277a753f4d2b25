"""Announcements that speak of the same: those that share the rarest words of one."""

from __future__ import annotations

import json
from collections import defaultdict
from math import log as logarithm
from typing import Any

from sqlalchemy import Connection, bindparam, literal, select, union_all

from timeline.core.errors import TimelineError
from timeline.core.evidence import telling
from timeline.log import Log
from timeline.search import index
from timeline.search.finding import keep_up, known_partnership
from timeline.tables import search_document, search_word

Json = dict[str, Any]
RAREST = 12
"""Words that an announcement is known by."""
SHARED = 3
"""So many of them another one must have."""
FOUND = 10
_READ = 5_000
"""Words from the beginning of a text among which the rarest are looked for."""
_PLACES = 5_000
"""Documents that the rarest words may have together: words as common as that tell nothing apart."""


def similar(log: Log, partnership: str, n: int) -> Json:
    """The announcements that share at least `SHARED` of the rarest words of act n, the rarer and the more the better.

    The same for the same record, on either database; equal ones stand newest recorded first. A correction or a
    retraction has none of its own.

    Returns:
        words: what it is known by, rarest first; similar: each with the words that it shares; indexed and head: as
        those of `find`.

    Raises:
        TimelineError: `unknown_partnership`, `unknown_announcement`.
    """
    keep_up(log)
    with log.reading() as reader:
        known_partnership(reader, partnership)
        act = reader.event(partnership, n)
        if act is None or n == 0:
            raise TimelineError(
                "unknown_announcement",
                f"There is no {partnership}/{n}.",
                f"{partnership} has acts from 1 on: see timeline show {partnership}/1.",
            )
        upto = index.position(reader.connection)
        words = _rarest(reader.connection, act.seq)
        shared = _sharing(reader.connection, words, act.seq)
        worth = {word: logarithm((upto + 1) / documents) for word, documents in words.items()}
        best = sorted(shared, key=lambda seq: (-round(sum(worth[word] for word in shared[seq]), 9), -seq))[:FOUND]
        found = {row.seq: row for row in reader.connection.execute(_SHOWN, {"seqs": best})}
        return {
            "id": f"{partnership}/{n}",
            "words": list(words),
            "similar": [_similar(found[seq], shared[seq]) for seq in best],
            "indexed": upto,
            "head": reader.head()[0],
        }


def _rarest(connection: Connection, seq: int) -> dict[str, int]:
    """The document's rarest words that others have as well, each with the number of documents that have it."""
    line = connection.scalar(select(index.index.c.words).where(index.index.c.rowid == seq))
    own = index.distinct(" ".join((line or "").split(maxsplit=_READ)[:_READ]))
    shared = connection.execute(_SPREAD, {"words": sorted(filter(telling, own))}).all()
    chosen: dict[str, int] = {}
    for row in sorted(shared, key=lambda row: (row.documents, row.word))[:RAREST]:
        if sum(chosen.values()) + row.documents > _PLACES:
            break
        chosen[row.word] = row.documents
    return chosen


def _sharing(connection: Connection, words: dict[str, int], but: int) -> dict[int, list[str]]:
    """The other documents that have enough of these words, each with those that it has."""
    if not words:
        return {}
    having = (
        select(literal(word).label("word"), index.index.c.rowid).where(index.matching(connection, [[word]]))
        for word in words
    )
    shared: dict[int, list[str]] = defaultdict(list)
    for word, seq in connection.execute(union_all(*having)):
        shared[seq].append(word)
    order = list(words).index
    return {
        seq: sorted(having_it, key=order)
        for seq, having_it in shared.items()
        if len(having_it) >= SHARED and seq != but
    }


def _similar(row: Any, shared: list[str]) -> Json:
    shown = json.loads(row.shown)
    return {
        "id": f"{row.partnership}/{row.n}",
        "partnership": row.partnership,
        "n": row.n,
        "title": shown["title"],
        "announced": shown["announced"],
        "status": row.status,
        "shared": shared,
    }


_SPREAD = select(search_word).where(
    search_word.c.word.in_(bindparam("words", expanding=True)), search_word.c.documents > 1
)
_SHOWN = select(search_document).where(search_document.c.seq.in_(bindparam("seqs", expanding=True)))
