"""Answers as sheets: which tables a reader needs, in which order, and which words stand behind each row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from timeline.bodies import since_text, until_text
from timeline.core.sheet import Cell, Citation, Column, Marks, Quote, Section, Sheet, Table
from timeline.core.terms import Kinds

Json = dict[str, Any]
WORDS = Column("Words", "marks", 1)
TERM = Column("Term", weight=3)
ENDED = {"terminated": "ended", "expired": "expired", "condition_met": "ended by its condition"}
LANES = {
    "proposed": "Proposed: binds nobody, and is no part of what is in force",
    "reported": "Reported by others, not confirmed: no part of what is in force",
}
_STANDING = {
    "verified": "found in the stored copy of the source",
    "quoted": "quoted; no copy of the source is stored",
}
_TIERS = {"filing": "filing", "party": "a party’s own words", "press": "press", "aggregator": "aggregator"}
_NUMBERS = ("record", "low", "high")
_DAYS = ("as_of", "from", "through")
_DATA = (
    *("partnership", "name", "record", "known_at", "announced_by", "as_of", "from", "through", "lane"),
    *("term", "label", "direction", "status", "says", "since", "since_basis", "until", "certainty", "last_confirmed"),
    *("form", "low", "high", "unit", "statement", "role", "announced", "recorded_at"),
    *("quote", "quote_status", "publisher", "tier", "source", "citation"),
)
"""What a spreadsheet gets, whatever was asked, so that two exports stand under each other."""


class Figure(NamedTuple):
    """A quantity as numbers: how it was said, its bounds, and what it counts."""

    form: str
    low: int | Decimal | None
    high: int | Decimal | None
    unit: str


class Memo:
    """A sheet in the making: it numbers the quotes in the order in which they are called upon."""

    def __init__(self, citation: Citation, kinds: Kinds, body: Json) -> None:
        self.citation = citation
        self.kinds = kinds
        self.question = ""
        self.sections: list[Section] = []
        self.resolved = body["resolved"]
        self._partnership: str = body["partnership"]
        self._quotes: dict[str, tuple[int, Quote]] = {}
        self._data: list[tuple[Cell, ...]] = []

    def marks(self, label: str, evidence: Iterable[Json]) -> Marks:
        """The numbers of those quotes, each statement's once."""
        numbers = []
        for each in evidence:
            number, _ = self._quotes.setdefault(each["statement"], (len(self._quotes) + 1, self._quote(label, each)))
            numbers.append(number)
        return tuple(dict.fromkeys(numbers))

    def _quote(self, label: str, each: Json) -> Quote:
        act, _, _ = each["statement"].partition("#")
        return Quote(
            statement=each["statement"],
            about=capital(label),
            words=each["quote"],
            standing=standing(str(each["status"]), each.get("unsupported")),
            publisher=each.get("publisher", "publisher not stated"),
            tier=_TIERS[each["tier"]],
            url=each["url"],
            announced=each["announced"],
            recorded_at=each["recorded_at"],
            address=f"{self.citation.base_url}/a/{act}",
        )

    def data(self, row: Json, evidence: Iterable[tuple[str, Json]], **more: Cell) -> None:
        """Rows for a spreadsheet: one for each statement behind what was said of a term, with its role."""
        figure = self._figure(row.get("kind") or row["term"].partition("/")[0], row.get("value"))
        common: dict[str, Cell] = {
            "partnership": self._partnership,
            "name": self.citation.name,
            "record": self.citation.record,
            "known_at": self.resolved["known_at"],
            "announced_by": self.resolved["announced_by"],
            "term": row["term"],
            "label": row.get("label"),
            "direction": row.get("direction"),
            "status": row.get("status"),
            "says": row["text"],
            "since": since_text(row["since"]) if "since" in row else None,
            "since_basis": row["since"]["basis"] if "since" in row else None,
            "until": until_text(row["until"]) if "until" in row else None,
            "certainty": row.get("certainty"),
            "last_confirmed": row.get("last_confirmed"),
            "form": figure.form,
            "low": figure.low,
            "high": figure.high,
            "unit": figure.unit,
            "lane": "agreed",
            "citation": self.citation.link(),
            **more,
        }
        for role, each in evidence:
            common |= {
                "statement": each["statement"],
                "role": role,
                "announced": each["announced"],
                "recorded_at": each["recorded_at"],
                "quote": each["quote"] or f"unsupported: {each.get('unsupported', 'no words')}",
                "quote_status": each["status"],
                "publisher": each.get("publisher", "not stated"),
                "tier": each["tier"],
                "source": each["url"] or "no address",
            }
            self._data.append(tuple(common.get(name) for name in _DATA))

    def _figure(self, kind: str, value: Json | None) -> Figure:
        """The first quantity that the kind declares and the value has."""
        known = self.kinds.by_name.get(kind)
        for field in known.fields if known is not None and value is not None else ():
            assert value is not None  # else there is no field
            raw = value.get(field.name)
            if field.type not in ("percent", "money", "quantity") or raw is None:
                continue
            said = raw if isinstance(raw, dict) else {"value": raw}
            unit = "%" if field.type == "percent" else said.get("currency") or said.get("unit") or "not stated"
            for form in ("value", "about", "at_least", "at_most"):
                if form in said:
                    low = None if form == "at_most" else said[form]
                    high = None if form == "at_least" else said[form]
                    return Figure("exact" if form == "value" else form, low, high, unit)
            if "min" in said:
                return Figure("range", said["min"], said["max"], unit)
            return Figure("undisclosed", None, None, unit)
        return Figure("no number", None, None, "")

    def sheet(self, answer: bytes) -> Sheet:
        """The finished sheet."""
        known_at = self.resolved["known_at"]
        return Sheet(
            title=self.citation.name,
            question=self.question,
            clocks=clocks(self.resolved),
            sections=tuple(self.sections),
            quotes=tuple(quote for _, quote in self._quotes.values()),
            citation=self.citation,
            data=Table(tuple(map(_column, _DATA)), tuple(self._data)),
            answer=answer,
            recorded_at=None if known_at is None else datetime.fromisoformat(known_at),
        )


