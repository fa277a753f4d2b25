"""The calendars: the events of each partnership as they were last published, and the documents made of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, insert, select

from timeline.core.calendar import CalendarEvent
from timeline.core.errors import TimelineError
from timeline.formats.calendar import CalendarPage
from timeline.tables import calendar_event

MOST_EVENTS = 5000
"""More in one document no calendar program takes in good time."""
_decoder = msgspec.json.Decoder(CalendarEvent)


def keep_events(connection: Connection, partnership: str, events: Sequence[CalendarEvent]) -> None:
    """Put these in place of the partnership's events."""
    connection.execute(delete(calendar_event).where(calendar_event.c.partnership == partnership))
    rows = [{"partnership": partnership, "id": each.id, "body": msgspec.json.encode(each).decode()} for each in events]
    if rows:
        connection.execute(insert(calendar_event), rows)


def calendar_of_all(connection: Connection) -> CalendarPage:
    """The key dates of every partnership.

    Raises:
        TimelineError: `too_large` when they are more than a calendar program takes.
    """
    return CalendarPage("all", "Timeline: key dates", "", _events(connection, None))


def calendar_of(connection: Connection, name: str, title: str) -> CalendarPage:
    """The key dates of one partnership; raises as `calendar_of_all`."""
    return calendar_of_events(name, title, _events(connection, [name]))


def calendar_of_events(name: str, title: str, events: Sequence[CalendarEvent]) -> CalendarPage:
    """The key dates of one partnership that are known already."""
    return CalendarPage(name, f"{title}: key dates", "", tuple(events))


def calendar_of_some(connection: Connection, names: Sequence[str], query: str) -> CalendarPage:
    """The key dates of a reader's own list; raises as `calendar_of_all`.

    Args:
        query: What the list's address ends in.
    """
    return CalendarPage("mine", "My partnerships: key dates", query, _events(connection, names))


def _events(connection: Connection, names: Sequence[str] | None) -> tuple[CalendarEvent, ...]:
    question = select(calendar_event.c.body)
    if names is not None:
        question = question.where(calendar_event.c.partnership.in_(names))
    bodies = connection.scalars(question.limit(MOST_EVENTS + 1)).all()
    if len(bodies) > MOST_EVENTS:
        raise TimelineError(
            "too_large",
            f"This calendar would have more than {MOST_EVENTS} events; no calendar program takes so many.",
            "Name the partnerships that you follow: /feeds/mine.ics?p=openai-microsoft&p=another",
        )
    return tuple(sorted(map(_decoder.decode, bodies), key=lambda event: (event.edge.first, event.id)))
