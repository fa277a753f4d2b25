"""The pages for people: the answers of the API as sentences, cards and a picture, with both clocks in plain sight."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from timeline.core.errors import TimelineError
from timeline.core.evidence import Found, find_quote
from timeline.core.history import PROPOSED, REPORTED
from timeline.core.questions import KNOWLEDGE, asked_day
from timeline.core.sheet import Citation
from timeline.exports import Cited, linked
from timeline.formats.drawing import drawing
from timeline.formats.sheets import SHEETS, cited_in_markdown
from timeline.web import api
from timeline.web.conditional import respond
from timeline.web.fresh import Fresh
from timeline.web.memento import day_wanted, lasting, links
from timeline.web.operations import Call, parameters
from timeline.web.reading import FOR_EVER, Reading
from timeline.web.templating import STATIC, Templates

Json = dict[str, Any]
_AS_OF = [each.name for each in api.STATE]
_ACROSS = [*(each.name for each in api.ACROSS), "announced_by"]
_SEARCH = [each.name for each in api.SEARCH]
_CHOICES = 200
"""So many partnerships can be chosen from a list; of more, one is typed."""
_SPAN = [each.name for each in api.SPAN]
_BESIDE = ("term", "include", "announced_by")
"""What a permanent address of a state leaves to its parameters."""
_AROUND = 1500
"""Characters of a long stored text shown around each quote."""
_WHOLE = 40_000
"""A text up to this length is shown whole."""


class Pages:
    """The pages that only ask.

    Args:
        fresh: Keeps pages for as long as they are true.
    """

    def __init__(self, reading: Reading, templates: Templates, fresh: Fresh) -> None:
        self._ask = reading
        self._templates = templates
        self._fresh = fresh

    def routes(self) -> list[BaseRoute]:
        """Their addresses."""

        def page(path: str, view: Callable[[Call], str], *known: str) -> Route:
            return Route(path, partial(self._show, view, known), methods=["GET"])

        return [
            page("/", self.home),
            Route("/search", self._search, methods=["GET"]),
            page("/in-force", self.in_force, *_ACROSS),
            Route("/leads", self._leads, methods=["GET"]),
            page("/subscribe", self.subscribe),
            Route("/status", self._status, methods=["GET"]),
            page("/p/{p}@{seq}/compare", self.compare, *_SPAN, "announced_by"),
            page("/p/{p}@{seq}/timeline", self.timeline, "announced_by"),
            page("/p/{p}@{seq}/t/{kind}/{subject}", self.term, "announced_by"),
            Route("/p/{p}@{seq}/{date}", self._cited, methods=["GET"]),
            Route("/p/{p}", self._partnership, methods=["GET"]),
            page("/p/{p}/compare", self.compare, *_SPAN, *KNOWLEDGE),
            page("/p/{p}/timeline", self.timeline, *KNOWLEDGE),
            page("/p/{p}/subscribe", self.subscribe),
            page("/p/{p}/t/{kind}/{subject}", self.term, *KNOWLEDGE),
            Route("/a/{p}/{n}", self._announcement, methods=["GET"]),
            Route("/static/{name}", self._static, methods=["GET"]),
        ]

    async def _show(self, view: Callable[[Call], str], known: tuple[str, ...], request: Request) -> Response:
        def render() -> bytes:
            return view(Call(request.path_params, parameters(request, known))).encode()

        return respond(request, await self._fresh.answer(request, render), "text/html; charset=utf-8")

    async def _partnership(self, request: Request) -> Response:
        """The page of a partnership; to a reader who names a moment (RFC 7089), the citation of that day."""
        given = parameters(request, _AS_OF)
        wanted = request.headers.get("accept-datetime")
        if wanted is not None and not given:
            return await run_in_threadpool(self._at_that_day, request, wanted)
        response = await self._show(self.partnership, tuple(_AS_OF), request)
        response.headers["Vary"] = "Accept-Datetime, Accept-Encoding"
        response.headers["Link"] = links(request.path_params["p"])
        return response

    def _at_that_day(self, request: Request, wanted: str) -> Response:
        on = day_wanted(wanted)
        slug = request.path_params["p"]
        head = self._ask.answers.partnership(slug)["head"]
        headers = {"Vary": "Accept-Datetime", "Link": links(slug)}
        return RedirectResponse(f"/p/{head}/{on.isoformat()}", 302, headers)

    async def _cited(self, request: Request) -> Response:
        """A cited state, and whether it reads the same today: the documents beside it never change, this may."""
        call = Call(request.path_params, parameters(request, _BESIDE))

        def render() -> bytes:
            cited = self._ask.cited_state(call)
            since = self._ask.since(call)
            fixed = Call(call.path, {**call.given, "known_seq": call.path["seq"]})
            return self._partnership_page(fixed, cited, cited.body, None, since).encode()

        body = await self._fresh.answer(request, render)
        headers = lasting(call.path, call.given)
        return respond(request, body, "text/html; charset=utf-8", headers=headers)

    async def _status(self, request: Request) -> Response:
        def render() -> bytes:
            parameters(request, ())
            return self._templates.render("status.html", status=self._ask.status(Call({}, {}))).encode()

        return respond(request, await run_in_threadpool(render), "text/html; charset=utf-8")

    async def _search(self, request: Request) -> Response:
        """Words in titles, quotes and texts; never kept, for the index comes after the record."""

        def render() -> bytes:
            # A form sends the fields that were left empty as well.
            given = {name: said for name, said in parameters(request, _SEARCH).items() if said.strip()}
            listed = self._ask.overview.partnerships()["partnerships"]
            return self._templates.render(
                "search.html",
                found=self._ask.search(Call({}, given)),
                given=given,
                partnerships=listed if len(listed) <= _CHOICES else [],
                kinds=sorted({kind for each in listed for kind in each["kinds"]}),
            ).encode()

        return respond(request, await run_in_threadpool(render), "text/html; charset=utf-8")

    async def _leads(self, request: Request) -> Response:
        """Where to look next; never kept, for the index comes after the record."""

        def render() -> bytes:
            given = parameters(request, [each.name for each in api.LEADS])
            found = self._ask.leads(Call({}, given))
            return self._templates.render("leads.html", found=found, given=given).encode()

        return respond(request, await run_in_threadpool(render), "text/html; charset=utf-8")

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise TimelineError("unknown_address", f"There is no {name[:80]}.", "Begin at /.")
        kept = FOR_EVER if "v" in request.query_params else None
        return respond(request, self._templates.static[name], STATIC[name], cache_control=kept)

    def home(self, call: Call) -> str:
        return self._templates.render("home.html", home=self._ask.home(call))

    def in_force(self, call: Call) -> str:
        """What is in force in all partnerships."""
        # A form sends the fields that were left empty as well.
        given = {name: said for name, said in call.given.items() if said.strip()}
        listed = self._ask.overview.partnerships()["partnerships"]
        parties = dict(sorted((slug, name) for each in listed for slug, name in each["parties"].items()))
        return self._templates.render(
            "in_force.html",
            found=self._ask.in_force(Call({}, given)),
            given=given,
            parties=parties if len(parties) <= _CHOICES else {},
            kinds=sorted(self._ask.answers.kinds.by_name),
            today=self._ask.clock().date().isoformat(),
        )

    def subscribe(self, call: Call) -> str:
        """The feeds, of everything or of one partnership."""
        chosen = self._ask.answers.partnership(call.path["p"]) if "p" in call.path else None
        listed = self._ask.overview.partnerships()["partnerships"]
        kinds = sorted({kind for each in listed for kind in each["kinds"]})
        parties = dict(sorted((slug, name) for each in listed for slug, name in each["parties"].items()))
        return self._templates.render("subscribe.html", chosen=chosen, listed=listed, kinds=kinds, parties=parties)

    def partnership(self, call: Call) -> str:
        """The state on a day with everything beside it."""
        body = self._ask.state(Call(call.path, {"include": "proposed,reported", **call.given}))
        today = self._ask.clock().date()
        if body["view"] == "cited":  # a position was asked for, and the page still leads back to today
            body["view"] = "scheduled" if body["resolved"]["as_of"] > today.isoformat() else "historical"
        lanes = [lane for lane in (PROPOSED, REPORTED) if body[lane]]
        shown = {"include": ",".join(lanes)} if lanes else {}
        cited = self._ask.cited_state(Call(call.path, {**call.given, **shown}))
        return self._partnership_page(call, cited, body, today, None)

    def _partnership_page(self, call: Call, cited: Cited, body: Json, today: date | None, since: Json | None) -> str:
        knowledge = {name: value for name, value in call.given.items() if name in KNOWLEDGE}
        if "announced_by" in knowledge:
            knowledge.pop("known_seq", None)  # only a permanent address fixes both
        timeline = self._ask.timeline(Call(call.path, knowledge))
        on = date.fromisoformat(body["resolved"]["as_of"])
        acts = self._ask.announcements(call)["announcements"]
        days = [each["on"] for each in timeline["days"]]
        return self._templates.render(
            "partnership.html",
            state=body,
            acts=list(reversed(acts)) if body["view"] != "cited" else [],
            not_applied=[act for act in acts if _not_applied(act, body)] if body["view"] != "cited" else [],
            picture=drawing(timeline, on, today),
            days=timeline["days"],
            previous=max((each for each in days if each < on.isoformat()), default=None),
            following=min((each for each in days if each > on.isoformat()), default=None),
            knowledge=knowledge,
            given=call.given,
            today=None if today is None else today.isoformat(),
            again=urlencode(call.given),
            since=since,
            **self._to_take_away(cited),
        )

    def _to_take_away(self, cited: Cited) -> Json:
        """What the lines on exporting and citing need, and what programs find in the page."""
        formats = {suffix: each.name for suffix, each in SHEETS.items()}
        return _citing(cited.citation, self._ask.exports.linked(cited)) | {"formats": formats}

    def compare(self, call: Call) -> str:
        """Two days side by side; without days, the last change and the day before it."""
        knowledge = {name: value for name, value in call.given.items() if name in KNOWLEDGE}
        days = [each["on"] for each in self._ask.timeline(Call(call.path, knowledge))["days"]]
        today = self._ask.clock().date()
        past = [each for each in days if each <= today.isoformat()]
        upto = call.given.get("to") or (past[-1] if past else today.isoformat())
        upto_day = asked_day(upto, self._ask.clock(), field="to")
        before = call.given.get("from") or date.fromordinal(max(upto_day.toordinal() - 1, 1)).isoformat()
        asked = Call(call.path, {**call.given, "from": before, "to": upto})
        cited = self._ask.cited_changes(asked)
        body = cited.body
        causes: dict[str, list[Json]] = {}
        for step in body["changes"]:
            causes.setdefault(step["term"], []).append(step)
        return self._templates.render(
            "compare.html",
            body=body,
            causes=causes,
            days=days,
            knowledge=knowledge,
            today=today.isoformat(),
            reread=self._ask.reread(self._ask.cited_changes, asked, cited),
            **self._to_take_away(cited),
        )

    def term(self, call: Call) -> str:
        return self._lives("term.html", self._ask.cited_history, call)

    def timeline(self, call: Call) -> str:
        """Every term's life."""
        return self._lives("timeline.html", self._ask.cited_timeline, call)

    def _lives(self, template: str, ask: Callable[[Call], Cited], call: Call) -> str:
        cited = ask(call)
        reread = self._ask.reread(ask, call, cited)
        taken = self._to_take_away(cited)
        return self._templates.render(template, body=cited.body, knowledge=call.given, reread=reread, **taken)

    async def _announcement(self, request: Request) -> Response:
        """An act; its page is kept once the index, which comes after the record, has all of it."""
        likes: Json = {}

        def render() -> bytes:
            parameters(request, ())
            call = Call(request.path_params, {})
            body = self._ask.announcement(call)
            likes.update(self._ask.similar(call))
            return self.announcement(body, likes).encode()

        page = await self._fresh.answer(request, render, keep=lambda: likes["indexed"] == likes["head"])
        return respond(request, page, "text/html; charset=utf-8")

    def announcement(self, body: Json, likes: Json) -> str:
        """An act with its sources and what is like it; each quote is marked in the stored text."""
        texts = []
        for number, source in enumerate(body.get("sources", []), start=1):
            if source["text_sha256"] is not None:
                stored = self._ask.answers.source_text(source["text_sha256"])
                of_it = [each for each in body.get("statements", []) if each["source"] == number and each["quote"]]
                text = stored.content.decode("utf-8-sig", "replace")
                texts.append({"number": number, **source, "pieces": marked(text, [each["quote"] for each in of_it])})
        exports = self._ask.exports
        taken = _citing(exports.announcement(body), exports.linked_announcement(body)) | {"formats": {}}
        return self._templates.render("announcement.html", act=body, texts=texts, likes=likes, **taken)


