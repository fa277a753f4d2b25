"""Questions across partnerships: the list, what changed lately, what ends soon, and who is called so.

A line for each partnership is kept in memory and renewed when its record grows or a day begins, so a list costs the
same number of queries however long it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import attrgetter
from threading import Lock
from typing import Any

from sqlalchemy import select

from timeline.bodies import Known, ahead_line, partnership_line
from timeline.chain import GENESIS
from timeline.core.dates import END_OF_TIME, iso
from timeline.core.feed import Entry, Feed
from timeline.core.state import upcoming
from timeline.core.terms import Kinds
from timeline.core.wording import Words
from timeline.log import Event, Log, Reader, event_of
from timeline.records import recorded
from timeline.search.index import LONGEST
from timeline.search.words import Query, lined, spaced
from timeline.tables import event

Json = dict[str, Any]
RECENT = 10
SOON = timedelta(days=366)
NAMED = 50
"""Names of a kind that a search shows."""


@dataclass(frozen=True, slots=True)
class Line:
    """What is kept of one partnership."""

    listed: Json
    terms: tuple[Json, ...]
    recent: tuple[Entry, ...]
    """Its last entries, newest recorded first."""
    ahead: tuple[Json, ...]


class Overview:
    """Questions to all partnerships at once; safe to share between threads.

    Args:
        clock: Tells today, aware UTC.
    """

    def __init__(self, log: Log, kinds: Kinds, clock: Callable[[], datetime]) -> None:
        self.log = log
        self.kinds = kinds
        self.clock = clock
        self._lines: dict[str, Line] = {}
        self._end = (0, GENESIS)
        """The seq and hash of the last event that the lines have heard."""
        self._day: date | None = None
        self._lock = Lock()

    def partnerships(self, party: str | None = None, kind: str | None = None) -> Json:
        """The partnerships on record, those with that party or with terms of that kind."""
        listed = [line.listed for line in self._present().values()]
        return {
            "partnerships": [
                each
                for each in listed
                if (party is None or party in each["parties"]) and (kind is None or kind in each["kinds"])
            ]
        }

    def home(self) -> Json:
        """The partnerships, the entries recorded last, and what is to end or begin within a year."""
        lines, today = self._present(), self.clock().date()
        recent = sorted((entry for line in lines.values() for entry in line.recent), key=_newest, reverse=True)
        last = (today + SOON).isoformat()
        ahead = [each for line in lines.values() for each in line.ahead if each["on"] is None or each["on"] <= last]
        return {
            "partnerships": [line.listed for line in lines.values()],
            "recent": [_entry_line(entry) for entry in recent[:RECENT]],
            "ahead": sorted(ahead, key=lambda each: (each["on"] is None, each["on"] or "", each["term"])),
            "today": today.isoformat(),
            "upto": last,
        }

    def named(self, asked: Query) -> Json:
        """The partnerships and terms in whose names, slugs and parties all of it occurs; at most `NAMED` of each."""
        lines = self._present().values()
        partnerships = [
            line.listed
            for line in lines
            if _has(asked, line.listed["partnership"], line.listed["name"], *line.listed["parties"].values())
        ]
        terms = [term for line in lines for term in line.terms if _has(asked, term["term"], term["label"])]
        return {
            "partnerships": partnerships[:NAMED],
            "terms": terms[:NAMED],
            "more_names": max(len(partnerships), len(terms)) > NAMED,
        }

    def _present(self) -> dict[str, Line]:
        """A line for each partnership, as the record and the day are now."""
        today = self.clock().date()
        with self._lock, self.log.reading() as reader:
            seq, _, digest = reader.head()
            if today != self._day or ((seq, digest) != self._end and not self._is_on_record(reader)):
                self._lines, self._end = {}, (0, GENESIS)
            if (seq, digest) != self._end:
                grown = select(event.c.partnership).where(event.c.seq > self._end[0]).distinct()
                for slug, events in groupby(_in_order(reader, grown), key=attrgetter("partnership")):
                    self._lines[slug] = self._line(slug, list(events), today)
                self._lines = dict(sorted(self._lines.items()))
                self._end, self._day = (seq, digest), today
            return self._lines

    def _is_on_record(self, reader: Reader) -> bool:
        """Whether the log still has what the lines were made of: a replica that lacked its end may have taken over."""
        seq, digest = self._end
        last = reader.at(seq)
        return seq == 0 or (last is not None and last.hash == digest)

    def _line(self, slug: str, events: list[Event], today: date) -> Line:
        feed = Feed(self.kinds).hear_all(map(recorded, events)).until(today)
        assert feed.book.opening is not None  # the log begins each partnership with it
        last = events[-1].seq
        known = Known(feed.book, Words(self.kinds, feed.book.opening), slug, last, None, None, last, is_all=True)
        names = {"partnership": slug, "name": known.words.name}
        lines = {term: feed.book.line(term).cells for term in feed.book.terms()}
        return Line(
            listed=partnership_line(known),
            terms=tuple({**names, "term": str(term), "label": known.words.label(term)} for term in lines),
            recent=tuple([entry for entry in reversed(feed.entries) if not entry.quiet][:RECENT]),
            ahead=tuple(
                {**names, **ahead_line(known, each)} for each in upcoming(feed.book, lines, today, END_OF_TIME)
            ),
        )


def _in_order(reader: Reader, of: Any) -> Iterator[Event]:
    """All events of those partnerships, one partnership after the other."""
    question = select(event).where(event.c.partnership.in_(of)).order_by(event.c.partnership, event.c.version)
    for row in reader.connection.execution_options(yield_per=500).execute(question):
        yield event_of(row)


def _newest(entry: Entry) -> tuple[datetime, str]:
    return entry.published, entry.id


def _entry_line(entry: Entry) -> Json:
    return {
        "id": entry.id,
        "partnership": entry.partnership,
        "name": entry.name,
        "kind": entry.kind,
        "title": entry.title,
        "recorded_at": iso(entry.published),
        "announcement": f"{entry.partnership}/{entry.n}",
    }


def _has(asked: Query, *texts: str) -> bool:
    """Whether all that is wanted begins a word of the texts, and nothing that is not wanted does."""
    line = lined(texts, LONGEST)
    return all(spaced(each).rstrip() in line for each in asked.wanted) and not any(
        spaced(each).rstrip() in line for each in asked.unwanted
    )
