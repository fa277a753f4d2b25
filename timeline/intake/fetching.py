"""A page from another host, because somebody asked for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from timeline.core.errors import TimelineError
from timeline.intake.page import MAX_PAGE_BYTES, extra_missing
from timeline.outbound import PUBLIC, Answer, Gate, send

_AGENT = "timeline"
_ACCEPT = "text/html, application/xhtml+xml, text/markdown, text/plain, application/pdf"
_MOVED = (301, 302, 303, 307, 308)
_MAX_MOVES = 5
_MAX_ROBOTS_BYTES = 500_000
_PASTE = "Open it in a browser, copy the words of the announcement, and paste them: timeline draft new --page -"


@dataclass(frozen=True, slots=True)
class Fetched:
    data: bytes = field(repr=False)
    media_type: str | None
    address: str
    """Where it was in the end."""
    asked: str
    retrieved_at: datetime


def fetch(address: str, *, clock: Callable[[], datetime], gate: Gate = PUBLIC) -> Fetched:
    """The page at an address; every redirect is judged as if it had been typed, and asks the site's robots.txt anew.

    Raises:
        TimelineError: `address_refused`, `address_unreachable`, `too_large`; `fetch_refused` when the site does not
            want it, sends no page, or moves it in circles; `extra_missing`.
    """
    here, seen = address, {address}
    while True:
        _permitted(here, gate)
        answer = send("GET", here, headers={"Accept": _ACCEPT}, gate=gate, seconds=20, limit=MAX_PAGE_BYTES)
        if answer.status not in _MOVED or "location" not in answer.headers:
            return _taken(answer, address, here, clock())
        here = urljoin(here, answer.headers["location"]).partition("#")[0]
        if here in seen or len(seen) > _MAX_MOVES:
            raise _refused(address, "is moved in circles" if here in seen else f"is moved more than {_MAX_MOVES} times")
        seen.add(here)


def _taken(answer: Answer, asked: str, address: str, now: datetime) -> Fetched:
    if answer.status != 200:
        raise _refused(asked, f"was refused by its site: {answer.status} {answer.reason}".rstrip())
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise _refused(asked, f"was sent packed as {encoding[:20]}, though it was asked for plain")
    return Fetched(answer.body, answer.headers.get("content-type"), address, asked, now)


def _permitted(address: str, gate: Gate) -> None:
    """Refuse what the site's robots.txt keeps machines out of (RFC 9309); a site without one keeps out nobody."""
    try:
        from protego import Protego  # noqa: PLC0415 - an extra
    except ImportError:
        raise extra_missing("An address") from None
    parts = urlsplit(address)
    rules = send("GET", f"{parts.scheme}://{parts.netloc}/robots.txt", gate=gate, limit=_MAX_ROBOTS_BYTES)
    if rules.status >= 500:
        raise _refused(address, f"cannot be fetched: the site’s robots.txt answers {rules.status}")
    if rules.status == 200 and not Protego.parse(rules.body.decode("utf-8", "replace")).can_fetch(address, _AGENT):
        raise _refused(address, "is closed to machines by the site’s robots.txt")


def _refused(address: str, why: str) -> TimelineError:
    return TimelineError("fetch_refused", f"{address[:200]} {why}.", _PASTE)
