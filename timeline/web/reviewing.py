"""The pages on which an editor reviews drafts: the source beside the statements, saved and checked, appended once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from timeline.core.announcements import FORCES, TIERS
from timeline.core.errors import TimelineError
from timeline.core.evidence import EVIDENCE, blocks
from timeline.core.terms import Kinds
from timeline.documents import Document, written
from timeline.drafting import Draft, Drafts
from timeline.drafting.judging import only_document
from timeline.drafting.sheet import filled, sheet
from timeline.tokens import Bearer, Tokens
from timeline.web.access import permit
from timeline.web.drafting import draft_number
from timeline.web.operations import parameters
from timeline.web.pages import marked
from timeline.web.problems import CHALLENGE
from timeline.web.sessions import NEVER_KEPT, Form, check_form, csrf, pasted_or_chosen, posted, signed_in, way_in
from timeline.web.templating import Templates

Json = dict[str, Any]
Editor = tuple[Bearer, str]
_UNTYPED = ("csrf", "revision", "is")
"""What forms carry that nobody typed."""
_BEGUN = "announcement"
"""What a pasted document is called in a refusal; without an ending it is read as what it is."""


class Reviewing:
    """Listing, beginning, reviewing, answering, appending, discarding."""

    def __init__(self, drafts: Drafts, tokens: Tokens, templates: Templates, kinds: Kinds) -> None:
        self._drafts = drafts
        self._tokens = tokens
        self._templates = templates
        self._kinds = kinds

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""
        about = "/drafts/{id}"
        return [
            Route("/drafts", self.listed, methods=["GET"]),
            Route("/drafts", self.begin, methods=["POST"]),
            Route(about, self.review, methods=["GET"]),
            Route(about, self._act(self._save), methods=["POST"]),
            Route(f"{about}/answer", self._act(self._answer), methods=["POST"]),
            Route(f"{about}/append", self._act(self._append), methods=["POST"]),
            Route(f"{about}/discard", self._act(self._discard), methods=["POST"]),
            Route(f"{about}/received", self.received, methods=["GET"]),
        ]

    async def listed(self, request: Request) -> Response:
        """The drafts, and the form that begins one."""
        closed = "all" in parameters(request, ("all",))
        editor = await self._editor(request)
        return editor if isinstance(editor, Response) else await self._list_page(editor, closed=closed)

    async def begin(self, request: Request) -> Response:
        """Begin a draft with what was pasted or chosen."""
        form = await posted(request)
        try:
            editor = await signed_in(self._tokens, request)
        except TimelineError as error:
            return self._signed_out_page(request, error, form)
        check_form(form, editor[1])
        permit(editor[0], "draft")
        try:
            text = pasted_or_chosen(form, "document")
            made = await run_in_threadpool(self._begun, text.encode(), form)
        except TimelineError as error:
            return await self._list_page(editor, error=error, text=str(form.get("document", "")))
        return RedirectResponse(f"/drafts/{made['id']}", 303, NEVER_KEPT)

    async def review(self, request: Request) -> Response:
        """One draft, its sources beside its statements, and what its check says."""
        parameters(request, ())
        editor = await self._editor(request)
        if isinstance(editor, Response):
            return editor
        return await self._review_page(editor, draft_number(request.path_params["id"]))

    async def received(self, request: Request) -> Response:
        """What came in, as it was received, to be saved and never to be shown as a page of ours."""
        editor = await self._editor(request)
        if isinstance(editor, Response):
            return editor
        number = draft_number(request.path_params["id"])
        came = (await run_in_threadpool(self._drafts.find, number)).received
        if came.content is None:
            raise TimelineError(
                "unknown_text", f"What draft {number} was made from is no longer kept.", "Its sha256 is on its page."
            )
        headers = {"Content-Disposition": f'attachment; filename="draft-{number}"', **NEVER_KEPT}
        return Response(came.content, 200, headers, "application/octet-stream")

    def _act(self, act: Callable[[int, Form], str]) -> Callable[[Request], Awaitable[Response]]:
        """An address that changes a draft: back to where `act` says, or to the draft with the refusal."""

        async def answer(request: Request) -> Response:
            form = await posted(request)
            try:
                editor = await signed_in(self._tokens, request)
            except TimelineError as error:
                return self._signed_out_page(request, error, form)
            check_form(form, editor[1])
            permit(editor[0], "append" if request.url.path.endswith("/append") else "draft")
            number = draft_number(request.path_params["id"])
            try:
                where = await run_in_threadpool(act, number, form)
            except TimelineError as error:
                if error.code == "unknown_draft":
                    raise
                return await self._review_page(editor, number, error=error)
            return RedirectResponse(where, 303, NEVER_KEPT)

        return answer

    def _begun(self, content: bytes, form: Form) -> Json:
        if form.get("is") != "page":
            return self._drafts.new(content, name=_BEGUN)
        names = ("address", "announced", "partnership")
        address, announced, partnership = (str(form.get(name, "")).strip() or None for name in names)
        return self._drafts.new_page(content, address=address, announced=announced, partnership=partnership)

    def _save(self, number: int, form: Form) -> str:
        revision = _revision(form)
        text = form.get("document")
        if not isinstance(text, str):
            base = only_document(self._drafts.show(number, revision=revision)["document"], f"draft {number}")
            if sheet(base) is None:
                raise TimelineError(
                    "missing_field",
                    f"Draft {number} has no form by fields.",
                    "Change it as a whole, in YAML.",
                    field="document",
                )
            data = filled(base, form)
            if data == base.data:
                return f"/drafts/{number}#check"
            text = written(data)
        self._drafts.save(number, text.replace("\r\n", "\n"), expect=revision)
        return f"/drafts/{number}#check"

    def _answer(self, number: int, form: Form) -> str:
        self._drafts.answer(number, str(form.get("of", "")), str(form.get("answer", "")))
        return f"/drafts/{number}#check"

    def _append(self, number: int, form: Form) -> str:
        cited = self._drafts.append(number, expect=_revision(form))["id"]
        return f"/a/{cited}" if "/" in cited else f"/p/{cited}"

    def _discard(self, number: int, form: Form) -> str:
        self._drafts.discard(number, str(form.get("why", "")))
        return f"/drafts/{number}"

    async def _editor(self, request: Request) -> Editor | Response:
        """Who is signed in and may draft; for nobody, the way to the form."""
        try:
            editor = await signed_in(self._tokens, request)
        except TimelineError as error:
            if error.code != "token_missing":
                raise
            return RedirectResponse(way_in(request), 303, NEVER_KEPT)
        permit(editor[0], "draft")
        return editor

    async def _list_page(
        self, editor: Editor, *, closed: bool = False, error: TimelineError | None = None, text: str = ""
    ) -> Response:
        body = await run_in_threadpool(self._drafts.listed, closed=closed)
        return self._page("drafts.html", editor, error, drafts=body["drafts"], closed=closed, text=text)

    async def _review_page(self, editor: Editor, number: int, *, error: TimelineError | None = None) -> Response:
        found = await run_in_threadpool(self._drafts.find, number)
        check = await run_in_threadpool(self._drafts.check, number)
        first = await run_in_threadpool(self._drafts.show, number, revision=1)
        fields, document = None, None
        try:
            document = only_document(found.document, f"draft {number}")
            fields = sheet(document)
        except TimelineError:
            pass  # the check says what is wrong, and the text is there to be mended
        return self._page(
            "draft.html",
            editor,
            error,
            draft=found,
            # What was open when its page was read; the forms have no room for comments.
            noted=[line.strip()[2:] for line in first["document"].splitlines() if line.strip().startswith("# ")],
            check=check,
            blocks=_by_statement(check["blocks"]),
            sheet=fields,
            texts=[] if document is None else _texts(found, document),
            kinds=sorted(self._kinds.by_name),
            forces=("", *FORCES),
            tiers=("", *TIERS[::-1]),
        )

    def _signed_out_page(self, request: Request, error: TimelineError, form: Form) -> Response:
        """The way to sign in, with what was typed for whoever wrote on after their time was up."""
        if error.code != "token_missing":
            raise error
        typed = form.get("document") or "\n".join(
            f"{name}: {value}"
            for name, value in form.items()
            if name not in _UNTYPED and isinstance(value, str) and value
        )
        page = self._templates.problem(error.problem(), way_in(request), sent=str(typed))
        return HTMLResponse(page, 401, {**NEVER_KEPT, "WWW-Authenticate": CHALLENGE})

    def _page(self, name: str, editor: Editor, error: TimelineError | None, **values: Any) -> Response:
        problem = None if error is None else error.problem()
        status = 200 if error is None else error.category.http_status
        page = self._templates.render(name, bearer=editor[0], csrf=csrf(editor[1]), problem=problem, **values)
        return HTMLResponse(page, status, NEVER_KEPT)


def _revision(form: Form) -> int:
    text = str(form.get("revision", ""))
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise TimelineError("form_expired", "The form names no revision.", "Load the page again and send it anew.")
    return int(text)


def _by_statement(blocks_: list[Json]) -> dict[int, list[Json]]:
    """What blocks, by the place of the statement that it is about; -1 for the rest."""
    found: dict[int, list[Json]] = {}
    for block in blocks_:
        name, _, rest = str(block.get("field", "")).partition("[")
        place = rest.partition("]")[0]
        found.setdefault(int(place) if name == "statements" and place.isdigit() else -1, []).append(block)
    return found


def _texts(found: Draft, document: Document) -> list[Json]:
    """The texts of its sources, each in its parts, what is quoted marked, and furniture told from evidence."""
    texts = []
    sources = document.data.get("sources")
    statements = document.data.get("statements")
    for number, source in enumerate(sources if isinstance(sources, list) else (), start=1):
        kept = found.texts.get(str(source.get("text_sha256"))) if isinstance(source, dict) else None
        if kept is None:
            continue
        text = kept.content.decode("utf-8-sig", "replace")
        quotes = [
            each["quote"]
            for each in (statements if isinstance(statements, list) else ())
            if isinstance(each, dict) and each.get("source", 1) == number and isinstance(each.get("quote"), str)
        ]
        parts = [
            {
                "part": block.part.value,
                "evidence": block.part in EVIDENCE,
                "pieces": marked(text[block.start : block.end], quotes if block.part in EVIDENCE else [], whole=True),
            }
            for block in blocks(text)
        ]
        texts.append({"number": number, "sha256": kept.sha256, "parts": parts})
    return texts
