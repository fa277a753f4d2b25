"""The use cases that read: every answer as plain data, the same by command, HTTP and Python.

Numbers are int or Decimal, days and instants ISO text; whoever sends it turns it into JSON.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock
from typing import Any

from timeline.core.announcements import (
    FORCES,
    Announcement,
    Correction,
    Direction,
    Occurrence,
    Opening,
    Retraction,
    Source,
    act_from_stored,
    act_to_json,
)
from timeline.core.changes import changed, learned, lines_of
from timeline.core.dates import END_OF_TIME, START_OF_TIME, iso, said_through
from timeline.core.errors import TimelineError, did_you_mean
from timeline.core.feed import quote
from timeline.core.history import AGREED, Book, Recorded, Said
from timeline.core.line import Cell
from timeline.core.questions import ALL, Knowledge, Question
from timeline.core.state import Ahead, Holding, state, transition, upcoming
from timeline.core.terms import Kinds, Term, value_to_json
from timeline.core.wording import Words, ahead_words, since, until
from timeline.log import Event, Log, Reader, StoredText
from timeline.records import event_to_json, recorded

Json = dict[str, Any]
_BOOKS = 64
"""Books kept in memory; one of a hundred announcements takes about a megabyte."""


@dataclass(frozen=True, slots=True)
class Known:
    """A partnership's record as known at a moment, and the words for it."""

    book: Book
    words: Words
    slug: str
    seq: int
    """The log's position that the knowledge ends with."""
    moment: datetime | None
    """What to echo as known_at: as asked, else when the last act of that knowledge was recorded."""
    announced_by: datetime | None
    last: int
    """The last seq of its whole record, the opening included: what If-Match names."""
    is_all: bool
    """Whether that is everything on record today."""

    def direction(self, term: Term) -> Direction | None:
        return self.book.direction(term)

    def cite(self, said: Said) -> str:
        return f"{self.slug}/{said.ref}"


