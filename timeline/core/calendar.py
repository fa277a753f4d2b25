"""What a calendar shows: each start and end that was still ahead when it was recorded, as one event for life.

The events are a function of the record alone, whatever the day is. An event is one edge (start or end) of what one
announcement says about one term. It follows its announcement: a corrected date moves it, whatever takes its boundary
away cancels it, and what brings the boundary back revives it. Nothing that was shown is dropped while its day is ahead.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from timeline.core.announcements import Correction, Opening, Retraction
from timeline.core.dates import END_OF_TIME, ONE_DAY, START_OF_TIME
from timeline.core.errors import TimelineError
from timeline.core.feed import Quote, quote
from timeline.core.history import AGREED, Book, Recorded, Slot
from timeline.core.line import Line, boundaries, parting
from timeline.core.state import Ahead, attributed, boundary, transition
from timeline.core.terms import Kinds, Term
from timeline.core.wording import Words, ahead_words, since_words, until_words

KEPT = timedelta(days=400)
"""How long an event is kept after its last day, counted from the day on which its partnership was last recorded."""
_MOST_ALARMS = 5
_ALARM = re.compile(r"(\d{1,3})d", re.ASCII)


@dataclass(frozen=True, slots=True)
class Edge:
    """A boundary of a term, in words and as days."""

    term: Term
    n: int
    """The announcement that says so."""
    side: str
    """start or end: of what the announcement says."""
    first: date
    end: date
    """Half-open days `[first, end)`, any of which it may be: one day, or all of a month or a year said no closer."""
    summary: str
    said: str
    """The date as the announcement has it: “2027”, “through 2032”, “AGI verified, at the latest through 2032”."""
    quote: Quote

    @property
    def last(self) -> date:
        return self.end - ONE_DAY


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    partnership: str
    name: str
    edge: Edge
    number: int
    """Among those of the same term, announcement and side, in the order in which they came up; from 1."""
    cancelled: bool
    sequence: int
    """Raised by one whenever anything that a reader sees of it changes (RFC 5545 §3.8.7.4)."""
    created: datetime
    modified: datetime
    """When the act was recorded that brought it up, and the one that last changed it."""
    by: int
    """That last act."""

    @property
    def id(self) -> str:
        """What it is about, unique for ever: `openai-microsoft/17/license/models/end/1`."""
        edge = self.edge
        return f"{self.partnership}/{edge.n}/{edge.term}/{edge.side}/{self.number}"


@dataclass(slots=True)
class Calendar:
    """One partnership's events, kept as its record is read."""

    kinds: Kinds
    _words: Words | None = None
    _latest: date = START_OF_TIME
    _lives: dict[Term, _Life] = field(default_factory=dict)

    def hear(self, recorded: Recorded, book: Book, before: Mapping[Slot, Line]) -> None:
        """Take in what an act changed.

        Args:
            book: The record up to and including the act.
            before: The lines that it may have changed, as `Book.hear` and `Feed.hear` return them.
        """
        self._latest = recorded.recorded_at.date()
        if isinstance(recorded.act, Opening):
            self._words = Words(self.kinds, recorded.act)
        for slot, line in before.items():
            if slot.force == AGREED:
                first, last = START_OF_TIME, END_OF_TIME
                if not isinstance(recorded.act, Correction | Retraction):  # which may change words alone
                    first, last = _span(line, book.line(slot.term))
                life = self._lives.setdefault(slot.term, _Life())
                life.hear(recorded, list(self._edges(book, slot.term, first, last)), first, last)

    def events(self) -> list[CalendarEvent]:
        """The events by their days; what was over long before the last act is left out."""
        words = self._words
        if words is None:
            return []
        found = [
            CalendarEvent(
                partnership=words.opening.partnership,
                name=words.name,
                edge=each.edge,
                number=each.number,
                cancelled=each.cancelled,
                sequence=len(each.revisions) - 1,
                created=each.revisions[0].recorded_at,
                modified=each.revisions[-1].recorded_at,
                by=each.revisions[-1].n,
            )
            for life in self._lives.values()
            for each in life.followed
            if each.revisions and each.edge.last + KEPT >= self._latest
        ]
        return sorted(found, key=lambda event: (event.edge.first, event.id))

    def _edges(self, book: Book, term: Term, first: date, last: date) -> Iterator[Edge]:
        """The boundaries of the term's line in those days, both inclusive, in order."""
        words = self._words
        assert words is not None  # nothing is said before the opening
        for on, was, now in boundaries(book.line(term).cells, max(first, START_OF_TIME + ONE_DAY) - ONE_DAY, last):
            what = transition(book, was, now)
            side, cell = attributed(what, was, now)
            said = book.said(cell.ref)
            found = boundary(said, side, on)
            window = found.window if side == "start" else None
            text = ahead_words(words, Ahead(term, what, said, found, before=was, after=now), book.direction(term))
            yield Edge(
                term=term,
                n=cell.ref.n,
                side=side,
                first=on,
                end=on + ONE_DAY if window is None else window.hi,
                summary=text if window is None else f"{text} (some time in {window.text})",
                said=since_words(book, said) if side == "start" else until_words(said.statement),
                quote=quote(said.statement, said.source),
            )


