"""Drafts over HTTP: begin, list, read, change, check, answer, append, discard, each with a token."""

from __future__ import annotations

import re
from typing import Any

from timeline.core.errors import TimelineError
from timeline.drafting import ANSWERS, Drafts
from timeline.submissions import decoded
from timeline.web import shapes
from timeline.web.operations import Body, Call, Operation, Parameter, Reply
from timeline.web.writing import body_name, flag, texts_of

Json = dict[str, Any]
_NUMBER = re.compile(r"[1-9]\d{0,14}", re.ASCII)
_EXPECTED = re.compile(r'"([1-9]\d{0,14})@([1-9]\d{0,14})"', re.ASCII)
_NEVER_KEPT = "no-store"

DRAFT: Json = {"type": "integer", "minimum": 1, "maximum": 999_999, "description": "A draft's number.", "example": 1}
_BOOLEAN: Json = {"enum": ["true", "false"]}
_PAGES = ("text/plain", "text/markdown", "text/html", "application/xhtml+xml", "application/pdf")
_ADDRESS = Parameter("address", f"Where the page was, if the body is one: {', '.join(_PAGES)}.", {"type": "string"})
_ANNOUNCED = Parameter("announced", "The day on which that page was published.", {"type": "string"})
_PARTNERSHIP = Parameter(
    "partnership", "Which that page is about, if the parties' names do not tell.", {"type": "string"}
)
_ALL = Parameter("all", "true: also those that were appended or discarded.", _BOOLEAN, "true")
_REVISION = Parameter("revision", "As it stood at that revision.", {"type": "integer", "minimum": 1}, 1)
_IF_MATCH = Parameter("If-Match", 'The draft and the revision that you know, in quotes: "3@4".', {"type": "string"})
_UNFINISHED: Json = {
    "partnership": "harbour-quill",
    "title": "Quill House pays more",
    "sources": [{"tier": "party", "publisher": "Harbour Signals"}],
}
_FINISHED: Json = _UNFINISHED | {"announced": "2026-02-07", "statements": []}


