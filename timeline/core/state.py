"""The state of a partnership on a day: what is in force, what is over, what lies ahead, what is only reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from timeline.core.announcements import Statement, UntilEvent
from timeline.core.dates import END_OF_TIME, CoarseDate
from timeline.core.history import AGREED, Book, Said
from timeline.core.line import CONDITION_MET, EXPIRED, SUSPENDED, Cell, Cells, Ref, at, boundaries, from_day
from timeline.core.terms import Term


@dataclass(frozen=True, slots=True)
class Holding:
    """One term on one day: the cell that governs, who said it, and how sure it is."""

    term: Term
    cell: Cell
    said: Said
    certain: bool
    last_confirmed: date | None
    confirmed_by: tuple[Said, ...]
    """Later announcements that said it remains in force, oldest first."""
    conflicts: tuple[Said, ...]
    """What other sources of the same announced day said differently, and lost."""
    order_uncertain: tuple[Ref, ...]
    """The other statement whose coarse date overlaps, so that nobody can say which came last."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """A boundary still to come: on a day, or when an event happens (`on` is None)."""

    term: Term
    what: str
    """takes_effect, changes, ends, expires, reverts, suspends, resumes; starts or ends with an event."""
    said: Said
    on: date | None = None
    event: str | None = None
    no_later_than: CoarseDate | None = None
    after: Cell | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    first: date | None
    last: date | None
    later: int
    """Agreed announcements that were announced after the day asked about."""


@dataclass(frozen=True, slots=True)
class State:
    as_of: date
    in_force: tuple[Holding, ...]
    ended: tuple[Holding, ...]
    upcoming: tuple[Ahead, ...]
    coverage: Coverage


def state(book: Book, as_of: date, *, force: str = AGREED, wanted: Callable[[Term], bool] = lambda _: True) -> State:
    """The state on that day, after every change effective on it.

    Args:
        book: The record as known at the moment asked about.
        force: The lane to read: agreed is the state; proposed and reported stand beside it.
        wanted: Which terms to answer for.

    Returns:
        Terms in the order of their names. A term on which nothing is recorded by then is in neither list. Before
        the first announced or stated day of the partnership there is no term at all.
    """
    coverage = _coverage(book, as_of)
    covered = coverage.first is not None and as_of >= coverage.first
    terms = [term for term in book.terms(force) if wanted(term)] if covered else []
    lines = {term: book.line(term, force).cells for term in terms}
    holdings = [
        holding(book, term, lines[term], cell, as_of, force=force)
        for term in terms
        if (cell := at(lines[term], as_of)) is not None
    ]
    return State(
        as_of=as_of,
        in_force=tuple(held for held in holdings if held.cell.value is not None),
        ended=tuple(held for held in holdings if held.cell.value is None),
        upcoming=tuple(upcoming(book, lines, as_of, END_OF_TIME, force=force)),
        coverage=coverage,
    )


def holding(book: Book, term: Term, cells: Cells, cell: Cell, as_of: date, *, force: str = AGREED) -> Holding:
    """What is to be said of the cell that governs a term on a day."""
    said = book.said(cell.ref)
    about = [other for other in book.about(term) if other.force == force]
    confirmed_by = tuple(
        other
        for other in about
        if other.statement.act == "reaffirm"
        and other.announced.on <= as_of
        and (then := at(cells, other.announced.on)) is not None
        and then.ref == cell.ref
    )
    heard = [each.announced.on for each in (said, *confirmed_by) if each.announced.on <= as_of]
    lapsed = cell.status in (EXPIRED, CONDITION_MET)
    return Holding(
        term=term,
        cell=cell,
        said=said,
        certain=lapsed or as_of >= book.certain_from(said),
        last_confirmed=max(heard, default=None),
        confirmed_by=confirmed_by,
        conflicts=tuple(_conflicts(book, about, said, as_of)),
        order_uncertain=tuple(order_uncertain(about, said)),
    )


def upcoming(book: Book, lines: dict[Term, Cells], after: date, upto: date, *, force: str = AGREED) -> Iterator[Ahead]:
    """What lies in `(after, upto]` on those lines, by day and term; then what waits for an event."""
    dated = [
        (on, term, before, now) for term, cells in lines.items() for on, before, now in boundaries(cells, after, upto)
    ]
    for on, term, before, now in sorted(dated, key=lambda found: found[:2]):
        governing = now if now is not None else before
        assert governing is not None  # a boundary has a cell on at least one side
        yield Ahead(term, transition(book, before, now), book.said(governing.ref), on=on, after=now)
    for said, event, what in book.waiting():
        term = said.statement.term
        if said.force != force or term not in lines:
            continue
        ahead = what == "starts" or any(cell.ref == said.ref and cell.value for cell in from_day(lines[term], after))
        if ahead:
            until = said.statement.until
            outer = until.no_later_than if isinstance(until, UntilEvent) and what == "ends" else None
            yield Ahead(term, what, said, event=event, no_later_than=outer)


def transition(book: Book, before: Cell | None, after: Cell | None) -> str:
    """What kind of boundary lies between two cells that differ."""
    was_temporary = before is not None and book.said(before.ref).statement.temporary
    if was_temporary and (after is None or not book.said(after.ref).statement.temporary):
        assert before is not None
        if after is None:
            return "expires"
        return "resumes" if before.status == SUSPENDED else "reverts"
    if after is None:
        return "expires"
    if after.value is None:
        return {SUSPENDED: "suspends", EXPIRED: "expires"}.get(after.status, "ends")
    return "takes_effect" if before is None or before.value is None else "changes"


def _coverage(book: Book, as_of: date) -> Coverage:
    found = book.coverage()
    later = sum(content.force == AGREED and content.announced.on > as_of for _, content in book.announcements())
    return Coverage(None, None, later) if found is None else Coverage(*found, later)


def _conflicts(book: Book, about: list[Said], said: Said, as_of: date) -> Iterator[Said]:
    """Statements of other announcements of the same day that cover the day asked about with another value."""
    for other in about:
        if other.place.on != said.place.on or other.ref.n == said.ref.n:
            continue
        stroke = book.stroke(other)
        if stroke is not None and stroke.start <= as_of < stroke.end and stroke.value != said.statement.value:
            yield other


def order_uncertain(about: list[Said], said: Said) -> Iterator[Ref]:
    """Statements of the same lane whose coarse start may as well have come before as after this one's."""
    window = _coarse_start(said)
    if window is None:
        return
    for other in about:
        theirs = _coarse_start(other)
        if (
            other.ref != said.ref
            and other.force == said.force
            and theirs is not None
            and theirs.lo < window.hi
            and window.lo < theirs.hi
            and other.statement.value != said.statement.value
        ):
            yield other.ref


def _coarse_start(said: Said) -> CoarseDate | None:
    """The window in which the statement takes effect, if it is wider than a day."""
    statement: Statement = said.statement
    if statement.act == "reaffirm":
        return None
    window = said.announced.window if statement.effective is None else statement.effective
    return window if isinstance(window, CoarseDate) and not window.is_day else None
