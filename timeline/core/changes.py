"""Three differences, never confused: `changed` in the world, `learned` in our knowledge, `due` by the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from timeline.core.dates import END_OF_TIME, ONE_DAY, START_OF_TIME
from timeline.core.history import AGREED, Book, Slot
from timeline.core.line import SILENT, Cell, Cells, Line, at, boundaries, parting, same
from timeline.core.terms import Term


@dataclass(frozen=True, slots=True)
class Change:
    """On that day the term's value differs from the day before."""

    term: Term
    on: date
    before: Cell | None
    after: Cell | None


@dataclass(frozen=True, slots=True)
class Delta:
    """Over `[start, end)` we held `before` and now hold `after`; None is silence."""

    term: Term
    start: date
    end: date
    before: Cell | None
    after: Cell | None

    def when(self, today: date) -> str:
        """past, present or future, seen from that day."""
        if self.end <= today:
            return "past"
        return "future" if self.start > today else "present"


def changed(book: Book, after: date, upto: date, *, force: str = AGREED) -> list[Change]:
    """The changes of the world in `(after, upto]`, as this book knows them, by day and term."""
    found = [
        Change(term, on, before, now)
        for term in book.terms(force)
        for on, before, now in boundaries(book.line(term, force).cells, after, upto)
    ]
    return sorted(found, key=lambda change: (change.on, change.term))


def due(book: Book, on: date) -> list[Change]:
    """The changes that the clock brings on that day, as known when it began. The book must end there."""
    return changed(book, on - ONE_DAY, on)


def learned(before: Mapping[Slot, Line], after: Mapping[Slot, Line], *, force: str = AGREED) -> list[Delta]:
    """The maximal periods, by term and day, in which two states of knowledge differ.

    Args:
        before: Lines as once known; a slot that only one side has is silent on the other.
        after: The same lines as known later.
    """
    terms = sorted({slot.term for slot in (*before, *after) if slot.force == force})
    return [
        delta
        for term in terms
        for delta in _differences(
            term, before.get(Slot(force, term), SILENT).cells, after.get(Slot(force, term), SILENT).cells
        )
    ]


def lines_of(book: Book) -> dict[Slot, Line]:
    """Every line of the book, for `learned`."""
    return {
        Slot(force, term): book.line(term, force)
        for force in ("agreed", "proposed", "reported")
        for term in book.terms(force)
    }


def _differences(term: Term, before: Cells, after: Cells) -> Iterator[Delta]:
    before, after = parting(before, after)  # on the days of a cell that both have, nothing differs
    edges = sorted({START_OF_TIME, *_edges(before), *_edges(after)} - {END_OF_TIME})
    open_delta: Delta | None = None
    for start, end in zip(edges, (*edges[1:], END_OF_TIME), strict=True):
        was, now = at(before, start), at(after, start)
        if open_delta is not None and not (same(open_delta.before, was) and same(open_delta.after, now)):
            yield open_delta
            open_delta = None
        if not same(was, now):
            open_delta = Delta(term, open_delta.start if open_delta else start, end, was, now)
    if open_delta is not None:
        yield open_delta


def _edges(cells: Cells) -> Iterator[date]:
    for cell in cells:
        yield cell.start
        yield cell.end
