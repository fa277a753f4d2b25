"""What a subscriber reads: every transition as one entry, with an id for life.

The entries are a function of (record, today): a day's boundaries are judged by what was on record when the day began,
so the list never changes for past days, a scheduler that slept catches up by itself, and a rebuild renumbers nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from timeline.core.announcements import (
    Announcement,
    Attachment,
    Correction,
    Direction,
    Occurrence,
    Opening,
    Retraction,
    Source,
    Statement,
)
from timeline.core.changes import Change, Delta, changed, learned
from timeline.core.dates import END_OF_TIME, ONE_DAY, START_OF_TIME, CoarseDate, start_of_day
from timeline.core.history import AGREED, PROPOSED, REPORTED, Book, Recorded, Slot
from timeline.core.line import SILENT, Cell, Line, Ref, at, same
from timeline.core.said import Said
from timeline.core.state import Boundary, edge, transition
from timeline.core.terms import Kinds, Term
from timeline.core.wording import Words, first_words, period

TITLE_LENGTH = 140
QUIET = ("reaffirmed", "proposed", "reported")
REWRITES = ("corrected", "retracted")


@dataclass(frozen=True, slots=True)
class Row:
    """Before → after of one term over one period, in words and as facts."""

    term: Term
    label: str
    direction: Direction | None
    force: str
    before: Cell | None
    after: Cell | None
    before_text: str
    after_text: str
    piece: str
    """The change as a piece of a title."""
    start: date
    end: date
    begins: str
    """The start as it was said: “2027-03-15”, “2027”, “the end of 2032”."""
    period: str
    """Both ends, as they were said: “from 2027”, “2027-03-15 through 2032”."""
    when: str
    """past, present or future, seen from the day of the entry."""


@dataclass(frozen=True, slots=True)
class Quote:
    text: str
    source: Source
    status: str
    """verified, quoted, or unsupported."""


@dataclass(frozen=True, slots=True)
class Note:
    """A line that a later act put on an entry: corrected or retracted, when, by which act."""

    what: str
    at: datetime
    n: int


@dataclass(frozen=True, slots=True)
class Entry:
    partnership: str
    name: str
    parties: tuple[str, ...]
    kind: str
    """announced, reaffirmed, proposed, reported, corrected, retracted, occurred, took_effect, expired."""
    id: str
    """What it is about: `openai-microsoft/17`, or `openai-microsoft/license/models@2033-01-01`; unique for ever."""
    title: str
    published: datetime
    rows: tuple[Row, ...]
    n: int
    """The act that it is about, or whose words the clock brought into effect."""
    on: date | None = None
    """The day of a clock entry."""
    reason: str | None = None
    """Of a clock entry, the transition; of a correction or a retraction, the reason given."""
    headline: str = ""
    """The title of the act that it rests on."""
    summary: str | None = None
    announced: str | None = None
    quotes: tuple[Quote, ...] = ()
    sources: tuple[Source, ...] = ()
    back_dated: bool = False
    rewrites_past: bool = False
    invalidates: tuple[str, ...] = ()
    """Ids of earlier entries that this one takes back or changes."""
    notes: tuple[Note, ...] = ()

    @property
    def updated(self) -> datetime:
        return max((note.at for note in self.notes), default=self.published)

    @property
    def quiet(self) -> bool:
        """Whether only the `everything` feed carries it: it changes nothing that is agreed."""
        return self.kind in QUIET or (self.kind in REWRITES and not any(row.force == AGREED for row in self.rows))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of term that it changes, or at least speaks about."""
        return tuple(sorted({row.term.kind for row in self.rows}))


