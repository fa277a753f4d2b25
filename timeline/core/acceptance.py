"""What to accept: whether an act may be recorded after what is on record, and what to tell its author."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from timeline.core.announcements import (
    Act,
    Announcement,
    Attachment,
    Correction,
    Direction,
    Occurrence,
    Opening,
    Retraction,
    Statement,
    UntilEvent,
    When,
)
from timeline.core.dates import END_OF_TIME
from timeline.core.errors import TimelineError, did_you_mean, unknown_partnership
from timeline.core.history import AGREED, Book
from timeline.core.line import Cells, Ref, Stroke, at, from_day
from timeline.core.said import Said
from timeline.core.state import order_uncertain
from timeline.core.terms import Kind, Kinds, Term

RESERVED = ("all", "everything", "mine", "kind", "party")
"""Names that no partnership can have: feeds are called so."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the author should know; never a reason to refuse."""

    code: str
    statement: int
    """Its place in the announcement, from 1."""
    detail: str


def check(book: Book, act: Act, kinds: Kinds) -> None:
    """Raise what speaks against recording the act next.

    Raises:
        TimelineError: `already_opened`, `unknown_partnership`, `unknown_party`, `direction_contradicts`,
            `missing_field`, `unknown_announcement`, `not_retractable`, `unknown_event`, `event_already_occurred`.
    """
    if isinstance(act, Opening):
        if act.partnership in RESERVED:
            raise TimelineError(
                "invalid_field",
                f"No partnership can be called {act.partnership}: a feed is.",
                "Name it after its parties: openai-microsoft.",
                field="partnership",
            )
        if book.opening is not None:
            raise TimelineError(
                "already_opened",
                f"{act.partnership} is open already, as “{book.opening.name}” between "
                f"{', '.join(name for _, name in book.opening.parties)}.",
                "Leave the opening document as it was; another partnership needs another name.",
            )
        return
    if book.opening is None:
        raise never_opened(act.partnership, [])
    match act:
        case Announcement():
            _check_directions(book, act, kinds, None)
        case Correction():
            _check_target(book, act)
            _check_directions(book, act.content, kinds, act.n)
        case Retraction():
            _check_target(book, act)
            revived = _revived(book, act)
            if revived is not None:
                _check_once(book, revived, "retracts")
        case Attachment():
            _check_target(book, act)
        case Occurrence():
            _check_once(book, act, "occurred")
            _check_event(book, act)


def never_opened(partnership: str, known: list[str]) -> TimelineError:
    """The refusal of an act about a partnership that was never opened, beside the names of those that were."""
    further = f"A new one is opened first, by {{partnership: {partnership}, name: …, parties: {{…}}}}."
    return unknown_partnership(partnership, known, further)


def _check_directions(book: Book, content: Announcement, kinds: Kinds, leaving_out: int | None) -> None:
    assert book.opening is not None  # check() has seen it
    parties = [party for party, _ in book.opening.parties]
    fixed: dict[Term, Direction] = {}
    for place, statement in enumerate(content.statements):
        field = f"statements[{place}].direction"
        given = statement.direction
        for party in (given.giver, given.receiver) if given is not None else ():
            if party not in parties:
                raise _no_party(party, content.partnership, parties, field)
        known = fixed.get(statement.term) or book.direction(statement.term, leaving_out=leaving_out)
        if known is not None and given is not None and given != known:
            raise TimelineError(
                "direction_contradicts",
                f"{statement.term} runs {known}; this statement says {given}.",
                "Leave direction out, or name another term if it really runs the other way.",
                field=field,
            )
        kind = kinds.by_name.get(statement.term.kind)
        if known is None and given is None and kind is not None and kind.directed:
            raise TimelineError(
                "missing_field",
                f"{statement.term} is new, and who grants it to whom is part of what it is.",
                f"Add direction: {parties[0]} -> {parties[1]} (who grants, pays or owes -> who receives).",
                field=field,
            )
        if given is not None:
            fixed[statement.term] = given
        _check_parties(statement, kind, content.partnership, parties, f"statements[{place}].set")


def _check_parties(statement: Statement, kind: Kind | None, partnership: str, parties: list[str], field: str) -> None:
    for declared in kind.fields if kind is not None and statement.value is not None else ():
        named = statement.value.get(declared.name) if statement.value is not None else None
        if declared.type == "party" and named is not None and named not in parties:
            raise _no_party(str(named), partnership, parties, f"{field}.{declared.name}")


def _no_party(name: str, partnership: str, parties: list[str], field: str) -> TimelineError:
    return TimelineError(
        "unknown_party", f"“{name}” is not a party of {partnership}.", did_you_mean(name, parties), field=field
    )


def _check_target(book: Book, act: Correction | Retraction | Attachment) -> None:
    cited = f"{act.partnership}/{act.n}"
    field = {Correction: "corrects", Retraction: "retracts", Attachment: "attaches"}[type(act)]
    target = book.records.get(act.n)
    if target is None:
        last = len(book.records)
        raise TimelineError(
            "unknown_announcement",
            f"There is no {cited}.",
            f"Name one from {act.partnership}/1 to {act.partnership}/{last}."
            if last
            else f"Nothing is recorded in {act.partnership} yet.",
            field=field,
        )
    if isinstance(act, Correction) and not isinstance(target.act, Announcement):
        root = target.act.n if isinstance(target.act, Correction) else None
        raise TimelineError(
            "not_retractable",
            f"{cited} is no announcement, so it has no content to correct.",
            f"Correct {act.partnership}/{root} again." if root else f"Retract {cited} and record it anew.",
            field=field,
        )
    if isinstance(act, Attachment) and not isinstance(target.act, Announcement):
        raise TimelineError(
            "not_attachable",
            f"{cited} is no announcement, so there can be no other report of it.",
            f"Name {act.partnership}/{book.root(act.n)}, which it is about."
            if book.root(act.n) != act.n
            else "Name an announcement: /a/{p}/{n} shows of each act what it is.",
            field=field,
        )
    if not book.is_live(act.n):
        by = next(
            later.n for later in book.later_acts(act.n) if isinstance(later.act, Retraction) and book.is_live(later.n)
        )
        raise TimelineError(
            "not_retractable",
            f"{cited} has been retracted, by {act.partnership}/{by}.",
            f"To bring it back, retract {act.partnership}/{by}.",
            field=field,
        )