def standing(status: str, unsupported: str | None) -> str:
    """Whether the words of a statement were found in its source, or why there are none."""
    return f"unsupported: {unsupported}" if unsupported else _STANDING.get(status, status)


def clocks(resolved: Json) -> tuple[str, ...]:
    """Both clocks of an answer in words, a line each."""
    known_at = resolved["known_at"]
    recorded = f"recorded {known_at}" if known_at else "nothing recorded by then"
    lines = [f"On the record up to position {resolved['known_seq']}, {recorded}."]
    if resolved["announced_by"]:
        lines.append(f"Only what had been announced by {resolved['announced_by']} is counted.")
    if "as_of" in resolved:
        lines.insert(0, f"As of {resolved['as_of']}, the end of that calendar day.")
    return tuple(lines)


def state(memo: Memo, body: Json) -> None:
    """The state on a day: in force, over, ahead, the lanes beside it, and what a reader should know."""
    on = body["resolved"]["as_of"]
    memo.question = f"What was in force on {on}"
    coverage = body["coverage"]
    nothing = coverage["note"] or "Nothing is in force on that day, as far as is recorded."
    memo.sections.append(_in_force(memo, f"In force on {on}", body["terms"], on, "agreed", nothing))
    if body["ended"]:
        rows = []
        for term in body["ended"]:
            how = ENDED.get(term["status"], term["status"]) + _doubt(term) + _otherwise(term)
            evidence = [*term["evidence"], *term["conflicts"]]
            rows.append((capital(term["label"]), how, term["on_text"], memo.marks(term["label"], evidence)))
            memo.data(term, _roles(term), as_of=on, since=term["on"], since_basis="stated")
        over = (TERM, Column("How", weight=3), Column("On", "day"), WORDS)
        memo.sections.append(Section("Over", table=Table(over, tuple(rows))))
    if body["upcoming"]:
        ahead = []
        for each in body["upcoming"]:
            ahead.append((each["on_text"] or "no set day", each["text"], memo.marks(each["text"], each["evidence"])))
            governs = (("governs", said) for said in each["evidence"])
            memo.data(each | {"status": "ahead"}, governs, as_of=on, **{"from": each["on"] or "no set day"})
        columns = (Column("On", "day"), Column("What", weight=6), WORDS)
        memo.sections.append(Section(f"Stated for later, seen from {on}", table=Table(columns, tuple(ahead))))
    for lane, heading in LANES.items():
        if body[lane]:
            memo.sections.append(_in_force(memo, heading, body[lane], on, lane, ""))
    notes = [each["detail"] for each in body["warnings"]]
    if coverage["later"]:
        later = coverage["later"]
        change = "announcement made after {} changes" if later == 1 else "announcements made after {} change"
        notes.append(f"What {later} agreed {change.format(on)} from then on is not applied.")
    if notes:
        memo.sections.append(Section("To know", tuple(notes)))


