"""The parts of an answer as plain data: terms, cells, statements, acts, each with who said it and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from timeline.core.announcements import (
    Announcement,
    Attachment,
    Correction,
    Direction,
    Occurrence,
    Retraction,
    Source,
    Statement,
    act_to_json,
)
from timeline.core.dates import END_OF_TIME, START_OF_TIME, CoarseDate, iso, said_through
from timeline.core.errors import did_you_mean, nearest
from timeline.core.feed import quote
from timeline.core.history import AGREED, PROPOSED, REPORTED, Book, Recorded
from timeline.core.line import Cell
from timeline.core.questions import Question
from timeline.core.said import Said
from timeline.core.state import Ahead, Boundary, Holding, beginning, boundary
from timeline.core.terms import Term, value_to_json
from timeline.core.wording import (
    NOT_RECORDED,
    Words,
    ahead_words,
    boundary_words,
    first_words,
    last_words,
    since,
    until,
)
from timeline.log import Event

Json = dict[str, Any]
_NO_DAY = {"on": None, "precision": None, "on_text": None}


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


def clocks(known: Known) -> Json:
    """The clocks that an answer echoes."""
    return {
        "known_at": None if known.moment is None else iso(known.moment),
        "known_seq": known.seq,
        "announced_by": None if known.announced_by is None else iso(known.announced_by),
    }


def coverage_note(known: Known, as_of: date, begins: CoarseDate | None) -> str | None:
    """What is to be said where there is nothing to show; None where there is."""
    if known.book.opening is None:
        return "Nothing was on record about this partnership at that moment of knowledge."
    if begins is None:
        return "No announcement counts under this question."
    if as_of < begins.lo:
        first = f"the first day is {begins.text}" if begins.is_day else f"the first is of {begins.text}"
        return (
            f"No announcement on record on or before {as_of}; {first}. "
            "This does not mean that there was no partnership."
        )
    return None


def state_warnings(known: Known, holdings: tuple[Holding, ...]) -> Iterator[Json]:
    """What a reader of the state should know."""
    for held in holdings:
        if held.order_uncertain:
            others = ", ".join(f"{known.slug}/{ref}" for ref in held.order_uncertain)
            yield {
                "code": "order_uncertain",
                "term": str(held.term),
                "detail": f"The coarse dates of {known.cite(held.said)} and {others} overlap; which came last is open.",
            }


def nothing_matches(known: Known, question: Question, body: Json) -> Iterator[Json]:
    """What to say where a pattern of terms was asked about and nothing that it matches is in the answer."""
    if question.term is None or any(body[name] for name in ("terms", "ended", "upcoming", PROPOSED, REPORTED)):
        return
    lanes = {lane: known.book.terms(lane) for lane in (AGREED, PROPOSED, REPORTED)}
    matching = [lane for lane, terms in lanes.items() if any(map(question.wants, terms))]
    told = {"code": "nothing_matches", "term": question.term}
    if not matching:
        near, names = _meant(question.term, {term for terms in lanes.values() for term in terms})
        lead = f"No term that matches {question.term} by then: {NOT_RECORDED}."
        yield told | {"detail": f"{lead} {did_you_mean(near[0] if near else '', names)}", "did_you_mean": near}
    elif body["coverage"]["note"] is None and not {AGREED, *question.include} & {*matching}:
        only = " and ".join(matching)
        yield told | {
            "detail": f"What matches {question.term} is only {only} by then: add include={','.join(matching)}.",
            "did_you_mean": [],
        }


def _meant(pattern: str, terms: set[Term]) -> tuple[list[str], list[str]]:
    """What a term or a pattern of them may have meant, best first, and all that it could."""
    if "*" in pattern:
        kinds = sorted({term.kind for term in terms})
        return [f"{kind}/*" for kind in nearest(pattern.partition("/")[0], kinds)], [f"{kind}/*" for kind in kinds]
    names = sorted(map(str, terms))
    return nearest(pattern, names), names


def direction_text(known: Known, term: Term) -> str | None:
    """Who grants and who receives, as text."""
    direction = known.direction(term)
    return None if direction is None else str(direction)


def term_body(known: Known, held: Holding) -> Json:
    """A term in force."""
    return {
        **holds(known, held.term, held.cell, held.said),
        "next_change": day_text(held.next_change),
        "changed_on_this_day": held.changed_on_this_day,
        "certainty": "certain" if held.certain else "possible",
        "last_confirmed": day_text(held.last_confirmed),
        "last_confirmed_text": None if held.confirmed is None else held.confirmed.window.text,
        "governed_by": known.cite(held.said),
        "evidence": [_evidence(known, said) for said in (held.said, *held.confirmed_by)],
        "conflicts": [_conflict(known, said) for said in held.conflicts],
    }


def holds(known: Known, term: Term, cell: Cell, said: Said) -> Json:
    """What holds by a cell in force, and since and until when: the beginning of a term in force."""
    assert cell.value is not None  # in force
    direction = known.direction(term)
    return {
        "term": str(term),
        "label": known.words.label(term),
        "kind": term.kind,
        "direction": None if direction is None else str(direction),
        "status": cell.status,
        "value": value_to_json(cell.value, stored=False),
        "text": known.words.sentence(term, direction, cell.value),
        "since": since(known.book, said),
        "until": until(said.statement),
    }


def ended_body(known: Known, held: Holding) -> Json:
    """A term that is over."""
    return {
        "term": str(held.term),
        "label": known.words.label(held.term),
        "kind": held.term.kind,
        "direction": direction_text(known, held.term),
        "status": held.cell.status,
        **boundary_body(held.over_on),
        "text": known.words.holding(held, known.direction(held.term)),
        "certainty": "certain" if held.certain else "possible",
        "next_change": day_text(held.next_change),
        "governed_by": known.cite(held.said),
        "evidence": [_evidence(known, held.said)],
        "conflicts": [_conflict(known, said) for said in held.conflicts],
    }


def boundary_body(found: Boundary) -> Json:
    """The day of a boundary, and how closely it was said."""
    return {"on": found.on.isoformat(), "precision": found.precision, "on_text": boundary_words(found)}


def _conflict(known: Known, said: Said) -> Json:
    statement = said.statement
    text = "ended"
    if statement.value is not None:
        text = known.words.sentence(statement.term, known.direction(statement.term), statement.value)
    return {
        "governed_by": known.cite(said),
        "value": None if statement.value is None else value_to_json(statement.value, stored=False),
        "text": text,
        **_evidence(known, said),
    }


def _evidence(known: Known, said: Said) -> Json:
    """The words behind a statement, where they stand, and when they were said and recorded."""
    found = quote(said.statement, said.source)
    body: Json = {
        "statement": known.cite(said),
        "quote": found.text,
        "status": found.status,
        "url": found.source.url,
        "tier": found.source.tier,
        "announced": said.announced.text,
        "recorded_at": iso(known.book.records[said.ref.n].recorded_at),
    }
    if found.source.publisher is not None:
        body["publisher"] = found.source.publisher
    if said.statement.unsupported is not None:
        body["unsupported"] = said.statement.unsupported
    return body


def sides(known: Known, term: Term, before: Cell | None, after: Cell | None, earlier: Known | None = None) -> Json:
    """What a term was and is, where the two differ: the fields `before` and `after`.

    Args:
        earlier: The knowledge that the cell before is of, where it is another.
    """
    was, now = known.words.sides(term, known.direction(term), before, after)
    return {"before": _cell(earlier or known, before, was), "after": _cell(known, after, now)}


def _cell(known: Known, cell: Cell | None, text: str) -> Json:
    """A cell in a comparison; silence is a word of its own."""
    if cell is None:
        return {"status": "not_recorded", "value": None, "text": text, "governed_by": None, "evidence": []}
    said = known.book.said(cell.ref)
    return {
        "status": cell.status,
        "value": None if cell.value is None else value_to_json(cell.value, stored=False),
        "text": text,
        "governed_by": known.cite(said),
        "evidence": [_evidence(known, said)],
    }


def doubted(body: Json, held: Holding | None) -> Json:
    """A side of two days compared, with how sure it is: within the window of a coarse date it is only possible."""
    if held is None:
        return body | {"certainty": None}
    doubt = "" if held.certain else " (possible)"
    return body | {"text": body["text"] + doubt, "certainty": "certain" if held.certain else "possible"}


def ahead_line(known: Known, ahead: Ahead) -> Json:
    """What lies ahead, in a list; `on` is None for what waits for an event."""
    body: Json = {
        **(_NO_DAY if ahead.boundary is None else boundary_body(ahead.boundary)),
        "term": str(ahead.term),
        "what": ahead.what,
        "text": ahead_words(known.words, ahead, known.direction(ahead.term)),
        "governed_by": known.cite(ahead.said),
        "evidence": [_evidence(known, ahead.said)],
    }
    if ahead.event is not None:
        body["event"] = ahead.event
        body["no_later_than"] = None if ahead.no_later_than is None else ahead.no_later_than.last.isoformat()
    return body


def life(known: Known, term: Term) -> list[Json]:
    """An agreed term's life, stretch by stretch."""
    cells = tuple(known.book.line(term).cells)
    around = zip((None, *cells), cells, (*cells[1:], None), strict=False)
    return [_life(known, term, *each) for each in around]


