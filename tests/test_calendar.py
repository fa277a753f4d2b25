"""Calendars: what they hold, by laws over small worlds; and as other programs read them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
import vobject
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.conftest import Clock, Run
from tests.test_acts import asked, stake
from tests.worlds import OPENING, World, worlds
from timeline.acts import Desk
from timeline.core.announcements import act_from_json
from timeline.core.calendar import KEPT, Calendar, CalendarEvent
from timeline.core.changes import changed
from timeline.core.dates import END_OF_TIME, START_OF_TIME
from timeline.core.history import Book, Recorded
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.publishing import forget, publish
from timeline.settings import Settings, load
from timeline.web.app import create_app

BEGINNING = datetime(2020, 12, 20, 12, tzinfo=UTC)
Paces = st.lists(st.sampled_from((0, 1, 30, 200)), min_size=7, max_size=7)


def recorded_at(world: World, paces: list[int]) -> list[Recorded]:
    """The world's acts recorded so many hours after one another, from a day before most of what they speak of."""
    made, at = [], BEGINNING
    acts = [act_from_json(OPENING, BUILTIN), *world.acts]
    for n, act in enumerate(acts):
        made.append(Recorded(n + 1, n, at, act))
        at += timedelta(hours=paces[n % len(paces)], microseconds=1)
    return made


class Heard:
    """The book and the calendar of a partnership, read act by act."""

    def __init__(self) -> None:
        self.book, self.calendar = Book(), Calendar(BUILTIN)

    def hear(self, recorded: Recorded) -> dict[str, CalendarEvent]:
        """The events by their ids after that act."""
        self.calendar.hear(recorded, self.book, self.book.hear(recorded))
        events = self.calendar.events()
        found = {event.id: event for event in events}
        assert len(found) == len(events)
        return found


@given(worlds(), Paces)
def test_what_stands_ahead_in_a_calendar_is_what_lies_ahead(world: World, paces: list[int]) -> None:
    """Not one day more or less than the differences of the world show, whatever was recorded in which order."""
    heard = Heard()
    for recorded in recorded_at(world, paces):
        events = heard.hear(recorded).values()
        today = recorded.recorded_at.date()

        shown = sorted((each.edge.first, each.edge.term) for each in events if not each.cancelled)
        assert [pair for pair in shown if pair[0] > today] == [
            (change.on, change.term) for change in changed(heard.book, today, END_OF_TIME)
        ]
        all_days = {(change.on, change.term) for change in changed(heard.book, START_OF_TIME, END_OF_TIME)}
        assert set(shown) <= all_days


@given(worlds(), Paces)
def test_an_event_keeps_its_meaning_and_every_change_of_it_has_a_higher_number(world: World, paces: list[int]) -> None:
    """Once shown, an event is about the same edge for ever, and stays until long after its day."""
    heard, before = Heard(), dict[str, CalendarEvent]()
    for recorded in recorded_at(world, paces):
        events = heard.hear(recorded)

        for name, old in before.items():
            if old.edge.last + KEPT < recorded.recorded_at.date():
                assert old.edge.last < recorded.recorded_at.date()
                continue
            new = events[name]
            assert (new.edge.term, new.edge.n, new.edge.side) == (old.edge.term, old.edge.n, old.edge.side)
            assert new.created == old.created
            if new == old:
                continue
            assert new.sequence == old.sequence + 1
            assert (new.modified, new.by) == (recorded.recorded_at, recorded.n)
            assert (new.edge, new.cancelled) != (old.edge, old.cancelled)
        for name in events.keys() - before.keys():
            new = events[name]
            assert (new.sequence, new.created, new.cancelled) == (0, recorded.recorded_at, False)
            assert new.edge.first > recorded.recorded_at.date()
        before = events


@given(worlds(), Paces)
def test_a_coarse_start_covers_every_day_that_it_may_be(world: World, paces: list[int]) -> None:
    heard = Heard()
    for recorded in recorded_at(world, paces):
        for event in heard.hear(recorded).values():
            edge = event.edge
            days = (edge.end - edge.first).days
            said = edge.said.removesuffix(" (assumed)")
            is_coarse_text = edge.side == "start" and re.fullmatch(r"\d{4}(-\d\d)?", said) is not None
            coarse = is_coarse_text and first_of(said) == edge.first
            assert (days > 1) is coarse
            assert edge.summary.endswith(f" (some time in {said})") is coarse


