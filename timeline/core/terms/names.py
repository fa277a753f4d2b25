"""How things are named: terms, partnerships and parties; and what is a text at all."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from timeline.core.errors import TimelineError

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
SLUG_LENGTH = 80
TEXT_LENGTH = 10_000
UNDATED = "undated"
"""The subject of a term that is named after its year, as long as nobody has given the year; never recorded."""
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Term(NamedTuple):
    """What a statement is about: `kind/subject`. A tuple, because lines are looked up by it all the time."""

    kind: str
    subject: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.subject}"


def term(text: Any, *, field: str | None = None) -> Term:
    """Read `kind/subject`; the kind need not be a known one."""
    found = _term(text) if isinstance(text, str) and len(text) <= 2 * SLUG_LENGTH + 1 else None
    if found is not None:
        return found
    raise TimelineError(
        "invalid_field",
        f"“{text}” is not a term.",
        _written_well(text, pieces=2)
        or "Write it as kind/subject in small letters, digits and hyphens: exclusivity/cloud.",
        field=field,
    )


@lru_cache(maxsize=4096)
def _term(text: str) -> Term | None:
    """The term; None when it is none. Kept, because the same ones are named again and again."""
    kind, slash, subject = text.partition("/")
    return Term(kind, subject) if slash and is_slug(kind) and is_slug(subject) else None


def slug(text: Any, *, field: str) -> str:
    """A name for addresses: small letters, digits and single hyphens, at most 80."""
    if isinstance(text, str) and is_slug(text):
        return text
    raise TimelineError(
        "invalid_field",
        f"“{text}” cannot be used as a name.",
        _written_well(text, pieces=1) or "Use small letters, digits and single hyphens: openai-microsoft.",
        field=field,
    )


def _written_well(text: Any, *, pieces: int) -> str | None:
    """The remedy for a name, or names joined by a slash, written as people write: Harbour Quill, Quill's Stake."""
    found = ["-".join(re.findall("[a-z0-9]+", each.lower())) for each in str(text).split("/")]
    if len(found) != pieces or not all(map(is_slug, found)):
        return None
    return f"Write {'/'.join(found)}."


def text_of(raw: Any, *, field: str, length: int = TEXT_LENGTH) -> str:
    """The text, without surrounding white space; control characters are refused, for they break feeds."""
    if not isinstance(raw, str):
        raise TimelineError(
            "invalid_field", f"{field} must be text, not {raw!r}.", "Put it in quotation marks.", field=field
        )
    found = _UNPRINTABLE.search(raw)
    if found is not None:
        raise TimelineError(
            "control_character",
            f"{field} contains the character U+{ord(found[0]):04X}, which no page or feed can show.",
            "Remove it: it usually comes with text copied from a PDF or a terminal.",
            field=field,
        )
    stripped = raw.strip()
    if not stripped:
        raise TimelineError("invalid_field", f"{field} is empty.", "Fill it in, or leave the field out.", field=field)
    if len(stripped) > length:
        raise TimelineError(
            "invalid_field",
            f"{field} has {len(stripped)} characters; at most {length} are kept.",
            f"Shorten it to {length} characters; the whole text belongs to a source, as `text:`.",
            field=field,
        )
    return stripped


def is_slug(text: str) -> bool:
    """Whether it may stand in an address as it is: small letters, digits and single hyphens, at most 80."""
    return len(text) <= SLUG_LENGTH and SLUG.fullmatch(text) is not None
