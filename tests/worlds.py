"""Small worlds to check laws on: eight days, two terms, a few acts, each as a document and as the oracle reads it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from tests import oracle
from tests.oracle import FIRST, LAST, Event, Said, Told, Window
from timeline.core.acceptance import check
from timeline.core.announcements import Act, act_from_json
from timeline.core.dates import END_OF_TIME, START_OF_TIME
from timeline.core.history import Book, Recorded
from timeline.core.line import Cells, at
from timeline.core.terms import BUILTIN, Term, term

_PATIENT = (HealthCheck.too_slow, HealthCheck.data_too_large)
settings.register_profile(
    "default", deadline=None, max_examples=200, derandomize="CI" in os.environ, suppress_health_check=_PATIENT
)
settings.register_profile("quick", deadline=None, max_examples=30, derandomize=True, suppress_health_check=_PATIENT)
settings.register_profile("soak", deadline=None, max_examples=20_000, suppress_health_check=_PATIENT)
settings.load_profile(os.environ.get("TIMELINE_TEST_PROFILE", "default"))

OPENING = {"partnership": "ada-bo", "name": "Ada – Bo", "parties": {"ada": "Ada", "bo": "Bo"}}
TERMS = ("clause/one", "clause/two")
VALUES = ("a", "b", "c")
EVENTS = ("closing", "review")
LANES = ("agreed", "proposed", "reported")
TIERS = ("aggregator", "press", "party", "filing")

DAY_ZERO = date(2020, 12, 28)
"""The first of the eight days; the fifth is a new year's first, so that months and years begin and end inside."""
STARTS = (
    START_OF_TIME,
    date(2020, 1, 1),
    date(2020, 12, 1),
    date(2020, 12, 27),
    *(DAY_ZERO + timedelta(days=number) for number in range(8)),
    date(2021, 1, 5),
    date(2021, 2, 1),
    date(2022, 1, 1),
)
"""The first real day of each of the oracle's days."""
ENDS = (*STARTS[1:], END_OF_TIME)
COARSE = {"2020": Window(1, 8), "2020-12": Window(2, 8), "2021": Window(8, 14), "2021-01": Window(8, 13)}
RECORDED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class World:
    """What was recorded after the opening: as documents for the product, and as the oracle's log."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    log: oracle.Log = field(default_factory=list)

    @property
    def acts(self) -> list[Act]:
        return [act_from_json(document, BUILTIN) for document in self.documents]

    @property
    def hours(self) -> list[int]:
        """The moments of the announced axis just before and at which something becomes public."""
        found = set()
        for act in self.log:
            match act:
                case oracle.Announcement(told):
                    found.add(told.hour)
                case oracle.Correction(_, told, from_hour):
                    found |= {told.hour, told.hour if from_hour is None else from_hour}
                case oracle.Retraction(_, from_hour):
                    found |= set() if from_hour is None else {from_hour}
                case oracle.Occurrence(_, _, hour):
                    found.add(hour)
        return sorted(found | {hour - 1 for hour in found})


# The product's side


def moment(hour: int) -> datetime:
    return datetime(2020, 12, 28, tzinfo=UTC) + timedelta(hours=hour)


def records(acts: Iterable[Act]) -> list[Recorded]:
    """The opening and then the acts, as a log records them."""
    opening = act_from_json(OPENING, BUILTIN)
    return [Recorded(n + 1, n, RECORDED, act) for n, act in enumerate((opening, *acts))]


def book_of(acts: Iterable[Act], *, hour: int | None = None) -> Book:
    return Book(None if hour is None else moment(hour)).hear_all(records(acts))


def accepted(acts: Iterable[Act]) -> Book:
    """The book of those acts, each of which may be recorded after the ones before it."""
    book = Book()
    for recorded in records(acts):
        check(book, recorded.act, BUILTIN)
        book.hear(recorded)
    return book


def read(cells: Cells, day: date) -> oracle.Cell | None:
    """What governs on that day, in the oracle's words."""
    cell = at(cells, day)
    if cell is None:
        return None
    said = oracle.NONE if cell.value is None else str(cell.value.get("text"))
    return oracle.Cell((cell.ref.n, cell.ref.number - 1), said, None if cell.value is not None else cell.status)


def as_days(cells: Cells) -> oracle.Line:
    """A line of the product as the oracle's list of days; both ends of the outer days must agree."""
    line = []
    for start, end in zip(STARTS, ENDS, strict=True):
        first, last = read(cells, start), read(cells, end - timedelta(days=1))
        assert first == last
        line.append(first)
    return line


def answers(book: Book) -> dict[tuple[str, str], oracle.Line]:
    """What the book holds on every day, by lane and term."""
    return {(lane, name): as_days(book.line(term(name), lane).cells) for lane in LANES for name in TERMS}


