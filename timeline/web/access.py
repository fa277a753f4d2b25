"""The guard in front of every address: who asks, how often, how much, and what browsers are told to keep out."""

from __future__ import annotations

import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from timeline.core.errors import TimelineError
from timeline.settings import Settings
from timeline.tokens import Bearer, Tokens
from timeline.web.metrics import Metrics

MAX_BODY = 5_000_000
WRITE_COSTS = 10
SESSION = "timeline_session"
_CLIENTS = 10_000
_OPEN = ("/healthz", "/readyz", "/sign-in", "/static/")
"""Addresses that need no token even where questions do."""
_ALWAYS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_READABLE = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "ETag, Link, Location, Memento-Datetime, Retry-After",
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Accept-Datetime, Authorization, If-None-Match, Last-Event-ID",
    "Access-Control-Max-Age": "86400",
}
_SAFE = ("GET", "HEAD", "OPTIONS")
_PRIVATE = ("/append", "/drafts", "/sign-in", "/sign-out")
_log = logging.getLogger("timeline.web")


class Guard:
    """ASGI middleware, outermost.

    Args:
        refuse: Makes the answer to a refusal, fit for who asks.
        needs: The scope that a request needs.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        tokens: Tokens,
        metrics: Metrics,
        refuse: Callable[[Request, TimelineError], Response],
        needs: Callable[[Request], str],
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._metrics = metrics
        self._refuse = refuse
        self._needs = needs
        self._needs_token = settings.reads == "token"
        self._rate = Rate(settings.rate_limit)
        secure = {"Strict-Transport-Security": "max-age=31536000"} if settings.base_url.startswith("https:") else {}
        self._for_us = _raw(_ALWAYS | secure)
        self._for_all = _raw(_ALWAYS | secure | _READABLE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 0

        async def answering(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                readable = scope["method"] in _SAFE and not scope["path"].startswith(_PRIVATE)
                said = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(pair for pair in (self._for_all if readable else self._for_us) if pair[0] not in said),
                ]
            await send(message)

        request = Request(scope, receive)
        try:
            response = await self._let_in(request)
            body = receive if scope["method"] in _SAFE else _limited(receive)
            await (response or self._app)(scope, body, answering)
        except TimelineError as error:
            await self._refuse(request, error)(scope, receive, answering)
        except Exception:
            name = secrets.token_hex(6)
            _log.exception("internal error %s at %s %r", name, request.method, scope["path"])
            if status:
                raise  # the answer has begun: cutting it off is all that is left
            await self._refuse(request, _bug(name))(scope, receive, answering)
        finally:
            self._metrics.answered(request.method, scope["path"], status, time.perf_counter() - began)

    async def _let_in(self, request: Request) -> Response | None:
        """The answer to a preflight; None for a request that may go on, with its `bearer` noted."""
        client = request.client.host if request.client else ""
        wait = self._rate.wait(client, 1 if request.method in _SAFE else WRITE_COSTS)
        if wait:
            raise TimelineError(
                "rate_limited",
                "These are more requests than one client may make.",
                f"Wait {wait} seconds; to follow changes, use /api/changes/stream or a feed.",
                retry_after=wait,
            )
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=_PREFLIGHT)
        length = request.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length[:15]) > MAX_BODY:
            raise _too_large()
        request.scope["bearer"] = bearer = await self._bearer(request)
        if self._needs_token and bearer is None and not request.url.path.startswith(_OPEN):
            raise token_missing("Here even questions need a token.", "read")
        return None

    async def _bearer(self, request: Request) -> Bearer | None:
        """Whose token is shown; a session opens questions, but never an act of the API."""
        given = request.headers.get("authorization")
        if given is None:
            begun = request.cookies.get(SESSION)
            if begun is not None and self._needs_token:
                found = await run_in_threadpool(self._tokens.signed_in, begun)
                return None if found is None else Bearer(found.name, "read")
            return None
        kind, _, secret = given.partition(" ")
        if kind.lower() != "bearer" or not secret.strip():
            raise token_missing("The Authorization header is not one of ours.", self._needs(request))
        return await run_in_threadpool(lambda: self._tokens.bearer(secret.strip(), self._needs(request)))


class Rate:
    """A bucket of requests for each client, filled evenly.

    Args:
        a_minute: How many requests; 0 for no limit.
    """

    def __init__(self, a_minute: int) -> None:
        self._size = max(a_minute, WRITE_COSTS) if a_minute else 0
        self._a_second = a_minute / 60
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = Lock()

    def wait(self, client: str, cost: int) -> int:
        """Seconds to wait before a request of that cost; 0 when it may go on, and is then counted."""
        if not self._size:
            return 0
        now = time.monotonic()
        with self._lock:
            left, at = self._left.pop(client, (float(self._size), now))
            left = min(self._size, left + (now - at) * self._a_second)
            short = cost - left
            self._left[client] = (left if short > 0 else left - cost, now)
            if len(self._left) > _CLIENTS:
                self._left.popitem(last=False)
        return int(short / self._a_second) + 1 if short > 0 else 0


def allow(request: HTTPConnection, scope: str) -> Bearer:
    """Who asks, if their token allows it.

    Raises:
        TimelineError: `token_missing`, `scope_missing`.
    """
    bearer: Bearer | None = request.scope.get("bearer")
    if bearer is None:
        raise token_missing(f"To {scope} needs a token.", scope)
    return permit(bearer, scope)


def permit(bearer: Bearer, scope: str) -> Bearer:
    """The bearer, if their token allows it.

    Raises:
        TimelineError: `scope_missing`.
    """
    if not bearer.may(scope):
        raise TimelineError(
            "scope_missing",
            f"The token {bearer.name} is for {bearer.scope}, not for {scope}.",
            f"Use one made by `timeline token new NAME --scope {scope}`.",
            scope=scope,
        )
    return bearer


def token_missing(detail: str, scope: str) -> TimelineError:
    """The refusal of somebody who shows no token; `scope` is what it must be for."""
    return TimelineError(
        "token_missing",
        detail,
        f"Send Authorization: Bearer and a token made by `timeline token new NAME --scope {scope}`.",
    )


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """Headers as they are sent: they are added to every answer, so they are encoded once."""
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _limited(receive: Receive) -> Receive:
    """The body as it comes, refused once it is larger than was admitted."""
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > MAX_BODY:
            raise _too_large()
        return message

    return counting


def _too_large() -> TimelineError:
    return TimelineError(
        "too_large",
        f"The body is larger than {MAX_BODY // 1_000_000} MB.",
        "Send one document at a time; `timeline import` takes large files.",
        limit_bytes=MAX_BODY,
    )


def _bug(name: str) -> TimelineError:
    return TimelineError(
        "internal_error",
        "Something went wrong on our side.",
        "Try again: what was recorded is not recorded twice. If it stays so, tell whoever runs this service the number "
        f"{name}.",
        id=name,
    )
