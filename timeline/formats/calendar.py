"""Key dates as iCalendar (RFC 5545, with the calendar's own name and address after RFC 7986).

All days are all-day and take nobody's time. Nothing in the bytes depends on when or where they were made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from timeline.core.calendar import CalendarEvent
from timeline.core.dates import ONE_DAY
from timeline.core.errors import TimelineError
from timeline.formats.body import STATUS
from timeline.formats.page import EMPTY_SINCE, Site

if TYPE_CHECKING:
    from icalendar import Alarm, Event

CALENDAR_TYPE = "text/calendar"
_ASK_AGAIN = timedelta(hours=12)
_MORNING = timedelta(hours=9)
"""When an alarm goes off on its day, by the reader's own clock."""


@dataclass(frozen=True, slots=True)
class CalendarPage:
    """One calendar document, whatever its format."""

    name: str
    """The address below /feeds/, without suffix."""
    title: str
    query: str
    """Of a reader's own list: `?p=a&p=b`."""
    events: tuple[CalendarEvent, ...]

    @property
    def updated(self) -> datetime:
        """When anything in it was last changed by an act; never the time of rendering."""
        return max((event.modified for event in self.events), default=EMPTY_SINCE)


def calendar(page: CalendarPage, site: Site, alarms: Sequence[int] = ()) -> bytes:
    """The document.

    Args:
        alarms: How many days before its day each event is to be recalled, at nine in the morning.

    Raises:
        TimelineError: `extra_missing` where the library for calendars is not installed.
    """
    try:
        from icalendar import Calendar, vDDDTypes, vDuration, vUri  # noqa: PLC0415  # part of the extra
    except ImportError as error:
        raise TimelineError(
            "extra_missing",
            f"Calendars need a library that is not installed ({error.name}).",
            "Install timeline[export]; the feeds as .atom, .rss and .json need nothing more.",
        ) from error
    made = Calendar()
    made.add("version", "2.0")
    made.add("prodid", "-//Timeline//Key dates//EN")
    made.add("calscale", "GREGORIAN")
    for name in ("name", "x-wr-calname"):  # the second is what most programs read
        made.add(name, page.title)
    made.add("url", vUri(site.twin(page.name, page.query)))
    made.add("source", vUri(site.feed(page.name, "ics", query=page.query)))
    made.add("last-modified", vDDDTypes(_second(page.updated)))
    made.add("refresh-interval", vDuration(_ASK_AGAIN), parameters={"value": "DURATION"})
    made.add("x-published-ttl", vDuration(_ASK_AGAIN))
    for event in page.events:
        made.add_component(_event(event, site, alarms))
    return bytes(made.to_ical())


def _event(event: CalendarEvent, site: Site, alarms: Sequence[int]) -> Event:
    from icalendar import Event, vUri  # noqa: PLC0415  # `calendar` has seen that it is there

    edge = event.edge
    summary = f"{event.name}: {edge.summary}"
    made = Event()
    # An opaque name without signs that a program might trip over; the same wherever the service lives.
    made.add("uid", str(uuid5(NAMESPACE_URL, site.tag(event.id))))
    made.add("dtstart", edge.first)
    made.add("dtend", edge.end)
    made.add("summary", f"Cancelled: {summary}" if event.cancelled else summary)
    made.add("description", "\n".join(_lines(event)))
    made.add("url", vUri(site.page(f"/a/{event.partnership}/{edge.n}")))
    made.add("categories", [edge.term.kind])
    made.add("status", "CANCELLED" if event.cancelled else "CONFIRMED")
    made.add("transp", "TRANSPARENT")
    made.add("class", "PUBLIC")
    made.add("sequence", event.sequence)
    made.add("created", _second(event.created))
    made.add("last-modified", _second(event.modified))
    made.add("dtstamp", _second(event.modified))
    for days in () if event.cancelled else alarms:
        made.add_component(_alarm(days, summary))
    return made


def _alarm(days: int, summary: str) -> Alarm:
    from icalendar import Alarm  # noqa: PLC0415  # `calendar` has seen that it is there

    made = Alarm()
    made.add("action", "DISPLAY")
    made.add("description", summary)
    made.add("trigger", _MORNING - timedelta(days=days))
    return made


def _lines(event: CalendarEvent) -> Iterator[str]:
    """What a reader sees below the title: what became of it, the days, the words and their source."""
    edge, by = event.edge, f"{event.partnership}/{event.by}"
    if event.cancelled:
        yield f"Cancelled by {by} on {event.modified.date()}: the record no longer says so."
    elif event.sequence:
        yield f"Changed by {by} on {event.modified.date()}."
    if edge.side == "end":
        yield f"The last day is {edge.first - ONE_DAY}."
    yield f"The date as it was said: {edge.said}."
    if edge.end - edge.first > ONE_DAY:
        yield f"Nobody said on which day; it may be any from {edge.first} to {edge.last}."
    if edge.quote.text:
        yield f"“{edge.quote.text}”"
    source = edge.quote.source
    named = source.publisher or source.url or source.tier
    yield f"— {named} ({source.tier}; {STATUS[edge.quote.status]})"
    yield f"{event.partnership}/{edge.n}"


def _second(moment: datetime) -> datetime:
    """An instant as iCalendar has it: UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0)
