"""The pages on which an editor signs in and appends: paste or choose a file, see what would happen, confirm once."""

from __future__ import annotations

import secrets
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from timeline.core.errors import TimelineError
from timeline.core.questions import position
from timeline.tokens import SESSION_LENGTH, Bearer, Tokens
from timeline.web.access import SESSION, permit
from timeline.web.operations import parameters
from timeline.web.problems import CHALLENGE
from timeline.web.sessions import NEVER_KEPT, check_form, csrf, local, pasted_or_chosen, posted, signed_in, way_in
from timeline.web.templating import Templates
from timeline.web.writing import Writing, only_document

Json = dict[str, Any]
_NEXT = "/append"
"""Where signing in leads whoever came from nowhere."""
_PASTED = "announcement"
"""What the document is called in a refusal; without an ending it is read as what it is."""


class Editing:
    """Signing in, signing out, appending.

    Args:
        secure: Whether the cookie is for https alone.
    """

    def __init__(self, writing: Writing, tokens: Tokens, templates: Templates, *, secure: bool) -> None:
        self._writing = writing
        self._tokens = tokens
        self._templates = templates
        self._secure = secure

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        return [
            Route("/sign-in", self.sign_in_form, methods=["GET"]),
            Route("/sign-in", self.sign_in, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
            Route("/append", self.append_form, methods=["GET"]),
            Route("/append", self.append, methods=["POST"]),
        ]

    async def sign_in_form(self, request: Request) -> Response:
        """The form; `next` is the page to go on to."""
        given = parameters(request, ("next",))
        return self._sign_in_page(after=local(given.get("next", _NEXT)))

    async def sign_in(self, request: Request) -> Response:
        """Begin a session for whoever shows a token."""
        form = await posted(request)
        token, after = form.get("token"), local(str(form.get("next", _NEXT)))
        sent = str(form.get("document", ""))
        if not isinstance(token, str) or not token.strip():
            problem = {"detail": "No token was given.", "remedy": "Paste it."}
            return self._sign_in_page(422, problem, after=after, sent=sent)
        try:
            begun = await run_in_threadpool(self._tokens.sign_in, token.strip())
        except TimelineError as error:
            if error.code != "token_unknown":
                raise
            return self._sign_in_page(403, error.problem(), after=after, sent=sent)
        bearer = await run_in_threadpool(self._tokens.signed_in, begun) if sent else None
        response: Response = RedirectResponse(after, 303, NEVER_KEPT)
        if bearer is not None:
            response = self._append_page(bearer, begun, text=sent)
        seconds = int(SESSION_LENGTH.total_seconds())
        response.set_cookie(SESSION, begun, seconds, httponly=True, samesite="strict", secure=self._secure)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session; who is not signed in is out already."""
        try:
            _, begun = await signed_in(self._tokens, request)
        except TimelineError as error:
            if error.code != "token_missing":
                raise
            return RedirectResponse("/", 303, NEVER_KEPT)
        check_form(await posted(request), begun)
        await run_in_threadpool(self._tokens.sign_out, begun)
        response = RedirectResponse("/", 303, NEVER_KEPT)
        response.delete_cookie(SESSION, httponly=True, samesite="strict", secure=self._secure)
        return response

    async def append_form(self, request: Request) -> Response:
        parameters(request, ())
        try:
            bearer, begun = await signed_in(self._tokens, request)
        except TimelineError as error:
            if error.code != "token_missing":
                raise
            return RedirectResponse(way_in(request), 303, NEVER_KEPT)
        return self._append_page(bearer, begun)

    async def append(self, request: Request) -> Response:
        """Rehearse what was sent; record it once it is confirmed, if nothing was recorded meanwhile.

        A session that has ended takes nothing with it: what was sent goes through the form for signing in.
        """
        form = await posted(request)
        try:
            bearer, begun = await signed_in(self._tokens, request)
        except TimelineError as error:
            if error.code != "token_missing":
                raise
            return self._sign_in_page(401, error.problem(), after=_NEXT, sent=pasted_or_chosen(form, "document"))
        check_form(form, begun)
        permit(bearer, "append")
        text = ""
        try:
            text = pasted_or_chosen(form, "document")
            if "confirm" in form:
                receipt = await run_in_threadpool(self._confirmed, text, form)
                return RedirectResponse(_page_of(receipt["id"]), 303, NEVER_KEPT)
            receipt = await run_in_threadpool(self._rehearsed, text)
        except TimelineError as error:
            return self._append_page(bearer, begun, error.category.http_status, text=text, problem=error.problem())
        return self._append_page(bearer, begun, text=text, receipt=receipt)

    def _rehearsed(self, text: str) -> Json:
        return self._writing.record(only_document(text.encode(), _PASTED), dry_run=True)

    def _confirmed(self, text: str, form: dict[str, str | bytes]) -> Json:
        expect, key = form.get("expect", ""), form.get("idempotency_key", "")
        return self._writing.record(
            only_document(text.encode(), _PASTED),
            idempotency_key=str(key) or None,
            expect=position(str(expect), field="expect") if expect else None,
        )

    def _append_page(
        self,
        bearer: Bearer,
        begun: str,
        status: int = 200,
        *,
        text: str = "",
        problem: Json | None = None,
        receipt: Json | None = None,
    ) -> Response:
        return self._page(
            "append.html",
            status,
            bearer=bearer,
            csrf=csrf(begun),
            text=text,
            problem=problem,
            receipt=receipt,
            # What is confirmed is what was shown: the record must still end where the rehearsal found it.
            expect=None if receipt is None else (receipt["follows"] or "").rpartition("@")[2],
            idempotency_key=f"web-{secrets.token_hex(12)}",
        )

    def _sign_in_page(self, status: int = 200, problem: Json | None = None, *, after: str, sent: str = "") -> Response:
        """The form for signing in, which leads to `after`, or to what was sent to be appended."""
        response = self._page("sign_in.html", status, problem=problem, next=after, sent=sent)
        if status == 401:
            response.headers["WWW-Authenticate"] = CHALLENGE
        return response

    def _page(self, name: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.render(name, **values), status, NEVER_KEPT)


def _page_of(cited: str) -> str:
    return f"/a/{cited}" if "/" in cited else f"/p/{cited}"
