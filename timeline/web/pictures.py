"""The picture of a partnership's timeline by itself: its page's address with .svg or .png, live or as a citation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from timeline.core.dates import day
from timeline.core.questions import KNOWLEDGE, asked_day, filled
from timeline.formats.pictures import PICTURES, SVG_POLICY, Picture, picture
from timeline.web.conditional import respond
from timeline.web.memento import lasting
from timeline.web.operations import Call, parameters
from timeline.web.reading import FOR_EVER, Reading

_AT_ONCE = 2
"""Pictures in the making; more would leave the other readers no processor."""


class Pictures:
    """The pictures. None is kept: each is made anew, in the same bytes.

    Args:
        base_url: What the links in a picture begin with; without a slash at its end.
    """

    def __init__(self, reading: Reading, base_url: str) -> None:
        self._ask = reading
        self._base_url = base_url
        self._room = CapacityLimiter(_AT_ONCE)

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route(f"{path}.{suffix}", partial(self._answer, suffix, question), methods=["GET"])
            for path, question in (("/p/{p}@{seq}/{date}", self._cited), ("/p/{p}", self._live))
            for suffix in PICTURES
        ]

    async def _answer(self, suffix: str, question: Callable[[Request], Picture], request: Request) -> Response:
        make, media_type = PICTURES[suffix]

        def render() -> tuple[bytes, Picture]:
            found = question(request)
            return make(found), found

        body, found = await to_thread.run_sync(render, limiter=self._room)
        headers = {
            "Content-Disposition": f'inline; filename="{request.path_params["p"]}.{suffix}"',
            "Content-Security-Policy": SVG_POLICY,
        }
        if "seq" in request.path_params:
            headers |= lasting(request.path_params, {})
            return respond(request, body, media_type, cache_control=FOR_EVER, headers=headers)
        headers["Link"] = f'<{found.address}>; rel="cite-as"'
        return respond(request, body, media_type, headers=headers)

    def _live(self, request: Request) -> Picture:
        given = parameters(request, ("as_of", *KNOWLEDGE))
        now = self._ask.clock()
        as_of = asked_day(filled(given, "as_of"), now, field="as_of") if "as_of" in given else now.date()
        knowledge = {name: given[name] for name in KNOWLEDGE if name in given}
        timeline = self._ask.timeline(Call({"p": request.path_params["p"]}, knowledge))
        return picture(timeline, as_of, now.date(), self._base_url)

    def _cited(self, request: Request) -> Picture:
        """Both clocks are fixed, so that no day changes it."""
        call = Call(request.path_params, parameters(request, ("announced_by",)))
        as_of = day(call.path["date"], field="date")
        timeline = self._ask.timeline(call)
        return picture(timeline, as_of, None, self._base_url)
