"""Acts as `storing` wrote them, read back: what is in the log was checked before, and is trusted here.

Half of the work of a rebuild would otherwise be to check again, word by word, what its hash vouches for
(decisions/0065). Whether a stored body is still what the rules say is asked by `act_checked`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from timeline.core import dates
from timeline.core.announcements.reading import act_from_json
from timeline.core.announcements.values import (
    Act,
    Announcement,
    Attachment,
    Correction,
    Direction,
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
from timeline.core.terms import Term, value_from_stored

_MANY = 4096
"""Dates and names kept: a record says the same ones again and again."""


def act_from_stored(body: str) -> Act:
    """The act that `canonical` wrote; of anything else it may make nonsense."""
    data = json.loads(body)
    if "corrects" in data:
        partnership, n = _reference(data["corrects"])
        content = _announcement(data, partnership)
        return Correction(partnership, n, data["reason"], content, data["by"], _day(data.get("corrected_on")))
    if "retracts" in data:
        partnership, n = _reference(data["retracts"])
        return Retraction(partnership, n, data["reason"], data["by"], _day(data.get("retracted_on")))
    if "attaches" in data:
        partnership, n = _reference(data["attaches"])
        return Attachment(partnership, n, _sources(data), data.get("note"))
    if "occurred" in data:
        return Occurrence(
            data["partnership"],
            data["occurred"],
            date.fromisoformat(data["on"]),
            _announced(data["announced"]),
            _sources(data),
            data.get("title"),
            data.get("note"),
        )
    if "parties" in data:
        return Opening(data["partnership"], data["name"], tuple((slug, name) for slug, name in data["parties"]))
    return _announcement(data, data["partnership"])


def act_checked(body: str) -> Act:
    """The act in a stored body, every rule checked that needs no vocabulary.

    Raises:
        TimelineError: as `act_from_json`.
        ValueError, KeyError, TypeError: for what is no JSON, or no stored value.
    """
    data = json.loads(body)
    if isinstance(data, dict) and isinstance(data.get("parties"), list):
        data["parties"] = dict(data["parties"])
    return act_from_json(data, None)


def _announcement(data: Mapping[str, Any], partnership: str) -> Announcement:
    return Announcement(
        partnership,
        data["title"],
        _announced(data["announced"]),
        data["force"],
        _sources(data),
        tuple(map(_statement, data["statements"])),
        data.get("summary"),
        data.get("note"),
    )


def _sources(data: Mapping[str, Any]) -> tuple[Source, ...]:
    return tuple(
        Source(raw["tier"], raw.get("url"), raw.get("publisher"), raw.get("text_sha256")) for raw in data["sources"]
    )


def _statement(raw: Mapping[str, Any]) -> Statement:
    given, value = raw.get, raw.get("set")
    direction, effective, until = given("direction"), given("effective"), given("until")
    return Statement(
        _term(raw["term"]),
        "end" if "end" in raw else "reaffirm" if value is None else "set",
        given("quote", ""),
        None if value is None else value_from_stored(value),
        None if direction is None else _direction(direction),
        None if effective is None else _effective(effective),
        None if until is None else _until(until),
        given("temporary", False),
        given("force"),
        given("source", 1),
        given("unsupported"),
        given("note"),
    )


def _effective(raw: Any) -> Effective:
    if isinstance(raw, dict):
        return When(raw["event"])
    return Unknown() if raw == "unknown" else _coarse(raw)


def _until(raw: Any) -> Until:
    if isinstance(raw, dict):
        outer = raw.get("no_later_than")
        return UntilEvent(raw["event"], None if outer is None else _coarse(outer))
    return ForGood() if raw == "for-good" else _coarse(raw)


def _reference(text: str) -> tuple[str, int]:
    partnership, _, n = text.partition("/")
    return partnership, int(n)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


@lru_cache(_MANY)
def _term(text: str) -> Term:
    kind, _, subject = text.partition("/")
    return Term(kind, subject)


@lru_cache(_MANY)
def _direction(text: str) -> Direction:
    giver, _, receiver = text.partition(" -> ")
    return Direction(giver, receiver)


_coarse = lru_cache(_MANY)(dates.coarse)
_announced = lru_cache(_MANY)(dates.announced)
