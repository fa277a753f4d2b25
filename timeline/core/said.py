"""What was said: the live statements of a record, each in its place in the order of the fold."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import NamedTuple

from timeline.core.announcements import Source, Statement, UntilEvent, When
from timeline.core.dates import Announced
from timeline.core.line import Ref
from timeline.core.terms import Term


class Place(NamedTuple):
    """A statement's place in the order of the fold.

    Of one announced day what is agreed comes before what is only proposed or reported, so that it closes nothing
    that was said beside it on the same day.
    """

    on: date
    beside: bool
    tier: int
    seq: int
    number: int


@dataclass(frozen=True, slots=True)
class Said:
    """A live statement with what the fold needs to know of its announcement."""

    ref: Ref
    place: Place
    statement: Statement
    source: Source
    announced: Announced
    force: str

    @property
    def events(self) -> tuple[str, ...]:
        """The events that it names: the one that it begins with, the one that it holds until."""
        effective, until = self.statement.effective, self.statement.until
        begins = (effective.event,) if isinstance(effective, When) else ()
        return (*begins, until.event) if isinstance(until, UntilEvent) else begins


_Entries = defaultdict[Term, list[tuple[Place, Said]]]


class Sayings:
    """The live statements of one record, by what is asked of them."""

    def __init__(self) -> None:
        self._by_announcement: dict[int, tuple[Said, ...]] = {}
        self._by_term: _Entries = defaultdict(list)
        self._reaffirming: _Entries = defaultdict(list)
        self._awaiting: dict[int, tuple[Said, ...]] = {}
        """What names an event, by announcement."""

    def fork(self) -> Sayings:
        """The same statements, to go on with alone."""
        twin = Sayings()
        twin._by_announcement, twin._awaiting = dict(self._by_announcement), dict(self._awaiting)
        twin._by_term.update((term, list(entries)) for term, entries in self._by_term.items())
        twin._reaffirming.update((term, list(entries)) for term, entries in self._reaffirming.items())
        return twin

    def of(self, n: int) -> tuple[Said, ...]:
        """What announcement n says now; nothing when it does not count."""
        return self._by_announcement.get(n, ())

    def replace(self, n: int, new: tuple[Said, ...]) -> bool:
        """Let announcement n say this; whether all of it is new, and comes after all that was said of its terms."""
        old = self.of(n)
        self._by_announcement[n] = new
        awaiting = tuple([said for said in new if said.events])
        if awaiting or n in self._awaiting:
            self._awaiting[n] = awaiting
        for said in old:
            for entries in self._entries(said):
                del entries[bisect_left(entries, said.place, key=_place)]
        last = not old
        for said in new:
            for entries in self._entries(said):
                last = last and (not entries or entries[-1][0] < said.place)
                insort(entries, (said.place, said), key=_place)
        return last

    def about(self, term: Term) -> list[Said]:
        """Every statement about the term, all lanes, in the order of the fold."""
        return [said for _, said in self._by_term.get(term, ())]

    def beside(self, said: Said) -> list[Said]:
        """What was said of the same term on the same announced day, in the order of the fold, itself included."""
        entries, on = self._by_term[said.statement.term], said.place.on
        return [other for _, other in entries[bisect_left(entries, on, key=_day) : bisect_right(entries, on, key=_day)]]

    def reaffirming(self, term: Term, upto: date) -> list[Said]:
        """Every “remains in force” about the term that was announced by that day, in the order of the fold."""
        entries = self._reaffirming.get(term, [])
        return [said for _, said in entries[: bisect_right(entries, upto, key=_day)]]

    def awaiting(self) -> Iterator[Said]:
        """The statements that name an event, in the order recorded."""
        return (said for n in sorted(self._awaiting) for said in self._awaiting[n])

    def _entries(self, said: Said) -> Iterator[list[tuple[Place, Said]]]:
        yield self._by_term[said.statement.term]
        if said.statement.act == "reaffirm":
            yield self._reaffirming[said.statement.term]


_place = itemgetter(0)


def _day(entry: tuple[Place, Said]) -> date:
    return entry[0].on
