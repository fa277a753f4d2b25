"""Questions to the index: where words occur, best first, a page at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, literal, select, tuple_

from timeline.core.errors import TimelineError, unknown_partnership
from timeline.core.questions import asked_day, asked_kind, asked_limit, cursor, filled, only, read_cursor
from timeline.core.terms import Kinds
from timeline.log import Log, Reader
from timeline.search import index
from timeline.search.words import Piece, Query, Words, passage, query, spaced
from timeline.tables import search_document

Json = dict[str, Any]
PAGE = 20
MOST = 100
FEW = 200
"""A question waits until so many events are indexed; when there are more, it answers without them and says so."""

PARAMETERS = ("q", "partnership", "kind", "since", "until", "limit", "cursor")
_AROUND = 120
_PASSAGES = 3
_READ = 200_000
"""Characters of a stored text in which a passage to show is looked for."""
_PASSING = ("database_busy", "storage_failed", "connection_lost")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is searched for."""

    query: Query
    partnership: str | None = None
    kind: str | None = None
    since: date | None = None
    until: date | None = None
    limit: int = PAGE
    after: tuple[int, int, int] | None = None
    """Where the page before ended: its last hit's rank, last possible day and seq."""

    @property
    def digest(self) -> int:
        """What tells this question from others; a cursor is good for one."""
        asked = (self.query, self.partnership, self.kind, self.since, self.until)
        return int(sha256(repr(asked).encode()).hexdigest()[:12], 16)


def read(given: Mapping[str, str], kinds: Kinds, now: datetime) -> Wanted:
    """The question that the parameters ask.

    Raises:
        TimelineError: `invalid_value`, `missing_parameter` and others, with what to write instead.
    """
    only(given.keys(), PARAMETERS)
    if "q" not in given:
        raise TimelineError("missing_parameter", "The question needs q.", "Add q=, the words to look for.", field="q")
    kind = asked_kind(given, kinds)
    since, until = (
        asked_day(filled(given, name), now, field=name) if name in given else None for name in ("since", "until")
    )
    if since is not None and until is not None and until < since:
        raise TimelineError(
            "invalid_value",
            f"until {until} comes before since {since}.",
            f"Ask since={until}&until={since}.",
            field="until",
        )
    limit = asked_limit(given, PAGE, MOST)
    partnership = filled(given, "partnership") if "partnership" in given else None
    wanted = Wanted(query(given["q"]), partnership, kind, since, until, limit)
    return wanted if "cursor" not in given else _continued(wanted, filled(given, "cursor"))


def find(log: Log, wanted: Wanted) -> Json:
    """The announcements and occurrences that have all of it, best first.

    A hit counts two for each word or phrase in its title and one for each in its summary and quotes; equal ones stand
    newest announced first. Its words are the present ones, those of its last correction; `status` says what became
    of it.

    Returns:
        hits: each with title and passages in pieces, `found` where it is what was asked for; cursor: for the next
        page, None at the end; indexed: the position of the log up to which was searched; head: where it ends.

    Raises:
        TimelineError: `unknown_partnership`.
    """
    keep_up(log)
    with log.reading() as reader:
        if wanted.partnership is not None:
            known_partnership(reader, wanted.partnership)
        rows = _hits(reader.connection, wanted)
        shown, more = rows[: wanted.limit], len(rows) > wanted.limit
        phrases = wanted.query.wanted
        return {
            "hits": [_hit(reader, row, phrases) for row in shown],
            "cursor": cursor(*_place(shown[-1]), wanted.digest) if more else None,
            "indexed": index.position(reader.connection),
            "head": reader.head()[0],
        }


def keep_up(log: Log) -> None:
    """Index what was appended lately; when others are writing, the answer says how far it goes instead."""
    with log.reading() as reader:
        behind = reader.head()[0] - index.position(reader.connection)
    if 0 < behind <= FEW:
        try:
            index.catch_up(log)
        except TimelineError as error:
            if error.code not in _PASSING:
                raise


def known_partnership(reader: Reader, name: str) -> None:
    """Refuse the name of a partnership that was never opened."""
    if reader.partnership_head(name) is None:
        raise unknown_partnership(name, reader.partnerships())


def _hits(connection: Connection, wanted: Wanted) -> list[Row[Any]]:
    """One hit more than a page has, each with its rank."""
    asked, document, words = wanted.query, search_document.c, index.index.c.words
    unwanted = [phrase[0] for phrase in asked.unwanted if len(phrase) == 1]
    conditions = [index.matching(connection, [[word] for phrase in asked.wanted for word in phrase], unwanted)]
    conditions += [words.contains(spaced(phrase)) for phrase in asked.wanted if len(phrase) > 1]
    conditions += [~words.contains(spaced(phrase)) for phrase in asked.unwanted if len(phrase) > 1]
    if wanted.partnership is not None:
        conditions.append(document.partnership == wanted.partnership)
    if wanted.kind is not None:
        conditions.append(document.kinds.contains(f" {wanted.kind} "))
    if wanted.since is not None:
        conditions.append(document.last_on >= wanted.since.toordinal())
    if wanted.until is not None:
        conditions.append(document.first_on <= wanted.until.toordinal())
    weights = ((document.title_words, 2), (document.said_words, 1))
    rank: ColumnElement[int] = literal(0)
    for phrase in asked.wanted:
        for line, weight in weights:
            rank += case((line.contains(spaced(phrase)), weight), else_=0)
    ranked = (
        select(search_document, rank.label("rank"))
        .join_from(index.index, search_document, document.seq == index.index.c.rowid)
        .where(*conditions)
        .subquery()
    )
    order = (ranked.c.rank, ranked.c.last_on, ranked.c.seq)
    question = select(ranked).order_by(*(each.desc() for each in order)).limit(wanted.limit + 1)
    if wanted.after is not None:
        question = question.where(tuple_(*order) < tuple_(*wanted.after))
    return list(connection.execute(question).all())


def _hit(reader: Reader, row: Row[Any], phrases: tuple[Words, ...]) -> Json:
    shown = json.loads(row.shown)
    title = passage(shown["title"], phrases) or (Piece(shown["title"], found=False),)
    passages = [found for said in shown["said"] if (found := passage(said, phrases, _AROUND))]
    if not passages:
        passages = [found for sha in shown["texts"] if (found := _in_text(reader, sha, phrases))]
    return {
        "id": f"{row.partnership}/{row.n}",
        "partnership": row.partnership,
        "n": row.n,
        "announced": shown["announced"],
        "status": row.status,
        "title": [each._asdict() for each in title],
        "passages": [[each._asdict() for each in found] for found in passages[:_PASSAGES]],
    }


def _in_text(reader: Reader, sha256: str, phrases: tuple[Words, ...]) -> tuple[Piece, ...]:
    """The first passage of a stored text that has one of the phrases."""
    stored = reader.text(sha256)
    parts = () if stored is None else index.evidence(stored.content.decode("utf-8-sig", "replace"))
    return next((found for part in parts if (found := passage(part[:_READ], phrases, _AROUND))), ())


def _place(row: Row[Any]) -> tuple[int, int, int]:
    return row.rank, row.last_on, row.seq


def _continued(wanted: Wanted, text: str) -> Wanted:
    *after, digest = read_cursor(text, 4)
    if digest != wanted.digest:
        raise TimelineError(
            "invalid_value",
            "That cursor belongs to another question.",
            "Ask with the words and filters of the page that gave it, or leave cursor out to begin anew.",
            field="cursor",
        )
    return replace(wanted, after=(after[0], after[1], after[2]))
