"""Every sentence that a person reads: values, dates, holdings, changes. The words come from the kinds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from timeline.core.announcements import Direction, ForGood, Opening, Statement, UntilEvent, When
from timeline.core.dates import END_OF_TIME, START_OF_TIME, CoarseDate, said_through
from timeline.core.history import Book
from timeline.core.line import CONDITION_MET, EXPIRED, SUSPENDED, TERMINATED, Cell
from timeline.core.said import Said
from timeline.core.state import Ahead, Boundary, Holding
from timeline.core.terms import Kind, Kinds, Quantity, Term, Value, digits

NOT_RECORDED = "not recorded"
NOT_STATED = "not stated"
UNDISCLOSED = "undisclosed"
ENDED = {TERMINATED: "ended", EXPIRED: "expired", CONDITION_MET: "ended by its condition", SUSPENDED: "suspended"}
AHEAD = {
    "takes_effect": "takes effect",
    "changes": "changes",
    "ends": "ends",
    "expires": "expires",
    "reverts": "reverts",
    "suspends": "is suspended",
    "resumes": "resumes",
    "starts": "starts",
}
_OPTIONAL = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"{(\w+)}")
_SCALES = ((Decimal(10) ** 12, "tn"), (Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "m"))


@dataclass(frozen=True, slots=True)
class Words:
    """The words for one partnership: its parties' names and the vocabulary of its kinds."""

    kinds: Kinds
    opening: Opening
    _subjects: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Those asked about: a term is named many times."""

    @property
    def name(self) -> str:
        return self.opening.name

    def party(self, slug: str) -> str:
        return dict(self.opening.parties).get(slug, slug)

    def subject(self, term: Term) -> str:
        """The subject in words: parties by their names, hyphens as spaces, acronyms as they are written."""
        if term.subject not in self._subjects:
            known = {**self.kinds.words, **dict(self.opening.parties)}
            pattern = "|".join(re.escape(word) for word in sorted(known, key=len, reverse=True))
            parts = re.split(rf"(?<![a-z0-9])({pattern})(?![a-z0-9])", term.subject)
            said = (known[part] if place % 2 else part.replace("-", " ") for place, part in enumerate(parts))
            self._subjects[term.subject] = "".join(said)
        return self._subjects[term.subject]

    def label(self, term: Term) -> str:
        """What the term is called: “API exclusivity”."""
        kind = self.kinds.by_name.get(term.kind)
        if kind is None:
            return f"{self.subject(term)} ({term.kind})"
        return kind.label.replace("{subject}", self.subject(term))

    def sentence(self, term: Term, direction: Direction | None, value: Value) -> str:
        """The value as one sentence, without a full stop."""
        kind = self.kinds.by_name.get(term.kind)
        if kind is None:
            return self._plain(value)
        template = kind.sentence
        if template is None:
            template = kind.sentences.get(str(value.get(str(kind.sentence_by))), kind.short)
        return _capital(self._fill(template, kind, term, direction, value))

    def short(self, term: Term, direction: Direction | None, value: Value) -> str:
        """The value alone, for a table or a title."""
        kind = self.kinds.by_name.get(term.kind)
        if kind is None:
            return self._plain(value)
        return self._fill(kind.short, kind, term, direction, value)

    def cell(self, term: Term, direction: Direction | None, cell: Cell | None) -> str:
        """What a table shows for a cell: its value, how it is over, or that nothing is recorded."""
        if cell is None:
            return NOT_RECORDED
        return ENDED[cell.status] if cell.value is None else self.short(term, direction, cell.value)

    def sides(self, term: Term, direction: Direction | None, *cells: Cell | None) -> list[str]:
        """What `cell` says of two cells that differ; what the short form leaves out is said where it alone does."""
        texts = [self.cell(term, direction, cell) for cell in cells]
        kind = self.kinds.by_name.get(term.kind)
        values = [cell.value for cell in cells if cell is not None and cell.value is not None]
        if kind is None or len({*texts}) > 1 or len(values) < len(cells) or len({*values}) == 1:
            return texts
        fields = [field.name for field in kind.fields if len({value.get(field.name) for value in values}) > 1]
        return [f"{text} ({self._named(fields, kind, term, value)})" for text, value in zip(texts, values, strict=True)]

    def holding(self, held: Holding, direction: Direction | None) -> str:
        """One term's state as a sentence."""
        if held.cell.value is not None:
            return self.sentence(held.term, direction, held.cell.value)
        label, how, over = _capital(self.label(held.term)), ENDED[held.cell.status], held.over_on
        when = f"on {boundary_words(over)}" if over.window is None else boundary_words(over)
        return f"{label}: {how} {when}" if held.certain else f"{label}: possibly {how} ({when})"

    def change(self, term: Term, before: Cell | None, after: Cell | None, shown: str) -> str:
        """What became of a term, as a piece of a title: “API exclusivity ends”.

        Args:
            shown: What `cell` says of the cell after.
        """
        label = self.label(term)
        if after is None:
            return f"{label} is no longer on record"
        if after.value is None:
            return f"{label} {'is suspended' if after.status == SUSPENDED else AHEAD[_over(after)]}"
        return f"{label} becomes {shown}" if before is not None and before.value is not None else f"{label}: {shown}"

    def _fill(self, template: str, kind: Kind, term: Term, direction: Direction | None, value: Value) -> str:
        said = ""
        for optional, plain, slots in _parts(template):
            words = [self._slot(slot, kind, term, direction, value) for slot, _ in slots]
            if not (optional and None in words):
                said += plain
                for word, (_, follows) in zip(words, slots, strict=True):
                    said += (word or NOT_STATED) + follows
        return said.strip(" ,;:").replace("s’s ", "s’ ")

    def _named(self, fields: Sequence[str], kind: Kind, term: Term, value: Value) -> str:
        """Those fields of the value, each with its name."""
        said = ((name, self._slot(name, kind, term, None, value)) for name in fields)
        return "; ".join(f"{name.replace('_', ' ').replace('-', ' ')}: {words or NOT_STATED}" for name, words in said)

    def _slot(self, name: str, kind: Kind, term: Term, direction: Direction | None, value: Value) -> str | None:
        """What stands for a name in a template; None when it was not stated."""
        said, field = value.get(name), kind.field(name)
        if said is not None and field is not None:
            if isinstance(said, Quantity):
                return quantity(said, percent=field.type == "percent")
            if isinstance(said, bool):
                return field.choices[said]
            return self.party(said) if field.type == "party" else said
        if name == "subject":
            return self.subject(term)
        if direction is None or name not in ("giver", "receiver"):
            return None
        return self.party(direction.giver if name == "giver" else direction.receiver)

    @staticmethod
    def _plain(value: Value) -> str:
        """A value whose kind is no longer known, field by field."""
        return "; ".join(
            f"{name}: {quantity(said) if isinstance(said, Quantity) else said}" for name, said in value.fields
        )


