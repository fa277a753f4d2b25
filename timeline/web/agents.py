"""Assistants over HTTP: /mcp, where the settings say so, with our tokens, and closed to other people's pages."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from timeline import agents
from timeline.core.errors import TimelineError
from timeline.settings import Settings
from timeline.web.access import MAX_BODY, allow

PLACE = "/mcp"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_USUAL = (80, 443)


class Agents:
    """The address for assistants; nothing while the settings do not open it.

    Raises:
        TimelineError: `extra_missing`.
    """

    def __init__(self, tools: agents.Tools, settings: Settings) -> None:
        self._door: Any = None
        self._origins = {_place(settings.base_url), *((name, settings.port) for name in _LOOPBACK)}
        self._base_url = settings.base_url
        if settings.agents == "on":
            protocol = agents.load_protocol()
            self._door = protocol.OverHttp(protocol.speaking(tools, lambda request: allow(request, "draft")), MAX_BODY)

    def routes(self) -> list[BaseRoute]:
        """Its one address. It takes POST alone: there is no session to listen to or to end."""
        return [] if self._door is None else [Route(PLACE, self, methods=["POST"])]

    @asynccontextmanager
    async def running(self, _: Starlette) -> AsyncIterator[None]:
        """What goes on as long as the application does."""
        if self._door is None:
            yield
            return
        async with self._door.running():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._check(Request(scope))
        await self._door(scope, receive, send)

    def _check(self, request: Request) -> None:
        """Refuse a browser that another site sent, also one that was told that this address is that site's.

        Raises:
            TimelineError: `origin_refused`.
        """
        host, origins = request.headers.get("host", ""), request.headers.getlist("origin")
        strange = [each for each in origins if _place(each) not in self._origins]
        # Proxies and port mappings alter a port, and no name that leads here for others can be one of these.
        if _place(f"//{host}")[0] not in {name for name, _ in self._origins}:
            strange.append(host)
        if strange:
            raise TimelineError(
                "origin_refused",
                f"“{strange[0][:200]}” is not where this service is.",
                f"Ask at {self._base_url}{PLACE}. If it moved, set TIMELINE_BASE_URL; a proxy must pass on Host.",
            )


def _place(address: str) -> tuple[str | None, int | None]:
    """The host and port of an address, an origin or a `//host`; no port for the usual ones."""
    try:
        parts = urlsplit(address)
        return parts.hostname, None if parts.port in _USUAL else parts.port
    except ValueError:
        return None, None