class Drafting:
    """The operations on drafts.

    Args:
        document: The JSON Schema of an announcement that need not be finished.
    """

    def __init__(self, drafts: Drafts, document: Json) -> None:
        self._drafts = drafts
        self._document = document

    def operations(self) -> tuple[Operation, ...]:
        """Their addresses, in the order in which a draft goes through them."""
        about, all_of_them = "/api/drafts/{id}", "/api/drafts"
        answer: Json = {
            "type": "object",
            "properties": {"of": {"type": "string"}, "answer": {"enum": list(ANSWERS)}},
            "required": ["of", "answer"],
        }
        why: Json = {"type": "object", "properties": {"why": {"type": "string", "minLength": 1}}, "required": ["why"]}
        unfinished = {"type": "object", "properties": self._document["properties"]}

        def get(path: str, name: str, summary: str, handler: Any, returns: Any, *given: Parameter) -> Operation:
            return Operation("GET", path, name, summary, handler, returns, given, scope="draft", moving=True)

        return (
            Operation("POST", all_of_them, "begin_draft", "Begin a draft; it may be unfinished", self.new, shapes.Draft,
                      (_ADDRESS, _ANNOUNCED, _PARTNERSHIP), body=Body(unfinished, _UNFINISHED), scope="draft"),
            get(all_of_them, "drafts", "The open drafts, newest change first", self.listed, shapes.Drafts, _ALL),
            get(about, "draft", "One draft: what came in, where it stands, its document", self.show, shapes.Draft,
                _REVISION),
            Operation("PUT", about, "save_draft", "Keep a new revision, finished or not", self.save, shapes.Draft,
                      headers=(_IF_MATCH,), body=Body(unfinished, _FINISHED), scope="draft"),
            get(f"{about}/check", "check_draft", "What appending would do, and what still blocks", self.check,
                shapes.DraftCheck),
            Operation("POST", f"{about}/answers", "answer_draft", "Whether it is another report of an announcement",
                      self.answer, shapes.DraftCheck, body=Body(answer, {"of": "harbour-quill/2", "answer": "new"}),
                      scope="draft"),
            Operation("POST", f"{about}/append", "append_draft", "Record it, once; again gives the same receipt",
                      self.append, shapes.Receipt, headers=(_IF_MATCH,), scope="append"),
            Operation("POST", f"{about}/discard", "discard_draft", "End it without recording anything", self.discard,
                      shapes.Draft, body=Body(why, {"why": "It is about another firm."}), scope="draft"),
        )  # fmt: skip

    def new(self, call: Call) -> Reply:
        media_type = call.headers.get("content-type", "")
        given = {name: call.given.get(name) for name in ("address", "announced", "partnership")}
        if media_type.partition(";")[0].strip().lower() in _PAGES:
            made = self._drafts.new_page(
                call.body,
                media_type=media_type,
                address=given["address"],
                announced=given["announced"],
                partnership=given["partnership"],
            )
        elif superfluous := [name for name, value in given.items() if value is not None]:
            raise TimelineError(
                "conflicting_parameters",
                "An announcement names its own sources, day and partnership; only a page is given them.",
                f"Leave {' and '.join(superfluous)} out, or send the page as text/plain.",
                field=superfluous[0],
            )
        else:
            made = self._drafts.new(call.body, name=body_name(call))
        return Reply(made, 201, {"Location": f"/api/drafts/{made['id']}"})

    def listed(self, call: Call) -> Reply:
        return Reply(self._drafts.listed(closed=flag(call, "all")), cache_control=_NEVER_KEPT)

    def show(self, call: Call) -> Reply:
        given = call.given.get("revision")
        revision = None if given is None else _positive(given, "revision")
        return Reply(self._drafts.show(_number(call), revision=revision), cache_control=_NEVER_KEPT)

    def save(self, call: Call) -> Reply:
        number, text = _number(call), decoded(call.body, name=body_name(call), field=None)
        return Reply(self._drafts.save(number, text, expect=_expected(call, number)))

    def check(self, call: Call) -> Reply:
        return Reply(self._drafts.check(_number(call)), cache_control=_NEVER_KEPT)

    def answer(self, call: Call) -> Reply:
        given = texts_of(call, "of", "answer")
        return Reply(self._drafts.answer(_number(call), given["of"], given["answer"]))

    def append(self, call: Call) -> Reply:
        number = _number(call)
        already = self._drafts.show(number)["receipt"] is not None
        receipt = self._drafts.append(number, expect=_expected(call, number))
        return Reply(receipt, 200 if already else 201, {"Location": f"/api/announcements/{receipt['id']}"})

    def discard(self, call: Call) -> Reply:
        return Reply(self._drafts.discard(_number(call), texts_of(call, "why")["why"]))


def _number(call: Call) -> int:
    return draft_number(call.path["id"])


def draft_number(text: str) -> int:
    """The number in an address.

    Raises:
        TimelineError: `unknown_draft` for what is none.
    """
    if not _NUMBER.fullmatch(text):
        raise TimelineError(
            "unknown_draft",
            f"“{text[:40]}” is no draft.",
            "A draft has a number; /api/drafts?all=true lists every draft.",
        )
    return int(text)


def _positive(text: str, name: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise TimelineError(
            "invalid_value",
            f"{name}={text[:40]} is no number.",
            f"Write {name}=1, or the number that you mean.",
            field=name,
        )
    return int(text)


def _expected(call: Call, number: int) -> int | None:
    """The revision that If-Match names."""
    given = call.headers.get("if-match")
    if given is None:
        return None
    match = _EXPECTED.fullmatch(given.strip())
    if match is None or int(match[1]) != number:
        raise TimelineError(
            "invalid_value",
            f"If-Match: {given[:80]} does not name a revision of draft {number}.",
            f'Take revision from GET /api/drafts/{number} and write "{number}@4".',
            field="If-Match",
        )
    return int(match[2])