def expected(
    log: oracle.Log, *, known: int | None = None, hour: int | None = None
) -> dict[tuple[str, str], oracle.Line]:
    """What the oracle answers to the same."""
    return {(lane, name): oracle.line(log, name, lane=lane, known=known, hour=hour) for lane in LANES for name in TERMS}


def terms() -> list[Term]:
    return [term(name) for name in TERMS]


def shifted(document: Any, days: int) -> Any:
    """The same plain data with every full date moved by so many days."""
    if isinstance(document, dict):
        return {name: shifted(value, days) for name, value in document.items()}
    if isinstance(document, list):
        return [shifted(value, days) for value in document]
    if isinstance(document, str) and re.match(r"\d{4}-\d{2}-\d{2}", document):
        return (date.fromisoformat(document[:10]) + timedelta(days=days)).isoformat() + document[10:]
    return document


# Strategies


@dataclass
class Shape:
    """What may occur in the worlds of one law."""

    coarse: bool = True
    later_acts: bool = True
    distinct_days: bool = False
    lanes: tuple[str, ...] = ("agreed", "agreed", "agreed", "proposed", "reported")
    events: bool = True
    most: int = 6


class Maker:
    """Draws one world, act by act; only what may be recorded next."""

    def __init__(self, draw: Any, shape: Shape) -> None:
        self.draw = draw
        self.shape = shape
        self.world = World()
        days = st.integers(FIRST, LAST)
        self.favourite = draw(st.lists(days, min_size=1, max_size=3))
        self.day = st.sampled_from(self.favourite) | days
        self.unused = draw(st.permutations(range(FIRST, LAST + 1))) if shape.distinct_days else []

    def make(self, acts: int) -> World:
        for _ in range(acts):
            choices = [self.announcement, self.announcement]
            if self.shape.later_acts and self.live():
                if not all(self.doubles(n) for n in self.live()):
                    choices.append(self.retraction)
                if any(isinstance(self.world.log[n - 1], oracle.Announcement) for n in self.live()):
                    choices.append(self.correction)
            if self.awaited():
                choices.append(self.occurrence)
            self.draw(st.sampled_from(choices))()
        return self.world

    def live(self) -> list[int]:
        log = self.world.log
        return [n for n in range(1, len(log) + 1) if oracle.counts(log, n, len(log), None)]

    def awaited(self) -> list[str]:
        log = self.world.log
        named = {
            waits.name
            for task in oracle.tasks(log, len(log), None)
            for waits in (task.said.start, task.said.until)
            if isinstance(waits, Event)
        }
        return sorted(named - oracle.happened(log, len(log), None).keys())

    def doubles(self, n: int) -> bool:
        """Whether taking back act n would bring back a second occurrence of one event."""
        log = self.world.log
        after = [*log, oracle.Retraction(n)]
        back = [
            act.event
            for m, act in enumerate(log, start=1)
            if isinstance(act, oracle.Occurrence) and oracle.counts(after, m, len(after), None)
        ]
        return len(back) != len(set(back))

    def add(self, document: dict[str, Any], act: oracle.Act) -> None:
        self.world.documents.append(document)
        self.world.log.append(act)

    def announcement(self) -> None:
        document, told = self.told()
        self.add({"partnership": "ada-bo"} | document, oracle.Announcement(told))

    def correction(self) -> None:
        targets = [n for n in self.live() if isinstance(self.world.log[n - 1], oracle.Announcement)]
        n = self.draw(st.sampled_from(targets))
        head, from_hour = self.by("corrected_on")
        document, told = self.told()
        self.add({"corrects": f"ada-bo/{n}", **head, **document}, oracle.Correction(n, told, from_hour))

    def retraction(self) -> None:
        n = self.draw(st.sampled_from([n for n in self.live() if not self.doubles(n)]))
        head, from_hour = self.by("retracted_on")
        self.add({"retracts": f"ada-bo/{n}", **head}, oracle.Retraction(n, from_hour))

    def by(self, name: str) -> tuple[dict[str, Any], int | None]:
        if self.draw(st.booleans()):
            return {"reason": "a slip", "by": "editor"}, None
        day = self.draw(self.day)
        return {"reason": "withdrawn", "by": "issuer", name: text(day)}, 24 * (day - FIRST)

    def occurrence(self) -> None:
        event = self.draw(st.sampled_from(self.awaited()))
        day = self.draw(self.day)
        said, told_on = self.announced()
        document = {
            "partnership": "ada-bo",
            "occurred": event,
            "on": text(day),
            "announced": said,
            "sources": [{"publisher": "Ada", "tier": "party"}],
        }
        self.add(document, oracle.Occurrence(event, day, told_on.hour))

    def announced(self) -> tuple[str, Told]:
        day = self.unused.pop() if self.unused else self.draw(self.day)
        window = Window(day, day + 1)
        start = 24 * (day - FIRST)
        forms = ["day", "day", "day", "early", "late"]
        if self.shape.coarse and not self.shape.distinct_days:
            forms += ["2020", "2020-12"]
        match form := self.draw(st.sampled_from(forms)):
            case "early":
                return f"{text(day)}T01:00:00+05:00", Told(day, window, start - 4)
            case "late":
                return f"{text(day)}T20:00:00-08:00", Told(day, window, start + 28)
            case "2020" | "2020-12":
                last = COARSE[form].hi - 1
                return form, Told(last, COARSE[form], 24 * (last - FIRST))
        return text(day), Told(day, window, start)

    def told(self) -> tuple[dict[str, Any], Told]:
        said_on, told = self.announced()
        tiers = self.draw(st.lists(st.sampled_from(TIERS), min_size=1, max_size=2))
        made = [self.statement(told, tiers) for _ in range(self.draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3))))]
        document = {
            "title": "News",
            "announced": said_on,
            "sources": [{"publisher": "Ada", "tier": tier} for tier in tiers],
            "statements": [statement for statement, _ in made],
        }
        return document, told._replace(said=tuple(said for _, said in made))

    def statement(self, told: Told, tiers: list[str]) -> tuple[dict[str, Any], Said]:
        draw = self.draw
        act = draw(st.sampled_from(("set", "set", "set", "set", "end", "end", "reaffirm")))
        name = draw(st.sampled_from((TERMS[0], TERMS[0], TERMS[1])))
        source = draw(st.integers(1, len(tiers)))
        lane = draw(st.sampled_from(self.shape.lanes))
        said = Said(name, act, lane=lane, tier=TIERS.index(tiers[source - 1]))
        document: dict[str, Any] = {"term": name, "quote": "so it is", "source": source, "force": lane}
        if act == "reaffirm":
            return document | {"reaffirm": True}, said
        if act == "set":
            said = said._replace(value=draw(st.sampled_from(VALUES)))
        document[act] = {"text": said.value} if act == "set" else True
        temporary = draw(st.sampled_from((False, False, True)))
        start_text, start = self.start(certain=temporary or act == "end")
        until_text, until = self.until(temporary=temporary, end=act == "end")
        last = until.outer if isinstance(until, Event) else until
        first = told.window if start is None else start
        if isinstance(first, Window) and isinstance(last, int) and last <= first.lo:
            start_text, start = text(last - 1), Window(last - 1, last)
        for key, given in (("effective", start_text), ("until", until_text), ("temporary", temporary or None)):
            if given is not None:
                document[key] = given
        return document, said._replace(start=start, until=until, temporary=temporary)

    def start(self, *, certain: bool) -> tuple[Any, Window | Event | str | None]:
        forms = ["day"] * 4 + ["assumed"]
        forms += [] if certain else ["unknown"]
        forms += [*EVENTS] if self.shape.events else []
        forms += [*COARSE] if self.shape.coarse else []
        match form := self.draw(st.sampled_from(forms)):
            case "day":
                day = self.draw(self.day)
                return text(day), Window(day, day + 1)
            case "assumed":
                return None, None
            case "unknown":
                return "unknown", "unknown"
            case _ if form in EVENTS:
                return {"event": form}, Event(form)
        return form, COARSE[form]

    def until(self, *, temporary: bool, end: bool) -> tuple[Any, int | Event | str | None]:
        forms = [] if temporary else ["open", "open", "open", "for-good"]
        if temporary or not end:
            forms += ["day"] * 3
            forms += [*EVENTS, *EVENTS] if self.shape.events else []
            forms += [*COARSE] if self.shape.coarse else []
        match form := self.draw(st.sampled_from(forms)):
            case "open":
                return None, None
            case "for-good":
                return "for-good", "for-good"
            case "day":
                day = self.draw(self.day)
                return text(day), day + 1
            case _ if form in EVENTS:
                outer = self.draw(st.none() | self.day)
                if outer is None:
                    return {"event": form}, Event(form)
                return {"event": form, "no_later_than": text(outer)}, Event(form, outer + 1)
        return form, COARSE[form].hi


def text(day: int) -> str:
    return STARTS[day].isoformat()


@st.composite
def worlds(draw: Any, shape: Shape | None = None) -> World:
    """A world of that shape; every document of it may be recorded after the ones before."""
    shape = shape or Shape()
    return Maker(draw, shape).make(draw(st.integers(1, shape.most)))
