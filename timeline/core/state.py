"""The state of a partnership on a day: what is in force, what is over, what lies ahead, what is only reported."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Literal

from timeline.core.announcements import Statement, UntilEvent
from timeline.core.dates import END_OF_TIME, ONE_DAY, Announced, CoarseDate
from timeline.core.history import AGREED, Book
from timeline.core.line import CONDITION_MET, EXPIRED, SUSPENDED, Cell, Cells, Ref, at, boundaries, from_day
from timeline.core.said import Said
from timeline.core.terms import Term


@dataclass(frozen=True, slots=True)
class Holding:
    """One term on one day: the cell that governs, who said it, and how sure it is."""

    term: Term
    cell: Cell
    said: Said
    certain: bool
    confirmed: Announced | None
    """When it was last set or reaffirmed, up to the day asked about."""
    confirmed_by: tuple[Said, ...]
    """Later announcements that said it remains in force, oldest first."""
    conflicts: tuple[Said, ...]
    """What was said differently on the same announced day, and lost."""
    order_uncertain: tuple[Ref, ...]
    """The other statement whose coarse date overlaps, so that nobody can say which came last."""
    changed_on_this_day: bool
    """Whether the value differs from the day before's; a statement that only repeats it changes nothing."""
    next_change: date | None
    """The next day with another value; None when it holds until further notice."""

    @property
    def last_confirmed(self) -> date | None:
        """That day; of a coarse date the last possible one."""
        return None if self.confirmed is None else self.confirmed.on

    @property
    def over_on(self) -> Boundary:
        """The boundary since which it is over."""
        return beginning(self.said, self.cell)


@dataclass(frozen=True, slots=True)
class Boundary:
    """A day on which a line changes, and the month or year that was said of it."""

    on: date
    side: Literal["start", "end"]
    """Whether something starts on it, or ended with the day before by its own words."""
    window: CoarseDate | None
    """None when it was said to the day."""

    @property
    def precision(self) -> str:
        return "day" if self.window is None else self.window.precision


@dataclass(frozen=True, slots=True)
class Ahead:
    """A boundary still to come: on a day, or when an event happens (`on` is None)."""

    term: Term
    what: str
    """takes_effect, changes, ends, expires, reverts, suspends, resumes; starts or ends with an event."""
    said: Said
    boundary: Boundary | None = None
    event: str | None = None
    no_later_than: CoarseDate | None = None
    before: Cell | None = None
    after: Cell | None = None

    @property
    def on(self) -> date | None:
        return None if self.boundary is None else self.boundary.on


@dataclass(frozen=True, slots=True)
class Coverage:
    """From when to when a partnership's record speaks, as it was said; None for an empty one."""

    begins: CoarseDate | None
    ends: CoarseDate | None
    later: int
    """Agreed announcements that were announced after the day asked about."""

    @property
    def first(self) -> date | None:
        return None if self.begins is None else self.begins.lo

    @property
    def last(self) -> date | None:
        return None if self.ends is None else self.ends.last


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
    confirmed_by = tuple(
        other
        for other in book.sayings.reaffirming(term, as_of)
        if other.force == force and (then := at(cells, other.announced.on)) is not None and then.ref == cell.ref
    )
    heard = [each.announced for each in (said, *confirmed_by) if each.announced.on <= as_of]
    lapsed = cell.status in (EXPIRED, CONDITION_MET)
    return Holding(
        term=term,
        cell=cell,
        said=said,
        certain=lapsed or as_of >= book.certain_from(said),
        confirmed=max(heard, key=lambda announced: announced.on, default=None),
        confirmed_by=confirmed_by,
        conflicts=tuple(_conflicts(book, said, cell, as_of)),
        order_uncertain=tuple(order_uncertain(book, said)),
        changed_on_this_day=next(boundaries(cells, as_of - ONE_DAY, as_of), None) is not None,
        next_change=next((on for on, _, _ in boundaries(cells, as_of, END_OF_TIME)), None),
    )


