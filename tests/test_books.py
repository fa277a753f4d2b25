"""A book goes on from where another one was, and answers as if it had heard everything itself; books are kept so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Clock
from tests.records import DAY, append, opening, retracted, said
from tests.worlds import LANES, STARTS, World, moment, records, terms, worlds
from timeline.books import Books
from timeline.core.dates import CoarseDate
from timeline.core.history import AGREED, Book, Extent
from timeline.core.state import State, state
from timeline.log import Event, Log, Reader

ACME = "acme-bolt"


def states(book: Book) -> list[State]:
    return [state(book, day, force=lane) for lane in LANES for day in STARTS]


def extent_of(book: Book) -> Extent:
    """From what the announcements say, all of them looked at."""
    contents = [content for _, content in book.announcements()]
    stated = [each.effective for content in contents for each in content.statements]
    windows = [content.announced.window for content in contents]
    stated = [each.effective for content in contents for each in content.statements]
    dated = [*windows, *(each for each in stated if isinstance(each, CoarseDate))]
    return Extent(
        first=min(dated, key=lambda window: (window.lo, window.hi), default=None),
        last=max(windows, key=lambda window: (window.hi, window.lo), default=None),
        agreed=sorted(content.announced.on for content in contents if content.force == AGREED),
    )


@given(worlds(), st.data())
def test_a_fork_hears_on_as_if_it_had_heard_everything(world: World, data: st.DataObject) -> None:
    """At any act, whatever was announced by then; and the book that it was forked from stays where it was."""
    heard = records(world.acts)
    place = data.draw(st.integers(0, len(heard)))
    hour = data.draw(st.sampled_from([None, *world.hours]))
    announced_by = None if hour is None else moment(hour)
    begun, alone = (Book(announced_by).hear_all(heard[:place]) for _ in range(2))
    if data.draw(st.booleans()):
        begun.extent()  # from here on it is kept up to date
    # when it is forked and the fork hears the rest
    whole = begun.fork().hear_all(heard[place:])
    # then
    assert states(whole) == states(Book(announced_by).hear_all(heard))
    assert states(begun) == states(alone)


@given(worlds())
def test_how_far_a_record_speaks_is_what_its_announcements_say(world: World) -> None:
    """Asked after every act, and asked once at the end."""
    asked = Book()
    for recorded in records(world.acts):
        asked.hear(recorded)
        assert asked.extent() == extent_of(asked)
    assert Book().hear_all(records(world.acts)).extent() == extent_of(asked)


@given(worlds())
def test_what_is_asked_of_statements_is_found_among_all_of_them(world: World) -> None:
    """Those of one day, those that reaffirm, those that name an event."""
    book = Book().hear_all(records(world.acts))
    sayings = book.sayings
    for name in terms():
        about = sayings.about(name)
        for each in about:
            assert sayings.beside(each) == [other for other in about if other.place.on == each.place.on]
        for day in STARTS:
            reaffirming = [each for each in about if each.statement.act == "reaffirm" and each.announced.on <= day]
            assert sayings.reaffirming(name, day) == reaffirming
    live = chain.from_iterable(sayings.of(n) for n in book.records)
    assert list(sayings.awaiting()) == [each for each in live if each.events]


@contextmanager
def read_acts() -> Iterator[list[str]]:
    """A block in which it is noted which acts were read from the log."""
    read: list[str] = []

    def noted(reader: Reader, partnership: str, **given: int) -> Iterator[Event]:
        for event in events_of(reader, partnership, **given):
            read.append(event.citation)
            yield event

    events_of = Reader.events_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reader, "events_of", noted)
        yield read


def test_after_one_more_act_only_that_one_is_read(log: Log) -> None:
    """And a position between two acts of the partnership is the earlier of them."""
    append(log, opening(), said(1), said(2), opening("ada-bo"))
    kept = Books()
    with log.reading() as reader:
        whole = kept.upto(reader, ACME, 3, None)
        with read_acts() as read:
            assert kept.upto(reader, ACME, 4, None) is whole
    append(log, retracted(1), said(3))
    with log.reading() as reader, read_acts() as read:
        grown = kept.upto(reader, ACME, 6, None)
    assert read == [f"{ACME}/3", f"{ACME}/4"]
    assert list(whole.records) == [1, 2]
    with log.reading() as reader:
        anew = Books().upto(reader, ACME, 6, None)
    assert (grown.records, state(grown, DAY)) == (anew.records, state(anew, DAY))


def test_each_position_has_its_own_book(log: Log) -> None:
    """Also one before the opening, and whichever was asked about first."""
    append(log, opening("ada-bo"), opening(), said(1), said(2))
    kept = Books()
    for seq in (4, 1, 3, 2, 4, 0):
        with log.reading() as reader:
            assert list(kept.upto(reader, ACME, seq, None).records) == list(range(1, seq - 1))


def test_a_book_of_another_log_is_not_gone_on_with(sqlite_url: str, postgresql_url: str, clock: Clock) -> None:
    """A backup may have been restored: the same places, other acts."""
    kept = Books()
    found = []
    for url, second in ((sqlite_url, 2), (postgresql_url, 5)):
        log = Log.open(url, clock=clock)
        append(log, opening(), said(1), said(second))
        with log.reading() as reader:
            found.append(state(kept.upto(reader, ACME, 3, None), DAY))
        append(log, said(7))
        with log.reading() as reader:
            assert state(kept.upto(reader, ACME, 4, None), DAY) == state(Books().upto(reader, ACME, 4, None), DAY)
        log.close()
    assert found[0] != found[1]
