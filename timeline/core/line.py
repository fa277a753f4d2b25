"""What one term's days look like: paint and read. The only interval algebra in the house.

Days are half-open `[start, end)`; a term's *base* is painted by lasting statements and its *overlay* by temporary
ones, which are read first. A day that no cell covers is silent: nobody said anything about it.

Cells are a tuple, and from some hundred on a tuple of such tuples, which versions of a line share: what a statement
costs to paint does not grow with what was said before it (decisions/0034).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from datetime import date
from itertools import chain
from operator import attrgetter
from typing import NamedTuple

from timeline.core.dates import END_OF_TIME, ONE_DAY, START_OF_TIME
from timeline.core.terms import Value

IN_FORCE = "in_force"
TERMINATED = "terminated"
EXPIRED = "expired"
CONDITION_MET = "condition_met"
SUSPENDED = "suspended"


class Ref(NamedTuple):
    """One statement: the place of its announcement in the partnership's record, and its own in the announcement."""

    n: int
    number: int

    def __str__(self) -> str:
        return f"{self.n}#{self.number}"


class Cell(NamedTuple):
    """Days that one statement governs alike. `value` None: said to be over, `status` says how."""

    start: date
    end: date
    ref: Ref
    value: Value | None
    status: str


PAGE = 64
"""So many cells are a page; one that has grown beyond twice as many is divided."""

_Few = tuple[Cell, ...]


