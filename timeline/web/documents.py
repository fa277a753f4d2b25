"""Answers as documents: the same address as the page with .docx, .pdf, .csv, .md or .jsonld, live or permanent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from timeline.core.questions import KNOWLEDGE
from timeline.exports import Cited, linked
from timeline.formats.sheets import SHEETS
from timeline.web import api
from timeline.web.conditional import respond
from timeline.web.memento import lasting
from timeline.web.operations import ENCODER, Call, parameters
from timeline.web.reading import FOR_EVER, Reading

_LINKED = "application/ld+json"
_AT_ONCE = 2
"""Documents in the making; more would leave the other readers no processor."""


class Documents:
    """The documents. None is kept: each is made anew, in the same bytes."""

    def __init__(self, reading: Reading) -> None:
        self._ask = reading
        self._room = CapacityLimiter(_AT_ONCE)

    def routes(self) -> list[BaseRoute]:
        """Their addresses: of each answer the live one and the permanent one, in every format."""
        ask, span = self._ask, tuple(each.name for each in api.SPAN)
        state = tuple(each.name for each in api.STATE)
        permanent = ("announced_by",)
        table: list[tuple[str, Callable[[Call], Cited], tuple[str, ...]]] = [
            ("/p/{p}@{seq}/compare", ask.cited_changes, (*span, *permanent)),
            ("/p/{p}@{seq}/timeline", ask.cited_timeline, permanent),
            ("/p/{p}@{seq}/t/{kind}/{subject}", ask.cited_history, permanent),
            ("/p/{p}@{seq}/{date}", ask.cited_state, ("term", "include", *permanent)),
            ("/p/{p}/compare", ask.cited_changes, (*span, *KNOWLEDGE)),
            ("/p/{p}/timeline", ask.cited_timeline, KNOWLEDGE),
            ("/p/{p}/t/{kind}/{subject}", ask.cited_history, KNOWLEDGE),
            ("/p/{p}", ask.cited_state, state),
        ]
        found: list[BaseRoute] = [Route("/a/{p}/{n}.jsonld", self._act, methods=["GET"])]
        for path, question, known in table:
            found.append(Route(f"{path}.jsonld", partial(self._linked, question, known), methods=["GET"]))
            found += (
                Route(f"{path}.{suffix}", partial(self._answer, suffix, question, known), methods=["GET"])
                for suffix in SHEETS
                if suffix != "json"  # which is the API
            )
        return found

    async def _answer(
        self, suffix: str, question: Callable[[Call], Cited], known: tuple[str, ...], request: Request
    ) -> Response:
        made = SHEETS[suffix]

        call = Call(request.path_params, parameters(request, known))

        def render() -> tuple[bytes, Cited]:
            cited = question(call)
            return made.render(self._ask.exports.sheet(cited)), cited

        body, cited = await to_thread.run_sync(render, limiter=self._room)
        place = cited.citation.path.removeprefix("/p/").replace("/", "-")
        shown = "attachment" if made.attached else "inline"
        headers = {"Content-Disposition": f'{shown}; filename="{place}.{suffix}"'}
        if "seq" in call.path:
            headers |= lasting(call.path, call.given)
        else:
            headers["Link"] = f'<{cited.citation.link()}>; rel="cite-as"'
        cache_control = FOR_EVER if "seq" in call.path else None
        return respond(request, body, made.media_type, cache_control=cache_control, headers=headers)

    async def _linked(self, question: Callable[[Call], Cited], known: tuple[str, ...], request: Request) -> Response:
        call = Call(request.path_params, parameters(request, known))

        def render() -> bytes:
            return ENCODER.encode(linked.document(self._ask.exports.linked(question(call))))

        body = await run_in_threadpool(render)
        permanent = "seq" in request.path_params
        headers = lasting(call.path, call.given) if permanent else {}
        return respond(request, body, _LINKED, cache_control=FOR_EVER if permanent else None, headers=headers)

    async def _act(self, request: Request) -> Response:
        def render() -> bytes:
            act = self._ask.announcement(Call(request.path_params, parameters(request, ())))
            return ENCODER.encode(linked.document(self._ask.exports.linked_announcement(act)))

        return respond(request, await run_in_threadpool(render), _LINKED)