def _life(known: Known, term: Term, before: Cell | None, cell: Cell, after: Cell | None) -> Json:
    said = known.book.said(cell.ref)
    record = known.book.records[cell.ref.n]
    begins = beginning(said, cell)
    ends = boundary(said, "end", cell.end)
    if ends.window is None and after is not None and after.start == cell.end:
        ends = beginning(known.book.said(after.ref), after)
    return {
        "from": None if cell.start == START_OF_TIME else cell.start.isoformat(),
        "from_text": first_words(begins),
        "through": None if cell.end == END_OF_TIME else said_through(cell.end).isoformat(),
        "through_text": None if cell.end == END_OF_TIME else last_words(ends),
        **_cell(known, cell, known.words.sides(term, known.direction(term), before, cell)[1]),
        "since": since(known.book, said),
        "until": until(said.statement),
        "certain_from": day_text(known.book.certain_from(said)),
        "announced": said.announced.text,
        "recorded_at": iso(record.recorded_at),
    }


def statement_body(known: Known, said: Said) -> Json:
    """A statement as it was heard."""
    statement = said.statement
    return {
        "governed_by": known.cite(said),
        "act": statement.act,
        "force": said.force,
        "value": None if statement.value is None else value_to_json(statement.value, stored=False),
        "text": _says(known, statement, known.direction(statement.term)),
        "since": None if statement.act == "reaffirm" else since(known.book, said),
        "until": until(statement),
        "temporary": statement.temporary,
        "announced": said.announced.text,
        "recorded_at": iso(known.book.records[said.ref.n].recorded_at),
        "evidence": [_evidence(known, said)],
    }