class Pages:
    """The cells of a long line, in pages that have at least one each."""

    __slots__ = ("pages",)

    def __init__(self, pages: tuple[_Few, ...]) -> None:
        self.pages = pages

    def __iter__(self) -> Iterator[Cell]:
        return chain.from_iterable(self.pages)

    def __reversed__(self) -> Iterator[Cell]:
        return chain.from_iterable(map(reversed, reversed(self.pages)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | Pages) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def place(self, on: date) -> int:
        """The page with the last cell that begins by that day; the first one when none does."""
        return max(bisect_right(self.pages, on, key=_first) - 1, 0)

    def changed(self, start: date, end: date, change: Callable[[_Few], Cells]) -> Cells:
        """These cells, with those changed that begin or end on a day of `[start, end]`; all others are shared."""
        first = max(bisect_left(self.pages, start, key=_first) - 1, 0)
        last = max(bisect_right(self.pages, end, key=_first), first + 1)
        made = change(tuple(chain.from_iterable(self.pages[first:last])))
        pages = self.pages[:first] + _pages(made) + self.pages[last:]
        return Pages(pages) if len(pages) > 1 else tuple(chain.from_iterable(pages))


Cells = _Few | Pages
"""Ordered, disjoint, none empty, equal neighbours joined."""


class Stroke(NamedTuple):
    """A statement made ready to paint.

    `anchor` is the first day on which it certainly holds; it differs from `start` only where the start is unknown
    (`start` is then `START_OF_TIME`). `end` is the day on which it is over by its own words, and `lapses` how:
    None when it does not end by itself. It is `exact` when it was said to hold up to that end, whatever is
    scheduled in between; one that holds until an event lets a scheduled step take over before.
    """

    ref: Ref
    value: Value | None
    status: str
    start: date
    anchor: date
    end: date = END_OF_TIME
    lapses: str | None = None
    exact: bool = False
    for_good: bool = False
    temporary: bool = False


class Line(NamedTuple):
    base: Cells = ()
    overlay: Cells = ()

    @property
    def cells(self) -> Cells:
        """The line as it is read: the overlay first, then the base."""
        seen = self.base
        for cell in self.overlay:
            seen = _put(seen, cell)
        return seen


SILENT = Line()


def paint(line: Line, stroke: Stroke) -> Line:
    """Return `line` with one more statement heard. The only place a statement has an effect.

    An open statement holds until the first later day that another one governs: a scheduled step stays, silence
    stops nothing. A bounded one holds on exactly its days; after them the term has lapsed, unless it was called
    temporary: then what it covered shows again. One with an unknown start holds, beyond doubt, from its anchor,
    and before that only where nobody else has spoken (decisions/0003). One that is over before it begins leaves the
    term lapsed from its beginning.
    """
    if stroke.temporary:
        return Line(line.base, _put(line.overlay, _cell(stroke, stroke.start, stroke.end)))
    base, overlay = line.base, line.overlay
    step = END_OF_TIME if stroke.for_good else _next_step(base, stroke, stroke.anchor)
    end = stroke.end if stroke.exact else min(stroke.end, step)
    lapses = end <= stroke.anchor or not _taken_over_at(base, end) if stroke.exact else end < step
    if stroke.lapses is not None and lapses:
        over = Cell(end, _next_step(base, stroke, end), stroke.ref, None, stroke.lapses)
        base, overlay = _put(base, over), _clear(overlay, over.start, over.end)
    start = stroke.start if stroke.start == stroke.anchor else _silent_since(base, stroke.anchor)
    base = _put(base, _cell(stroke, start, end))
    if stroke.exact or stroke.value is None:
        overlay = _clear(overlay, stroke.anchor, end)
    elif (covering := at(overlay, stroke.anchor)) is not None:
        overlay = _put(overlay, _cell(stroke, stroke.anchor, covering.end))
    return Line(base, overlay)


def close(line: Line, start: date) -> Line:
    """Return `line` silent from `start` on: another lane has spoken."""
    return Line(_clear(line.base, start, END_OF_TIME), _clear(line.overlay, start, END_OF_TIME))


def at(cells: Cells, on: date) -> Cell | None:
    """The cell that covers that day, None when it is silent."""
    if isinstance(cells, Pages):
        cells = cells.pages[cells.place(on)]
    place = bisect_right(cells, on, key=_start) - 1
    if place >= 0 and cells[place].end > on:
        return cells[place]
    return None


def from_day(cells: Cells, on: date) -> Iterator[Cell]:
    """The cells that cover that day or begin after it, in order."""
    if isinstance(cells, Pages):
        ahead = chain.from_iterable(cells.pages[cells.place(on) :])
        return (cell for cell in ahead if cell.end > on)
    place = max(bisect_right(cells, on, key=_start) - 1, 0)
    return (cell for cell in cells[place:] if cell.end > on)


def boundaries(cells: Cells, after: date, upto: date) -> Iterator[tuple[date, Cell | None, Cell | None]]:
    """The days in `(after, upto]` on which the value differs from the day before, with both cells, in order."""
    before = at(cells, after)
    for cell in from_day(cells, after):
        if cell.start > after:
            if before is not None and before.end < cell.start:
                if before.end > upto:
                    return
                yield before.end, before, None
                before = None
            if cell.start > upto:
                return
            if not same(before, cell):
                yield cell.start, before, cell
        before = cell
    if before is not None and after < before.end <= upto and before.end != END_OF_TIME:
        yield before.end, before, None


def parting(before: Cells, after: Cells) -> tuple[tuple[Cell, ...], tuple[Cell, ...]]:
    """What is left of two lines without the cells that both begin with and that both end with."""
    if isinstance(before, Pages) or isinstance(after, Pages):
        old, new = _pages(before), _pages(after)
        first, last = _shared(old, new)
        before = tuple(chain.from_iterable(old[first : len(old) - last]))
        after = tuple(chain.from_iterable(new[first : len(new) - last]))
    first, last = _shared(before, after)
    return before[first : len(before) - last], after[first : len(after) - last]


def same(one: Cell | None, other: Cell | None) -> bool:
    """Whether a reader sees the same value: both silent, both over, or the same words in force."""
    if one is None or other is None:
        return one is other
    return one.value == other.value


def _shared(one: tuple[object, ...], other: tuple[object, ...]) -> tuple[int, int]:
    """How many cells, or pages, both begin with, and with how many of the others both end."""
    first = _begin_with(one, other)
    return first, _begin_with(one[first:][::-1], other[first:][::-1])


def _begin_with(one: tuple[object, ...], other: tuple[object, ...]) -> int:
    """How many both begin with.

    Slices are compared, not cells: most of them are the same objects, which costs a tenth of a step in Python.
    """
    low, high = 0, min(len(one), len(other))
    near = max(high - 4, 0)  # mostly what is new is said of the last days
    if one[:near] == other[:near]:
        low = near
    else:
        high = near
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _cell(stroke: Stroke, start: date, end: date) -> Cell:
    return Cell(start, end, stroke.ref, stroke.value, stroke.status)


_start = attrgetter("start")


def _first(page: _Few) -> date:
    return page[0].start


def _pages(cells: Cells) -> tuple[_Few, ...]:
    if isinstance(cells, Pages):
        return cells.pages
    return (cells,) if cells else ()


def _paged(cells: _Few) -> Cells:
    """The cells in pages if they have grown too many."""
    if len(cells) <= 2 * PAGE:
        return cells
    return Pages(tuple([cells[place : place + PAGE] for place in range(0, len(cells), PAGE)]))


def _next_step(base: Cells, stroke: Stroke, start: date) -> date:
    """The first day after `start` governed by another statement than the one that governs `start` or the stroke."""
    if not base or (base.pages[-1] if isinstance(base, Pages) else base)[-1].start <= start:
        return END_OF_TIME
    governing = at(base, start)
    replaced = {stroke.ref, governing.ref if governing is not None else stroke.ref}
    later = (cell.start for cell in from_day(base, start) if cell.start > start and cell.ref not in replaced)
    return next(later, END_OF_TIME)


def _taken_over_at(base: Cells, end: date) -> bool:
    """Whether another statement begins to govern exactly on that day."""
    cell = at(base, end)
    if cell is None:
        return False
    before = at(base, end - ONE_DAY)
    return before is None or before.ref != cell.ref


def _silent_since(base: Cells, anchor: date) -> date:
    """The first of the silent days that run up to `anchor`; `anchor` itself when the day before is governed."""
    if isinstance(base, Pages):
        base = base.pages[base.place(anchor - ONE_DAY)]
    place = bisect_left(base, anchor, key=_start) - 1
    return START_OF_TIME if place < 0 else min(base[place].end, anchor)


def _put(cells: Cells, new: Cell) -> Cells:
    """The cells with `new` laid over them, joined with equal neighbours."""
    if new.start >= new.end:
        return cells
    if isinstance(cells, Pages):
        return cells.changed(new.start, new.end, lambda few: _put(few, new))
    before, after = _around(cells, new.start, new.end)
    if before and _goes_on(before[-1], new):
        new = new._replace(start=before[-1].start)
        before = before[:-1]
    if after and _goes_on(new, after[0]):
        new = new._replace(end=after[0].end)
        after = after[1:]
    return _paged((*before, new, *after))


def _clear(cells: Cells, start: date, end: date) -> Cells:
    """The cells without the days `[start, end)`."""
    if start >= end or not cells:
        return cells
    if isinstance(cells, Pages):
        return cells.changed(start, end, lambda few: _clear(few, start, end))
    before, after = _around(cells, start, end)
    return _paged(before + after)


def _around(cells: _Few, start: date, end: date) -> tuple[_Few, _Few]:
    """What the cells say before `start`, and from `end` on."""
    first, last = bisect_left(cells, start, key=_start), bisect_left(cells, end, key=_start)
    before, after = cells[:first], cells[last:]
    if last > 0 and cells[last - 1].end > end:
        after = (cells[last - 1]._replace(start=end), *after)
    if before and before[-1].end > start:
        before = (*before[:-1], before[-1]._replace(end=start))
    return before, after


def _goes_on(cell: Cell, following: Cell) -> bool:
    """Whether the second says the same as the first, from the day on which that ends."""
    return cell.end == following.start and cell[2:] == following[2:]