@dataclass(slots=True)
class Feed:
    """The entries of one partnership, kept as its record is read. `Feed(kinds).hear_all(records).until(today)`."""

    kinds: Kinds
    book: Book = field(default_factory=Book)
    entries: list[Entry] = field(default_factory=list)
    _day: date | None = None
    _places: dict[str, int] = field(default_factory=dict)
    _latest: date | None = None
    _spoken: Words | None = None

    def hear_all(self, records: Iterable[Recorded]) -> Feed:
        for recorded in records:
            self.hear(recorded)
        return self

    def hear(self, recorded: Recorded) -> dict[Slot, Line]:
        """Take in the next act: first what the clock brought before it was recorded, then what it says.

        Returns:
            The lines that it may have changed, as they were before.
        """
        self.until(recorded.recorded_at.date())
        former = self._former(recorded)
        before = self.book.hear(recorded)
        self._day = recorded.recorded_at.date()
        if isinstance(recorded.act, Opening):
            self._spoken = Words(self.kinds, recorded.act)
            return before
        if isinstance(self.book.records[self.book.root(recorded.n)].act, Attachment):
            return before  # who else reported it is no news of the partnership
        after = {slot: self.book.line(slot.term, slot.force) for slot in before}
        self._add(self._knowledge(recorded, _Sides(before, former), _Sides(after, self.book.said)))
        return before

    def _former(self, recorded: Recorded) -> Callable[[Ref], Said]:
        """What was said under a reference before the act: what it takes back or replaces is gone after it."""
        act, book = recorded.act, self.book
        root = book.root(act.n) if isinstance(act, Correction | Retraction) else recorded.n
        gone = {said.ref: said for said in book.sayings.of(root)}
        return lambda ref: gone[ref] if ref.n == root else book.said(ref)

    def named(self, ids: Iterable[str]) -> list[Entry]:
        """The entries with those ids, in their order in the feed."""
        return [self.entries[place] for place in sorted({self._places[each] for each in ids})]

    def until(self, today: date) -> Feed:
        """Add the clock's entries of every day up to and including `today`."""
        if self._day is not None and today > self._day:
            for change in changed(self.book, self._day, today):
                self._add(self._clock(change))
            self._day = today
        return self

    def _add(self, entry: Entry) -> None:
        self._places[entry.id] = len(self.entries)
        self.entries.append(entry)
        what = {"corrected": "Corrected", "retracted": "Retracted"}.get(entry.kind)
        for invalid in entry.invalidates if what else ():
            place = self._places[invalid]
            old = self.entries[place]
            assert what is not None  # the loop runs only then
            self.entries[place] = replace(old, notes=(*old.notes, Note(what, entry.published, entry.n)))

    @property
    def _words(self) -> Words:
        assert self._spoken is not None  # nothing is said before the opening
        return self._spoken

    def _clock(self, change: Change) -> Entry:
        opening = self._words.opening
        what = transition(self.book, change.before, change.after)
        cell = change.after or change.before
        assert cell is not None  # a boundary has a cell on at least one side
        said = self.book.said(cell.ref)
        end = change.after.end if change.after else change.on + ONE_DAY
        here = _Sides({Slot(AGREED, change.term): self.book.line(change.term)}, self.book.said)
        delta = Delta(change.term, change.on, end, change.before, change.after)
        row = self._row(delta, AGREED, change.on, (here,))
        piece = {
            "reverts": f"{row.label} reverts to {row.after_text}",
            "resumes": f"{row.label} resumes: {row.after_text}",
        }
        return Entry(
            partnership=opening.partnership,
            name=opening.name,
            parties=tuple(slug for slug, _ in opening.parties),
            kind="expired" if what == "expires" else "took_effect",
            id=f"{opening.partnership}/{change.term}@{change.on.isoformat()}",
            title=title(opening.name, [piece.get(what, row.piece)], "", self._since_words(change)),
            published=start_of_day(change.on),
            rows=(row,),
            n=said.ref.n,
            on=change.on,
            reason=what,
            headline=self._headline(said.ref.n),
            announced=said.announced.text,
            quotes=(quote(said.statement, said.source),),
            sources=(said.source,),
        )

    def _since_words(self, change: Change) -> str:
        """The day of a boundary; a coarse start as it was said, never as its first day."""
        if change.after is not None and change.after.value is not None:
            stated = self.book.said(change.after.ref).statement.effective
            if isinstance(stated, CoarseDate) and stated.lo == change.on and not stated.is_day:
                return f"some time in {stated.text}"
        return change.on.isoformat()

    def _knowledge(self, recorded: Recorded, before: _Sides, after: _Sides) -> Entry:
        words, act, today = self._words, recorded.act, recorded.recorded_at.date()
        sides = (after, before)
        deltas = learned(before.lines, after.lines)
        rows = self._rows(deltas, AGREED, today, sides)
        lanes = [
            row
            for force in (PROPOSED, REPORTED)
            if not rows
            for row in self._rows(learned(before.lines, after.lines, force=force), force, today, sides)
        ]
        assert not isinstance(act, Opening | Attachment)  # hear() has seen it
        entry = Entry(
            partnership=act.partnership,
            name=words.name,
            parties=tuple(slug for slug, _ in words.opening.parties),
            kind="announced",
            id=f"{act.partnership}/{recorded.n}",
            title="",
            published=recorded.recorded_at,
            rows=tuple(rows or lanes),
            n=recorded.n,
        )
        match act:
            case Announcement():
                return self._announced(entry, act, bool(rows))
            case Correction():
                made = self._about(entry, act.content, act.content.statements)
                return self._rewritten(made, act, "corrected", "Correction: ", deltas)
            case Retraction():
                root = self.book.records[self.book.root(act.n)].act
                made = self._about(entry, root, ()) if isinstance(root, Announcement) else entry
                return self._rewritten(made, act, "retracted", "Retracted: ", deltas)
            case Occurrence():
                made = replace(
                    entry,
                    kind="occurred",
                    headline=act.title or act.event,
                    announced=act.announced.text,
                    sources=act.sources,
                )
                pieces = [f"{act.event} on {act.on.isoformat()}", *(row.piece for row in rows)]
                return replace(made, title=title(words.name, pieces, "", ""))

    def _announced(self, entry: Entry, act: Announcement, changes: bool) -> Entry:
        back_dated = self._latest is not None and act.announced.on < self._latest
        if act.force == AGREED:
            self._latest = max(act.announced.on, self._latest or act.announced.on)
        if changes:
            prefix = "Back-dated: " if back_dated else ""
            return self._about(
                entry,
                act,
                act.statements,
                title=title(entry.name, _pieces(entry.rows), prefix, _effective(entry.rows, self.book)),
                back_dated=back_dated,
                rewrites_past=any(row.start <= entry.published.date() for row in entry.rows) and back_dated,
            )
        force = _lane(act)
        if force == AGREED:
            again = [each for each in act.statements if each.act == "reaffirm" and act.force_of(each) == AGREED]
            labels = dict.fromkeys(self._words.label(each.term) for each in again)
            pieces = [f"{label} reaffirmed" for label in labels] or [act.title]
            said = title(entry.name, pieces, "", "")
            return self._about(entry, act, act.statements, kind="reaffirmed", title=said)
        pieces = _pieces(entry.rows) or [act.title]
        said = title(entry.name, pieces, f"{force.capitalize()}: ", "")
        return self._about(entry, act, act.statements, kind=force, title=said)

    def _rewritten(
        self, entry: Entry, act: Correction | Retraction, kind: str, prefix: str, deltas: Sequence[Delta]
    ) -> Entry:
        pieces = _pieces(entry.rows) or [f"{entry.headline}: {act.reason}"]
        return replace(
            entry,
            kind=kind,
            title=title(entry.name, pieces, prefix, _effective(entry.rows, self.book)),
            reason=act.reason,
            rewrites_past=any(delta.start <= entry.published.date() for delta in deltas),
            invalidates=tuple(self._invalidated(act, deltas)),
        )

    def _invalidated(self, act: Correction | Retraction, deltas: Sequence[Delta]) -> Iterator[str]:
        """Ids of the act that is named, of the announcement behind it, and of clock entries that no longer hold."""
        yield from dict.fromkeys(f"{act.partnership}/{n}" for n in (act.n, self.book.root(act.n)))
        terms = {delta.term for delta in deltas}
        for entry in self.entries:
            if entry.on is None or entry.rows[0].term not in terms:
                continue
            row, cells = entry.rows[0], self.book.line(entry.rows[0].term).cells
            still = same(at(cells, entry.on), row.after) and same(at(cells, entry.on - ONE_DAY), row.before)
            if not still:
                yield entry.id

    def _headline(self, n: int) -> str:
        content = self.book.content(n)
        return "" if content is None else content.title

    @staticmethod
    def _about(entry: Entry, content: Announcement, statements: Sequence[Statement], **more: Any) -> Entry:
        return replace(
            entry,
            headline=content.title,
            summary=content.summary,
            announced=content.announced.text,
            quotes=tuple(quote(statement, content.source_of(statement)) for statement in statements),
            sources=content.sources,
            **more,
        )

    def _rows(self, deltas: Sequence[Delta], force: str, today: date, sides: tuple[_Sides, ...]) -> list[Row]:
        """The deltas in words: what changes before what is new, then in the order of the kinds.

        That a new value lapses at its own end is said by its period and needs no row of its own.
        """
        order = list(self.kinds.by_name)

        def rank(row: Row) -> tuple[int, bool, int, Term, date]:
            kind = order.index(row.term.kind) if row.term.kind in order else len(order)
            return ("present", "future", "past").index(row.when), row.before is None, kind, row.term, row.start

        values = {delta.after.ref for delta in deltas if delta.after is not None and delta.after.value is not None}
        kept = [
            delta
            for delta in deltas
            if not (
                delta.before is None
                and delta.after is not None
                and delta.after.value is None
                and delta.after.ref in values
            )
        ]
        return sorted((self._row(delta, force, today, sides) for delta in kept), key=rank)

    def _row(self, delta: Delta, force: str, today: date, sides: tuple[_Sides, ...]) -> Row:
        words, term = self._words, delta.term
        begins = _boundary(sides, Slot(force, term), "start", delta.start)
        ends = _boundary(sides, Slot(force, term), "end", delta.end)
        direction = self.book.direction(term)
        before_text, after_text = words.sides(term, direction, delta.before, delta.after)
        return Row(
            term=term,
            label=words.label(term),
            direction=direction,
            force=force,
            before=delta.before,
            after=delta.after,
            before_text=before_text,
            after_text=after_text,
            piece=words.change(term, delta.before, delta.after, after_text),
            start=delta.start,
            end=delta.end,
            begins=first_words(begins),
            period=period(begins, ends),
            when=delta.when(today),
        )


