"""From the record to every line at a moment: what holds on any day, as known at any moment; what to accept.

A `Book` is one partnership's record, read in order. It keeps every term's line up to date as acts are heard: an act
whose statements sort last is painted over what is there, anything else refolds the terms it touches.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import NamedTuple

from timeline.core.announcements import (
    TIERS,
    Act,
    Announcement,
    Attachment,
    Correction,
    Direction,
    ForGood,
    Occurrence,
    Opening,
    Retraction,
    Source,
    Statement,
    UntilEvent,
    When,
)
from timeline.core.dates import END_OF_TIME, ONE_DAY, START_OF_TIME, CoarseDate, start_of_day
from timeline.core.line import (
    CONDITION_MET,
    EXPIRED,
    IN_FORCE,
    SILENT,
    SUSPENDED,
    TERMINATED,
    Line,
    Ref,
    Stroke,
    close,
    paint,
)
from timeline.core.said import Place, Said, Sayings
from timeline.core.terms import Term

AGREED, PROPOSED, REPORTED = "agreed", "proposed", "reported"


@dataclass(frozen=True, slots=True)
class Recorded:
    """An act in the log: `seq` in the whole log, `n` in its partnership's record (0 is the opening)."""

    seq: int
    n: int
    recorded_at: datetime
    act: Act


class Slot(NamedTuple):
    """One line of the record: a lane (agreed, proposed, reported) and a term."""

    force: str
    term: Term


@dataclass(slots=True)
class Extent:
    """From when to when the announcements that count speak."""

    first: CoarseDate | None = None
    """The earliest announced or stated effective date; None when there is no announcement."""
    last: CoarseDate | None = None
    """The latest announced one."""
    agreed: list[date] = field(default_factory=list)
    """The announced days of what was agreed, in order."""

    def take_in(self, content: Announcement) -> None:
        """Reach as far as this announcement as well."""
        window = content.announced.window
        stated = [each.effective for each in content.statements if isinstance(each.effective, CoarseDate)]
        firsts = [window, *stated] if self.first is None else [self.first, window, *stated]
        self.first = min(firsts, key=lambda said: (said.lo, said.hi))
        self.last = max([self.last or window, window], key=lambda said: (said.hi, said.lo))
        if content.force == AGREED:
            insort(self.agreed, content.announced.on)