class Answers:
    """Questions to the record.

    Args:
        clock: Tells today and now, for defaults and for refusing the future; aware UTC.
    """

    def __init__(self, log: Log, kinds: Kinds, clock: Callable[[], datetime]) -> None:
        self.log = log
        self.kinds = kinds
        self.clock = clock
        self._books: OrderedDict[tuple[str, int, datetime | None], Book] = OrderedDict()
        self._lock = Lock()

    # -- the state ---------------------------------------------------------------------------------------------

    def state(self, partnership: str, question: Question) -> Json:
        """The state of a partnership on a day: terms in force, ended, upcoming, the lanes asked for, coverage."""
        with self._known(partnership, question.knowledge) as known:
            found = state(known.book, question.as_of, wanted=question.wants)
            today = self.clock().date()
            view = "scheduled" if question.as_of > today else "current"
            if question.as_of < today or not known.is_all:
                view = "historical"
            body: Json = {
                "partnership": partnership,
                "name": known.words.name,
                "resolved": {"as_of": question.as_of.isoformat(), **_clocks(known)},
                "view": view,
                "terms": [_term(known, held, question.as_of) for held in found.in_force],
                "ended": [_ended(known, held) for held in found.ended],
                "upcoming": [ahead_line(known, ahead) for ahead in found.upcoming],
            }
            for lane in ("proposed", "reported"):
                body[lane] = []
                if lane in question.include:
                    beside = state(known.book, question.as_of, force=lane, wanted=question.wants)
                    body[lane] = [_term(known, held, question.as_of) for held in beside.in_force]
            coverage = found.coverage
            body["coverage"] = {
                "first": _day(coverage.first),
                "last": _day(coverage.last),
                "later": coverage.later,
                "note": _coverage_note(known, question.as_of, coverage.first),
            }
            body["warnings"] = list(_state_warnings(known, (*found.in_force, *found.ended)))
            return body

    # -- the two differences -----------------------------------------------------------------------------------

    def changes(self, partnership: str, after: date, upto: date, knowledge: Knowledge = ALL) -> Json:
        """What changed in the world in `(after, upto]`: every step, and term by term the two days side by side."""
        if upto < after:
            raise TimelineError(
                "invalid_value",
                f"The second day, {upto}, lies before the first, {after}.",
                f"Ask from={upto}&to={after}.",
                field="to",
            )
        with self._known(partnership, knowledge) as known:
            steps = [
                {
                    "on": change.on.isoformat(),
                    "term": str(change.term),
                    "label": known.words.label(change.term),
                    "what": transition(known.book, change.before, change.after),
                    "before": _cell(known, change.term, change.before),
                    "after": _cell(known, change.term, change.after),
                    "text": known.words.change(change.term, known.direction(change.term), change.before, change.after),
                }
                for change in changed(known.book, after, upto)
            ]
            sides = [
                {held.term: held for held in (*found.in_force, *found.ended)}
                for found in (state(known.book, after), state(known.book, upto))
            ]
            differing, unchanged = [], []
            for term in sorted({*sides[0], *sides[1]}):
                before, now = (side[term].cell if term in side else None for side in sides)
                if (before and before.value) == (now and now.value) and (before is None) == (now is None):
                    unchanged.append(str(term))
                else:
                    differing.append(
                        {
                            "term": str(term),
                            "label": known.words.label(term),
                            "before": _cell(known, term, before),
                            "after": _cell(known, term, now),
                        }
                    )
            return {
                "partnership": partnership,
                "name": known.words.name,
                "from": after.isoformat(),
                "to": upto.isoformat(),
                "resolved": _clocks(known),
                "changes": steps,
                "terms": differing,
                "unchanged": unchanged,
            }

    def learned(self, partnership: str, earlier: Knowledge, later: Knowledge) -> Json:
        """What we learned between two moments of knowledge: the periods in which the two records differ."""
        with self.log.reading(reaching=max(earlier.known_seq or 0, later.known_seq or 0)) as reader:
            before = self._know(reader, partnership, earlier)
            after = self._know(reader, partnership, later)
        if after.seq < before.seq:
            raise TimelineError(
                "invalid_value",
                "The second moment of knowledge lies before the first.",
                "Put the earlier one first.",
                field="to",
            )
        today = self.clock().date()
        acts = [record for n, record in after.book.records.items() if n not in before.book.records]
        return {
            "partnership": partnership,
            "name": after.words.name,
            "from": _clocks(before),
            "to": _clocks(after),
            "learned": [
                {
                    "term": str(delta.term),
                    "label": after.words.label(delta.term),
                    "start": None if delta.start == START_OF_TIME else delta.start.isoformat(),
                    "through": None if delta.end == END_OF_TIME else said_through(delta.end).isoformat(),
                    "when": delta.when(today),
                    "before": _cell(before, delta.term, delta.before),
                    "after": _cell(after, delta.term, delta.after),
                }
                for delta in learned(lines_of(before.book), lines_of(after.book))
            ],
            "acts": [_act_line(after, record) for record in acts],
        }

    # -- one term, what lies ahead -----------------------------------------------------------------------------

    def history(self, partnership: str, term: Term, knowledge: Knowledge = ALL) -> Json:
        """One term's life: its line from the first day to the last, and every statement about it, as heard."""
        with self._known(partnership, knowledge) as known:
            about = known.book.about(term)
            if not about:
                terms = sorted({str(each) for lane in FORCES for each in known.book.terms(lane)})
                raise TimelineError(
                    "unknown_term",
                    f"Nothing is on record about {term} in {partnership}.",
                    did_you_mean(str(term), terms),
                    field="term",
                )
            cells = known.book.line(term).cells
            return {
                "partnership": partnership,
                "name": known.words.name,
                "term": str(term),
                "label": known.words.label(term),
                "kind": term.kind,
                "direction": _direction(known, term),
                "resolved": _clocks(known),
                "life": [_life(known, term, cell) for cell in cells],
                "statements": [_statement(known, said) for said in about],
            }

    def timeline(self, partnership: str, knowledge: Knowledge = ALL) -> Json:
        """Every agreed term's line from its first day to its last, and the days on which anything changed."""
        with self._known(partnership, knowledge) as known:
            terms = [
                {
                    "term": str(term),
                    "label": known.words.label(term),
                    "kind": term.kind,
                    "life": [_life(known, term, cell) for cell in known.book.line(term).cells],
                }
                for term in known.book.terms()
            ]
            days: dict[str, int] = {}
            for change in changed(known.book, START_OF_TIME, END_OF_TIME):
                days[change.on.isoformat()] = days.get(change.on.isoformat(), 0) + 1
            return {
                "partnership": partnership,
                "name": known.words.name,
                "resolved": _clocks(known),
                "terms": [term for term in terms if term["life"]],
                "days": [{"on": on, "changes": count} for on, count in days.items()],
            }

    def upcoming(self, partnership: str | None, until_day: date | None, knowledge: Knowledge = ALL) -> Json:
        """What ends or begins after today, by day; what waits for an event comes last."""
        today = self.clock().date()
        found: list[Json] = []
        with self.log.reading() as reader:
            for slug in [partnership] if partnership else reader.partnerships():
                known = self._know(reader, slug, knowledge)
                lines = {term: known.book.line(term).cells for term in known.book.terms()}
                ahead = upcoming(known.book, lines, today, until_day or END_OF_TIME)
                found += ({"partnership": slug, "name": known.words.name, **ahead_line(known, each)} for each in ahead)
        found.sort(key=lambda each: (each["on"] is None, each["on"] or "", each["partnership"], each["term"]))
        return {"after": today.isoformat(), "until": _day(until_day), "upcoming": found}

    # -- the record itself -------------------------------------------------------------------------------------

    def partnerships(self, party: str | None = None, kind: str | None = None) -> Json:
        """The partnerships on record, those with that party or with terms of that kind."""
        listed = []
        with self.log.reading() as reader:
            for slug in reader.partnerships():
                known = self._know(reader, slug, ALL)
                line = partnership_line(known)
                if (party is None or party in line["parties"]) and (kind is None or kind in line["kinds"]):
                    listed.append(line)
        return {"partnerships": listed}

    def partnership(self, slug: str) -> Json:
        """One partnership: its parties, its terms and the extent of its record."""
        with self._known(slug, ALL) as known:
            terms = known.book.terms()
            return partnership_line(known) | {
                "terms": [{"term": str(term), "label": known.words.label(term)} for term in terms],
                "events": known.book.events(),
            }

    def announcements(self, slug: str) -> Json:
        """The acts of a partnership in the order recorded, a line each."""
        with self._known(slug, ALL) as known:
            lines = [_act_line(known, record) for record in known.book.records.values()]
            return {"partnership": slug, "name": known.words.name, "announcements": lines}

    def announcement(self, slug: str, n: int) -> Json:
        """One act with its statements, the words behind them, and what was later done to it."""
        with self.log.reading() as reader:
            known = self._know(reader, slug, ALL)
            event = reader.event(slug, n)
        if event is None or n == 0:
            last = len(known.book.records)
            raise TimelineError(
                "unknown_announcement",
                f"There is no {slug}/{n}.",
                f"The record of {slug} goes from {slug}/1 to {slug}/{last}." if last else f"{slug} has none yet.",
            )
        return _announcement(known, event)

    def by_key(self, key: str) -> Json:
        """The act with that key of the author's own."""
        with self.log.reading() as reader:
            event = reader.by_key(key)
        if event is None or event.version == 0:
            raise TimelineError(
                "unknown_announcement",
                f"No announcement has the key “{key}”.",
                "Use the key in its file, or a citation such as openai-microsoft/3.",
            )
        return self.announcement(event.partnership, event.version)

    def source_text(self, sha256: str) -> StoredText:
        """A source's text as it was received.

        Raises:
            TimelineError: `unknown_text`.
        """
        with self.log.reading() as reader:
            stored = reader.text(sha256)
        if stored is None:
            raise TimelineError(
                "unknown_text",
                f"No text {sha256[:12]}… is kept here.",
                "Take text_sha256 from the sources of an announcement.",
            )
        return stored

    def events(self, after: int, limit: int, upto: int | None = None) -> Json:
        """The log from a position on: events after `after`, at most `limit`, gapless and in order.

        Args:
            upto: Where to stop, so that several pages show the log as it ended at one moment; default where it ends.
        """
        with self.log.reading() as reader:
            head = reader.head()[0] if upto is None else upto
            found = [event_to_json(event) for event in reader.events(after=after, upto=head, limit=limit)]
        last = found[-1]["seq"] if found else after
        return {"after": after, "head": head, "last": last, "more": last < head and bool(found), "events": found}

    # -- knowledge ---------------------------------------------------------------------------------------------

    @contextmanager
    def _known(self, slug: str, knowledge: Knowledge) -> Iterator[Known]:
        with self.log.reading(reaching=knowledge.known_seq or 0) as reader:
            known = self._know(reader, slug, knowledge)
        yield known

    def _know(self, reader: Reader, slug: str, knowledge: Knowledge) -> Known:
        """The record of a partnership as known then; `unknown_partnership` with the nearest names."""
        opening = reader.event(slug, 0)
        last = reader.partnership_head(slug)
        if opening is None or last is None:
            slugs = reader.partnerships()
            raise TimelineError(
                "unknown_partnership",
                f"There is no partnership “{slug}”.",
                did_you_mean(slug, slugs) + (" `timeline list` shows them all." if slugs else " Import one first."),
                field="partnership",
            )
        head, head_at, _ = reader.head()
        seq = head
        if knowledge.known_seq is not None:
            seq = knowledge.known_seq
            if seq > head:
                raise TimelineError(
                    "unknown_position",
                    f"The log ends at {head}; there is no {seq} yet.",
                    f"Ask with known_seq={head}, or without for all that is on record.",
                    field="known_seq",
                )
        elif knowledge.known_at is not None:
            seq = reader.seq_at(knowledge.known_at)
        book = self._book(reader, slug, min(seq, last[1]), knowledge.announced_by)
        act = act_from_stored(opening.body)
        assert isinstance(act, Opening)  # version 0 is the opening document
        moment = knowledge.known_at
        if moment is None:
            moment = (
                head_at if seq == head else next(reader.events(after=seq - 1, upto=seq)).recorded_at if seq else None
            )
        return Known(
            book=book,
            words=Words(self.kinds, act),
            slug=slug,
            seq=seq,
            moment=moment,
            announced_by=knowledge.announced_by,
            last=last[1],
            is_all=seq >= last[1] and knowledge.announced_by is None,
        )

    def _book(self, reader: Reader, slug: str, upto: int, announced_by: datetime | None) -> Book:
        """The book of a partnership's acts up to a position; the last few are kept, since they never change."""
        key = (slug, upto, announced_by)
        with self._lock:
            kept = self._books.get(key)
            if kept is not None:
                self._books.move_to_end(key)
                return kept
        book = Book(announced_by).hear_all(map(recorded, reader.events(partnership=slug, upto=upto)))
        with self._lock:
            self._books[key] = book
            while len(self._books) > _BOOKS:
                self._books.popitem(last=False)
        return book


