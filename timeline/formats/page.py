"""What a feed document says, whatever its format: a feed's head or one of its archive pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple
from urllib.parse import quote

from timeline.core.dates import ONE_DAY, START_OF_TIME
from timeline.core.feed import Entry

EMPTY_SINCE = datetime(2000, 1, 1, tzinfo=UTC)
"""When a feed without entries was last updated: a day that never changes."""

AUTHOR = "Timeline"
LANGUAGE = "en"


class Span(NamedTuple):
    """The put-outs of one archive page, counted from a feed's first, which is 1; both inclusive."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as it was put out, first or again, with times that no other put-out shares."""

    entry: Entry
    published: datetime
    updated: datetime


@dataclass(frozen=True, slots=True)
class Site:
    """What every address and id of the feeds is made of."""

    base_url: str
    """Without a slash at its end."""
    authority: str
    hub_url: str | None = None

    def page(self, path: str) -> str:
        """An absolute address; the path starts with a slash."""
        return self.base_url + path

    def feed(self, name: str, suffix: str, span: Span | None = None, query: str = "") -> str:
        """The address of a feed, or of one of its archive pages."""
        return f"{self.base_url}/feeds/{feed_path(name, suffix, span)}{query}"

    def twin(self, name: str, query: str = "") -> str:
        """The address of the feed's page for people."""
        return f"{self.base_url}/feeds/{quote(name)}{query}"

    def tag(self, specific: str) -> str:
        """A tag URI (RFC 4151) that does not depend on where the service lives."""
        return f"tag:{self.authority}:{specific}"


@dataclass(frozen=True, slots=True)
class FeedPage:
    """One feed document; `items` newest first, each id once."""

    name: str
    """The address below /feeds/, without suffix: `openai-microsoft/stake`."""
    title: str
    subtitle: str
    items: tuple[Item, ...] = ()
    span: Span | None = None
    """Of an archive page; None for the head."""
    older: Span | None = None
    newer: Span | None = None
    complete: bool = False
    """Whether this one document is the whole feed (RFC 5005 §2)."""
    query: str = ""
    """Of a reader's own list: `?p=a&p=b`."""

    @property
    def updated(self) -> datetime:
        """When its newest entry was put out; never the time of rendering."""
        return max((item.updated for item in self.items), default=EMPTY_SINCE)

    @property
    def key(self) -> str:
        """What the feed's own id ends in; the same for its head, its archives and all formats."""
        return f"feed:{self.name}{self.query.replace('?', ':')}"


def feed_path(name: str, suffix: str, span: Span | None = None) -> str:
    """The file below the folder of feeds, which is also its address below /feeds/."""
    return f"{name}.{suffix}" if span is None else f"{name}/archive/{span}.{suffix}"


def day_of(entry: Entry) -> date:
    """The day whose state an entry links to: the boundary's, else the first day of its first row, else its own."""
    if entry.on is not None:
        return entry.on
    starts = [row.start for row in entry.rows if row.start != START_OF_TIME]
    return starts[0] if starts else entry.published.date()


def evidence_url(site: Site, entry: Entry) -> str:
    """The page of the act that the entry is about."""
    return site.page(f"/a/{entry.partnership}/{entry.n}")


def term_url(site: Site, entry: Entry, term: str) -> str:
    """The page of one term's whole life."""
    return site.page(f"/p/{entry.partnership}/t/{term}")


def entry_url(site: Site, entry: Entry) -> str:
    """The page that an entry leads to: what was said, or for a boundary what changed on that day."""
    return evidence_url(site, entry) if entry.on is None else comparison_url(site, entry)


def state_url(site: Site, entry: Entry) -> str:
    """The state of the partnership on the entry's day."""
    return site.page(f"/p/{entry.partnership}?as_of={day_of(entry).isoformat()}")


def comparison_url(site: Site, entry: Entry) -> str:
    """The state of the day before beside that of the entry's day."""
    on = day_of(entry)
    before = on - ONE_DAY if on > START_OF_TIME else on
    return site.page(f"/p/{entry.partnership}/compare?from={before.isoformat()}&to={on.isoformat()}")