def first_of(said: str) -> date:
    """The first day of a month or a year."""
    year, month = [*map(int, said.split("-")), 1][:2]
    return date(year, month, 1)


# As bytes and over HTTP


class Kept:
    """A log, who writes to it, and who asks for calendars; on either database."""

    def __init__(self, log: Log, clock: Clock, settings: Settings) -> None:
        self.log, self.clock, self.settings = log, clock, settings
        self.desk = Desk(log, BUILTIN, clock)
        self.client = TestClient(create_app(settings, log, BUILTIN, clock), base_url="http://testserver")

    def append(self, *documents: dict[str, Any], hours: int = 1) -> None:
        for document in documents:
            self.desk.append(asked(document))
            self.clock.now += timedelta(hours=hours)
        publish(self.log, BUILTIN, self.settings, self.clock.now.date())

    def read(self, address: str) -> bytes:
        found = self.client.get(f"/feeds/{address}")
        assert found.status_code == 200, found.text
        return found.content


@pytest.fixture
def kept(log: Log, clock: Clock, tmp_path: Path) -> Kept:
    made = Kept(log, clock, replace(load({}, {}), feeds_dir=tmp_path / "feeds"))
    made.append(OPENING_OF_TWO)
    return made


OPENING_OF_TWO = {"partnership": "acme-bolt", "name": "Acme – Bolt; “x”", "parties": {"acme": "Acme", "bolt": "Bolt"}}


def held(percent: int, effective: str, until: str | None = None, announced: str = "2026-01-01") -> dict[str, Any]:
    """An announcement that Bolt holds so much of Acme from then on, with a quote that needs escaping."""
    document = stake(percent, announced)
    document["statements"][0] |= {
        "effective": effective,
        "quote": "so much, and \\ more;\nBEGIN:VALARM",
        "until": until,
    }
    if until is None:
        del document["statements"][0]["until"]
    return document


def by_icalendar(body: bytes) -> list[dict[str, Any]]:
    """The events as the first reader has them."""
    found = []
    for event in icalendar.Calendar.from_ical(body).walk("VEVENT"):
        assert not event.errors
        found.append(
            {
                "uid": str(event["uid"]),
                "summary": str(event["summary"]),
                "description": str(event["description"]),
                "first": event.decoded("dtstart"),
                "end": event.decoded("dtend"),
                "status": str(event["status"]),
                "sequence": event["sequence"],
                "modified": event.decoded("last-modified"),
                "alarms": [alarm.decoded("trigger") for alarm in event.walk("VALARM")],
            }
        )
    return found


def by_vobject(body: bytes) -> list[dict[str, Any]]:
    """The events as the second reader, of another maker, has them."""
    return [
        {
            "uid": event.uid.value,
            "summary": event.summary.value,
            "description": event.description.value,
            "first": event.dtstart.value,
            "end": event.dtend.value,
            "status": event.status.value,
            "sequence": int(event.sequence.value),
            "modified": event.last_modified.value,
            "alarms": [alarm.trigger.value for alarm in event.contents.get("valarm", [])],
        }
        for event in getattr(vobject.readOne(body.decode()), "vevent_list", [])
    ]


