"""What is in force in all partnerships on a day: the same as their states, read from the rectangles.

A page costs what stands on it, not what is on record: the walk through the index stops when it is full. What a
rectangle does not tell (since when, how surely, in which direction) is in the acts that say it, which are read by
their places; only where even these leave it open is a record folded.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import select

from timeline import rows, standing
from timeline.answers import Answers
from timeline.bodies import Known, holds
from timeline.core.announcements import Correction, Opening, Retraction
from timeline.core.dates import CoarseDate, iso
from timeline.core.errors import TimelineError, did_you_mean, nearest
from timeline.core.history import Book, Recorded
from timeline.core.line import Cell
from timeline.core.questions import KNOWLEDGE, Across, Knowledge, Question
from timeline.core.said import Said
from timeline.core.terms import Kinds, Term, term
from timeline.core.wording import Words
from timeline.log import Reader, event_of
from timeline.reader import in_driver
from timeline.records import parties, recorded, unsound
from timeline.tables import event

Json = dict[str, Any]
Place = tuple[str, str | None]
"""A partnership, and a term in it; None for all of its terms."""
Acts = dict[str, dict[int, Recorded]]
"""By partnership and their place in its record."""

_SAID = ("term", "label", "kind", "direction", "status", "value", "text", "since", "until")
ITEM = ("partnership", "name", *_SAID, "certainty", "governed_by")
"""What is told of a term in force: of what a state tells, the part that needs no other statement of the term."""

_STEPS = 50_000
"""Places of the index that a page passes before it ends early."""
_FOLDS = 100
"""Records that it folds."""


class _Hit(NamedTuple):
    partnership: str
    term: Term
    cell: Cell


class _Page:
    """A page in the making."""

    def __init__(self, asked: Across, seq: int) -> None:
        self.asked = asked
        self.seq = seq
        self.items: list[Json] = []
        self.at: Place = asked.after
        """How far was looked."""
        self.ended = False
        """Whether that is the end of all."""
        self.steps = _STEPS
        self.folds = _FOLDS

    @property
    def goes_on(self) -> bool:
        return not self.ended and self.steps > 0 and self.folds > 0 and len(self.items) <= self.asked.limit


def in_force(answers: Answers, asked: Across) -> Json:
    """What is in force, a page of it: by the code points of partnership and term.

    A page may have less than was asked for and still not be the last, where much was passed over: `more` says so.

    Returns:
        resolved: both clocks; view: as of a state; in_force: each term with its partnership; last: where the page
        ended, to give as `after`; more; note: why there is nothing on the first page.

    Raises:
        TimelineError: `unknown_position`, `invalid_value` for a party of no partnership.
    """
    with answers.log.reading(reaching=asked.knowledge.known_seq or 0) as reader:
        seq, moment = answers.moment(reader, asked.knowledge)
        page = _Page(asked, seq)
        is_all = seq >= reader.head()[0]
        generation = rows.generation(reader.connection)
        if asked.beginning is None:
            page.ended = True
        elif generation is None:
            _fold(answers, reader, page)
        else:
            _walk(answers, reader, page, generation)
        note = None
        if page.ended and not page.items and not asked.after[0]:
            note = _why_nothing(reader, asked, seq)
    shown = page.items[: asked.limit]
    more = len(shown) < len(page.items) or not page.ended
    if len(shown) < len(page.items):
        page.at = shown[-1]["partnership"], shown[-1]["term"]
    return {
        "resolved": {
            "as_of": asked.as_of.isoformat(),
            "known_at": None if moment is None else iso(moment),
            "known_seq": seq,
            "announced_by": None,
        },
        "view": answers.view(asked.as_of, asked.knowledge, is_all=is_all),
        "in_force": shown,
        "last": "/".join(filter(None, page.at)) if more else None,
        "more": more,
        "note": note,
    }


def following(asked: Mapping[str, str], page: Json) -> dict[str, str]:
    """The parameters that ask for the next page, of the same moment.

    Args:
        asked: Those of the page that `in_force` gave.
    """
    resolved = page["resolved"]
    known = {} if asked.keys() & KNOWLEDGE else {"known_seq": str(resolved["known_seq"])}
    return {**asked, "as_of": resolved["as_of"], **known, "after": page["last"]}


def _walk(answers: Answers, reader: Reader, page: _Page, generation: int) -> None:
    """Fill the page from the rectangles."""
    asked = page.asked
    while page.goes_on:
        wanted = standing.Walk(
            day=asked.as_of,
            seq=page.seq,
            partnership=page.at[0],
            term=page.at[1],
            beginning=asked.beginning or "",
            party=asked.party,
            limit=asked.limit + 1 - len(page.items),
            steps=page.steps,
        )
        found = standing.in_force(reader, generation, wanted)
        hits = [
            _Hit(each.partnership, term(each.term), each.cell)
            for each in found
            if each.partnership is not None and each.cell is not None and asked.wants(term(each.term))
        ]
        for hit, told in zip(hits, _told(reader, page, answers.kinds, hits), strict=True):
            if told is not None:
                page.items.append(told)
            elif page.folds > 0:
                page.items += _folded(answers, reader, page, hit.partnership, str(hit.term))
            else:
                return
            page.at = hit.partnership, str(hit.term)
        last = found[-1]
        page.steps -= last.steps
        page.ended = last.partnership is None
        if last.partnership is not None:
            page.at = last.partnership, last.term


def _told(reader: Reader, page: _Page, kinds: Kinds, hits: list[_Hit]) -> Iterator[Json | None]:
    """What is to be told of each; None where only the whole record says whether it is anything."""
    books = _books(reader, kinds, page.seq, hits)
    for hit in hits:
        known, ref = books[hit.partnership], hit.cell.ref
        if ref.n not in known.book.records:
            raise unsound(f"{hit.partnership}/{ref.n}")
        said = known.book.said(ref)
        if _may_precede_the_record(said, page.asked.as_of):
            yield None
        else:
            certain = page.asked.as_of >= known.book.certain_from(said)
            yield {
                "partnership": hit.partnership,
                "name": known.words.name,
                **holds(known, hit.term, hit.cell, said),
                "certainty": "certain" if certain else "possible",
                "governed_by": known.cite(said),
            }


def _may_precede_the_record(said: Said, as_of: date) -> bool:
    """Whether the day may lie before the first of the partnership's record, on which there is no term at all.

    What was said to hold from a day, or from when it was announced, is on record since then.
    """
    dated = said.statement.effective is None or isinstance(said.statement.effective, CoarseDate)
    return not dated and as_of < said.announced.window.lo


def _books(reader: Reader, kinds: Kinds, seq: int, hits: list[_Hit]) -> dict[str, Known]:
    """By partnership a book that says of each hit what the whole record says, of as few acts as do.

    They are the acts that govern, all that is no announcement (what was corrected, retracted, has occurred), what these
    are about, and where an act that governs does not say the direction of its term, all that may.
    """
    acts: Acts = defaultdict(dict)
    names = sorted({hit.partnership for hit in hits})
    _add(acts, reader, seq, _AT, sorted({(hit.partnership, hit.cell.ref.n) for hit in hits}))
    _add(acts, reader, seq, _OTHERS, [(name, 0) for name in names])
    about = {
        (name, record.act.n)
        for name, records in acts.items()
        for record in records.values()
        if isinstance(record.act, Correction | Retraction) and record.act.n not in records
    }
    _add(acts, reader, seq, _AT, sorted(about))
    known = {name: _known(name, kinds, acts[name], seq) for name in names}
    silent = [(hit.partnership, hit.term) for hit in hits if known[hit.partnership].direction(hit.term) is None]
    _add(acts, reader, seq, _DIRECTING, [(name, f'"term":"{wanted}"') for name, wanted in silent])
    return known | {name: _known(name, kinds, acts[name], seq) for name in {name for name, _ in silent}}


def _add(acts: Acts, reader: Reader, seq: int, which: dict[str, str], given: list[tuple[str, int | str]]) -> None:
    """Read those acts as well."""
    if given:
        asked = {"given": json.dumps(given), "seq": seq}
        for row in reader.plain(which[reader.connection.dialect.name], asked):
            found = event_of(row)
            acts[found.partnership][found.version] = recorded(found)


def _known(name: str, kinds: Kinds, acts: dict[int, Recorded], seq: int) -> Known:
    """What those acts say, in words."""
    book = Book().hear_all(record for _, record in sorted(acts.items()))
    if book.opening is None:  # though its terms are in the rectangles
        raise unsound(name)
    return Known(book, Words(kinds, book.opening), name, seq, None, None, seq, is_all=False)


def _fold(answers: Answers, reader: Reader, page: _Page) -> None:
    """Fill the page from the records themselves."""
    first, after = page.at
    names = sorted(reader.partnerships())
    begin = bisect_right(names, first) if after is None else bisect_left(names, first)
    for name in names[begin:]:
        if not page.goes_on:
            return
        if page.asked.party is None or page.asked.party in parties(reader, name):
            found = _folded(answers, reader, page, name, page.asked.term)
            page.items += [each for each in found if name != first or each["term"] > str(after)]
        page.at = name, None
    page.ended = True


def _folded(answers: Answers, reader: Reader, page: _Page, partnership: str, pattern: str | None) -> list[Json]:
    """What is in force in one partnership, of the terms that are like the pattern and of the kind that is wanted."""
    page.folds -= 1
    question = Question(page.asked.as_of, Knowledge(known_seq=page.seq), pattern)
    found = [
        {name: body[name] for name in ITEM}
        for body in answers.in_force(reader, partnership, question)
        if page.asked.kind in (None, body["kind"])
    ]
    return sorted(found, key=itemgetter("term"))


def _why_nothing(reader: Reader, asked: Across, seq: int) -> str:
    """What is to be said where nothing is to be told.

    Raises:
        TimelineError: `invalid_value` for a party of no partnership.
    """
    if asked.beginning is None:
        return f"No term of the kind {asked.kind} is called like “{asked.term}”."
    if seq == 0:
        return "Nothing was on record at that moment of knowledge."
    if asked.party is not None:
        acts = (recorded(event_of(row)).act for row in reader.connection.execute(_OPENINGS))
        known = sorted({party for act in acts if isinstance(act, Opening) for party, _ in act.parties})
        if asked.party not in known:
            raise TimelineError(
                "invalid_value",
                f"No partnership on record has a party “{asked.party}”.",
                did_you_mean(asked.party, known),
                field="party",
                did_you_mean=nearest(asked.party, known),
            )
    like = " like that" if asked.kind or asked.party or asked.term else ""
    return (
        f"Nothing{like} was in force on {asked.as_of}, by what was on record up to @{seq}. "
        "This does not mean that nothing was agreed."
    )


# For each pair that is given some acts of the partnership that it names first. LATERAL with an OFFSET leaves PostgreSQL
# no choice: left to itself it reads the log once, whole.
_FOR_EACH = {
    "sqlite": "SELECT event.* FROM json_each(:given) AS given CROSS JOIN event WHERE {which}",
    "postgresql": """
        SELECT found.* FROM json_array_elements(CAST(:given AS json)) AS given
        CROSS JOIN LATERAL (SELECT event.* FROM event WHERE {which} OFFSET 0) AS found
        """,
}
_FINDS = {"sqlite": "instr", "postgresql": "strpos"}
_GIVEN = {"sqlite": "json_extract(given.value, '$[{}]')", "postgresql": "(given.value ->> {})"}


def _for_each(which: str) -> dict[str, str]:
    """Those acts of the partnership, by kind of database."""
    mine = f"event.partnership = given_0 AND event.seq <= :seq AND {which}"
    asked = {}
    for kind, each in _FOR_EACH.items():
        written = mine.replace("finds", _FINDS[kind])
        for place in "01":
            written = written.replace(f"given_{place}", _GIVEN[kind].format(place))
        asked[kind] = in_driver(each.format(which=written))[kind]
    return asked


_AT = _for_each("event.version = CAST(given_1 AS bigint)")
_OTHERS = _for_each("event.kind <> 'announcement'")
# A body has no spaces between its signs, and a name of a term has none that would be written otherwise.
_DIRECTING = _for_each("""event.kind = 'announcement'
    AND finds(event.body, '"direction":') > 0 AND finds(event.body, given_1) > 0""")
_OPENINGS = select(event).where(event.c.version == 0, event.c.kind != "announcement")