def _clocks(known: Known) -> Json:
    return {
        "known_at": None if known.moment is None else iso(known.moment),
        "known_seq": known.seq,
        "announced_by": None if known.announced_by is None else iso(known.announced_by),
    }


def _coverage_note(known: Known, as_of: date, first: date | None) -> str | None:
    if known.book.opening is None:
        return "Nothing was on record about this partnership at that moment of knowledge."
    if first is None:
        return "No announcement counts under this question."
    if as_of < first:
        return (
            f"No announcement on record on or before {as_of}; the first day is {first}. "
            "This does not mean that there was no partnership."
        )
    return None


def _state_warnings(known: Known, holdings: tuple[Holding, ...]) -> Iterator[Json]:
    for held in holdings:
        if held.order_uncertain:
            others = ", ".join(f"{known.slug}/{ref}" for ref in held.order_uncertain)
            yield {
                "code": "order_uncertain",
                "term": str(held.term),
                "detail": f"The coarse dates of {known.cite(held.said)} and {others} overlap; which came last is open.",
            }


def _direction(known: Known, term: Term) -> str | None:
    direction = known.direction(term)
    return None if direction is None else str(direction)


def _term(known: Known, held: Holding, as_of: date) -> Json:
    value = held.cell.value
    assert value is not None  # in force
    direction = known.direction(held.term)
    return {
        "term": str(held.term),
        "label": known.words.label(held.term),
        "kind": held.term.kind,
        "direction": None if direction is None else str(direction),
        "status": held.cell.status,
        "value": value_to_json(value, stored=False),
        "text": known.words.sentence(held.term, direction, value),
        "since": since(known.book, held.said),
        "until": until(held.said.statement),
        "next_change": None if held.cell.end == END_OF_TIME else held.cell.end.isoformat(),
        "changed_on_this_day": held.cell.start == as_of,
        "certainty": "certain" if held.certain else "possible",
        "last_confirmed": _day(held.last_confirmed),
        "governed_by": known.cite(held.said),
        "evidence": [_evidence(said) for said in (held.said, *held.confirmed_by)],
        "conflicts": [_conflict(known, said) for said in held.conflicts],
    }


