"""Answers as documents: the same address as the page with .docx, .pdf, .csv, .md or .jsonld, live or permanent."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from timeline.exports import Cited, linked
from timeline.formats.sheets import SHEETS
from timeline.web import api
from timeline.web.memento import lasting
from timeline.web.operations import ENCODER, Call, Operation, Parameter, Reply
from timeline.web.reading import FOR_EVER, Reading

_LINKED = {"jsonld": "application/ld+json"}
_FORMATS = {suffix: each.media_type for suffix, each in SHEETS.items() if suffix != "json"} | _LINKED
"""JSON is the API's."""


class Documents:
    """The documents of a record's answers."""

    def __init__(self, reading: Reading) -> None:
        self._ask = reading

    def operations(self) -> tuple[Operation, ...]:
        """Their addresses: of each answer the permanent one and the live one, in every format."""
        ask, announced_by = self._ask, api.KNOWLEDGE[2]

        def get(
            path: str, name: str, summary: str, question: Callable[[Call], Cited], *parameters: Parameter
        ) -> Operation:
            handler = partial(self._document, question)
            return Operation("GET", path, name, summary, handler, None, parameters, formats=_FORMATS)

        act = ("/a/{p}/{n}.jsonld", "act_as_linked_data", "One act as linked data", self._act)
        return (
            Operation("GET", *act, returns=None, formats=_LINKED),
            get("/p/{p}@{seq}/compare.{format}", "cited_changes_as", "Two days compared as a document, for ever",
                ask.cited_changes, *api.SPAN, announced_by),
            get("/p/{p}@{seq}/timeline.{format}", "cited_timeline_as", "Every term's line as a document, for ever",
                ask.cited_timeline, announced_by),
            get("/p/{p}@{seq}/t/{kind}/{subject}.{format}", "cited_history_as",
                "One term's life as a document, for ever", ask.cited_history, announced_by),
            get("/p/{p}@{seq}/{date}.{format}", "cited_state_as", "What was in force as a document, for ever",
                ask.cited_state, *api.STATE[-2:], announced_by),
            get("/p/{p}/compare.{format}", "changes_as", "Two days compared as a document",
                ask.cited_changes, *api.SPAN, *api.KNOWLEDGE),
            get("/p/{p}/timeline.{format}", "timeline_as", "Every term's line as a document",
                ask.cited_timeline, *api.KNOWLEDGE),
            get("/p/{p}/t/{kind}/{subject}.{format}", "history_as", "One term's life as a document",
                ask.cited_history, *api.KNOWLEDGE),
            get("/p/{p}.{format}", "state_as", "What was in force as a document", ask.cited_state, *api.STATE),
        )  # fmt: skip

    def _document(self, question: Callable[[Call], Cited], call: Call) -> Reply:
        cited, suffix = question(call), call.path["format"]
        permanent = "seq" in call.path
        headers = lasting(call.path, call.given) if permanent else {}
        if suffix in _LINKED:
            body = ENCODER.encode(linked.document(self._ask.exports.linked(cited)))
        else:
            made, place = SHEETS[suffix], cited.citation.path.removeprefix("/p/").replace("/", "-")
            body = made.render(self._ask.exports.sheet(cited))
            shown = "attachment" if made.attached else "inline"
            headers |= {"Content-Disposition": f'{shown}; filename="{place}.{suffix}"'}
            if not permanent:
                headers |= {"Link": f'<{cited.citation.link()}>; rel="cite-as"'}
        return Reply(body, headers=headers, cache_control=FOR_EVER if permanent else None)

    def _act(self, call: Call) -> Reply:
        return Reply(
            ENCODER.encode(linked.document(self._ask.exports.linked_announcement(self._ask.announcement(call))))
        )