def upcoming(book: Book, lines: dict[Term, Cells], after: date, upto: date, *, force: str = AGREED) -> Iterator[Ahead]:
    """What lies in `(after, upto]` on those lines, by day and term; then what waits for an event."""
    dated = [
        (on, term, before, now) for term, cells in lines.items() for on, before, now in boundaries(cells, after, upto)
    ]
    for on, term, before, now in sorted(dated, key=lambda found: found[:2]):
        governing = now if now is not None else before
        assert governing is not None  # a boundary has a cell on at least one side
        what = transition(book, before, now)
        yield Ahead(term, what, book.said(governing.ref), between(book, on, before, now), before=before, after=now)
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


def between(book: Book, on: date, before: Cell | None, after: Cell | None) -> Boundary:
    """The boundary between two cells that differ, with the date that was said of it."""
    side, cell = attributed(transition(book, before, after), before, after)
    return boundary(book.said(cell.ref), side, on)


def attributed(what: str, before: Cell | None, after: Cell | None) -> tuple[Literal["start", "end"], Cell]:
    """Whose boundary it is: the start of what begins, the end of what is over by its own words."""
    if after is not None and what in ("takes_effect", "changes", "suspends", "ends", "expires"):
        return _side(after), after
    assert before is not None  # something is over: it reverts, resumes or expires
    return "end", before


def beginning(said: Said, cell: Cell) -> Boundary:
    """The boundary at which a cell of that statement begins."""
    return boundary(said, _side(cell), cell.start)


def boundary(said: Said, side: Literal["start", "end"], on: date) -> Boundary:
    """The boundary of a statement on that day; a coarse date counts only where that day is its edge."""
    until = said.statement.until
    last = until.no_later_than if isinstance(until, UntilEvent) else until
    stated = _stated_start(said) if side == "start" else last
    if not isinstance(stated, CoarseDate) or stated.is_day or on != (stated.lo if side == "start" else stated.hi):
        return Boundary(on, side, None)
    return Boundary(on, side, stated)


def edge(cells: Cells, said: Callable[[Ref], Said], side: Literal["start", "end"], on: date) -> Boundary | None:
    """The boundary on that day of a line, as the start or the end of a stretch; None where the line has none.

    A stretch starts as its statement says, else as the one before it ends; it ends as its statement says, else as the
    next one starts.
    """
    was, now = at(cells, on - ONE_DAY), at(cells, on)
    starts = beginning(said(now.ref), now) if now is not None and now.start == on else None
    ends = boundary(said(was.ref), "end", on) if was is not None and was.end == on else None
    if side == "start":
        stated = None if now is None else _stated_start(said(now.ref))
        return starts if stated is not None and stated.lo == on else ends or starts
    return ends if ends is not None and ends.window is not None else starts or ends


def _side(cell: Cell) -> Literal["start", "end"]:
    return "end" if cell.value is None and cell.status in (EXPIRED, CONDITION_MET) else "start"


def _coverage(book: Book, as_of: date) -> Coverage:
    extent = book.extent()
    later = len(extent.agreed) - bisect_right(extent.agreed, as_of)
    return Coverage(extent.first, extent.last, later)


def _conflicts(book: Book, said: Said, cell: Cell, as_of: date) -> Iterator[Said]:
    """Statements of the same announced day that cover the day asked about with another value than the cell has.

    Of the same announcement only what begins on the same day: what begins on another is its next or former step.
    """
    start, _ = book.start(said)
    for other in book.sayings.beside(said):
        stroke = book.stroke(other) if other.force == said.force and other.ref != said.ref else None
        if stroke is None or (other.ref.n == said.ref.n and stroke.start != start):
            continue
        if stroke.start <= as_of < stroke.end and stroke.value != cell.value:
            yield other


def order_uncertain(book: Book, said: Said) -> Iterator[Ref]:
    """Statements of the same lane whose coarse start may as well have come before as after this one's."""
    window = _coarse_start(said)
    if window is None:
        return
    for other in book.sayings.about(said.statement.term):
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


def _stated_start(said: Said) -> CoarseDate | None:
    """The day, month or year from which the statement says that it holds; None for an event, or for nobody knows."""
    effective = said.statement.effective
    stated = said.announced.window if effective is None else effective
    return stated if isinstance(stated, CoarseDate) else None


def _coarse_start(said: Said) -> CoarseDate | None:
    """The window in which the statement takes effect, if it is wider than a day."""
    statement: Statement = said.statement
    if statement.act == "reaffirm":
        return None
    window = _stated_start(said)
    return None if window is None or window.is_day else window
