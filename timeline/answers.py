"""The use cases that read: every answer as plain data, the same by command, HTTP and Python.

Numbers are int or Decimal, days and instants ISO text; whoever sends it turns it into JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime

from timeline.bodies import (
    Json,
    Known,
    act_line,
    ahead_line,
    announcement_body,
    boundary_body,
    clocks,
    coverage_note,
    day_text,
    direction_text,
    doubted,
    ended_body,
    life,
    nothing_matches,
    partnership_line,
    sides,
    state_warnings,
    statement_body,
    term_body,
)
from timeline.books import Books
from timeline.chain import link
from timeline.core.announcements import FORCES
from timeline.core.changes import Change, changed, learned, lines_of
from timeline.core.dates import END_OF_TIME, START_OF_TIME, said_through
from timeline.core.errors import TimelineError, did_you_mean, nearest, unknown_partnership
from timeline.core.line import at, same
from timeline.core.questions import ALL, Knowledge, Question
from timeline.core.state import between, state, transition, upcoming
from timeline.core.terms import Kinds, Term
from timeline.core.wording import Words
from timeline.log import Log, Reader, StoredText
from timeline.records import event_to_json, opening_of, unsound


class Answers:
    """Questions to the record.

    Args:
        clock: Tells today and now, for defaults and for refusing the future; aware UTC.
    """

    def __init__(self, log: Log, kinds: Kinds, clock: Callable[[], datetime]) -> None:
        self.log = log
        self.kinds = kinds
        self.clock = clock
        self._books = Books()

    # -- the state ---------------------------------------------------------------------------------------------

    def state(self, partnership: str, question: Question) -> Json:
        """The state of a partnership on a day: terms in force, ended, upcoming, the lanes asked for, coverage."""
        with self._known(partnership, question.knowledge) as known:
            found = state(known.book, question.as_of, wanted=question.wants)
            body: Json = {
                "partnership": partnership,
                "name": known.words.name,
                "resolved": {"as_of": question.as_of.isoformat(), **clocks(known)},
                "view": self.view(question.as_of, question.knowledge, is_all=known.is_all),
                "terms": [term_body(known, held) for held in found.in_force],
                "ended": [ended_body(known, held) for held in found.ended],
                "upcoming": [ahead_line(known, ahead) for ahead in found.upcoming],
            }
            for lane in ("proposed", "reported"):
                body[lane] = []
                if lane in question.include:
                    beside = state(known.book, question.as_of, force=lane, wanted=question.wants)
                    body[lane] = [term_body(known, held) for held in beside.in_force]
            coverage = found.coverage
            body["coverage"] = {
                "first": day_text(coverage.first),
                "last": day_text(coverage.last),
                "later": coverage.later,
                "note": coverage_note(known, question.as_of, coverage.begins),
            }
            body["warnings"] = [
                *state_warnings(known, (*found.in_force, *found.ended)),
                *nothing_matches(known, question, body),
            ]
            return body

    def in_force(self, reader: Reader, partnership: str, question: Question) -> list[Json]:
        """The terms of `state` alone, each with its partnership, in a snapshot that is open."""
        known = self._know(reader, partnership, question.knowledge)
        found = state(known.book, question.as_of, wanted=question.wants)
        named = {"partnership": partnership, "name": known.words.name}
        return [named | term_body(known, held) for held in found.in_force]

    def view(self, as_of: date, knowledge: Knowledge, *, is_all: bool) -> str:
        """Where the answer stands: “cited” at a fixed position, whatever today is; else how it is to today."""
        if knowledge.known_seq is not None:
            return "cited"
        today = self.clock().date()
        if as_of < today or not is_all:
            return "historical"
        return "scheduled" if as_of > today else "current"

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
            steps = [_step(known, change) for change in changed(known.book, after, upto)]
            found = (state(known.book, after), state(known.book, upto))
            days = [{held.term: held for held in (*side.in_force, *side.ended)} for side in found]
            differing, unchanged, begun = [], [], []
            for term in sorted({*days[0], *days[1]}):
                before, now = (day.get(term) for day in days)
                named = {"term": str(term), "label": known.words.label(term)}
                was, is_ = (None if held is None else held.cell for held in (before, now))
                shown = sides(known, term, was, is_)
                shown = {"before": doubted(shown["before"], before), "after": doubted(shown["after"], now)}
                if before is not None and now is not None and same(before.cell, now.cell):
                    unchanged.append(str(term))
                elif before is None and now is not None and same(at(known.book.line(term).cells, after), now.cell):
                    begun.append(named | {"after": shown["after"]})
                else:
                    differing.append(named | shown)
            begins = found[0].coverage.begins
            return {
                "partnership": partnership,
                "name": known.words.name,
                "from": after.isoformat(),
                "to": upto.isoformat(),
                "resolved": clocks(known),
                "changes": steps,
                "terms": differing,
                "unchanged": unchanged,
                "not_on_record_before": {"date": begins.text, "terms": begun} if begins and begun else None,
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
                f"Ask from=@{after.seq}&to=@{before.seq}.",
                field="to",
            )
        today = self.clock().date()
        acts = [record for n, record in after.book.records.items() if n not in before.book.records]
        return {
            "partnership": partnership,
            "name": after.words.name,
            "from": clocks(before),
            "to": clocks(after),
            "learned": [
                {
                    "term": str(delta.term),
                    "label": after.words.label(delta.term),
                    "start": None if delta.start == START_OF_TIME else delta.start.isoformat(),
                    "through": None if delta.end == END_OF_TIME else said_through(delta.end).isoformat(),
                    "when": delta.when(today),
                    **sides(after, delta.term, delta.before, delta.after, before),
                }
                for delta in learned(lines_of(before.book), lines_of(after.book))
            ],
            "acts": [act_line(after, record) for record in acts],
        }

    # -- one term, what lies ahead -----------------------------------------------------------------------------

    def history(self, partnership: str, term: Term, knowledge: Knowledge = ALL) -> Json:
        """One term's life: its line from the first day to the last, and every statement about it, as heard."""
        with self._known(partnership, knowledge) as known:
            about = known.book.sayings.about(term)
            if not about:
                terms = sorted({str(each) for lane in FORCES for each in known.book.terms(lane)})
                raise TimelineError(
                    "unknown_term",
                    f"Nothing is on record about “{term}” in {partnership}.",
                    did_you_mean(str(term), terms),
                    field="term",
                    did_you_mean=nearest(str(term), terms),
                )
            return {
                "partnership": partnership,
                "name": known.words.name,
                "term": str(term),
                "label": known.words.label(term),
                "kind": term.kind,
                "direction": direction_text(known, term),
                "resolved": clocks(known),
                "life": life(known, term),
                "statements": [statement_body(known, said) for said in about],
            }

    def timeline(self, partnership: str, knowledge: Knowledge = ALL) -> Json:
        """Every agreed term's line from its first day to its last, and the days on which anything changed."""
        with self._known(partnership, knowledge) as known:
            terms = [
                {
                    "term": str(term),
                    "label": known.words.label(term),
                    "kind": term.kind,
                    "life": life(known, term),
                }
                for term in known.book.terms()
            ]
            days: dict[str, int] = {}
            for change in changed(known.book, START_OF_TIME, END_OF_TIME):
                days[change.on.isoformat()] = days.get(change.on.isoformat(), 0) + 1
            return {
                "partnership": partnership,
                "name": known.words.name,
                "resolved": clocks(known),
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
        return {"after": today.isoformat(), "until": day_text(until_day), "upcoming": found}

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
            lines = [act_line(known, record) for record in known.book.records.values()]
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
                f"Name one from {slug}/1 to {slug}/{last}." if last else f"{slug} has none yet.",
            )
        if event.hash != link(event):  # what is shown under a hash is what that hash is of
            raise unsound(event.citation)
        return announcement_body(known, event)

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
                "Take text_sha256 from the sources of an announcement, as /api/announcements/{p}/{n} shows them.",
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

    def position(self, slug: str, knowledge: Knowledge) -> int:
        """The position of the log that the knowledge ends with: known_seq says the same for ever."""
        with self._known(slug, knowledge) as known:
            return known.seq

    @contextmanager
    def _known(self, slug: str, knowledge: Knowledge) -> Iterator[Known]:
        with self.log.reading(reaching=knowledge.known_seq or 0) as reader:
            known = self._know(reader, slug, knowledge)
        yield known

    def _know(self, reader: Reader, slug: str, knowledge: Knowledge) -> Known:
        """The record of a partnership as known then; `unknown_partnership` with the nearest names."""
        last = reader.partnership_head(slug)
        if last is None:
            slugs = reader.partnerships()
            further = "`timeline list` shows them all." if slugs else "Import one first."
            raise unknown_partnership(slug, slugs, further)
        seq, moment = self.moment(reader, knowledge)
        book = self._books.upto(reader, slug, seq, knowledge.announced_by)
        opening = book.opening or opening_of(reader, slug)
        if opening is None:  # though it has a last event
            raise unsound(slug)
        return Known(
            book=book,
            words=Words(self.kinds, opening),
            slug=slug,
            seq=seq,
            moment=moment,
            announced_by=knowledge.announced_by,
            last=last[1],
            is_all=seq >= last[1] and knowledge.announced_by is None,
        )

    def moment(self, reader: Reader, knowledge: Knowledge) -> tuple[int, datetime | None]:
        """The position of the log that the knowledge ends with, and what to echo as known_at.

        Raises:
            TimelineError: `unknown_position`.
        """
        head, head_at, _ = reader.head()
        if knowledge.known_at is not None:
            return reader.seq_at(knowledge.known_at), knowledge.known_at
        seq = head if knowledge.known_seq is None else knowledge.known_seq
        if seq > head:
            raise TimelineError(
                "unknown_position",
                f"The log ends at {head}; there is no {seq} yet.",
                f"Write {head} instead of {seq}, or ask without for all that is on record.",
                field="known_seq",
            )
        if seq == head:
            return seq, head_at
        event = reader.at(seq)
        return seq, None if event is None else event.recorded_at


def _step(known: Known, change: Change) -> Json:
    """One change of the world, with both of its sides."""
    shown = sides(known, change.term, change.before, change.after)
    return {
        **boundary_body(between(known.book, change.on, change.before, change.after)),
        "term": str(change.term),
        "label": known.words.label(change.term),
        "what": transition(known.book, change.before, change.after),
        **shown,
        "text": known.words.change(change.term, change.before, change.after, shown["after"]["text"]),
    }
