"""The site of feeds as a function of (log, today): same log, same day, same bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from timeline.core.errors import TimelineError, did_you_mean, nearest, unknown_partnership
from timeline.core.terms import Kinds
from timeline.formats import FORMATS, FeedPage, Site, feed_path, opml
from timeline.formats.calendar import CalendarPage
from timeline.log import Log, Reader
from timeline.publishing import calendars, pages
from timeline.publishing.folder import Folder, changing
from timeline.publishing.names import shelf_order
from timeline.publishing.shelf import Shelf, Shelved, advance, forget, heard, publishing, remember, remembered, told
from timeline.publishing.websub import enqueue
from timeline.settings import Settings

__all__ = [
    "OPML_NAME",
    "Published",
    "Shelf",
    "calendar_now",
    "calendar_page",
    "forget",
    "mine",
    "my_page",
    "publish",
    "settled_day",
    "site_of",
    "unknown_feed",
]

EDITION = 2
"""To be raised when a release writes other bytes for the same entries: then everything is written anew."""
OPML_NAME = "feeds.opml"
_STATE = ".published.json"
_GRACE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Published:
    """What a publish did: files written, and files looked at that were right already."""

    written: int
    unchanged: int


class State(msgspec.Struct, frozen=True):
    """How far a folder is, kept in it; written last, so that what a kill left undone is done again."""

    look: str = ""
    position: int = 0
    feeds: int = 0
    seq: int = 0
    mark: str = ""
    """`Shelf.mark` at that position and seq: another record, or an older state of this one, has another."""


def settled_day(now: datetime) -> date:
    """The day to publish at that moment: a new one only after a minute, when appends of the old one are through."""
    return (now.astimezone(UTC) - _GRACE).date()


def site_of(settings: Settings) -> Site:
    """What the addresses and ids of the feeds are made of."""
    return Site(settings.base_url, settings.tag_authority, settings.hub_url)


def publish(
    log: Log, kinds: Kinds, settings: Settings, today: date, out: Path | None = None, *, whole: bool = False
) -> Published:
    """Bring the folder of feeds up to date; what changed is also entered in the hub's outbox, if there is a hub.

    Args:
        today: The last day whose boundaries are put out; `settled_day` says which to take.
        out: Instead of the folder in the settings.
        whole: Look at every document, also at those that cannot have changed.

    Raises:
        TimelineError: `invalid_configuration` for another tag authority than at the first publish;
            `storage_failed` when the folder cannot be written; `integrity_failure`.
    """
    log = log.primary  # what was just put out is put into files
    _freeze_authority(log, settings.tag_authority)
    advance(log, kinds, today)
    with changing(out or settings.feeds_dir) as folder, log.reading() as reader:
        shelf = Shelf(reader.connection)
        state = State() if whole else state_of(folder, settings, shelf)
        position, number = shelf.ends()
        changed = shelf.feeds(state.position, state.feeds)
        for name, content, modified in files(shelf, settings, state, changed):
            folder.write(name, content, modified)
        if settings.hub_url is not None and position > state.position:
            enqueue(log, _topics(changed, site_of(settings)))
        seq, _ = told(reader.connection)
        state = State(_look(settings), position, number, seq, shelf.mark(position, seq))
        folder.write(_STATE, msgspec.json.encode(state))
        return Published(folder.written, folder.unchanged)


def files(
    shelf: Shelf, settings: Settings, since: State, changed: Sequence[Shelved]
) -> Iterator[tuple[str, bytes, datetime | None]]:
    """The files of the folder that differ from when it was so far: name, content, and when that last changed.

    Args:
        changed: The feeds that changed since then.
    """
    site, length = site_of(settings), settings.head_entries
    for feed in changed:
        size = shelf.size_at(feed.name, since.position) if since.position else 0
        for page in pages.documents(shelf, feed, length, size):
            for suffix, form in FORMATS.items():
                yield feed_path(page.name, suffix, page.span), form.render(page, site), page.updated
    if shelf.ends()[1] > since.feeds:
        listed = sorted(shelf.feeds(), key=lambda feed: shelf_order(feed.name))
        yield OPML_NAME, opml(((feed.name, feed.title) for feed in listed), site), None


def mine(reader: Reader, settings: Settings, partnerships: Sequence[str], suffix: str) -> tuple[bytes, datetime]:
    """A reader's own feed, and when its newest entry was put out; the order of the partnerships does not matter.

    Raises:
        TimelineError: `missing_parameter` when no partnership is named; `unknown_partnership`.
    """
    page = my_page(reader, settings, partnerships)
    return FORMATS[suffix].render(page, site_of(settings)), page.updated


def my_page(reader: Reader, settings: Settings, partnerships: Sequence[str]) -> FeedPage:
    """What a reader's own feed says, for any format; raises as `mine`."""
    shelf = Shelf(reader.connection)
    return pages.mine(shelf, _listed(shelf, partnerships), settings.head_entries)