class Book:
    """One partnership's record up to the last act heard.

    Args:
        announced_by: Count only what had been announced by then; None counts everything.
    """

    def __init__(self, announced_by: datetime | None = None) -> None:
        self.announced_by = announced_by
        self.opening: Opening | None = None
        self.records: dict[int, Recorded] = {}
        self.happened: dict[str, Occurrence] = {}
        self._later: dict[int, list[Recorded]] = defaultdict(list)
        self._attached: dict[int, list[Recorded]] = defaultdict(list)
        self.sayings = Sayings()
        self._extent: Extent | None = None
        """None: not asked about since an announcement changed."""
        self._lines: dict[Slot, Line] = {}
        self._directions: dict[Term, Direction | None] = {}
        """Of the terms that were asked about; what is said last never changes the first word. None: nobody said."""

    def hear(self, recorded: Recorded) -> dict[Slot, Line]:
        """Take in the next act; returns the lines that it may have changed, as they were before."""
        if isinstance(recorded.act, Opening):
            self.opening = recorded.act
            return {}
        self.records[recorded.n] = recorded
        if isinstance(recorded.act, Correction | Retraction):
            self._later[recorded.act.n].append(recorded)
        if isinstance(recorded.act, Attachment):
            self._attached[recorded.act.n].append(recorded)
        root = self.root(recorded.n)
        act = self.records[root].act
        if isinstance(act, Attachment):
            return {}
        return self._occur(root) if isinstance(act, Occurrence) else self._restate(root)

    def hear_all(self, records: Iterable[Recorded]) -> Book:
        """Take in several acts, in order."""
        for recorded in records:
            self.hear(recorded)
        return self

    def fork(self) -> Book:
        """A book that has heard the same acts, and hears on by itself."""
        twin = Book(self.announced_by)
        twin.opening, twin.records, twin.happened = self.opening, dict(self.records), self.happened
        for kept, copied in ((self._later, twin._later), (self._attached, twin._attached)):
            copied.update((n, list(acts)) for n, acts in kept.items())
        twin.sayings, twin._lines, twin._directions = self.sayings.fork(), dict(self._lines), dict(self._directions)
        extent = self._extent
        twin._extent = None if extent is None else replace(extent, agreed=list(extent.agreed))
        return twin

    def line(self, term: Term, force: str = AGREED) -> Line:
        return self._lines.get(Slot(force, term), SILENT)

    def terms(self, force: str = AGREED) -> list[Term]:
        """The terms that a live statement of that lane is about, sorted."""
        return sorted(term for lane, term in self._lines if lane == force)

    def said(self, ref: Ref) -> Said:
        return self.sayings.of(ref.n)[ref.number - 1]

    def is_live(self, n: int) -> bool:
        """Whether act n counts: no live retraction takes it out."""
        return not any(
            isinstance(later.act, Retraction)
            and later.act.n == n
            and self._from(later.act.on)
            and self.is_live(later.n)
            for later in self._later.get(n, ())
        )

    def content(self, n: int) -> Announcement | None:
        """What announcement n says now, its last live correction's content or its own; None when it does not count."""
        act = self.records[n].act
        if not isinstance(act, Announcement) or not self.is_live(n):
            return None
        _, corrected = self.correction(n) or (n, act)
        return corrected if self._public(corrected.announced.at) else None

    def correction(self, n: int) -> tuple[int, Announcement] | None:
        """The last live correction of announcement n, its number and what it says; None when it stands as it was."""
        found, since = None, None
        for later in self._later.get(n, ()):
            if isinstance(later.act, Correction) and self.is_live(later.n):
                since = later.act.on or since  # an editor mends what the issuer corrected: public no sooner than that
                if self._from(since):
                    found = later.n, later.act.content
        return found

    def later_acts(self, n: int) -> list[Recorded]:
        """The corrections and retractions that name act n, in the order recorded."""
        return list(self._later.get(n, ()))

    def attached(self, n: int) -> Iterator[tuple[int, Source]]:
        """The further sources of announcement n that count, each with the act that attached it, as recorded."""
        for later in self._attached.get(n, ()):
            if isinstance(later.act, Attachment) and self.is_live(later.n):
                yield from ((later.n, source) for source in later.act.sources)

    def root(self, n: int) -> int:
        """The act that a chain of corrections and retractions is about in the end; n itself when it is neither."""
        while isinstance(act := self.records[n].act, Correction | Retraction):
            n = act.n
        return n

    def announcements(self) -> Iterator[tuple[int, Announcement]]:
        """The live announcements with their present content, in the order recorded."""
        for n, recorded in self.records.items():
            if isinstance(recorded.act, Announcement) and (content := self.content(n)) is not None:
                yield n, content

    def occurrences(self) -> Iterator[tuple[int, Occurrence]]:
        """The occurrences that count, in the order recorded."""
        for n, recorded in self.records.items():
            if isinstance(act := recorded.act, Occurrence) and self.is_live(n) and self._public(act.announced.at):
                yield n, act

    def direction(self, term: Term, *, leaving_out: int | None = None) -> Direction | None:
        """Who grants and who receives, as the term's first live statement that says so has it."""
        if leaving_out is None and term in self._directions:
            return self._directions[term]
        given = (
            (self.records[said.ref.n].seq, said.ref.number, said.statement.direction)
            for said in self.sayings.about(term)
            if said.statement.direction is not None and said.ref.n != leaving_out
        )
        first = min(given, key=lambda found: found[:2], default=None)
        found = None if first is None else first[2]
        if leaving_out is None:
            self._directions[term] = found
        return found

    def events(self) -> list[str]:
        """The events that live statements wait for, sorted."""
        return sorted({event for said in self.sayings.awaiting() for event in said.events})

    def waiting(self) -> Iterator[tuple[Said, str, str]]:
        """The live statements that wait for an event: (said, event, "starts" or "ends")."""
        for said in self.sayings.awaiting():
            statement = said.statement
            if isinstance(statement.effective, When) and statement.effective.event not in self.happened:
                yield said, statement.effective.event, "starts"
            elif isinstance(statement.until, UntilEvent) and statement.until.event not in self.happened:
                yield said, statement.until.event, "ends"

    def extent(self) -> Extent:
        """From when to when the record speaks; not to be changed."""
        if self._extent is None:
            extent = Extent()
            for _, content in self.announcements():
                extent.take_in(content)
            self._extent = extent
        return self._extent

    def stroke(self, said: Said) -> Stroke | None:
        """The statement made ready to paint; None for one that reaffirms or still waits for its event."""
        statement = said.statement
        start, anchor = self.start(said)
        if statement.act == "reaffirm" or start is None:
            return None
        end, lapses, exact = self._end(statement)
        if end is not None and start == START_OF_TIME:
            anchor = min(anchor, end - ONE_DAY)
        status = IN_FORCE if statement.act == "set" else SUSPENDED if statement.temporary else TERMINATED
        return Stroke(
            ref=said.ref,
            value=statement.value,
            status=status,
            start=start,
            anchor=anchor,
            end=END_OF_TIME if end is None else max(end, start),
            lapses=None if end is None else lapses,
            exact=exact,
            for_good=isinstance(statement.until, ForGood),
            temporary=statement.temporary,
        )

    def start(self, said: Said) -> tuple[date | None, date]:
        """The first day that the statement paints (None: its event has not happened), and its anchor."""
        match said.statement.effective:
            case CoarseDate() as stated:
                return stated.lo, stated.lo
            case When() as awaited:
                act = self.happened.get(awaited.event)
                return (None, said.announced.on) if act is None else (act.on, act.on)
            case None:
                window = said.announced.window
                return window.lo, window.lo
        return START_OF_TIME, said.announced.on

    def certain_from(self, said: Said) -> date:
        """The first day on which the statement has certainly taken effect."""
        match said.statement.effective:
            case CoarseDate() as stated:
                return stated.certain_from
            case None:
                return said.announced.window.certain_from
            case When() as awaited:
                act = self.happened.get(awaited.event)
                return END_OF_TIME if act is None else act.on
        stroke = self.stroke(said)
        return said.announced.on if stroke is None else stroke.anchor

    def _end(self, statement: Statement) -> tuple[date | None, str, bool]:
        """The day on which it is over by its own words (None: open), how, and whether it holds exactly until then."""
        match statement.until:
            case CoarseDate() as through:
                return through.hi, EXPIRED, True
            case UntilEvent() as awaited:
                outer = None if awaited.no_later_than is None else awaited.no_later_than.hi
                act = self.happened.get(awaited.event)
                if act is not None and (outer is None or act.on < outer):
                    return act.on, CONDITION_MET, outer is not None
                return outer, EXPIRED, outer is not None
        return None, EXPIRED, False

    def _from(self, on: date | None) -> bool:
        """Whether a later act counts: the editor's always (nobody saw our slip: None), the issuer's from its day."""
        return on is None or self._public(start_of_day(on))

    def _public(self, moment: datetime) -> bool:
        return self.announced_by is None or moment <= self.announced_by

    def _restate(self, n: int) -> dict[Slot, Line]:
        """Bring the statements of announcement n up to date."""
        old = self.sayings.of(n)
        new = self._statements(n)
        self._reach(n)
        if old == new:
            return {}
        if n != next(reversed(self.records)):
            self._directions.clear()
        for said in new:
            term = said.statement.term
            if term in self._directions and self._directions[term] is None and said.statement.direction is not None:
                del self._directions[term]
        if self.sayings.replace(n, new):
            return self._paint_over(new)
        return self._refold({said.statement.term for said in (*old, *new)})

    def _reach(self, n: int) -> None:
        """Bring the extent up to date with announcement n, if it was asked about."""
        if self._extent is None:
            return
        if n != next(reversed(self.records)):
            self._extent = None  # one that was there changed: how far the others reach must be seen again
        elif (content := self.content(n)) is not None:
            self._extent.take_in(content)

    def _occur(self, n: int) -> dict[Slot, Line]:
        """Bring the terms that wait for an event up to date, after it was recorded or taken back."""
        self.happened = {act.event: act for _, act in self.occurrences()}
        event = self.records[n].act.event  # type: ignore[union-attr]  # the caller has seen that it is an occurrence
        return self._refold({said.statement.term for said in self.sayings.awaiting() if event in said.events})

    def _statements(self, n: int) -> tuple[Said, ...]:
        content = self.content(n)
        if content is None:
            return ()
        seq = self.records[n].seq
        found = []
        for number, statement in enumerate(content.statements, start=1):
            source, force = content.source_of(statement), content.force_of(statement)
            place = Place(content.announced.on, force != AGREED, TIERS.index(source.tier), seq, number)
            found.append(Said(Ref(n, number), place, statement, source, content.announced, force))
        return tuple(found)

    def _paint_over(self, new: tuple[Said, ...]) -> dict[Slot, Line]:
        before: dict[Slot, Line] = {}
        for said in new:
            self._paint(said, before)
        return before

    def _refold(self, terms: set[Term]) -> dict[Slot, Line]:
        before: dict[Slot, Line] = {}
        for term in sorted(terms):
            for force in (AGREED, PROPOSED, REPORTED):
                line = self._lines.pop(Slot(force, term), None)
                if line is not None:
                    before[Slot(force, term)] = line
            for said in self.sayings.about(term):
                self._paint(said, before)
        return before

    def _paint(self, said: Said, before: dict[Slot, Line]) -> None:
        """Paint one statement in its own lane; an agreed one closes what the other lanes say from its own day."""
        slot = Slot(said.force, said.statement.term)
        stroke = self.stroke(said)
        line = self._lines.get(slot, SILENT)
        before.setdefault(slot, line)
        self._lines[slot] = line if stroke is None else paint(line, stroke)
        if stroke is None or said.force != AGREED or stroke.temporary:
            return
        for force in (PROPOSED, REPORTED):
            other = Slot(force, said.statement.term)
            if other in self._lines:
                before.setdefault(other, self._lines[other])
                self._lines[other] = close(self._lines[other], stroke.anchor)