@lru_cache(maxsize=1024)
def _parts(template: str) -> tuple[tuple[bool, str, tuple[tuple[str, str], ...]], ...]:
    """A template's parts: whether it may be left out, the words before its first slot, each slot and what follows."""
    found = []
    for place, part in enumerate(_OPTIONAL.split(template)):
        plain, *rest = _SLOT.split(part)
        found.append((place % 2 == 1, plain, tuple(zip(rest[::2], rest[1::2], strict=True))))
    return tuple(found)


@lru_cache(maxsize=256)
def quantity(said: Quantity, *, percent: bool = False) -> str:
    """A number as it was said: “about 27 %”, “USD 13 bn”, “undisclosed (“multi-billion”)”."""
    words = "" if said.stated is None else f" (“{said.stated}”)"
    if said.form == "undisclosed":
        return UNDISCLOSED + words

    def amount(number: Decimal | None) -> str:
        assert number is not None  # the form says which bounds there are
        if percent:
            return f"{signed(number)} %"
        scaled = scale(number)
        if said.currency is not None:
            return f"{said.currency} {scaled}"
        return f"{scaled} {said.unit}" if said.unit else scaled

    match said.form:
        case "exact":
            text = amount(said.low)
        case "about":
            text = f"about {amount(said.low)}"
        case "at_least":
            text = f"at least {amount(said.low)}"
        case "at_most":
            text = f"at most {amount(said.high)}"
        case _:
            text = f"{amount(said.low)} to {amount(said.high)}"
    return text + words


def scale(number: Decimal) -> str:
    """A large number in trillions, billions or millions where three decimals say it exactly, else in full."""
    for unit, name in _SCALES:
        if abs(number) >= unit:
            scaled = number / unit
            if scaled == round(scaled, 3):
                return f"{signed(scaled)} {name}"
            break
    return f"{number:,.{max(-int(number.as_tuple().exponent), 0)}f}".replace("-", "−")


def signed(number: Decimal) -> str:
    """The number in plain digits, with a minus sign rather than a hyphen."""
    return digits(number).replace("-", "−")