def _in_force(memo: Memo, heading: str, terms: list[Json], on: str, lane: str, nothing: str) -> Section:
    rows = []
    for term in terms:
        holds = term["text"] + _doubt(term) + _otherwise(term)
        since, until = since_text(term["since"]), until_text(term["until"])
        confirmed = term["last_confirmed_text"] or "by nobody yet"
        marks = memo.marks(term["label"], [*term["evidence"], *term["conflicts"]])
        rows.append((capital(term["label"]), holds, since, until, confirmed, marks))
        memo.data(term, _roles(term), as_of=on, lane=lane)
    columns = (
        TERM,
        Column("What holds", weight=5),
        Column("Since", "day"),
        Column("Until"),
        Column("Last confirmed", "day"),
        WORDS,
    )
    return Section(heading, () if rows else (nothing,), Table(columns, tuple(rows)) if rows else None)


def changes(memo: Memo, body: Json) -> None:
    """Two days side by side, and the steps between them."""
    first, last = body["from"], body["to"]
    memo.question = f"What changed after {first}, up to {last}"
    rows = []
    for term in body["terms"]:
        sides = (term["before"], term["after"])
        why = [said for step in body["changes"] if step["term"] == term["term"] for said in _step_evidence(step)]
        evidence = [said for side in sides for said in side["evidence"]] + why
        rows.append((capital(term["label"]), *(side["text"] for side in sides), memo.marks(term["label"], evidence)))
        for day, side, role in zip((first, last), sides, ("before", "after"), strict=True):
            found = ((role, said) for said in side["evidence"])
            memo.data({"term": term["term"], "label": term["label"], **side}, found, as_of=day)
    if rows:
        days = (Column(f"On {first}", weight=4), Column(f"On {last}", weight=4))
        memo.sections.append(Section("What differs", table=Table((TERM, *days, WORDS), tuple(rows))))
    else:
        memo.sections.append(Section("What differs", ("No term differs between the two days.",)))
    if body["not_on_record_before"]:
        begun = body["not_on_record_before"]
        rows = []
        for term in begun["terms"]:
            evidence = term["after"]["evidence"]
            rows.append((capital(term["label"]), term["after"]["text"], memo.marks(term["label"], evidence)))
            memo.data(
                {"term": term["term"], "label": term["label"], **term["after"]},
                (("after", said) for said in evidence),
                as_of=last,
            )
        table = Table((TERM, Column(f"On {last}", weight=4), WORDS), tuple(rows))
        memo.sections.append(Section(f"Not on record before {begun['date']}, so no changes", table=table))
    if body["changes"]:
        steps = tuple(
            (step["on_text"], capital(step["text"]), memo.marks(step["label"], _step_evidence(step)))
            for step in body["changes"]
        )
        columns = (Column("On", "day"), Column("What changed", weight=6), WORDS)
        memo.sections.append(Section("Step by step", table=Table(columns, steps)))
    if body["unchanged"]:
        memo.sections.append(Section("Unchanged", (", ".join(body["unchanged"]),)))