def read_alarms(text: str, *, field: str | None = None) -> tuple[int, ...]:
    """How many days before an event it is to be recalled, as `30d,7d` says; `none` for never.

    Raises:
        TimelineError: `invalid_value`.
    """
    if text == "none":
        return ()
    days = [int(match[1]) if (match := _ALARM.fullmatch(each.strip())) else -1 for each in text[:100].split(",")]
    if not all(0 <= each <= 366 for each in days) or len(days) > _MOST_ALARMS:
        raise TimelineError(
            "invalid_value",
            f"“{text[:100]}” does not say when to be reminded.",
            f"Write 30d,7d for 30 and 7 days before: up to {_MOST_ALARMS} of them, from 0d to 366d; or none.",
            field=field,
        )
    return tuple(sorted(set(days), reverse=True))


@dataclass(slots=True)
class _Followed:
    """An edge through the record. One that was never ahead is followed, so that no other takes its place."""

    edge: Edge
    number: int
    cancelled: bool = False
    revisions: list[Recorded] = field(default_factory=list)
    """The acts that brought it up and changed it; none while it was never ahead."""

    def become(self, edge: Edge, recorded: Recorded, *, cancelled: bool = False) -> None:
        changes = (edge, cancelled) != (self.edge, self.cancelled)
        self.edge, self.cancelled = edge, cancelled
        ahead = not cancelled and edge.first > recorded.recorded_at.date()
        if changes if self.revisions else ahead:
            self.revisions.append(recorded)


@dataclass(slots=True)
class _Life:
    """All edges of one term that there ever were."""

    followed: list[_Followed] = field(default_factory=list)
    _standing: dict[date, _Followed] = field(default_factory=dict)
    """By its first day, which no other edge of the term has."""
    _days: list[date] = field(default_factory=list)
    """Those days, sorted."""
    _over: dict[tuple[int, str], list[_Followed]] = field(default_factory=dict)
    """The cancelled ones, by announcement and side."""
    _count: dict[tuple[int, str], int] = field(default_factory=dict)

    def hear(self, recorded: Recorded, edges: list[Edge], first: date, last: date) -> None:
        """From now on these are the edges in those days: each known one goes on, one that is gone may have moved."""
        here = self._days[bisect_left(self._days, first) : bisect_right(self._days, last)]
        stood = {day: self._standing.pop(day) for day in here}
        new = []
        for edge in edges:
            same = stood.get(edge.first)
            if same is not None and _key(same.edge) == _key(edge):
                del stood[edge.first]
                self._stand(same, edge, recorded)
            else:
                new.append(edge)
        gone: dict[tuple[int, str], list[_Followed]] = {}
        for each in stood.values():
            gone.setdefault(_key(each.edge), []).append(each)
        for edge in new:
            key = _key(edge)
            again = _taken(gone.get(key, []), edge) or _taken(self._over.get(key, []), edge)
            if again is None:
                self._count[key] = self._count.get(key, 0) + 1
                again = _Followed(edge, self._count[key])
                self.followed.append(again)
            self._stand(again, edge, recorded)
        for key, left in gone.items():
            for each in left:
                each.become(each.edge, recorded, cancelled=True)
            self._over.setdefault(key, []).extend(left)
        self._days[bisect_left(self._days, first) : bisect_right(self._days, last)] = [each.first for each in edges]

    def _stand(self, followed: _Followed, edge: Edge, recorded: Recorded) -> None:
        followed.become(edge, recorded)
        self._standing[edge.first] = followed


def _key(edge: Edge) -> tuple[int, str]:
    return edge.n, edge.side


def _taken(known: list[_Followed], edge: Edge) -> _Followed | None:
    """Out of the known ones the one that goes on as this edge: of its day if there is one, else the first."""
    place = next((place for place, each in enumerate(known) if each.edge.first == edge.first), 0)
    return known.pop(place) if known else None


def _span(before: Line, after: Line) -> tuple[date, date]:
    """The days on which a boundary may differ between two lines, both inclusive; none when the first is the later."""
    cells = [cell for side in parting(before.cells, after.cells) for cell in side]
    return min((c.start for c in cells), default=END_OF_TIME), max((c.end for c in cells), default=START_OF_TIME)