def since(book: Book, said: Said) -> dict[str, str | None]:
    """Since when a statement holds: the date as said, its precision, and whether it was stated.

    Returns:
        `date` (None when unknown or awaited), `precision` (day, month, year or None), `basis` (stated, assumed,
        unknown or event).
    """
    match said.statement.effective:
        case CoarseDate() as stated:
            return {"date": stated.text, "precision": stated.precision, "basis": "stated"}
        case When() as awaited:
            act = book.happened.get(awaited.event)
            on = None if act is None else act.on.isoformat()
            return {"date": on, "precision": None if on is None else "day", "basis": "event"}
        case None:
            window = said.announced.window
            return {"date": window.text, "precision": window.precision, "basis": "assumed"}
    return {"date": None, "precision": None, "basis": "unknown"}


def until(statement: Statement) -> dict[str, str | bool | None]:
    """Until when a statement holds by its own words: the last day, its precision, and the event."""
    match statement.until:
        case CoarseDate() as through:
            return {"through": through.last.isoformat(), "precision": through.precision, "event": None}
        case UntilEvent() as awaited:
            outer = awaited.no_later_than
            return {
                "through": None if outer is None else outer.last.isoformat(),
                "precision": None if outer is None else outer.precision,
                "event": awaited.event,
            }
        case ForGood():
            return {"through": None, "precision": None, "event": None, "for_good": True}
    return {"through": None, "precision": None, "event": None}


def since_words(book: Book, said: Said) -> str:
    """Since when, for a person: “2021”, “2025-01-21 (assumed)”, “unknown”."""
    found = since(book, said)
    match found["basis"]:
        case "assumed":
            return f"{found['date']} (assumed)"
        case "unknown":
            return "unknown"
        case "event":
            return f"{found['date']} (event)"
    return str(found["date"])


def until_words(statement: Statement) -> str:
    """“through 2032”, “AGI verified, at the latest through 2030”, “for good”, or “the next change”."""
    match statement.until:
        case CoarseDate() as through:
            return f"through {through.text}"
        case UntilEvent() as awaited:
            outer = "" if awaited.no_later_than is None else f", at the latest through {awaited.no_later_than.text}"
            return f"{awaited.event}{outer}"
        case ForGood():
            return "for good"
    return NOT_STATED


def boundary_words(found: Boundary) -> str:
    """A boundary as close as it was said: “2027-06-30”, “in 2027”, “at the end of 2032”."""
    if found.window is None:
        return found.on.isoformat()
    return f"in {found.window.text}" if found.side == "start" else f"at the end of {found.window.text}"


def first_words(found: Boundary) -> str:
    """From when a stretch of a term's life runs: “2021-03-15”, “2021”, “the end of 2032”, “unknown”."""
    if found.on == START_OF_TIME:
        return "unknown"
    if found.window is None:
        return found.on.isoformat()
    return found.window.text if found.side == "start" else f"the end of {found.window.text}"


def last_words(found: Boundary) -> str:
    """Through when it runs, `found` being where it ends: “2021-03-15”, “2032”, “some time in 2027”."""
    if found.window is None:
        return said_through(found.on).isoformat()
    return f"some time in {found.window.text}" if found.side == "start" else found.window.text


def ahead_words(words: Words, ahead: Ahead, direction: Direction | None) -> str:
    """What lies ahead, as a sentence."""
    label = _capital(words.label(ahead.term))
    if ahead.event is not None:
        outer = "" if ahead.no_later_than is None else f", at the latest through {ahead.no_later_than.text}"
        return f"{label} {AHEAD[ahead.what]} when “{ahead.event}”{outer}"
    text = f"{label} {AHEAD[ahead.what]}"
    if ahead.after is None or ahead.after.value is None:
        return text
    return f"{text}: {words.sides(ahead.term, direction, ahead.before, ahead.after)[1]}"


def period(begins: Boundary, ends: Boundary) -> str:
    """Half-open days as people say them: “from 2025-10-28”, “from 2021”, “until 2025-10-27”, “2021-03 through 2032”."""
    first = None if begins.on == START_OF_TIME else first_words(begins)
    last = None if ends.on == END_OF_TIME else last_words(ends)
    if last is None:
        return "at all times" if first is None else f"from {first}"
    said_so = ends.window is not None and ends.side == "end"  # “until 2032” may be read as its first day
    if first is None:
        return f"{'through' if said_so else 'until'} {last}"
    return first if first == last else f"{first} {'through' if said_so else 'to'} {last}"


def _over(cell: Cell) -> str:
    return "expires" if cell.status == EXPIRED else "ends"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