def partnership_line(known: Known) -> Json:
    """A partnership in a list: its parties, the extent of its record, the kinds of its terms."""
    book = known.book
    extent = book.extent()
    acts = [record for record in book.records.values() if isinstance(record.act, Announcement)]
    last = max((record.recorded_at for record in book.records.values()), default=None)
    return {
        "partnership": known.slug,
        "name": known.words.name,
        "parties": dict(known.words.opening.parties),
        "announcements": len(acts),
        "acts": len(book.records),
        "first": None if extent.first is None else extent.first.lo.isoformat(),
        "first_text": None if extent.first is None else extent.first.text,
        "last": None if extent.last is None else extent.last.last.isoformat(),
        "last_text": None if extent.last is None else extent.last.text,
        "last_recorded_at": None if last is None else iso(last),
        "kinds": sorted({term.kind for term in book.terms(AGREED)}),
        "head": f"{known.slug}@{known.last}",
    }


def act_line(known: Known, record: Recorded) -> Json:
    """An act in a list."""
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
            body |= {"kind": "announcement", "title": said.title, **_said_when(said)}
        case Correction():
            body |= {"kind": "correction", "title": f"Correction of {known.slug}/{act.n}", "reason": act.reason}
        case Retraction():
            body |= {"kind": "retraction", "title": f"Retraction of {known.slug}/{act.n}", "reason": act.reason}
        case Attachment():
            body |= {"kind": "attachment", "title": f"Further source of {known.slug}/{act.n}"}
        case Occurrence():
            title = f"{act.event}: happened on {act.on}"
            body |= {"kind": "occurrence", "title": title, "announced": act.announced.text}
    return body