def by_calcurse(body: bytes, folder: Path) -> list[str]:
    """The days and titles that a calendar program has after importing the file."""
    file = folder / "given.ics"
    file.write_bytes(body)
    done = subprocess.run(
        ["calcurse", "-q", "-D", str(folder / "calcurse"), "-i", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = (folder / "calcurse" / "apts").read_text("utf-8").splitlines()
    return sorted(re.sub(r"(\d\d)/(\d\d)/(\d{4}) \[1\] (?:>\w+ )?(.*)", r"\3-\1-\2 \4", line) for line in lines)


def test_two_readers_and_a_calendar_program_understand_every_event(kept: Kept, tmp_path: Path) -> None:
    """All-day, the end exclusive, a month said as a month, and no text breaks out of its line."""
    kept.append(held(10, "2027-03-15", until="2029"), held(20, "2030-02"))

    body = kept.read("acme-bolt.ics?alarms=7d,30d")

    events = by_icalendar(body)
    assert events == by_vobject(body)
    assert [(each["first"], each["end"], each["summary"]) for each in events] == [
        (date(2027, 3, 15), date(2027, 3, 16), "Acme – Bolt; “x”: Stake of Bolt takes effect: 10 %"),
        (date(2030, 1, 1), date(2030, 1, 2), "Acme – Bolt; “x”: Stake of Bolt expires"),
        (
            date(2030, 2, 1),
            date(2030, 3, 1),
            "Acme – Bolt; “x”: Stake of Bolt takes effect: 20 % (some time in 2030-02)",
        ),
    ]
    assert "so much, and \\ more;\nBEGIN:VALARM" in events[0]["description"]
    assert "any from 2030-02-01 to 2030-02-28" in events[2]["description"]
    assert "The last day is 2029-12-31.\nThe date as it was said: through 2029." in events[1]["description"]
    nine = timedelta(hours=9)
    assert [each["alarms"] for each in events] == [[nine - timedelta(days=30), nine - timedelta(days=7)]] * 3
    assert max(len(line) for line in body.split(b"\r\n")) <= 75
    imported = by_calcurse(body, tmp_path)
    assert imported[0] == f"2027-03-15 {events[0]['summary']}"
    assert imported[1] == f"2030-01-01 {events[1]['summary']}"
    month = r"2030-02-01 \{1D -> 02/28/2030\} >\w+ "
    assert re.fullmatch(month + re.escape(events[2]["summary"]), imported[2])
    assert len(imported) == 3


def test_a_corrected_date_moves_its_event_and_what_is_retracted_stays_as_cancelled(kept: Kept) -> None:
    kept.append(held(10, "2027-03-15"))
    first = by_icalendar(kept.read("acme-bolt.ics"))[0]
    assert (first["sequence"], first["status"]) == (0, "CONFIRMED")

    kept.append({**held(10, "2027-04-15"), "corrects": "acme-bolt/1", "reason": "a digit"})
    moved = by_icalendar(kept.read("acme-bolt.ics"))
    assert moved == [{**moved[0], "uid": first["uid"], "sequence": 1, "first": date(2027, 4, 15)}]
    assert moved[0]["modified"] == first["modified"] + timedelta(hours=1)

    kept.append({"retracts": "acme-bolt/1", "reason": "it was never said"})
    over = by_icalendar(kept.read("acme-bolt.ics?alarms=1d"))
    assert over == [{**over[0], "uid": first["uid"], "sequence": 2, "status": "CANCELLED", "alarms": []}]
    assert over[0]["summary"].startswith("Cancelled: Acme – Bolt")

    kept.append({"retracts": "acme-bolt/3", "reason": "it was said after all"})
    back = by_icalendar(kept.read("acme-bolt.ics"))
    assert back == [{**moved[0], "sequence": 3, "description": back[0]["description"], "modified": back[0]["modified"]}]


def test_a_calendar_is_the_same_on_every_day_and_after_a_rebuild(kept: Kept) -> None:
    kept.append(held(10, "2027-03-15", until="2029"), {**held(12, "2028-01-01"), "announced": "2026-02-01"})
    before = kept.read("acme-bolt.ics")

    kept.clock.now += timedelta(days=2000)
    forget(kept.log)
    publish(kept.log, BUILTIN, kept.settings, kept.clock.now.date())

    assert kept.read("acme-bolt.ics") == before


def test_every_calendar_holds_the_events_of_its_partnerships(kept: Kept) -> None:
    other = {"partnership": "cid-dee", "name": "Cid – Dee", "parties": {"cid": "Cid", "dee": "Dee"}}
    theirs = held(30, "2027-05-05") | {"partnership": "cid-dee"}
    theirs["statements"][0] |= {"term": "stake/dee", "direction": "cid -> dee"}
    kept.append(held(10, "2027-03-15"), other, theirs)

    one, two = by_icalendar(kept.read("acme-bolt.ics")), by_icalendar(kept.read("cid-dee.ics"))
    assert by_icalendar(kept.read("all.ics")) == [*one, *two]
    assert by_icalendar(kept.read("mine.ics?p=cid-dee&p=acme-bolt")) == [*one, *two]
    assert by_icalendar(kept.read("mine.ics?p=cid-dee")) == two
    assert kept.read("mine.ics?p=cid-dee&p=acme-bolt") == kept.read("mine.ics?p=acme-bolt&p=cid-dee")


def test_a_calendar_comes_with_its_type_its_validators_and_its_name(kept: Kept) -> None:
    kept.append(held(10, "2027-03-15"))
    found = kept.client.get("/feeds/acme-bolt.ics")

    assert found.headers["content-type"] == "text/calendar; charset=utf-8"
    assert found.headers["content-disposition"] == 'inline; filename="acme-bolt.ics"'
    assert found.headers["last-modified"] == "Thu, 01 Jan 2026 13:00:00 GMT"
    again = kept.client.get("/feeds/acme-bolt.ics", headers={"If-None-Match": found.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    empty = icalendar.Calendar.from_ical(kept.client.get("/feeds/mine.ics?p=acme-bolt").content)
    assert str(empty["x-wr-calname"]) == "My partnerships: key dates"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("acme-bolt.ics?alarms=7", "invalid_value"),
        ("acme-bolt.ics?alarms=367d", "invalid_value"),
        ("acme-bolt.ics?alarms=1d,2d,3d,4d,5d,6d", "invalid_value"),
        ("acme-bolt.ics?alarms=", "invalid_value"),
        ("acme-bolt.ics?alarm=7d", "unknown_parameter"),
        ("acme-bolt.ics?p=acme-bolt", "unknown_parameter"),
        ("mine.ics", "missing_parameter"),
        ("mine.ics?p=acme-bolr", "unknown_partnership"),
        ("acme-bolr.ics", "unknown_partnership"),
        ("everything.ics", "unknown_feed"),
        ("kind/stake.ics", "unknown_feed"),
        ("%2e%2e/acme-bolt.ics", "unknown_feed"),
    ],
)
def test_what_is_asked_wrongly_of_a_calendar_is_refused_with_a_remedy(kept: Kept, address: str, code: str) -> None:
    found = kept.client.get(f"/feeds/{address}")

    assert found.json()["code"] == code
    assert found.json()["remedy"]


def test_alarms_come_from_the_settings_unless_the_reader_says_otherwise(log: Log, clock: Clock, tmp_path: Path) -> None:
    settings = replace(load({"calendar_alarms": "14d"}, {}), feeds_dir=tmp_path / "feeds")
    kept = Kept(log, clock, settings)
    kept.append(OPENING_OF_TWO, held(10, "2027-03-15"))

    def alarms(query: str) -> list[timedelta]:
        found: list[timedelta] = by_icalendar(kept.read(f"acme-bolt.ics{query}"))[0]["alarms"]
        return found

    nine = timedelta(hours=9)
    assert alarms("") == [nine - timedelta(days=14)]
    assert alarms("?alarms=none") == []
    assert alarms("?alarms=0d") == [nine]


def test_too_many_events_for_a_calendar_program_are_refused_and_none_is_left_out(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.append(held(10, "2027-03-15", until="2029"))
    monkeypatch.setattr("timeline.publishing.calendars.MOST_EVENTS", 1)

    refused = kept.client.get("/feeds/all.ics")

    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")
    assert "/feeds/mine.ics?p=" in refused.json()["remedy"]


def test_the_command_writes_what_the_address_gives_published_or_not(
    kept: Kept, run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIMELINE_DATABASE_URL", database_url)
    monkeypatch.setenv("TIMELINE_CALENDAR_ALARMS", "7d")
    kept.desk.append(asked(held(10, "2027-03-15", until="2029")))

    early = run("export", "acme-bolt", "--format", "ics")
    kept.append(held(12, "2028-03-15", announced="2026-02-01"))
    later = run("export", "acme-bolt", "--format", "ics")

    assert len(by_icalendar(early.stdout_bytes)) == 2
    assert later.stdout_bytes == kept.read("acme-bolt.ics?alarms=7d") != early.stdout_bytes
    for words in (("--as-of", "2027-01-01"), ("--known-seq", "2"), ("--timeline",), ("--term", "stake/*")):
        refused = run("export", "acme-bolt", "--format", "ics", *words)
        assert refused.exit_code == 2
        assert f"Leave {words[0]} out." in refused.stderr
    assert run("export", "acme-bolr", "--format", "ics").exit_code == 3
