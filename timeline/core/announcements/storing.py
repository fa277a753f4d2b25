"""Acts as canonical JSON: sorted keys, no spaces, numbers as decimal text. What is hashed is what is stored."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

from timeline.core.announcements.values import (
    Act,
    Announcement,
    Attachment,
    Correction,
    Effective,
    ForGood,
    Occurrence,
    Opening,
    Retraction,
    Source,
    Statement,
    Unknown,
    Until,
    UntilEvent,
    When,
)
from timeline.core.dates import CoarseDate
from timeline.core.terms import value_to_json

_encoded = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def act_to_json(act: Act) -> dict[str, Any]:
    """The act as plain data: what was said and nothing that follows from it; defaults and empty fields left out."""
    match act:
        case Opening():
            return {"partnership": act.partnership, "name": act.name, "parties": dict(act.parties)}
        case Announcement():
            return _given(
                partnership=act.partnership,
                title=act.title,
                announced=act.announced.text,
                force=act.force,
                summary=act.summary,
                sources=[_source_to_json(source) for source in act.sources],
                statements=[_statement_to_json(statement) for statement in act.statements],
                note=act.note,
            )
        case Correction():
            head = _given(corrects=f"{act.partnership}/{act.n}", reason=act.reason, by=act.by)
            return head | _given(corrected_on=_day(act.on)) | act_to_json(act.content)
        case Retraction():
            return _given(
                retracts=f"{act.partnership}/{act.n}", reason=act.reason, by=act.by, retracted_on=_day(act.on)
            )
        case Attachment():
            return _given(
                attaches=f"{act.partnership}/{act.n}",
                sources=[_source_to_json(source) for source in act.sources],
                note=act.note,
            )
        case Occurrence():
            return _given(
                partnership=act.partnership,
                occurred=act.event,
                on=_day(act.on),
                announced=act.announced.text,
                sources=[_source_to_json(source) for source in act.sources],
                title=act.title,
                note=act.note,
            )


def canonical(act: Act) -> str:
    """The act's canonical JSON: sorted keys, no spaces, numbers as decimal text. What is hashed is what is stored."""
    body = act_to_json(act)
    if isinstance(act, Opening):  # the order in which the parties are named is part of what was said
        body["parties"] = [list(party) for party in act.parties]
    return _encoded(body)


def content_hash(body: str) -> str:
    """The sha256 of a canonical body: two acts with the same one say the same."""
    return sha256(body.encode()).hexdigest()


def with_texts(act: Act, shas: Mapping[int, str]) -> Act:
    """The act, its sources (counted from 1) naming the stored texts given for them."""
    if isinstance(act, Correction):
        return replace(act, content=replace(act.content, sources=_with_texts(act.content.sources, shas)))
    if isinstance(act, Announcement | Occurrence | Attachment):
        return replace(act, sources=_with_texts(act.sources, shas))
    return act


def _with_texts(sources: tuple[Source, ...], shas: Mapping[int, str]) -> tuple[Source, ...]:
    return tuple(
        replace(source, text_sha256=shas.get(place, source.text_sha256))
        for place, source in enumerate(sources, start=1)
    )


def _source_to_json(source: Source) -> dict[str, Any]:
    return _given(url=source.url, publisher=source.publisher, tier=source.tier, text_sha256=source.text_sha256)


def _statement_to_json(statement: Statement) -> dict[str, Any]:
    body = _given(
        term=str(statement.term),
        direction=None if statement.direction is None else str(statement.direction),
        effective=_effective_to_json(statement.effective),
        until=_until_to_json(statement.until),
        temporary=statement.temporary or None,
        force=statement.force,
        quote=statement.quote or None,
        source=None if statement.source == 1 else statement.source,
        unsupported=statement.unsupported,
        note=statement.note,
    )
    body[statement.act] = True if statement.value is None else value_to_json(statement.value, stored=True)
    return body


def _effective_to_json(effective: Effective) -> Any:
    match effective:
        case CoarseDate():
            return effective.text
        case Unknown():
            return "unknown"
        case When():
            return {"event": effective.event}
    return None


def _until_to_json(until: Until) -> Any:
    match until:
        case CoarseDate():
            return until.text
        case ForGood():
            return "for-good"
        case UntilEvent():
            outer = until.no_later_than
            return _given(event=until.event, no_later_than=None if outer is None else outer.text)
    return None


def _day(on: date | None) -> str | None:
    return None if on is None else on.isoformat()


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