def announcement_body(known: Known, event: Event) -> Json:
    """An act with its statements and the words behind them."""
    n = event.version
    record = known.book.records[n]
    act = record.act
    body = act_line(known, record) | {
        "partnership": known.slug,
        "name": known.words.name,
        "n": n,
        "key": event.key,
        "hash": event.hash,
        "later": [act_line(known, later) for later in known.book.later_acts(n)],
        "document": act_to_json(act),
    }
    content = act.content if isinstance(act, Correction) else act
    if isinstance(content, Announcement):
        body |= _content(known, n, content)
        body["sources"] += [
            _source(source) | {"attached_by": f"{known.slug}/{by}"} for by, source in known.book.attached(n)
        ]
    elif isinstance(content, Occurrence | Attachment):
        body["sources"] = [_source(source) for source in content.sources]
    if isinstance(act, Announcement):
        # The list shows what counts now; here is what was recorded under this hash, and beside it what counts now.
        body |= {"title": act.title, **_said_when(act)}
        corrected = known.book.correction(n)
        if corrected is not None:
            by, now = corrected
            counts = {"by": f"{known.slug}/{by}", "title": now.title, **_said_when(now)}
            body["corrected"] = counts | _content(known, n, now)
    return body


def _content(known: Known, n: int, content: Announcement) -> Json:
    """What an announcement says, whether at first or as corrected."""
    return {
        "summary": content.summary,
        "note": content.note,
        "sources": [_source(source) for source in content.sources],
        "statements": [
            {
                "governed_by": f"{known.slug}/{n}#{number}",
                "term": str(each.term),
                "label": known.words.label(each.term),
                "act": each.act,
                "force": content.force_of(each),
                "text": _says(known, each, each.direction or known.direction(each.term)),
                "until": until(each),
                "quote": each.quote,
                "status": quote(each, content.source_of(each)).status,
                "source": each.source,
                "unsupported": each.unsupported,
                "note": each.note,
            }
            for number, each in enumerate(content.statements, start=1)
        ],
    }


def _said_when(content: Announcement) -> Json:
    terms = sorted({str(statement.term) for statement in content.statements})
    return {"announced": content.announced.text, "force": content.force, "terms": terms}


def _source(source: Source) -> Json:
    return {"url": source.url, "publisher": source.publisher, "tier": source.tier, "text_sha256": source.text_sha256}


def _says(known: Known, statement: Statement, direction: Direction | None) -> str:
    """What a statement says, as a sentence."""
    if statement.value is not None:
        return known.words.sentence(statement.term, direction, statement.value)
    return "ended" if statement.act == "end" else "remains in force"


def day_text(on: date | None) -> str | None:
    """The day as text; None for none and for no end."""
    return None if on is None or on == END_OF_TIME else on.isoformat()


def since_text(since: Json) -> str:
    """Since when, as an answer says it: “2021”, “2025-01-21 (assumed)”, “unknown”, “not yet”."""
    if since["date"] is None:
        return "unknown" if since["basis"] == "unknown" else "not yet"
    return str(since["date"]) + {"assumed": " (assumed)", "event": " (event)"}.get(since["basis"], "")


def until_text(until: Json) -> str:
    """Until when, as an answer says it: “AGI verified, through 2032”, “for good”, “not stated”."""
    if until.get("for_good"):
        return "for good"
    said = {"year": 4, "month": 7}.get(until["precision"], 10)  # as coarse as it was said
    parts = [until["event"] or "", f"through {until['through'][:said]}" if until["through"] else ""]
    return ", ".join(part for part in parts if part) or "not stated"


def ends_text(until: Json) -> str:
    """The same within a sentence: “until AGI verified”, “through 2032”, “for good”, “until not stated”."""
    text = until_text(until)
    return text if text.startswith(("through", "for good")) else f"until {text}"
