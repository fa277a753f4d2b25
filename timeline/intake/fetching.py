"""A page from its address: only when a person asks, only where robots may, and never from inside the network."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urldefrag, urljoin, urlsplit

from timeline.core.errors import TimelineError
from timeline.intake.page import MAX_PAGE_BYTES, extra_missing
from timeline.outbound import PUBLIC, Answer, Gate, check, send

MAX_REDIRECTS = 5
SECONDS = 30
"""For all hosts together, with their robots.txt."""
AGENT = "timeline"
"""The name by which a robots.txt may speak to us."""

_MAX_ROBOTS_BYTES = 1_000_000
_MOVED = (301, 302, 303, 307, 308)
_ACCEPT = "text/html, application/xhtml+xml, text/plain, text/markdown, application/pdf;q=0.9, */*;q=0.1"
_SHOWN = 200  # characters of an address in a refusal
_PASTE = "Open it in a browser, copy the words of the announcement, and paste them: timeline draft new --page -"


@dataclass(frozen=True, slots=True)
class Fetched:
    """A page as its host sent it."""

    data: bytes = field(repr=False)
    media_type: str | None
    """As its host calls it, parameters and all; None: not said."""
    asked: str
    """The address that was asked for."""
    address: str
    """The one that answered, after redirects; without a fragment."""
    retrieved_at: datetime


def fetch(address: str, *, clock: Callable[[], datetime], gate: Gate = PUBLIC) -> Fetched:
    """The page at `address`. Each redirect is judged like a new address, and each host's robots.txt is respected.

    Raises:
        TimelineError: `address_refused`, `address_unreachable`, `too_large`; `fetch_refused` when the host does not
            give it away (robots.txt, a status other than 200, redirects that lead nowhere); `extra_missing`.
    """
    deadline = time.monotonic() + SECONDS

    def get(where: str, limit: int) -> Answer:
        return send(
            "GET", where, headers={"Accept": _ACCEPT}, gate=gate, seconds=deadline - time.monotonic(), limit=limit
        )

    here, seen = _reached("", address), set[str]()
    allowed: dict[str, Callable[[str], bool]] = {}
    while len(seen) <= MAX_REDIRECTS:
        seen.add(here)
        check(here, gate=gate)  # before its robots.txt, so that a refusal names what was asked for
        origin = urljoin(here, "/")
        if origin not in allowed:
            allowed[origin] = _robots(origin, get)
        if not allowed[origin](here):
            raise _refused(here, f"the robots.txt of {urlsplit(here).netloc} asks programs to leave it alone")
        answer = get(here, MAX_PAGE_BYTES)
        if answer.status not in _MOVED or "location" not in answer.headers:
            return _page(answer, address, clock)
        there = _reached(here, answer.headers["location"])
        if there in seen:
            raise _refused(here, f"its redirects run in circles, back to {there[:_SHOWN]}")
        here = there
    raise _refused(address, f"it redirects more than {MAX_REDIRECTS} times")


def _page(answer: Answer, asked: str, clock: Callable[[], datetime]) -> Fetched:
    if answer.status != 200:  # no other promises the whole page
        raise _refused(answer.address, f"its host answers {answer.status} {answer.reason}".rstrip())
    coding = answer.headers.get("content-encoding", "identity")
    if coding != "identity":
        raise _refused(answer.address, f"its host sends it packed as {coding[:20]}, though it was asked for plain")
    return Fetched(answer.body, answer.headers.get("content-type"), asked, answer.address, clock())


def _robots(origin: str, get: Callable[[str, int], Answer]) -> Callable[[str], bool]:
    """What the robots.txt of an origin lets us ask for, by RFC 9309: all where there is none, nothing when in doubt."""
    try:
        from protego import Protego  # noqa: PLC0415  # an extra
    except ImportError:
        raise extra_missing("An address") from None
    where = urljoin(origin, "/robots.txt")
    answer = get(where, _MAX_ROBOTS_BYTES)
    for _ in range(MAX_REDIRECTS):
        if answer.status not in _MOVED or "location" not in answer.headers:
            break
        where = _reached(where, answer.headers["location"])
        answer = get(where, _MAX_ROBOTS_BYTES)
    if 400 <= answer.status < 500 and answer.status != 429:  # RFC 9309 2.3.1.3: unavailable
        return lambda _: True
    if answer.status != 200:  # 2.3.1.4: unreachable, or a redirect without end
        raise _refused(origin, f"its robots.txt cannot be read ({answer.status} {answer.reason})")
    rules = Protego.parse(answer.body.decode("utf-8-sig", "replace"))
    return lambda page: rules.can_fetch(page, AGENT)


def _reached(here: str, written: str) -> str:
    """The address that is written on a page at `here`, whole and without a fragment."""
    try:
        return urldefrag(urljoin(here, written)).url
    except ValueError as error:
        raise TimelineError(
            "address_refused",
            f"{written[:_SHOWN]!r} is no address.",
            "Write it as https://example.org/page.",
        ) from error


def _refused(address: str, why: str) -> TimelineError:
    return TimelineError("fetch_refused", f"{address[:_SHOWN]} was not fetched: {why}.", _PASTE)