def _ended(known: Known, held: Holding) -> Json:
    return {
        "term": str(held.term),
        "label": known.words.label(held.term),
        "kind": held.term.kind,
        "direction": _direction(known, held.term),
        "status": held.cell.status,
        "on": held.cell.start.isoformat(),
        "text": known.words.holding(held, known.direction(held.term)),
        "certainty": "certain" if held.certain else "possible",
        "next_change": None if held.cell.end == END_OF_TIME else held.cell.end.isoformat(),
        "governed_by": known.cite(held.said),
        "evidence": [_evidence(held.said)],
        "conflicts": [_conflict(known, said) for said in held.conflicts],
    }


def _conflict(known: Known, said: Said) -> Json:
    statement = said.statement
    text = "ended"
    if statement.value is not None:
        text = known.words.sentence(statement.term, known.direction(statement.term), statement.value)
    return {
        "governed_by": known.cite(said),
        "value": None if statement.value is None else value_to_json(statement.value, stored=False),
        "text": text,
        **_evidence(said),
    }


def _evidence(said: Said) -> Json:
    found = quote(said.statement, said.source)
    body: Json = {"quote": found.text, "status": found.status, "url": found.source.url, "tier": found.source.tier}
    if found.source.publisher is not None:
        body["publisher"] = found.source.publisher
    if said.statement.unsupported is not None:
        body["unsupported"] = said.statement.unsupported
    return body


