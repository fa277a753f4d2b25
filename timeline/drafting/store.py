"""Drafts in the database: what came in, every revision of the document, the texts that it quotes, how it ended.

Each function is one step of a transaction that the caller holds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from timeline.chain import microseconds, moment
from timeline.core.errors import TimelineError
from timeline.submissions import Text
from timeline.tables import draft, draft_answer, draft_revision, draft_text

Json = dict[str, Any]
OPEN, APPENDED, DISCARDED = "open", "appended", "discarded"
_DIFF_LINES = 200


@dataclass(frozen=True, slots=True)
class Received:
    """What a draft was made from, as it came in."""

    sha256: str
    media_type: str
    size: int
    """Bytes."""
    content: bytes | None
    """None where it is not kept, or no longer."""
    address: str | None = None
    retrieved_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft at its newest revision."""

    id: int
    status: str
    """open, appended or discarded."""
    revision: int
    """1 as it was made; one more with every change."""
    title: str | None
    created_at: datetime
    updated_at: datetime
    received: Received
    document: str
    """The announcement file as it stands, which may not be finished nor even be YAML."""
    texts: Mapping[str, Text]
    """The texts that its sources name by sha256."""
    answers: Mapping[str, str]
    """What was answered about each announcement that may be the same: attach, new or unsure."""
    receipt: Json | None
    reason: str | None
    """Why it was discarded."""


def add(
    connection: Connection, received: Received, document: str, title: str | None, texts: Sequence[Text], now: datetime
) -> int:
    """The number of a new draft. The caller holds the order of the log, so that no two get the same."""
    number: int = connection.scalar(select(func.coalesce(func.max(draft.c.id), 0) + 1)) or 1
    at = microseconds(now)
    row = {
        "id": number,
        "status": OPEN,
        "revision": 1,
        "title": title,
        "created_at": at,
        "updated_at": at,
        "sha256": received.sha256,
        "media_type": received.media_type,
        "size": received.size,
        "address": received.address,
        "retrieved_at": None if received.retrieved_at is None else microseconds(received.retrieved_at),
        "received": received.content,
    }
    connection.execute(insert(draft), row)
    _revise(connection, number, 1, document, texts, at)
    return number


def find(connection: Connection, number: int) -> Draft:
    """The draft with that number.

    Raises:
        TimelineError: `unknown_draft`.
    """
    row = connection.execute(select(draft).where(draft.c.id == number)).first()
    if row is None:
        raise TimelineError(
            "unknown_draft",
            f"There is no draft {number}.",
            "`timeline draft list --all` and /api/drafts?all=true list every draft.",
        )
    return _draft(connection, row)


def every(connection: Connection, *, closed: bool) -> list[Row[Any]]:
    """The drafts, newest change first, without their documents; only the open ones unless `closed`."""
    columns = [each for each in draft.c if each is not draft.c.received]
    question = select(*columns).order_by(draft.c.updated_at.desc(), draft.c.id.desc())
    return list(connection.execute(question if closed else question.where(draft.c.status == OPEN)).all())


def revision(connection: Connection, number: int, wanted: int) -> str:
    """The document as it stood at that revision.

    Raises:
        TimelineError: `unknown_draft`.
    """
    here = (draft_revision.c.draft == number) & (draft_revision.c.revision == wanted)
    found: str | None = connection.scalar(select(draft_revision.c.document).where(here))
    if found is None:
        raise TimelineError(
            "unknown_draft",
            f"Draft {number} has no revision {wanted}.",
            f"`timeline draft show {number}` and /api/drafts/{number} say how many it has.",
            field="revision",
        )
    return found


def save(
    connection: Connection,
    before: Draft,
    document: str,
    title: str | None,
    texts: Sequence[Text],
    now: datetime,
    *,
    expect: int | None,
) -> None:
    """Keep a new revision of an open draft.

    Raises:
        TimelineError: `draft_closed`; `stale_draft`, with what both changed (`theirs`, `yours`), when it is no longer
            at the revision expected.
    """
    still_open(before)
    if expect is not None and expect != before.revision:
        raise _stale(connection, before, document, expect)
    at, number = microseconds(now), before.revision + 1
    here = (draft.c.id == before.id) & (draft.c.revision == before.revision) & (draft.c.status == OPEN)
    changed = connection.execute(update(draft).where(here).values(revision=number, title=title, updated_at=at))
    if changed.rowcount != 1:  # somebody was faster since `before` was read
        raise _stale(connection, find(connection, before.id), document, before.revision)
    _revise(connection, before.id, number, document, texts, at)