@dataclass(frozen=True, slots=True)
class _Sides:
    """Lines as known at a moment, and what was said of them."""

    lines: dict[Slot, Line]
    said: Callable[[Ref], Said]


def _boundary(sides: tuple[_Sides, ...], slot: Slot, side: Literal["start", "end"], on: date) -> Boundary:
    """A day on which a row begins or ends, as the first says it of the sides that have a boundary there."""
    exact = Boundary(on, side, None)
    if on in (START_OF_TIME, END_OF_TIME):
        return exact
    found = (edge(each.lines.get(slot, SILENT).cells, each.said, side, on) for each in sides)
    return next(filter(None, found), exact)


def entries(records: Iterable[Recorded], kinds: Kinds, today: date) -> list[Entry]:
    """Every entry of one partnership up to and including that day, oldest first."""
    return Feed(kinds).hear_all(records).until(today).entries


def quote(statement: Statement, source: Source) -> Quote:
    """The words behind a statement, and whether they were found in a stored text of the source."""
    status = "unsupported" if statement.unsupported else "quoted" if source.text_sha256 is None else "verified"
    return Quote(statement.quote, source, status)


def title(name: str, pieces: Sequence[str], prefix: str, effective: str) -> str:
    """The parties, then what changed, in at most 140 characters; what does not fit is counted."""
    head = f"{prefix}{name}: "
    tail = f" (effective {effective})" if effective and prefix != "Retracted: " else ""
    for shown in range(len(pieces), 0, -1):
        more = f"; {len(pieces) - shown} more" if shown < len(pieces) else ""
        text = head + "; ".join(pieces[:shown]) + more + tail
        if len(text) <= TITLE_LENGTH:
            return text
    more = f"; {len(pieces) - 1} more" if len(pieces) > 1 else ""
    room = max(TITLE_LENGTH - len(head) - len(more) - len(tail) - 1, 20)
    return f"{head}{pieces[0][:room].rstrip()}…{more}{tail}"


def _lane(act: Announcement) -> str:
    """The lane that an announcement speaks in: an agreed one may only report what others say."""
    spoken = {act.force_of(each) for each in act.statements}
    if act.force != AGREED or not spoken or AGREED in spoken:
        return act.force
    return PROPOSED if PROPOSED in spoken else REPORTED


def _pieces(rows: Sequence[Row]) -> list[str]:
    """One piece for each term, of its first row."""
    return list({row.term: row.piece for row in reversed(rows)}.values())[::-1]


def _effective(rows: Sequence[Row], book: Book) -> str:
    """The day from which all of it holds, as it was said; empty when there is more than one, or none."""
    starts = {row.start for row in rows if row.when != "past"} or {row.start for row in rows}
    if len(starts) != 1 or START_OF_TIME in starts:
        return ""
    (start,) = starts
    for row in rows:
        if row.after is not None and row.start == start:
            said = book.said(row.after.ref)
            window = said.statement.effective or said.announced.window
            if isinstance(window, CoarseDate) and window.lo == start:
                return window.text
    return start.isoformat()