def _cell(known: Known, term: Term, cell: Cell | None) -> Json:
    """A cell in a comparison; silence is a word of its own."""
    text = known.words.cell(term, known.direction(term), cell)
    if cell is None:
        return {"status": "not_recorded", "value": None, "text": text, "governed_by": None}
    return {
        "status": cell.status,
        "value": None if cell.value is None else value_to_json(cell.value, stored=False),
        "text": text,
        "governed_by": known.cite(known.book.said(cell.ref)),
    }


def ahead_line(known: Known, ahead: Ahead) -> Json:
    """What lies ahead, in a list; `on` is None for what waits for an event."""
    body: Json = {
        "on": _day(ahead.on),
        "term": str(ahead.term),
        "what": ahead.what,
        "text": ahead_words(known.words, ahead, known.direction(ahead.term)),
        "governed_by": known.cite(ahead.said),
    }
    if ahead.event is not None:
        body["event"] = ahead.event
        body["no_later_than"] = None if ahead.no_later_than is None else ahead.no_later_than.last.isoformat()
    return body


def _life(known: Known, term: Term, cell: Cell) -> Json:
    said = known.book.said(cell.ref)
    record = known.book.records[cell.ref.n]
    return {
        "from": None if cell.start == START_OF_TIME else cell.start.isoformat(),
        "through": None if cell.end == END_OF_TIME else said_through(cell.end).isoformat(),
        **_cell(known, term, cell),
        "since": since(known.book, said),
        "until": until(said.statement),
        "certain_from": _day(known.book.certain_from(said)),
        "announced": said.announced.text,
        "recorded_at": iso(record.recorded_at),
        "evidence": [_evidence(said)],
    }


