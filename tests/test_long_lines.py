"""Long lines are kept in pages: they say what the same cells in one tuple say, and share what did not change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import World, answers, book_of, expected, worlds
from timeline.core import line as lines
from timeline.core.dates import END_OF_TIME, ONE_DAY, START_OF_TIME
from timeline.core.line import (
    EXPIRED,
    IN_FORCE,
    PAGE,
    SILENT,
    Cell,
    Cells,
    Line,
    Pages,
    Ref,
    Stroke,
    at,
    boundaries,
    close,
    from_day,
    paint,
    parting,
)
from timeline.core.terms import Value

FIRST = date(2020, 1, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(40)]
AROUND = [START_OF_TIME, *DAYS, END_OF_TIME - ONE_DAY]
VALUES = [None, *(Value((("text", text),)) for text in "ab")]

Step = Stroke | date
"""A statement, or the day from which another lane has spoken."""


@st.composite
def steps(draw: st.DrawFn) -> list[Step]:
    """Statements of every kind, mostly one day after the other, and now and then the word of another lane."""
    said: list[Step] = []
    for n in range(draw(st.integers(1, 40))):
        anchor = draw(st.sampled_from(DAYS) if draw(st.integers(0, 3)) == 0 else st.just(DAYS[min(n, 39)]))
        lasts = draw(st.none() | st.integers(0, 20))
        end = END_OF_TIME if lasts is None else anchor + lasts * ONE_DAY
        if draw(st.integers(0, 20)) == 0:
            said.append(anchor)
            continue
        temporary = end != END_OF_TIME and draw(st.integers(0, 4)) == 0
        said.append(
            Stroke(
                ref=Ref(n, 1),
                value=draw(st.sampled_from(VALUES)),
                status=IN_FORCE,
                start=START_OF_TIME if draw(st.integers(0, 9)) == 0 and not temporary else anchor,
                anchor=anchor,
                end=end,
                lapses=None if end == END_OF_TIME else EXPIRED,
                exact=end != END_OF_TIME and draw(st.booleans()),
                for_good=end == END_OF_TIME and draw(st.integers(0, 9)) == 0,
                temporary=temporary,
            )
        )
    return said


def versions(said: list[Step], page: int) -> list[Line]:
    """The line after each of them, kept in pages of so many cells."""

    def heard(line: Line, step: Step) -> Line:
        return paint(line, step) if isinstance(step, Stroke) else close(line, step)

    with paged(page):
        return list(accumulate(said, heard, initial=SILENT))


@contextmanager
def paged(page: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "PAGE", page)
        yield


def read(line: Line, page: int) -> Cells:
    with paged(page):
        return line.cells


@given(steps(), st.integers(1, 4))
def test_what_is_kept_in_pages_is_what_one_tuple_keeps(said: list[Step], page: int) -> None:
    """Every version of it: its cells, what is read of it on any day, and where it parts from the one before."""
    # given the same statements, painted in pages and in one tuple
    kept, plain = versions(said, page), versions(said, 1_000)
    # then each version has the same cells
    assert kept == plain
    assert [hash(line) for line in kept] == [hash(line) for line in plain]
    pairs = [(read(line, page), tuple(other.cells)) for line, other in zip(kept, plain, strict=True)]
    for cells, same in pairs:
        assert tuple(cells) == same
        assert tuple(reversed(cells)) == same[::-1]
    # and parts from the one before by the same ones
    for (before, old), (after, new) in pairwise(pairs):
        assert parting(before, after) == parting(old, new)
    # and the last is read alike from every day
    for day in AROUND:
        assert at(cells, day) == at(same, day)
        assert list(from_day(cells, day)) == list(from_day(same, day))
        assert list(boundaries(cells, day, DAYS[-1])) == list(boundaries(same, day, DAYS[-1]))


@given(steps(), st.integers(1, 4))
def test_no_page_is_empty_and_few_cells_have_none(said: list[Step], page: int) -> None:
    for line in versions(said, page):
        for cells in (line.base, line.overlay, read(line, page)):
            pages = cells.pages if isinstance(cells, Pages) else ()
            assert len(pages) != 1
            assert all(0 < len(each) <= 2 * page for each in pages)
            assert isinstance(cells, Pages) or len(cells) <= 2 * page


@given(worlds())
def test_the_laws_hold_of_lines_in_pages_of_one_cell(world: World) -> None:
    """What the oracle answers, after every prefix of the log and at every announced moment."""
    with paged(1):
        for known in range(len(world.acts) + 1):
            assert answers(book_of(world.acts[:known])) == expected(world.log, known=known)
        for hour in world.hours:
            assert answers(book_of(world.acts, hour=hour)) == expected(world.log, hour=hour)


def test_a_further_step_leaves_all_but_the_last_pages_as_they_are() -> None:
    """However long the line is; so does one of long ago all but those about its day."""
    line = SILENT
    for number in range(20 * PAGE):
        grown = paint(line, _step(number, 2 * number))
        assert len(_fresh(line.base, grown.base)) <= 3
        line = grown
    inside = paint(line, Stroke(Ref(9_999, 1), VALUES[1], IN_FORCE, DAYS[7], DAYS[7], temporary=True, end=DAYS[8]))

    assert isinstance(line.base, Pages)
    assert len(line.base.pages) <= 20
    assert len(_fresh(line.base, inside.cells)) <= 2
    assert parting(line.cells, inside.cells)[1][1] == Cell(DAYS[7], DAYS[8], Ref(9_999, 1), VALUES[1], IN_FORCE)


def _step(n: int, after: int) -> Stroke:
    day = FIRST + timedelta(days=after)
    return Stroke(Ref(n, 1), VALUES[1 + n % 2], IN_FORCE, day, day)


def _fresh(before: Cells, after: Cells) -> list[tuple[Cell, ...]]:
    """The pages that only the second has."""
    known = {id(page) for page in _pages(before)}
    return [page for page in _pages(after) if id(page) not in known]


def _pages(cells: Cells) -> tuple[tuple[Cell, ...], ...]:
    return cells.pages if isinstance(cells, Pages) else (cells,)