def _listed(shelf: Shelf, partnerships: Sequence[str]) -> list[Shelved]:
    """The partnerships of a reader's own list, by name."""
    if not partnerships:
        raise TimelineError(
            "missing_parameter",
            "A list of your own needs at least one partnership.",
            f"Name each with its own p: /feeds/mine.atom?p={next(iter(_names(shelf)), 'openai-microsoft')}&p=another",
            field="p",
        )
    return [_partnership(shelf, name) for name in sorted(set(partnerships))]


def calendar_page(reader: Reader, name: str, partnerships: Sequence[str] = ()) -> CalendarPage:
    """The key dates of `all`, of the partnership of that name, or of `mine`, the partnerships of a reader's own list.

    Raises:
        TimelineError: as `mine`; `too_large`, `unknown_feed` for a name that has feeds and no calendar.
    """
    shelf = Shelf(reader.connection)
    if name == "mine":
        listed = _listed(shelf, partnerships)
        return calendars.calendar_of_some(reader.connection, [feed.name for feed in listed], pages.own_query(listed))
    if name == "all":
        return calendars.calendar_of_all(reader.connection)
    if name == "everything" or "/" in name:
        raise TimelineError(
            "unknown_feed",
            f"There is no calendar {name}.",
            "There is one of each partnership, all.ics, and mine.ics?p=openai-microsoft&p=another.",
        )
    return calendars.calendar_of(reader.connection, name, _partnership(shelf, name).title)


def calendar_now(reader: Reader, kinds: Kinds, name: str, title: str) -> CalendarPage:
    """The key dates of a partnership by all that is on record, published or not."""
    head, _, _ = reader.head()
    _, calendar = heard(reader, name, head, kinds)
    return calendars.calendar_of_events(name, title, calendar.events())


def unknown_feed(name: str, known: Sequence[str]) -> TimelineError:
    """The refusal of a feed that there is not."""
    return TimelineError(
        "unknown_feed",
        f"There is no feed “{name}”.",
        f"{did_you_mean(name, tuple(known))} /feeds.opml lists them all.",
        did_you_mean=nearest(name, tuple(known)),
    )


def _partnership(shelf: Shelf, name: str) -> Shelved:
    feed = None if "/" in name or name in ("all", "everything") else shelf.feed(name)
    if feed is None:
        raise unknown_partnership(name, _names(shelf), field="p")
    return feed


def _names(shelf: Shelf) -> list[str]:
    """The partnerships that have a feed."""
    return [each.name for each in shelf.feeds() if "/" not in each.name and each.name not in ("all", "everything")]


def _freeze_authority(log: Log, authority: str) -> None:
    """Note the authority at the first publish, and refuse another one afterwards."""
    with log.reading() as reader:
        frozen = remembered(reader.connection, "tag_authority")
    if frozen is None:
        with publishing(log) as connection:
            frozen = remembered(connection, "tag_authority")
            if frozen is None:
                remember(connection, "tag_authority", authority)
                frozen = authority
    if frozen != authority:
        raise TimelineError(
            "invalid_configuration",
            f"The feeds were first published with the tag authority {frozen}; {authority} would give every entry"
            " another id, and every reader would show all of them again.",
            f"Set TIMELINE_TAG_AUTHORITY to {frozen}. It need not be the name that the service has today.",
            field="tag_authority",
        )


def _look(settings: Settings) -> str:
    """A digest of all that the bytes depend on besides the entries."""
    facts: list[Any] = [EDITION, settings.base_url, settings.tag_authority, settings.head_entries, settings.hub_url]
    return sha256(msgspec.json.encode(facts)).hexdigest()


def state_of(folder: Folder, settings: Settings, shelf: Shelf) -> State:
    """How far the folder is; at the beginning when that cannot be told, or was another record or in another look."""
    state = _noted(folder, settings)
    return state if state.mark == shelf.mark(state.position, state.seq) else State()


def is_of_another(folder: Folder, settings: Settings, shelf: Shelf) -> bool:
    """Whether the folder was published from another record, or from a state of this one that is gone."""
    state = _noted(folder, settings)
    return state.mark not in ("", shelf.mark(state.position, state.seq))


def _noted(folder: Folder, settings: Settings) -> State:
    try:
        state = msgspec.json.decode(folder.read(_STATE) or b"{}", type=State)
    except msgspec.DecodeError:
        return State()
    return state if state.look == _look(settings) else State()


def up_to_date(folder: Path, settings: Settings, shelf: Shelf) -> bool:
    """Whether the folder has all that was put out, as the settings want it."""
    state, (position, number) = state_of(Folder(folder), settings, shelf), shelf.ends()
    return state.position >= position and state.feeds >= number


def _topics(feeds: Sequence[Shelved], site: Site) -> list[str]:
    return [site.feed(feed.name, suffix) for feed in feeds for suffix in FORMATS]