def answer(connection: Connection, before: Draft, about: str, said: str, now: datetime) -> None:
    """Keep what was answered about one announcement; a later answer takes the place of an earlier one.

    Raises:
        TimelineError: `draft_closed`.
    """
    still_open(before)
    here = (draft_answer.c.draft == before.id) & (draft_answer.c.about == about)
    values = {"answer": said, "answered_at": microseconds(now)}
    if connection.execute(update(draft_answer).where(here).values(**values)).rowcount == 0:
        connection.execute(insert(draft_answer), {"draft": before.id, "about": about, **values})


def close(
    connection: Connection,
    before: Draft,
    status: str,
    now: datetime,
    *,
    receipt: Json | None = None,
    reason: str | None = None,
    erase: bool = False,
) -> None:
    """End an open draft.

    Args:
        erase: Whether what came in and the texts are not to be kept; their sha256 always is.

    Raises:
        TimelineError: `stale_draft` when it was changed or closed since it was read.
    """
    here = (draft.c.id == before.id) & (draft.c.revision == before.revision) & (draft.c.status == OPEN)
    values: Json = {
        "status": status,
        "updated_at": microseconds(now),
        "receipt": None if receipt is None else json.dumps(receipt, ensure_ascii=False),
        "reason": reason,
    }
    if erase:
        values["received"] = None
        connection.execute(delete(draft_text).where(draft_text.c.draft == before.id))
    if connection.execute(update(draft).where(here).values(**values)).rowcount != 1:
        raise _stale(connection, find(connection, before.id), before.document, before.revision)


def still_open(found: Draft) -> None:
    """Refuse to go on with a draft that has ended.

    Raises:
        TimelineError: `draft_closed`.
    """
    if found.status == APPENDED and found.receipt is not None:
        cited = found.receipt["id"]
        raise TimelineError(
            "draft_closed",
            f"Draft {found.id} was appended, as {cited}.",
            f"What is recorded is never changed: correct {cited}, or begin another draft.",
            id=cited,
        )
    if found.status != OPEN:
        raise TimelineError(
            "draft_closed",
            f"Draft {found.id} was discarded: {found.reason}.",
            f"`timeline draft show {found.id}` still has it; begin another draft from that.",
        )


def _revise(connection: Connection, number: int, count: int, document: str, texts: Sequence[Text], at: int) -> None:
    row = {"draft": number, "revision": count, "saved_at": at, "document": document}
    connection.execute(insert(draft_revision), row)
    known = set(connection.scalars(select(draft_text.c.sha256).where(draft_text.c.draft == number)))
    new = {text.sha256: text for text in texts if text.sha256 not in known}
    for text in new.values():
        kept = {"draft": number, "sha256": text.sha256, "media_type": text.media_type, "content": text.content}
        connection.execute(insert(draft_text), kept)


def _draft(connection: Connection, row: Row[Any]) -> Draft:
    texts = connection.execute(select(draft_text).where(draft_text.c.draft == row.id)).all()
    question = select(draft_answer).where(draft_answer.c.draft == row.id).order_by(draft_answer.c.about)
    answers = connection.execute(question).all()
    return Draft(
        id=row.id,
        status=row.status,
        revision=row.revision,
        title=row.title,
        created_at=moment(row.created_at),
        updated_at=moment(row.updated_at),
        received=Received(
            sha256=row.sha256,
            media_type=row.media_type,
            size=row.size,
            content=row.received,
            address=row.address,
            retrieved_at=None if row.retrieved_at is None else moment(row.retrieved_at),
        ),
        document=revision(connection, row.id, row.revision),
        texts={each.sha256: Text(each.sha256, each.media_type, each.content) for each in texts},
        answers={each.about: each.answer for each in answers},
        receipt=None if row.receipt is None else json.loads(row.receipt),
        reason=row.reason,
    )


def _stale(connection: Connection, now: Draft, document: str, expected: int) -> TimelineError:
    """The refusal of a change to an older revision, with what the others changed and what this one would."""
    base = revision(connection, now.id, expected)
    theirs = f"revision {now.revision}" if now.status == OPEN else now.status
    return TimelineError(
        "stale_draft",
        f"Draft {now.id} has moved on: you began at revision {expected}, it is at {now.revision} ({now.status}).",
        f"Look at both changes, put yours into revision {now.revision}, and save again.",
        revision=now.revision,
        theirs=_diff(base, now.document, f"revision {expected}", theirs),
        yours=_diff(base, document, f"revision {expected}", "yours"),
    )


def _diff(before: str, after: str, one: str, other: str) -> str:
    lines = list(unified_diff(before.splitlines(), after.splitlines(), one, other, lineterm="", n=2))
    cut = [f"… {len(lines) - _DIFF_LINES} lines more"] if len(lines) > _DIFF_LINES else []
    return "\n".join([*lines[:_DIFF_LINES], *cut])