def _citing(citation: Citation, graph: list[Json]) -> Json:
    return {"citation": citation, "markdown": cited_in_markdown(citation), "linked": linked.alone(graph)}


def marked(text: str, quotes: list[str], *, whole: bool = False) -> list[Json]:
    """The text in pieces: {"text", "quoted", "cut"}; of a long one what stands around the quotes, unless `whole`."""
    spans: list[tuple[int, int]] = []
    for quote in quotes:
        found = find_quote(quote, text)
        if isinstance(found, Found):
            spans.append((found.start, found.end))
    pieces: list[Json] = []
    at = 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        pieces.append({"text": text[at : max(start, at)], "quoted": False, "cut": False})
        pieces.append({"text": text[max(start, at) : end], "quoted": True, "cut": False})
        at = end
    pieces.append({"text": text[at:], "quoted": False, "cut": False})
    return [each for piece in pieces for each in _shortened(piece, not whole and len(text) > _WHOLE)]


def _shortened(piece: Json, is_long: bool) -> list[Json]:
    text = piece["text"]
    if not text:
        return []
    if not is_long or piece["quoted"] or len(text) <= 2 * _AROUND:
        return [piece]
    cut = {"text": "", "quoted": False, "cut": True}
    return [piece | {"text": text[:_AROUND]}, cut, piece | {"text": text[-_AROUND:]}]


def _not_applied(act: Json, body: Json) -> bool:
    """Whether an act is on record and yet not in this answer: said after the day, or recorded or said too late."""
    resolved = body["resolved"]
    if act["seq"] > resolved["known_seq"]:
        return True
    said = act.get("announced")
    if said is None or not act["live"]:
        return False
    limit = min(resolved["as_of"], (resolved["announced_by"] or "9999")[:10])
    return bool(said[: len(limit)] > limit[: len(said)])
