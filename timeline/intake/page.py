"""A page that was read, and how a page is refused."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from timeline.core.errors import TimelineError
from timeline.core.evidence import Lead
from timeline.core.proposing import Dated

MAX_PAGE_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class KeptApart:
    """A part that is no evidence, such as an aggregator's summary."""

    part: str
    text: str


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Something that was taken out or looks odd."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Page:
    """What was received, and the text derived from it."""

    sha256: str
    """Of the bytes as received."""
    media_type: str
    """What it was read as."""
    size: int
    """Bytes."""
    address: str | None
    """As given, else the one that an aggregator's page names as its source."""
    retrieved_at: datetime | None
    title: str | None
    publisher: str | None
    """As the page names it: its site, or the aggregator's feed."""
    published: Dated | None
    """The page's own date, never the time of a copy."""
    text: str
    """The derived text, which is stored and in which quotes must stand; an aggregator's page whole, with its parts."""
    main: str
    """What of it is evidence, as people read it; paragraphs apart by a blank line."""
    parts: tuple[KeptApart, ...]
    leads: tuple[Lead, ...]
    """The aggregator's "Similar Articles"."""
    language: str | None
    """As the page declares it: en, or en-US."""
    aggregated: bool
    """Whether it has the aggregator's form."""
    warnings: tuple[Cleaned, ...]


def without_text(what: str) -> TimelineError:
    """The refusal of a page in which there is nothing to read."""
    return TimelineError(
        "page_without_text",
        f"{what} has no text that can be read.",
        "Open it, copy the words of the announcement, and paste them as plain text.",
    )


def unreadable(what: str, why: str) -> TimelineError:
    """The refusal of a page that cannot be read."""
    return TimelineError(
        "unreadable_source",
        f"{what} cannot be read: {why}.",
        "Open it, copy the words of the announcement, and paste them as plain text.",
    )


def extra_missing(what: str) -> TimelineError:
    """The refusal where the library that reads it is not installed."""
    return TimelineError("extra_missing", f"{what} cannot be read here.", "Install timeline[ingest].", extra="ingest")
