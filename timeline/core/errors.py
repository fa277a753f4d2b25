"""Everything that can be refused: a stable code, what is wrong, and what to type instead."""

from __future__ import annotations

from difflib import get_close_matches
from enum import Enum
from typing import Any


class Category(Enum):
    """What kind of trouble it is; the doors translate it: (exit code, HTTP status)."""

    USAGE = (2, 400)
    NOT_FOUND = (3, 404)
    REFUSED = (4, 422)
    CONFLICT = (5, 409)
    STALE = (5, 412)
    UNREADABLE = (6, 422)
    FORBIDDEN = (4, 403)
    INTEGRITY = (7, 500)
    UNAUTHENTICATED = (4, 401)
    WRONG_METHOD = (2, 405)
    TOO_LARGE = (6, 413)
    WRONG_TYPE = (2, 415)
    TOO_MANY = (5, 429)
    BUSY = (5, 503)
    UNAVAILABLE = (6, 503)
    BUG = (1, 500)

    @property
    def exit_code(self) -> int:
        return self.value[0]

    @property
    def http_status(self) -> int:
        return self.value[1]


CODES: dict[str, Category] = {
    # questions that cannot be asked so
    "unknown_parameter": Category.USAGE,
    "missing_parameter": Category.USAGE,
    "conflicting_parameters": Category.USAGE,
    "invalid_date": Category.USAGE,
    "ambiguous_date": Category.USAGE,
    "invalid_instant": Category.USAGE,
    "zone_missing": Category.USAGE,
    "instant_in_the_future": Category.USAGE,
    "invalid_value": Category.USAGE,
    "invalid_configuration": Category.USAGE,
    # requests that no address takes
    "unknown_address": Category.NOT_FOUND,
    "method_not_allowed": Category.WRONG_METHOD,
    "unsupported_media_type": Category.WRONG_TYPE,
    # who may do what, and how often
    "token_missing": Category.UNAUTHENTICATED,
    "token_unknown": Category.UNAUTHENTICATED,
    "scope_missing": Category.FORBIDDEN,
    "form_expired": Category.FORBIDDEN,
    "origin_refused": Category.FORBIDDEN,
    "drafting_off": Category.FORBIDDEN,
    "rate_limited": Category.TOO_MANY,
    "too_many_streams": Category.BUSY,
    # names that lead nowhere
    "unknown_text": Category.NOT_FOUND,
    "unknown_token": Category.NOT_FOUND,
    "unknown_partnership": Category.NOT_FOUND,
    "unknown_announcement": Category.NOT_FOUND,
    "unknown_term": Category.NOT_FOUND,
    "unknown_event": Category.NOT_FOUND,
    "unknown_feed": Category.NOT_FOUND,
    "unknown_position": Category.NOT_FOUND,
    "unknown_draft": Category.NOT_FOUND,
    "unknown_tool": Category.NOT_FOUND,
    "unknown_webhook": Category.NOT_FOUND,
    # documents that break a rule
    "malformed_document": Category.REFUSED,
    "unknown_field": Category.REFUSED,
    "missing_field": Category.REFUSED,
    "conflicting_fields": Category.REFUSED,
    "invalid_field": Category.REFUSED,
    "control_character": Category.REFUSED,
    "unknown_kind": Category.REFUSED,
    "value_fails_kind": Category.REFUSED,
    "until_before_effective": Category.REFUSED,
    "direction_contradicts": Category.REFUSED,
    "unknown_party": Category.REFUSED,
    "quote_missing": Category.REFUSED,
    "quote_not_found": Category.REFUSED,
    "quote_is_furniture": Category.REFUSED,
    "not_retractable": Category.REFUSED,
    "not_attachable": Category.REFUSED,
    "already_opened": Category.REFUSED,
    "event_already_occurred": Category.REFUSED,
    "draft_blocked": Category.REFUSED,
    "duplicate_unanswered": Category.REFUSED,
    "nothing_to_attach": Category.REFUSED,
    # someone was there first
    "key_reused": Category.CONFLICT,
    "lost_race": Category.CONFLICT,
    "stale_expectation": Category.STALE,
    "stale_draft": Category.STALE,
    "draft_closed": Category.CONFLICT,
    "database_busy": Category.BUSY,
    "another_record": Category.CONFLICT,
    # sources that cannot be read
    "unreadable_source": Category.UNREADABLE,
    "page_without_text": Category.UNREADABLE,
    "invalid_utf8": Category.UNREADABLE,
    "too_large": Category.TOO_LARGE,
    "fetch_refused": Category.UNREADABLE,
    "address_refused": Category.REFUSED,
    "address_unreachable": Category.UNREADABLE,
    "extra_missing": Category.UNAVAILABLE,
    "storage_failed": Category.UNAVAILABLE,
    "connection_lost": Category.UNAVAILABLE,
    "clock_wrong": Category.UNAVAILABLE,
    "replica_behind": Category.BUSY,
    # the record itself
    "integrity_failure": Category.INTEGRITY,
    "schema_mismatch": Category.INTEGRITY,
    # our own fault
    "internal_error": Category.BUG,
}


class TimelineError(Exception):
    """Expected trouble. Anything else that is raised is a bug and may crash.

    Args:
        code: A key of `CODES`; stable, programs may test it.
        detail: What is wrong, in one sentence, with the offending value.
        remedy: What to do instead; works when followed literally.
        field: Where in the document, as `statements[2].set.percent`, or None.
        more: Further facts for programs (JSON values), such as `did_you_mean`.
    """

    def __init__(self, code: str, detail: str, remedy: str, *, field: str | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.code = code
        self.category = CODES[code]
        self.detail = detail
        self.remedy = remedy
        self.field = field
        self.more = more

    def problem(self) -> dict[str, Any]:
        """The problem document of RFC 9457, the same on the command line and over HTTP."""
        title = self.code.replace("_", " ").capitalize()
        body: dict[str, Any] = {
            "type": f"urn:timeline:problem:{self.code}",
            "title": title,
            "status": self.category.http_status,
            "code": self.code,
            "detail": self.detail,
            "remedy": self.remedy,
        }
        if self.field is not None:
            body["field"] = self.field
        return body | self.more


def nearest(word: str, known: list[str] | tuple[str, ...]) -> list[str]:
    """Up to three known words that look like `word`, best first; none when nothing is near."""
    return get_close_matches(word, known, n=3, cutoff=0.6)


_SHOWN = 20
"""Words that a remedy lists before it only counts."""


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """The remedy for a misspelt word: the nearest known one, or the first of them all."""
    near = nearest(word, known)
    if near:
        return f"Did you mean {near[0]}?"
    shown = ", ".join(known[:_SHOWN]) + (f", and {len(known) - _SHOWN} more" if len(known) > _SHOWN else "")
    return f"Known: {shown}." if known else "There is none yet."


def unknown_partnership(
    name: str, known: list[str] | tuple[str, ...], further: str = "", *, field: str = "partnership"
) -> TimelineError:
    """The refusal of a partnership that was never opened.

    Args:
        known: The names of those that were.
        further: What else helps, a sentence.
    """
    near = did_you_mean(name, known) if known or not further else ""
    remedy = f"{near} {further}".strip()
    detail = f"There is no partnership “{name}”."
    return TimelineError("unknown_partnership", detail, remedy, field=field, did_you_mean=nearest(name, known))
