"""Refusals as answers: a problem document for programs, a page for people, the same code and remedy in both."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import SequenceMatcher
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match

from timeline.core.errors import TimelineError, nearest
from timeline.web.operations import ENCODER, Json
from timeline.web.sessions import way_in

PROBLEM = "application/problem+json"
_CODES = {404: "unknown_address", 405: "method_not_allowed"}
CHALLENGE = 'Bearer realm="timeline"'
RETRY_SECONDS = 5
Link = tuple[str, str]
_LONGEST_WORD = 100
_SLOT = re.compile(r"{\w+}")
_RECORDED = re.compile(
    r"/(?:api/partnerships/(?P<at>[^/]+)/announcements|(?:api/announcements|a)/(?P<p>[^/]+))(?:/(?P<n>\d{1,6}))?"
)


class Problems:
    """Makes answers of refusals.

    Args:
        page: Renders a problem document as a page, with the address for signing in where that would help, and with
            what was perhaps meant.
    """

    def __init__(self, page: Callable[[Json, str | None, list[Link]], str]) -> None:
        self._page = page
        self.routes: list[BaseRoute] = []
        """Every route there is, to tell what an address would take."""

    def answer(self, request: Request, error: TimelineError) -> Response:
        """The refusal, as a page where a browser asks for one."""
        body = error.problem()
        status = body["status"]
        headers = {"Cache-Control": "no-store"}
        if status == 401:
            headers["WWW-Authenticate"] = CHALLENGE
        if status in (429, 503):
            headers["Retry-After"] = str(error.more.get("retry_after", RETRY_SECONDS))
        if "allow" in error.more:
            headers["Allow"] = ", ".join(error.more["allow"])
        if _wants_page(request):
            sign_in = way_in(request) if error.code == "token_missing" else None
            return Response(self._page(body, sign_in, _instead(request, error)), status, headers, "text/html")
        return Response(ENCODER.encode(body), status, headers, PROBLEM)

    async def refused(self, request: Request, error: Exception) -> Response:
        """The answer to a `TimelineError` that an address raised."""
        assert isinstance(error, TimelineError)  # registered for these
        return self.answer(request, error)

    async def not_routed(self, request: Request, error: Exception) -> Response:
        """The answer where no route takes the request."""
        assert isinstance(error, HTTPException)  # registered for these
        if _CODES.get(error.status_code) == "method_not_allowed":
            return self.answer(request, self._wrong_method(request))
        meant = self._meant(request.scope["path"])
        remedy = "The addresses are listed at /openapi.json; people begin at /."
        return self.answer(
            request,
            TimelineError(
                "unknown_address",
                "There is nothing at this address.",
                f"Did you mean {meant}? {remedy}" if meant else remedy,
                did_you_mean=[meant] if meant else [],
            ),
        )

    def _meant(self, path: str) -> str | None:
        """The address that differs from the path by misspelt words alone; its slots take what stands there."""
        given = path.split("/")
        if not path.isprintable() or any(len(word) > _LONGEST_WORD for word in given):
            return None
        best: tuple[float, str] | None = None
        for route in self.routes:
            words = str(getattr(route, "path_format", "")).split("/")
            if len(words) != len(given) or any("{" in word and not _SLOT.fullmatch(word) for word in words):
                continue
            pairs = [(mine, word) for mine, word in zip(given, words, strict=True) if "{" not in word]
            if all(mine == word or nearest(mine, [word]) for mine, word in pairs):
                near = sum(SequenceMatcher(None, *pair).ratio() for pair in pairs) / len(pairs)
                meant = "/".join(mine if "{" in word else word for mine, word in zip(given, words, strict=True))
                best = max(best or (0.0, ""), (near, meant))
        return best[1] if best and best[1] != path else None

    def _wrong_method(self, request: Request) -> TimelineError:
        allowed: set[str] = {"OPTIONS"}
        for route in self.routes:
            match, _ = route.matches(request.scope)
            if match is Match.PARTIAL:
                allowed |= set(getattr(route, "methods", None) or ())
        remedy = f"This address takes {', '.join(sorted(allowed))}."
        recorded = _RECORDED.match(request.scope["path"])
        if recorded and request.method in ("PUT", "PATCH", "DELETE"):
            p, n = recorded["p"] or recorded["at"], recorded["n"] or "{n}"
            about = f"/api/partnerships/{p[:80]}/announcements/{n}"
            remedy = (
                "What is recorded is never changed or removed. "
                f"POST the right content to {about}/correction, or a reason to {about}/retraction."
            )
        return TimelineError(
            "method_not_allowed",
            f"{request.method[:20]} is not possible at this address.",
            remedy,
            allow=sorted(allowed),
        )


def _instead(request: Request, error: TimelineError) -> list[Link]:
    """What a person may have meant, and the page for it: the same address with that in place of what is wrong."""
    meant: list[str] = error.more.get("did_you_mean") or error.more.get("readings") or []
    path, slots, field = request.scope["path"], request.path_params, error.field
    pairs = request.query_params.multi_items()
    if request.method not in ("GET", "HEAD"):
        return []
    found: list[Link] = []
    for each in meant:
        there, asked = path, pairs
        if error.code == "unknown_address":
            there = each
        elif error.code == "unknown_parameter":
            asked = [(each if name == field else name, value) for name, value in pairs]
        elif field in request.query_params:
            asked = [(name, each if name == field else value) for name, value in pairs]
        elif field == "partnership" and "p" in slots:
            there = path.replace(f"/{slots['p']}", f"/{each}", 1)
        elif field == "term" and {"kind", "subject"} <= set(slots):
            there = path.replace(f"/t/{slots['kind']}/{slots['subject']}", f"/t/{each}", 1)
        else:
            continue
        found.append((each, quote(there, safe="/@") + (f"?{urlencode(asked)}" if asked else "")))
    return found


def _wants_page(request: Request) -> bool:
    path = request.scope["path"]
    if path.startswith(("/api/", "/feeds/")) or path.endswith((".json", ".ics", ".opml")):
        return False
    return "text/html" in request.headers.get("accept", "")
