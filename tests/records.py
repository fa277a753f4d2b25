"""A partnership's record said in a few words, and the log that holds it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from timeline.core.announcements import act_from_json, canonical, content_hash
from timeline.core.announcements.values import KIND_OF_ACT
from timeline.core.history import Recorded
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.settings import Settings, load

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
Document = dict[str, Any]


def opening(slug: str = "acme-bolt") -> Document:
    """Two parties whose names need escaping."""
    return {"partnership": slug, "name": "Acme & Co – <Bolt>", "parties": {"acme": "Acme & Co", "bolt": "<Bolt>"}}


def said(percent: int, announced: str = "2026-01-01", slug: str = "acme-bolt", **more: Any) -> Document:
    """An announcement that Bolt holds so much of Acme, from the announced day or as `statement` says."""
    statement = {
        "term": "stake/bolt",
        "direction": "acme -> bolt",
        "set": {"percent": percent},
        "quote": f"{percent} & <more>",
    }
    source = {"publisher": "Acme & Co", "tier": "party", "url": "https://acme.example/news?a=1&b=2"}
    return {
        "partnership": slug,
        "title": f"Bolt holds {percent} %",
        "summary": f"Bolt & Acme agree on {percent} <percent>.",
        "announced": announced,
        "force": "agreed",
        "sources": [source],
        "statements": [statement | more.pop("statement", {})],
        **more,
    }


def corrected(n: int, document: Document) -> Document:
    return {**document, "corrects": f"{document['partnership']}/{n}", "reason": "A digit was wrong", "by": "editor"}


def retracted(n: int, slug: str = "acme-bolt") -> Document:
    return {"retracts": f"{slug}/{n}", "partnership": slug, "reason": "It was never said", "by": "editor"}


def recorded(
    documents: Iterable[Document], start: datetime = START, step: timedelta = timedelta(hours=1)
) -> list[Recorded]:
    """The acts of one partnership as a log records them, one each step."""
    acts = (act_from_json(document, BUILTIN) for document in documents)
    return [Recorded(n + 1, n, start + n * step, act) for n, act in enumerate(acts)]


def append(log: Log, *documents: Document) -> None:
    """Record documents, with nothing checked but their form."""
    for document in documents:
        act = act_from_json(document, BUILTIN)
        with log.writing() as writer:
            head = writer.partnership_head(act.partnership)
            body = canonical(act)
            writer.append(
                partnership=act.partnership,
                expected_version=0 if head is None else head[0] + 1,
                kind=KIND_OF_ACT[type(act)],
                key=None,
                idempotency_key=None,
                content_hash=content_hash(body),
                body=body,
            )


def settings(**more: str | int) -> Settings:
    """Settings of a public service; pages as small as they may be."""
    public: dict[str, str | int | None] = {"base_url": "https://timeline.example.org", "head_entries": 20}
    return load({**public, "tag_authority": "example.org,2026", **more}, {})


DAY = date(2026, 1, 1)
