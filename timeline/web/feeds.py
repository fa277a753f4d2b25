"""The feeds over HTTP: the published folder, and what a reader asks for by name that is not a file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from timeline.core.calendar import read_alarms
from timeline.core.errors import TimelineError
from timeline.core.questions import only
from timeline.formats import FORMATS, OPML_TYPE, feed_path, opml
from timeline.formats.calendar import CALENDAR_TYPE, calendar
from timeline.log import Log
from timeline.publishing import OPML_NAME, Shelf, calendar_page, mine, my_page, pages, site_of, unknown_feed, up_to_date
from timeline.publishing.names import shelf_order
from timeline.settings import Settings
from timeline.web import api
from timeline.web.conditional import respond
from timeline.web.operations import OTHERWISE, Operation, Parameter
from timeline.web.templating import Templates

HEAD = "public, max-age=300"
"""A head may be five minutes old; NetNewsWire and Miniflux poll no oftener than they are told."""
SEALED = "public, max-age=31536000, immutable"
_MOST_PARTNERSHIPS = 100
_MINE = Parameter(
    "p",
    "The partnerships, each with a p of its own.",
    {"type": "array", "items": api.SLUG, "minItems": 1, "maxItems": _MOST_PARTNERSHIPS},
    ["harbour-quill"],
    required=True,
)
_ALARMS = Parameter(
    "alarms", "Reminders, so many days before: 30d,7d; none for none.", {"type": "string", "maxLength": 40}, "30d,7d"
)


@dataclass(frozen=True, slots=True)
class _Read:
    """A file of the folder as it was read."""

    file: str
    stamp: tuple[int, int, int]
    body: bytes
    updated: datetime

    @classmethod
    def of(cls, path: Path) -> _Read:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            changed = datetime.fromtimestamp(found.st_mtime, UTC)
            # A date ahead of us is no validator (RFC 9110 §8.8.2.1).
            return cls(str(path), _stamp(found), file.read(), min(changed, datetime.now(UTC)))

    def stands(self) -> bool:
        """Whether the file is still the one that was read: files are replaced whole, never written in place."""
        try:
            return _stamp(os.stat(self.file)) == self.stamp  # noqa: PTH116  # asked for every request
        except OSError:
            return False


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_mtime_ns, found.st_size


def addresses() -> tuple[Operation, ...]:
    """Every feed and calendar for the document: what one route answers, for names have slashes in them."""
    formats = {suffix: each.media_type for suffix, each in FORMATS.items()}
    too_large = (*OTHERWISE["GET"], "413")

    def feed(path: str, name: str, summary: str, *given: Parameter) -> Operation:
        return Operation("GET", f"/feeds/{path}.{{format}}", name, summary, None, None, given, formats=formats)

    def calendar_of(path: str, name: str, summary: str, *given: Parameter) -> Operation:
        return Operation(
            "GET",
            f"/feeds/{path}.ics",
            name,
            summary,
            None,
            None,
            (*given, _ALARMS),
            media_type=CALENDAR_TYPE,
            otherwise=too_large,
        )

    kinds = (
        ("{name}", "feed", "What changed"),
        ("{p}/{kind}", "feed_of_kind_in", "What changed of one kind in one partnership"),
        ("kind/{kind}", "feed_of_kind", "What changed of one kind"),
        ("party/{party}", "feed_of_party", "What changed in any partnership of a party"),
    )
    past = "/archive/{span}"
    return (
        Operation("GET", f"/{OPML_NAME}", "opml", "All feeds, for readers to import", None, None, media_type=OPML_TYPE),
        *(feed(path, name, summary) for path, name, summary in kinds),
        *(feed(f"{path}{past}", f"{name}_past", f"{summary}, earlier") for path, name, summary in kinds),
        feed("mine", "my_feed", "What changed in partnerships of your choice", _MINE),
        calendar_of("{name}", "calendar", "Key dates of all or of one partnership"),
        calendar_of("mine", "my_calendar", "Key dates of partnerships of your choice", _MINE),
    )


class Feeds:
    """The addresses below /feeds/.

    They come from the published folder, so that a static server gives the same bytes; on a node whose folder is not
    there or behind they are written from the database, which holds what was put out.

    Args:
        leads: Whether this process keeps the folder up to date; else that is looked up.
    """

    def __init__(self, settings: Settings, log: Log, templates: Templates, leads: Callable[[], bool]) -> None:
        self._leads = leads
        self._templates = templates
        self._settings = settings
        self._log = log
        self._read: dict[str, _Read] = {}
        """The heads that were asked for: as many as there are feeds, and they are small."""

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route(f"/{OPML_NAME}", self._opml, methods=["GET"]),
            Route("/feeds/mine.{suffix}", self._mine, methods=["GET"]),
            Route("/feeds/{path:path}", self._feed, methods=["GET"]),
        ]

    async def _opml(self, request: Request) -> Response:
        only(request.query_params.keys(), ())
        body = await run_in_threadpool(self._list)
        return respond(request, body, f"{OPML_TYPE}; charset=utf-8", cache_control=HEAD, headers=_OPEN)

    async def _mine(self, request: Request) -> Response:
        """A reader's own list: `?p=a&p=b`."""
        suffix = request.path_params["suffix"]
        if suffix == "ics":
            return await self._calendar(request, "mine")
        if suffix not in FORMATS:
            raise _no_format("mine", suffix)
        only(request.query_params.keys(), ("p",))
        named = self._named(request)
        found = await run_in_threadpool(self._own, named, suffix)
        return self._respond(request, "mine", suffix, found, HEAD)

    async def _feed(self, request: Request) -> Response:
        path = request.path_params["path"]
        name, dot, suffix = path.rpartition(".")
        read = self._read.get(path)
        if read is not None and not request.scope["query_string"] and self._leads() and read.stands():
            return self._respond(request, name, suffix, (read.body, read.updated), HEAD)
        if not dot:
            return await run_in_threadpool(self._twin, request, path)
        if suffix == "ics":
            return await self._calendar(request, name)
        if suffix not in FORMATS:
            raise _no_format(name, suffix)
        only(request.query_params.keys(), ())
        found = await run_in_threadpool(self._document, name, suffix)
        sealed = "/archive/" in name and await run_in_threadpool(self._has_successor, name)
        return self._respond(request, name, suffix, found, SEALED if sealed else HEAD)

    async def _calendar(self, request: Request, name: str) -> Response:
        """Key dates as a calendar: `?alarms=30d,7d` adds reminders."""
        own = name == "mine"
        only(request.query_params.keys(), ("p", "alarms") if own else ("alarms",))
        asked = request.query_params.getlist("alarms")
        alarms = read_alarms(",".join(asked), field="alarms") if asked else self._settings.calendar_alarms
        named = self._named(request) if own else []

        def made() -> tuple[bytes, datetime]:
            with self._log.reading() as reader:
                page = calendar_page(reader, name, named)
            return _written(page, site_of(self._settings), alarms), page.updated

        body, updated = await run_in_threadpool(made)
        headers = _OPEN | {"Content-Disposition": f'inline; filename="{name}.ics"'}
        media_type = f"{CALENDAR_TYPE}; charset=utf-8"
        return respond(request, body, media_type, last_modified=updated, cache_control=HEAD, headers=headers)

    def _respond(
        self, request: Request, name: str, suffix: str, found: tuple[bytes, datetime], cache_control: str
    ) -> Response:
        body, updated = found
        headers = dict(_OPEN)
        if self._settings.hub_url is not None and name != "mine" and "/archive/" not in name:
            topic = site_of(self._settings).feed(name, suffix)
            headers["Link"] = f'<{self._settings.hub_url}>; rel="hub", <{topic}>; rel="self"'
        media_type = f"{FORMATS[suffix].media_type}; charset=utf-8"
        return respond(request, body, media_type, last_modified=updated, cache_control=cache_control, headers=headers)

    def _document(self, name: str, suffix: str) -> tuple[bytes, datetime]:
        """The bytes of a head or an archive page, and when its newest entry was put out."""
        folder = Path(self._settings.feeds_dir).resolve()
        path = (folder / f"{name}.{suffix}").resolve()
        inside = path.is_relative_to(folder) and not any(p.startswith(".") for p in path.relative_to(folder).parts)
        if inside and (self._leads() or self._up_to_date(folder)):
            try:
                read = _Read.of(path)
                if "/archive/" not in name:
                    self._read[f"{name}.{suffix}"] = read
                return read.body, read.updated
            except OSError:
                pass  # not a file here: perhaps another node publishes it
        with self._log.reading() as reader:
            shelf = Shelf(reader.connection)
            base, _, span = name.partition("/archive/")
            feed, length = shelf.feed(base), self._settings.head_entries
            if feed is not None and not span:
                page = pages.head(shelf, feed, length)
                return FORMATS[suffix].render(page, site_of(self._settings)), page.updated
            if feed is not None:
                for number in range(pages.sealed(feed.size, length)):
                    if str(pages.span(number, length)) == span:
                        page = pages.archive(shelf, feed, number, length)
                        return FORMATS[suffix].render(page, site_of(self._settings)), page.updated
            raise unknown_feed(name, [each.name for each in shelf.feeds()])

    def _up_to_date(self, folder: Path) -> bool:
        """Whether the node that publishes does so into this folder, or did until now."""
        with self._log.reading() as reader:
            return up_to_date(folder, self._settings, Shelf(reader.connection))

    def _has_successor(self, name: str) -> bool:
        """Whether an archive page will never change again: its successor is there."""
        base, _, span = name.partition("/archive/")
        with self._log.reading() as reader:
            feed = Shelf(reader.connection).feed(base)
        last = int(span.rpartition("-")[2])
        return feed is not None and feed.size >= last + self._settings.head_entries

    def _own(self, named: list[str], suffix: str) -> tuple[bytes, datetime]:
        with self._log.reading() as reader:
            return mine(reader, self._settings, named, suffix)

    def _list(self) -> bytes:
        with self._log.reading() as reader:
            listed = sorted(Shelf(reader.connection).feeds(), key=lambda feed: shelf_order(feed.name))
        return opml(((feed.name, feed.title) for feed in listed), site_of(self._settings))

    def _twin(self, request: Request, name: str) -> Response:
        """The page for people that a feed's address without suffix leads to: what changed, and how to subscribe."""
        length = self._settings.head_entries
        with self._log.reading() as reader:
            shelf = Shelf(reader.connection)
            if name == "mine":
                only(request.query_params.keys(), ("p",))
                page = my_page(reader, self._settings, self._named(request))
            else:
                only(request.query_params.keys(), ())
                feed = shelf.feed(name)
                if feed is None:
                    raise unknown_feed(name, [each.name for each in shelf.feeds()])
                page = pages.head(shelf, feed, length)
        body = self._templates.render("feed.html", feed=page).encode()
        return respond(request, body, "text/html; charset=utf-8", cache_control=HEAD)

    @staticmethod
    def _named(request: Request) -> list[str]:
        """The partnerships of a reader's own list."""
        named = request.query_params.getlist("p")
        if len(named) > _MOST_PARTNERSHIPS:
            raise TimelineError(
                "invalid_value",
                f"A list of your own takes up to {_MOST_PARTNERSHIPS} partnerships; you named {len(named)}.",
                "Subscribe to /feeds/all.atom, or split the list.",
                field="p",
            )
        return named


_written = lru_cache(maxsize=32)(calendar)
"""A calendar is written once for all who subscribe to it."""
_OPEN = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff"}


def _no_format(name: str, suffix: str) -> TimelineError:
    return TimelineError(
        "unknown_feed",
        f"There is no feed {name} as .{suffix}.",
        f"Write /feeds/{feed_path(name, 'atom')}, or .rss or .json; a partnership also as .ics.",
    )