def _step_evidence(step: Json) -> list[Json]:
    """The words that brought a change; of a term that ran out, the words that said until when."""
    found: list[Json] = step["after"]["evidence"] or step["before"]["evidence"]
    return found


def history(memo: Memo, body: Json) -> None:
    """One term's life, then everything said about it."""
    memo.question = f"The life of {body['label']} ({body['term']})"
    memo.sections.append(_life(memo, "What held when", body))
    rows = tuple(
        (
            said["announced"],
            capital(said["text"] or "not stated") + ("" if said["force"] == "agreed" else f" ({said['force']})"),
            said["recorded_at"][:10],
            said["governed_by"],
            memo.marks(body["label"], said["evidence"]),
        )
        for said in body["statements"]
    )
    columns = (
        Column("Announced", "day"),
        Column("What was said", weight=5),
        Column("Recorded", "day"),
        Column("Statement"),
        WORDS,
    )
    memo.sections.append(Section("Everything said about it", table=Table(columns, rows)))


def timeline(memo: Memo, body: Json) -> None:
    """Every term's life, a section each."""
    memo.question = "The life of every term"
    for term in body["terms"]:
        memo.sections.append(_life(memo, capital(term["label"]), term))
    if not body["terms"]:
        memo.sections.append(Section("Terms", ("Nothing agreed is on record by then.",)))


def _life(memo: Memo, heading: str, about: Json) -> Section:
    rows = []
    for cell in about["life"]:
        first, last = cell["from"] or "unknown", cell["through"] or "the next change"
        marks = memo.marks(about["label"], cell["evidence"])
        days = (cell["from_text"], cell["through_text"] or last)
        rows.append((*days, cell["text"], cell["announced"], cell["recorded_at"][:10], marks))
        named = {"term": about["term"], "label": about["label"], "direction": about.get("direction"), **cell}
        evidence = (("governs", said) for said in cell["evidence"])
        memo.data(named, evidence, **{"from": first, "through": last})
    columns = (
        Column("From", "day"),
        Column("Through", "day"),
        Column("What held", weight=5),
        Column("Announced", "day"),
        Column("Recorded", "day"),
        WORDS,
    )
    if rows:
        return Section(heading, table=Table(columns, tuple(rows)))
    return Section(heading, ("No agreed statement holds on any day.",))


def _roles(term: Json) -> Iterator[tuple[str, Json]]:
    """The statements behind a term: what governs, what confirmed it, what said otherwise."""
    for place, each in enumerate(term["evidence"]):
        yield "confirms" if place else "governs", each
    for each in term["conflicts"]:
        yield "says otherwise", each


def certainty(term: Json) -> str:
    """Whether it is certain that a term stood so on the day: “certain”, or “possible” and why."""
    if term["certainty"] == "certain":
        return "certain"
    said_later = term["since"] is not None and term["since"]["basis"] == "unknown"
    return f"possible: {'announced later, as already true' if said_later else 'the stated date is coarse'}"


def _otherwise(term: Json) -> str:
    return "".join(f"\nSaid otherwise on the same day: {other['text']}" for other in term["conflicts"])


def _doubt(term: Json) -> str:
    return "" if term["certainty"] == "certain" else f" ({certainty(term)})"


def _column(name: str) -> Column:
    return Column(name, "number" if name in _NUMBERS else "day" if name in _DAYS else "text")


def capital(text: str) -> str:
    """The text with a capital to begin with, as headings and labels have it."""
    return text[:1].upper() + text[1:]