def _statement(known: Known, said: Said) -> Json:
    statement = said.statement
    return {
        "governed_by": known.cite(said),
        "act": statement.act,
        "force": said.force,
        "value": None if statement.value is None else value_to_json(statement.value, stored=False),
        "text": known.words.sentence(statement.term, known.direction(statement.term), statement.value)
        if statement.value is not None
        else {"end": "ended", "reaffirm": "remains in force"}.get(statement.act, ""),
        "since": None if statement.act == "reaffirm" else since(known.book, said),
        "until": until(statement),
        "temporary": statement.temporary,
        "announced": said.announced.text,
        "recorded_at": iso(known.book.records[said.ref.n].recorded_at),
        "evidence": [_evidence(said)],
    }


def partnership_line(known: Known) -> Json:
    """A partnership in a list: its parties, the extent of its record, the kinds of its terms."""
    book = known.book
    coverage = book.coverage()
    acts = [record for record in book.records.values() if isinstance(record.act, Announcement)]
    last = max((record.recorded_at for record in book.records.values()), default=None)
    return {
        "partnership": known.slug,
        "name": known.words.name,
        "parties": dict(known.words.opening.parties),
        "announcements": len(acts),
        "acts": len(book.records),
        "first": None if coverage is None else coverage[0].isoformat(),
        "last": None if coverage is None else coverage[1].isoformat(),
        "last_recorded_at": None if last is None else iso(last),
        "kinds": sorted({term.kind for term in book.terms(AGREED)}),
        "head": f"{known.slug}@{known.last}",
    }


def _act_line(known: Known, record: Recorded) -> Json:
    act, book = record.act, known.book
    body: Json = {
        "id": f"{known.slug}/{record.n}",
        "seq": record.seq,
        "recorded_at": iso(record.recorded_at),
        "live": book.is_live(record.n),
    }
    match act:
        case Announcement():
            said = book.content(record.n) or act
            body |= {"kind": "announcement", "title": said.title, "announced": said.announced.text, "force": said.force}
            body["terms"] = sorted({str(statement.term) for statement in said.statements})
        case Correction():
            body |= {"kind": "correction", "title": f"Correction of {known.slug}/{act.n}", "reason": act.reason}
        case Retraction():
            body |= {"kind": "retraction", "title": f"Retraction of {known.slug}/{act.n}", "reason": act.reason}
        case Occurrence():
            title = f"{act.event}: happened on {act.on}"
            body |= {"kind": "occurrence", "title": title, "announced": act.announced.text}
    return body


def _announcement(known: Known, event: Event) -> Json:
    n = event.version
    record = known.book.records[n]
    act = record.act
    body = _act_line(known, record) | {
        "partnership": known.slug,
        "name": known.words.name,
        "n": n,
        "key": event.key,
        "hash": event.hash,
        "later": [_act_line(known, later) for later in known.book.later_acts(n)],
        "document": act_to_json(act),
    }
    content = act.content if isinstance(act, Correction) else act
    if isinstance(content, Announcement):
        body["summary"] = content.summary
        body["note"] = content.note
        body["sources"] = [_source(source) for source in content.sources]
        body["statements"] = [
            {
                "governed_by": f"{known.slug}/{n}#{number}",
                "term": str(each.term),
                "label": known.words.label(each.term),
                "act": each.act,
                "force": content.force_of(each),
                "text": known.words.sentence(each.term, each.direction or known.direction(each.term), each.value)
                if each.value is not None
                else {"end": "ended", "reaffirm": "remains in force"}.get(each.act, ""),
                "until": until(each),
                "quote": each.quote,
                "status": quote(each, content.source_of(each)).status,
                "source": each.source,
                "unsupported": each.unsupported,
                "note": each.note,
            }
            for number, each in enumerate(content.statements, start=1)
        ]
    elif isinstance(content, Occurrence):
        body["sources"] = [_source(source) for source in content.sources]
    return body


def _source(source: Source) -> Json:
    return {"url": source.url, "publisher": source.publisher, "tier": source.tier, "text_sha256": source.text_sha256}


def _day(on: date | None) -> str | None:
    return None if on is None or on == END_OF_TIME else on.isoformat()
