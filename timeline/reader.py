"""Questions to the log, each answered from one snapshot; how a row of its tables is an event."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Select, bindparam, select

from timeline.chain import GENESIS, Event, microseconds, moment
from timeline.core.errors import TimelineError
from timeline.database import directly
from timeline.tables import event, stored_text

PAGE = 1000
"""Events read at a time."""
LATEST = 2**63 - 1
"""A position that no log reaches."""

# Made once: to build a question again costs as much as to ask it.
_LAST = select(event).order_by(event.c.seq.desc()).limit(1)
_AT = select(event).where(event.c.seq == bindparam("seq"))
_IN_PARTNERSHIP = event.c.partnership == bindparam("partnership")
_BY_VERSION = select(event).where(_IN_PARTNERSHIP, event.c.version == bindparam("version")).limit(1)
_BY_KEY = select(event).where(event.c.key == bindparam("key")).limit(1)
_BY_IDEMPOTENCY_KEY = select(event).where(event.c.idempotency_key == bindparam("key")).limit(1)
_HEAD = select(event.c.version, event.c.seq, event.c.hash).where(_IN_PARTNERSHIP)
_PARTNERSHIP_HEAD = _HEAD.order_by(event.c.version.desc()).limit(1)
_PARTNERSHIP_END = _PARTNERSHIP_HEAD.where(event.c.seq <= bindparam("upto"))
_OF = (
    select(event)
    .where(_IN_PARTNERSHIP, event.c.version > bindparam("after"), event.c.seq <= bindparam("upto"))
    .order_by(event.c.version)
    .limit(PAGE)
)
_HAS_TEXT = select(stored_text.c.sha256).where(stored_text.c.sha256 == bindparam("sha256"))


@dataclass(frozen=True, slots=True)
class StoredText:
    """The bytes of a source, kept as they came."""

    sha256: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """What the record has of what an append is about."""

    last: Event | None
    """The last event of all."""
    head: Event | None
    """The last event of the partnership that was asked about."""
    by_key: dict[str, Event]
    by_idempotency_key: dict[str, Event]
    texts: set[str]
    """Of the sha256 that were asked about, those whose texts are kept."""
    generation: int | None
    """Of the rectangles that are read."""


class Reader:
    """Questions to the log, all answered from one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        """For projections that must see the same snapshot."""

    def head(self) -> tuple[int, datetime | None, str]:
        """The last event's seq, instant and hash; (0, None, sixty-four zeros) while there is none."""
        found = self.last()
        return (0, None, GENESIS) if found is None else (found.seq, found.recorded_at, found.hash)

    def last(self) -> Event | None:
        """The last event of all; None while there is none."""
        return self._one(_LAST)

    def events(self, *, after: int = 0, upto: int | None = None, limit: int | None = None) -> Iterator[Event]:
        """The events with `after` < seq <= `upto`, at most `limit`, in order; read a page at a time."""
        return self.pages(after, upto, limit, PAGE)

    def events_of(self, partnership: str, *, after: int = -1, upto: int = LATEST) -> Iterator[Event]:
        """The events of a partnership after that version and up to that seq, in order; read a page at a time.

        Raises:
            TimelineError: `integrity_failure` when one is missing between them: what is left would say something else.
        """
        while page := self.connection.execute(_OF, {"partnership": partnership, "after": after, "upto": upto}).all():
            for row in page:
                found = event_of(row)
                if found.version != after + 1:
                    raise TimelineError(
                        "integrity_failure",
                        f"{partnership}/{after + 1} cannot be found, though {found.citation} is on record.",
                        "See what timeline verify says, and restore the last backup beside it.",
                    )
                after = found.version
                yield found
            if len(page) < PAGE:
                return

    def at(self, seq: int) -> Event | None:
        """The event at that position of the log."""
        return self._one(_AT, seq=seq)

    def event(self, partnership: str, version: int) -> Event | None:
        return self._one(_BY_VERSION, partnership=partnership, version=version)

    def by_key(self, key: str) -> Event | None:
        return self._one(_BY_KEY, key=key)

    def by_idempotency_key(self, key: str) -> Event | None:
        return self._one(_BY_IDEMPOTENCY_KEY, key=key)

    def partnership_head(self, partnership: str) -> tuple[int, int, str] | None:
        """The (version, seq, hash) of its last event; None when it was never opened."""
        row = self.connection.execute(_PARTNERSHIP_HEAD, {"partnership": partnership}).first()
        return None if row is None else (row.version, row.seq, row.hash)

    def partnership_end(self, partnership: str, upto: int) -> tuple[int, str] | None:
        """The (version, hash) of its last event up to that seq; None when it was not open then."""
        row = self.connection.execute(_PARTNERSHIP_END, {"partnership": partnership, "upto": upto}).first()
        return None if row is None else (row.version, row.hash)

    def has(self, partnership: str, version: int, digest: str) -> bool:
        """Whether the event of that place has that hash, and so all before it are what they were."""
        event = self.event(partnership, version)
        return event is not None and event.hash == digest

    def partnerships(self) -> list[str]:
        """The names of all partnerships that were opened, in order."""
        opened = select(event.c.partnership).where(event.c.version == 0).order_by(event.c.partnership)
        return list(self.connection.scalars(opened))

    def seq_at(self, at: datetime) -> int:
        """The seq of the last event recorded at or before that moment; 0 when there was none yet."""
        earlier = select(event.c.seq).where(event.c.recorded_at <= microseconds(at))
        return self.connection.scalar(earlier.order_by(event.c.recorded_at.desc()).limit(1)) or 0

    def text(self, sha256: str) -> StoredText | None:
        row = self.connection.execute(select(stored_text).where(stored_text.c.sha256 == sha256)).first()
        return None if row is None else StoredText(row.sha256, row.media_type, row.content)

    def texts(self) -> Iterator[StoredText]:
        """Every stored text, in the order of their hashes."""
        last = ""
        following = select(stored_text).order_by(stored_text.c.sha256).limit(1)
        while (row := self.connection.execute(following.where(stored_text.c.sha256 > last)).first()) is not None:
            last = row.sha256
            yield StoredText(row.sha256, row.media_type, row.content)

    def has_text(self, sha256: str) -> bool:
        return self.connection.scalar(_HAS_TEXT, {"sha256": sha256}) is not None

    def plain(self, question: str, given: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows that the driver gives, in its own words: what SQLAlchemy does for a question costs as much again."""
        with directly(self.connection) as driver:
            found: list[tuple[Any, ...]] = driver.execute(question, given).fetchall()
            return found

    def _one(self, question: Select[Any], **given: object) -> Event | None:
        row = self.connection.execute(question, given).first()
        return None if row is None else event_of(row)

    def pages(self, after: int, upto: int | None, limit: int | None, size: int) -> Iterator[Event]:
        """As `events`, `size` of them at a time."""
        question = select(event).where(event.c.seq > bindparam("after")).order_by(event.c.seq)
        if upto is not None:
            question = question.where(event.c.seq <= upto)
        while limit is None or limit > 0:
            wanted = size if limit is None else min(size, limit)
            page = self.connection.execute(question.limit(wanted), {"after": after}).all()
            for row in page:
                yield event_of(row)
            if len(page) < wanted:
                return
            after = page[-1].seq
            limit = None if limit is None else limit - wanted


def in_driver(question: str) -> dict[str, str]:
    """A question as the driver of each kind of database takes it, its parameters by name: for `Reader.plain`."""
    return {"sqlite": question, "postgresql": re.sub(r":(\w+)", r"%(\1)s", question.replace("%", "%%"))}


def event_of(row: Sequence[Any]) -> Event:
    """The event in a row of its table."""
    # The columns stand in the order of the fields; to name each of them takes twice as long.
    values: list[Any] = list(row)
    values[7] = moment(values[7])
    return Event(*values)


_LOOK = (
    "SELECT 'last', event.* FROM event WHERE seq = (SELECT max(seq) FROM event)",
    "SELECT 'generation', generation, name, NULLS FROM projection WHERE name = 'rectangles'",
    "SELECT * FROM (SELECT 'head', event.* FROM event WHERE partnership = MARKS ORDER BY version DESC LIMIT 1) AS head",
    "SELECT 'key', event.* FROM event WHERE key IN (MARKS)",
    "SELECT 'idempotency key', event.* FROM event WHERE idempotency_key IN (MARKS)",
    "SELECT 'text', NULL, sha256, NULLS FROM stored_text WHERE sha256 IN (MARKS)",
)


@lru_cache(maxsize=64)
def question_of(*sizes: int) -> str:
    """One question for all that an append must know; every row is what it is about, then as wide as an event.

    Args:
        sizes: About how many partnerships (at most one), keys, idempotency keys and texts.
    """
    nulls = ", ".join(["NULL"] * (len(event.c) - 2))
    parts = (
        part.replace("NULLS", nulls).replace("MARKS", ", ".join("?" * size))
        for part, size in zip(_LOOK, (1, 1, *sizes), strict=True)
        if size
    )
    return " UNION ALL ".join(parts)


def found_in(rows: Iterable[Sequence[Any]]) -> Found:
    """What the answer to `question_of` says."""
    events: dict[str, list[Event]] = {"last": [], "head": [], "key": [], "idempotency key": []}
    texts: set[str] = set()
    generation: int | None = None
    for what, *row in rows:
        if what == "generation":
            generation = row[0]
        elif what == "text":
            texts.add(row[1])
        else:
            events[what].append(event_of(row))
    return Found(
        last=next(iter(events["last"]), None),
        head=next(iter(events["head"]), None),
        by_key={str(each.key): each for each in events["key"]},
        by_idempotency_key={str(each.idempotency_key): each for each in events["idempotency key"]},
        texts=texts,
        generation=generation,
    )
