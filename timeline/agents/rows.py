"""Rows of the tools' answers: the API's facts with the fields that an assistant needs, and a word for every nothing."""

from __future__ import annotations

from typing import Any

from timeline.agents.small import named
from timeline.bodies import since_text, until_text
from timeline.core.wording import NOT_STATED
from timeline.exports.memos import certainty, standing

Json = dict[str, Any]


def held(term: Json) -> Json:
    """A term in force, or in a lane beside the state."""
    return {
        **named(term, "term", "direction", "text", "value"),
        "since": since_text(term["since"]),
        "until": until_text(term["until"]),
        "certainty": certainty(term),
        **_as_said(term, "last_confirmed"),
        **named(term, "governed_by"),
        **_doubts(term),
    }


def ended(term: Json) -> Json:
    """A term that is over."""
    return {
        **named(term, "term", "direction", "status"),
        **_as_said(term, "on"),
        **named(term, "text"),
        "certainty": certainty(term),
        **named(term, "governed_by"),
        **_doubts(term),
    }


def ahead(line: Json) -> Json:
    """What ends or begins later; without a day where it waits for an event."""
    return {**_as_said(line, "on"), **named(line, "event", "term", "what", "text", "governed_by")}


def step(change: Json) -> Json:
    """One change in the world."""
    return {
        **_as_said(change, "on"),
        **named(change, "term", "label", "what", "text"),
        "before": change["before"]["text"],
        "after": change["after"]["text"],
        **named(change["after"], "governed_by"),
    }


def stretch(life: Json) -> Json:
    """Days over which one statement governed a term."""
    return {
        **_as_said(life, "from"),
        "through": life["through_text"] or "the next change",
        **named(life, "status", "text", "value"),
        "since": since_text(life["since"]),
        "until": until_text(life["until"]),
        **named(life, "certain_from", "announced", "recorded_at", "governed_by"),
    }


def said(statement: Json) -> Json:
    """A statement as it was heard."""
    found = statement["evidence"][0]
    return {
        **named(statement, "governed_by", "act", "force"),
        "text": statement["text"] or NOT_STATED,
        **named(statement, "announced", "recorded_at"),
        **named(found, "quote", "publisher", "tier"),
        "words": _standing(found),
    }


def statement(line: Json) -> Json:
    """A statement of an announcement, with its quote."""
    return {
        **named(line, "governed_by", "term", "label", "act", "force", "text"),
        "until": until_text(line["until"]),
        **named(line, "quote"),
        "words": _standing(line),
        **named(line, "source", "note"),
    }


def says(line: Json) -> Json:
    """What makes two statements of an announcement the same."""
    return named(line, "term", "act", "force", "text", "until", "quote", "note")


def source(line: Json, base_url: str) -> Json:
    """A source, and where its stored text is."""
    stored = line["text_sha256"]
    return {
        **named(line, "publisher", "tier", "url", "attached_by"),
        "stored_text": f"{base_url}/api/texts/{stored}" if stored else "not kept",
    }


def _partnership(line: Json) -> Json:
    return {
        **named(line, "partnership", "name", "parties", "announcements"),
        **_as_said(line, "first", "last"),
        **named(line, "kinds"),
    }


def _term(line: Json) -> Json:
    return named(line, "partnership", "name", "term", "label")


def _hit(line: Json) -> Json:
    passages = ["".join(piece["text"] for piece in passage) for passage in line["passages"][:1]]
    title = "".join(piece["text"] for piece in line["title"])
    return {**named(line, "id", "announced", "status"), "title": title, **named({"passages": passages}, "passages")}


OF_NAMES = {"partnerships": _partnership, "terms": _term, "announcements": _hit}
"""By the list that `find_partnership` answers with."""


def _as_said(line: Json, *names: str) -> Json:
    """Those days as closely as they were said, where there are any: “2025-10-28”, “in 2027”."""
    return {name: line[f"{name}_text"] for name in names if line[f"{name}_text"] is not None}


def _standing(found: Json) -> str:
    return standing(found["status"], found.get("unsupported"))


def _doubts(term: Json) -> Json:
    """What speaks against a term's words: that they stand nowhere, and what other sources of the same day say."""
    others = [named(each, "text", "value", "governed_by") for each in term["conflicts"]]
    unsupported = "unsupported" in term["evidence"][0]
    return {
        **({"words": _standing(term["evidence"][0])} if unsupported else {}),
        **({"conflicts": others} if others else {}),
    }