def _revived(book: Book, act: Retraction) -> Occurrence | None:
    """The occurrence that counts again once the act that it retracts is taken back; None when there is none."""
    n = book.root(act.n)
    target = book.records[n].act
    return target if isinstance(target, Occurrence) and not book.is_live(n) else None


def _check_once(book: Book, act: Occurrence, field: str) -> None:
    for n, other in book.occurrences():
        if other.event == act.event:
            raise TimelineError(
                "event_already_occurred",
                f"“{act.event}” is on record as having happened on {other.on}, by {act.partnership}/{n}.",
                f"If that is wrong, retract {act.partnership}/{n} first.",
                field=field,
            )


def _check_event(book: Book, act: Occurrence) -> None:
    events = book.events()
    if act.event not in events:
        raise TimelineError(
            "unknown_event",
            f"No statement of {act.partnership} waits for “{act.event}”.",
            did_you_mean(act.event, events) if events else "No statement there waits for any event.",
            field="occurred",
        )


def warnings(book: Book, n: int) -> list[Notice]:
    """What the author of act n should know, now that the book has heard it.

    Codes: kept_pending_change, bounded_by_known_change, inside_temporary_period, order_uncertain, assumed_effective
    (docs/semantics), ends_known_value, not_in_force, event_already_occurred.
    """
    act = book.records[n].act
    root = act.n if isinstance(act, Correction) else n
    content = book.content(root)
    if content is None or not isinstance(act, Announcement | Correction):
        return []
    found: list[Notice] = []
    for index, statement in enumerate(content.statements, start=1):
        said = book.said(Ref(root, index))
        found += (Notice(code, index, f"{statement.term}: {detail}") for code, detail in _warn(book, said))
    return found


def _warn(book: Book, said: Said) -> Iterator[tuple[str, str]]:
    statement, line = said.statement, book.line(said.statement.term, said.force)
    stroke = book.stroke(said)
    if statement.act == "reaffirm" or (statement.act == "end" and statement.temporary):
        on = said.announced.on if stroke is None else stroke.start
        cell = at(line.base, on)
        if cell is None or cell.value is None:
            yield (
                "not_in_force",
                f"nothing is in force on {on} that could be " + ("reaffirmed" if stroke is None else "suspended"),
            )
    if statement.act != "reaffirm" and statement.effective is None:
        yield "assumed_effective", f"no effective date is stated; {said.announced.window.text} is assumed"
    yield from _warn_of_events(book, statement)
    if said.force != AGREED or stroke is None:
        return
    if not stroke.temporary:
        yield from _warn_of_cuts(book, said, line.base)
        yield from _warn_of_lapse(book, said, stroke, line.base)
        covering = next(from_day(line.overlay, stroke.anchor), None)
        if covering is not None and stroke.end > covering.start:
            held = f"from {covering.start} until {covering.end}"
            yield "inside_temporary_period", f"a temporary value ({_cite(book, covering.ref.n)}) holds {held}"
    overlapping = next(order_uncertain(book, said), None)
    if overlapping is not None:
        yield "order_uncertain", f"its date overlaps that of {_cite(book, overlapping.n)}"


def _warn_of_cuts(book: Book, said: Said, base: Cells) -> Iterator[tuple[str, str]]:
    """A scheduled step that stays, or a later-announced change that bounds what was found late."""
    mine = next((cell for cell in reversed(base) if cell.ref == said.ref), None)
    if mine is None or mine.end == END_OF_TIME:
        return
    after = at(base, mine.end)
    if after is None:
        return
    other = book.said(after.ref)
    cited = f"{_cite(book, other.ref.n)} takes over on {after.start}"
    if other.place > said.place:
        yield "bounded_by_known_change", cited
    else:
        yield "kept_pending_change", cited


def _warn_of_lapse(book: Book, said: Said, stroke: Stroke, base: Cells) -> Iterator[tuple[str, str]]:
    """An end in the past after which others were heard to say that the term holds: they are over by it as well."""
    over = at(base, stroke.end) if stroke.end <= said.announced.on else None
    if over is None or over.ref != said.ref or over.value is not None:
        return
    for other in book.sayings.about(said.statement.term):
        theirs = book.stroke(other) if other.force == AGREED and other.place < said.place else None
        if theirs is None or theirs.value is None or theirs.temporary or other.announced.on < stroke.end:
            continue
        if theirs.start <= stroke.end < theirs.end:
            detail = (
                f"that it lapsed on {stroke.end} ends what {_cite(book, other.ref.n)} said on {other.announced.text}"
            )
            yield "ends_known_value", f"{detail}; if that holds still, say it again with its start"
            return


def _warn_of_events(book: Book, statement: Statement) -> Iterator[tuple[str, str]]:
    for waits in (statement.effective, statement.until):
        if isinstance(waits, When | UntilEvent) and waits.event in book.happened:
            yield "event_already_occurred", f"“{waits.event}” happened on {book.happened[waits.event].on}"


def _cite(book: Book, n: int) -> str:
    assert book.opening is not None  # nothing is said before the opening
    return f"{book.opening.partnership}/{n}"
