"""What is put out, and in which order: every entry once, and once more whenever a later act puts a note on it.

A feed's archive is this sequence cut into pages. It only ever grows at its end, so a full page never changes; and
whoever reads head and archive and keeps the newest version of each id (RFC 5005 §4.2) has every entry as it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from timeline.chain import TICK, microseconds
from timeline.core.feed import Entry, Feed
from timeline.formats import Item


@dataclass(frozen=True, slots=True)
class PutOut:
    """One entry as it stood when it was put out."""

    entry: Entry
    at: datetime
    """The moment that caused it: the recording, or the start of the day. Several may share it."""
    sort_key: str
    """Its place among those of all partnerships, compared by code points: earlier moments first; at one moment the
    clock's, by partnership and term, then an act's entry, then those that it puts a note on."""


def put_outs(feed: Feed) -> list[PutOut]:
    """What one partnership has put out so far, in order; more record or a later day only adds to its end."""
    return sorted(_put_outs(feed), key=lambda made: made.sort_key)


def issued(made: Iterable[PutOut]) -> Iterator[Item]:
    """All put-outs of all partnerships with the times that readers see, in order.

    Times rise strictly, by a microsecond where a moment is shared, so that no reader has to guess an order.
    """
    last: datetime | None = None
    first: dict[str, datetime] = {}
    for each in sorted(made, key=lambda made: made.sort_key):
        last = each.at if last is None else max(each.at, last + TICK)
        yield Item(each.entry, first.setdefault(each.entry.id, last), last)


def _put_outs(feed: Feed) -> Iterator[PutOut]:
    for entry in feed.entries:
        plain = replace(entry, notes=())
        if entry.on is not None:
            term = entry.rows[0].term
            yield PutOut(plain, entry.published, _key(plain, entry.published, 0, f"{term.kind} {term.subject}"))
        else:
            seq = feed.book.records[entry.n].seq
            yield PutOut(plain, entry.published, _key(plain, entry.published, seq, "0"))
        for count, note in enumerate(entry.notes, start=1):
            seq = feed.book.records[note.n].seq
            noted = replace(entry, notes=entry.notes[:count])
            yield PutOut(noted, note.at, _key(noted, note.at, seq, f"1 {entry.id}"))


def _key(entry: Entry, at: datetime, seq: int, rest: str) -> str:
    # A space sorts before every character of a slug, so joined slugs sort as the tuples of them do.
    return f"{microseconds(at):018d} {seq:012d} {entry.partnership} {rest}"
